"""Forgetting one article at once, with every trace of it.

1. It leaves as it would by age: its family is settled anew, a run is due. What a run would tell of its story and
   storyline later is told here and now, for their headlines may be its own.
2. Pushes of it that came before are taken out of the inbox, also out of a worker's hands. What is pushed once it is
   forgotten is a new article.
3. It counts as a run, so that no process goes on with what it held before: neither a run nor a report that was begun
   earlier is committed.
4. A forgetting that was interrupted is ended by the next one of the same article: it is noted from before the first
   deletion until the append-only file has been written anew, at last under a digest of the id alone.
"""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from dedup.article import parse_time
from dedup.errors import DedupError
from dedup.pipeline import Params, fingerprint
from dedup.report import Gone, Present, Redaction, ReportError, from_json
from dedup.roster import HeldFamily
from dedup.story import Change, Story, Storyline
from dedup.telling import founder_of, tell_story, tell_storyline
from worker.service.reporting import render
from worker.service.retention import depart, sweep
from worker.service.window import load_families
from worker.store.appendonly import rewrite
from worker.store.commit import Unit, commit
from worker.store.connection import server_run
from worker.store.records import ArticleRecord
from worker.store.rejected import pushed_id
from worker.store.store import Store

MOST_ATTEMPTS: Final = 50
PAUSE_SECONDS: Final = 0.02
CLOCKS_DIFFER_SECONDS: Final = 3_600.0
"""A report from so long before an article came tells nothing of it, whatever the clocks of two machines show."""
_OF_STORIES: Final = frozenset({"born", "split", "merged", "ended"})


class UnknownArticleError(DedupError):
    """An id of which there is no trace."""


class ForgettingError(DedupError):
    """A forgetting that could not be ended; to run it again goes on with it."""


@dataclass(frozen=True, slots=True)
class Removed:
    """What went: the article itself, pushes of it that waited, rejected copies, changes that listed it and reports that
    told of it. `rewritten` says that the append-only file has been written anew, and not that there is none.
    """

    article: bool
    waiting: int
    rejected: int
    changes: int
    reports: int
    rewritten: bool


@dataclass(frozen=True, slots=True)
class Trace:
    """What has to be known of an article once it is gone: its words, and where it was.

    `terms`: its content words, where it stood for its `family`.
    """

    title: str = ""
    url: str = ""
    source: str = ""
    seen_at: float = 0.0
    is_revised: bool = False
    stories: frozenset[str] = field(default=frozenset())
    storylines: frozenset[str] = field(default=frozenset())
    family: str = ""
    terms: tuple[int, ...] = ()

    def to_json(self) -> bytes:
        told = dataclasses.asdict(self) | {"stories": sorted(self.stories), "storylines": sorted(self.storylines)}
        return json.dumps(told, ensure_ascii=False).encode()

    @classmethod
    def from_json(cls, note: bytes) -> Trace:
        told = json.loads(note)
        sets = {name: frozenset(told[name]) for name in ("stories", "storylines")}
        return cls(**told | sets | {"terms": tuple(told["terms"])})

    def gone(self) -> Gone:
        """What a report must not tell any more."""
        where = (self.stories, self.storylines) if self.is_revised else ()
        return Gone(self.title, self.url, self.source, *where)


@dataclass(frozen=True, slots=True)
class Forgetting:
    """Forgets articles. `claim_seconds` is how long a worker may hold what it took from the inbox."""

    store: Store
    params: Params
    alias_seconds: float
    claim_seconds: float

    def run(self, article_id: str, now: float) -> Removed:
        """Forgets one article (`now`: Unix seconds). Raises `UnknownArticleError` where there is no trace of it."""
        store = self.store
        store.index.claim(fingerprint(self.params))
        waiting = [entry_id for entry_id, payload in store.inbox.scan() if pushed_id(payload) == article_id]
        was_kept = bool(store.articles.records([article_id]))
        changes = store.changes.naming(article_id)
        note = store.forgotten.note(article_id)
        if not (waiting or was_kept or changes or note is not None or store.rejected.naming(article_id)):
            raise UnknownArticleError(f"no trace of an article {article_id!r}: never pushed, or expired")
        trace = self._trace(article_id, [change for _, change in changes], note)
        store.forgotten.begin(article_id, trace.to_json())
        self._take_away(article_id, waiting)
        _Retelling(store, trace, now).commit()
        store.news.forget(article_id)
        n_rejected = store.rejected.forget(article_id)
        n_changes = store.changes.forget(article_id, self._stays)
        n_reports = self._redact(trace)
        store.forgotten.clear(article_id)
        is_rewritten = self._wipe()
        store.forgotten.end(article_id)
        return Removed(was_kept, len(waiting), n_rejected, n_changes, n_reports, is_rewritten)

    def _take_away(self, article_id: str, waiting: Sequence[bytes]) -> None:
        """Takes away the article itself, pushes of it, and what the index has of them."""
        self._take_out(waiting)
        self._drop_wording(article_id)
        self._depart(article_id)
        self._await_workers(waiting)
        self._sweep()
        self.store.readers.forget(article_id)

    def _wipe(self) -> bool:
        """Has the server keep nothing of what was deleted, in memory or on disk; whether there was a file."""
        is_wiped = self.store.inbox.wipe()
        is_rewritten = rewrite(self.store.connection)
        if not is_wiped:
            raise _unfinished(
                "more waits in the inbox than can be moved at once, and parts of a push of it may lie there"
            )
        return is_rewritten

    def _trace(self, article_id: str, changes: Sequence[Change], note: bytes | None) -> Trace:
        """What is to be known of it: as it is now, or as it was noted before it went, and where it has been."""
        trace = Trace.from_json(note) if note else Trace()
        entry = self.store.articles.get(article_id)
        stories = {name for change in changes for name in (change.story, change.other)} | trace.stories
        storylines = {change.storyline for change in changes} | trace.storylines
        if entry is not None:
            stories.add(entry.story)
            storylines.add(entry.storyline)
            words = (entry.title, entry.url, entry.source)
            had_others = bool(note) and words != (trace.title, trace.url, trace.source)
            seen_at = min(parse_time(entry.seen_at) or 0.0, trace.seen_at if note else math.inf)
            is_revised = trace.is_revised or had_others or entry.revision > 0
            trace = Trace(*words, seen_at, is_revised, family=entry.family, terms=self._told(article_id, entry.family))
        living = {self.store.aliases.resolve(name) for name in stories - {""}}
        retired = {name for names in self.store.aliases.earlier(sorted(living)).values() for name in names}
        return dataclasses.replace(
            trace, stories=frozenset((stories | living | retired) - {""}), storylines=frozenset(storylines - {""})
        )

    def _told(self, article_id: str, family_id: str) -> tuple[int, ...]:
        """The content words of an article that stands for its family."""
        family = load_families(self.store, [family_id]).get(family_id)
        if family is None or family.representative != article_id:
            return ()
        return tuple(family.telling.terms.hashes.tolist())

    def _take_out(self, waiting: Sequence[bytes]) -> None:
        if waiting:
            self.store.inbox.ensure()
            self.store.inbox.take_out(waiting)

    def _drop_wording(self, article_id: str) -> None:
        """Takes away the kept text of others with the same words where it is kept as this article had it: a text is
        kept as the first one pushed spells it, with bylines and whatever else is not compared.
        """
        [[family]] = self.store.articles.fields([article_id], ["family"])
        members = self.store.articles.family_members([family])[family]
        packed = self.store.articles.records(members)
        records = {name: ArticleRecord.unpack(one) for name, one in packed.items()}
        own = records.get(article_id)
        if own is not None and all(
            own.pushed_at <= one.pushed_at for one in records.values() if one.content == own.content
        ):
            self.store.index.drop_text(own.content)

    def _depart(self, article_id: str) -> None:
        for _ in range(MOST_ATTEMPTS):
            if not self.store.articles.records([article_id]):
                return
            if not depart(self.store, self.params, self.alias_seconds, [article_id]):
                time.sleep(PAUSE_SECONDS)
        raise _unfinished("workers keep changing its family")

    def _await_workers(self, entry_ids: Sequence[bytes]) -> None:
        """Until nobody holds these entries: who did would look their text up once more, and leave it in the index."""
        for entry_id in entry_ids:
            while self.store.inbox.is_held(entry_id, self.claim_seconds):
                time.sleep(PAUSE_SECONDS)
        if entry_ids:
            self.store.inbox.let_go(entry_ids)

    def _sweep(self) -> None:
        """Takes every text out of the index that no article came of: one may be an earlier push of this article that a
        later one has overtaken. A worker that has just looked one up finds it gone, and looks it up anew.
        """
        before = float(self.store.connection.time()[0] + 1)
        for _ in range(MOST_ATTEMPTS):
            if not self.store.index.waiting(before):
                return
            sweep(self.store, self.params, self.alias_seconds, before)
        raise _unfinished("workers keep changing texts that are like its own")

    def _stays(self, change: Change) -> bool:
        """Whether a change that lists no article any more still tells of a story that can be read."""
        living = self.store.aliases.resolve(change.story)
        return change.kind in _OF_STORIES and bool(self.store.stories.get([living]))

    def _redact(self, trace: Trace) -> int:
        """Takes what it told of the article out of every report; returns out of how many. One that cannot be read, of
        another version, is taken away.
        """
        redaction = Redaction(trace.gone(), cache(self._story_now), cache(self._storyline_now))
        n_redacted = 0
        for key in self.store.reports.kept():
            while (raw := self.store.reports.read(key)) is not None:
                try:
                    before = from_json(raw)
                except ReportError:
                    fresh = None
                else:
                    after = redaction.apply(before)
                    is_earlier = before.generated_at < trace.seen_at - CLOCKS_DIFFER_SECONDS
                    if is_earlier or after == before:
                        break
                    fresh = render(after)
                if self.store.reports.replace(key, raw, fresh):
                    n_redacted += 1
                    break
        return n_redacted

    def _story_now(self, story_id: str) -> Present:
        living = self.store.aliases.resolve(story_id)
        story = self.store.stories.get([living]).get(living)
        if story is None:
            return Present()
        rows = self.store.articles.fields(self.store.stories.articles(living), [], ["title", "url", "source"])
        titles, urls, sources = (frozenset(column) for column in zip(*rows, strict=True)) if rows else [frozenset()] * 3
        [url] = self.store.articles.fields([story.representative], [], ["url"])[0]
        return Present(story.headline, url, titles, urls, sources)

    def _storyline_now(self, storyline_id: str) -> str:
        living = self.store.aliases.resolve(storyline_id)
        found = self.store.stories.get_storylines([living]).get(living)
        return found.headline if found else ""


@dataclass(slots=True)
class _Retelling:
    """The stories and storylines that an article was in, told anew without it, as a run of its own."""

    store: Store
    trace: Trace
    now: float
    number: int = 0

    def commit(self) -> None:
        """Tells them, whatever runs are committed meanwhile."""
        for _ in range(MOST_ATTEMPTS):
            server = server_run(self.store.connection)
            self.number = self.store.runs.number() + 1
            unit = Unit()
            self._tell(unit)
            self.store.forgotten.count(unit)
            self.store.past.uncount(unit, self.trace.family, self.trace.terms)
            self.store.living.drop(unit)
            self.store.rebuild.abandon(unit, self.store.living)
            self.store.runs.put(unit, self.number, {"at": self.now})
            if commit(self.store.connection, [unit], server)[0]:
                return
        raise _unfinished("runs keep changing its story")

    def _tell(self, unit: Unit) -> None:
        retold: dict[str, Story | None] = {}
        scores: dict[str, float] = {}
        before = self.store.stories.get(sorted(self.trace.stories))
        for story_id, story in before.items():
            families = self._families(story_id)
            retold[story_id] = self._story(story, families)
            if families:
                scores[story_id] = founder_of(families).score
        self._write_stories(unit, before, retold)
        lines = self.trace.storylines | {story.storyline for story in before.values()}
        for storyline in self.store.stories.get_storylines(sorted(lines)).values():
            self._write_storyline(unit, storyline, retold, scores)

    def _families(self, story_id: str) -> list[HeldFamily]:
        """The families of a story; one that has just come of another by a departure, by the story of its articles."""
        rows = self.store.articles.fields(self.store.stories.articles(story_id), ["family"])
        loaded = load_families(self.store, {name for row in rows for name in row if name})
        return [
            one
            for one in loaded.values()
            if one.story == story_id or (not one.story and any(held.story == story_id for held in one.articles))
        ]

    def _story(self, story: Story, families: Sequence[HeldFamily]) -> Story | None:
        """The story as it is now, None where nothing is left of it. One that its last families have left for another
        is told by the first of its articles, until a run places them.
        """
        if families:
            return tell_story(story.id, families, story, story.status, self.now)
        for article_id in self.store.stories.articles(story.id, 1):
            [headline] = self.store.articles.fields([article_id], [], ["title"])[0]
            return dataclasses.replace(story, headline=headline, representative=article_id, updated_at=self.now)
        return None

    def _write_stories(self, unit: Unit, before: Mapping[str, Story], retold: Mapping[str, Story | None]) -> None:
        for story_id, story in before.items():
            fresh = retold[story_id]
            if fresh is None:
                self.store.stories.drop_story(unit, story_id, story.storyline)
                if story.status == "open":
                    ended = Change("ended", story_id, "", story.storyline, (), 0, self.number, self.now)
                    self.store.changes.add(unit, ended)
            elif fresh != story:
                self.store.stories.put_story(unit, fresh)

    def _write_storyline(
        self, unit: Unit, before: Storyline, retold: Mapping[str, Story | None], scores: Mapping[str, float]
    ) -> None:
        placed = {name: scores.get(name, score) for name, score in self.store.stories.scores_in(before.id).items()}
        kept = {name: story for name, story in self.store.stories.get(placed).items() if name not in retold}
        kept |= {name: story for name, story in retold.items() if story is not None and name in placed}
        if kept:
            ordered = sorted(kept, key=lambda name: (placed[name], name))
            fresh = tell_storyline(before.id, [kept[name] for name in ordered], before, self.now)
        else:
            fresh = dataclasses.replace(before, headline=self._last_headline(before), n_stories=0, n_articles=0)
        moved = {name: score for name, score in scores.items() if name in kept}
        if fresh != before:
            self.store.stories.put_storyline(unit, dataclasses.replace(fresh, updated_at=self.now), moved)

    def _last_headline(self, storyline: Storyline) -> str:
        """The headline of a storyline without stories: none, if it may have been the article's."""
        may_be_its_own = storyline.n_stories or self.trace.is_revised or storyline.headline == self.trace.title
        return "" if may_be_its_own else storyline.headline


def _unfinished(reason: str) -> ForgettingError:
    return ForgettingError(f"the article could not be forgotten yet: {reason}. Run the command again")
