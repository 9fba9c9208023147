"""How much of the memory that articles have added to the server is free again once they have expired."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from benchmarks.articles import make_articles
from benchmarks.served import DAY_SECONDS, drain_all, push
from dedup.pipeline import Params
from worker.service.clustering import Clusterer
from worker.service.retention import Expiry
from worker.store.store import Store

WINDOW_SECONDS: Final = 14 * DAY_SECONDS
RETENTION_SECONDS: Final = 30 * DAY_SECONDS
STORYLINE_SECONDS: Final = 400 * DAY_SECONDS
N_BEFORE: Final = 500
KEPT_ON: Final = ("storyline:*", "private:storylines", "private:profiles:*", "changes", "report:*", "rejected")
"""What outlives the articles that it is about."""


@dataclass(frozen=True, slots=True)
class Freed:
    """Bytes that n articles and their stories have added, `left` of them once all have expired: client buffers, the
    append-only file's buffer, and what outlives articles (`KEPT_ON`) aside. `seconds` it took to expire them.
    """

    n: int
    added: int
    left: int
    seconds: float

    @property
    def share(self) -> float:
        """The share that is free again."""
        return 1 - self.left / self.added


def measure(store: Store, n: int) -> Freed:
    """Lets n articles come into a store without articles, be clustered, and expire; a few others before them, so that
    the server has what it needs for such work.
    """
    _live_and_expire(store, N_BEFORE, seed=2)
    return _live_and_expire(store, n, seed=1)


def _live_and_expire(store: Store, n: int, seed: int) -> Freed:
    clusterer = Clusterer(store, Params(), "bench", WINDOW_SECONDS, RETENTION_SECONDS, STORYLINE_SECONDS)
    before = _held(store)
    push(store, list(make_articles(n, seed)))
    drain_all(store)
    clusterer.run(time.time())
    added = _held(store) - before
    begun, later = time.perf_counter(), time.time() + RETENTION_SECONDS + DAY_SECONDS
    n_expired = Expiry(store, Params(), RETENTION_SECONDS, STORYLINE_SECONDS).run(later)
    seconds = time.perf_counter() - begun
    clusterer.run(later)
    clusterer.release()
    if (n_expired, store.articles.count()) != (n, (0, 0)):
        raise RuntimeError(f"{n_expired} of {n} articles have expired, {store.articles.count()} are left")
    return Freed(n, added, _held(store) - before, seconds)


def _held(store: Store) -> int:
    """Bytes that the server has in use, but for what is told aside."""
    memory = store.connection.info("memory")
    aside = int(memory["mem_clients_normal"]) + int(memory.get("mem_aof_buffer", 0))
    for pattern in KEPT_ON:
        for key in store.connection.scan_iter(f"{store.keys.prefix}{pattern}", count=10_000):
            aside += int(store.connection.memory_usage(key, samples=0) or 0)
    return int(memory["used_memory"]) - aside
