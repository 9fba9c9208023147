"""A period's stories and changes as a value, and its renderings as JSON, Markdown and one HTML page.

`build` makes the value, `to_json`, `to_markdown` and `to_html` only show it, and `from_json` reads it back. A report
is a function of its arguments: the same value gives the same bytes. Renderings are bounded however large the period is.
`Redaction` takes out of one what it tells of one article.
"""

from __future__ import annotations

from dedup.report.html import to_html
from dedup.report.json import to_json
from dedup.report.markdown import to_markdown
from dedup.report.period import Period, PeriodKind, TimezoneError, period_of, previous
from dedup.report.plain import plain
from dedup.report.reading import ReportError, from_json
from dedup.report.redaction import Gone, Present, Redaction
from dedup.report.value import Counts, Report, StoryChange, StorylineTold, StoryTold, Told, build

__all__ = [
    "Counts",
    "Gone",
    "Period",
    "PeriodKind",
    "Present",
    "Redaction",
    "Report",
    "ReportError",
    "StoryChange",
    "StoryTold",
    "StorylineTold",
    "TimezoneError",
    "Told",
    "build",
    "from_json",
    "period_of",
    "plain",
    "previous",
    "to_html",
    "to_json",
    "to_markdown",
]
