"""Sparse rows: products of many pairs of them, where most pairs are of no interest, and sums.

One row of a pair is laid out over all columns, so that each entry of the other finds what it meets at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dedup.compiled import compiled


def squares(rows: sparse.csr_matrix) -> NDArray[np.float64]:
    """The product of each row with itself: float64, shape (n,)."""
    return _squares(rows.data, rows.indptr)


def cosines(rows: sparse.csr_matrix, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The cosines of all rows with each other, by columns of these weights: float64, shape (n, n). A row without a
    column of any weight is like none, itself included.
    """
    weighed = sparse.csr_matrix((rows.data * weights[rows.indices], rows.indices, rows.indptr), shape=rows.shape)
    lengths = np.sqrt(squares(weighed))
    weighed.data *= np.repeat(1 / np.where(lengths > 0, lengths, 1), np.diff(rows.indptr))
    left, right = np.tril_indices(rows.shape[0])
    found = np.zeros((rows.shape[0], rows.shape[0]))
    found[left, right] = found[right, left] = Rows.of(weighed).products_and_shared(left, right)[0]
    return found


@dataclass(slots=True, eq=False)
class Rows:
    """Sparse rows, to which more are added and of which some are dropped. Their indices are sorted.

    `data` and `indices` have room to grow; row i has the entries from `ends[i]` to `ends[i + 1]`. `living` says which
    rows were not dropped. `room`, a place for each column, is for the row laid out, and clear before and after.
    """

    data: NDArray[Any]
    indices: NDArray[np.int32]
    ends: NDArray[np.int32]
    n_columns: int
    living: NDArray[np.bool_] = field(init=False)
    room: NDArray[Any] = field(init=False)

    def __post_init__(self) -> None:
        self.living = np.ones(len(self.ends) - 1, np.bool_)
        self.room = np.zeros(self.n_columns, self.data.dtype)

    @classmethod
    def of(cls, rows: sparse.csr_matrix) -> Rows:
        """These rows; nothing is copied before the first is added."""
        return cls(rows.data, rows.indices, rows.indptr, rows.shape[1])

    @property
    def lengths(self) -> NDArray[np.int32]:
        """How many entries each row has."""
        return np.diff(self.ends)

    def at(self, places: NDArray[np.int64]) -> sparse.csr_matrix:
        """The rows at these places."""
        n_used, shape = int(self.ends[-1]), (len(self.ends) - 1, self.n_columns)
        return sparse.csr_matrix((self.data[:n_used], self.indices[:n_used], self.ends), shape=shape)[places]

    def sums(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> sparse.csr_matrix:
        """The sum of each pair of rows."""
        n_most = int(self.lengths[left].sum() + self.lengths[right].sum())
        made = _sums(self.data, self.indices, self.ends, left, right, n_most)
        return sparse.csr_matrix(made, shape=(len(left), self.n_columns))

    def append(self, rows: sparse.csr_matrix) -> None:
        """Puts rows after those that are there."""
        if self.ends[-1] + len(rows.data) > len(self.data):
            self._make_room(len(rows.data))
        n_used = int(self.ends[-1])
        end = n_used + len(rows.data)
        self.data[n_used:end], self.indices[n_used:end] = rows.data, rows.indices
        self.ends = np.concatenate([self.ends, n_used + rows.indptr[1:]], dtype=np.int32)
        self.living = np.concatenate([self.living, np.ones(rows.shape[0], np.bool_)])

    def drop(self, places: NDArray[np.int64]) -> None:
        """Forgets the rows at these places."""
        self.living[places] = False

    def products(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
        """The product of each pair of rows: float64.

        The terms of a sum are added in order of the columns, whichever row is which and whatever other pairs there are.
        """
        lengths = self.lengths
        is_longer = lengths[left] >= lengths[right]
        long, short = np.where(is_longer, left, right), np.where(is_longer, right, left)
        order, found = np.argsort(long, kind="stable"), np.empty(len(left))
        found[order] = self.products_and_shared(long[order], short[order])[0]
        return found

    def products_and_shared(
        self, left: NDArray[np.int64], right: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The products, and how many columns the two rows of each pair both have entries in: int64.

        Pairs that follow each other with the same left row take the least: it is laid out once for all.
        """
        return _products(self.data, self.indices, self.ends, left, right, self.room)

    def _make_room(self, more: int) -> None:
        """Moves the living rows together, with room for so many entries more and as many as there are."""
        lengths = np.where(self.living, self.lengths, 0)
        held = self.at(np.flatnonzero(self.living))
        n_free = more + len(held.data)
        self.data = np.concatenate([held.data, np.zeros(n_free, held.data.dtype)])
        self.indices = np.concatenate([held.indices, np.zeros(n_free, np.int32)])
        self.ends = np.concatenate([[0], np.cumsum(lengths)], dtype=np.int32)


@compiled
def _squares(data: NDArray[Any], ends: NDArray[np.int32]) -> NDArray[np.float64]:
    found = np.zeros(len(ends) - 1)
    for row in range(len(found)):
        for value in data[ends[row] : ends[row + 1]]:
            found[row] += np.float64(value) * np.float64(value)
    return found


@compiled
def _products(
    data: NDArray[Any],
    indices: NDArray[np.int32],
    ends: NDArray[np.int32],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    room: NDArray[Any],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """What `Rows.products_and_shared` gives."""
    sums, shared = np.zeros(len(left)), np.zeros(len(left), np.int64)
    for pair in range(len(left)):
        here, there = left[pair], right[pair]
        if pair == 0 or here != left[pair - 1]:
            for entry in range(ends[here], ends[here + 1]):
                room[indices[entry]] = data[entry]
        total, n_shared = 0.0, 0
        for entry in range(ends[there], ends[there + 1]):
            product = np.float64(room[indices[entry]]) * data[entry]
            total += product
            n_shared += product != 0
        sums[pair], shared[pair] = total, n_shared
        if pair + 1 == len(left) or here != left[pair + 1]:
            for entry in range(ends[here], ends[here + 1]):
                room[indices[entry]] = 0
    return sums, shared


@compiled
def _sums(
    data: NDArray[Any],
    indices: NDArray[np.int32],
    ends: NDArray[np.int32],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    n_most: int,
) -> tuple[NDArray[Any], NDArray[np.int32], NDArray[np.int32]]:
    """Entries, columns and ends of what `Rows.sums` gives; `n_most` are all entries of these rows."""
    sums, columns = np.zeros(n_most, data.dtype), np.zeros(n_most, np.int32)
    found_ends = np.zeros(len(left) + 1, np.int32)
    n = 0
    for pair in range(len(left)):
        here, there = ends[left[pair]], ends[right[pair]]
        here_end, there_end = ends[left[pair] + 1], ends[right[pair] + 1]
        while here < here_end or there < there_end:
            is_here = there == there_end or (here < here_end and indices[here] <= indices[there])
            is_there = here == here_end or (there < there_end and indices[there] <= indices[here])
            columns[n] = indices[here] if is_here else indices[there]
            sums[n] = (data[here] if is_here else 0) + (data[there] if is_there else 0)
            here, there, n = here + is_here, there + is_there, n + 1
        found_ends[pair + 1] = n
    return sums[:n], columns[:n], found_ends
