"""The inbox: nothing accepted is dropped, nothing is dealt with twice, and what ends its workers is given up."""

from __future__ import annotations

import json

import pytest

from dedup.article import MAX_ARTICLE_BYTES
from tests.integration.recount import recount
from tests.integration.world import article, drain, push, text, worker
from worker.service.ingest import MOST_DELIVERIES
from worker.store.inbox import GROUP, SUSPECT_DELIVERIES, Entry, Inbox
from worker.store.pushing import InboxFullError, Payload, push_payloads
from worker.store.store import Store

MEGABYTES = 1024 * 1024


def payloads(n: int) -> list[Payload]:
    return [json.dumps(article(f"a{i}", text(i))) for i in range(n)]


def take(store: Store, consumer: str, n: int = 256, n_bytes: int = 32 * MEGABYTES, idle: float = 60) -> list[Entry]:
    store.inbox.ensure()
    return store.inbox.take(consumer, n, n_bytes, idle)


def test_a_full_inbox_takes_what_fits_and_names_the_first_article_that_did_not(store: Store) -> None:
    inbox = Inbox(store.connection, store.keys, max_waiting=3)
    with pytest.raises(InboxFullError) as raised:
        list(push_payloads(inbox, store.rejected, payloads(5), MAX_ARTICLE_BYTES))
    assert raised.value.accepted == ["a0", "a1", "a2"]
    assert "'a3'" in str(raised.value)
    assert "inbox_max = 3" in str(raised.value)
    assert [entry.payload for entry in take(store, "one")] == [str(one).encode() for one in payloads(3)]


def test_a_full_inbox_has_room_again_once_a_drain_has_been_through(store: Store) -> None:
    inbox = Inbox(store.connection, store.keys, max_waiting=2)
    list(push_payloads(inbox, store.rejected, payloads(2), MAX_ARTICLE_BYTES))
    with pytest.raises(InboxFullError):
        list(push_payloads(inbox, store.rejected, payloads(1), MAX_ARTICLE_BYTES))
    assert drain(store) == 2
    list(push_payloads(inbox, store.rejected, payloads(2), MAX_ARTICLE_BYTES))
    assert store.inbox.n_waiting() == 2


def test_an_article_over_several_batches_that_fill_the_inbox_is_told_as_accepted_or_not(store: Store) -> None:
    inbox = Inbox(store.connection, store.keys, max_waiting=250)
    with pytest.raises(InboxFullError) as raised:
        list(push_payloads(inbox, store.rejected, payloads(300), MAX_ARTICLE_BYTES))
    assert raised.value.accepted == [f"a{i}" for i in range(250)]
    assert store.inbox.n_waiting() == 250


def test_what_is_rejected_at_the_door_takes_no_room(store: Store) -> None:
    inbox = Inbox(store.connection, store.keys, max_waiting=1)
    told = list(push_payloads(inbox, store.rejected, ["no JSON", {"id": "b"}, *payloads(1)], MAX_ARTICLE_BYTES))
    assert [batch.accepted for batch in told] == [["a0"]]
    assert [(one.article_id, one.field) for batch in told for one in batch.rejected] == [
        (None, "payload"),
        ("b", "text"),
    ]
    assert [(one.article_id, one.field) for one in store.rejected.latest(9)] == [("b", "text"), ("", "payload")]


def test_a_mapping_of_any_kind_can_be_pushed(store: Store) -> None:
    from types import MappingProxyType

    told = list(push_payloads(store.inbox, store.rejected, [MappingProxyType(article("m", text("m")))], 10_000))
    assert told[0].accepted == ["m"]


def test_a_batch_has_at_most_so_many_entries_and_the_oldest_come_first(store: Store) -> None:
    push(store, [article(f"a{i}", "some words") for i in range(20)])
    first, second = take(store, "one", n=15), take(store, "one", n=15)
    told = [json.loads(entry.payload or b"")["id"] for entry in [*first, *second]]
    assert (len(first), len(second)) == (15, 5)
    assert told == [f"a{i}" for i in range(20)]


def test_a_batch_ends_about_where_its_bytes_are_used_up(store: Store) -> None:
    push(store, [article(f"a{i}", "x" * 100_000) for i in range(40)])
    batches = []
    while entries := take(store, "one", n_bytes=1_000_000):
        batches.append(sum(len(entry.payload or b"") for entry in entries))
    assert sum(batches) > 4_000_000
    assert max(batches) < 1_200_000
    assert len(batches) < 6


def test_an_entry_larger_than_a_batch_still_comes(store: Store) -> None:
    push(store, [article("large", "x" * 100_000)])
    assert len(take(store, "one", n_bytes=10)) == 1


def test_what_one_consumer_holds_no_other_gets_before_its_time(store: Store) -> None:
    push(store, [article("a", text("a"))])
    assert len(take(store, "one")) == 1
    assert take(store, "two") == []


def test_what_a_dead_consumer_left_is_taken_before_what_is_new(store: Store) -> None:
    push(store, [article("left", text("left"))])
    take(store, "dead")
    push(store, [article("fresh", text("fresh"))])
    entries = take(store, "heir", idle=0)
    assert [json.loads(entry.payload or b"")["id"] for entry in entries] == ["left", "fresh"]
    assert [entry.deliveries for entry in entries] == [2, 1]
    worker(store).work(entries)
    assert store.inbox.n_waiting() == 0
    recount(store, settled=False)


def test_an_entry_that_was_delivered_too_often_is_taken_alone(store: Store) -> None:
    push(store, [article("poison", text("poison")), article("good", text("good"))])
    for turn in range(SUSPECT_DELIVERIES):
        assert len(take(store, f"dead{turn}", idle=0)) == 2
    alone = take(store, "heir", idle=0)
    assert [entry.deliveries for entry in alone] == [SUSPECT_DELIVERIES + 1]
    [other] = take(store, "other", idle=0, n=1)
    assert other.deliveries > SUSPECT_DELIVERIES


def test_an_entry_that_ends_every_worker_is_rejected_in_the_end_and_the_next_one_goes_through(store: Store) -> None:
    push(store, [article("poison", text("poison"))])
    for turn in range(MOST_DELIVERIES):
        assert len(take(store, f"dead{turn}", idle=0)) == 1
    push(store, [article("good", text("good"))])
    assert drain(store, claim_seconds=0) == 2
    [rejection] = store.rejected.latest(9)
    assert (rejection.field, str(MOST_DELIVERIES) in rejection.reason) == ("payload", True)
    assert rejection.article_id == "poison"
    assert store.articles.get("poison") is None
    assert store.articles.get("good") is not None
    assert store.inbox.n_waiting() == 0


def test_an_entry_is_acknowledged_with_what_became_of_it_and_not_before(store: Store) -> None:
    push(store, [article("a", text("a"))])
    entries = take(store, "one")
    assert store.connection.xpending(store.keys.inbox, GROUP)["pending"] == 1
    worker(store).work(entries)
    assert store.connection.xpending(store.keys.inbox, GROUP)["pending"] == 0
    assert store.connection.xlen(store.keys.inbox) == 0
    assert store.articles.get("a") is not None


def test_an_entry_without_the_field_json_is_rejected_and_the_others_go_on(store: Store) -> None:
    store.connection.xadd(store.keys.inbox, {"payload": json.dumps(article("lost", text("lost")))})
    push(store, [article("a", text("a"))])
    drain(store)
    [rejection] = store.rejected.latest(9)
    assert (rejection.article_id, rejection.field) == ("", "payload")
    assert "'json'" in rejection.reason
    assert store.articles.get("a") is not None
    assert store.inbox.n_waiting() == 0


def test_waiting_brings_what_is_there_at_once_as_much_as_fits(store: Store) -> None:
    store.inbox.ensure()
    assert store.inbox.wait("one", 256, MEGABYTES, 0.01) == []
    push(store, [article(name, text(name)) for name in "abc"])
    waited = [*store.inbox.wait("one", 2, MEGABYTES, 5), *store.inbox.wait("one", 2, MEGABYTES, 5)]
    assert [json.loads(entry.payload or b"")["id"] for entry in waited] == ["a", "b", "c"]
    assert store.inbox.wait("one", 2, MEGABYTES, 0.01) == []


def test_what_a_dead_consumer_holds_is_left_where_it_is_not_looked_for(store: Store) -> None:
    push(store, [article(name, text(name)) for name in "abc"])
    assert len(take(store, "dead", 1)) == 1
    assert len(store.inbox.take("one", 1, MEGABYTES, None)) == 1
    assert [entry.deliveries for entry in take(store, "one", idle=0)] == [2, 2, 1]


def test_consumers_whose_processes_are_gone_are_forgotten_unless_they_hold_something(store: Store) -> None:
    push(store, [article("a", text("a"))])
    take(store, "holding")
    take(store, "gone")
    store.inbox.forget_idle_consumers(-1)
    assert [one["name"] for one in store.connection.xinfo_consumers(store.keys.inbox, GROUP)] == [b"holding"]


def test_an_entry_in_two_workers_hands_is_rejected_once(store: Store) -> None:
    push(store, ["no JSON"])
    held = take(store, "slow")
    worker(store).work(take(store, "quick", idle=0))
    worker(store).work(held)
    assert store.rejected.size() == 1
