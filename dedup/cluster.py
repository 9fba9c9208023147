"""Stories out of the neighbour graph.

1. `cluster_graph`: HDBSCAN over the sparse graph. It finds the cores of stories, and calls the rest noise.
2. `merge_stories`: cores and single articles join where they are as alike on average as articles on one story are
   expected to be. One pair of articles can be alike by accident, two groups hardly; so this is where short texts and
   large stories are decided. What joins nothing is a story of one.

Interface: `cluster_graph(graph, params)`, then `merge_stories(labels, graph, rows, reliability, published_days,
params)` with the rows behind the graph and `graph.reliability` of their lengths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from hdbscan._hdbscan_linkage import label as grow_tree
from hdbscan.hdbscan_ import _tree_to_labels as cut_tree
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from dedup.products import Rows

_SMALLEST: Final = 2
"""Articles that HDBSCAN takes for a cluster: any two can be a story."""


@dataclass(frozen=True)
class ClusterParams:
    """How HDBSCAN cuts its tree into the cores of stories."""

    method: Literal["eom", "leaf"] = "leaf"
    """The leaves are the tightest groups. Excess of mass follows chains of short texts, each like the next."""
    max_distance: float = 0.45
    """Longer edges make no core: 0.5 is a similarity of 1, as alike as articles on one story are expected to be."""
    epsilon: float = 0.0
    """HDBSCAN's cluster_selection_epsilon: leaves are not told apart below this distance."""


@dataclass(frozen=True)
class MergeParams:
    """When two groups of articles are one story."""

    min_score: float = 0.5
    """Share of the similarity expected within one story from which two groups are one."""
    min_chained: float = 0.35
    """Groups that no chain of pairs of such a score connects, as HDBSCAN left them, do not come together: what becomes
    of a group depends on those of its chain alone. Up to .4 all gold sets are as without; at .5 epimine loses .022.
    """
    prior_members: float = 3.0
    """Cohesion is measured as if the group had so many more members of the expected similarity."""
    max_cohesion: float = 1.5
    """A tighter group is made of copies, not of a tighter story, and is not asked more of its new members."""
    crowding: float = 0.4
    """How much easier a fragment joins a large story, for each e-fold of their sizes: large stories have many sides,
    and any one article tells few of them."""
    max_crowding: float = 2.0
    """Most that size makes it easier: without it a large story takes in all that looks remotely like it."""
    sigma_days: float = 2.0
    """Standard deviation of the time kernel between the mean days of two groups."""


@dataclass(frozen=True, slots=True, eq=False)
class Factors:
    """What the scores of pairs of groups are made of: float64, shape (n_pairs,) each.

    `similarity`: the mean over all pairs of their articles, over the one expected within a story. `cohesion`: the root
    of both groups' own, so that a loose story may grow and a tight one keeps its bar. `kernel`: of the days between
    them. `crowding`: how much their sizes make it easier.
    """

    similarity: NDArray[np.float64]
    cohesion: NDArray[np.float64]
    kernel: NDArray[np.float64]
    crowding: NDArray[np.float64]

    @property
    def score(self) -> NDArray[np.float64]:
        """What is held against `MergeParams.min_score`."""
        return self.similarity / self.cohesion * self.kernel * self.crowding


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
    scored: Scored | None = None,
) -> NDArray[np.int64]:
    """The story each article belongs to: int64, shape (n,), 0..k-1 in order of first member.

    `labels` are the groups to begin with, `graph` says which articles are neighbours (only groups with neighbours
    in each other are compared), `rows` are unit TF-IDF rows, `reliability` the cosine expected of two articles
    of each one's length on the same story, `published_days` nan where undated. No group has dated and
    undated articles if no edge joins two such (`graph.same_kind`). Groups that are each other's
    best match are merged, round after round, until no match reaches `min_score`. `scored`: the groups that are
    neighbours, where their scores are known.
    """
    groups = _Groups.of(labels, rows, reliability, published_days, params)
    pairs = scored or Scored.of(*_neighbours(labels, graph), groups)
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


def compare_groups(
    labels: NDArray[np.int64],
    pairs: tuple[NDArray[np.int64], NDArray[np.int64]],
    rows: sparse.csr_matrix,
    reliability: NDArray[np.float64],
    published_days: NDArray[np.float64],
    params: MergeParams,
) -> Factors:
    """What the merge pass makes of pairs of groups, neighbours or not; the rest as in `merge_stories`."""
    return _Groups.of(labels, rows, reliability, published_days, params).factors(*pairs)


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


def distinct(a: NDArray[np.int64], b: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each pair of different labels once, the lower first, in order."""
    low, high = np.minimum(a, b), np.maximum(a, b)
    base = int(high.max(initial=0)) + 1
    pairs = np.unique((low * base + high)[low < high])
    return pairs // base, pairs % base


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


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Pairs of groups with neighbours in each other, and their scores: int64 and float64, shape (n_pairs,)."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    scores: NDArray[np.float64]

    @classmethod
    def of(cls, left: NDArray[np.int64], right: NDArray[np.int64], groups: _Groups) -> Scored:
        """These pairs."""
        return cls(left, right, groups.factors(left, right).score)

    @classmethod
    def of_all(cls, parts: Sequence[Scored]) -> Scored:
        """All of these."""
        none = np.zeros(0, np.int64)
        every = [cls(none, none, np.zeros(0)), *parts]
        left, right = (np.concatenate([getattr(one, side) for one in every]) for side in ("left", "right"))
        return cls(left, right, np.concatenate([one.scores for one in every]))

    def chains(self, n_groups: int, params: MergeParams) -> NDArray[np.int64]:
        """For each of so many groups the number of its chain: those that pairs of `min_chained` connect."""
        good = self.scores >= params.min_chained
        shape = n_groups, n_groups
        links = sparse.coo_array((self.scores[good], (self.left[good], self.right[good])), shape=shape)
        return np.asarray(csgraph.connected_components(links, directed=False)[1], np.int64)

    def unfinished(self, chain: NDArray[np.int64], touched: NDArray[np.int64]) -> Scored:
        """The pairs of chains in which any group was touched: in the others no pair will be scored anew."""
        goes_on = np.zeros(int(chain.max(initial=-1)) + 1, np.bool_)
        goes_on[chain[touched]] = True
        return self.at(goes_on[chain[self.left]])

    def at(self, chosen: NDArray[np.bool_]) -> Scored:
        """These pairs alone."""
        return Scored(self.left[chosen], self.right[chosen], self.scores[chosen])

    def best(
        self, touched: NDArray[np.int64], known: NDArray[np.int64], groups: _Groups, min_score: float
    ) -> NDArray[np.int64]:
        """The best match of each group, -1 for none; only of those `touched` it may be another than `known`. Ties go to
        the group with the first member.
        """
        best = np.full(len(groups.sizes), -1, np.int64)
        best[: len(known)] = known
        best[touched] = -1
        is_touched = np.zeros(len(best), np.bool_)
        is_touched[touched] = True
        good = np.flatnonzero(self.scores >= min_score)
        good = good[is_touched[self.left[good]] | is_touched[self.right[good]]]
        here = np.concatenate([self.left[good], self.right[good]])
        there = np.concatenate([self.right[good], self.left[good]])
        scores = np.concatenate([self.scores[good], self.scores[good]])
        most, first = np.zeros(len(best)), np.full(len(best), np.iinfo(np.int64).max)
        np.maximum.at(most, here, scores)
        is_most = is_touched[here] & (scores == most[here])
        here, there = here[is_most], there[is_most]
        np.minimum.at(first, here, groups.firsts[there])
        is_first = groups.firsts[there] == first[here]
        best[here[is_first]] = there[is_first]
        return best

    def after(self, heirs: NDArray[np.int64], first: int, groups: _Groups) -> tuple[Scored, NDArray[np.int64]]:
        """The pairs when those groups that have heirs, numbered from `first` on, became them; and the groups some of
        whose pairs changed.
        """
        left, right = heirs[self.left], heirs[self.right]
        is_fresh = (left >= first) | (right >= first)
        fresh = Scored.of(*distinct(left[is_fresh], right[is_fresh]), groups)
        pairs = Scored(
            np.concatenate([left[~is_fresh], fresh.left]),
            np.concatenate([right[~is_fresh], fresh.right]),
            np.concatenate([self.scores[~is_fresh], fresh.scores]),
        )
        return pairs, np.unique(np.concatenate([fresh.left, fresh.right]))


@dataclass(slots=True, eq=False)
class _Groups:
    """Sums over the articles of each group, from which all mean similarities follow exactly. A group that two became
    comes after all others; the two stay where they are.
    """

    params: MergeParams
    centres: Rows
    firsts: NDArray[np.int64]
    """The first member of each."""
    sizes: NDArray[np.float64]
    roots: NDArray[np.float64]
    """Of the roots of the reliabilities: the expected similarity summed over all pairs of two groups is the product."""
    reliabilities: NDArray[np.float64]
    squares: NDArray[np.float64]
    """Of the rows: what each article adds to its group's similarity with itself."""
    n_dated: NDArray[np.float64]
    days: NDArray[np.float64]
    cohesions: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        labels: NDArray[np.int64],
        rows: sparse.csr_matrix,
        reliability: NDArray[np.float64],
        published_days: NDArray[np.float64],
        params: MergeParams,
    ) -> _Groups:
        """The groups of articles with the same label, 0..k-1."""
        n, n_groups = len(labels), int(labels.max(initial=-1)) + 1
        dated = np.isfinite(published_days)
        squares = np.asarray(rows.multiply(rows).sum(axis=1)).ravel()
        members = sparse.csr_matrix((np.ones(n, np.float32), (labels, np.arange(n))), shape=(n_groups, n))
        centres = (members @ rows).tocsr()
        centres.sort_indices()
        firsts = np.full(n_groups, n)
        np.minimum.at(firsts, labels, np.arange(n))
        counted = dated.astype(np.float64), np.where(dated, published_days, 0.0)
        sizes, roots, reliabilities, own, n_dated, days = (
            np.bincount(labels, one, n_groups).astype(np.float64)
            for one in (np.ones(n), np.sqrt(reliability), reliability, squares, *counted)
        )
        centres_of = Rows.of(centres)
        groups = cls(params, centres_of, firsts, sizes, roots, reliabilities, own, n_dated, days, np.ones(0))
        groups.cohesions = groups._cohesions(np.arange(n_groups))
        return groups

    def join(self, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
        """Makes a group of each pair, and returns their numbers."""
        made = np.arange(len(self.sizes), len(self.sizes) + len(one))
        sums = (self.centres.at(one) + self.centres.at(other)).tocsr()
        self.centres.drop(np.concatenate([one, other]))
        self.centres.append(sums)
        self.firsts = np.concatenate([self.firsts, np.minimum(self.firsts[one], self.firsts[other])])
        for name in ("sizes", "roots", "reliabilities", "squares", "n_dated", "days"):
            counts = getattr(self, name)
            setattr(self, name, np.concatenate([counts, counts[one] + counts[other]]))
        self.cohesions = np.concatenate([self.cohesions, self._cohesions(made)])
        return made

    def factors(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> Factors:
        """What the scores of these pairs are made of."""
        params = self.params
        mean = self._products(left, right) / (self.roots[left] * self.roots[right])
        size_ratio = np.abs(np.log(self.sizes[left] / self.sizes[right]))
        crowding = np.minimum(1 + params.crowding * size_ratio, params.max_crowding)
        cohesion = np.sqrt(self.cohesions[left] * self.cohesions[right])
        return Factors(mean, cohesion, self._kernel(left, right), crowding)

    def _products(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
        """Sums of the cosines between the articles of two groups."""
        swapped = self.centres.lengths[left] < self.centres.lengths[right]
        large, small = np.where(swapped, right, left), np.where(swapped, left, right)
        order, sums = np.argsort(large, kind="stable"), np.zeros(len(left))
        sums[order], _ = self.centres.products(large[order], small[order])
        return sums

    def _cohesions(self, groups: NDArray[np.int64]) -> NDArray[np.float64]:
        """Mean similarity within each of these over the expected one, with `prior_members` of the expected."""
        params, cohesions = self.params, np.ones(len(groups))
        several = np.flatnonzero(self.sizes[groups] > 1)
        group = groups[several]
        found = self.centres.squares(group) - self.squares[group]
        expected = np.maximum(self.roots[group] ** 2 - self.reliabilities[group], 1e-9)
        others = self.sizes[group] - 1
        shrunk = (params.prior_members + others * found / expected) / (params.prior_members + others)
        cohesions[several] = np.minimum(shrunk, params.max_cohesion)
        return cohesions

    def _kernel(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
        """Gaussian of the days between the means of two groups; 1 where either has no dated article."""
        with np.errstate(invalid="ignore"):
            means = self.days / self.n_dated
        gap = np.nan_to_num(means[left] - means[right])
        return np.asarray(np.exp(-(gap**2) / (2 * self.params.sigma_days**2)))
