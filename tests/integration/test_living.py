"""A window too large to be clustered anew by each run: it moves, its background stays, and the next holder goes on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from random import Random

import numpy as np
import pytest

from dedup import living
from dedup.cluster import in_order
from dedup.living import Living
from dedup.pipeline import Background, cluster_window
from dedup.window import Window
from tests.integration.recount import recount
from tests.integration.world import DAY, PARAMS, RETENTION, about, article, clusterer, dump, expiry, ingest, text
from worker.service import clustering, rebuilding
from worker.service.clustering import Clusterer
from worker.service.forgetting import Forgetting
from worker.service.rebuilding import Rebuilder
from worker.service.window import load_window
from worker.store.commit import Unit
from worker.store.rebuild import Progress
from worker.store.store import Store, open_store

EARLY = 1_760_000_000.0
LEASE = ("dedup:private:lease", "dedup:private:fence", "dedup:inbox")


@pytest.fixture(autouse=True)
def _large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of more than ten families are large, and clustered as a whole in pieces of five."""
    monkeypatch.setattr(living, "ALWAYS_RENEWED", 10)
    monkeypatch.setattr(rebuilding, "BLOCK_FAMILIES", 5)


def held(holder: Clusterer) -> tuple[Window, Living]:
    window = holder.window
    assert window is not None
    assert window.living is not None
    return window, window.living


def partition(one: Living) -> list[int]:
    """The labels of the families in the window, by name."""
    labels: list[int] = in_order(one.labels[one.place(sorted(one.numbers))]).tolist()
    return labels


def whole(one: Living) -> list[int]:
    """The same, of all that is in the window clustered at once."""
    names = sorted(one.numbers, key=one.numbers.__getitem__)
    found = cluster_window([one.tellings[name] for name in names], PARAMS, one.background)
    labels: list[int] = in_order(found.labels[[names.index(name) for name in sorted(names)]]).tolist()
    return labels


def first_wave(store: Store) -> None:
    ingest(store, *(about(i % 4, f"a{i}") for i in range(16)), at=EARLY)


def test_runs_weigh_by_one_background_until_half_of_the_window_is_another(store: Store) -> None:
    holder = clusterer(store, window_seconds=30 * DAY)
    first_wave(store)
    holder.run(EARLY + 1)
    background, moved = held(holder)[1].background, []
    for turn in range(6):
        ingest(store, *(about(turn, f"b{turn}-{i}") for i in range(3)), at=EARLY + 2 + turn)
        holder.run(EARLY + 3 + turn)
        moved.append((held(holder)[1].background is background, held(holder)[1].n_moved))
        background = held(holder)[1].background
        recount(store)
    assert moved == [(True, 3), (True, 6), (True, 9), (False, 0), (True, 3), (True, 6)]


def test_a_window_that_is_large_all_at_once_is_weighed_by_itself(store: Store) -> None:
    holder = clusterer(store, window_seconds=30 * DAY)
    ingest(store, about(0, "a"), at=EARLY)
    holder.run(EARLY + 1)
    ingest(store, *(about(i % 4, f"b{i}") for i in range(16)), at=EARLY + 2)
    holder.run(EARLY + 3)
    assert held(holder)[1].background.vocabulary.n_articles == 17
    recount(store)


def test_a_moved_window_is_clustered_and_told_as_one_that_a_new_holder_loads(store: Store) -> None:
    dice, holder = Random(5), clusterer(store, window_seconds=4 * DAY)
    first_wave(store)
    for day in range(7):
        now = EARLY + day * DAY
        ingest(store, *(about(dice.randrange(4) + day // 3, f"d{day}-{i}") for i in range(5)), at=now)
        if day % 2:
            ingest(store, article(f"d{day - 1}-0", text(100 + day)), at=now + 1)
        expiry(store).run(now + 2)
        holder.run(now + 3)
        if held(holder)[1].is_worn:
            holder.run(now + 3)
        mine = held(holder)[1]
        recount(store)
        assert partition(mine) == whole(mine)
        holder.release()
        other = clusterer(store, f"other {day}", window_seconds=4 * DAY)
        assert other.run(now + 3) is None
        again = held(other)[1]
        assert (again.n_moved, partition(again)) == (mine.n_moved, partition(mine))
        other.release()


def test_a_new_holder_changes_nothing_and_goes_on_by_the_same_background(store: Store) -> None:
    holder = clusterer(store, window_seconds=30 * DAY)
    first_wave(store)
    holder.run(EARLY + 1)
    ingest(store, *(about(7, f"b{i}") for i in range(3)), at=EARLY + 2)
    holder.run(EARLY + 3)
    holder.release()
    kept, before = held(holder)[1].background.vocabulary, dump(store, *LEASE)
    other = clusterer(store, "other", window_seconds=30 * DAY)
    assert other.run(EARLY + 4) is None
    assert dump(store, *LEASE) == before
    ingest(store, about(7, "c"), at=EARLY + 5)
    assert other.run(EARLY + 6) == 3
    again = held(other)[1]
    assert np.array_equal(again.background.vocabulary.keys, kept.keys)
    assert again.background.vocabulary.n_articles == kept.n_articles == 16
    assert again.n_moved == 4
    recount(store)


def test_a_forgotten_article_is_in_no_background(store: Store) -> None:
    holder = clusterer(store, window_seconds=30 * DAY)
    first_wave(store)
    holder.run(EARLY + 1)
    assert store.living.background(PARAMS) is not None
    assert Forgetting(store, PARAMS, RETENTION, 15).run("a0", EARLY + 2).article
    assert store.living.background(PARAMS) is None
    ingest(store, about(2, "b"), at=EARLY + 3)
    holder.run(EARLY + 4)
    kept = store.living.background(PARAMS)
    assert kept is not None
    assert kept.vocabulary.n_articles == 16
    recount(store)


def test_how_far_a_whole_clustering_is_can_be_read_and_is_gone_when_it_is_done(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = clusterer(store, window_seconds=30 * DAY)
    first_wave(store)
    assert store.rebuild.progress() is None
    monkeypatch.setattr(clustering, "FIRST_SECONDS", 0.0)
    assert holder.run(EARLY + 1) is None
    assert store.rebuild.progress() == Progress("neighbours", 0, 4, EARLY + 1)
    assert Rebuilder(store, PARAMS, "helper").help() == 4
    assert store.rebuild.progress() == Progress("neighbours", 4, 4, EARLY + 1)
    assert holder.run(EARLY + 2) is None
    told = store.rebuild.progress()
    assert told is not None
    assert (told.stage, told.done, told.began) == ("stories", 0, EARLY + 1)
    assert Rebuilder(store, PARAMS, "helper").help() == told.total
    assert holder.run(EARLY + 3) == 1
    assert store.rebuild.progress() is None


def test_of_a_window_that_is_no_longer_large_no_background_is_kept(store: Store) -> None:
    holder = clusterer(store, window_seconds=2 * DAY)
    first_wave(store)
    holder.run(EARLY + 1)
    assert store.living.background(PARAMS) is not None
    ingest(store, about(9, "b"), at=EARLY + 3 * DAY)
    holder.run(EARLY + 3 * DAY + 1)
    assert store.living.background(PARAMS) is None
    recount(store)


def readable(store: Store) -> dict[str, object]:
    """What readers see under a prefix, without it, and without the ids of changes."""
    own = len(store.keys.prefix)
    seen: dict[str, object] = {}
    for name in store.connection.scan_iter(f"{store.keys.prefix}*"):
        kind, key = store.connection.type(name), name.decode()[own:]
        if kind == b"hash" and not key.startswith("private:"):
            seen[key] = store.connection.hgetall(name)
    seen["changes"] = [fields for _, fields in store.connection.xrange(store.keys.changes)]
    return seen


def test_who_ever_works_on_the_pieces_the_ids_are_the_same(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    found, done = [], []
    for n_helpers in (0, 1, 3):
        own = open_store(store.connection, f"with{n_helpers}:")
        ingest(own, *(about(i % 7, f"a{i}") for i in range(40)), at=EARLY)
        holder = clusterer(own, window_seconds=30 * DAY)
        if n_helpers:
            monkeypatch.setattr(clustering, "FIRST_SECONDS", 0.0)
        while own.news.waiting():
            holder.run(EARLY + 1)
            with ThreadPoolExecutor(max(n_helpers, 1)) as pool:
                helpers = [Rebuilder(own, PARAMS, f"helper {i}") for i in range(n_helpers)]
                done += [n for n in pool.map(Rebuilder.help, helpers) if n]
        assert own.rebuild.plan() is None
        assert partition(held(holder)[1]) == whole(held(holder)[1])
        recount(own)
        found.append(readable(own))
    assert found[0] == found[1] == found[2]
    assert sum(done) > 2 * 8, "two windows of eight blocks, and their parts"


def test_a_piece_whose_worker_died_is_taken_up_again(store: Store) -> None:
    holder = clusterer(store, window_seconds=30 * DAY)
    first_wave(store)
    tellings = {name: one.telling for name, one in load_window(store).families.items()}
    begun = Rebuilder(store, PARAMS, "dead", known=tellings)
    begun.begin(Background.of(list(tellings.values()), PARAMS), Unit(), EARLY)
    plan = store.rebuild.plan()
    assert plan is not None
    assert store.rebuild.claim(plan, 1, "dead")
    assert holder.run(EARLY + 1) is None
    assert store.rebuild.undone(plan) == [1]
    store.connection.delete(*store.connection.keys("*rebuild:claim*"))  # as when it runs out
    assert holder.run(EARLY + 2) == 1
    assert partition(held(holder)[1]) == whole(held(holder)[1])
    recount(store)


def test_runs_go_on_while_a_large_window_is_clustered_anew(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    holder = clusterer(store, window_seconds=30 * DAY)
    first_wave(store)
    assert holder.run(EARLY + 1) == 1
    monkeypatch.setattr(clustering, "BESIDE_SECONDS", 0.0)
    ingest(store, *(about(i % 3, f"b{i}") for i in range(9)), at=EARLY + 2)
    assert holder.run(EARLY + 3) == 2
    background = held(holder)[1].background
    ingest(store, about(5, "c"), article("a3", text(77)), at=EARLY + 4)
    assert holder.run(EARLY + 5) == 3
    assert store.rebuild.plan() is not None
    assert held(holder)[1].background is background, "by the one before, as the other is not there yet"
    ingest(store, about(5, "d"), article("a5", text(78)), at=EARLY + 6)
    helper = Rebuilder(store, PARAMS, "helper")
    while held(holder)[1].background is background:
        helper.help()
        holder.run(EARLY + 7)
    assert partition(held(holder)[1]) == whole(held(holder)[1])
    assert held(holder)[1].numbers.keys() == load_window(store).families.keys()
    assert not store.connection.keys("*private:rebuild*")
    recount(store)


def test_a_forgotten_article_is_in_no_plan(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    holder = clusterer(store, window_seconds=30 * DAY)
    monkeypatch.setattr(clustering, "FIRST_SECONDS", 0.0)
    first_wave(store)
    assert holder.run(EARLY + 1) is None
    assert Rebuilder(store, PARAMS, "helper").help() == 4
    assert Forgetting(store, PARAMS, RETENTION, 15).run("a0", EARLY + 2).article
    assert not store.connection.keys("*private:rebuild*")
    assert not store.connection.keys("*private:living:*")
    monkeypatch.setattr(clustering, "FIRST_SECONDS", 30.0)
    holder.run(EARLY + 3)
    assert partition(held(holder)[1]) == whole(held(holder)[1])
    recount(store)
