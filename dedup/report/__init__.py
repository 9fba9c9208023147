"""A period's stories and changes as a value, and its renderings as JSON, Markdown and one HTML page.

`build` makes the value, `to_json`, `to_markdown` and `to_html` only show it. A report is a function of its
arguments: the same value gives the same bytes. Renderings are bounded however large the period is.
"""

from __future__ import annotations

from dedup.report.html import to_html
from dedup.report.json import to_json
from dedup.report.markdown import to_markdown
from dedup.report.period import Period, PeriodKind, TimezoneError, period_of, previous
from dedup.report.plain import plain
from dedup.report.value import Counts, Report, StoryChange, StorylineTold, StoryTold, Told, build

__all__ = [
    "Counts",
    "Period",
    "PeriodKind",
    "Report",
    "StoryChange",
    "StoryTold",
    "StorylineTold",
    "TimezoneError",
    "Told",
    "build",
    "period_of",
    "plain",
    "previous",
    "to_html",
    "to_json",
    "to_markdown",
]
