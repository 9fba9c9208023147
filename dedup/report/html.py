"""The report as one HTML page: no script, nothing loaded from anywhere, nothing of an article left unescaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Final

from dedup.article import format_time
from dedup.report.period import describe_day, describe_hours, local_time
from dedup.report.plain import MAX_ID, MAX_SOURCE, clip, shown_headline, web_address
from dedup.report.style import STYLE, STYLE_SOURCE
from dedup.report.value import MAX_LISTED, MAX_STORYLINES, Report, StoryChange, StorylineTold, StoryTold
from dedup.story import Story

POLICY: Final = f"default-src 'none'; style-src {STYLE_SOURCE}; base-uri 'none'; form-action 'none'"
"""The page's content security policy: its own style sheet and nothing else."""

_MAX_SOURCES: Final = 8
_SHORTEST_SPAN: Final = 0.8
"""Percent of the time axis that a story takes at least, so that it can be seen."""
_HEADINGS: Final = {
    "born": "New stories",
    "grown": "Stories that grew",
    "merged": "Merged stories",
    "split": "Stories that split off",
    "ended": "Ended stories",
    "linked": "Stories that continue others",
    "corrected": "Corrected by hand",
}
_RELATION: Final = {"merged": "merged into", "split": "split from", "linked": "continues", "corrected": "apart from"}


def to_html(report: Report) -> str:
    """The report as a self-contained page for light and dark screens of any width.

    Times are those of the period's time zone. A headline links to its article where that has an http or https
    address. At most 50 changes of a kind, 20 storylines and 50 stories of a storyline are listed, the rest is
    counted. The page carries `POLICY` and needs no other.
    """
    lines = (
        "<!DOCTYPE html>",
        '<html lang="en">',
        *_head(report),
        "<body>",
        *_header(report),
        "<main>",
        *_largest(report),
        *_storylines(report),
        *_changes(report),
        "</main>",
        *_footer(report),
        "</body>",
        "</html>",
    )
    return "\n".join(lines) + "\n"


def _head(report: Report) -> Iterator[str]:
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark">'
    yield '<meta name="referrer" content="no-referrer">'
    yield f"<title>Stories of {_title(report)}</title>"
    yield f"<style>{STYLE}</style>"
    yield "</head>"


def _header(report: Report) -> Iterator[str]:
    yield "<header>"
    yield f'<p class="kicker">{"Hourly" if report.period.kind == "hour" else "Daily"} report</p>'
    yield f"<h1>{_title(report)}</h1>"
    yield f'<p class="note">Times in {_text(report.period.timezone, MAX_SOURCE)}</p>'
    if report.counts.n_articles:
        yield from _figures(report)
    else:
        yield '<p class="empty">No articles in this period.</p>'
    happened = [f"<li><strong>{len(changes):,}</strong> {name}</li>" for name, changes in report.changes() if changes]
    happened += [
        f"<li><strong>{n:,}</strong> {_plural(n, 'article')} {verb}</li>"
        for n, verb in ((report.n_moved, "moved"), (report.n_revised, "revised"))
        if n
    ]
    if not report.counts.n_articles and report.counts.n_rejected:
        happened.append(f"<li><strong>{report.counts.n_rejected:,}</strong> rejected</li>")
    if happened:
        yield f'<ul class="happened" aria-label="What happened to stories">{"".join(happened)}</ul>'
    yield "</header>"


def _figures(report: Report) -> Iterator[str]:
    counts = report.counts
    figures = (
        ("Articles", f"{counts.n_articles:,}"),
        ("Families", f"{counts.n_families:,}"),
        ("Near-duplicates", f"{counts.near_duplicate_ratio:.0%}"),
        ("Copies", f"{counts.n_copies:,}"),
        ("Sources", f"{counts.n_sources:,}"),
        ("Rejected", f"{counts.n_rejected:,}"),
    )
    yield f'<dl class="figures">{_pairs(figures)}</dl>'


def _largest(report: Report) -> Iterator[str]:
    if not report.largest:
        return
    longest = max(large.told.story.n_articles for large in report.largest)
    yield '<section aria-labelledby="largest">'
    yield '<h2 id="largest">Largest stories</h2>'
    yield '<p class="note">By articles in this period. The bars compare all articles of each story.</p>'
    yield (
        '<p class="note legend"><span><span class="swatch families"></span>families</span>'
        '<span><span class="swatch duplicates"></span>near-duplicates</span></p>'
    )
    yield '<div class="cards">'
    for large in report.largest:
        yield from _card(large, longest, report.period.timezone)
    yield "</div>"
    yield "</section>"


def _card(large: StoryTold, longest: int, timezone: str) -> Iterator[str]:
    told, story = large.told, large.told.story
    facts = (
        ("in this period", f"{told.n_new_articles:,}"),
        ("articles", f"{story.n_articles:,}"),
        ("families", f"{story.n_families:,}"),
        ("near-duplicates", f"{large.near_duplicate_ratio:.0%}"),
        ("copies", f"{told.n_copies:,}"),
        ("sources", f"{story.n_sources:,}"),
    )
    yield '<article class="card">'
    yield f"<h3>{_linked(story.headline, told.url)}</h3>"
    yield _bar(story.n_articles, large.near_duplicate_ratio, longest)
    yield f'<dl class="facts">{_pairs(facts)}</dl>'
    yield f'<p class="note">{_sources(told.sources)}</p>' if told.sources else ""
    yield f'<p class="note">{_span_of(story, timezone)}</p>'
    yield f'<p class="ids"><span>story {_code(story.id)}</span> <span>storyline {_code(story.storyline)}</span></p>'
    yield "</article>"


def _bar(n_articles: int, ratio: float, longest: int) -> str:
    width = 100 * n_articles / max(longest, 1)
    families = width * (1 - ratio)
    return (
        '<svg class="bar" aria-hidden="true" focusable="false">'
        f'<rect class="families" width="{families:.2f}%" height="100%"/>'
        f'<rect class="duplicates" x="{families:.2f}%" width="{width - families:.2f}%" height="100%"/></svg>'
    )


def _storylines(report: Report) -> Iterator[str]:
    if not report.storylines:
        return
    yield '<section aria-labelledby="storylines">'
    yield '<h2 id="storylines">Storylines</h2>'
    yield '<p class="note">Stories in order of their first article; the line shows when each was told.</p>'
    yield '<div class="storylines">'
    for told in report.storylines[:MAX_STORYLINES]:
        yield from _storyline(told, report.period.timezone)
    yield "</div>"
    yield from _more(len(report.storylines) - MAX_STORYLINES)
    yield "</section>"


def _storyline(told: StorylineTold, timezone: str) -> Iterator[str]:
    storyline = told.storyline
    stories = told.stories[-MAX_LISTED:]
    axis = _axis(stories)
    yield '<section class="storyline">'
    yield f"<h3>{_headline(storyline.headline)}</h3>"
    yield (
        f'<p class="ids"><span>{storyline.n_stories:,} {"story" if storyline.n_stories == 1 else "stories"}, '
        f"{storyline.n_articles:,} {_plural(storyline.n_articles, 'article')}</span> {_code(storyline.id)}</p>"
    )
    if n_earlier := len(told.stories) - len(stories):
        yield f'<p class="note">{n_earlier:,} earlier</p>'
    if stories:
        yield "<ol>"
        for story in stories:
            yield from _storyline_story(story, axis, timezone, changed=story.id in told.changed)
        yield "</ol>"
    yield "</section>"


def _storyline_story(story: Story, axis: tuple[float, float], timezone: str, *, changed: bool) -> Iterator[str]:
    badge = ' <span class="badge">changed</span>' if changed else ""
    yield '<li class="changed">' if changed else "<li>"
    yield f'<p><span class="title">{_headline(story.headline)}</span>{badge}</p>'
    yield _span(story, axis)
    yield (
        f'<p class="ids"><span>{_span_of(story, timezone)}</span> '
        f"<span>{story.n_articles:,} {_plural(story.n_articles, 'article')}</span> {_code(story.id)}</p>"
    )
    yield "</li>"


def _axis(stories: Sequence[Story]) -> tuple[float, float]:
    """First and last publication of a storyline; nothing to compare (0, 0) where it is one story."""
    if len(stories) == 1:
        return 0.0, 0.0
    times = [at for story in stories for at in (story.first_published_at, story.last_published_at) if at is not None]
    return (min(times), max(times)) if times else (0.0, 0.0)


def _span(story: Story, axis: tuple[float, float]) -> str:
    start, end = axis
    if story.first_published_at is None or end <= start:
        return ""
    last = story.last_published_at if story.last_published_at is not None else story.first_published_at
    width = max(100 * (last - story.first_published_at) / (end - start), _SHORTEST_SPAN)
    left = min(100 * (story.first_published_at - start) / (end - start), 100 - width)
    return (
        '<svg class="span" aria-hidden="true" focusable="false">'
        f'<rect x="{left:.2f}%" width="{width:.2f}%" height="100%" rx="3"/></svg>'
    )


def _changes(report: Report) -> Iterator[str]:
    listed = [(name, changes) for name, changes in report.changes() if changes]
    if not listed:
        return
    yield '<section aria-labelledby="changes">'
    yield '<h2 id="changes">Changes</h2>'
    yield '<p class="note">Click an id to select the whole of it.</p>'
    yield '<div class="changes">'
    for name, changes in listed:
        yield from _table(name, changes, report.period.timezone)
    yield "</div>"
    yield "</section>"


def _table(name: str, changes: tuple[StoryChange, ...], timezone: str) -> Iterator[str]:
    yield f'<section class="change" aria-labelledby="{name}">'
    yield f'<h3 id="{name}">{_HEADINGS[name]}: {len(changes):,}</h3>'
    yield f'<table aria-labelledby="{name}">'
    yield (
        '<thead><tr><th scope="col">Story</th><th scope="col" class="number">Articles</th>'
        '<th scope="col" class="when">When</th></tr></thead>'
    )
    yield "<tbody>"
    yield from (_row(name, change, timezone) for change in changes[:MAX_LISTED])
    yield "</tbody>"
    yield "</table>"
    yield from _more(len(changes) - MAX_LISTED)
    yield "</section>"


def _row(name: str, change: StoryChange, timezone: str) -> str:
    headline = change.headline or (change.other_headline if name == "merged" else "")
    relation = f" <span>{_RELATION[name]}</span> {_code(change.other)}" if name in _RELATION and change.other else ""
    counted = "" if name == "linked" else f"{change.n_articles:,}"
    return (
        f'<tr><td>{_headline(headline)}<div class="ids">{_code(change.story)}{relation}</div></td>'
        f'<td class="number">{counted}</td><td class="when">{_time(change.at, timezone)}</td></tr>'
    )


def _more(n_more: int) -> Iterator[str]:
    if n_more > 0:
        yield f'<p class="note">and {n_more:,} more</p>'


def _footer(report: Report) -> Iterator[str]:
    yield f"<footer><p>Written {_time(report.generated_at, report.period.timezone)}. "
    yield "Near-duplicates: 1 &minus; families / articles.</p></footer>"


def _title(report: Report) -> str:
    hours = describe_hours(report.period)
    return describe_day(report.period) + (f", {hours}" if hours else "")


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    return "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in pairs)


def _text(text: str, longest: int) -> str:
    """A stranger's text, isolated so that its direction stays its own."""
    return f"<bdi>{escape(clip(text, longest))}</bdi>"


def _headline(headline: str) -> str:
    return f"<bdi>{escape(shown_headline(headline))}</bdi>"


def _linked(headline: str, url: str) -> str:
    address = web_address(url)
    if not address:
        return _headline(headline)
    return f'<a href="{escape(address)}" rel="noopener noreferrer nofollow">{_headline(headline)}</a>'


def _code(identifier: str) -> str:
    return f"<code>{escape(clip(identifier, MAX_ID))}</code>"


def _sources(sources: tuple[str, ...]) -> str:
    names = ", ".join(_text(source, MAX_SOURCE) for source in sources[:_MAX_SOURCES])
    n_more = len(sources) - _MAX_SOURCES
    return names + (f" and {n_more:,} more" if n_more > 0 else "")


def _span_of(story: Story, timezone: str) -> str:
    first, last = story.first_published_at, story.last_published_at
    if first is None or last is None:
        return "undated"
    if first == last:
        return f"published {_time(first, timezone)}"
    return f"published {_time(first, timezone)} to {_time(last, timezone, after=first)}"


def _time(at: float, timezone: str, after: float | None = None) -> str:
    """A moment; without its date where that is the one just shown for `after`."""
    shown = local_time(at, timezone)
    if after is not None and local_time(after, timezone).split()[0] == shown.split()[0]:
        shown = shown.split()[1]
    return f'<time datetime="{format_time(at)}">{shown}</time>'


def _plural(n: int, noun: str) -> str:
    return noun if n == 1 else f"{noun}s"
