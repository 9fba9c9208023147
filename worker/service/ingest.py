"""From the inbox to readable families: parse, prepare, look up, verify, settle, commit.

1. Whatever happens, an entry is acknowledged only in the commit that writes what became of it.
2. An entry that cannot be accepted is rejected with article, field and reason; the rest of its batch goes on.
3. The same push twice, or one article in two workers' hands, is written once: each commit is guarded by what it was
   decided on, and what has meanwhile changed is decided anew.
4. A later push of an article is never overwritten by an earlier one, in whatever order they are worked on.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dedup.article import Article, parse_article
from dedup.errors import ArticleError, DedupError
from dedup.family import Member, verify
from dedup.pipeline import Params, Prepared, prepare
from dedup.text import identify
from worker.service.families import Loaded, Touch, Writer, load, unite
from worker.store.commit import Fields, Unit, commit
from worker.store.inbox import Entry
from worker.store.index import Admission, Admitted
from worker.store.records import ArticleRecord
from worker.store.store import Store

BATCH_ENTRIES: Final = 256
BATCH_BYTES: Final = 32 * 1024 * 1024
DRAIN_SECONDS: Final = 60.0
WAIT_SECONDS: Final = 1.0
MOST_DELIVERIES: Final = 6
"""Deliveries after which an entry is rejected: working on it has ended a worker that many times."""
MOST_ATTEMPTS: Final = 50
"""Times a batch is decided anew because other workers changed what it rests on, before it is left for later."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """An accepted payload: the inbox entry and the article in it."""

    entry: Entry
    article: Article


def drain(
    store: Store, params: Params, consumer: str, claim_seconds: float, max_bytes: int, alias_seconds: float
) -> int:
    """Works on the inbox until it is empty or a minute is over; returns how many entries were dealt with.

    Once empty it waits up to a second for the next entry, so that an article waits milliseconds.
    """
    store.inbox.ensure()
    worker = Worker(store, params, max_bytes, alias_seconds)
    n_done, end = 0, time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < end:
        entries = store.inbox.take(consumer, BATCH_ENTRIES, BATCH_BYTES, claim_seconds)
        if not entries:
            entries = store.inbox.wait(consumer, WAIT_SECONDS)
            if not entries:
                break
        worker.work(entries)
        n_done += len(entries)
    return n_done


@dataclass(frozen=True, slots=True)
class Worker:
    """Works on batches of entries."""

    store: Store
    params: Params
    max_bytes: int
    alias_seconds: float

    def work(self, entries: Sequence[Entry]) -> None:
        """Deals with every entry; one that fails in a way nobody foresaw is found and rejected alone."""
        try:
            self._work(entries)
        except (DedupError, ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as error:
            if len(entries) == 1:
                self._reject(entries[0], ArticleError(None, "payload", f"cannot be processed: {error!r}"))
                return
            for entry in entries:
                self.work([entry])

    def _work(self, entries: Sequence[Entry]) -> None:
        waiting = [pushed for entry in entries if (pushed := self._parse(entry)) is not None]
        prepared = dict(
            zip(
                (pushed.entry.entry_id for pushed in waiting),
                prepare([pushed.article for pushed in waiting], self.params),
                strict=True,
            )
        )
        for attempt in range(MOST_ATTEMPTS):
            if not waiting:
                return
            wave, later = _first_of_each(waiting)
            waiting = self._admit(wave, prepared, together=attempt == 0) + later

    def _parse(self, entry: Entry) -> Pushed | None:
        try:
            return Pushed(entry, identify(parse_article(_payload(entry), self.max_bytes)))
        except ArticleError as error:
            self._reject(entry, error)
            return None

    def _reject(self, entry: Entry, error: ArticleError) -> None:
        unit = Unit()
        self.store.inbox.expect(unit, entry)
        self.store.rejected.add(unit, error, entry.payload or b"", time.time())
        self.store.inbox.done(unit, entry)
        commit(self.store.connection, [unit])

    def _admit(self, wave: Sequence[Pushed], prepared: dict[bytes, Prepared], *, together: bool) -> list[Pushed]:
        """One attempt at articles of different ids; returns those whose ground has shifted under the decision.

        `together`: articles that nothing was found for are committed as one, which costs less and nearly always holds.
        """
        admission = self.store.index.admit([prepared[pushed.entry.entry_id] for pushed in wave])
        loaded = Loaded(dict(admission.contents), dict(admission.states))
        former = {a.record.content for a in admission.articles if a.record is not None} - loaded.states.keys()
        loaded.states |= self.store.index.states(sorted(former))
        touches: list[Touch] = []
        quiet = Unit()
        for pushed, admitted in zip(wave, admission.articles, strict=True):
            if _is_told(pushed, admitted):
                self.store.inbox.done(quiet, pushed.entry)
            else:
                touches.append(self._touch(pushed, admitted, admission))
        commit(self.store.connection, [quiet])
        by_id = {
            pushed.article.id: (pushed, admitted) for pushed, admitted in zip(wave, admission.articles, strict=True)
        }
        united = unite(touches, loaded.states)
        load(self.store, united, loaded)
        shifted = _commit_together(self.store, united, self._units(united, loaded, by_id), together)
        return [by_id[article_id][0] for touch in shifted for article_id in touch.arrivals]

    def _touch(self, pushed: Pushed, admitted: Admitted, admission: Admission) -> Touch:
        """What one article touches: its content, those it is a near-duplicate of, and the one it stood for before."""
        content = admission.contents[admitted.number]
        edges = verify(content, [admission.contents[number] for number in admitted.candidates], self.params.family)
        record = admitted.record
        touch = Touch({admitted.number}, edges)
        touch.contents.update(number for edge in edges for number in (edge.one, edge.other))
        if record is not None:
            touch.contents.add(record.content)
        seen_at = record.seen_at if record is not None else pushed.entry.seen_at
        article_id = pushed.article.id
        touch.arrivals[article_id] = Member(seen_at, article_id, admitted.number, "", record is not None)
        return touch

    def _units(self, touches: Sequence[Touch], loaded: Loaded, by_id: dict[str, tuple[Pushed, Admitted]]) -> list[Unit]:
        """A unit for each touch."""
        writer = Writer(self.store, self.params, self.alias_seconds)
        units = []
        for touch, name in zip(touches, self.store.index.new_groups(len(touches)), strict=True):
            unit = Unit()
            fields = {article_id: self._put_article(unit, *by_id[article_id]) for article_id in touch.arrivals}
            revised = [article_id for article_id in touch.arrivals if by_id[article_id][1].record is not None]
            writer.write(unit, touch, loaded, name, fields, revised)
            units.append(unit)
        return units

    def _put_article(self, unit: Unit, pushed: Pushed, admitted: Admitted) -> Fields:
        article, entry, record = pushed.article, pushed.entry, admitted.record
        self.store.inbox.done(unit, entry)
        seen_at = record.seen_at if record is not None else entry.seen_at
        revision = record.revision + 1 if record is not None else 0
        fresh = ArticleRecord(admitted.number, seen_at, entry.seen_at, article.published_at, revision)
        before = record.pack() if record is not None else None
        self.store.articles.put_record(unit, article.id, fresh.pack(), before)
        if record is None:
            return self.store.articles.put_new(unit, article, seen_at)
        return self.store.articles.put_revised(unit, article, revision)


def _payload(entry: Entry) -> bytes:
    if entry.payload is None:
        raise ArticleError(None, "payload", "the inbox entry has no field 'json'")
    if entry.deliveries > MOST_DELIVERIES:
        raise ArticleError(None, "payload", f"given up: working on it failed {MOST_DELIVERIES} times")
    return entry.payload


def _commit_together(store: Store, touches: Sequence[Touch], units: Sequence[Unit], together: bool) -> list[Touch]:
    """Commits the units, those of lone contents as one if `together`; returns the touches that did not go through."""
    first = Unit()
    lone = [together and len(touch.contents) == 1 for touch in touches]
    for unit, alone in zip(units, lone, strict=True):
        if alone:
            first.absorb(unit)
    linked = [(touch, unit) for touch, unit, alone in zip(touches, units, lone, strict=True) if not alone]
    lone_done, *done = commit(store.connection, [first, *(unit for _, unit in linked)])
    shifted = [touch for (touch, _), applied in zip(linked, done, strict=True) if not applied]
    return shifted if lone_done else shifted + [touch for touch, alone in zip(touches, lone, strict=True) if alone]


def _first_of_each(waiting: Sequence[Pushed]) -> tuple[list[Pushed], list[Pushed]]:
    """The earliest push of each article, and the rest, which has to wait for it."""
    first: dict[str, Pushed] = {}
    later: list[Pushed] = []
    for pushed in sorted(waiting, key=lambda pushed: pushed.entry.seen_at):
        if pushed.article.id in first:
            later.append(pushed)
        else:
            first[pushed.article.id] = pushed
    return list(first.values()), later


def _is_told(pushed: Pushed, admitted: Admitted) -> bool:
    """Whether the push changes nothing: the same text again, or an earlier push than the one that stands."""
    record = admitted.record
    return record is not None and (record.content == admitted.number or pushed.entry.seen_at <= record.pushed_at)
