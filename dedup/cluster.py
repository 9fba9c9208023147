"""Stories out of the neighbour graph: HDBSCAN over a sparse graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from hdbscan._hdbscan_linkage import label
from hdbscan.hdbscan_ import _tree_to_labels
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph


@dataclass(frozen=True)
class ClusterParams:
    """How HDBSCAN cuts its tree."""

    method: Literal["eom", "leaf"] = "eom"
    epsilon: float = 0.55
    max_epsilon: float = float("inf")
    max_distance: float = 1.0


def cluster_graph(graph: sparse.csr_matrix, params: ClusterParams) -> NDArray[np.int64]:
    n = graph.shape[0]
    graph = graph.copy(); graph.data[graph.data > params.max_distance] = 0; graph.eliminate_zeros()
    tree = label(_spanning_tree(graph))
    labels = _tree_to_labels(
        np.zeros((n + 2, 1)), tree, 2, params.method, False, False, params.epsilon, 0.0, 0, params.max_epsilon
    )[0].astype(np.int64)
    return in_order(np.where(labels[:n] == labels[n], -1, labels[:n]))


def in_order(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Labels 0..k-1 in order of first member, every -1 a label of its own."""
    alone = labels < 0
    unique = np.where(alone, labels.max(initial=0) + 1 + np.arange(len(labels)), labels)
    _, first, inverse = np.unique(unique, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def _spanning_tree(graph: sparse.csr_matrix) -> NDArray[np.float64]:
    n = graph.shape[0]
    forest = csgraph.minimum_spanning_tree(graph).tocoo()
    component = csgraph.connected_components(graph, directed=False)[1]
    roots = np.unique(component, return_index=True)[1]
    edges = np.concatenate([
        np.column_stack([forest.row, forest.col, forest.data]),
        [[n, n + 1, np.nextafter(1, 0)]],
        np.column_stack([np.full(len(roots), n), roots, np.ones(len(roots))]),
    ])
    return np.ascontiguousarray(edges[np.lexsort((edges[:, 1], edges[:, 0], edges[:, 2]))])


@dataclass(frozen=True)
class MergeParams:
    """When two stories are one."""

    threshold: float = 0.62
    prior_members: float = 3.0
    max_cohesion: float = 1.5
    crowding: float = 0.4
    max_crowding: float = 9.0
    sigma_days: float = 3.0


def merge_stories(
    labels: NDArray[np.int64],
    graph: sparse.csr_matrix,
    rows: sparse.csr_matrix,
    reliability: NDArray[np.float64],
    published_days: NDArray[np.float64],
    params: MergeParams,
) -> NDArray[np.int64]:
    edges = graph.tocoo()
    labels = in_order(labels)
    left, right = labels[edges.row], labels[edges.col]
    k = labels.max() + 1
    pairs = np.unique(left[left < right] * k + right[left < right])
    a, b = pairs // k, pairs % k
    parent = np.arange(k)
    n = len(labels)
    members = sparse.csr_matrix((np.ones(n, np.float32), (labels, np.arange(n))), shape=(k, n))
    C = (members @ rows).tocsr()
    Q = members @ np.sqrt(reliability); N = np.bincount(labels, minlength=k).astype(float); E = members @ reliability
    W = members @ np.isfinite(published_days).astype(float)
    T = members @ np.nan_to_num(published_days)

    def cohesion(C, i):
        got = np.asarray(C.multiply(C).sum(1)).ravel() - N[i]; due = np.maximum(Q[i] ** 2 - E[i], 1e-9)
        return np.minimum(np.where(N[i] > 1, (params.prior_members + (N[i] - 1) * got / due) / (params.prior_members + N[i] - 1), 1.0), params.max_cohesion)

    g = cohesion(C, np.arange(k))

    def score(a, b):
        dot = np.concatenate([np.asarray(C[a[i:i+20000]].multiply(C[b[i:i+20000]]).sum(1)).ravel() for i in range(0, len(a), 20000)] or [np.zeros(0)])
        s = dot / (Q[a] * Q[b]) / np.sqrt(g[a] * g[b])
        with np.errstate(invalid="ignore", divide="ignore"):
            gap = np.nan_to_num(T[a] / W[a] - T[b] / W[b])
        s *= np.exp(-(gap**2) / 2 / params.sigma_days**2)
        return s * np.minimum(1 + params.crowding * np.abs(np.log(N[a] / N[b])), params.max_crowding)

    s = score(a, b)
    while len(a):
        ok = s >= params.threshold
        x, y, z = np.r_[a[ok], b[ok]], np.r_[b[ok], a[ok]], np.r_[s[ok], s[ok]]
        o = np.lexsort((y, -z, x)); x, y = x[o], y[o]
        f = np.r_[True, x[1:] != x[:-1]][: len(x)]
        best = np.full(k, -1); best[x[f]] = y[f]
        i = np.flatnonzero(best >= 0); i = i[(best[best[i]] == i) & (i < best[i])]; j = best[i]
        if not len(i):
            break
        new = (C[i] + C[j]).tocsr()
        for v in (Q, N, E, W, T):
            v[i] += v[j]
        parent[j] = i
        keep = np.ones(k, np.float32); keep[i] = keep[j] = 0
        put = sparse.csr_matrix((np.ones(len(i), np.float32), (i, np.arange(len(i)))), shape=(k, len(i)))
        C = (sparse.diags_array(keep).tocsr() @ C + put @ new).tocsr()
        g[i] = cohesion(new, i)
        ids = np.arange(k); ids[j] = i
        a2, b2 = ids[a], ids[b]
        lo, hi = np.minimum(a2, b2), np.maximum(a2, b2)
        changed = (keep[a] == 0) | (keep[b] == 0)
        fresh = np.unique((lo * k + hi)[changed & (lo < hi)])
        fa, fb = fresh // k, fresh % k
        a, b, s = np.r_[a[~changed], fa], np.r_[b[~changed], fb], np.r_[s[~changed], score(fa, fb)]
    while (parent != parent[parent]).any():
        parent = parent[parent]
    return in_order(parent[labels])
