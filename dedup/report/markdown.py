"""The report as Markdown: CommonMark with tables, readable as plain text too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from dedup.report.period import describe_day, describe_hours, local_time
from dedup.report.plain import MAX_ID, MAX_SOURCE, clip, shown_headline, web_address
from dedup.report.value import MAX_LISTED, MAX_STORYLINES, Report, StoryChange, StorylineTold, StoryTold
from dedup.story import Story

_MAX_SOURCES: Final = 5
_SPECIAL: Final = re.compile(r"[\\`*_\[\]<>|~&$]|:(?=//)|(?<=www)\.", re.IGNORECASE)
_NUMBERED: Final = re.compile(r"\d{1,9}[.)]")
_AT: Final = re.compile(r"@(?=\w)")
_BARE_ID: Final = re.compile(r"[A-Za-z0-9._:-]+")
_RELATION: Final = {"merged": "merged into", "split": "split from", "linked": "continues", "corrected": "apart from"}


def to_markdown(report: Report) -> str:
    """The report as a Markdown document; times are those of the period's time zone.

    Strangers' text is escaped: it makes no heading, list, table cell, code, HTML, mention or link. A headline links
    to its article where that has an http or https address. At most 50 changes of a kind, 20 storylines and 50
    stories of a storyline are listed, the rest is counted.
    """
    blocks = [*_head(report), *_largest(report), *_storylines(report), *_changes(report)]
    return "\n\n".join(blocks) + "\n"


def escape_markdown(text: str) -> str:
    """Plain text of one line, escaped so that Markdown shows it as it is."""
    escaped = _SPECIAL.sub(r"\\\g<0>", text)
    if escaped[:1] in {"#", "+", "-", "="}:
        escaped = "\\" + escaped
    elif numbered := _NUMBERED.match(escaped):
        escaped = f"{escaped[: numbered.end() - 1]}\\{escaped[numbered.end() - 1 :]}"
    return _AT.sub("@\N{WORD JOINER}", escaped)


def _head(report: Report) -> Iterator[str]:
    period, counts = report.period, report.counts
    zone = escape_markdown(clip(period.timezone, MAX_SOURCE))
    hours = describe_hours(period)
    yield f"# Stories of {describe_day(period)}" + (f", {hours}" if hours else "")
    yield f"Times in {zone}. Written {local_time(report.generated_at, period.timezone)}."
    if not counts.n_articles:
        yield "No articles in this period." + (f" {counts.n_rejected:,} rejected." if counts.n_rejected else "")
        return
    yield (
        f"**{counts.n_articles:,}** {_plural(counts.n_articles, 'article')} "
        f"from {counts.n_sources:,} {_plural(counts.n_sources, 'source')}, "
        f"**{counts.n_families:,}** {'family' if counts.n_families == 1 else 'families'}, "
        f"**{counts.near_duplicate_ratio:.0%}** near-duplicates; "
        f"{counts.n_copies:,} {'copy' if counts.n_copies == 1 else 'copies'}, {counts.n_rejected:,} rejected."
    )


def _largest(report: Report) -> Iterator[str]:
    if not report.largest:
        return
    yield "## Largest stories"
    yield "\n".join(
        [
            "| Story | New | Articles | Families | Near-duplicates | First published | Last published | Sources |",
            "| --- | ---: | ---: | ---: | ---: | --- | --- | --- |",
            *(_large_story(large, report.period.timezone) for large in report.largest),
        ]
    )


def _large_story(large: StoryTold, timezone: str) -> str:
    story = large.told.story
    cells = (
        f"{_linked(story.headline, large.told.url)} {_code(story.id)}",
        f"{large.told.n_new_articles:,}",
        f"{story.n_articles:,}",
        f"{story.n_families:,}",
        f"{large.near_duplicate_ratio:.0%}",
        _time(story.first_published_at, timezone),
        _time(story.last_published_at, timezone),
        _sources(large.told.sources),
    )
    return "| " + " | ".join(cells) + " |"


def _storylines(report: Report) -> Iterator[str]:
    if not report.storylines:
        return
    yield "## Storylines"
    for told in report.storylines[:MAX_STORYLINES]:
        yield from _storyline(told, report.period.timezone)
    if (n_more := len(report.storylines) - MAX_STORYLINES) > 0:
        yield f"and {n_more:,} more"


def _storyline(told: StorylineTold, timezone: str) -> Iterator[str]:
    yield f"### {_headline(told.storyline.headline)}"
    n_stories, n_articles = told.storyline.n_stories, told.storyline.n_articles
    yield (
        f"{n_stories:,} {'story' if n_stories == 1 else 'stories'}, "
        f"{n_articles:,} {_plural(n_articles, 'article')} {_code(told.storyline.id)}"
    )
    n_earlier = max(0, len(told.stories) - MAX_LISTED)
    lines = [f"- {n_earlier:,} earlier"] if n_earlier else []
    lines += [_storyline_story(story, timezone, changed=story.id in told.changed) for story in told.stories[n_earlier:]]
    if lines:
        yield "\n".join(lines)


def _storyline_story(story: Story, timezone: str, *, changed: bool) -> str:
    return (
        f"- {_time(story.first_published_at, timezone)}: {_headline(story.headline)}, "
        f"{story.n_articles:,} {_plural(story.n_articles, 'article')}"
        f"{', changed in this period' if changed else ''} {_code(story.id)}"
    )


def _changes(report: Report) -> Iterator[str]:
    listed = [(name, changes) for name, changes in report.changes() if changes]
    if not listed and not report.n_moved and not report.n_revised:
        return
    yield "## Changes"
    for name, changes in listed:
        yield f"### {name.capitalize()}: {len(changes):,}"
        lines = [_change(name, change, report.period.timezone) for change in changes[:MAX_LISTED]]
        if (n_more := len(changes) - MAX_LISTED) > 0:
            lines.append(f"- and {n_more:,} more")
        yield "\n".join(lines)
    if report.n_moved or report.n_revised:
        moved = f"{report.n_moved:,} {_plural(report.n_moved, 'article')} moved to another story"
        yield f"{moved}, {report.n_revised:,} revised."


def _change(name: str, change: StoryChange, timezone: str) -> str:
    headline = change.headline or (change.other_headline if name == "merged" else "")
    relation = f" {_RELATION[name]} {_code(change.other)}" if name in _RELATION and change.other else ""
    counted = "" if name == "linked" else f" {change.n_articles:,} {_plural(change.n_articles, 'article')},"
    return f"- {_headline(headline)} {_code(change.story)}{relation},{counted} {local_time(change.at, timezone)}"


def _headline(headline: str) -> str:
    return escape_markdown(shown_headline(headline))


def _linked(headline: str, url: str) -> str:
    address = web_address(url).replace("&", "&amp;")
    return f"[{_headline(headline)}]({address})" if address else _headline(headline)


def _code(story_id: str) -> str:
    shown = clip(story_id, MAX_ID)
    return f"`{shown}`" if _BARE_ID.fullmatch(shown) else escape_markdown(shown)


def _sources(sources: tuple[str, ...]) -> str:
    names = [escape_markdown(clip(source, MAX_SOURCE)) for source in sources[:_MAX_SOURCES]]
    n_more = len(sources) - len(names)
    return ", ".join(names) + (f" and {n_more:,} more" if n_more else "")


def _time(at: float | None, timezone: str) -> str:
    return "undated" if at is None else local_time(at, timezone)


def _plural(n: int, noun: str) -> str:
    return noun if n == 1 else f"{noun}s"
