"""The loop of a drain: batches follow each other in order, nothing stays held, and each entry is dealt with once."""

from __future__ import annotations

import json

import pytest

from dedup.article import MAX_ARTICLE_BYTES
from tests.integration.recount import recount
from tests.integration.world import PARAMS, RETENTION, altered, article, families, push, text
from worker.service import draining
from worker.service.ingest import Batch, Worker
from worker.store.inbox import GROUP, SUSPECT_DELIVERIES, Entry
from worker.store.store import Store

BATCH = 8


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draining, "BATCH_ENTRIES", BATCH)
    monkeypatch.setattr(draining, "WAIT_SECONDS", 0.01)


def drain(store: Store, claim_seconds: float = 60) -> int:
    return draining.drain(store, PARAMS, "hand", claim_seconds, MAX_ARTICLE_BYTES, RETENTION)


def n_held(store: Store) -> int:
    return int(store.connection.xpending(store.keys.inbox, GROUP)["pending"])


def test_many_batches_come_to_the_families_that_their_texts_form(store: Store) -> None:
    bodies = [text(i) for i in range(25)]
    push(store, [article(f"{i}-{telling}", altered(bodies[i], telling)) for telling in range(4) for i in range(25)])
    assert drain(store) == 100
    assert families(store) == {tuple(f"{i}-{telling}" for telling in range(4)) for i in range(25)}
    assert (store.inbox.n_waiting(), n_held(store)) == (0, 0)
    recount(store, settled=False)


def test_revisions_in_one_batch_after_another_end_with_the_last(store: Store) -> None:
    push(store, [article(f"a{i % 3}", text(f"revision {i}")) for i in range(5 * BATCH)])
    push(store, [article(f"a{i}", text("the last")) for i in range(3)])
    assert drain(store) == 5 * BATCH + 3
    assert families(store) == {("a0", "a1", "a2")}
    recount(store, settled=False)


def test_what_is_no_article_delays_nothing(store: Store) -> None:
    push(store, [one for i in range(3 * BATCH) for one in (article(f"a{i}", text(i)), "{no JSON")])
    assert drain(store) == 6 * BATCH
    assert len(families(store)) == 3 * BATCH
    assert len(store.rejected.latest(1_000)) == 3 * BATCH
    assert n_held(store) == 0


def test_at_the_end_of_its_time_it_deals_with_what_it_holds_and_leaves_the_rest(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draining, "DRAIN_SECONDS", 0.0)
    push(store, [article(f"a{i}", text(i)) for i in range(5 * BATCH)])
    n_done = drain(store)
    assert 0 < n_done < 5 * BATCH
    assert store.articles.count()[0] == n_done
    assert (store.inbox.n_waiting(), n_held(store)) == (5 * BATCH - n_done, 0)
    recount(store, settled=False)


def test_whatever_a_dead_worker_has_left_is_taken_over_at_once(store: Store) -> None:
    """A batch of it, of which some entries have been delivered so often that each is worked on alone."""
    store.inbox.ensure()
    push(store, [article(f"a{i}", text(i)) for i in range(4 * BATCH)])
    held = [entry.entry_id for entry in store.inbox.take("dead", 2 * BATCH, 1 << 25, None)]
    for entry_id in held[:3]:
        store.connection.xclaim(
            store.keys.inbox, GROUP, "dead", 0, [entry_id], retrycount=SUSPECT_DELIVERIES
        )  # fmt: skip
    assert drain(store, claim_seconds=0) == 4 * BATCH
    assert len(families(store)) == 4 * BATCH
    assert n_held(store) == 0
    recount(store, settled=False)


def test_articles_that_trickle_in_are_taken_together(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a batch that was not full is worked on, more come: they wait for each other."""
    taken: list[int] = []
    read = Worker.read

    def reading(worker: Worker, entries: list[Entry]) -> Batch:
        taken.append(len(entries))
        if len(taken) <= 2:
            push(store, [article(f"{len(taken)}-{i}", text(f"{len(taken)} {i}")) for i in range(3)])
        return read(worker, entries)

    monkeypatch.setattr(Worker, "read", reading)
    push(store, [json.dumps(article("first", text("first")))])
    assert drain(store) == 7
    assert [n for n in taken if n] == [1, 3, 3]
