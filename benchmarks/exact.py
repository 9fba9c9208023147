"""How alike texts are, exactly: all pairs by brute force, to judge estimates and families by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dedup.shingle import SHINGLE_WORDS
from dedup.text import normalise, words

Pair = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Every pair of texts with a run of five words in common, the earlier text first.

    `pairs`: int64, shape (n_pairs, 2). `jaccard`, `containment`: float64, shape (n_pairs,), of the sets of runs; the
    containment is by the smaller set.
    """

    pairs: NDArray[np.int64]
    jaccard: NDArray[np.float64]
    containment: NDArray[np.float64]

    def at(self, least_jaccard: float) -> set[Pair]:
        """The pairs of at least this Jaccard similarity."""
        return set(map(_pair, self.pairs[self.jaccard >= least_jaccard].tolist()))

    def alike(self, pair: Pair) -> bool:
        """Whether two texts belong in one family: J >= .5, or containment >= .8."""
        return pair in self._alike

    def containment_of(self, pair: Pair) -> float:
        """How much of the smaller text the larger one has; 0 where they share nothing."""
        return self._containment.get(pair, 0.0)

    @cached_property
    def _containment(self) -> dict[Pair, float]:
        return dict(zip(map(_pair, self.pairs.tolist()), self.containment.tolist(), strict=True))

    @cached_property
    def _alike(self) -> set[Pair]:
        return set(map(_pair, self.pairs[(self.jaccard >= 0.5) | (self.containment >= 0.8)].tolist()))


def runs_of_words(text: str) -> set[str]:
    """The runs of five words of a text's normalised form; none of a text with fewer words."""
    found = words(normalise(text))
    return {" ".join(found[i : i + SHINGLE_WORDS]) for i in range(len(found) - SHINGLE_WORDS + 1)}


def overlaps(texts: Sequence[str]) -> Overlaps:
    """Compares all texts with all, through the runs of words they have."""
    numbers: dict[str, int] = {}
    columns: list[int] = []
    ends = [0]
    for text in texts:
        columns += [numbers.setdefault(run, len(numbers)) for run in runs_of_words(text)]
        ends.append(len(columns))
    shape = (len(texts), len(numbers))
    has = sparse.csr_array((np.ones(len(columns), np.int32), columns, ends), shape=shape)
    has = has[:, np.bincount(has.indices, minlength=shape[1]) > 1]
    shared = sparse.triu(has @ has.T, k=1).tocoo()
    sizes = np.diff(ends)
    one, other = sizes[shared.row], sizes[shared.col]
    return Overlaps(
        np.column_stack([shared.row, shared.col]).astype(np.int64),
        shared.data / (one + other - shared.data),
        shared.data / np.minimum(one, other),
    )


def pairs_within(groups: Iterable[Iterable[int]]) -> set[Pair]:
    """All pairs of texts that are in one group."""
    return {pair for members in groups for pair in combinations(sorted(members), 2)}


def _pair(ends: Sequence[int]) -> Pair:
    return ends[0], ends[1]
