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
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from dedup.errors import DedupError
from dedup.family import FamilyParams
from dedup.shown import Covered
from worker import feeds
from worker.service.polling import RUN_SECONDS, Poller, account_of_record, rest_after
from worker.service.standing import Scope, Standing, load_standing
from worker.service.visiting import BusyHostError
from worker.store.appendonly import is_written
from worker.store.commit import Unit, commit
from worker.store.connection import server_run
from worker.store.feeds import FeedRecord
from worker.store.readers import OPEN, Mark, MarkState
from worker.store.store import Store

MARKED_AT_ONCE: Final = 50
ASKED_AT_ONCE: Final = 20
"""Articles whose state is asked for one by one, in one visit."""
PASS_SECONDS: Final = 25.0
"""For which a visit begins requests; with the last of them it is over within a minute."""
AGAIN_SECONDS: Final = 3_600.0
UNDECIDED_SECONDS: Final = 15.0
GOES_ON_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 0.1
_LEAST_ERROR: Final = 400
_LEAST_SERVER_ERROR: Final = 500
_UNAVAILABLE: Final = 503


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


@dataclass(slots=True)
class Marked:
    """What came of a visit: articles that were marked read, those that were marked unread again, and those that were
    left as their user has them. `error`: what went wrong; `is_whole`: nothing is left to do.
    """

    marked: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    error: str = ""
    is_whole: bool = True


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
                    _Visit(hold, record.first_url, standing, reader, told).mark(Scope.of(record.once))
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
        return self._told({one: _mark("marking", why) for one, why in unread.items()})

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
                    _Visit(hold, record.first_url, standing, reader, told).undo(article_ids)
            if told.is_whole:
                return told

    @contextlib.contextmanager
    def _hold(self, feed_id: str, patience_seconds: float = 0.0) -> Iterator[_Hold | None]:
        """An account for this process alone; None where another one has it for longer than one would wait."""
        turns, hold = self.store.feed_turns, _Hold(self.store, feed_id)
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


@dataclass(frozen=True, slots=True)
class _Hold:
    """An account that this process has to itself."""

    store: Store
    feed_id: str
    holder: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def record(self) -> FeedRecord | None:
        return self.store.feeds.get([self.feed_id]).get(self.feed_id)

    def guard(self, unit: Unit) -> None:
        self.store.feed_turns.expect_feed(unit, self.feed_id, self.holder)


@dataclass(frozen=True, slots=True)
class _Step:
    """A step that is about to be taken with an article: what stood `before`, the intent, and how it ends."""

    article_id: str
    before: Mark | None
    intent: Mark
    ends_as: MarkState


@dataclass(frozen=True, slots=True)
class _Visit:
    """One visit to a reader for the sake of marks; `told` is what came of it so far."""

    hold: _Hold
    name: str
    standing: Standing
    reader: feeds.Reader
    told: Marked
    end: float = field(default_factory=lambda: time.monotonic() + PASS_SECONDS)

    def mark(self, scope: Scope) -> None:
        """Marks and restores what is to be (rules 1 to 6)."""
        wanted, restorable, doubtful = self.standing.wanted(scope), self.standing.restorable(), self._doubtful()
        asked = self._asked([*doubtful, *restorable, *wanted])
        states = self._states(asked)
        self._settle([one for one in doubtful if one in asked], states)
        observed = [one for one, mark in self.standing.marks.items() if mark.state == "marked"]
        self._leave([one for one in observed if states.get(one)], "overruled")
        fresh = {one: _mark("marking", why, self._item_id(one)) for one, why in wanted.items() if one in asked}
        self._leave_new({one: mark for one, mark in fresh.items() if not states.get(one)})
        self._take([_Step(one, None, mark, "marked") for one, mark in fresh.items() if states.get(one)], read=True)
        self._step_back([one for one in restorable if one in asked], states, "restored")

    def undo(self, article_ids: Sequence[str]) -> None:
        """Marks unread again what was marked read."""
        open_marks = [
            one
            for one, mark in self.standing.marks.items()
            if mark.state in OPEN and (not article_ids or one in article_ids)
        ]
        asked = self._asked(open_marks)
        states = self._states(asked)
        unread = [one for one in asked if states.get(one)]
        done = [one for one in unread if self.standing.marks[one].state == "restoring"]
        self.told.restored.extend(one for one in done if self._put(one, self.standing.marks[one], "undone"))
        self._leave([one for one in unread if one not in done], "overruled")
        self._step_back(asked, states, "undone")

    def _doubtful(self) -> list[str]:
        """Articles with which a step was begun, and it is not known whether it was taken."""
        return [one for one, mark in self.standing.marks.items() if mark.state in {"marking", "restoring"}]

    def _asked(self, article_ids: Sequence[str]) -> list[str]:
        """As many of them as can be asked about in one visit."""
        asked = list(dict.fromkeys(article_ids))
        if not self.reader.lists_unread and len(asked) > ASKED_AT_ONCE:
            self.told.is_whole = False
            return asked[:ASKED_AT_ONCE]
        return asked

    def _states(self, asked: Sequence[str]) -> dict[str, bool]:
        """Which of them are unread, without those that are gone; where that costs nothing more, of all that was marked,
        too.
        """
        also = [one for one, mark in self.standing.marks.items() if mark.state == "marked"]
        names = [*asked, *(also if self.reader.lists_unread else ())]
        told = self.reader.states([self._item_id(one) for one in names]) if names else {}
        return {one: told[item_id] for one in names if (item_id := self._item_id(one)) in told}

    def _settle(self, doubtful: Sequence[str], states: Mapping[str, bool]) -> None:
        """Finds out what became of steps that were begun, and takes again those that were not taken (rule 6)."""
        again: dict[bool, list[_Step]] = {True: [], False: []}
        for one in doubtful:
            mark = self.standing.marks[one]
            is_marking, is_unread = mark.state == "marking", states.get(one)
            ends_as: MarkState = "marked" if is_marking else "restored"
            if is_unread is None or (is_unread and is_marking and one not in self.standing.covered):
                self._put(one, mark, "untouched")
            elif is_unread != is_marking:
                self._put(one, mark, ends_as)
            elif time.time() - mark.at < AGAIN_SECONDS:
                again[is_marking].append(_Step(one, mark, mark, ends_as))
            else:
                self._put(one, mark, "overruled")
        for is_marking, steps in again.items():
            self._take(steps, read=is_marking)

    def _leave(self, article_ids: Sequence[str], state: MarkState) -> None:
        """Notes that nothing is done with articles any more."""
        for one in article_ids:
            if self._put(one, self.standing.marks[one], state):
                self.told.left.append(one)

    def _leave_new(self, found: Mapping[str, Mark]) -> None:
        """Notes of articles that were read, or gone, before anything was done with them, that nothing will be."""
        units = []
        for one, mark in found.items():
            units.append(unit := Unit())
            self.hold.guard(unit)
            self.standing.guard(unit, one)
            self.hold.store.readers.put_mark(unit, self.name, one, replace(mark, state="untouched"), None)
        commit(self.hold.store.connection, units)

    def _step_back(self, article_ids: Sequence[str], states: Mapping[str, bool], ends_as: MarkState) -> None:
        """Marks articles unread again that are read; what is gone is left."""
        self._leave([one for one in article_ids if one not in states], "untouched")
        marks = {one: self.standing.marks[one] for one in article_ids if states.get(one) is False}
        now = time.time()
        self._take(
            [_Step(one, mark, replace(mark, state="restoring", at=now), ends_as) for one, mark in marks.items()],
            read=False,
        )

    def _take(self, steps: Sequence[_Step], *, read: bool) -> None:
        """Takes steps, some at once: notes them, has them written, tells the reader, and notes that it is done."""
        for start in range(0, len(steps), MARKED_AT_ONCE):
            if time.monotonic() > self.end:
                self.told.is_whole = False
                return
            begun = self._begin(steps[start : start + MARKED_AT_ONCE])
            if not begun:
                continue
            try:
                self.reader.mark([step.intent.item_id for step in begun], read=read)
            except feeds.FeedError as error:
                if _is_refusal(error):
                    self._take_back(begun)
                raise
            done = [step.article_id for step in begun if self._put(step.article_id, step.intent, step.ends_as)]
            (self.told.marked if read else self.told.restored).extend(done)

    def _begin(self, steps: Sequence[_Step]) -> list[_Step]:
        """Notes steps, each if what it rests on still holds; those that were, once they are in the store's file."""
        store, run, units = self.hold.store, server_run(self.hold.store.connection), []
        for step in steps:
            units.append(unit := Unit())
            self.hold.guard(unit)
            if step.ends_as in {"marked", "restored"}:
                known = [one for one in (step.article_id, step.intent.kept) if one in self.standing.places]
                self.standing.guard(unit, *known)
            store.readers.put_mark(unit, self.name, step.article_id, step.intent, step.before)
        noted = commit(store.connection, units, run)
        if not is_written(store.connection, run):
            self.told.is_whole = False
            return []
        return [step for step, is_noted in zip(steps, noted, strict=True) if is_noted]

    def _take_back(self, steps: Sequence[_Step]) -> None:
        units = []
        for step in steps:
            units.append(unit := Unit())
            self.hold.store.readers.take_back(unit, self.name, step.article_id, step.intent, step.before)
        commit(self.hold.store.connection, units)

    def _put(self, article_id: str, before: Mark, state: MarkState) -> bool:
        unit = Unit()
        after = replace(before, state=state, at=time.time())
        self.hold.store.readers.put_mark(unit, self.name, article_id, after, before)
        return commit(self.hold.store.connection, [unit])[0]

    def _item_id(self, article_id: str) -> str:
        mark = self.standing.marks.get(article_id)
        return mark.item_id if mark is not None else self.standing.entries[article_id].item_id


def _mark(state: MarkState, why: Covered, item_id: str = "") -> Mark:
    return Mark(state, time.time(), item_id, why.kept, why.kind, why.jaccard, why.bar)


def _is_refusal(error: feeds.FeedError) -> bool:
    """Whether a reader has surely not done what it was told."""
    if isinstance(error, feeds.StatusError):
        return _LEAST_ERROR <= error.status < _LEAST_SERVER_ERROR or error.status == _UNAVAILABLE
    return isinstance(error, feeds.NoSecretError)
