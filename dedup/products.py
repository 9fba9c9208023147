"""Products of many pairs of sparse rows, where most pairs are of no interest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

_LANES: Final = 8
"""Rows laid out side by side: an entry of another row meets all of them in one line of a cache."""
_ENTRIES_AT_ONCE: Final = 1 << 14
"""About how many entries of rows are laid out at once: they stay in a cache."""
_FEW_ROWS: Final = 100
"""Rows up to which it takes longer to make a matrix of them than to gather their entries one by one."""


def squares(rows: sparse.csr_matrix) -> NDArray[np.float64]:
    """The product of each row with itself: float64, shape (n,)."""
    owner = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    return np.bincount(owner, rows.data.astype(np.float64) ** 2, rows.shape[0]).astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Bundles:
    """Pairs of rows, where left rows that meet the same right rows are in one bundle: what comes of a right row is
    computed once for all of a bundle, which takes less than to find its entries for each.

    `lefts`: the left rows, bundle by bundle, `_LANES` to each but the last; `rights`: the right rows of all bundles,
    those of bundle i from `cuts[i]` to `cuts[i + 1]`. `places`, `lanes`: for each pair which of `rights` it is of, and
    which of the lefts of the bundle. All int64.
    """

    lefts: NDArray[np.int64]
    rights: NDArray[np.int64]
    cuts: NDArray[np.int64]
    places: NDArray[np.int64]
    lanes: NDArray[np.int64]

    @classmethod
    def of(cls, left: NDArray[np.int64], right: NDArray[np.int64]) -> _Bundles:
        """Lefts whose first right is the same, or near, go together."""
        lefts, which = np.unique(left, return_inverse=True)
        n_rights = int(right.max(initial=0)) + 1
        firsts = np.full(len(lefts), n_rights)
        np.minimum.at(firsts, which, right)
        order = np.argsort(firsts, kind="stable")
        rank = np.empty(len(lefts), np.int64)
        rank[order] = np.arange(len(lefts))
        ranks = rank[which]
        met, places = np.unique(ranks // _LANES * n_rights + right, return_inverse=True)
        cuts = np.searchsorted(met, np.arange(-(-len(lefts) // _LANES) + 1) * n_rights)
        return cls(lefts[order], met % n_rights, cuts, places, ranks % _LANES)


@dataclass(slots=True, eq=False)
class Rows:
    """Sparse rows, to which more are added and of which some are dropped. Their indices are sorted.

    `data` and `indices` have room to grow; row i has the entries from `ends[i]` to `ends[i + 1]`. `living` says which
    rows were not dropped. `room` is for what is laid out while products are found, and clear before and after.
    """

    data: NDArray[Any]
    indices: NDArray[np.int32]
    ends: NDArray[np.int32]
    n_columns: int
    living: NDArray[np.bool_] = field(init=False)
    room: NDArray[np.int32] = field(init=False)

    def __post_init__(self) -> None:
        self.living = np.ones(len(self.ends) - 1, np.bool_)
        self.room = np.zeros(self.n_columns, np.int32)

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

    def products(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
        """The product of each pair of rows: float64.

        The terms of a sum are added in order of the columns, whichever row is which and whatever other pairs there are.
        """
        bundles = _Bundles.of(left, right)
        parts = [rights @ lefts for rights, lefts in self._laid_out(bundles)]
        return np.concatenate([np.zeros((0, _LANES)), *parts])[bundles.places, bundles.lanes]

    def products_and_shared(
        self, left: NDArray[np.int64], right: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The products, and how many columns the two rows of each pair both have entries in: int64."""
        bundles = _Bundles.of(left, right)
        sums, shared = [np.zeros((0, _LANES))], [np.zeros((0, _LANES))]
        for rights, lefts in self._laid_out(bundles):
            sums.append(rights @ lefts)
            rights.data = (rights.data != 0).astype(np.float64)
            shared.append(rights @ (lefts != 0).astype(np.float64))
        at = bundles.places, bundles.lanes
        return np.concatenate(sums)[at], np.concatenate(shared)[at].astype(np.int64)

    def _laid_out(self, bundles: _Bundles) -> Iterator[tuple[sparse.csr_matrix, NDArray[np.float64]]]:
        """The right rows of some bundles after the other, and what they are multiplied with: the left rows as columns,
        float64, shape (n_places, _LANES), with a place for each column that a left row of the bundle has entries in.
        """
        room = self.room
        for start, stop in self._runs(bundles):
            cuts, lefts = bundles.cuts[start : stop + 1], bundles.lefts[start * _LANES : stop * _LANES]
            found, columns, ends = self._entries(np.concatenate([lefts, bundles.rights[cuts[0] : cuts[-1]]]))
            n_own, own_ends = int(ends[len(lefts)]), ends[: len(lefts) + 1]
            places, numbers = np.empty(n_own, np.int32), np.arange(1, n_own + 1, dtype=np.int32)
            starts, spans = [*own_ends[:-1:_LANES].tolist(), n_own], ends[cuts - cuts[0] + len(lefts)].tolist()
            for j in range(len(cuts) - 1):
                mine, here = slice(starts[j], starts[j + 1]), slice(spans[j], spans[j + 1])
                own = columns[mine]
                room[own] = numbers[mine]
                places[mine] = room[own]
                columns[here] = room.take(columns[here], mode="clip")
                room[own] = 0
            laid_out = np.zeros((n_own + 1, _LANES))
            laid_out[places, np.repeat(np.arange(len(lefts)) % _LANES, np.diff(own_ends))] = found[:n_own]
            rights = found[n_own:], columns[n_own:], ends[len(lefts) :] - n_own
            yield sparse.csr_matrix(rights, shape=(len(ends) - len(own_ends), len(laid_out))), laid_out

    def _runs(self, bundles: _Bundles) -> Iterator[tuple[int, int]]:
        """From which bundle to which they are laid out at once: until there are about `_ENTRIES_AT_ONCE`."""
        if len(bundles.lefts) <= _LANES:
            return pairwise(range(len(bundles.cuts)))
        lengths = self.ends[bundles.lefts + 1] - self.ends[bundles.lefts]
        ends = np.add.reduceat(lengths, np.arange(0, len(lengths), _LANES), dtype=np.int64).cumsum()
        run = np.concatenate([np.zeros(1, np.int64), ends])[:-1] // _ENTRIES_AT_ONCE
        return pairwise([*np.flatnonzero(np.diff(run, prepend=-1)).tolist(), len(ends)])

    def _entries(self, places: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.int32], NDArray[np.int32]]:
        """The entries of the rows at these places, their columns, and where those of each row end, from 0 on."""
        if len(places) > _FEW_ROWS:
            rows = self.at(places)
            return rows.data, rows.indices, rows.indptr
        starts, lengths = self.ends[places], self.ends[places + 1] - self.ends[places]
        ends = np.concatenate([np.zeros(1, np.int32), np.cumsum(lengths, dtype=np.int32)])
        entries = np.arange(ends[-1]) + np.repeat(starts - ends[:-1], lengths)
        return self.data[entries], self.indices[entries], ends

    def _make_room(self, more: int) -> None:
        """Moves the living rows together, with room for so many entries more and half as many as there are."""
        lengths = np.where(self.living, self.lengths, 0)
        held = self.at(np.flatnonzero(self.living))
        n_free = more + len(held.data) // 2
        self.data = np.concatenate([held.data, np.zeros(n_free, held.data.dtype)])
        self.indices = np.concatenate([held.indices, np.zeros(n_free, np.int32)])
        self.ends = np.concatenate([[0], np.cumsum(lengths)], dtype=np.int32)
