"""How far a long run is: told while its teller has the lease, and gone with it."""

from __future__ import annotations

from worker.store.progress import Stage
from worker.store.store import Store

STAGE = Stage("graph", 3, 12, began=1_000.5)


def test_nothing_is_told_where_nothing_is_in_work(store: Store) -> None:
    assert store.progress.read() is None
    store.lease.acquire("one")
    assert store.progress.read() is None


def test_what_the_holder_told_last_is_read_until_it_ends(store: Store) -> None:
    store.lease.acquire("one")
    store.progress.tell("one", Stage("vectors", 0, 12, began=1_000.5))
    store.progress.tell("one", STAGE)
    assert store.progress.read() == STAGE
    store.progress.end()
    assert store.progress.read() is None


def test_the_progress_of_a_holder_that_died_vanishes_with_its_lease(store: Store) -> None:
    store.lease.acquire("one")
    store.progress.tell("one", STAGE)
    store.connection.delete(store.keys.private("lease"))  # as when it runs out
    assert store.progress.read() is None
    store.lease.acquire("two")
    assert store.progress.read() is None
    store.progress.tell("two", Stage("vectors", 1, 12, began=2_000.0))
    assert store.progress.read() == Stage("vectors", 1, 12, began=2_000.0)


def test_what_nobody_ends_runs_out_by_itself(store: Store) -> None:
    store.progress.tell("one", STAGE)
    assert 0 < store.connection.ttl(store.keys.private("progress")) <= 3_600
