"""Which texts share a key: buckets of band keys and anchor keys, in memory.

What is looked up is a function of the texts' signatures and anchors, so nobody has to keep it: it is made of them.

Entries lie in runs, each in order of keys; a new run is joined with the one before it until that is more than
`_RATIO` times as long, so that there are few, and an entry is moved a few times only (a log-structured merge tree,
O'Neil et al. 1996).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

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
        found: list[set[int]] = [set() for _ in keys]
        left: dict[int, int] = {}
        flat, owners = _flat(range(len(keys)), keys)
        order = np.argsort(flat)
        flat, owners = flat[order], owners[order]
        is_band = (np.arange(len(flat)) - _starts(keys))[order] < n_bands
        for run in reversed(self._runs):
            for i, held in _found(run, flat):
                room = left.setdefault(i, most[0] if is_band[i] else most[1])
                found[owners[i]].update(held[max(0, len(held) - room) :].tolist() if room else ())
                left[i] = max(0, room - len(held))
        return [tuple(sorted(numbers)) for numbers in found]

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


def _found(run: _Run, keys: NDArray[np.uint64]) -> Iterator[tuple[int, NDArray[np.uint32]]]:
    """Which of these keys, given in order, are in a run, and the numbers they have there."""
    first = np.searchsorted(run.keys, keys)
    there = np.flatnonzero(run.keys[np.minimum(first, len(run.keys) - 1)] == keys)
    last = np.searchsorted(run.keys, keys[there], side="right")
    for i, start, end in zip(there.tolist(), first[there].tolist(), last.tolist(), strict=True):
        yield i, run.numbers[start:end]
