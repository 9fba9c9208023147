"""Scores that were found before, by what they are scores of; they hold while the articles' vectors do."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dedup.shingle import mix64


@dataclass(slots=True, eq=False)
class Known:
    """Scores of pairs by their keys. That two of n million pairs have one key has a chance of n**2 in 40 million."""

    keys: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    scores: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    fresh: list[tuple[NDArray[np.uint64], NDArray[np.float64]]] = field(default_factory=list)

    def find(self, keys: NDArray[np.uint64]) -> NDArray[np.float64]:
        """The scores under these keys, nan where none was settled."""
        if not len(self.keys):
            return np.full(len(keys), np.nan)
        order, places = np.argsort(keys), np.empty(len(keys), np.int64)
        places[order] = np.searchsorted(self.keys, keys[order])  # one after the other, for the memory's sake
        places = np.minimum(places, len(self.keys) - 1)
        return np.where(self.keys[places] == keys, self.scores[places], np.nan)

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
        self.fresh = []


def marks_of(numbers: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Marks of what is known by numbers: uint64. That of a group is the sum of the marks of those it was made of, so it
    is the same in whatever order they came together.
    """
    return mix64(numbers.astype(np.uint64) + np.uint64(1))


def pair_keys(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The key of each pair with these marks, whichever comes first."""
    return mix64(mix64(np.minimum(one, other)) + np.maximum(one, other))
