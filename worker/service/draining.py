"""Batches from the inbox through a worker, three at a time: one is settled while the next one is admitted and the one
after that is read.

So the server has work while the worker computes. The worker admits batches one after the other, and settles them one
after the other, in the order in which they were taken. A batch waits until the one before is settled where both have a
push of the same article, and where an entry of it has been delivered before: should it end the worker, then alone.

An article that comes after a while of quiet is worked on at once. Where more of them follow, each faster than the next
one but too few for full batches, they gather for a moment: a batch of one costs a worker as much as twenty in one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

from dedup.pipeline import Params, fingerprint
from worker.service.ingest import Batch, Begun, Pushed, Worker
from worker.store.store import Store

BATCH_ENTRIES: Final = 256
"""Half as many take the worker an eighth more time in admitting and settling: each round trip, and each call of numpy,
is for a batch."""
BATCH_BYTES: Final = 32 * 1024 * 1024
DRAIN_SECONDS: Final = 60.0
WAIT_SECONDS: Final = 1.0
GATHER_SECONDS: Final = 0.1
"""From taking a batch that was not full until the next one: with 100 articles a second two workers are a fifth as busy
as if each took what there is as soon as it can."""


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
    source = Source(worker, consumer, claim_seconds)
    n_done, end = 0, time.monotonic() + DRAIN_SECONDS
    with ThreadPoolExecutor(1, "ahead") as ahead, flowing(worker) as flow:
        batch = source.take()
        while True:
            if not batch.entries:
                flow.wait()
                batch = source.wait()
                if not batch.entries:
                    return n_done
            is_last = time.monotonic() >= end
            following = ahead.submit(source.take) if batch.is_first_try() and not is_last else None
            flow.put(batch)
            n_done += len(batch.entries)
            if is_last:
                return n_done
            if not is_full(batch):
                flow.wait()
            batch = following.result() if following is not None else source.take()


class Source:
    """Takes batches out of the inbox, and reads them."""

    def __init__(self, worker: Worker, consumer: str, claim_seconds: float) -> None:
        self._worker, self._consumer, self._claim_seconds = worker, consumer, claim_seconds
        self._due = 0.0

    def take(self) -> Batch:
        """What waits, as much as fits; later if what was taken last did not fill a batch, so that articles gather."""
        time.sleep(max(0.0, self._due - time.monotonic()))
        taken_at = time.monotonic()
        inbox = self._worker.store.inbox
        batch = self._worker.read(inbox.take(self._consumer, BATCH_ENTRIES, BATCH_BYTES, self._claim_seconds))
        self._due = taken_at if is_full(batch) else taken_at + GATHER_SECONDS
        return batch

    def wait(self) -> Batch:
        """The next entry, if one comes in time."""
        batch = self._worker.read(self._worker.store.inbox.wait(self._consumer, WAIT_SECONDS))
        self._due = time.monotonic() + GATHER_SECONDS
        return batch


def is_full(batch: Batch) -> bool:
    """Whether so many entries were taken that more may wait."""
    return len(batch.entries) >= BATCH_ENTRIES


class Flow:
    """Takes batches, and has one of them settled in a thread of its own."""

    def __init__(self, worker: Worker, thread: ThreadPoolExecutor) -> None:
        self._worker, self._thread = worker, thread
        self._last: tuple[Begun, Future[Sequence[Pushed] | None]] | None = None

    def put(self, batch: Batch) -> None:
        """Admits a batch; it may be settled later than this returns."""
        is_first = batch.is_first_try()
        if self._last is not None and (not is_first or _share_articles(self._last[0].batch, batch)):
            self.wait()
        begun = self._worker.begin(batch) if is_first else None
        self.wait()
        if begun is None:
            self._worker.finish(batch)
        else:
            self._last = begun, self._thread.submit(self._worker.settle, begun)

    def wait(self) -> None:
        """Returns when everything that was put in is dealt with."""
        if self._last is not None:
            (begun, settled), self._last = self._last, None
            self._worker.go_on(begun, settled.result())


@contextmanager
def flowing(worker: Worker) -> Iterator[Flow]:
    """A flow for the length of the block; at its end everything is dealt with."""
    with ThreadPoolExecutor(1, "settling") as thread:
        flow = Flow(worker, thread)
        yield flow
        flow.wait()


def _share_articles(one: Batch, other: Batch) -> bool:
    return not {pushed.article.id for pushed in one.pushed}.isdisjoint(pushed.article.id for pushed in other.pushed)
