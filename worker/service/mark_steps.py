"""Steps with articles in a reader: each is noted, the reader is told, and then it is noted as done.

The rules are those of `marking`.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from dedup.shown import Covered
from worker import feeds
from worker.service.standing import Scope, Standing
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
"""For which a visit begins steps; with the last of them it is over within a minute."""
AGAIN_SECONDS: Final = 3_600.0
"""For which a step is taken again of which it is not known whether the reader was told."""
_LEAST_ERROR: Final = 400
_LEAST_SERVER_ERROR: Final = 500
_UNAVAILABLE: Final = 503


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
class Hold:
    """An account that this process has to itself."""

    store: Store
    feed_id: str
    holder: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def record(self) -> FeedRecord | None:
        return self.store.feeds.get([self.feed_id]).get(self.feed_id)

    def guard(self, unit: Unit) -> None:
        """Guards a unit by the account still being this process's."""
        self.store.feed_turns.expect_feed(unit, self.feed_id, self.holder)


@dataclass(frozen=True, slots=True)
class _Step:
    """A step that is about to be taken with an article: what stood `before`, the intent, and how it ends."""

    article_id: str
    before: Mark | None
    intent: Mark
    ends_as: MarkState


@dataclass(frozen=True, slots=True)
class Steps:
    """One visit to a reader for the sake of marks; `told` is what came of it so far."""

    hold: Hold
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
        fresh = {one: mark_of("marking", why, self._item_id(one)) for one, why in wanted.items() if one in asked}
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


def mark_of(state: MarkState, why: Covered, item_id: str = "") -> Mark:
    """A mark of an article for a reason, as of now."""
    return Mark(state, time.time(), item_id, why.kept, why.kind, why.jaccard, why.bar)


def _is_refusal(error: feeds.FeedError) -> bool:
    """Whether a reader has surely not done what it was told."""
    if isinstance(error, feeds.StatusError):
        return _LEAST_ERROR <= error.status < _LEAST_SERVER_ERROR or error.status == _UNAVAILABLE
    return isinstance(error, feeds.NoSecretError)
