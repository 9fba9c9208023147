"""What of an archive had been told when: sums over the articles up to some days after each.

A stream weighs an article by what it has told until the article leaves the window; later ones cannot count. An archive
that is read at once is weighed in the same way, or its stories would be others than those of its stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

_AT_ONCE: Final = 1 << 22
"""Entries summed at once: a few arrays of so many fit in memory beside those of all."""


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Articles by when they were told: `order`, those that are undated last; `n_known`, of each article in this order,
    how many come before or up to `later_days` after it. Undated ones count for all, and know all.
    """

    order: NDArray[np.int64]
    n_known: NDArray[np.int64]
    n_dated: int

    @classmethod
    def of(cls, days: NDArray[np.float64], later_days: float, least: int) -> History:
        """That of articles published on these days, nan where undated; the first `least` count for all."""
        order = np.argsort(days, kind="stable")
        n_dated = int(np.isfinite(days).sum())
        dated = days[order[:n_dated]]
        n_known = np.full(len(days), len(days))
        n_known[:n_dated] = np.maximum(np.searchsorted(dated, dated + later_days, side="right"), min(least, n_dated))
        return cls(order, n_known, n_dated)

    @property
    def is_known(self) -> bool:
        """Whether all articles count for each."""
        return bool((self.n_known[: self.n_dated] == self.n_dated).all())

    @property
    def n_articles(self) -> NDArray[np.int64]:
        """How many articles count for each: int64, shape (n,)."""
        counts = np.empty(len(self.order), np.int64)
        counts[self.order] = self.n_known
        counts[self.order[: self.n_dated]] += len(self.order) - self.n_dated
        return counts

    def summed(self, counts: sparse.csr_matrix) -> sparse.csr_matrix:
        """For each entry of counts the sum of its column over the articles that count for its row: int64, of the same
        shape, with the same entries, by column in each row.
        """
        told = counts[self.order].tocsc()
        sums = np.empty(told.nnz, np.int64)
        first = 0
        while first < told.shape[1]:
            last = max(first + 1, int(np.searchsorted(told.indptr, told.indptr[first] + _AT_ONCE, side="right")) - 1)
            sums[told.indptr[first] : told.indptr[last]] = self._summed(told, first, last)
            first = last
        back = np.empty(len(self.order), np.int64)
        back[self.order] = np.arange(len(back))
        found = sparse.csc_matrix((sums, told.indices, told.indptr), shape=told.shape).tocsr()[back]
        found.sort_indices()
        return found

    def _summed(self, told: sparse.csc_matrix, first: int, last: int) -> NDArray[np.int64]:
        """The sums for the entries of these columns of a matrix whose rows are in order."""
        n, start = len(self.order), told.indptr[first]
        rows, data = told.indices[start : told.indptr[last]], told.data[start : told.indptr[last]]
        starts = told.indptr[first : last + 1].astype(np.int64) - start
        column = np.repeat(np.arange(last - first), np.diff(starts))
        place = column * n + rows
        total = np.concatenate([[0], np.cumsum(data, dtype=np.int64)])
        known = np.searchsorted(place, column * n + self.n_known[rows])
        undated = np.searchsorted(place, np.arange(last - first) * n + self.n_dated)
        later = total[starts[1:]] - total[undated]
        return np.asarray(total[known] - total[starts[column]] + (rows < self.n_dated) * later[column])
