"""The sparse graph of articles that may be on one story: how far apart any two are that share terms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

_BLOCK_ROWS: Final = 512
"""Rows multiplied at once: against 33,000 articles their products take about 100 MB at most."""
_EDGES_AT_ONCE: Final = 20_000


@dataclass(frozen=True)
class GraphParams:
    """What makes two articles neighbours."""

    sigma_days: float = 2.0
    """Standard deviation of the time kernel: outlets tell one event within days, rounds come weeks apart."""
    noise_words: float = 300.0
    """Content words of an article that are not about its event; see `reliability`."""
    min_similarity: float = 0.25
    """Corrected similarity under which two articles share nothing that counts."""
    min_shared_terms: int = 4
    """Articles that share fewer terms (a word is one, a pair of words another) are alike by accident. In short texts
    and small windows, where no frequency tells a common word from a telling one, it takes two words to be so."""
    max_neighbours: int = 30
    """Most neighbours an article brings into the graph."""
    min_words: float = 5.0
    """Articles shorter than this are corrected as if they had so many words."""


def reliability(n_words: NDArray[np.float64], params: GraphParams) -> NDArray[np.float64]:
    """The cosine expected of two articles of this length on one story: L / (L + L0)."""
    length = np.maximum(n_words, params.min_words)
    return length / (length + params.noise_words)


def time_kernel(gap_days: NDArray[np.float64], params: GraphParams) -> NDArray[np.float64]:
    """A Gaussian on the days between two publications; 1 where either is undated (nan)."""
    return np.exp(-(np.nan_to_num(gap_days) ** 2) / (2 * params.sigma_days**2))


def neighbour_graph(
    rows: sparse.csr_matrix, n_words: NDArray[np.float64], published_days: NDArray[np.float64], params: GraphParams
) -> sparse.csr_matrix:
    """Distances in (0, 1) between neighbours: symmetric, float64, shape (n, n); no entry means distance 1.

    `rows` are unit TF-IDF rows, `n_words` the content words behind them, `published_days` days since any
    epoch, nan where undated. Distance is 1 / (1 + similarity).
    """
    n = rows.shape[0]
    scaled = (sparse.diags_array(reliability(n_words, params) ** -0.5).tocsr() @ rows).tocsr()
    order = np.argsort(published_days, kind="stable")
    edges = [_best(*block, params) for block in _blocks(scaled[order], published_days[order], params)]
    left, right, similarity = (np.concatenate([e[i] for e in edges] or [np.zeros(0)]) for i in range(3))
    left, right = order[left.astype(np.int64)], order[right.astype(np.int64)]
    enough = _shared_terms(rows, left, right) >= params.min_shared_terms
    left, right, similarity = left[enough], right[enough], similarity[enough]
    graph = sparse.csr_matrix((similarity, (left, right)), shape=(n, n))
    graph = graph.maximum(graph.T).tocsr()
    graph.data = 1 / (1 + graph.data)
    graph.sort_indices()
    return graph


def same_kind(graph: sparse.csr_matrix, published_days: NDArray[np.float64]) -> sparse.csr_matrix:
    """The graph without the edges between dated and undated articles.

    An undated article is near in time to all, and would tie articles together that are weeks apart.
    """
    edges = graph.tocoo()
    dated = np.isfinite(published_days)
    kept = dated[edges.row] == dated[edges.col]
    return sparse.csr_matrix((edges.data[kept], (edges.row[kept], edges.col[kept])), shape=graph.shape)


Block = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]


def _blocks(rows: sparse.csr_matrix, days: NDArray[np.float64], params: GraphParams) -> Iterator[Block]:
    """Edges of one block of rows after another, all pairs, in the order given (dated first, by date)."""
    n_dated = int(np.isfinite(days).sum())
    reach = params.sigma_days * 4
    for start in range(0, len(days), _BLOCK_ROWS):
        stop = min(start + _BLOCK_ROWS, len(days))
        low, high = 0, len(days)
        if stop <= n_dated:
            low = int(np.searchsorted(days[:n_dated], days[start] - reach))
            high = int(np.searchsorted(days[:n_dated], days[stop - 1] + reach, side="right"))
        columns = np.r_[low:high, n_dated : len(days)] if stop <= n_dated else np.arange(len(days))
        product = (rows[start:stop] @ rows[columns].T.tocsr()).tocoo()
        strong = product.data >= params.min_similarity  # the kernel only takes away
        left, right = product.row[strong] + start, columns[product.col[strong]]
        similarity = product.data[strong] * time_kernel(days[left] - days[right], params)
        kept = (similarity >= params.min_similarity) & (left != right)
        yield left[kept].astype(np.int64), right[kept].astype(np.int64), similarity[kept].astype(np.float64)


def _best(
    left: NDArray[np.int64], right: NDArray[np.int64], similarity: NDArray[np.float64], params: GraphParams
) -> Block:
    """The strongest `max_neighbours` edges of each row; ties go to the column that comes first."""
    ranked = np.lexsort((right, -similarity, left))
    left, right, similarity = left[ranked], right[ranked], similarity[ranked]
    first = np.searchsorted(left, left)
    kept = np.arange(len(left)) - first < params.max_neighbours
    return left[kept], right[kept], similarity[kept]


def _shared_terms(rows: sparse.csr_matrix, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many terms the two articles of each edge have in common."""
    present = sparse.csr_matrix((np.ones(len(rows.data), np.float32), rows.indices, rows.indptr), shape=rows.shape)
    parts = [
        np.asarray(present[left[i : i + _EDGES_AT_ONCE]].multiply(present[right[i : i + _EDGES_AT_ONCE]]).sum(axis=1))
        for i in range(0, len(left), _EDGES_AT_ONCE)
    ]
    return np.concatenate([np.zeros(0), *(part.ravel() for part in parts)]).astype(np.int64)
