"""Corrections against a real server: they hold through every later run, for families too, until they are taken back."""

from __future__ import annotations

from contextlib import suppress
from itertools import permutations
from random import Random

import pytest

from dedup.correction import ContradictionError, Correction, CorrectionError, CorrectionKind
from dedup.story import Change
from tests.integration.recount import recount
from tests.integration.world import (
    DAY,
    PARAMS,
    RETENTION,
    Fields,
    about,
    altered,
    article,
    clusterer,
    drain,
    dump,
    expiry,
    families,
    in_threads,
    ingest,
    linked,
    places,
    push,
    story_of,
    text,
)
from worker.service import clustering
from worker.service.clustering import Clusterer
from worker.service.correcting import UnknownCorrectionError, correct, take_back
from worker.service.forgetting import Forgetting
from worker.store.store import Store

EARLY = 1_760_000_000.0
LEASE = ("dedup:private:lease", "dedup:private:fence", "dedup:inbox")


def link(store: Store, one: str, other: str) -> bool:
    return correct(store.connection, store.keys, Correction.of("link", one, other))


def unlink(store: Store, one: str, other: str) -> bool:
    return correct(store.connection, store.keys, Correction.of("unlink", one, other))


def undo(store: Store, kind: CorrectionKind, one: str, other: str) -> None:
    take_back(store.connection, store.keys, Correction.of(kind, one, other))


def changes(store: Store, run: int = 0) -> list[Change]:
    """All changes, or those of one run."""
    return [change for _, change in store.changes.after("0", 10_000) if run in {0, change.run}]


def told(store: Store, run: int) -> list[tuple[str, tuple[str, ...]]]:
    return [(change.kind, change.articles) for change in changes(store, run) if change.kind != "linked"]


def lines(store: Store) -> dict[str, str]:
    """The storyline of each article."""
    found = {name: store.articles.get(name) for name in live(store)}
    return {name: entry.storyline for name, entry in found.items() if entry is not None}


def stories(store: Store) -> set[frozenset[str]]:
    """The partition of all articles into stories."""
    return {frozenset(store.stories.articles(story)) for story in store.stories.all_ids()}


def standing(store: Store) -> list[str]:
    return [f"{m.correction.kind} {m.correction.one} {m.correction.other}" for m in store.corrections.made()]


def two_events(store: Store, n: int = 3, holder: Clusterer | None = None) -> Clusterer:
    """Two stories of n articles, f0... and g0..., after a run; the first is the older."""
    ingest(store, *(about("flood", f"f{i}") for i in range(n)), *(about("fire", f"g{i}") for i in range(n)), at=EARLY)
    holder = holder or clusterer(store)
    holder.run(EARLY + 1)
    assert len(stories(store)) == 2
    return holder


def quiet(store: Store, holder: Clusterer, now: float) -> None:
    """Asserts that nothing changes any more, to the byte: neither for this holder nor for a fresh one."""
    before = dump(store, *LEASE)
    assert holder.run(now) is None
    assert dump(store, *LEASE) == before
    holder.release()
    fresh = clusterer(store, "fresh", holder.window_seconds)
    assert fresh.run(now) is None
    assert dump(store, *LEASE) == before
    fresh.release()


# Stories


def test_stories_of_two_linked_articles_become_one_and_it_is_told(store: Store) -> None:
    holder = two_events(store)
    kept, gone = story_of(store, "f0"), story_of(store, "g0")
    assert link(store, "g1", "f1")
    assert story_of(store, "g1") == gone  # until the next run
    run = holder.run(EARLY + 2)
    assert stories(store) == {frozenset({"f0", "f1", "f2", "g0", "g1", "g2"})}
    assert story_of(store, "g0") == kept
    assert store.aliases.resolve(gone) == kept
    assert told(store, run or 0) == [("merged", ("g0", "g1", "g2")), ("corrected", ("f1", "g1"))]
    corrected = changes(store)[-1]
    assert (corrected.story, corrected.other, corrected.n_articles) == (kept, "", 2)
    recount(store)
    quiet(store, holder, EARLY + 3)


def test_a_story_with_an_unlinked_pair_is_divided_and_each_change_is_told_once(store: Store) -> None:
    holder = two_events(store)
    before = story_of(store, "f0")
    assert unlink(store, "f0", "f2")
    run = holder.run(EARLY + 2)
    one, other = story_of(store, "f0"), story_of(store, "f2")
    assert one != other
    assert before in {one, other}
    assert [kind for kind, _ in told(store, run or 0)] == ["split", "corrected"]
    split, corrected = changes(store, run or 0)[0], changes(store)[-1]
    assert (split.other, {split.story, split.other}) == (before, {one, other})
    assert (corrected.story, corrected.other, corrected.articles) == (one, other, ("f0", "f2"))
    recount(store)
    quiet(store, holder, EARLY + 3)


def test_a_story_that_was_divided_stays_divided_as_it_was_whatever_comes(store: Store) -> None:
    holder = two_events(store, 16)
    unlink(store, "f0", "f1")
    holder.run(EARLY + 2)
    sides = {name: story_of(store, name) for name in live(store)}
    for turn in range(3):
        ingest(store, *(about("flood", f"n{turn}-{i}") for i in range(12)))
        holder.run(EARLY + 3 + turn)
        assert {name: story_of(store, name) for name in sides} == sides
        recount(store)


@pytest.mark.parametrize("kind", ["link", "unlink"])
def test_what_is_taken_back_is_as_it_was_before(store: Store, kind: CorrectionKind) -> None:
    holder = two_events(store)
    before = stories(store)
    ends = ("f0", "g0") if kind == "link" else ("f0", "f1")
    correct(store.connection, store.keys, Correction.of(kind, *ends))
    holder.run(EARLY + 2)
    assert stories(store) != before
    undo(store, kind, *ends)
    run = holder.run(EARLY + 3)
    assert stories(store) == before
    assert told(store, run or 0)[-1] == ("corrected", tuple(sorted(ends)))
    recount(store)
    quiet(store, holder, EARLY + 4)


def test_stories_that_were_linked_wrongly_are_in_no_storyline_together_once_it_is_taken_back(store: Store) -> None:
    for event, prefix, day in (("talks", "r1", 2), ("talks", "r2", 19), ("ferry", "f", 2)):
        ingest(store, *(about(event, f"{prefix}-{i}", published_at=f"2026-01-{day:02}T0{i}:00:00Z") for i in range(3)))
    holder = clusterer(store)
    holder.run(EARLY + 1)
    before = lines(store)
    assert before["r1-0"] == before["r2-0"] != before["f-0"]
    link(store, "r1-0", "f-0")
    holder.run(EARLY + 2)
    undo(store, "link", "r1-0", "f-0")
    run = holder.run(EARLY + 3)
    after = lines(store)
    assert after["r1-0"] == after["r2-0"] != after["f-0"]
    assert "linked" not in {change.kind for change in changes(store, run or 0)}
    recount(store)


def test_the_order_in_which_corrections_were_made_does_not_matter(store: Store) -> None:
    made = [("link", "f0", "g0"), ("unlink", "f1", "f2"), ("unlink", "g1", "f0")]
    found = []
    for order in permutations(made):
        store.connection.flushall()
        holder = two_events(store)
        for kind, one, other in order:
            (link if kind == "link" else unlink)(store, one, other)
        holder.run(EARLY + 2)
        found.append(stories(store))
        holder.release()
    assert all(one == found[0] for one in found)


def test_corrections_hold_through_later_runs_and_revisions(store: Store) -> None:
    holder = two_events(store)
    link(store, "f0", "g0")
    unlink(store, "f1", "f2")
    for turn in range(6):
        ingest(store, about("flood", f"late f{turn}"), about("fire", f"late g{turn}"))
        if turn == 2:
            ingest(store, about("quake", "f0"), about("flood", "f2"))
        if turn == 4:
            ingest(store, article("f1", str(about("fire", "g1")["text"])), about("quake", "g0"))
        holder.run(EARLY + 2 + turn)
        assert story_of(store, "f0") == story_of(store, "g0") != ""
        assert story_of(store, "f1") != story_of(store, "f2")
        recount(store)
    quiet(store, holder, EARLY + 10)


def test_a_link_of_articles_in_one_story_keeps_them_there(store: Store) -> None:
    holder = two_events(store)
    link(store, "f0", "f1")
    run = holder.run(EARLY + 2)
    assert told(store, run or 0) == [("corrected", ("f0", "f1"))]
    ingest(store, about("fire", "f1"))
    holder.run(EARLY + 3)
    assert story_of(store, "f0") == story_of(store, "f1")
    recount(store)


def test_changes_of_story_are_told_truthfully_and_once_through_corrections(store: Store) -> None:
    holder = two_events(store)
    at = EARLY + 2
    for kind, one, other in (("link", "f0", "g0"), ("unlink", "f0", "f1"), ("link", "f1", "g1")):
        if (kind, one, other) == ("link", "f1", "g1"):
            undo(store, "link", "f0", "g0")
        (link if kind == "link" else unlink)(store, one, other)
        run = holder.run(at)
        at += 1
        moved = [
            name for c in changes(store, run or 0) if c.kind in {"moved", "merged", "split"} for name in c.articles
        ]
        assert len(moved) == len(set(moved))
    home: dict[str, str] = {}
    for change in changes(store):
        if change.kind not in {"corrected", "ended", "linked"}:
            home |= dict.fromkeys(change.articles, change.other if change.kind == "merged" else change.story)
    assert home == {name: story_of(store, name) for name in home}
    assert len(home) == 6


# The window


def aged(store: Store, window: float = DAY) -> Clusterer:
    """Two stories that have left the window."""
    holder = two_events(store, holder=clusterer(store, window_seconds=window))
    holder.run(EARLY + window + 2)
    assert {store.stories.get([one])[one].status for one in store.stories.all_ids()} == {"ended"}
    return holder


def test_an_article_is_linked_with_one_that_left_the_window_and_its_whole_story(store: Store) -> None:
    holder = aged(store)
    ingest(store, about("quake", "q0"), about("quake", "q1"), at=EARLY + 2 * DAY)
    holder.run(EARLY + 2 * DAY)
    assert len(stories(store)) == 3
    link(store, "q0", "f0")
    holder.run(EARLY + 2 * DAY + 1)
    assert frozenset({"f0", "f1", "f2", "q0", "q1"}) in stories(store)
    for turn in range(3):
        ingest(store, about("quake", f"more q{turn}"), about("storm", f"s{turn}"), at=EARLY + 2 * DAY + 1 + turn)
        holder.run(EARLY + 2 * DAY + 2 + turn)
        assert story_of(store, "q0") == story_of(store, "f0") == story_of(store, "more q0")
        recount(store)
    quiet(store, holder, EARLY + 2 * DAY + 9)


def test_two_stories_outside_the_window_are_linked_and_stay_ended(store: Store) -> None:
    holder = aged(store)
    link(store, "f0", "g0")
    run = holder.run(EARLY + 2 * DAY)
    assert len(stories(store)) == 1
    [story] = store.stories.get(store.stories.all_ids()).values()
    assert story.status == "ended"
    assert [kind for kind, _ in told(store, run or 0)] == ["merged", "corrected"]
    recount(store)
    holder.run(EARLY + 2 * DAY + 1)
    quiet(store, holder, EARLY + 2 * DAY + 2)


def test_a_story_outside_the_window_is_divided(store: Store) -> None:
    holder = aged(store)
    unlink(store, "f0", "f1")
    run = holder.run(EARLY + 2 * DAY)
    assert story_of(store, "f0") != story_of(store, "f1")
    assert {store.stories.get([one])[one].status for one in store.stories.all_ids()} == {"ended"}
    assert [kind for kind, _ in told(store, run or 0)] == ["split", "ended", "corrected"]
    recount(store)
    holder.run(EARLY + 2 * DAY + 1)
    quiet(store, holder, EARLY + 2 * DAY + 2)


def test_an_unlinked_pair_stays_apart_when_both_come_back_into_the_window(store: Store) -> None:
    holder = two_events(store, holder=clusterer(store, window_seconds=DAY))
    unlink(store, "f0", "f1")
    holder.run(EARLY + 2)
    holder.run(EARLY + 2 * DAY)
    for turn, name in enumerate(("f0", "f1", "f2")):
        copy = article(f"copy of {name}", str(about("flood", name)["text"]))
        ingest(store, copy, at=EARLY + 3 * DAY + turn)
        holder.run(EARLY + 3 * DAY + turn)
        assert story_of(store, "f0") != story_of(store, "f1")
        assert story_of(store, f"copy of {name}") == story_of(store, name)
        recount(store)
    holder.run(EARLY + 3 * DAY + 8)
    quiet(store, holder, EARLY + 3 * DAY + 9)


def test_a_story_divided_between_one_in_the_window_and_one_outside_stays_divided_as_it_was(store: Store) -> None:
    holder = two_events(store, 12, holder=clusterer(store, window_seconds=DAY))
    ingest(store, *(about("flood", f"later f{i}") for i in range(6)), at=EARLY + DAY / 2)
    holder.run(EARLY + DAY / 2)
    holder.run(EARLY + DAY + 60)
    assert story_of(store, "later f1") == story_of(store, "f2")
    unlink(store, "later f1", "f2")
    holder.run(EARLY + DAY + 61)
    sides = {name: story_of(store, name) for name in live(store)}
    later = {sides[f"later f{i}"] for i in range(6)}
    assert later == {sides["f2"], sides["later f1"]}
    for turn in range(4):
        ingest(store, about("quake", f"q{turn}"), at=EARLY + DAY + 61 + turn)
        holder.run(EARLY + DAY + 62 + turn)
        assert {name: story_of(store, name) for name in sides} == sides
        assert_all_hold(store)
        recount(store)


# Families


def test_copies_that_are_unlinked_are_two_families_in_two_stories(store: Store) -> None:
    body = text("a")
    ingest(store, *(article(name, body) for name in ("a", "b", "c")))
    holder = clusterer(store)
    holder.run(EARLY)
    unlink(store, "a", "b")
    run = holder.run(EARLY + 1)
    assert families(store) == {("a", "c"), ("b",)}
    assert story_of(store, "a") == story_of(store, "c") != story_of(store, "b")
    assert [kind for kind, _ in told(store, run or 0)] == ["split", "corrected"]
    recount(store)
    quiet(store, holder, EARLY + 2)
    undo(store, "unlink", "a", "b")
    holder.run(EARLY + 3)
    assert families(store) == {("a", "b", "c")}
    assert len(stories(store)) == 1
    recount(store)
    quiet(store, holder, EARLY + 4)


def test_families_do_not_depend_on_what_came_first_the_texts_or_the_correction(store: Store) -> None:
    """Two ends and a middle that links them, copies of each; the ends are to be apart."""
    left, middle, right = linked()
    bodies = {"left": left, "right": right, "middle": middle, "copy": middle, "other": left}
    found = []
    for order in (
        ("left", "right", "middle", "copy", "other"),
        ("copy", "other", "right", "left", "middle"),
        ("left", "right", "other", "copy", "middle"),
    ):
        for when in range(2, 6):
            store.connection.flushall()
            holder = clusterer(store)
            for turn, name in enumerate(order):
                if turn == max(when, order.index("left") + 1, order.index("right") + 1):
                    unlink(store, "left", "right")
                    holder.run(EARLY + turn)
                ingest(store, article(name, bodies[name]))
            if not standing(store):
                unlink(store, "left", "right")
            holder.run(EARLY + 9)
            assert story_of(store, "left") != story_of(store, "right")
            recount(store)
            found.append(families(store))
            holder.release()
    assert all(one == found[0] for one in found)


def test_a_family_is_not_joined_by_what_comes_after_its_members_were_unlinked(store: Store) -> None:
    left, middle, right = linked()
    ingest(store, article("left", left), article("right", right))
    holder = clusterer(store)
    unlink(store, "left", "right")
    holder.run(EARLY)
    ingest(store, article("middle", middle))
    holder.run(EARLY + 1)
    assert {len(one) for one in families(store)} == {1, 2}
    assert story_of(store, "left") != story_of(store, "right")
    recount(store)


def test_a_link_and_an_unlink_across_two_families_hold_both(store: Store) -> None:
    """The families alone would put all four into one story or contradict: one of them gives way."""
    one, other = text("one"), text("other")
    ingest(store, article("a", one), article("b", other), article("c", one), article("d", other))
    holder = clusterer(store)
    holder.run(EARLY)
    link(store, "a", "b")
    unlink(store, "c", "d")
    holder.run(EARLY + 1)
    assert_all_hold(store)
    quiet(store, holder, EARLY + 2)
    for turn, body in enumerate((one, other, one)):
        ingest(store, article(f"copy{turn}", body))
        holder = clusterer(store, f"turn{turn}")
        holder.run(EARLY + 3 + turn)
        holder.release()
        assert_all_hold(store)
        recount(store)


def test_families_outside_the_window_are_split_too(store: Store) -> None:
    body = text("a")
    ingest(store, *(article(name, body) for name in ("a", "b")), about("flood", "f"), at=EARLY)
    holder = clusterer(store, window_seconds=DAY)
    holder.run(EARLY + 1)
    holder.run(EARLY + 2 * DAY)
    unlink(store, "a", "b")
    holder.run(EARLY + 2 * DAY + 1)
    assert ("a",) in families(store)
    assert story_of(store, "a") != story_of(store, "b")
    recount(store)


# What is refused


def test_a_contradiction_is_refused_with_its_chain_and_nothing_is_changed(store: Store) -> None:
    two_events(store)
    link(store, "f0", "f1")
    link(store, "f1", "f2")
    unlink(store, "f2", "g0")
    before = dump(store)
    with pytest.raises(ContradictionError, match="f0 - f1 - f2"):
        unlink(store, "f0", "f2")
    with pytest.raises(
        ContradictionError, match="f2 - f1 - f0 - g0 would be one story, and 'f2' and 'g0' are unlinked"
    ):
        link(store, "f0", "g0")
    assert dump(store) == before


def test_an_article_that_is_not_known_is_named(store: Store) -> None:
    two_events(store)
    with pytest.raises(CorrectionError, match="no article 'nobody' is known"):
        link(store, "f0", "nobody")
    assert standing(store) == []


def test_what_stands_already_is_not_made_again_and_what_does_not_stand_not_taken_back(store: Store) -> None:
    two_events(store)
    assert link(store, "f0", "f1")
    before = dump(store)
    assert not link(store, "f1", "f0")
    with pytest.raises(UnknownCorrectionError, match="no unlink of 'f0' and 'f1' stands"):
        undo(store, "unlink", "f0", "f1")
    assert dump(store) == before
    undo(store, "link", "f1", "f0")
    with pytest.raises(UnknownCorrectionError):
        undo(store, "link", "f0", "f1")


def test_corrections_are_listed_in_the_order_in_which_they_were_made(store: Store) -> None:
    two_events(store)
    link(store, "g2", "g1")
    unlink(store, "f1", "f0")
    link(store, "f2", "g0")
    assert standing(store) == ["link g1 g2", "unlink f0 f1", "link f2 g0"]


# The end of a correction


def test_a_correction_goes_with_a_forgotten_article_and_leaves_no_trace(store: Store) -> None:
    body = text("a")
    ingest(store, *(article(name, body) for name in ("apart", "b", "c")), about("flood", "f"))
    holder = clusterer(store)
    holder.run(EARLY)
    unlink(store, "b", "apart")
    link(store, "apart", "f")
    link(store, "b", "c")
    holder.run(EARLY + 1)
    link(store, "apart", "f")
    Forgetting(store, PARAMS, RETENTION, 15).run("apart", EARLY + 2)
    assert standing(store) == ["link b c"]
    holder.run(EARLY + 3)
    assert not any(b"apart" in key.encode() + value for key, value in dump(store).items())
    recount(store)


def test_a_pending_correction_of_a_forgotten_article_is_told_no_more(store: Store) -> None:
    holder = two_events(store)
    link(store, "f0", "g0")
    Forgetting(store, PARAMS, RETENTION, 15).run("f0", EARLY + 2)
    holder.run(EARLY + 3)
    assert "corrected" not in {change.kind for change in changes(store)}
    assert len(stories(store)) == 2
    recount(store)


def test_a_correction_is_kept_as_long_as_both_articles_and_families_are_as_without_it_then(store: Store) -> None:
    body = text("a")
    ingest(store, article("a", body), at=EARLY)
    ingest(store, article("b", body), article("c", altered(body, 1)), about("flood", "f"), at=EARLY + DAY)
    holder = clusterer(store)
    holder.run(EARLY + DAY)
    unlink(store, "a", "c")
    link(store, "a", "b")
    link(store, "c", "f")
    holder.run(EARLY + DAY + 1)
    assert families(store) == {("a", "b"), ("c",), ("f",)}
    expiry(store).run(EARLY + RETENTION - 1)
    assert len(standing(store)) == 3
    assert expiry(store).run(EARLY + RETENTION + 1) == 1
    assert standing(store) == ["link c f"]
    assert families(store) == {("b", "c"), ("f",)}
    holder.run(EARLY + RETENTION + 2)
    recount(store)
    assert expiry(store).run(EARLY + RETENTION + DAY + 1) == 3
    assert standing(store) == []


def test_many_articles_with_corrections_expire_at_once(store: Store) -> None:
    ingest(store, *(article(f"a{i}", text(i, 30)) for i in range(40)), at=EARLY)
    holder = clusterer(store)
    for i in range(0, 30, 2):
        link(store, f"a{i}", f"a{i + 1}")
    holder.run(EARLY + 1)
    assert expiry(store).run(EARLY + RETENTION + 1) == 40
    assert standing(store) == []
    holder.run(EARLY + RETENTION + 1)
    recount(store)


# Everything together


@pytest.mark.parametrize("seed", [0, 9, 30])
def test_whatever_comes_goes_and_is_corrected_every_correction_holds_after_each_run(store: Store, seed: int) -> None:
    """Articles that come, are copied, revised and expire, and corrections made and taken back, in twelve days of which
    three are the window.
    """
    random = Random(f"mixed days {seed}")
    window, retention, at = 3 * DAY, 6 * DAY, EARLY
    holder, old = clusterer(store, "first", window, retention), expiry(store, retention)
    for turn in range(24):
        at = EARLY + turn * DAY / 2
        ids = [name.decode() for name in store.connection.zrange(store.keys.seen, 0, -1)]
        push(store, arrivals(random, turn, ids), at=at)
        drain(store)
        for _ in range(random.randrange(3) if ids else 0):
            disagree(store, random, ids)
        if turn % 9 == 5:
            holder.release()
            holder = clusterer(store, f"turn {turn}", window, retention)
        holder.run(at + 60)
        if turn % 3 == 2:
            old.run(at + 120)
            holder.run(at + 180)
        assert_all_hold(store)
        recount(store)
        home = replayed(changes(store))
        assert {name: home[name] for name in live(store)} == {name: story_of(store, name) for name in live(store)}
    holder.run(at + 240)
    quiet(store, holder, at + 300)
    assert {change.kind for change in changes(store)} >= {"born", "grew", "split", "corrected", "ended"}


def arrivals(random: Random, turn: int, ids: list[str]) -> list[Fields]:
    """What comes in a turn: two articles on events of the time, a copy or near-copy of an earlier one, a revision."""
    found = [about((turn + k) // 4, f"d{turn}-{k}") for k in range(2)]
    if ids:
        event, _, k = random.choice(ids).removeprefix("d").partition("-")
        body = str(about(random.randrange(turn + 1) // 4, f"d{event}-{k}")["text"])
        found.append(article(f"c{turn}", altered(body, turn, random.randrange(3))))
        found.append(about(random.randrange(turn + 1) // 4, random.choice(ids)))
        found.append(article(f"e{turn}", str(found[0]["text"])))
    return found


def disagree(store: Store, random: Random, ids: list[str]) -> None:
    """Makes a correction that comes to mind, if nothing contradicts it, or takes one back."""
    made = store.corrections.made()
    if made and random.random() < 0.3:
        with suppress(UnknownCorrectionError):
            take_back(store.connection, store.keys, random.choice(made).correction)
        return
    one, other = random.choice(ids), random.choice(ids)
    near = [name for name in live(store) if story_of(store, name) == story_of(store, one) and name != one]
    if near and random.random() < 0.5:
        other = random.choice(near)
    kind: CorrectionKind = "unlink" if random.random() < 0.6 else "link"
    with suppress(CorrectionError):
        correct(store.connection, store.keys, Correction.of(kind, one, other))


def live(store: Store) -> list[str]:
    return [name.decode() for name in store.connection.zrange(store.keys.seen, 0, -1)]


def assert_all_hold(store: Store) -> None:
    for made in store.corrections.made():
        one, other = (story_of(store, name) for name in (made.correction.one, made.correction.other))
        assert "" not in {one, other}
        assert (one == other) == (made.correction.kind == "link"), made.correction


def replayed(told: list[Change]) -> dict[str, str]:
    """The story of each article by the changes alone."""
    home: dict[str, str] = {}
    for change in told:
        if change.kind in {"born", "grew", "split", "moved", "merged"}:
            home |= dict.fromkeys(change.articles, change.other if change.kind == "merged" else change.story)
    return home


# At the same time


def test_a_run_that_dies_once_families_are_settled_is_done_again_and_tells_the_correction_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = text("a")
    ingest(store, *(article(name, body) for name in ("a", "b", "c")))
    holder = clusterer(store)
    holder.run(EARLY)
    unlink(store, "a", "b")

    def dies(*_: object) -> list[bool]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(clustering, "commit", dies)
        with pytest.raises(KeyboardInterrupt):
            holder.run(EARLY + 1)
    assert len(families(store)) == 2
    holder.release()
    holder = clusterer(store, "next")
    assert holder.run(EARLY + 2) == 2
    assert [kind for kind, _ in told(store, 2)] == ["split", "corrected"]
    recount(store)
    quiet(store, holder, EARLY + 3)


def test_an_article_that_comes_while_a_correction_is_made_is_in_no_wrong_family(store: Store) -> None:
    """Ingest decides before the correction and commits after it: it decides anew."""
    left, middle, right = linked()
    ingest(store, article("left", left), article("right", right))
    push(store, [article("middle", middle)])
    load = type(store.index).closure
    pending = [("left", "right")]

    def late(index: object, *asked: object) -> object:
        found = load(index, *asked)  # type: ignore[arg-type]
        if pending:
            unlink(store, *pending.pop())
        return found

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(type(store.index), "closure", late)
        drain(store)
    assert not pending
    family = [place[0] for place in places(store, ["left", "right"])]
    assert family[0] != family[1]
    clusterer(store).run(EARLY)
    assert story_of(store, "left") != story_of(store, "right")
    recount(store)


def test_a_correction_made_while_a_run_decides_is_told_by_the_next(store: Store) -> None:
    holder = two_events(store)
    ingest(store, about("flood", "f9"))
    number = type(store.runs).number
    pending = [("f0", "g0")]

    def late(runs: object) -> int:
        if pending:
            link(store, *pending.pop())
        return number(runs)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(type(store.runs), "number", late)
        assert holder.run(EARLY + 2) == 2
    assert len(stories(store)) == 2
    assert holder.run(EARLY + 3) == 3
    assert len(stories(store)) == 1
    assert [kind for kind, _ in told(store, 3)] == ["merged", "corrected"]
    recount(store)


def one_of_six(store: Store, number: int) -> None:
    """Two workers, a holder of the lease after the other, expiry, and two people who correct."""
    if number < 2:
        drain(store, f"worker{number}", batch=3 + number)
        return
    for turn in range(6):
        if number == 2:
            holder = clusterer(store, f"holder{turn}", 3 * DAY, 6 * DAY)
            holder.run(EARLY + (8 + turn / 2) * DAY)
            holder.release()
        elif number == 3:
            expiry(store, 6 * DAY).run(EARLY + (7 + turn / 2) * DAY)
        else:
            for _ in range(3):
                disagree(store, Random(f"{number} {turn}"), live(store))


def test_corrections_made_while_workers_runs_and_expiry_go_on_all_hold_in_the_end(
    store: Store, server_url: str
) -> None:
    random = Random("all at once")
    for turn in range(14):
        ids = [f"d{k}-{i}" for k in range(turn) for i in range(2)]
        push(store, arrivals(random, turn, ids), at=EARLY + turn * DAY / 2)
    drain(store, batch=20)
    for turn in range(14, 24):
        push(store, arrivals(random, turn, live(store)), at=EARLY + turn * DAY / 2)

    in_threads(server_url, 6, one_of_six)
    assert [rejection.reason for rejection in store.rejected.latest(9)] == []
    holder = clusterer(store, "last", 3 * DAY, 6 * DAY)
    for turn in range(3):
        holder.run(EARLY + 12 * DAY + turn)
    expiry(store, 6 * DAY).run(EARLY + 12 * DAY)
    expiry(store, 10_000 * DAY, 10_000 * DAY).run(store.connection.time()[0] + 2 * DAY)  # texts that were overtaken
    holder.run(EARLY + 12 * DAY + 5)
    assert store.corrections.made()
    assert_all_hold(store)
    recount(store)
