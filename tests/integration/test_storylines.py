"""Storylines against a real server: told as `linked`, once, and found again under their ids when their stories went."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from typing import Any

import pytest

from dedup.story import Change
from tests.integration.recount import recount
from tests.integration.world import (
    DAY,
    Fields,
    about,
    assert_same_profiles,
    clusterer,
    dump,
    expiry,
    ingest,
    places,
    seed_lines,
    story_of,
)
from worker.service.window import load_window
from worker.store.store import Store

EARLY = 1_760_000_000.0
FIRST, SECOND = "seed-r1-wire", "seed-r2-wire"


def seeds(prefix: str) -> list[str]:
    return [line for line in seed_lines() if f'"id": "{prefix}' in line]


def later_round(number: int) -> list[Fields]:
    """The articles of the second round once more, undated and with words of their own, as another round has."""
    found: list[Fields] = []
    for i, line in enumerate(seeds("seed-r2")):
        one: dict[str, Any] = json.loads(line)
        if one["id"] in {"seed-r2-wire-near", "seed-r2-reprint"}:
            continue
        own = " ".join(str(about(f"round {number}", f"{number}-{i}")["text"]).split()[:60])
        found.append({**one, "id": f"round{number}-{i}", "text": f"{own} {one['text']}", "published_at": None})
    return found


def linked(store: Store, run: int = 0) -> list[Change]:
    told = [change for _, change in store.changes.after("0", 10_000)]
    return [change for change in told if change.kind == "linked" and run in {0, change.run}]


def line_of(store: Store, article_id: str) -> str:
    return places(store, [article_id])[0][2]


def test_a_story_that_continues_another_is_told_as_linked_with_it(store: Store) -> None:
    holder = clusterer(store)
    ingest(store, *seeds("seed-r1"), at=EARLY)
    holder.run(EARLY + 1)
    assert linked(store) == []
    ingest(store, *seeds("seed-r2"), at=EARLY + 17 * DAY)
    run = holder.run(EARLY + 17 * DAY + 1)
    one, two = story_of(store, FIRST), story_of(store, SECOND)
    [change] = linked(store)
    assert (change.story, change.other, change.storyline, change.run) == (two, one, line_of(store, FIRST), run)
    assert (change.articles, change.n_articles) == ((), 0)
    recount(store)


def test_rounds_that_come_at_once_are_told_as_linked_once(store: Store) -> None:
    ingest(store, *seed_lines())
    holder = clusterer(store, window_seconds=30 * DAY)
    holder.run(EARLY)
    [change] = linked(store)
    assert (change.story, change.other) == (story_of(store, SECOND), story_of(store, FIRST))
    for turn in range(3):
        ingest(store, about("flood", f"f{turn}"))
        holder.run(EARLY + 1 + turn)
    holder.release()
    clusterer(store, "fresh", window_seconds=30 * DAY).run(EARLY + 9)
    assert len(linked(store)) == 1


def test_a_story_that_is_alone_is_not_told_as_linked(store: Store) -> None:
    ingest(store, *(about(event, f"{event}{i}") for event in ("flood", "fire") for i in range(3)))
    clusterer(store).run(EARLY)
    assert linked(store) == []


def test_the_change_comes_after_the_birth_of_the_story_and_can_be_resumed_after(store: Store) -> None:
    ingest(store, *seed_lines())
    clusterer(store, window_seconds=30 * DAY).run(EARLY)
    entries = store.changes.after("0", 10_000)
    place = next(i for i, (_, change) in enumerate(entries) if change.kind == "linked")
    born = [change.story for _, change in entries[:place] if change.kind == "born"]
    assert {entries[place][1].story, entries[place][1].other} <= set(born)
    assert store.changes.after(entries[place - 1][0], 1) == [entries[place]]


@pytest.mark.parametrize("fresh", [False, True])
def test_a_storyline_keeps_its_id_when_all_its_stories_have_expired(store: Store, fresh: bool) -> None:
    """Two rounds, gone from the window and expired; the third comes most of a year later."""
    holder = clusterer(store)
    ingest(store, *seeds("seed-r1"), at=EARLY)
    holder.run(EARLY + 1)
    ingest(store, *seeds("seed-r2"), at=EARLY + 17 * DAY)
    holder.run(EARLY + 17 * DAY + 1)
    line, second = line_of(store, FIRST), story_of(store, SECOND)
    assert line_of(store, SECOND) == line
    for day in (20, 35, 48, 60):
        expiry(store).run(EARLY + day * DAY)
        holder.run(EARLY + day * DAY)
        recount(store)
        assert holder.window is not None
        assert_same_profiles(holder.window, load_window(store))
    assert store.stories.all_ids() == []
    assert dataclasses.astuple(store.stories.get_storylines([line])[line])[2:4] == (0, 0)
    if fresh:
        holder.release()
        holder = clusterer(store, "fresh")
    at = EARLY + 300 * DAY
    ingest(store, *later_round(3), at=at)
    holder.run(at + 1)
    assert line_of(store, "round3-0") == line
    assert store.stories.get_storylines([line])[line].n_stories == 1
    [change] = [one for one in linked(store) if one.run == store.runs.number()]
    assert (change.story, change.other, change.storyline) == (story_of(store, "round3-0"), second, line)
    recount(store)
    # The last story counts: the storyline lives on past 400 days from its first ones.
    expiry(store).run(EARLY + 450 * DAY)
    holder.run(EARLY + 450 * DAY)
    assert store.stories.get_storylines([line]) != {}
    ingest(store, *later_round(4), at=EARLY + 460 * DAY)
    holder.run(EARLY + 460 * DAY + 1)
    assert line_of(store, "round4-0") == line
    recount(store)
    expiry(store).run(EARLY + 861 * DAY)
    holder.run(EARLY + 861 * DAY)
    assert store.stories.get_storylines([line]) == {}


def test_a_story_that_leaves_a_storyline_of_its_own_for_another_is_told_as_linked(store: Store) -> None:
    """A story in a storyline of its own grows into the words of another one, and continues that one from then on."""
    holder = clusterer(store, window_seconds=40 * DAY)
    ingest(store, *seeds("seed-r1"), at=EARLY)
    ingest(store, *fragment(seeds("seed-r2")), at=EARLY + DAY)
    holder.run(EARLY + DAY + 1)
    own = line_of(store, "other-0")
    assert own != line_of(store, FIRST)
    ingest(store, *renamed(seeds("seed-r2")), at=EARLY + 2 * DAY)
    run = holder.run(EARLY + 2 * DAY + 1)
    assert line_of(store, "other-0") == line_of(store, FIRST)
    [change] = linked(store, run or 0)
    assert (change.story, change.other) == (story_of(store, "other-0"), story_of(store, FIRST))
    assert store.aliases.resolve(own) == change.storyline
    recount(store)
    assert holder.window is not None
    assert_same_profiles(holder.window, load_window(store))
    before = dump(store, "dedup:private:lease", "dedup:inbox")
    assert holder.run(EARLY + 2 * DAY + 2) is None
    assert dump(store, "dedup:private:lease", "dedup:inbox") == before


def fragment(lines: Iterable[str]) -> list[Fields]:
    """Articles under the ids of a round that tell of something else."""
    return [about("storm", f"other-{i}") for i, _ in enumerate(lines)]


def renamed(lines: Iterable[str]) -> list[Fields]:
    """A round's articles under other ids."""
    return [{**json.loads(line), "id": f"other-{i}"} for i, line in enumerate(lines)]
