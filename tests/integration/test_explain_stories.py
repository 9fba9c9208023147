"""Why an article is in its story, out of what the store holds: the window as it is, clustered anew."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from dedup.correction import Correction, CorrectionKind
from tests.integration.world import DAY, PARAMS, about, altered, article, clusterer, ingest, seed_lines, text
from worker.explained.reasons import why_pair
from worker.service.correcting import correct
from worker.service.explaining_stories import PairExplanation, StoryExplanation, explain_pair, explain_story
from worker.service.runtime import make_runtime
from worker.settings import Settings
from worker.store.store import Store

WINDOW = 14 * DAY


def explained(store: Store, article_id: str, now: float | None = None) -> StoryExplanation:
    found = explain_story(store, PARAMS, article_id, WINDOW, time.time() if now is None else now)
    assert found is not None
    return found


def compared(store: Store, here: str, there: str) -> PairExplanation:
    found = explain_pair(store, PARAMS, (here, there), WINDOW, time.time())
    assert not isinstance(found, str)
    return found


@pytest.fixture
def rounds(store: Store) -> Iterator[Store]:
    """A store with an event, the same again 17 days later, and another."""
    ingest(store, *(about("talks", f"first-{i}", published_at=f"2026-01-02T0{i}:00:00Z") for i in range(4)))
    ingest(store, *(about("talks", f"second-{i}", published_at=f"2026-01-19T0{i}:00:00Z") for i in range(3)))
    ingest(store, *(about("ferry", f"ferry-{i}", published_at="2026-01-02T06:00:00Z") for i in range(3)))
    assert clusterer(store).run(time.time()) == 1
    yield store  # noqa: PT022 - what is taken from it is taken down by it


def test_an_article_is_told_with_its_story_its_storyline_and_its_place_in_it(rounds: Store) -> None:
    found = explained(rounds, "second-1").home
    entry = rounds.articles.get("second-1")
    assert entry is not None
    assert (found.standing, found.told_by) == ("placed", "second-1")
    assert found.story is not None
    assert (found.story.id, found.story.n_articles, found.storyline) == (entry.story, 3, entry.storyline)
    assert (found.number, found.n_stories) == (2, 2)


def test_a_correction_is_named_as_what_joins_two_articles_or_keeps_them_apart(rounds: Store) -> None:
    def why(here: str, there: str) -> str:
        return why_pair(compared(rounds, here, there))

    def made(*pair: str, kind: CorrectionKind) -> None:
        correct(rounds.connection, rounds.keys, Correction.of(kind, *pair))

    made("first-0", "ferry-0", kind="link")
    made("first-0", "first-1", kind="unlink")
    assert why("ferry-0", "first-0") == "joined by a correction: ferry-0 and first-0 are linked, from the next run on"
    assert why("first-0", "first-1").endswith("first-0 and first-1 are unlinked, from the next run on")
    assert clusterer(rounds).run(time.time()) == 2
    made("ferry-0", "ferry-1", kind="link")
    assert why("ferry-0", "first-0") == "joined by a correction: ferry-0 and first-0 are linked"
    assert why("first-1", "first-0") == "kept apart by a correction: first-0 and first-1 are unlinked"
    assert why("first-0", "ferry-1") == "joined by corrections: first-0 - ferry-0 - ferry-1 are linked"
    assert why("ferry-1", "first-1").startswith("kept apart by corrections: first-0 and first-1 are unlinked, and")
    assert "correction" not in why("first-2", "second-0")


def test_the_nearest_are_members_of_its_story_and_the_runner_up_is_the_round_before(rounds: Store) -> None:
    found = explained(rounds, "second-1")
    assert found.belonging is not None
    names = {found.named[one.there].article_id for one in found.belonging.nearest}
    assert names == {"second-0", "second-2"}
    rival = found.belonging.runner_up
    assert rival is not None
    assert found.rival is not None
    first = rounds.articles.get("first-0")
    assert first is not None
    assert (found.rival.id, rival.apart.cause) == (first.story, "time")
    assert found.named[rival.nearest.there].article_id.startswith("first-")
    assert found.named[rival.nearest.there].title


def test_terms_are_words_of_the_texts(rounds: Store) -> None:
    found = explained(rounds, "ferry-0")
    assert found.belonging is not None
    names = set(text("names of ferry", 30).split())
    assert found.has_texts
    for term in found.belonging.terms:
        parts = [term.key >> 32, term.key & 0xFFFFFFFF] if term.key >> 32 else [term.key]
        assert {found.words[part] for part in parts} <= names


def test_two_rounds_are_apart_by_time_and_in_one_storyline(rounds: Store) -> None:
    found = compared(rounds, "first-0", "second-2")
    assert found.together == "storyline"
    assert found.pair is not None
    assert found.pair.apart is not None
    assert found.pair.apart.cause == "time"
    assert found.pair.storyline_similarity >= found.pair.storyline_bar


def test_two_articles_of_one_story_and_two_of_unlike_ones(rounds: Store) -> None:
    together, apart = compared(rounds, "ferry-0", "ferry-1"), compared(rounds, "ferry-0", "first-1")
    assert (together.together, apart.together) == ("story", "nothing")
    assert together.pair is not None
    assert together.pair.joining == "merge"
    assert apart.pair is not None
    assert apart.pair.apart is not None
    assert apart.pair.apart.cause == "similarity"


def test_an_article_is_read_by_the_representative_of_its_family(store: Store) -> None:
    base = text("wire")
    ingest(store, article("base", base), article("near", altered(base, "edit")), article("other", text("other")))
    clusterer(store).run(time.time())
    entry = store.articles.get("near")
    assert entry is not None
    other = {"base": "near", "near": "base"}[entry.representative]
    found = explained(store, other)
    assert (found.home.article_id, found.home.told_by) == (other, entry.representative)
    assert found.belonging is not None
    assert found.belonging.joining == "alone"
    pair = compared(store, "base", "near")
    assert (pair.together, pair.pair) == ("family", None)


def test_an_article_that_no_run_has_placed_is_waiting(rounds: Store) -> None:
    ingest(rounds, about("ferry", "late"))
    found = explained(rounds, "late")
    assert (found.home.standing, found.home.story, found.belonging) == ("waiting", None, None)
    pair = compared(rounds, "ferry-0", "late")
    assert (pair.together, pair.pair) == ("nothing", None)
    mates = explained(rounds, "ferry-0").belonging
    assert mates is not None
    assert len(mates.nearest) == 2


def test_an_article_that_has_left_the_window_keeps_its_story_and_has_no_figures(store: Store) -> None:
    now = time.time()
    ingest(store, *(about("old", f"old-{i}") for i in range(2)), at=now - 13 * DAY)
    clusterer(store).run(now)
    found = explained(store, "old-0", now + 2 * DAY)
    assert (found.home.standing, found.belonging) == ("outside", None)
    assert found.home.story is not None
    pair = explain_pair(store, PARAMS, ("old-0", "old-1"), WINDOW, now + 2 * DAY)
    assert isinstance(pair, PairExplanation)
    assert (pair.together, pair.pair) == ("story", None)


def test_an_article_that_is_not_known_is_named(rounds: Store) -> None:
    assert explain_story(rounds, PARAMS, "nobody", WINDOW, time.time()) is None
    assert explain_pair(rounds, PARAMS, ("first-0", "nobody"), WINDOW, time.time()) == "nobody"
    assert explain_pair(rounds, PARAMS, ("nobody", "first-0"), WINDOW, time.time()) == "nobody"


def test_an_explanation_writes_nothing(rounds: Store) -> None:
    def everything() -> dict[bytes, bytes]:
        return {key: rounds.connection.dump(key) for key in sorted(rounds.connection.keys("*"))}

    before = everything()
    explained(rounds, "first-0")
    compared(rounds, "first-0", "second-0")
    assert everything() == before


def test_where_texts_are_not_kept_the_figures_are_the_same_and_the_words_those_of_titles(server_url: str) -> None:
    parts = make_runtime(Settings(keep_text=False), server_url)
    try:
        ingest(parts.store, *seed_lines())
        clusterer(parts.store).run(time.time())
        found = explained(parts.store, "seed-r2-wire-near")
        assert found.belonging is not None
        assert found.belonging.terms
        assert not found.has_texts
        titles = {json.loads(line)["title"] for line in seed_lines()}
        spelt = {word for word in found.words.values() if not word.isdigit()}
        assert spelt
        assert all(any(word in title for title in titles) for word in spelt)
    finally:
        parts.store.connection.close()
