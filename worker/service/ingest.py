"""From the inbox to readable families: parse, prepare, look up, verify, settle, commit.

1. Whatever happens, an entry is acknowledged only in the commit that writes what became of it.
2. An entry that cannot be accepted is rejected with article, field and reason; the rest of its batch goes on.
3. The same push twice, or one article in two workers' hands, is written once: each commit is guarded by what it was
   decided on, and what has meanwhile changed is decided anew.
4. A later push of an article is never overwritten by an earlier one, in whatever order they are worked on.
5. An entry that has been taken out of the inbox meanwhile comes to nothing: its article was forgotten.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from dedup.article import Article, claimed_id, parse_article
from dedup.errors import ArticleError, DedupError
from dedup.family import Member, source_key, verify
from dedup.identity import mint
from dedup.pipeline import Params, Prepared, preparing
from dedup.text import identify
from worker.service.families import Loaded, Touch, Writer, load
from worker.store.articles import Founding, founding
from worker.store.commit import Unit, Words, commit
from worker.store.inbox import Entry
from worker.store.index import Admission, Admitted, Packed
from worker.store.records import ArticleRecord, record_of
from worker.store.store import Store
from worker.store.turns import give_way

MOST_DELIVERIES: Final = 6
"""Deliveries after which an entry is rejected: working on it has ended a worker that many times."""
MOST_ATTEMPTS: Final = 50
"""Times a batch is decided anew because other workers changed what it rests on, before it is left for later."""
_UNFORESEEN: Final = (DedupError, ValueError, TypeError, LookupError, ArithmeticError, RecursionError)


class Pushed(NamedTuple):
    """An accepted payload: the inbox entry and the article in it."""

    entry: Entry
    article: Article


class Ready(NamedTuple):
    """All that can be made of an article before it is known what is kept: what it is, and what is written if it founds
    a family; `packed` is both as an admission is told of them.
    """

    prepared: Prepared
    packed: Packed
    founding: Founding


Arrival = tuple[Pushed, Admitted, Founding]
"""An article that comes or is revised: its push, what became of that so far, and what is written of it."""
Readies = dict[bytes, Ready]
"""By the ids of their entries."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries of the inbox, those of them that are articles, and what these are made ready with: None where it failed,
    and each has to be tried alone.
    """

    entries: Sequence[Entry]
    pushed: Sequence[Pushed]
    ready: Readies | None


@dataclass(frozen=True, slots=True)
class Begun:
    """A batch that has been admitted: of the earliest pushes of its articles, those that change nothing are `repeated`,
    with the record that stands, `arrivals` are by article what else has not founded its family, `touches` what these
    touch. `later` are the other pushes, which have to wait for these.
    """

    batch: Batch
    ready: Readies
    repeated: Sequence[tuple[Pushed, ArticleRecord]]
    arrivals: Mapping[str, Arrival]
    touches: Sequence[Touch]
    later: Sequence[Pushed]
    admission: Admission


@dataclass(frozen=True, slots=True)
class Worker:
    """Works on batches of entries."""

    store: Store
    params: Params
    max_bytes: int
    alias_seconds: float

    def work(self, entries: Sequence[Entry]) -> None:
        """Deals with every entry; one that fails in a way nobody foresaw is found and rejected alone."""
        self.finish(self.read(entries))

    def read(self, entries: Sequence[Entry]) -> Batch:
        """All that can be done with entries before it is known what is kept; rejects those that are no articles."""
        return self.prepare(entries, self.parse(entries))

    def parse(self, entries: Sequence[Entry]) -> list[Pushed]:
        """The articles in entries; rejects what is none."""
        pushed: list[Pushed] = []
        for entry in entries:
            if (one := self._parse(entry)) is not None:
                pushed.append(one)
            give_way()
        return pushed

    def prepare(self, entries: Sequence[Entry], pushed: Sequence[Pushed]) -> Batch:
        """What can be computed of articles alone."""
        try:
            return Batch(entries, pushed, self._prepare(pushed))
        except _UNFORESEEN:
            return Batch(entries, pushed, None)

    def finish(self, batch: Batch) -> None:
        """Deals with what has been read, from wherever that had come to."""
        if batch.pushed:
            self._work_apart(batch.pushed, batch.ready)

    def begin(self, batch: Batch) -> Begun | None:
        """Admits what has been read. None where that cannot be done with the batch as a whole, and `finish` has to do
        all of it.
        """
        if not batch.pushed or batch.ready is None:
            return None
        try:
            return self._begin(batch, batch.pushed, batch.ready, first=True)
        except _UNFORESEEN:
            return None

    def settle(self, begun: Begun) -> Sequence[Pushed] | None:
        """Deals with what has been admitted; the next batch may be admitted meanwhile. Returns those whose ground has
        shifted under the decision; None where `finish` has to do all of it once more.
        """
        try:
            return self._settle(begun)
        except _UNFORESEEN:
            return None

    def go_on(self, begun: Begun, left: Sequence[Pushed] | None) -> None:
        """Deals with what `settle` has left."""
        if left is None:
            self.finish(begun.batch)
            return
        try:
            self._go_on(left, begun.batch, begun.ready)
        except _UNFORESEEN:
            self.finish(begun.batch)

    def _prepare(self, waiting: Sequence[Pushed]) -> Readies:
        prepared: list[Prepared] = []
        for part in preparing([pushed.article for pushed in waiting], self.params):
            prepared += part
            give_way()
        foundings = [_founding(pushed) for pushed in waiting]
        give_way()
        made = map(Ready, prepared, self.store.index.pack(prepared, foundings), foundings)
        return dict(zip((pushed.entry.entry_id for pushed in waiting), made, strict=True))

    def _work_apart(self, waiting: Sequence[Pushed], ready: Readies | None) -> None:
        try:
            self._work(waiting, self._prepare(waiting) if ready is None else ready)
        except _UNFORESEEN as error:
            if len(waiting) == 1:
                self._reject(waiting[0].entry, _unforeseen(waiting[0].entry, error))
                return
            for pushed in waiting:
                self._work_apart([pushed], None)

    def _work(self, waiting: Sequence[Pushed], ready: Readies) -> None:
        batch = Batch([pushed.entry for pushed in waiting], waiting, ready)
        self._go_on(self._settle(self._begin(batch, waiting, ready, first=True)), batch, ready)

    def _go_on(self, left: Sequence[Pushed], batch: Batch, ready: Readies) -> None:
        """Decides anew, until nothing is left that others have changed the ground of."""
        for _ in range(MOST_ATTEMPTS - 1):
            if not left or not (left := self._still_there(left)):
                return
            left = self._settle(self._begin(batch, left, ready, first=False))

    def _still_there(self, waiting: Sequence[Pushed]) -> list[Pushed]:
        """Those whose entries are in the inbox still; the others are let go."""
        present = self.store.inbox.present([pushed.entry for pushed in waiting])
        self.store.inbox.let_go(p.entry.entry_id for p in waiting if p.entry.entry_id not in present)
        return [pushed for pushed in waiting if pushed.entry.entry_id in present]

    def _parse(self, entry: Entry) -> Pushed | None:
        try:
            return Pushed(entry, identify(parse_article(_payload(entry), self.max_bytes)))
        except ArticleError as error:
            self._reject(entry, error)
        except _UNFORESEEN as error:
            self._reject(entry, _unforeseen(entry, error))
        return None

    def _reject(self, entry: Entry, error: ArticleError) -> None:
        unit = Unit()
        self.store.inbox.settle(unit, [entry])
        self.store.rejected.add(unit, error, entry.payload or b"", time.time())
        commit(self.store.connection, [unit])

    def _begin(self, batch: Batch, waiting: Sequence[Pushed], ready: Readies, *, first: bool) -> Begun:
        """Admits what waits of a batch. `first`: articles that are like nothing found families, under ids that are free
        nearly always.
        """
        wave, later = _first_of_each(waiting)
        chosen = [ready[pushed.entry.entry_id] for pushed in wave]
        admission = self.store.index.admit(
            [one.prepared for one in chosen],
            [one.packed for one in chosen],
            may_found=first,
        )
        return self._begun(batch, ready, wave, later, admission)

    def _begun(
        self, batch: Batch, ready: Readies, wave: Sequence[Pushed], later: Sequence[Pushed], admission: Admission
    ) -> Begun:
        """What can be said of an admission without asking what else is kept: the batch before may not be settled."""
        waiting = {pushed.article.id: pushed for pushed in wave}
        touches: list[Touch] = []
        repeated: list[tuple[Pushed, ArticleRecord]] = []
        arrivals: dict[str, Arrival] = {}
        for one in admission.articles:
            pushed = waiting[one.prepared.article.id]
            if one.record is not None and _is_told(pushed, one.number, one.record):
                repeated.append((pushed, one.record))
            else:
                arrivals[pushed.article.id] = pushed, one, ready[pushed.entry.entry_id].founding
                touches.append(self._touch(pushed, one, admission))
        return Begun(batch, ready, repeated, arrivals, touches, later, admission)

    def _settle(self, begun: Begun) -> list[Pushed]:
        """Decides on what was admitted; returns what is left: those whose ground has shifted, and the later pushes."""
        left = self._acknowledge(begun.repeated, begun.ready, begun.admission.server)
        shifted = self._decide(begun.touches, begun.arrivals, begun.admission)
        return [*left, *(begun.arrivals[article_id][0] for article_id in shifted), *begun.later]

    def _decide(self, touches: Sequence[Touch], by_id: Mapping[str, Arrival], admission: Admission) -> list[str]:
        """Commits what touches come to; returns the articles of those whose ground has shifted under the decision.

        The batch before may have been settled since these were admitted: what they touch is loaded as it is now.
        """
        loaded, steady, shifted = load(self.store, touches, admission.contents)
        gone = {number for number, state in loaded.states.items() if state is None}
        if gone:
            shifted += [touch for touch in steady if touch.contents & gone]
            steady = [touch for touch in steady if not touch.contents & gone]
        done = commit(self.store.connection, self._units(steady, loaded, by_id), admission.server)
        shifted += [touch for touch, applied in zip(steady, done, strict=True) if not applied]
        return [article_id for touch in shifted for article_id in touch.arrivals]

    def _acknowledge(
        self, repeated: Sequence[tuple[Pushed, ArticleRecord]], own: Collection[bytes], server: str
    ) -> list[Pushed]:
        """Deals with pushes that change nothing; returns those whose article has changed meanwhile.

        A repeat is noted only where an earlier push is in other hands, which must find that it comes too late.
        """
        first_held = self.store.inbox.first_held(besides=own) if repeated else None
        units = []
        for pushed, record in repeated:
            unit, article_id, seen_at = Unit(), pushed.article.id, pushed.entry.seen_at
            self.store.articles.expect_record(unit, article_id, record.pack())
            self.store.inbox.done(unit, pushed.entry)
            if first_held is not None and max(first_held, record.pushed_at) < seen_at:
                later = record._replace(pushed_at=seen_at)
                self.store.articles.put_record(unit, article_id, later.pack(), record.pack())
            units.append(unit)
        done = commit(self.store.connection, units, server)
        return [pushed for (pushed, _), applied in zip(repeated, done, strict=True) if not applied]

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
        source = source_key(pushed.article.source)
        touch.arrivals[article_id] = Member(seen_at, article_id, admitted.number, "", record is not None, source)
        return touch

    def _units(self, touches: Sequence[Touch], loaded: Loaded, by_id: Mapping[str, Arrival]) -> list[Unit]:
        """A unit for each touch."""
        writer = Writer(self.store, self.params, self.alias_seconds)
        units = []
        for touch, name in zip(touches, loaded.new_groups, strict=False):
            unit = Unit()
            fields = {article_id: self._put_article(unit, *by_id[article_id]) for article_id in touch.arrivals}
            revised = [article_id for article_id in touch.arrivals if by_id[article_id][1].record is not None]
            writer.write(unit, touch, loaded, name, fields, revised)
            self.store.inbox.settle(unit, [by_id[article_id][0].entry for article_id in touch.arrivals])
            units.append(unit)
        return units

    def _put_article(self, unit: Unit, pushed: Pushed, admitted: Admitted, told: Founding) -> Words:
        article, number, before = pushed.article, admitted.number, admitted.record
        if before is None:
            self.store.articles.put_record(unit, article.id, record_of(number, told.record), None)
            return self.store.articles.put_new(unit, article.id, told)
        pushed_at, revision = pushed.entry.seen_at, before.revision + 1
        source = source_key(article.source)
        fresh = ArticleRecord(number, before.seen_at, pushed_at, article.published_at, revision, source)
        self.store.articles.put_record(unit, article.id, fresh.pack(), before.pack())
        return self.store.articles.put_revised(unit, article, revision)


def _free(_: str) -> bool:
    return False


def _payload(entry: Entry) -> bytes:
    if entry.payload is None:
        raise ArticleError(None, "payload", "the inbox entry has no field 'json'")
    if entry.deliveries > MOST_DELIVERIES:
        given_up = f"given up: working on it failed {MOST_DELIVERIES} times"
        raise ArticleError(claimed_id(entry.payload), "payload", given_up)
    return entry.payload


def _unforeseen(entry: Entry, error: Exception) -> ArticleError:
    return ArticleError(claimed_id(entry.payload or b""), "payload", f"cannot be processed: {error!r}")


def _founding(pushed: Pushed) -> Founding:
    """What is written of an article that is like no other, without asking what there is."""
    article, entry = pushed.article, pushed.entry
    seen_at = entry.seen_at
    record = ArticleRecord(0, seen_at, seen_at, article.published_at, 0, source_key(article.source))
    return founding(entry.entry_id, mint("family", article.id, _free), record.pack_rest(), article, seen_at)


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


def _is_told(pushed: Pushed, content: int, record: ArticleRecord) -> bool:
    """Whether the push changes nothing: the same text again, or an earlier push than the one that stands."""
    return record.content == content or pushed.entry.seen_at <= record.pushed_at
