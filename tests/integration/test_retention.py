"""What has been kept long enough is gone without a trace, and the index stays as large as what it keeps."""

from __future__ import annotations

import pytest

from benchmarks.expiry import measure
from tests.integration.recount import recount
from tests.integration.world import (
    DAY,
    RETENTION,
    about,
    altered,
    article,
    clusterer,
    dump,
    expiry,
    families,
    ingest,
    linked,
    story_of,
    text,
)
from worker.service.retention import BATCH_ARTICLES
from worker.store.rejected import KEPT_ENTRIES
from worker.store.store import Store

EARLY = 1_760_000_000.0
EMPTY = {
    "dedup:inbox", "dedup:changes", "dedup:private:contents", "dedup:private:contents-begun",
    "dedup:private:contents-latest", "dedup:private:groups", "dedup:private:fence", "dedup:private:run",
    "dedup:private:lease", "dedup:private:news", "dedup:private:fingerprint",
}  # fmt: skip
"""The keys of a store that has lost all its articles: streams, counters, the lease and how texts are read."""


def names(store: Store) -> set[str]:
    return {key.decode() for key in store.connection.keys("*")}


def everything(store: Store) -> bytes:
    """All keys and all they hold, the tale of the changes aside."""
    return b"\n".join(key.encode() + value for key, value in dump(store, "dedup:changes", "dedup:inbox").items())


def test_nothing_expires_before_its_time(store: Store) -> None:
    ingest(store, about("flood", "a"), at=EARLY)
    before = dump(store)
    assert expiry(store).run(EARLY + RETENTION - 1) == 0
    assert dump(store) == before


@pytest.mark.slow
def test_nearly_all_memory_that_articles_have_added_is_free_again_once_they_have_expired(store: Store) -> None:
    freed = measure(store, 2_000)
    assert freed.added > 2_000 * 1_000
    assert freed.share >= 0.95


def test_of_an_expired_article_no_key_and_no_value_is_left(store: Store) -> None:
    ingest(store, about("flood", "expires"), article("expires too", text("a"), title="Else"), at=EARLY)
    holder = clusterer(store)
    holder.run(EARLY + 1)
    assert b"expires" in everything(store)
    assert expiry(store).run(EARLY + RETENTION + 1) == 2
    holder.run(EARLY + RETENTION + 1)
    recount(store)
    left = names(store) - EMPTY
    assert b"expires" not in everything(store)
    assert {name.split(":")[1] for name in left} <= {"storyline", "private"}
    assert {name.split(":")[2] for name in left if ":private:" in name} == {"storylines", "profiles"}


def test_a_family_shrinks_to_what_is_left_of_it_and_then_goes(store: Store) -> None:
    body = text("a")
    ingest(store, article("first", body, source="one"), article("copy of first", body, source="two"), at=EARLY)
    ingest(store, article("near", altered(body, 1), source="three"), at=EARLY + DAY)
    holder = clusterer(store)
    holder.run(EARLY + DAY)
    story = story_of(store, "near")
    assert store.stories.get([story])[story].n_sources == 3
    assert expiry(store).run(EARLY + RETENTION + 1) == 2
    holder.run(EARLY + RETENTION + 2)
    found = store.articles.get("near")
    assert found is not None
    assert (found.kind, found.representative, found.story) == ("new", "near", story)
    assert store.stories.get([story])[story].n_sources == 1
    recount(store)
    assert expiry(store).run(EARLY + RETENTION + DAY + 1) == 1
    holder.run(EARLY + RETENTION + DAY + 1)
    assert store.articles.count() == (0, 0)
    assert store.stories.all_ids() == []
    recount(store)


def test_a_family_whose_link_expires_falls_apart(store: Store) -> None:
    left, middle, right = linked()
    ingest(store, article("middle", middle), at=EARLY)
    ingest(store, article("left", left), article("right", right), at=EARLY + DAY)
    assert families(store) == {("left", "middle", "right")}
    expiry(store).run(EARLY + RETENTION + 1)
    assert families(store) == {("left",), ("right",)}
    clusterer(store).run(EARLY + RETENTION + 2)
    recount(store)


def test_a_text_that_expired_is_new_when_it_comes_again(store: Store) -> None:
    ingest(store, about("flood", "a"), at=EARLY)
    holder = clusterer(store)
    holder.run(EARLY + 1)
    expiry(store).run(EARLY + RETENTION + 1)
    ingest(store, about("flood", "a"), article("b", str(about("flood", "a")["text"])), at=EARLY + RETENTION + 2)
    holder.run(EARLY + RETENTION + 3)
    found = store.articles.get("a")
    assert found is not None
    assert (found.kind, found.revision, found.status) == ("new", 0, "clustered")
    assert families(store) == {("a", "b")}
    recount(store)


def test_more_articles_than_a_batch_expire_at_once(store: Store) -> None:
    n = BATCH_ARTICLES + 50
    ingest(store, *(article(f"a{i}", text(i // 3, 30)) for i in range(n)), at=EARLY)
    assert expiry(store).run(EARLY + RETENTION + 1) == n
    recount(store, settled=False)
    assert store.articles.count() == (0, 0)


def test_a_storyline_outlives_its_stories_and_goes_in_its_time(store: Store) -> None:
    ingest(store, about("flood", "a"), at=EARLY)
    holder = clusterer(store)
    holder.run(EARLY)
    line = store.articles.fields(["a"], ["storyline"])[0][0]
    expiry(store).run(EARLY + RETENTION + 1)
    holder.run(EARLY + RETENTION + 1)
    found = store.stories.get_storylines([line])[line]
    assert (found.n_stories, found.n_articles, found.headline) == (0, 0, about("flood", "a")["title"])
    assert store.stories.stories_of(line) == []
    expiry(store).run(EARLY + 399 * DAY)
    assert store.stories.get_storylines([line]) != {}
    expiry(store).run(EARLY + 401 * DAY)
    assert store.stories.get_storylines([line]) == {}
    assert names(store) <= EMPTY


def test_a_storyline_is_kept_as_long_as_an_article_of_it(store: Store) -> None:
    ingest(store, about("flood", "a"), at=EARLY)
    holder = clusterer(store)
    holder.run(EARLY)
    expiry(store, RETENTION, storyline_seconds=DAY).run(EARLY + 2 * DAY)
    holder.run(EARLY + 2 * DAY)
    recount(store)


def test_after_months_the_store_is_as_large_as_what_it_keeps(store: Store) -> None:
    """Three articles a day, two of them near-duplicates, for two months; a week is kept, storylines two."""
    window, retention, lines = 4 * DAY, 7 * DAY, 14 * DAY
    holder, old = clusterer(store, "one", window, retention, lines), expiry(store, retention, lines)
    sizes = []
    for day in range(60):
        at = EARLY + day * DAY
        body = str(about(day // 2, f"d{day}")["text"])
        near, other = article(f"n{day}", altered(body, 1)), article(f"x{day}", text(day))
        ingest(store, article(f"d{day}", body), near, other, at=at)
        holder.run(at + 1)
        old.run(at + 2)
        holder.run(at + 3)
        if day % 10 == 9:
            sizes.append(len([name for name in names(store) if ":alias" not in name]))
    recount(store)
    assert store.articles.count()[0] == 3 * 7
    assert max(sizes[2:]) <= 1.1 * sizes[1]
    held = holder.window
    assert held is not None
    assert len(held.families) <= 2 * 8
    assert len(held.profiles) <= 3 * 15


def test_rejections_are_kept_for_a_week_and_a_thousand_of_them_at_most(store: Store) -> None:
    ingest(store, *("no JSON" for _ in range(KEPT_ENTRIES + 20)))
    assert store.rejected.size() == KEPT_ENTRIES
    now = store.connection.time()[0]
    expiry(store).run(now + 6 * DAY)
    assert store.rejected.size() == KEPT_ENTRIES
    expiry(store).run(now + 8 * DAY)
    assert store.rejected.size() == 0


def test_changes_are_kept_for_thirty_days(store: Store) -> None:
    ingest(store, about("flood", "a"))
    now = store.connection.time()[0]
    clusterer(store).run(now)
    keeps_articles = expiry(store, 100 * DAY)
    keeps_articles.run(now + 29 * DAY)
    assert store.connection.xlen(store.keys.changes) == 1
    keeps_articles.run(now + 31 * DAY)
    assert store.connection.xlen(store.keys.changes) == 0
