"""Shown once in the reader itself: copies are marked read, nothing else is, and all of it can be undone."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dedup.correction import Correction
from dedup.family import FamilyParams
from tests.integration.reader_site import ReaderSite, reading
from tests.integration.reader_world import KINDS, World, killing, world_of
from tests.integration.recount import recount
from tests.integration.world import (
    DAY,
    PARAMS,
    RETENTION,
    altered,
    article,
    clusterer,
    drain,
    expiry,
    ingest,
    text,
)
from worker.service import mark_steps, marking
from worker.service.correcting import correct
from worker.service.forgetting import Forgetting
from worker.service.mark_steps import Marked
from worker.service.marking import Marker
from worker.service.standing import Scope
from worker.service.subscribing import unsubscribe
from worker.store.store import Store

ROOT = Path(__file__).parents[2]
BODY = text("wire", 200)


@dataclasses.dataclass(frozen=True)
class Marking(World):
    """An account in which copies are marked read."""

    params: FamilyParams = PARAMS.family

    def marker(self, **options: Any) -> Marker:
        return Marker(self.poller(**options), self.params)

    def begin(self, scope: Scope | None = None) -> None:
        """Subscribes, reads what is there, and asks for marks."""
        self.subscribe()
        self.settle()
        assert self.store.feeds.mark_from(self.record(), (scope or Scope()).text(), time.time())

    def settle(self) -> None:
        """Reads what is new, and has its families decided."""
        assert self.poll().error == ""
        drain(self.store)

    def mark(self, **options: Any) -> Marked:
        told = self.marker(**options).mark(self.record().feed_id)
        assert told is not None
        return told

    def unread(self) -> list[int]:
        """The small numbers of what is unread in the reader."""
        return [one - self.base for one in self.site.unread_ids()]

    def marks(self) -> dict[str, str]:
        return {name: mark.state for name, mark in self.store.readers.marks(self.account.name).items()}

    def name(self, number: int) -> str:
        return f"{self.account.name}:{self.base + number}"

    def copies(self) -> None:
        """A wire report, a copy of it, a near-duplicate, and another report."""
        self.add(1, BODY)
        self.add(2, f"<p>{BODY}</p>", feed=53)
        self.add(3, altered(BODY, "post"), feed=53)
        self.add(4, text("other"))

    def mark_copies(self) -> None:
        """Those are there, and the copies among them are marked."""
        self.copies()
        self.begin()
        self.mark()


def marking_of(site: ReaderSite, store: Store, kind: str, **options: Any) -> Marking:
    plain = world_of(site, store, kind)
    return Marking(plain.site, plain.store, plain.account, plain.base, **options)


@pytest.fixture(params=KINDS, ids="-".join)
def world(request: pytest.FixtureRequest, store: Store) -> Iterator[Marking]:
    with reading(request.param[0]) as site:
        yield marking_of(site, store, request.param[1])


@pytest.fixture(params=KINDS[:2], ids="-".join)
def either(request: pytest.FixtureRequest, store: Store) -> Iterator[Marking]:
    """Each interface once."""
    with reading(request.param[0]) as site:
        yield marking_of(site, store, request.param[1])


# What is marked


def test_copies_and_near_duplicates_are_marked_read_and_nothing_else(world: Marking) -> None:
    world.copies()
    world.begin()
    assert world.unread() == [1, 2, 3, 4]
    assert world.mark().marked == [world.name(2), world.name(3)]
    assert world.unread() == [1, 4]
    assert world.mark() == Marked()
    mark = world.store.readers.marks(world.account.name)[world.name(3)]
    assert (mark.state, mark.kept, mark.kind) == ("marked", world.name(1), "near-duplicate")
    assert 1 > mark.jaccard >= mark.bar > 0.6
    recount(world.store, settled=False)


def test_nothing_is_marked_where_it_was_not_asked_for(either: Marking) -> None:
    either.copies()
    either.subscribe()
    either.settle()
    assert either.marker().mark(either.record().feed_id) is None
    assert either.marker().run() == 0
    assert either.unread() == [1, 2, 3, 4]


def test_story_mates_and_reprints_are_never_marked(either: Marking) -> None:
    page = " ".join([text("before", 60), BODY, text("after", 60)])
    either.add(1, BODY)
    either.add(2, " ".join([*BODY.split()[:90], text("own", 60)]))
    either.add(3, page)
    either.begin()
    clusterer(either.store).run(time.time())
    rows = either.store.articles.fields([either.name(n) for n in (1, 2, 3)], ["story", "family", "kind"])
    assert rows[0][0] == rows[1][0] == rows[2][0] != ""
    assert (rows[0][1] == rows[2][1], rows[2][2]) == (True, "reprint")
    assert rows[1][1] != rows[0][1]
    assert either.mark() == Marked()
    assert either.unread() == [1, 2, 3]


def test_what_came_by_another_way_is_no_article_that_is_there_already(either: Marking) -> None:
    ingest(either.store, article("elsewhere:1", BODY))
    either.copies()
    either.begin()
    assert either.store.articles.fields([either.name(1)], ["kind"]) == [["copy"]]
    assert either.mark().marked == [either.name(2), either.name(3)]
    assert 1 in either.unread()


def test_the_representative_is_never_marked_whatever_its_kind(store: Store) -> None:
    params = FamilyParams(source_priority=("The Post & Mail",))
    with reading("miniflux") as site:
        world = marking_of(site, store, "miniflux", params=params)
        world.add(1, BODY)
        world.add(2, BODY, feed=53)
        world.subscribe()
        world.settle()
        store.connection.hset(store.keys.article(world.name(1)), "representative", world.name(2))
        store.connection.hset(store.keys.article(world.name(2)), "representative", world.name(2))
        store.feeds.mark_from(world.record(), Scope().text(), time.time())
        assert world.mark().marked == [world.name(1)]
        assert world.unread() == [2]


@pytest.mark.parametrize(
    ("scope", "marked"),
    [
        (Scope(), [2, 3]),
        (Scope(feeds=("the post & mail",)), [2, 3]),
        (Scope(feeds=("https://post.example/rss?a=1&b=2",)), [2, 3]),
        (Scope(feeds=("The Gazette",)), []),
        (Scope(categories=("LOCAL", "Sport")), [2, 3]),
        (Scope(categories=("News",)), []),
        (Scope(sources=("the gazette",)), [2, 3]),
        (Scope(sources=("The Post & Mail",)), []),
        (Scope(feeds=("The Post & Mail",), categories=("News",)), []),
    ],
)
def test_a_scope_says_what_may_be_marked(world: Marking, scope: Scope, marked: list[int]) -> None:
    world.copies()
    world.begin(scope)
    assert world.mark().marked == [world.name(number) for number in marked]


def test_what_was_read_already_is_neither_marked_nor_undone(world: Marking) -> None:
    world.copies()
    world.begin()
    world.site.read(world.base + 2)
    assert world.mark().marked == [world.name(3)]
    assert world.marks() == {world.name(2): "untouched", world.name(3): "marked"}
    assert world.marker().undo(world.record()).restored == [world.name(3)]
    assert world.unread() == [1, 3, 4]


def test_an_article_that_is_gone_is_left(world: Marking) -> None:
    world.copies()
    world.begin()
    world.site.entries[world.base + 2].is_removed = True
    assert world.mark().marked == [world.name(3)]
    world.site.entries[world.base + 3].is_removed = True
    assert world.marker().undo(world.record()).restored in ([], [world.name(3)])
    assert world.mark() == Marked()


def test_a_look_lists_what_would_be_marked_and_why_and_does_nothing(world: Marking) -> None:
    world.copies()
    world.subscribe()
    world.settle()
    world.site.read(world.base + 2)
    [found] = world.marker().look(world.record(), Scope())
    assert (found.article_id, found.title, found.source) == (world.name(3), f"On {world.base + 3}", "The Post & Mail")
    assert (found.kept, found.kept_title, found.kind) == (world.name(1), f"On {world.base + 1}", "near-duplicate")
    assert found.jaccard >= found.bar
    assert world.marker().look(world.record(), Scope(categories=("News",))) == []
    assert world.marks() == {}
    assert world.unread() == [1, 3, 4]


def test_marks_follow_each_poll_by_themselves(either: Marking) -> None:
    either.begin()
    marker = either.marker()
    assert marker.run() == 1
    assert marker.run() == 0
    either.copies()
    either.poll()
    assert either.store.feeds.marking_due(time.time()) == []
    due_at = time.time() + 6
    assert either.store.feeds.marking_due(due_at) == [either.record().feed_id]
    undecided = either.mark()
    assert undecided == Marked()
    assert either.store.feeds.marking_due(time.time() + marking.UNDECIDED_SECONDS + 1) != []
    drain(either.store)
    assert either.mark().marked == [either.name(2), either.name(3)]
    assert either.store.feeds.marking_due(time.time() + DAY) == []


def test_polls_do_not_put_marks_off(either: Marking) -> None:
    either.begin()
    either.mark()
    either.poll()
    [(_, due_at)] = either.store.connection.zrange(either.store.keys.feeds_marking, 0, -1, withscores=True)
    either.poll()
    assert either.store.connection.zrange(either.store.keys.feeds_marking, 0, -1, withscores=True)[0][1] == due_at


def test_many_are_marked_over_several_visits(either: Marking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mark_steps, "ASKED_AT_ONCE", 3)
    monkeypatch.setattr(mark_steps, "MARKED_AT_ONCE", 2)
    for number in range(1, 12):
        either.add(number, BODY)
    either.begin()
    marked: list[str] = []
    for _ in range(8):
        told = either.mark()
        marked += told.marked
        if told.is_whole:
            break
        assert either.store.feeds.marking_due(time.time() + marking.GOES_ON_SECONDS + 1) != []
    assert sorted(marked) == sorted(either.name(number) for number in range(2, 12))
    assert either.unread() == [1]
    assert len(either.marker().undo(either.record()).restored) == 10
    assert either.unread() == list(range(1, 12))


# Undone and overruled


def test_undo_marks_unread_exactly_what_was_marked_and_it_stays_so(world: Marking) -> None:
    world.copies()
    world.add(5, text("fifth"))
    world.begin()
    world.mark()
    world.site.read(world.base + 4)
    told = world.marker().undo(world.record())
    assert (told.restored, told.left) == ([world.name(2), world.name(3)], [])
    assert world.unread() == [1, 2, 3, 5]
    assert world.marks() == {world.name(2): "undone", world.name(3): "undone"}
    assert world.mark() == Marked()
    assert world.marker().undo(world.record()) == Marked()
    assert world.unread() == [1, 2, 3, 5]


def test_single_articles_can_be_undone(either: Marking) -> None:
    either.mark_copies()
    assert either.marker().undo(either.record(), [either.name(2)]).restored == [either.name(2)]
    assert either.unread() == [1, 2, 4]


def test_who_marks_an_article_unread_is_not_overruled_again(world: Marking) -> None:
    world.mark_copies()
    world.site.read(world.base + 2, read=False)
    world.settle()
    world.mark()
    assert world.unread() == [1, 2, 4]
    assert world.marks() == {world.name(2): "overruled", world.name(3): "marked"}
    world.site.read(world.base + 2)
    assert world.marker().undo(world.record()).restored == [world.name(3)]
    assert world.unread() == [1, 3, 4]


def test_undo_leaves_alone_what_its_user_has_marked_unread(either: Marking) -> None:
    either.mark_copies()
    either.site.read(either.base + 2, read=False)
    told = either.marker().undo(either.record())
    assert (told.restored, told.left) == ([either.name(3)], [either.name(2)])


# What changes later


def test_an_article_that_says_something_else_by_now_is_unread_again(store: Store) -> None:
    with reading("miniflux") as site:
        world = marking_of(site, store, "miniflux")
        world.copies()
        world.begin()
        world.mark()
        site.entries[2].html = text("a real update")
        site.touch(2)
        world.settle()
        assert world.mark().restored == [world.name(2)]
        assert world.unread() == [1, 2, 4]
        site.entries[2].html = BODY
        site.touch(2)
        world.settle()
        assert world.mark() == Marked()
        assert world.unread() == [1, 2, 4]


def test_an_article_that_is_unlinked_by_hand_is_unread_again(either: Marking) -> None:
    either.mark_copies()
    for number in (1, 3):
        correction = Correction.of("unlink", either.name(2), either.name(number))
        correct(either.store.connection, either.store.keys, correction)
    clusterer(either.store).run(time.time())
    assert either.mark().restored == [either.name(2)]
    assert either.unread() == [1, 2, 4]
    assert either.marks()[either.name(2)] == "restored"


def test_an_article_that_comes_to_represent_its_family_is_unread_again(either: Marking) -> None:
    either.add(1, BODY)
    either.add(2, BODY)
    either.begin()
    either.mark()
    assert either.unread() == [1]
    for number in (1, 2):
        either.store.connection.hset(either.store.keys.article(either.name(number)), "representative", either.name(2))
    told = either.mark()
    assert (told.marked, told.restored) == ([either.name(1)], [either.name(2)])
    assert either.unread() == [2]


def test_an_article_stays_marked_when_the_one_it_says_the_same_as_is_forgotten(either: Marking) -> None:
    either.mark_copies()
    Forgetting(either.store, PARAMS, RETENTION, 15.0).run(either.name(1), time.time())
    assert either.mark().restored == []
    assert either.unread() == [1, 4]
    kept = either.store.readers.marks(either.account.name)[either.name(2)].kept
    assert kept == ""
    assert either.marker().undo(either.record()).restored == [either.name(2), either.name(3)]


def test_of_a_forgotten_article_nothing_is_left(either: Marking) -> None:
    either.mark_copies()
    Forgetting(either.store, PARAMS, RETENTION, 15.0).run(either.name(2), time.time())
    assert list(either.marks()) == [either.name(3)]
    assert either.name(2) not in either.store.readers.entries(either.account.name)
    either.site.read(either.base + 2, read=False)
    either.settle()
    assert either.mark().marked == []
    assert either.name(2) not in either.store.readers.entries(either.account.name)


def test_what_is_known_of_articles_goes_with_them(either: Marking) -> None:
    either.mark_copies()
    expiry(either.store).run(time.time() + RETENTION + 60)
    assert either.marks() == {}
    assert either.store.readers.entries(either.account.name) == {}
    assert either.mark() == Marked()
    assert either.unread() == [1, 4]


def test_an_account_that_is_removed_takes_its_marks_along(either: Marking) -> None:
    either.mark_copies()
    unsubscribe(either.store.feeds, either.account.name)
    assert [key for key in either.store.connection.keys("*") if b":reader:" in key] == []
    assert either.store.feeds.marking_due(time.time() + DAY) == []


# What goes wrong

FAULTS = [{"status": 401}, {"status": 403}, {"status": 404}, {"status": 429}, {"status": 503}]


def edits(world: Marking) -> str:
    return "/v1/entries" if world.account.kind == "miniflux" else "/edit-tag"


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_what_the_reader_refuses_is_not_noted_and_is_tried_after_the_next_poll(
    world: Marking, fault: dict[str, Any]
) -> None:
    world.copies()
    world.begin()
    world.site.fail(edits(world), **fault)
    told = world.mark()
    assert str(fault["status"]) in told.error
    assert (world.marks(), world.unread()) == ({}, [1, 2, 3, 4])
    assert world.record().error == told.error
    assert world.store.feeds.marking_due(time.time() + DAY) == []
    world.poll()
    assert world.store.feeds.marking_due(time.time() + 6) != []
    assert world.mark().marked == [world.name(2), world.name(3)]


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 502, "after": True}, {"seconds": 1.2}], ids=str)
def test_what_may_have_reached_the_reader_is_noted_and_looked_at_again(world: Marking, fault: dict[str, Any]) -> None:
    world.copies()
    world.begin()
    world.site.fail(edits(world), **fault)
    limits = dataclasses.replace(world.poller().limits, timeout_seconds=0.5)
    told = world.mark(limits=limits)
    assert told.error != ""
    assert set(world.marks().values()) == {"marking"}
    if "seconds" in fault:
        time.sleep(1)
    world.mark()
    assert world.marks() == {world.name(2): "marked", world.name(3): "marked"}
    assert world.unread() == [1, 4]
    assert world.marker().undo(world.record()).restored == [world.name(2), world.name(3)]
    assert world.unread() == [1, 2, 3, 4]


@pytest.mark.parametrize("fault", [{"cut": 1}, {"body": b"Sorry"}], ids=str)
def test_half_an_answer_to_an_edit_is_none(store: Store, fault: dict[str, Any]) -> None:
    with reading("freshrss") as site:
        world = marking_of(site, store, "freshrss")
        world.copies()
        world.begin()
        site.fail("/edit-tag", **fault)
        assert world.mark().error != ""
        assert world.marks() == {world.name(2): "marking", world.name(3): "marking"}
        world.mark()
        assert world.marks() == {world.name(2): "marked", world.name(3): "marked"}


def test_a_step_that_never_arrived_is_not_taken_again_when_its_reason_is_gone(either: Marking) -> None:
    either.copies()
    either.begin()
    either.site.fail(edits(either), status=500)
    either.mark()
    for number in (1, 3):
        correction = Correction.of("unlink", either.name(2), either.name(number))
        correct(either.store.connection, either.store.keys, correction)
    clusterer(either.store).run(time.time())
    assert either.mark().marked == [either.name(3)]
    assert either.unread() == [1, 2, 4]
    assert either.marks()[either.name(2)] == "untouched"


def test_a_step_that_never_arrived_is_given_up_after_an_hour(either: Marking, monkeypatch: pytest.MonkeyPatch) -> None:
    either.copies()
    either.begin()
    either.site.fail(edits(either), status=500)
    either.mark()
    monkeypatch.setattr(mark_steps, "AGAIN_SECONDS", 0.0)
    either.mark()
    assert set(either.marks().values()) == {"overruled"}
    assert either.unread() == [1, 2, 3, 4]


def test_a_reader_that_asks_for_patience_is_asked_nothing_meanwhile(either: Marking) -> None:
    either.copies()
    either.begin()
    either.site.fail(edits(either), status=429, headers=(("Retry-After", "600"),))
    either.mark()
    either.site.asked.clear()
    assert either.mark(busy_seconds=0.01).marked == []
    assert either.poll(busy_seconds=0.01).put_off
    assert either.site.asked == []


def test_an_account_is_worked_on_by_one_process_at_a_time(either: Marking) -> None:
    either.copies()
    either.begin()
    feed_id = either.record().feed_id
    assert either.store.feed_turns.take_feed(feed_id, "another")
    assert either.marker().mark(feed_id) is None
    with pytest.raises(marking.BusyAccountError, match="another process polls it"):
        either.marker(busy_seconds=0.1).undo(either.record())
    assert either.unread() == [1, 2, 3, 4]


def test_what_is_corrected_between_look_and_mark_is_not_marked(either: Marking) -> None:
    either.copies()
    either.begin()
    path = "/v1/entries/2" if either.account.kind == "miniflux" else "/stream/items/ids"

    def unlink() -> None:
        for number in (1, 3):
            correction = Correction.of("unlink", either.name(2), either.name(number))
            correct(either.store.connection, either.store.keys, correction)
        clusterer(either.store).run(time.time())

    either.site.fail(path, meanwhile=unlink)
    assert either.mark().marked == [either.name(3)]
    assert either.unread() == [1, 2, 4]


def test_a_process_that_is_killed_leaves_nothing_marked_that_is_not_noted(either: Marking, server_url: str) -> None:
    for number in range(1, 9):
        either.add(number, BODY)
    either.begin()
    others = {either.name(number) for number in range(2, 9)}
    with killing(either, server_url, edits(either)) as kill:
        kill("mark", status=500)
        assert either.unread() == list(range(1, 9))
        assert either.marks() == dict.fromkeys(others, "marking")
        kill("mark")
        assert either.unread() == [1]
        assert either.marks() == dict.fromkeys(others, "marking")
        either.mark()
        assert either.marks() == dict.fromkeys(others, "marked")
        kill("undo")
        assert either.unread() == list(range(1, 9))
        assert either.marks() == dict.fromkeys(others, "restoring")
    assert set(either.marker().undo(either.record()).restored) == others
    assert either.marks() == dict.fromkeys(others, "undone")
    assert either.mark() == Marked()
    assert either.unread() == list(range(1, 9))
