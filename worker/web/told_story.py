"""A story as an entry of a feed tells it: what it is, who tells it, and its place in its storyline.

The same story has the same `entry_id` for ever, so that a reader that has it is told of an update, not of another one.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import islice
from typing import Final
from urllib.parse import quote, urlsplit

from dedup.article import format_time
from dedup.story import Story
from worker.web.backend import Backend

SHOWN_SOURCES: Final = 30

_NO_IRI: Final = re.compile(r'[<>"{}|\\^`]')
_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:story-dedup:story")


@dataclass(frozen=True, slots=True)
class Telling:
    """One article of a story. `url` is "" where it is no web address."""

    title: str
    url: str
    source: str
    published_at: str


@dataclass(frozen=True, slots=True)
class ToldStory:
    """A story with its tellings: the representative's, then the first of each other source, in order of arrival.

    `line` are the stories of its storyline, in order.
    """

    story: Story
    tellings: tuple[Telling, ...]
    line: tuple[Story, ...]

    @property
    def entry_id(self) -> str:
        return uuid.uuid5(_NAMESPACE, self.story.id).urn

    @property
    def title(self) -> str:
        return self.story.headline or "(no title)"

    @property
    def url(self) -> str:
        return next((one.url for one in self.tellings if one.url), "")

    @property
    def published_at(self) -> str:
        first = self.story.first_published_at
        return format_time(self.story.created_at if first is None else first)

    @property
    def updated_at(self) -> str:
        return format_time(self.story.updated_at)

    @property
    def place(self) -> tuple[int, int]:
        """Which story of its storyline this one is, from 1 on, and of how many."""
        ids = [one.id for one in self.line]
        return (ids.index(self.story.id) + 1 if self.story.id in ids else 1), max(1, len(ids))

    def html(self) -> str:
        """What a reader shows: nothing of a stranger's but escaped text and web addresses."""
        return "\n".join(self._parts())

    def _parts(self) -> Iterator[str]:
        story = self.story
        articles, sources = _n(story.n_articles, "article"), _n(story.n_sources, "source")
        yield f"<p>{articles} from {sources}, {_n(story.n_families, 'text')}. This story is {story.status}.</p>"
        if len(self.line) > 1:
            yield from self._told_line()
        yield "<ul>"
        for one in self.tellings:
            yield f"<li>{_told(one)}</li>"
        yield "</ul>"
        left = story.n_sources - len(self.tellings)
        if left > 0:
            yield f"<p>And {_n(left, 'more source')}.</p>"

    def _told_line(self) -> Iterator[str]:
        number, n_stories = self.place
        yield f"<p>Story {number} of {n_stories} of its storyline:</p>"
        yield f'<ol start="{max(1, number - 5)}">'
        for one in self.line[max(0, number - 6) : number + 5]:
            headline = escape(one.headline or "(no title)")
            yield f"<li>{f'<b>{headline}</b>' if one.id == self.story.id else headline}</li>"
        yield "</ol>"


def told_stories(backend: Backend, stories: Sequence[Story]) -> list[ToldStory]:
    """Stories with who tells them."""
    with backend.telling():
        members = backend.store.stories.all_articles([one.id for one in stories])
        lines = {one.storyline: tuple(backend.client.storyline_stories(one.storyline)) for one in stories}
        return [ToldStory(one, _tellings(backend, one, members[one.id]), lines[one.storyline]) for one in stories]


def _tellings(backend: Backend, story: Story, article_ids: Sequence[str]) -> tuple[Telling, ...]:
    """The representative's telling, and the first of each other source."""
    names = [story.representative, *(name for name in article_ids if name != story.representative)]
    first: dict[str, Telling] = {}
    for published_at, title, url, source in backend.store.articles.fields(
        names, ["published_at"], ["title", "url", "source"]
    ):
        if title or url or source:
            first.setdefault(source, Telling(title, web_address(url), source, published_at))
    return tuple(islice(first.values(), SHOWN_SOURCES))


def web_address(url: str) -> str:
    """A URL that may be linked to, as an IRI (RFC 3987); "" for any other."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    is_web = parts.scheme in {"http", "https"} and bool(parts.netloc) and url.isprintable() and " " not in url
    return _NO_IRI.sub(lambda found: quote(found[0]), url) if is_web else ""


def _told(one: Telling) -> str:
    title = escape(one.title or one.url or "(no title)")
    linked = f'<a href="{escape(one.url)}" rel="noreferrer">{title}</a>' if one.url else title
    details = ", ".join(escape(part) for part in (one.source, one.published_at[:10]) if part)
    return f"{linked} ({details})" if details else linked


def _n(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
