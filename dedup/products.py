"""Products of many pairs of sparse rows, where most pairs are of no interest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

_PAIRS_AT_ONCE: Final = 2048
"""Pairs computed at once: their entries stay in a cache."""


_FEW_ROWS: Final = 100
"""Rows up to which it takes longer to make a matrix of them than to gather their entries one by one."""


def squares(rows: sparse.csr_matrix) -> NDArray[np.float64]:
    """The product of each row with itself, as `Rows.products` has it: float64, shape (n,)."""
    owner = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    return np.bincount(owner, rows.data * rows.data, rows.shape[0]).astype(np.float64)


@dataclass(slots=True, eq=False)
class Rows:
    """Sparse rows, to which more are added and of which some are dropped. Their indices are sorted.

    `data` and `indices` have room to grow; row i has the entries from `ends[i]` to `ends[i + 1]`. `living` says which
    rows were not dropped.
    """

    data: NDArray[Any]
    indices: NDArray[np.int32]
    ends: NDArray[np.int32]
    n_columns: int
    living: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.living = np.ones(len(self.ends) - 1, np.bool_)

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

    def products(
        self, left: NDArray[np.int64], right: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The product of each pair of rows (float64), and how many columns both have entries in (int64).

        Fast where pairs with one `left` follow each other. The terms of a sum are added in order of the columns,
        whichever row is which and whatever other pairs there are.
        """
        laid_out = np.zeros(self.n_columns, self.data.dtype)
        cuts = range(0, len(left), _PAIRS_AT_ONCE)
        parts = [self._some(left[i : i + _PAIRS_AT_ONCE], right[i : i + _PAIRS_AT_ONCE], laid_out) for i in cuts]
        sums, shared = zip((np.zeros(0), np.zeros(0, np.int64)), *parts, strict=True)
        return np.concatenate(sums), np.concatenate(shared)

    def _entries(self, places: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.int32], NDArray[np.int32]]:
        """The entries of the rows at these places, their columns, and where those of each row end, from 0 on."""
        if len(places) > _FEW_ROWS:
            rows = self.at(places)
            return rows.data, rows.indices, rows.indptr
        starts, lengths = self.ends[places], self.ends[places + 1] - self.ends[places]
        ends = np.concatenate([np.zeros(1, np.int32), np.cumsum(lengths, dtype=np.int32)])
        entries = np.arange(ends[-1]) + np.repeat(starts - ends[:-1], lengths)
        return self.data[entries], self.indices[entries], ends

    def _some(
        self, left: NDArray[np.int64], right: NDArray[np.int64], laid_out: NDArray[Any]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Each left row is laid out over all columns once, for all rows that it is multiplied with."""
        found, columns, ends = self._entries(right)
        firsts = np.flatnonzero(np.diff(left, prepend=-1))
        spans = self.ends[left[firsts]].tolist(), self.ends[left[firsts] + 1].tolist()
        cuts = [*ends[firsts].tolist(), len(found)]
        for i, (start, stop) in enumerate(zip(*spans, strict=True)):
            own, here = self.indices[start:stop], slice(cuts[i], cuts[i + 1])
            laid_out[own] = self.data[start:stop]
            found[here] *= laid_out.take(columns[here])
            laid_out[own] = 0
        owner = np.repeat(np.arange(len(right)), np.diff(ends))
        shared = np.concatenate([np.zeros(1, np.int64), np.cumsum(found != 0, dtype=np.int64)])
        return np.bincount(owner, found, len(right)).astype(np.float64), np.diff(shared[ends])

    def _make_room(self, more: int) -> None:
        """Moves the living rows together, with room for so many entries more and half as many as there are."""
        lengths = np.where(self.living, self.lengths, 0)
        held = self.at(np.flatnonzero(self.living))
        n_free = more + len(held.data) // 2
        self.data = np.concatenate([held.data, np.zeros(n_free, held.data.dtype)])
        self.indices = np.concatenate([held.indices, np.zeros(n_free, np.int32)])
        self.ends = np.concatenate([[0], np.cumsum(lengths)], dtype=np.int32)
