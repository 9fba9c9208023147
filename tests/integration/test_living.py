"""A window too large to be clustered anew by each run: it moves, its background stays, and the next holder goes on."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from dedup import living
from dedup.cluster import in_order
from dedup.living import Living
from dedup.pipeline import cluster_window
from dedup.window import Window
from tests.integration.recount import recount
from tests.integration.world import DAY, PARAMS, RETENTION, about, article, clusterer, dump, expiry, ingest, text
from worker.service.clustering import Clusterer
from worker.service.forgetting import Forgetting
from worker.service.window import load_window
from worker.store.progress import Progress, Stage
from worker.store.store import Store

EARLY = 1_760_000_000.0
LEASE = ("dedup:private:lease", "dedup:private:fence", "dedup:inbox")


@pytest.fixture(autouse=True)
def _large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of more than ten families are large."""
    monkeypatch.setattr(living, "ALWAYS_RENEWED", 10)


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
    assert moved == [(True, 3), (True, 6), (False, 0), (True, 3), (True, 6), (True, 9)]


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
        window, mine = held(holder)
        recount(store)
        assert partition(mine) == whole(mine)
        fresh = load_window(store, PARAMS)
        assert fresh.background is not None
        assert fresh.n_moved == mine.n_moved
        inside = window.in_window(now + 3 - 4 * DAY)
        assert partition(fresh.follow(inside, fresh.past.frequencies, PARAMS)) == partition(mine)


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
    assert store.background.read(PARAMS)[0] is not None
    assert Forgetting(store, PARAMS, RETENTION, 15).run("a0", EARLY + 2).article
    assert store.background.read(PARAMS) == (None, 0)
    ingest(store, about(2, "b"), at=EARLY + 3)
    holder.run(EARLY + 4)
    kept, _ = store.background.read(PARAMS)
    assert kept is not None
    assert kept.vocabulary.n_articles == 16
    recount(store)


def test_how_far_a_whole_clustering_is_can_be_read_and_is_gone_when_it_is_done(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Stage | None] = []
    tell = type(store.progress).tell

    def listen(progress: Progress, holder: str, stage: Stage) -> None:
        tell(progress, holder, stage)
        told.append(store.progress.read())

    monkeypatch.setattr(type(store.progress), "tell", listen)
    holder = clusterer(store, window_seconds=30 * DAY)
    first_wave(store)
    holder.run(EARLY + 1)
    assert told == [Stage(stage, i + 1, 6, EARLY + 1) for i, stage in enumerate(living.STAGES[1:])]
    assert store.progress.read() is None
    ingest(store, about(2, "b"), at=EARLY + 3)
    holder.run(EARLY + 4)
    assert len(told) == 5


def test_of_a_window_that_is_no_longer_large_no_background_is_kept(store: Store) -> None:
    holder = clusterer(store, window_seconds=2 * DAY)
    first_wave(store)
    holder.run(EARLY + 1)
    assert store.background.read(PARAMS)[0] is not None
    ingest(store, about(9, "b"), at=EARLY + 3 * DAY)
    holder.run(EARLY + 3 * DAY + 1)
    assert store.background.read(PARAMS) == (None, 0)
    recount(store)
