"""Scores that were found before, by what they are scores of; they hold while the articles' vectors do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup.shingle import mix64

_A_SHELF: Final = 4
"""Keys that begin with the same bits, about: they are looked through one by one."""


@dataclass(slots=True, eq=False)
class Known:
    """Scores of pairs by their keys. That two of n million pairs have one key has a chance of n**2 in 40 million.

    The keys are sorted, and as even as a good hash: `starts` says where those begin that have the same first bits.
    """

    keys: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    scores: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    starts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(2, np.int64))
    fresh: list[tuple[NDArray[np.uint64], NDArray[np.float64]]] = field(default_factory=list)

    def find(self, keys: NDArray[np.uint64]) -> NDArray[np.float64]:
        """The scores under these keys, nan where none was settled."""
        found, last = np.full(len(keys), np.nan), len(self.keys) - 1
        places = self.starts[keys >> self._shift]
        going = np.flatnonzero(places <= last)
        while len(going):
            here, asked = self.keys[places[going]], keys[going]
            same = going[here == asked]
            found[same] = self.scores[places[same]]
            going = going[here < asked]
            places[going] += 1
            going = going[places[going] <= last]
        return found

    def learn(self, keys: NDArray[np.uint64], scores: NDArray[np.float64]) -> None:
        """Notes scores, which will be found once they are settled."""
        self.fresh.append((keys, scores))

    def settle(self) -> None:
        """Has all that was learned be found from now on."""
        nothing = np.zeros(0, np.uint64), np.zeros(0)
        keys, scores = (np.concatenate(parts) for parts in zip(nothing, *self.fresh, strict=True))
        order = np.argsort(keys, kind="stable")
        places = np.searchsorted(self.keys, keys[order])
        self.keys = np.insert(self.keys, places, keys[order])
        self.scores = np.insert(self.scores, places, scores[order])
        n_bits = max(len(self.keys) // _A_SHELF, 1).bit_length()
        self.starts = np.searchsorted(self.keys, np.arange(1 << n_bits, dtype=np.uint64) << np.uint64(64 - n_bits))
        self.fresh = []

    @property
    def _shift(self) -> np.uint64:
        """How far the first bits of a key are from its last."""
        return np.uint64(64 - (len(self.starts) - 1).bit_length())


def marks_of(numbers: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Marks of what is known by numbers: uint64. That of a group is the sum of the marks of those it was made of, so it
    is the same in whatever order they came together.
    """
    return mix64(numbers.astype(np.uint64) + np.uint64(1))


def pair_keys(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The key of each pair with these marks, whichever comes first."""
    return mix64(mix64(np.minimum(one, other)) + np.maximum(one, other))
