"""Which texts share a key: buckets of band keys and anchor keys, in memory.

What is looked up is a function of the texts' signatures and anchors, so nobody has to keep it: it is made of them.

Entries lie in runs, each in order of keys; a new run is joined with the one before it until that is more than
`_RATIO` times as long, so that there are few, and an entry is moved a few times only (a log-structured merge tree,
O'Neil et al. 1996).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup.shingle import spans

_RATIO: Final = 6


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """Entries in order of keys, those of one key in order of their coming: `keys`, uint64, and `numbers`, uint32, both
    of shape (n_entries,).
    """

    keys: NDArray[np.uint64]
    numbers: NDArray[np.uint32]

    def joined(self, later: _Run) -> _Run:
        keys = np.concatenate([self.keys, later.keys])
        order = np.argsort(keys, kind="stable")
        return _Run(keys[order], np.concatenate([self.numbers, later.numbers])[order])


@dataclass(slots=True, eq=False)
class Buckets:
    """The texts, by number, that have each key."""

    _runs: list[_Run] = field(default_factory=list)

    def __len__(self) -> int:
        """How many entries there are: one for each key of each text."""
        return sum(len(run.keys) for run in self._runs)

    def add(self, numbers: Sequence[int], keys: Sequence[NDArray[np.uint64]]) -> None:
        """Puts texts into the buckets of their keys, after those that are there."""
        flat, owners = _flat(numbers, keys)
        if not len(flat):
            return
        order = np.argsort(flat, kind="stable")
        run = _Run(flat[order], owners[order])
        while self._runs and len(self._runs[-1].keys) < _RATIO * len(run.keys):
            run = self._runs.pop().joined(run)
        self._runs.append(run)

    def find(self, keys: Sequence[NDArray[np.uint64]], n_bands: int, most: tuple[int, int]) -> list[tuple[int, ...]]:
        """The numbers of the texts that share a key with each of these, ascending.

        The first `n_bands` keys of a text are of bands, the others of anchors; `most` are the latest texts that count
        in the bucket of a band, and of an anchor.
        """
        flat, owners = _flat(range(len(keys)), keys)
        places = np.arange(len(flat)) - _starts(keys)
        order = np.argsort(flat)
        flat, owners = flat[order], owners[order].astype(np.uint64)
        room = np.where(places[order] < n_bands, *most)
        found = [np.empty(0, np.uint64)]
        for run in reversed(self._runs):
            there, first, last = _found(run, flat)
            first = np.maximum(first, last - room[there])
            room[there] -= last - first
            found.append(
                np.repeat(owners[there], last - first) << np.uint64(32) | run.numbers[spans(first, last - first)]
            )
        pairs = np.unique(np.concatenate(found))
        ends = np.searchsorted(pairs, np.arange(1, len(keys) + 1, dtype=np.uint64) << np.uint64(32)).tolist()
        numbers = (pairs & np.uint64(0xFFFFFFFF)).tolist()
        return [tuple(numbers[start:end]) for start, end in zip([0, *ends], ends, strict=False)]

    def keep(self, living: NDArray[np.uint32]) -> None:
        """Drops the texts that are not among these."""
        runs = [(run, np.isin(run.numbers, living)) for run in self._runs]
        self._runs = [_Run(run.keys[kept], run.numbers[kept]) for run, kept in runs if kept.any()]


def _flat(numbers: Sequence[int], keys: Sequence[NDArray[np.uint64]]) -> tuple[NDArray[np.uint64], NDArray[np.uint32]]:
    """All keys, and the number of the text that each is of."""
    counts = np.array([len(own) for own in keys], np.int64)
    return np.concatenate([np.empty(0, np.uint64), *keys]), np.repeat(np.array(numbers, np.uint32), counts)


def _starts(keys: Sequence[NDArray[np.uint64]]) -> NDArray[np.int64]:
    """For each key the place of the first key of its text."""
    counts = np.array([len(own) for own in keys], np.int64)
    return np.repeat(np.cumsum(counts) - counts, counts)


def _found(run: _Run, keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Which of these keys, given in order, are in a run, and from where to where: int64, shape (n_found,) each."""
    first = np.searchsorted(run.keys, keys)
    there = np.flatnonzero(run.keys[np.minimum(first, len(run.keys) - 1)] == keys)
    return there, first[there], np.searchsorted(run.keys, keys[there], side="right")
