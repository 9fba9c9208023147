"""Groups of articles, and how well two of them would make one story.

Sums over the articles of a group are enough for all mean similarities, exactly. A score depends on the articles of the
two groups alone, so what was scored once need not be scored again while the articles' vectors stay (`known`).

Interface: `compare_groups` for what a score is made of; `Groups` and `Scored` for a pass that joins groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from dedup.known import Known, marks_of, pair_keys
from dedup.products import Rows, squares


@dataclass(frozen=True)
class MergeParams:
    """When two groups of articles are one story."""

    min_score: float = 0.5
    """Share of the similarity expected within one story from which two groups are one."""
    min_chained: float = 0.4
    """Groups that no chain of pairs of such a score connects, as HDBSCAN left them, do not come together: what becomes
    of a group depends on those of its chain alone. With .4 all gold sets are as without; with .5 epimine loses .022.
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


def distinct(a: NDArray[np.int64], b: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each pair of different labels once, the lower first, in order."""
    low, high = np.minimum(a, b), np.maximum(a, b)
    base = int(high.max(initial=0)) + 1
    pairs = np.sort((low * base + high)[low < high])  # np.unique hashes first, which takes twice as long
    pairs = pairs[np.diff(pairs, prepend=-1) > 0]
    return pairs // base, pairs % base


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Pairs of groups with neighbours in each other, and their scores: int64 and float64, shape (n_pairs,)."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    scores: NDArray[np.float64]

    @classmethod
    def of(cls, left: NDArray[np.int64], right: NDArray[np.int64], groups: Groups) -> Scored:
        """These pairs."""
        return cls(left, right, groups.scores(left, right))

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
        self, touched: NDArray[np.int64], known: NDArray[np.int64], groups: Groups, min_score: float
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

    def after(self, heirs: NDArray[np.int64], first: int, groups: Groups) -> tuple[Scored, NDArray[np.int64]]:
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
        is_changed = np.zeros(len(groups.sizes), np.bool_)
        is_changed[fresh.left] = is_changed[fresh.right] = True
        return pairs, np.flatnonzero(is_changed)


@dataclass(frozen=True, slots=True, eq=False)
class Earlier:
    """What is known of the groups that a pass begins with: those that are neighbours, `numbers` by which what was made
    of them is found in `known`, and that.
    """

    pairs: Scored
    numbers: NDArray[np.int64]
    known: Known


@dataclass(slots=True, eq=False)
class Groups:
    """Sums over the articles of each group. A group that two became comes after all others; the two stay where they
    are. `of` says in which group each article is now. What only scores need, `centres` and `cohesions`, is found where
    one is asked for: `places` says which row of the centres is that of a group, -1 while it has none.
    """

    params: MergeParams
    rows: sparse.csr_matrix
    of: NDArray[np.int64]
    marks: NDArray[np.uint64]
    known: Known | None
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
    places: NDArray[np.int64]
    centres: Rows

    @classmethod
    def made_of(
        cls,
        labels: NDArray[np.int64],
        rows: sparse.csr_matrix,
        reliability: NDArray[np.float64],
        published_days: NDArray[np.float64],
        params: MergeParams,
        numbers: NDArray[np.int64] | None = None,
        known: Known | None = None,
    ) -> Groups:
        """The groups of articles with the same label, 0..k-1. `numbers`: what the groups are known by in `known`."""
        n, n_groups = len(labels), int(labels.max(initial=-1)) + 1
        dated = np.isfinite(published_days)
        firsts = np.full(n_groups, n)
        np.minimum.at(firsts, labels, np.arange(n))
        counted = dated.astype(np.float64), np.where(dated, published_days, 0.0)
        sizes, roots, reliabilities, own, n_dated, days = (
            np.bincount(labels, one, n_groups).astype(np.float64)
            for one in (np.ones(n), np.sqrt(reliability), reliability, squares(rows), *counted)
        )
        marks, narrow = marks_of(np.arange(n_groups) if numbers is None else numbers), _narrowed(rows)
        nothing = Rows.of(sparse.csr_matrix((0, narrow.shape[1]), dtype=rows.dtype))
        return cls(
            params, narrow, labels, marks, known, firsts, sizes, roots, reliabilities, own, n_dated, days,
            np.full(n_groups, np.nan), np.full(n_groups, -1), nothing,
        )  # fmt: skip

    def join(self, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
        """Makes a group of each pair, and returns their numbers."""
        before = len(self.sizes)
        made = np.arange(before, before + len(one))
        self.firsts = np.concatenate([self.firsts, np.minimum(self.firsts[one], self.firsts[other])])
        for name in ("marks", "sizes", "roots", "reliabilities", "squares", "n_dated", "days"):
            counts = getattr(self, name)
            setattr(self, name, np.concatenate([counts, counts[one] + counts[other]]))
        self.cohesions = np.concatenate([self.cohesions, np.full(len(made), np.nan)])
        self.places = np.concatenate([self.places, np.full(len(made), -1)])
        self._join_centres(one, other, made)
        heirs = np.arange(before)
        heirs[one] = heirs[other] = made
        self.of = heirs[self.of]
        return made

    def scores(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
        """How well each of these pairs would make one story."""
        if self.known is None:
            return self.factors(left, right).score
        keys = pair_keys(self.marks[left], self.marks[right])
        scores = self.known.find(keys)
        unknown = np.flatnonzero(np.isnan(scores))
        scores[unknown] = self.factors(left[unknown], right[unknown]).score
        self.known.learn(keys[unknown], scores[unknown])
        return scores

    def factors(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> Factors:
        """What the scores of these pairs are made of."""
        params = self.params
        self._find_centres(left, right)
        mean = self._products(left, right) / (self.roots[left] * self.roots[right])
        size_ratio = np.abs(np.log(self.sizes[left] / self.sizes[right]))
        crowding = np.minimum(1 + params.crowding * size_ratio, params.max_crowding)
        cohesion = np.sqrt(self.cohesions[left] * self.cohesions[right])
        return Factors(mean, cohesion, self._kernel(left, right), crowding)

    def _products(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
        """Sums of the cosines between the articles of two groups."""
        return self.centres.products(self.places[left], self.places[right])

    def _join_centres(self, one: NDArray[np.int64], other: NDArray[np.int64], made: NDArray[np.int64]) -> None:
        """Adds up the centres of pairs whose larger group has one: it takes part in what goes on, so the one of both
        will be asked for. None of theirs is needed any more.
        """
        is_larger = self.sizes[one] >= self.sizes[other]
        large, small = np.where(is_larger, one, other), np.where(is_larger, other, one)
        have = self.places[large] >= 0
        if have.any():
            self._find_centres(small[have])
            self._put(made[have], self.centres.sums(self.places[large[have]], self.places[small[have]]))
        gone = self.places[np.concatenate([one, other])]
        self.centres.drop(gone[gone >= 0])

    def _find_centres(self, *asked: NDArray[np.int64]) -> None:
        """Sums the articles of those of these groups that have no centre yet."""
        is_missing = np.zeros(len(self.sizes), np.bool_)
        for groups in asked:
            is_missing[groups] = True
        is_missing &= self.places < 0
        missing = np.flatnonzero(is_missing)
        if len(missing):
            own = np.flatnonzero(is_missing[self.of])
            own = own[np.argsort(self.of[own], kind="stable")]
            ends = np.searchsorted(self.of[own], missing, side="right")
            entries = np.ones(len(own), self.rows.dtype), own, np.concatenate([[0], ends])
            sums = (sparse.csr_matrix(entries, shape=(len(missing), self.rows.shape[0])) @ self.rows).tocsr()
            sums.sort_indices()
            self._put(missing, sums)

    def _put(self, groups: NDArray[np.int64], centres: sparse.csr_matrix) -> None:
        """Gives groups their centres."""
        self.centres.append(centres)
        n_rows = len(self.centres.living)
        self.places[groups] = np.arange(n_rows - len(groups), n_rows)
        self.cohesions[groups] = self._cohesions(groups, squares(centres))

    def _cohesions(self, groups: NDArray[np.int64], own: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean similarity within each of these over the expected one, with `prior_members` of the expected; `own` are
        the squares of their centres.
        """
        params, cohesions = self.params, np.ones(len(groups))
        several = np.flatnonzero(self.sizes[groups] > 1)
        group = groups[several]
        found = own[several] - self.squares[group]
        expected = np.maximum(self.roots[group] ** 2 - self.reliabilities[group], 1e-9)
        others = self.sizes[group] - 1
        shrunk = (params.prior_members + others * found / expected) / (params.prior_members + others)
        cohesions[several] = np.minimum(shrunk, params.max_cohesion)
        return cohesions

    def _kernel(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
        """Gaussian of the days between the means of two groups; 1 where either has no dated article."""
        with np.errstate(invalid="ignore"):
            means = self.days[left] / self.n_dated[left], self.days[right] / self.n_dated[right]
        gap = np.nan_to_num(means[0] - means[1])
        return np.asarray(np.exp(-(gap**2) / (2 * self.params.sigma_days**2)))


def _narrowed(rows: sparse.csr_matrix) -> sparse.csr_matrix:
    """The rows without columns in which none has an entry: what a sum of a few costs grows with the columns."""
    is_used = np.zeros(rows.shape[1], np.bool_)
    is_used[rows.indices] = True
    places = np.cumsum(is_used, dtype=np.int32) - np.int32(1)
    return sparse.csr_matrix(
        (rows.data, places[rows.indices], rows.indptr), shape=(rows.shape[0], int(np.count_nonzero(is_used)))
    )


def compare_groups(
    labels: NDArray[np.int64],
    pairs: tuple[NDArray[np.int64], NDArray[np.int64]],
    rows: sparse.csr_matrix,
    reliability: NDArray[np.float64],
    published_days: NDArray[np.float64],
    params: MergeParams,
) -> Factors:
    """What the merge pass makes of pairs of groups, neighbours or not; the rest as in `merge_stories`."""
    return Groups.made_of(labels, rows, reliability, published_days, params).factors(*pairs)
