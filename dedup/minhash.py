"""MinHash signatures: datasketch's own, computed for many texts in one go.

A signature holds, for each of `num_perm` permutations of the 32-bit hashes, the smallest value any shingle
of the text takes; the share of equal places of two signatures estimates the Jaccard similarity of the shingle
sets (Broder 1997; standard error sqrt(J (1 - J) / num_perm)). The permutations are datasketch's
(scheme affine32), so a row is the `hashvalues` of a `LeanMinHash` fed the same shingle hashes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
from datasketch import MinHash
from numpy.typing import NDArray

from dedup.shingle import Shingles, shingle
from dedup.text import normalise

NUM_PERM: Final = 128
SEED: Final = 1
TEXTS_PER_CALL: Final = 128
"""Texts signed in one array operation: of 450 words, 16 a call are a quarter slower, 4 take three times as long and
1 eight times; of 150 words, 64 a call are an eighth slower."""
POINTS_PER_CALL: Final = 1 << 18
"""Code points in one array operation at most, so that long texts do not multiply the memory."""
_VALUES_AT_ONCE: Final = 1 << 17
"""Permuted values computed at once, by all permutations together: as many as a core's own cache holds."""


def signatures(texts: Sequence[str]) -> NDArray[np.uint32]:
    """Signatures of raw texts: uint32, shape (n_texts, num_perm). A text without words has all places 2**32 - 1."""
    signed = np.empty((len(texts), NUM_PERM), np.uint32)
    start = 0
    for batch in batches([normalise(text) for text in texts]):
        signed[start : start + len(batch)] = sign(shingle(batch))
        start += len(batch)
    return signed


def batches(normalised: Sequence[str]) -> list[Sequence[str]]:
    """The texts cut into runs that are worth one array operation each."""
    cuts, points = [0], 0
    for i, text in enumerate(normalised):
        if i > cuts[-1] and (i - cuts[-1] == TEXTS_PER_CALL or points + len(text) > POINTS_PER_CALL):
            cuts.append(i)
            points = 0
        points += len(text)
    return [normalised[a:b] for a, b in zip(cuts, [*cuts[1:], len(normalised)], strict=True) if b > a]


def sign(shingles: Shingles) -> NDArray[np.uint32]:
    """Signatures of shingled texts: uint32, shape (n_texts, num_perm)."""
    signed = np.full((len(shingles.counts), NUM_PERM), np.iinfo(np.uint32).max, np.uint32)
    filled = np.flatnonzero(shingles.counts)
    if len(filled):
        firsts = (np.cumsum(shingles.counts) - shingles.counts)[filled]
        signed[filled] = _minima(_mix32(shingles.values.copy()), firsts).T
    return signed


def _minima(mixed: NDArray[np.uint32], firsts: NDArray[np.int64]) -> NDArray[np.uint32]:
    """The smallest value each permutation takes in each text: uint32, shape (num_perm, n_texts).

    `firsts` says where the texts begin in `mixed`.
    """
    minima = np.empty((NUM_PERM, len(firsts)), np.uint32)
    a, b = _permutations()
    at_once = min(max(_VALUES_AT_ONCE // len(mixed), 1), NUM_PERM)
    permuted = np.empty((at_once, len(mixed)), np.uint32)
    for start in range(0, NUM_PERM, at_once):
        part = slice(start, start + at_once)
        values = permuted[: len(a[part])]
        np.multiply(mixed, a[part], out=values)
        values += b[part]
        np.minimum.reduceat(values, firsts, axis=1, out=minima[part])
    return minima


@cache
def _permutations() -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Multipliers and summands of datasketch's permutations: uint32, shape (num_perm, 1)."""
    a, b = MinHash(num_perm=NUM_PERM, seed=SEED, scheme="affine32").permutations
    return a.astype(np.uint32)[:, None], b.astype(np.uint32)[:, None]


def _mix32(values: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The finalizer of MurmurHash3 (32 bits), which datasketch applies before its permutations. In place."""
    values ^= values >> np.uint32(16)
    values *= np.uint32(0x85EBCA6B)
    values ^= values >> np.uint32(13)
    values *= np.uint32(0xC2B2AE35)
    values ^= values >> np.uint32(16)
    return values
