"""The neighbour graph: similarity corrected for length and time, and the blocks it is computed in."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from dedup.graph import (
    GraphParams,
    Index,
    Pairs,
    find_pairs,
    graph_of,
    neighbour_graph,
    reliability,
    strongest,
    time_kernel,
)

PARAMS = GraphParams(min_similarity=0.05, min_shared_terms=1)


def random_rows(n: int, seed: int = 0) -> sparse.csr_matrix:
    rows = sparse.random(n, 300, 0.1, format="csr", dtype=np.float32, rng=np.random.default_rng(seed))
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    return (sparse.diags_array(1 / lengths).tocsr() @ rows).astype(np.float32)


def dense(
    rows: sparse.csr_matrix, n_words: NDArray[np.float64], days: NDArray[np.float64], params: GraphParams
) -> NDArray[np.float64]:
    """The same graph, all pairs at once."""
    scale = reliability(n_words, params) ** -0.5
    similarity = (rows @ rows.T).toarray().astype(np.float64) * scale[:, None] * scale
    similarity *= time_kernel(days[:, None] - days[None, :], params)
    np.fill_diagonal(similarity, 0)
    return np.where(similarity >= params.min_similarity, 1 / (1 + similarity), 0)


@pytest.mark.parametrize("n_undated", [0, 1, 700, 1300])
def test_blocks_and_pruning_by_date_change_nothing(n_undated: int) -> None:
    rows, rng = random_rows(1300), np.random.default_rng(1)
    n_words, days = rng.integers(5, 200, 1300).astype(np.float64), rng.uniform(0, 60, 1300)
    days[rng.permutation(1300)[:n_undated]] = np.nan
    params = GraphParams(min_similarity=0.05, min_shared_terms=1, max_neighbours=1300)
    found = neighbour_graph(rows, n_words, days, params).toarray()
    assert np.allclose(found, dense(rows, n_words, days, params), rtol=0, atol=1e-5)


def test_one_undated_article_does_not_turn_time_off_for_the_others() -> None:
    rows = sparse.csr_matrix(np.ones((3, 1), dtype=np.float32))
    graph = neighbour_graph(rows, np.full(3, 100.0), np.array([0.0, 30.0, np.nan]), PARAMS).toarray()
    assert graph[0, 1] == 0
    assert graph[0, 2] == graph[1, 2] > 0


def test_the_graph_is_symmetric_with_distances_between_0_and_1_and_no_loops() -> None:
    graph = neighbour_graph(random_rows(200), np.full(200, 100.0), np.full(200, np.nan), PARAMS)
    assert (graph != graph.T).nnz == 0
    assert graph.diagonal().sum() == 0
    assert 0 < graph.data.min() <= graph.data.max() < 1
    assert graph.dtype == np.float64


def test_the_same_cosine_means_more_between_short_texts() -> None:
    rows = sparse.csr_matrix(np.array([[1, 0], [0.6, 0.8], [1, 0], [0.6, 0.8]], dtype=np.float32))
    graph = neighbour_graph(rows, np.array([20.0, 20.0, 200.0, 200.0]), np.full(4, np.nan), PARAMS)
    assert graph[0, 1] < graph[2, 3]


def test_days_apart_make_distant() -> None:
    rows = sparse.csr_matrix(np.ones((3, 1), dtype=np.float32))
    graph = neighbour_graph(rows, np.full(3, 100.0), np.array([0.0, 1.0, 3.0]), PARAMS)
    assert graph[0, 1] < graph[1, 2] < graph[0, 2]


def test_an_article_brings_its_nearest_and_ties_go_to_the_first() -> None:
    rows = sparse.csr_matrix(np.ones((6, 1), dtype=np.float32))
    graph = neighbour_graph(
        rows, np.full(6, 100.0), np.full(6, np.nan), GraphParams(max_neighbours=2, min_shared_terms=1)
    )
    assert graph.nnz == 2 * len({(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (0, 4), (1, 4), (0, 5), (1, 5)})


def test_no_articles_and_one_article_have_no_neighbours() -> None:
    for n in (0, 1):
        empty = sparse.csr_matrix((n, 0), dtype=np.float32)
        assert neighbour_graph(empty, np.zeros(n), np.zeros(n), PARAMS).shape == (n, n)


def test_an_article_without_words_has_no_neighbours() -> None:
    rows = sparse.csr_matrix(np.array([[1], [0], [1]], dtype=np.float32))
    graph = neighbour_graph(rows, np.array([10.0, 0.0, 10.0]), np.full(3, np.nan), PARAMS)
    assert graph[1].nnz == 0
    assert graph[0, 2] > 0


def test_articles_that_share_too_few_terms_are_no_neighbours() -> None:
    rows = sparse.csr_matrix(np.eye(3, 6, dtype=np.float32) + np.tri(3, 6, 5, dtype=np.float32))
    rows[2, :3] = 0
    rows.eliminate_zeros()
    graph = neighbour_graph(rows, np.full(3, 10.0), np.full(3, np.nan), GraphParams(min_shared_terms=4))
    assert graph[0, 1] > 0
    assert graph[0, 2] == graph[1, 2] == 0


def grown(
    rows: sparse.csr_matrix, n_words: NDArray[np.float64], days: NDArray[np.float64], cuts: list[int]
) -> sparse.csr_matrix:
    """The graph of articles that come in several lots, each compared with those that were there."""
    first = slice(0, cuts[0])
    index = Index.of(rows[first], n_words[first], days[first], PARAMS)
    pairs = find_pairs(index)
    for start, stop in pairwise([*cuts, len(days)]):
        index = index.appended(rows[start:stop], n_words[start:stop], days[start:stop])
        pairs = strongest(Pairs.of([pairs, find_pairs(index, since=start)]), index)
    return graph_of(pairs, len(days))


@pytest.mark.parametrize("seed", range(4))
def test_a_graph_that_grows_is_the_graph_of_the_whole(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, n_words, days = random_rows(900, seed), rng.integers(5, 200, 900).astype(np.float64), rng.uniform(0, 9, 900)
    days[rng.permutation(900)[:90]] = np.nan
    rows = sparse.vstack([rows[:850], rows[:50]], format="csr")
    n_words[850:], days[850:] = n_words[:50], days[:50]
    whole = neighbour_graph(rows, n_words, days, PARAMS)
    parts = grown(rows, n_words, days, sorted(rng.integers(1, 900, 3).tolist()))
    assert (np.diff(whole.indptr) > PARAMS.max_neighbours).any(), "nothing was limited"
    assert whole.indptr.tolist() == parts.indptr.tolist()
    assert whole.indices.tolist() == parts.indices.tolist()
    assert whole.data.tolist() == parts.data.tolist()


def all_pairs(
    rows: sparse.csr_matrix, n_words: NDArray[np.float64], days: NDArray[np.float64], params: GraphParams
) -> set[tuple[int, int]]:
    """The edges by the rules as they are told, every article compared with every other."""
    scale = reliability(n_words, params) ** -0.5
    exact = (rows.astype(np.float64).toarray() * scale[:, None]) @ (
        rows.astype(np.float64).toarray() * scale[:, None]
    ).T
    similarity = np.round(exact * time_kernel(days[:, None] - days[None, :], params), 10)
    shared = (rows > 0).astype(np.int64) @ (rows > 0).astype(np.int64).T
    rank = np.argsort(np.argsort(days, kind="stable"))
    edges = set()
    for i in range(len(days)):
        near = [j for j in range(len(days)) if j != i and similarity[i, j] >= params.min_similarity]
        near.sort(key=lambda j: (-similarity[i, j], rank[j]))
        kept = [j for j in near[: params.max_neighbours] if shared[i, j] >= params.min_shared_terms]
        edges |= {(i, j) for j in kept} | {(j, i) for j in kept}
    return edges


@pytest.mark.parametrize("seed", range(3))
def test_the_graph_is_that_of_all_pairs_with_its_limit_its_ties_and_its_least_terms(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frequent = sparse.random(400, 40, 0.3, format="csr", dtype=np.float32, rng=rng) * 0.5
    rows = sparse.hstack([random_rows(400, seed), frequent], format="csr")
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    rows = (sparse.diags_array(1 / lengths).tocsr() @ rows).astype(np.float32).tocsr()
    rows = sparse.vstack([rows[:360], rows[:40]], format="csr")
    n_words, days = rng.integers(5, 200, 400).astype(np.float64), rng.uniform(0, 12, 400)
    n_words[360:], days[360:] = n_words[:40], days[:40]
    days[rng.permutation(360)[:30]] = np.nan
    params = GraphParams(min_similarity=0.6, max_neighbours=8, min_shared_terms=6)
    found = neighbour_graph(rows, n_words, days, params).tocoo()
    assert set(zip(found.row.tolist(), found.col.tolist(), strict=True)) == all_pairs(rows, n_words, days, params)
    assert 1_000 < found.nnz < 400 * 399 / 4
