"""Stories out of the neighbour graph.

1. `cluster_graph`: HDBSCAN over the sparse graph. It finds the cores of stories, and calls the rest noise.
2. `merge_stories`: cores and single articles join where they are as alike on average as articles on one story are
   expected to be. One pair of articles can be alike by accident, two groups hardly; so this is where short texts and
   large stories are decided. What joins nothing is a story of one.

Interface: `cluster_graph(graph, params)`, then `merge_stories(labels, graph, rows, reliability, published_days,
params)` with the rows behind the graph and `graph.reliability` of their lengths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from hdbscan._hdbscan_linkage import label as grow_tree
from hdbscan.hdbscan_ import _tree_to_labels as cut_tree
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from dedup.groups import Earlier, Groups, MergeParams, Scored, distinct

_SMALLEST: Final = 2
"""Articles that HDBSCAN takes for a cluster: any two can be a story."""


@dataclass(frozen=True)
class ClusterParams:
    """How HDBSCAN cuts its tree into the cores of stories."""

    method: Literal["eom", "leaf"] = "leaf"
    """The leaves are the tightest groups. Excess of mass follows chains of short texts, each like the next."""
    max_distance: float = 0.35
    """Longer edges make no core: 0.35 is a similarity of 1.9, nearly twice that expected of articles on one story. What
    is less alike is decided on in the merge pass, group by group."""
    epsilon: float = 0.0
    """HDBSCAN's cluster_selection_epsilon: leaves are not told apart below this distance."""


def cluster_graph(graph: sparse.csr_matrix, params: ClusterParams) -> NDArray[np.int64]:
    """The core each article belongs to, every article without one a label of its own: int64, shape (n,).

    `graph` holds distances in (0, 1), symmetric; no entry is distance 1. The result is that of HDBSCAN with
    min_cluster_size 2 and min_samples 1 over the full matrix: components are joined at distance 1, which is exact,
    and a pair apart from all articles stands for "no story", so that the whole window may be one. Labels are
    0..k-1 in order of first member.
    """
    n = graph.shape[0]
    if n == 0:
        return np.zeros(0, dtype=np.int64)
    tree = grow_tree(_spanning_tree(near(graph, params.max_distance)))
    cut = cut_tree(np.zeros((n + 2, 1)), tree, _SMALLEST, params.method, cluster_selection_epsilon=params.epsilon)
    labels = np.asarray(cut[0], dtype=np.int64)
    return in_order(np.where(labels[:n] == labels[n], -1, labels[:n]))


def merge_stories(
    labels: NDArray[np.int64],
    graph: sparse.csr_matrix,
    rows: sparse.csr_matrix,
    reliability: NDArray[np.float64],
    published_days: NDArray[np.float64],
    params: MergeParams,
    earlier: Earlier | None = None,
) -> NDArray[np.int64]:
    """The story each article belongs to: int64, shape (n,), 0..k-1 in order of first member.

    `labels` are the groups to begin with, `graph` says which articles are neighbours (only groups with neighbours
    in each other are compared), `rows` are unit TF-IDF rows, `reliability` the cosine expected of two articles
    of each one's length on the same story, `published_days` nan where undated. No group has dated and
    undated articles if no edge joins two such (`graph.same_kind`). Groups that are each other's
    best match are merged, round after round, until no match reaches `min_score`. `earlier`: what is known of these
    groups from passes over some of them; it learns what it does not know.
    """
    numbers, known = (earlier.numbers, earlier.known) if earlier else (None, None)
    groups = Groups.made_of(labels, rows, reliability, published_days, params, numbers, known)
    pairs = earlier.pairs if earlier else Scored.of(*_neighbours(labels, graph), groups)
    chain = pairs.chains(len(groups.sizes), params)
    pairs = pairs.at(chain[pairs.left] == chain[pairs.right])
    best, heirs = np.zeros(0, np.int64), np.arange(len(groups.sizes))
    touched = heirs
    while len(touched):
        best = pairs.best(touched, best, groups, params.min_score)
        one, other = _mutual(best, touched)
        made = groups.join(one, other)
        heirs, chain = np.concatenate([heirs, made]), np.concatenate([chain, chain[one]])
        heirs[one] = heirs[other] = made
        pairs, touched = pairs.after(heirs, len(heirs) - len(made), groups)
        pairs = pairs.unfinished(chain, touched)
    return in_order(_last(heirs)[labels])


def in_order(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same partition with labels 0..k-1 in order of first member; every -1 becomes a label of its own."""
    alone = labels < 0
    unique = np.where(alone, labels.max(initial=0) + 1 + np.arange(len(labels)), labels)
    _, first, inverse = np.unique(unique, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def near(graph: sparse.csr_matrix, max_distance: float) -> sparse.csr_matrix:
    """The graph without its longer edges."""
    edges = graph.tocoo()
    kept = edges.data <= max_distance
    return sparse.csr_matrix((edges.data[kept], (edges.row[kept], edges.col[kept])), shape=graph.shape)


def _spanning_tree(graph: sparse.csr_matrix) -> NDArray[np.float64]:
    """Edges (from, to, distance) by rising distance, of the graph with n and n + 1 as the pair apart from all.

    All components hang at distance 1 from the pair, so whatever falls away at distance 1 falls to it, not
    to some component.
    """
    n = graph.shape[0]
    forest = csgraph.minimum_spanning_tree(graph).tocoo()
    component = csgraph.connected_components(graph, directed=False)[1]
    roots = np.unique(component, return_index=True)[1]
    inner = np.column_stack([forest.row, forest.col, forest.data])
    outer = np.column_stack([np.full(len(roots), n), roots, np.ones(len(roots))])
    edges = np.concatenate([inner, [[n, n + 1, np.nextafter(1, 0)]], outer])
    return np.ascontiguousarray(edges[np.lexsort((edges[:, 1], edges[:, 0], edges[:, 2]))])


def _neighbours(labels: NDArray[np.int64], graph: sparse.csr_matrix) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pairs of labels with neighbours in each other."""
    edges = graph.tocoo()
    return distinct(labels[edges.row], labels[edges.col])


def _mutual(best: NDArray[np.int64], touched: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The groups that are each other's best, one of them touched: each pair once."""
    chosen = touched[best[touched] >= 0]
    chosen = chosen[best[best[chosen]] == chosen]
    return distinct(chosen, best[chosen])


def _last(heirs: NDArray[np.int64]) -> NDArray[np.int64]:
    """The group that each group ended in: itself, or the one that its heir ended in."""
    while (heirs != heirs[heirs]).any():
        heirs = heirs[heirs]
    return heirs
