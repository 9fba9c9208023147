"""Are these two events of one kind? Two arrests in one club, two quakes on one island: then each side has words that
nearly all its articles say and the others never do, names and numbers first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from dedup.episode.value import EventParams
from dedup.products import cosines

_SIGNATURE_TERMS: Final = 3
"""Words that must set a side apart."""
_MOST_GROUPS: Final = 8
"""Groups of the linkage tried until two are large enough to be events."""


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """Unit TF-IDF `rows`, which of their columns are facts (names, numbers) and which single words (bool), and in how
    many articles each term has been; see `terms.Vectors` for the latter.
    """

    rows: sparse.csr_matrix
    is_fact: NDArray[np.bool_]
    is_word: NDArray[np.bool_]
    frequency: NDArray[np.int64]
    told: sparse.csr_matrix | None = None

    def of(self, members: NDArray[np.int64]) -> Words:
        """The rows of these, with the columns alone that they have entries in."""
        own = self.rows[members]
        columns, places = np.unique(own.indices, return_inverse=True)
        rows = sparse.csr_matrix((own.data, places, own.indptr), shape=(len(members), len(columns)))
        return Words(rows, self.is_fact[columns], self.is_word[columns], self.frequency[columns])

    def said(self, members: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """How many of these have each column that any has, and how many of all articles, of an archive by when the last
        of these was weighed: int64, shape (n_columns,) both.
        """
        own = self.rows[members]
        columns, places, counts = np.unique(own.indices, return_inverse=True, return_counts=True)
        if self.told is None:
            return counts, np.maximum(counts, self.frequency[columns])
        known = np.zeros(len(columns), np.int64)
        np.maximum.at(known, places, self.told[members].data)
        return counts, known


def split_events(members: NDArray[np.int64], words: Words, params: EventParams) -> list[NDArray[np.int64]]:
    """The articles event by event; all in one if they tell one."""
    if not 2 * params.min_side <= len(members) <= params.largest:
        return [members]
    own = words.of(members)
    sides = _two_events(own.rows, own, params)
    if sides is None:
        return [members]
    return [part for side in (0, 1) for part in split_events(members[sides == side], words, params)]


def find_signature(
    members: NDArray[np.int64], ends: tuple[int, int], words: Words, params: EventParams
) -> tuple[list[int], list[int]] | None:
    """The columns of the words that tell the events of two of the members apart, the surest first; None if
    `split_events` takes them for one event.
    """
    while 2 * params.min_side <= len(members) <= params.largest:
        own = words.rows[members]
        sides = _two_events(own, words, params)
        if sides is None:
            return None
        mine, other = (int(sides[members == end][0]) for end in ends)
        if mine != other:
            parts = np.flatnonzero(sides == mine), np.flatnonzero(sides == other)
            tell, single = _telling(own, parts, words, params)
            first, second = (single[np.argsort(-one, kind="stable")[:_SIGNATURE_TERMS]].tolist() for one in tell)
            return first, second
        members = members[sides == mine]
    return None


def _two_events(own: sparse.csr_matrix, words: Words, params: EventParams) -> NDArray[np.int64] | None:
    """0 or 1 for each article, or None if they tell one event."""
    similarity = _local_similarity(own, words.is_fact, params)
    sides = _sides(similarity, params.min_side)
    if sides is None:
        return None
    left, right = np.flatnonzero(sides == 0), np.flatnonzero(sides == 1)
    loose, tight = sorted(max(_mean_within(similarity, side), 0.0) for side in (left, right))
    if tight > params.max_tightness * loose:
        return None
    if similarity[np.ix_(left, right)].mean() > params.max_ratio * np.sqrt(loose * tight):
        return None
    if _signature(own, (left, right), words, params) < params.min_signature:
        return None
    nearer = similarity[:, right].mean(axis=1) > similarity[:, left].mean(axis=1)
    return np.where(sides < 0, nearer, sides).astype(np.int64)


def _local_similarity(own: sparse.csr_matrix, is_fact: NDArray[np.bool_], params: EventParams) -> NDArray[np.float64]:
    """Cosines by what more than one article of the story says and not all do: float64, shape (n, n)."""
    n = own.shape[0]
    frequency = np.bincount(own.indices, minlength=own.shape[1])
    kept = (frequency >= 2) & (frequency <= params.too_common * n)
    weights = np.zeros(len(kept))
    weights[kept] = np.log(n / frequency[kept]) * np.where(is_fact[kept], params.fact_boost, 1.0)
    return cosines(own, weights)


def _sides(similarity: NDArray[np.float64], min_side: int) -> NDArray[np.int64] | None:
    """0 and 1 for the two largest groups that average linkage parts first, -1 for the rest; None if it finds no two."""
    distance = np.maximum(1 - (similarity + similarity.T) / 2, 0)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), "average")
    for n_groups in range(2, min(_MOST_GROUPS, len(similarity))):
        groups = fcluster(tree, n_groups, "maxclust")
        sizes = np.bincount(groups)
        first, second = np.argsort(-sizes, kind="stable")[:2]
        if sizes[second] >= min_side:
            return np.where(groups == first, 0, np.where(groups == second, 1, -1)).astype(np.int64)
    return None


def _mean_within(similarity: NDArray[np.float64], members: NDArray[np.int64]) -> float:
    n = len(members)
    return float((similarity[np.ix_(members, members)].sum() - similarity[members, members].sum()) / (n * (n - 1)))


def _signature(
    own: sparse.csr_matrix,
    sides: tuple[NDArray[np.int64], NDArray[np.int64]],
    words: Words,
    params: EventParams,
) -> float:
    """How surely the most telling words of each side tell it from the other, mean of both, 0 to 1.

    Shares are counted with two articles more on each side, one of which says everything: so few articles prove little.
    """
    tell, _ = _telling(own, sides, words, params)
    return float(np.mean([np.sort(one)[-_SIGNATURE_TERMS:].mean() for one in tell]))


def _telling(
    own: sparse.csr_matrix,
    sides: tuple[NDArray[np.int64], NDArray[np.int64]],
    words: Words,
    params: EventParams,
) -> tuple[list[NDArray[np.float64]], NDArray[np.int64]]:
    """How surely each word tells each side from the other, and the columns of the words."""
    single = np.flatnonzero(words.is_word)
    said = own[:, single].tocsr()
    said.data = np.ones(len(said.data))
    weight = np.where(words.is_fact[single], 1.0, params.plain_share)
    counts = [np.asarray(said[side].sum(axis=0)).ravel() for side in sides]
    sizes = [len(side) + 2.0 for side in sides]
    return [weight * (counts[i] / sizes[i] - (counts[1 - i] + 1) / sizes[1 - i]) for i in (0, 1)], single
