"""Why an article is in its story, and why two are in one or in two: figures of a window clustered anew."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
import pytest

from dedup.article import Article, parse_article
from dedup.belonging import N_NEAREST, N_TERMS, Belonging, Seen, belonging, compare_articles, compare_two
from dedup.episode import EpisodeParams, find_parting
from dedup.lead import spelt_words
from dedup.pipeline import DAY_SECONDS, Params, Telling, find_families, prepare
from dedup.text import body_text

PARAMS = Params()
ROOT = Path(__file__).parents[2]
MAY = 1_747_400_000.0
VOCABULARY = [a + b + c for a in ("ba", "ko", "ri", "ste", "mu") for b in ("lun", "mar", "tev", "dos") for c in "aeiou"]


def words(name: object, n_words: int) -> list[str]:
    random = Random(f"words {name}")
    return ["".join(random.choices(VOCABULARY, k=2)) for _ in range(n_words)]


def telling(name: str, *parts: list[str], day: float | None = 0.0) -> Telling:
    """An article that says these words, and thirty of its own, in an order of its own."""
    said = [*(word for part in parts for word in part), *words(name, 30)]
    Random(name).shuffle(said)
    (one,) = prepare([Article(name, text=" ".join(said))], PARAMS)
    return Telling(one.terms, None if day is None else MAY + day * DAY_SECONDS)


@cache
def two_rounds_and_others() -> Seen:
    """Places 0-3 and 4-7 say the same of two events 20 days apart, 8-10 are about something else, 11 is alone."""
    theme, other = words("theme", 40), words("other", 40)
    tellings = [
        *(telling(f"first {i}", theme, day=i / 4) for i in range(4)),
        *(telling(f"second {i}", theme, day=20 + i / 4) for i in range(4)),
        *(telling(f"other {i}", other, day=1) for i in range(3)),
        telling("alone", words("nobody's", 40), theme[:8], day=1),
    ]
    return Seen.of(tellings, np.array([0] * 4 + [1] * 4 + [2] * 3 + [3]), PARAMS)


def placed(place: int) -> Belonging:
    return belonging(two_rounds_and_others(), place)


def test_the_window_of_these_tests_is_clustered_as_it_is_told() -> None:
    seen = two_rounds_and_others()
    assert seen.clustering.labels.tolist() == seen.stories.tolist()


def test_an_article_of_a_core_is_in_its_story_by_the_neighbour_most_like_it() -> None:
    found = placed(0)
    assert found.joining == "core"
    assert found.core in {1, 2, 3}
    assert found.core_similarity >= found.core_bar == pytest.approx(1 / PARAMS.cluster.max_distance - 1)
    assert found.score is not None
    assert found.score.total >= found.score.bar == PARAMS.merge.min_score


def test_the_nearest_are_of_the_story_and_the_most_alike_come_first() -> None:
    seen = two_rounds_and_others()
    for place in range(11):
        found = placed(place)
        assert {one.there for one in found.nearest} == set(seen.story_of(place).tolist()) - {place}
        alike = [one.similarity for one in found.nearest]
        assert alike == sorted(alike, reverse=True)
        assert len(found.nearest) <= N_NEAREST


def test_figures_of_two_articles_are_those_of_their_vectors() -> None:
    seen = two_rounds_and_others()
    rows = seen.rows.toarray()
    found = compare_articles(seen, 0, 5)
    assert found.cosine == pytest.approx(float(rows[0] @ rows[5]), rel=1e-5)
    expected = np.sqrt(seen.clustering.reliability[0] * seen.clustering.reliability[5])
    assert found.similarity == pytest.approx(found.cosine / expected, rel=1e-5)
    assert found.n_shared_terms == int(((rows[0] > 0) & (rows[5] > 0)).sum())
    assert found.gap_days == pytest.approx(20.25)
    assert found.kernel < 1e-6


def test_the_score_with_the_rest_of_the_story_is_a_mean_over_its_articles() -> None:
    seen, score = two_rounds_and_others(), placed(8).score
    assert score is not None
    alike = seen.similarities(8, np.array([9, 10]))
    roots = np.sqrt(seen.clustering.reliability)
    mean = (alike * roots[[9, 10]]).sum() / roots[[9, 10]].sum()
    assert score.similarity == pytest.approx(float(mean), rel=1e-5)
    assert score.total == pytest.approx(score.similarity / score.cohesion * score.kernel * score.crowding)
    assert score.similarity / score.asked == pytest.approx(score.timeless / score.bar)


def test_the_runner_up_is_the_story_most_alike_however_far_in_time_and_time_is_what_was_missing() -> None:
    rival = placed(0).runner_up
    assert rival is not None
    assert (rival.story, rival.apart.cause) == (1, "time")
    assert rival.nearest.there in range(4, 8)
    assert rival.score.timeless >= rival.score.bar > rival.score.total
    assert rival.apart.score.total < rival.apart.score.bar
    assert (rival.apart.n_here, rival.apart.n_there) == (4, 4)


def test_an_article_alone_was_not_like_enough_to_the_story_it_is_next_to() -> None:
    found = placed(11)
    assert (found.joining, found.core, found.score, found.nearest, found.terms) == ("alone", None, None, (), ())
    assert found.runner_up is not None
    assert found.runner_up.story in {0, 1}
    assert found.runner_up.apart.cause == "similarity"
    assert found.runner_up.score.timeless < found.runner_up.score.bar
    assert found.runner_up.terms


def test_a_story_that_nothing_else_shares_a_word_with_has_no_runner_up() -> None:
    tellings = [telling("one", words("a", 40)), telling("two", words("b", 40))]
    assert belonging(Seen.of(tellings, np.array([0, 1]), PARAMS), 0).runner_up is None


def test_terms_are_shared_and_told_by_their_weight() -> None:
    seen, found = two_rounds_and_others(), placed(8)
    keys = seen.clustering.vectors.vocabulary.keys
    columns = [int(np.flatnonzero(keys == term.key)[0]) for term in found.terms]
    rows = seen.rows.toarray()
    assert len(columns) == N_TERMS
    assert (rows[8, columns] > 0).all()
    assert (rows[[9, 10]][:, columns].sum(axis=0) > 0).all()
    shares = [term.share for term in found.terms]
    assert shares == sorted(shares, reverse=True)
    assert 0 < sum(shares) <= 1


def test_two_articles_of_one_story_are_together_by_their_core() -> None:
    pair = compare_two(two_rounds_and_others(), 8, 9)
    assert (pair.joining, pair.apart) == ("core", None)


def test_two_articles_weeks_apart_are_kept_apart_by_time_and_are_one_storyline() -> None:
    pair = compare_two(two_rounds_and_others(), 2, 6)
    assert pair.joining is None
    assert pair.apart is not None
    assert pair.apart.cause == "time"
    assert pair.storyline_similarity >= pair.storyline_bar
    assert pair.n_shared >= PARAMS.storyline.min_shared_terms


def test_two_unlike_articles_are_kept_apart_by_that_and_are_no_storyline() -> None:
    seen = two_rounds_and_others()
    pair = compare_two(seen, 0, 8)
    assert pair.apart is not None
    assert pair.apart.cause == "similarity"
    assert pair.storyline_similarity < pair.storyline_bar
    theme, other = (spelt_words(" ".join(words(name, 40))) for name in ("theme", "other"))
    assert {key in theme for key in pair.apart.words_here} == {True}
    assert {key in other for key in pair.apart.words_there} == {True}


def test_what_was_told_and_is_not_seen_any_more_is_said_to_be_so() -> None:
    seen = two_rounds_and_others()
    split = Seen(seen.tellings, seen.clustering, np.array([0, 0, 0, 4, *seen.stories[4:].tolist()]), PARAMS)
    apart = compare_two(split, 0, 3).apart
    assert apart is not None
    assert apart.cause == "none"
    joined = Seen(seen.tellings, seen.clustering, np.array([*seen.stories[:11].tolist(), 2]), PARAMS)
    assert belonging(joined, 11).joining == "none"
    assert compare_two(joined, 11, 8).joining == "none"


def test_an_article_no_run_has_placed_is_nobodys_mate() -> None:
    seen = two_rounds_and_others()
    stories = np.where(np.arange(12) == 3, -1, seen.stories)
    fresh = Seen(seen.tellings, seen.clustering, stories, PARAMS)
    assert 3 not in {one.there for one in belonging(fresh, 0).nearest}
    assert fresh.story_of(3).tolist() == [3]
    assert compare_two(fresh, 0, 3).joining is None


# Days that addresses name


def test_what_an_address_has_placed_and_parted_is_said_to_be_so() -> None:
    seen = two_rounds_and_others()
    day = int(MAY // DAY_SECONDS)
    tellings = [*seen.tellings[:8], telling("moved", words("theme", 40), day=20.5), telling("told", words("theme", 40))]
    for place, published in ((8, tellings[8].published_at), (9, None)):
        terms = tellings[place].terms
        tellings[place] = Telling(replace(terms, cues=replace(terms.cues, day=day)), published)
    made = Seen.of(tellings, np.array([0] * 4 + [1] * 4 + [0] * 2), PARAMS)
    assert made.clustering.labels.tolist() == made.stories.tolist()
    assert [belonging(made, place).joining for place in (8, 9)] == ["address"] * 2
    assert compare_two(made, 0, 8).joining == "address"
    assert belonging(made, 0).joining != "address"
    apart = compare_two(made, 8, 4).apart
    assert apart is not None
    assert apart.cause == "address"


# Like events


def test_two_events_of_one_kind_are_told_apart_by_the_words_of_each() -> None:
    theme = words("kind", 25)
    own = {side: [name.capitalize() for name in words(f"names of {side}", 12)] for side in "ab"}
    tellings = [telling(f"{side}{i}", theme, own[side] * 2) for side in "ab" for i in range(5)]
    made = Seen.of(tellings, np.repeat([0, 1], 5), PARAMS).clustering
    found = find_parting(np.arange(10), (1, 7), made.cores, made.articles, EpisodeParams())
    assert found.by == "events"
    for columns, side in zip(found.signature, "ab", strict=True):
        spelt = spelt_words(" ".join(own[side]))
        assert len(columns) == 3
        assert all(int(made.vectors.vocabulary.keys[column]) in spelt for column in columns)


def test_what_is_neither_form_nor_events_is_parted_as_an_outsider_or_as_rounds() -> None:
    theme = words("theme", 40)
    inside = [telling(f"inside {i}", theme, day=None) for i in range(5)]
    tellings = [*inside, telling("outside", theme[:4], words("other", 40), day=None)]
    made = Seen.of(tellings, np.zeros(6, np.int64), PARAMS).clustering
    by = [
        find_parting(np.arange(6), ends, made.cores, made.articles, EpisodeParams()).by
        for ends in ((0, 1), (0, 5), (5, 3))
    ]
    assert by == ["rounds", "outsider", "outsider"]


def test_reports_of_one_form_are_said_to_be_that() -> None:
    form = [words(f"line {i}", 12) for i in range(60)]
    tellings = [telling(f"report {i}", *(form[(i + k) % 60] for k in range(3))) for i in range(60)]
    made = Seen.of(tellings, np.arange(60), PARAMS).clustering
    found = find_parting(np.arange(0, 60, 3), (0, 3), made.cores, made.articles, EpisodeParams())
    assert (found.by, found.signature) == ("form", ((), ()))


@cache
def seeds(*, dated: bool) -> tuple[list[str], Seen]:
    """The sample articles' representatives, and their window with the stories of gold."""
    lines = (ROOT / "seeds/articles.jsonl").read_text(encoding="utf-8").splitlines()
    gold = {fields["id"]: fields["story"] for fields in map(json.loads, lines)}
    articles = {one.id: one for one in map(parse_article, lines)}
    prepared = {one.article.id: one for one in prepare(list(articles.values()), PARAMS)}
    names = [one.representative for one in find_families(list(prepared.values()), PARAMS)]
    stories = sorted(set(gold.values()))
    tellings = [
        Telling(one.terms, one.article.published_at if dated else None) for one in (prepared[name] for name in names)
    ]
    return names, Seen.of(tellings, np.array([stories.index(gold[name]) for name in names]), PARAMS)


@pytest.mark.parametrize(("dated", "cause"), [(True, "time"), (False, "rounds")])
def test_the_two_rounds_of_the_samples_are_apart_by_time_and_without_dates_by_what_they_tell(
    dated: bool, cause: str
) -> None:
    names, seen = seeds(dated=dated)
    pair = compare_two(seen, names.index("seed-r1-wire-near"), names.index("seed-r2-wire-near"))
    assert pair.apart is not None
    assert pair.apart.cause == cause
    assert pair.apart.ordinals is not None
    assert (pair.apart.ordinals.here, pair.apart.ordinals.there) == ((1,), (2,))
    assert (pair.likeness.gap_days is None) != dated
    assert pair.storyline_similarity >= pair.storyline_bar


# Words again


@pytest.mark.parametrize("language", ["ar", "ja", "tr", "uk", "zh"])
def test_every_word_that_terms_are_made_of_is_found_again_in_the_text(language: str) -> None:
    lines = (ROOT / f"tests/texts/{language}.jsonl").read_text(encoding="utf-8").splitlines()
    articles = [parse_article(line) for line in lines]
    for article, one in zip(articles, prepare(articles, PARAMS), strict=True):
        found = spelt_words(f"{article.title}\n{body_text(article)}")
        assert set(one.terms.hashes.tolist()) <= found.keys()


def test_words_are_spelt_as_their_text_does() -> None:
    text = "QUAYSIDE, Monday. The Quayside tram carried 1,250 people and 6.4 tons in an ﬁne Straße; ÇAY evi."
    assert set(spelt_words(text).values()) >= {"Quayside", "Monday", "1,250", "6.4", "tons", "ﬁne", "Straße", "ÇAY"}
