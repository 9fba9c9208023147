"""Batches from the inbox through a worker, four at a time: one is settled while the next one is admitted, the one after
that is read, and the entries of one more come.

So the server has work while the worker computes; all but the round trips is done in one thread, in turns. The worker
admits batches one after the other, and settles them one after the other, in the order in which they were taken. A batch
waits until the one before is settled where both have a push of the same article, and where an entry of it has been
delivered before: should it end the worker, then alone.

An article that comes after a while of quiet is worked on at once. Where more of them follow, each faster than the next
one but too few for full batches, they gather for a moment: a batch of one costs a worker as much as twenty in one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Final, ParamSpec, TypeVar

from dedup.pipeline import Params, fingerprint
from worker.service.ingest import Batch, Begun, Pushed, Worker
from worker.store.inbox import Entry, is_first_try
from worker.store.store import Store
from worker.store.turns import Turns, aside, give_way

BATCH_ENTRIES: Final = 256
"""Half as many take the worker an eighth more time in admitting and settling: each round trip, and each call of numpy,
is for a batch."""
BATCH_BYTES: Final = 32 * 1024 * 1024
DRAIN_SECONDS: Final = 60.0
WAIT_SECONDS: Final = 1.0
CLAIM_EVERY_SECONDS: Final = 1.0
"""How often a drain looks for what dead workers have left: at its beginning, and at once again where there was some."""
GATHER_SECONDS: Final = 0.1
"""From taking a batch that was not full until the next one: with 100 articles a second two workers are a fifth as busy
as if each took what there is as soon as it can."""

_SETTLING, _ADMITTING, _READING = range(3)
"""Ranks: what others wait for goes first."""
_P = ParamSpec("_P")
_T = TypeVar("_T")


def drain(
    store: Store, params: Params, consumer: str, claim_seconds: float, max_bytes: int, alias_seconds: float
) -> int:
    """Works on the inbox until it is empty or a minute is over; returns how many entries were dealt with.

    Once empty it waits up to a second for the next entry. While one batch is worked on the next one is read, but not
    where an entry has been delivered before: should it end the worker, it does so without that batch.
    """
    store.index.claim(fingerprint(params))
    store.inbox.ensure()
    worker = Worker(store, params, max_bytes, alias_seconds)
    end = time.monotonic() + DRAIN_SECONDS
    return flow_through(worker, lambda flow: _drain(Source(worker, consumer, claim_seconds, flow), flow, end))


def _drain(source: Source, flow: Flow, end: float) -> int:
    n_done = 0
    batch = source.take()
    while True:
        if not batch.entries:
            flow.wait()
            batch = source.wait()
            if not batch.entries:
                return n_done
        n_done += len(batch.entries)
        if time.monotonic() >= end and source.stop():
            flow.put(batch)
            return n_done
        following = flow.ahead(source.take) if is_first_try(batch.entries) else None
        flow.put(batch)
        if not is_full(batch.entries):
            flow.wait()
        batch = following() if following is not None else source.take()


class Source:
    """Takes batches out of the inbox, and reads them. While a full one is read, the entries of the next one come."""

    def __init__(self, worker: Worker, consumer: str, claim_seconds: float, flow: Flow) -> None:
        self._worker, self._consumer, self._claim_seconds, self._flow = worker, consumer, claim_seconds, flow
        self._coming: Callable[[], list[Entry]] | None = None
        self._due, self._claim_due, self._stops = 0.0, 0.0, False

    def take(self) -> Batch:
        """What waits, as much as fits; later if what was taken last did not fill a batch, so that articles gather."""
        entries = self._entries() if self._coming is None else self._coming()
        goes_on = is_full(entries) and is_first_try(entries) and not self._stops
        self._coming = self._flow.ahead(self._entries) if goes_on else None
        return self._worker.read(entries)

    def wait(self) -> Batch:
        """What comes next, if something comes in time."""
        entries = self._worker.store.inbox.wait(self._consumer, BATCH_ENTRIES, BATCH_BYTES, WAIT_SECONDS)
        self._taken(entries, time.monotonic())
        return self._worker.read(entries)

    def stop(self) -> bool:
        """Takes no more than what is coming already; says whether nothing is."""
        self._stops = True
        return self._coming is None

    def _entries(self) -> list[Entry]:
        if (seconds := self._due - time.monotonic()) > 0:
            aside(time.sleep, seconds)
        taken_at = time.monotonic()
        claims = taken_at >= self._claim_due
        claim_seconds = self._claim_seconds if claims else None
        entries = self._worker.store.inbox.take(self._consumer, BATCH_ENTRIES, BATCH_BYTES, claim_seconds)
        if claims and is_first_try(entries):
            self._claim_due = taken_at + CLAIM_EVERY_SECONDS
        self._taken(entries, taken_at)
        return entries

    def _taken(self, entries: Sequence[Entry], at: float) -> None:
        self._due = at if is_full(entries) else at + GATHER_SECONDS


def is_full(entries: Sequence[Entry]) -> bool:
    """Whether so many entries were taken that more may wait."""
    return len(entries) >= BATCH_ENTRIES


class Flow:
    """Takes batches, has one of them settled while the next one is admitted, and the one after that read ahead."""

    def __init__(self, worker: Worker, turns: Turns) -> None:
        self._worker, self._turns = worker, turns
        self._last: tuple[Begun, Future[Sequence[Pushed] | None]] | None = None

    def ahead(self, read: Callable[_P, _T], *args: _P.args, **options: _P.kwargs) -> Callable[[], _T]:
        """Has something read meanwhile; what is returned waits for it."""
        return partial(self._turns.result, self._turns.start(_READING, read, *args, **options))

    def put(self, batch: Batch) -> None:
        """Admits a batch; it may be settled later than this returns."""
        is_first = is_first_try(batch.entries)
        if self._last is not None and (not is_first or _share_articles(self._last[0].batch, batch)):
            self.wait()
        begun = self._worker.begin(batch) if is_first else None
        self.wait()
        if begun is None:
            self._worker.finish(batch)
        else:
            self._last = begun, self._turns.start(_SETTLING, self._worker.settle, begun)
            give_way()  # it asks the server for what it needs, and gets it before the next batch is admitted

    def wait(self) -> None:
        """Returns when everything that was put in is dealt with."""
        if self._last is not None:
            (begun, settled), self._last = self._last, None
            self._worker.go_on(begun, self._turns.result(settled))


def flow_through(worker: Worker, use: Callable[[Flow], _T]) -> _T:
    """Uses a flow; at the end everything is dealt with. Returns what the use of it does."""
    turns = Turns()
    flow = Flow(worker, turns)

    def used() -> _T:
        result = use(flow)
        flow.wait()
        return result

    return turns.run(_ADMITTING, used)


def _share_articles(one: Batch, other: Batch) -> bool:
    return not {pushed.article.id for pushed in one.pushed}.isdisjoint(pushed.article.id for pushed in other.pushed)
