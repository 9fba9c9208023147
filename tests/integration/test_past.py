"""What has left the window goes on weighing words: counted once, the same for every holder, gone when forgotten."""

from __future__ import annotations

from random import Random

import pytest

from dedup import window
from dedup.frequencies import NO_FREQUENCIES, Frequencies
from dedup.window import Past
from tests.integration.world import DAY, PARAMS, RETENTION, about, clusterer, dump, expiry, ingest, story_of
from worker.service.forgetting import Forgetting
from worker.service.window import load_families, load_window
from worker.store.store import Store

EARLY = 1_700_000_000.0


def told(frequencies: Frequencies) -> tuple[int, dict[int, int]]:
    return frequencies.n_articles, dict(zip(frequencies.keys.tolist(), frequencies.counts.tolist(), strict=True))


def counted(store: Store, *article_ids: str) -> tuple[int, dict[int, int]]:
    """What the past has to be if just these articles, no two of one family, have left the window."""
    rows = store.articles.fields(list(article_ids), ["family"])
    families = load_families(store, [row[0] for row in rows])
    return told(NO_FREQUENCIES.changed([one.telling.terms.hashes for one in families.values()], []))


def same(one: Past, other: Past) -> bool:
    return told(one.frequencies) == told(other.frequencies) and one.counted == other.counted


def test_what_leaves_the_window_is_counted_once_and_a_new_holder_knows_it(store: Store) -> None:
    holder = clusterer(store, window_seconds=2 * DAY)
    ingest(store, about("flood", "a"), about("fire", "b"), at=EARLY)
    holder.run(EARLY + 1)
    ingest(store, about("quake", "c"), at=EARLY + 1.5 * DAY)
    for days in (2.5, 2.6, 3.0):
        holder.run(EARLY + days * DAY)
    assert holder.window is not None
    assert told(holder.window.past.frequencies) == counted(store, "a", "b")
    assert same(load_window(store).past, holder.window.past)
    holder.release()
    other = clusterer(store, "second", window_seconds=2 * DAY)
    before = dump(store, "dedup:private:lease", "dedup:private:fence")
    other.run(EARLY + 3.1 * DAY)
    assert dump(store, "dedup:private:lease", "dedup:private:fence") == before


def test_what_comes_back_to_the_window_is_no_longer_past(store: Store) -> None:
    holder = clusterer(store, window_seconds=DAY)
    ingest(store, about("flood", "a"), about("fire", "b"), at=EARLY)
    holder.run(EARLY + 1)
    holder.run(EARLY + 2 * DAY)
    assert told(store.past.read().frequencies) == counted(store, "a", "b")
    ingest(store, {**about("flood", "a"), "id": "copy"}, at=EARLY + 2.5 * DAY)
    holder.run(EARLY + 2.6 * DAY)
    assert told(store.past.read().frequencies) == counted(store, "b")
    holder.run(EARLY + 4 * DAY)
    assert told(store.past.read().frequencies) == counted(store, "a", "b")


def test_what_is_kept_no_more_stays_counted(store: Store) -> None:

    holder = clusterer(store, window_seconds=DAY)
    ingest(store, about("flood", "a"), at=EARLY)
    holder.run(EARLY + 1)
    holder.run(EARLY + 2 * DAY)
    before = counted(store, "a")
    expiry(store).run(EARLY + RETENTION + DAY)
    holder.run(EARLY + RETENTION + DAY)
    past = store.past.read()
    assert (told(past.frequencies), past.counted) == (before, frozenset())


def test_it_is_kept_as_a_whole_when_much_was_appended(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "MOST_APPENDED", 3)
    holder = clusterer(store, window_seconds=DAY)
    for day in range(6):
        ingest(store, about(f"e{day}", f"a{day}"), at=EARLY + day * DAY)
        holder.run(EARLY + day * DAY + 1)
        assert holder.window is not None
        assert same(load_window(store).past, holder.window.past)
        assert load_window(store).past.n_appended == holder.window.past.n_appended <= 3
    assert told(store.past.read().frequencies) == counted(store, *(f"a{day}" for day in range(5)))


def test_a_forgotten_article_weighs_nothing_any_more(store: Store) -> None:
    holder = clusterer(store, window_seconds=DAY)
    ingest(store, about("flood", "a"), about("fire", "b"), at=EARLY)
    holder.run(EARLY + 1)
    holder.run(EARLY + 2 * DAY)
    Forgetting(store, PARAMS, 30 * DAY, 0.0).run("a", EARLY + 2 * DAY + 1)
    assert told(store.past.read().frequencies) == counted(store, "b")
    holder.run(EARLY + 2 * DAY + 2)
    assert told(store.past.read().frequencies) == counted(store, "b")
    assert story_of(store, "b")


def test_words_that_a_stream_has_often_told_join_nothing_later(store: Store) -> None:
    common = [f"paragraph{k}" for k in range(60)]

    def tell(name: str, days: float) -> None:
        Random(name).shuffle(common)
        text = " ".join([*(f"{name}word{k}" for k in range(40)), *common])
        ingest(store, {"id": name, "title": f"Title {name}", "text": text}, at=EARLY + days * DAY)

    holder = clusterer(store, window_seconds=DAY)
    others = [(f"o{k}", 2.0 * k) for k in range(1, 40)]
    for name, days in [("x0", 0.0), ("x1", 0.1), *others, ("y0", 90.0), ("y1", 90.1)]:
        tell(name, days)
        holder.run(EARLY + days * DAY + 1)
    assert story_of(store, "x0") == story_of(store, "x1")
    assert story_of(store, "y0") != story_of(store, "y1")
