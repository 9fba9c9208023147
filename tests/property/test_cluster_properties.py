"""What holds for any neighbour graph, any terms and any profiles."""

from __future__ import annotations

import math
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from dedup.cluster import ClusterParams, MergeParams, cluster_graph, in_order, merge_stories
from dedup.graph import GraphParams, neighbour_graph, reliability
from dedup.metrics import score
from dedup.storyline import Profile, StorylineParams, link_stories
from dedup.terms import TermParams, Terms, vectors

WORDS = st.lists(st.integers(0, 30), max_size=25)
DAYS = st.one_of(st.just(math.nan), st.floats(0, 30))
ARTICLES = st.lists(st.tuples(WORDS, DAYS), max_size=25)


def cluster(articles: list[tuple[list[int], float]]) -> tuple[list[int], list[int]]:
    """The cores and the stories of articles given as words and days."""
    terms = [Terms(np.array(words, dtype=np.uint32)) for words, _ in articles]
    days = np.array([day for _, day in articles])
    rows = vectors(terms, TermParams()).rows
    n_words = np.array([one.n_words for one in terms], dtype=np.float64)
    graph = neighbour_graph(rows, n_words, days, GraphParams())
    cores = cluster_graph(graph, ClusterParams())
    merged = merge_stories(cores, graph, rows, reliability(n_words, GraphParams()), days, MergeParams())
    return cores.tolist(), merged.tolist()


def same_numbering(labels: list[int]) -> bool:
    return bool(np.array_equal(labels, in_order(np.array(labels, dtype=np.int64))))


@given(ARTICLES)
def test_every_article_has_a_story_numbered_by_first_member(articles: list[tuple[list[int], float]]) -> None:
    for labels in cluster(articles):
        assert len(labels) == len(articles)
        assert same_numbering(labels)


@given(ARTICLES)
def test_the_same_articles_give_the_same_stories(articles: list[tuple[list[int], float]]) -> None:
    assert cluster(articles) == cluster(articles)


@given(ARTICLES, st.lists(st.integers(100, 200), min_size=1, max_size=25))
def test_an_article_that_shares_no_word_is_alone(articles: list[tuple[list[int], float]], words: list[int]) -> None:
    stories = cluster([*articles, (words, math.nan)])[1]
    assert stories.count(stories[-1]) == 1


@given(st.lists(st.integers(0, 2**32 - 1), max_size=300))
def test_terms_come_back_from_their_bytes(hashes: list[int]) -> None:
    packed = Terms(np.array(hashes, dtype=np.uint32)).to_bytes()
    assert Terms.from_bytes(packed).hashes.tolist() == hashes


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


def made_profile(terms: list[int], day: float) -> Profile:
    distinct = np.unique(np.array(terms, dtype=np.uint32))
    return Profile(distinct, np.full(len(distinct), 100, dtype=np.uint8), 1, 0.5, day, day)


PROFILES = st.lists(st.builds(made_profile, st.lists(st.integers(0, 9), max_size=6), DAYS), max_size=8)


@given(PROFILES, PROFILES, st.randoms(use_true_random=False))
def test_storylines_do_not_depend_on_the_order_of_new_stories(
    new: list[Profile], standing: list[Profile], dice: Random
) -> None:
    order = list(range(len(new)))
    dice.shuffle(order)
    found = link_stories(new, standing, StorylineParams()).tolist()
    again = link_stories([new[i] for i in order], standing, StorylineParams()).tolist()
    moved = {i: again[place] for place, i in enumerate(order)}
    for i in range(len(new)):
        assert moved[i] == found[i] or (moved[i] >= len(standing) and found[i] >= len(standing))
        assert {j for j in moved if moved[j] == moved[i]} == {j for j in moved if found[j] == found[i]}


@given(PROFILES, PROFILES)
def test_new_storylines_are_numbered_after_the_standing_ones(new: list[Profile], standing: list[Profile]) -> None:
    found = [label for label in link_stories(new, standing, StorylineParams()).tolist() if label >= len(standing)]
    assert same_numbering([label - len(standing) for label in found])


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
