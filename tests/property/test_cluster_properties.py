"""What holds for any neighbour graph, any terms and any profiles."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import sparse

from dedup.cluster import ClusterParams, cluster_graph, in_order
from dedup.cues import AHEAD, BEHIND, LAST_VALUE, NO_CUES, NOT_OWN, Cues, CuesError
from dedup.metrics import score
from dedup.pipeline import DAY_SECONDS, Params, Telling, cluster_window
from dedup.storyline import Profile, Shelf, StorylineParams, link_stories
from dedup.terms import Terms

WORDS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 15)), max_size=25)
"""Words as their hashes and marks."""
DAYS = st.one_of(st.just(math.nan), st.floats(0, 30))
NARROW = st.integers(0, 6)
CUES = st.builds(
    lambda ordinals, slots, numbers, recalls, day: Cues(
        np.array([head for head, _, _ in ordinals], np.uint32),
        np.array([value for _, value, _ in ordinals], np.uint8),
        np.array([rank for _, _, rank in ordinals], np.uint8),
        np.array([context for context, _ in slots], np.uint32),
        np.array([filler for _, filler in slots], np.uint32),
        np.array(sorted(numbers), np.uint32),
        recalls,
        day,
    ),
    st.lists(
        st.tuples(NARROW, st.sampled_from([1, 2, 3, LAST_VALUE]), st.sampled_from([0, 1, BEHIND, AHEAD, NOT_OWN])),
        max_size=3,
    ),
    st.lists(st.tuples(NARROW, NARROW), max_size=8, unique=True),
    st.sets(NARROW, max_size=5),
    st.integers(0, 300),
    st.none() | st.integers(-1, 31),
)
ARTICLES = st.lists(st.tuples(WORDS, DAYS, CUES), max_size=25)
Words = list[tuple[int, int]]
Articles = list[tuple[Words, float, Cues]]


def made_terms(words: Words, cues: Cues = NO_CUES) -> Terms:
    return Terms(
        np.array([word for word, _ in words], np.uint32), np.array([marks for _, marks in words], np.uint8), cues
    )


def tellings(articles: Articles) -> list[Telling]:
    return [
        Telling(made_terms(words, cues), None if math.isnan(day) else day * DAY_SECONDS)
        for words, day, cues in articles
    ]


def cluster(articles: Articles) -> list[int]:
    """The stories of articles given as words, days and cues."""
    labels: list[int] = cluster_window(tellings(articles), Params()).labels.tolist()
    return labels


def same_numbering(labels: list[int]) -> bool:
    return bool(np.array_equal(labels, in_order(np.array(labels, dtype=np.int64))))


@given(ARTICLES)
def test_every_article_has_a_story_numbered_by_first_member(articles: Articles) -> None:
    labels = cluster(articles)
    assert len(labels) == len(articles)
    assert same_numbering(labels)


@given(ARTICLES)
def test_the_same_articles_give_the_same_stories(articles: Articles) -> None:
    assert cluster(articles) == cluster(articles)


@given(ARTICLES, st.lists(st.integers(100, 200), min_size=1, max_size=25))
def test_an_article_that_shares_no_word_is_alone(articles: Articles, words: list[int]) -> None:
    stories = cluster([*articles, ([(word, 0) for word in words], math.nan, NO_CUES)])
    assert stories.count(stories[-1]) == 1


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 15)), max_size=300), CUES)
def test_terms_come_back_from_their_bytes(words: Words, cues: Cues) -> None:
    terms = made_terms(words, cues)
    back = Terms.from_bytes(terms.to_bytes())
    assert back.hashes.tolist() == terms.hashes.tolist()
    assert back.marks.tolist() == terms.marks.tolist()
    assert back.to_bytes() == terms.to_bytes()


@given(CUES)
def test_cues_come_back_from_their_bytes(cues: Cues) -> None:
    back = Cues.from_bytes(cues.to_bytes())
    for name in ("heads", "values", "ranks", "contexts", "fillers", "numbers"):
        assert getattr(back, name).tolist() == getattr(cues, name).tolist(), name
        assert getattr(back, name).dtype == getattr(cues, name).dtype, name
    assert back.recalls == min(cues.recalls, 255)


@given(CUES, st.integers(0, 200), st.binary(max_size=3))
def test_cues_with_bytes_missing_or_added_are_refused(cues: Cues, end: int, more: bytes) -> None:
    packed = cues.to_bytes()
    spoiled = packed[:end] + more
    if len(spoiled) != len(packed):
        with pytest.raises(CuesError, match="bytes"):
            Cues.from_bytes(spoiled)


@given(st.integers(1, 12), st.data())
def test_a_core_is_connected_by_short_edges(n: int, data: st.DataObject) -> None:
    distances = np.zeros((n, n))
    for i in range(n):
        for j in range(i):
            distances[i, j] = distances[j, i] = data.draw(st.sampled_from([0, 0.2, 0.3, 0.5, 0.7, 0.9]))
    labels = cluster_graph(sparse.csr_matrix(distances), ClusterParams())
    near = (distances > 0) & (distances <= ClusterParams().max_distance)
    for label in range(labels.max() + 1):
        members = np.flatnonzero(labels == label)
        reached = {int(members[0])}
        for _ in members:
            reached |= {int(j) for i in reached for j in members if near[i, j]}
        assert reached == set(members.tolist())


def made_profile(terms: list[int], n_articles: int, reliability: float, day: float) -> Profile:
    distinct = np.unique(np.array(terms, dtype=np.uint32))
    return Profile(distinct, np.full(len(distinct), 100, dtype=np.uint8), n_articles, reliability, day, day)


PROFILES = st.lists(
    st.builds(
        made_profile,
        st.lists(st.integers(0, 11), max_size=10),
        st.integers(1, 40),
        st.sampled_from([0.015625, 0.25, 0.875]),
        DAYS.map(lambda day: float(np.float32(day))),
    ),
    max_size=8,
)


@given(PROFILES, PROFILES, st.randoms(use_true_random=False))
def test_storylines_do_not_depend_on_the_order_of_new_stories(
    new: list[Profile], standing: list[Profile], dice: Random
) -> None:
    assume(len({one.to_bytes() for one in new}) == len(new))  # of two that are the same, the first given comes first
    order = list(range(len(new)))
    dice.shuffle(order)
    found = link_stories(new, Shelf.of(standing), StorylineParams()).tolist()
    again = link_stories([new[i] for i in order], Shelf.of(standing), StorylineParams()).tolist()
    moved = {i: again[place] for place, i in enumerate(order)}
    for i in range(len(new)):
        assert moved[i] == found[i] or (moved[i] >= len(standing) and found[i] >= len(standing))
        assert {j for j in moved if moved[j] == moved[i]} == {j for j in moved if found[j] == found[i]}


@given(PROFILES, PROFILES)
def test_new_storylines_are_numbered_after_the_standing_ones(new: list[Profile], standing: list[Profile]) -> None:
    found = [
        label for label in link_stories(new, Shelf.of(standing), StorylineParams()).tolist() if label >= len(standing)
    ]
    assert same_numbering([label - len(standing) for label in found])


PLACES = st.lists(st.tuples(st.integers(0, 7), st.sampled_from("ab")), max_size=8, unique_by=lambda place: place[0])
"""Which of the profiles stand, each in which of two storylines."""


@given(PROFILES, PROFILES, st.lists(PLACES, min_size=1, max_size=6))
def test_a_shelf_that_was_kept_up_finds_what_one_made_anew_finds(
    new: list[Profile], known: list[Profile], history: list[list[tuple[int, str]]]
) -> None:
    standing = [{f"story {i}": (line, known[i]) for i, line in places if i < len(known)} for places in history]
    shelf, last = Shelf(), Shelf()
    for one in standing:
        shelf.drop(shelf.places.keys() - one.keys())
        shelf.put(one)
    last.put(dict(reversed(standing[-1].items())))
    found, anew = (
        [one.names[label] if label < len(one) else label - len(one) for label in linked.tolist()]
        for one in (shelf, last)
        for linked in (link_stories(new, one, StorylineParams()),)
    )
    assert found == anew


@given(st.dictionaries(st.text(max_size=3), st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1))
def test_scores_are_shares_and_the_swap_of_sides_swaps_precision_and_recall(labels: dict[str, tuple[int, int]]) -> None:
    gold, predicted = ({article: pair[side] for article, pair in labels.items()} for side in (0, 1))
    found, swapped = score(gold, predicted), score(predicted, gold)
    for measure in (found.bcubed, found.pairwise):
        assert min(measure.precision, measure.recall, measure.f1) >= 0
        assert max(measure.precision, measure.recall, measure.f1) <= 1 + 1e-12
    assert math.isclose(found.bcubed.precision, swapped.bcubed.recall)
    assert math.isclose(found.v_measure, swapped.v_measure, abs_tol=1e-9)
    assert math.isclose(found.ari, swapped.ari, abs_tol=1e-9)
