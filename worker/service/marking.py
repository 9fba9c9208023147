"""Shown once, in the reader itself: what says the same as an article that is shown there is marked read.

1. Only in accounts for which it was asked, and only what their scope names. What is marked is a copy or near-duplicate
   of another article of the same account that stays as it is (`dedup.shown`); never the representative of a family.
2. That an article is about to be marked is in the store, and in its file, before the reader is told. So nothing is
   marked of which `undo` would not know.
3. Only what is unread is marked, and only what was marked here and is read is ever marked unread again.
4. An article is marked once in its life: one that its user marks unread, that is undone or restored, is left alone.
5. What has been marked is restored when nothing is shown any more that it says the same as: after a revision, an
   unlink, or where it has come to represent its family. Not where that article is gone by age or was forgotten.
6. A step of which it is not known whether it reached the reader is looked at again, and taken again within an hour.
   One that the reader refused is as if it had not been begun.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dedup.errors import DedupError
from dedup.family import FamilyParams
from worker import feeds
from worker.service.mark_steps import AGAIN_SECONDS, ASKED_AT_ONCE, Hold, Marked, Steps, mark_of
from worker.service.polling import RUN_SECONDS, Poller, account_of_record, rest_after
from worker.service.standing import Scope, Standing, load_standing
from worker.service.visiting import BusyHostError
from worker.store.commit import Unit, commit
from worker.store.feeds import FeedRecord
from worker.store.readers import Mark
from worker.store.store import Store

UNDECIDED_SECONDS: Final = 15.0
GOES_ON_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 0.1


class BusyAccountError(DedupError):
    """An account that another process polls or marks in at the moment."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """An article that is to be marked read, or that has been (`state`, and `at`: when, Unix seconds), and why: it says
    the same as `kept`, which stays as it is. `kind`: how; a near-duplicate's `jaccard` reaches the `bar`.
    """

    article_id: str
    title: str
    source: str
    kept: str
    kept_title: str
    kind: str
    jaccard: float
    bar: float
    state: str = ""
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Marker:
    """Marks articles in the accounts of a deployment. `params` are those of its families."""

    poller: Poller
    params: FamilyParams

    @property
    def store(self) -> Store:
        return self.poller.store

    def run(self, seconds: float = RUN_SECONDS) -> int:
        """Marks in the accounts whose time has come, beginning for so long at most; returns in how many."""
        end, n_done = time.monotonic() + seconds, 0
        for feed_id in self.store.feeds.marking_due(time.time()):
            if time.monotonic() < end:
                n_done += self.mark(feed_id) is not None
        return n_done

    def mark(self, feed_id: str) -> Marked | None:
        """Marks what is to be marked in one account. None where nothing is asked for, or another process has it."""
        told, busy_seconds = Marked(), 0.0
        with self._hold(feed_id) as hold:
            record = hold.record if hold else None
            if hold is None or record is None or not record.once:
                return None
            standing = load_standing(self.store, self.params, record.first_url)
            try:
                with self._conversation(record) as reader:
                    Steps(hold, record.first_url, standing, reader, told).mark(Scope.of(record.once))
            except BusyHostError as error:
                busy_seconds = error.seconds
            except feeds.FeedError as error:
                told.error = error.reason
            self._plan_next(record, standing, told, busy_seconds)
        return told

    def look(self, record: FeedRecord, scope: Scope) -> list[Proposal]:
        """What would be marked in an account now, and why; nothing is written. Raises `FeedError`, `BusyHostError`."""
        standing = load_standing(self.store, self.params, record.first_url)
        wanted = standing.wanted(scope)
        item_ids, states = [standing.entries[one].item_id for one in wanted], dict[str, bool]()
        while len(states) < len(item_ids):
            with self._conversation(record) as reader:
                part = item_ids[len(states) :][: None if reader.lists_unread else ASKED_AT_ONCE]
                found = reader.states(part)
            states |= {one: found.get(one, False) for one in part}
        unread = {one: why for one, why in wanted.items() if states[standing.entries[one].item_id]}
        return self._told({one: mark_of("marking", why) for one, why in unread.items()})

    def marks(self, record: FeedRecord) -> list[Proposal]:
        """What was marked in an account, and what became of it."""
        return self._told(self.store.readers.marks(record.first_url))

    def undo(self, record: FeedRecord, article_ids: Sequence[str] = ()) -> Marked:
        """Marks unread again what was marked read here: all of it, or these articles. What its user has marked unread
        meanwhile is left alone. Raises `FeedError`, `BusyHostError` and `BusyAccountError`.
        """
        told = Marked()
        while True:
            told.is_whole = True
            with self._hold(record.feed_id, self.poller.busy_seconds) as hold:
                if hold is None:
                    raise BusyAccountError(f"{record.first_url}: another process polls it at the moment; try again")
                standing = load_standing(self.store, self.params, record.first_url)
                with self._conversation(record) as reader:
                    Steps(hold, record.first_url, standing, reader, told).undo(article_ids)
            if told.is_whole:
                return told

    @contextlib.contextmanager
    def _hold(self, feed_id: str, patience_seconds: float = 0.0) -> Iterator[Hold | None]:
        """An account for this process alone; None where another one has it for longer than one would wait."""
        turns, hold = self.store.feed_turns, Hold(self.store, feed_id)
        end = time.monotonic() + patience_seconds
        while not (is_held := turns.take_feed(feed_id, hold.holder)) and time.monotonic() < end:
            time.sleep(_PAUSE_SECONDS)
        try:
            yield hold if is_held else None
        finally:
            if is_held:
                turns.release_feed(feed_id, hold.holder)

    @contextlib.contextmanager
    def _conversation(self, record: FeedRecord) -> Iterator[feeds.Reader]:
        """The way to a reader, with the manners of a poll."""
        visit, rest = self.poller.visit(), 0.0
        try:
            yield self.poller.reader(account_of_record(record), visit)
        except feeds.FeedError as error:
            rest = rest_after(error)
            raise
        finally:
            visit.leave(rest)

    def _plan_next(self, record: FeedRecord, standing: Standing, told: Marked, busy_seconds: float) -> None:
        """When this account is marked in again, beside after each poll; after an error, once a poll has gone well."""
        unit, at = Unit(), None
        since = time.time() - AGAIN_SECONDS
        if told.error:
            self.store.feeds.put_error(unit, record, told.error)
        elif busy_seconds or not told.is_whole:
            at = time.time() + (busy_seconds or GOES_ON_SECONDS)
        elif any(standing.entries[one].pushed_at > since for one in standing.undecided):
            at = time.time() + UNDECIDED_SECONDS
        self.store.feeds.put_marking(unit, record.feed_id, at)
        commit(self.store.connection, [unit])

    def _told(self, marks: Mapping[str, Mark]) -> list[Proposal]:
        own = self.store.articles.fields(list(marks), [], ["title", "source"])
        theirs = self.store.articles.fields([mark.kept for mark in marks.values()], [], ["title"])
        return [
            Proposal(name, title, source, m.kept, kept_title, m.kind, m.jaccard, m.bar, m.state, m.at)
            for (name, m), (title, source), (kept_title,) in zip(marks.items(), own, theirs, strict=True)
        ]
