"""What a Python program imports to push articles and look up what became of them.

    from worker.client import Client

    client = Client("redis://localhost:6379/0")
    client.push([{"url": "https://example.org/1", "title": "...", "text": "..."}])
    client.lookup("https://example.org/1").story

Importing it needs neither Celery nor numpy.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from dedup.article import MAX_ARTICLE_BYTES
from dedup.correction import ContradictionError, Correction, CorrectionError, CorrectionKind
from dedup.errors import DedupError
from dedup.story import Change, Story, Storyline
from worker.service.correcting import UnknownCorrectionError, correct, take_back
from worker.store.aliases import Aliases
from worker.store.articles import ArticleEntry, Articles, FamilyEntry
from worker.store.changes import Changes
from worker.store.connection import StoreError, connect, told
from worker.store.corrections import KeptCorrections, Made
from worker.store.inbox import Inbox
from worker.store.keys import Keys
from worker.store.pushing import InboxFullError, Payload, Pushed, push_payloads
from worker.store.rejected import Rejected, Rejection
from worker.store.reports import Rendered, Reports
from worker.store.stories import Stories

if TYPE_CHECKING:
    from dedup.pipeline import Params
    from worker.explained.articles import ExplainedArticle
    from worker.explained.stories import ExplainedPair
    from worker.store.store import Store

__all__ = ["ArticleEntry", "Change", "Client", "ContradictionError", "Correction", "CorrectionError", "FamilyEntry",
           "InboxFullError", "Made", "Pushed", "Rejection", "StoreError", "Story", "Storyline",
           "UnknownArticleError", "UnknownCorrectionError"]  # fmt: skip


DAY_SECONDS: Final = 86_400.0
_LOOKED_AT_ONCE: Final = 200
_LOOKED_THROUGH: Final = 5_000


class UnknownArticleError(DedupError):
    """An article that is not there."""

    def __init__(self, article_id: str) -> None:
        super().__init__(f"no article {article_id!r} is known: not pushed, not worked on yet, or expired")


class Client:
    """A connection to a service by the URL of its Redis (redis://, rediss:// or unix://).

    Methods raise `StoreError` where the server cannot be reached. Retired ids lead to what lives on under another.
    `window_days` is that of the service, and `explain` alone asks for it.
    """

    def __init__(
        self,
        url: str = "redis://localhost:6379/0",
        *,
        prefix: str = "dedup:",
        inbox_max: int = 1_000_000,
        max_article_bytes: int = MAX_ARTICLE_BYTES,
        window_days: float = 14.0,
    ) -> None:
        self._url = url
        self._prefix = prefix
        self._window_seconds = window_days * DAY_SECONDS
        self._max_article_bytes = max_article_bytes
        self._connection = connect(url)
        self._keys = keys = Keys(prefix)
        self._inbox = Inbox(self._connection, keys, inbox_max)
        self._rejected = Rejected(self._connection, keys)
        self._articles = Articles(self._connection, keys)
        self._stories = Stories(self._connection, keys)
        self._changes = Changes(self._connection, keys)
        self._reports = Reports(self._connection, keys)
        self._aliases = Aliases(self._connection, keys)
        self._corrections = KeptCorrections(self._connection, keys)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()

    def push(self, articles: Iterable[Payload]) -> Pushed:
        """Puts articles (mappings, or JSON as text or bytes) into the inbox; they are worked on within seconds.

        Returns the ids under which they can be looked up, in order: these articles are in the server's append-only
        file, where it keeps one, and outlive a server that is killed. Those that cannot be accepted come with field
        and reason, and are kept in `rejected`, too. Raises `InboxFullError` where the inbox has no room; what it
        lists as accepted has gone in. To push again what may have gone in is safe: the same text changes nothing.
        """
        result = Pushed()
        for batch in self.push_each(articles):
            result.add(batch)
        return result

    def push_each(self, articles: Iterable[Payload]) -> Iterator[Pushed]:
        """The same, telling after each batch what became of it: for long inputs."""
        with told(self._url):
            yield from push_payloads(self._inbox, self._rejected, articles, self._max_article_bytes)

    def lookup(self, article_id: str) -> ArticleEntry | None:
        """Family, kind, story, storyline and the rest of one article; None where it is not known (yet)."""
        with told(self._url):
            return self._articles.get(article_id)

    def family(self, family_id: str) -> FamilyEntry | None:
        """A near-duplicate family and its articles."""
        with told(self._url):
            return self._articles.get_family(self._aliases.resolve(family_id))

    def family_articles(self, family_id: str) -> list[ArticleEntry]:
        """The articles of a family that can be looked up, in order of arrival."""
        family = self.family(family_id)
        with told(self._url):
            return self._articles.get_all(family.articles) if family is not None else []

    def story(self, story_id: str) -> Story | None:
        """A story; a retired id gives the story it went into."""
        with told(self._url):
            living = self._aliases.resolve(story_id)
            return self._stories.get([living]).get(living)

    def story_articles(self, story_id: str) -> list[str]:
        """The ids of a story's articles, in order of arrival."""
        with told(self._url):
            return self._stories.articles(self._aliases.resolve(story_id))

    def stories(
        self, most: int = 20, *, since: float | None = None, min_articles: int = 1, source: str = "", words: str = ""
    ) -> list[Story]:
        """The stories that changed last, latest first, of the latest 5,000.

        Only those that changed at or after `since` (Unix seconds), with so many articles, with an article of this
        source, and with all these words in the headline.
        """
        found: dict[str, Story] = {}
        wanted = words.casefold().split()
        with told(self._url):
            for start in range(0, _LOOKED_THROUGH, _LOOKED_AT_ONCE):
                names = self._stories.latest_since(float("-inf") if since is None else since, start, _LOOKED_AT_ONCE)
                fit = {
                    name: story
                    for name, story in self._stories.get(names).items()
                    if story.n_articles >= min_articles and all(word in story.headline.casefold() for word in wanted)
                }
                found |= {name: fit[name] for name in self._having(source, list(fit))} if source else fit
                if len(found) >= most or len(names) < _LOOKED_AT_ONCE:
                    break
        return list(found.values())[:most]

    def _having(self, source: str, story_ids: list[str]) -> list[str]:
        """Those of the stories that have an article of this source."""
        members = self._stories.all_articles(story_ids)
        fields = iter(self._articles.fields([name for names in members.values() for name in names], [], ["source"]))
        sources = {story_id: {next(fields)[0] for _ in names} for story_id, names in members.items()}
        return [story_id for story_id in story_ids if source in sources[story_id]]

    def storyline(self, storyline_id: str) -> Storyline | None:
        """A storyline; a retired id gives the one it went into."""
        with told(self._url):
            living = self._aliases.resolve(storyline_id)
            return self._stories.get_storylines([living]).get(living)

    def storyline_stories(self, storyline_id: str) -> list[Story]:
        """The stories of a storyline that can still be read, in order of their first article."""
        with told(self._url):
            names = self._stories.stories_of(self._aliases.resolve(storyline_id))
            return list(self._stories.get(names).values())

    def changes(self, after: str = "0", most: int = 1_000) -> list[tuple[str, Change]]:
        """Changes after an entry id ("0": all that are kept), oldest first, each with the id to resume after."""
        with told(self._url):
            return self._changes.after(after, most)

    def follow(self, after: str = "$", seconds: float = 30.0) -> Iterator[tuple[str, Change]]:
        """Changes as they happen, for ever; `after` as in `changes`, "$" for what is yet to come."""
        with told(self._url):
            last = self._changes.last_id() if after == "$" else after
            while True:
                for entry_id, change in self._changes.wait(last, seconds, 1_000):
                    last = entry_id
                    yield entry_id, change

    def explain(self, article_id: str, *, story: bool = True, passages: bool = True) -> ExplainedArticle | None:
        """Why an article is in its family and, with `story`, in its story; None where it is not known (yet).

        The story takes as long as a run over the window, and reads all of it; `passages` are read from both texts. Of
        this class, this method and `explain_pair` alone load numpy.
        """
        from worker.explained.articles import explained_article
        from worker.explained.stories import explained_story
        from worker.service.explaining import explain
        from worker.service.explaining_stories import explain_story

        with self._whole_store() as (store, params):
            found = explain(store, params, article_id, with_text=passages)
            if found is None:
                return None
            home = explain_story(store, params, article_id, self._window_seconds, time.time()) if story else None
        told = explained_story(home) if home is not None else None
        return explained_article(found, self.corrections(article_id), told)

    def explain_pair(self, article_id: str, other_id: str) -> ExplainedPair:
        """Why two articles are in one story, or in two. Raises `UnknownArticleError` where one is not known."""
        from worker.explained.stories import explained_pair
        from worker.service.explaining_stories import explain_pair

        with self._whole_store() as (store, params):
            found = explain_pair(store, params, (article_id, other_id), self._window_seconds, time.time())
        if isinstance(found, str):
            raise UnknownArticleError(found)
        return explained_pair(found)

    @contextlib.contextmanager
    def _whole_store(self) -> Iterator[tuple[Store, Params]]:
        """The store with all its parts, over this connection, and the parameters of the core."""
        from dedup.pipeline import Params
        from worker.store.store import open_store

        with told(self._url):
            yield open_store(self._connection, self._prefix), Params()

    def link(self, article_id: str, other_id: str, *, undo: bool = False) -> bool:
        """Says that two articles must be in one story, from the next run on; `undo` takes that back.

        False where it was said before. Raises `CorrectionError` for an article that is not known, and
        `ContradictionError`, with the chain, where other corrections contradict it; with `undo`,
        `UnknownCorrectionError` where no such correction stands.
        """
        return self._correct("link", article_id, other_id, undo=undo)

    def unlink(self, article_id: str, other_id: str, *, undo: bool = False) -> bool:
        """Says that two articles must not be in one story, nor in one family; all else as in `link`."""
        return self._correct("unlink", article_id, other_id, undo=undo)

    def corrections(self, article_id: str | None = None) -> list[Made]:
        """The corrections that stand, in the order in which they were made: all, or those that name an article."""
        with told(self._url):
            made = self._corrections.made()
        return [m for m in made if article_id is None or article_id in {m.correction.one, m.correction.other}]

    def _correct(self, kind: CorrectionKind, article_id: str, other_id: str, *, undo: bool) -> bool:
        correction = Correction.of(kind, article_id, other_id)
        with told(self._url):
            if not undo:
                return correct(self._connection, self._keys, correction)
            take_back(self._connection, self._keys, correction)
            return True

    def report(self, kind: str = "day", name: str = "latest") -> dict[str, Any] | None:
        """A report as JSON says it: `kind` is "hour" or "day", `name` a period like 2026-11-21 or "latest"."""
        rendered = self.rendered_report(kind, name)
        return json.loads(rendered.json) if rendered else None

    def rendered_report(self, kind: str = "day", name: str = "latest") -> Rendered | None:
        """The same report as JSON, Markdown and HTML texts."""
        with told(self._url):
            return self._reports.get(kind, name)

    def rejected(self, most: int = 100) -> list[Rejection]:
        """The latest articles that could not be accepted, newest first."""
        with told(self._url):
            return self._rejected.latest(most)
