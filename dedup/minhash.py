"""MinHash signatures: datasketch's own, by a compiled loop over shingles and permutations.

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

from dedup.compiled import compiled
from dedup.shingle import Shingles, shingle
from dedup.text import normalise

NUM_PERM: Final = 128
SEED: Final = 1
TEXTS_PER_CALL: Final = 128
"""Texts signed in one call: of 450 words, 16 a call are a twelfth slower, 4 take 1.4 times as long and 1 2.7 times; of
150 words, 16 a call are a third slower."""
POINTS_PER_CALL: Final = 1 << 18
"""Code points in one call at most, so that long texts do not multiply the memory."""
_LARGEST: Final = np.uint32(2**32 - 1)


def signatures(texts: Sequence[str]) -> NDArray[np.uint32]:
    """Signatures of raw texts: uint32, shape (n_texts, num_perm). A text without words has all places 2**32 - 1."""
    signed = np.empty((len(texts), NUM_PERM), np.uint32)
    start = 0
    for batch in batches([normalise(text) for text in texts]):
        signed[start : start + len(batch)] = sign(shingle(batch))
        start += len(batch)
    return signed


def batches(normalised: Sequence[str]) -> list[Sequence[str]]:
    """The texts cut into runs that are worth one call each."""
    cuts, points = [0], 0
    for i, text in enumerate(normalised):
        if i > cuts[-1] and (i - cuts[-1] == TEXTS_PER_CALL or points + len(text) > POINTS_PER_CALL):
            cuts.append(i)
            points = 0
        points += len(text)
    return [normalised[a:b] for a, b in zip(cuts, [*cuts[1:], len(normalised)], strict=True) if b > a]


def sign(shingles: Shingles) -> NDArray[np.uint32]:
    """Signatures of shingled texts: uint32, shape (n_texts, num_perm)."""
    return _minima(shingles.values, shingles.counts, *_permutations())


@cache
def _permutations() -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Multipliers and summands of datasketch's permutations: uint32, shape (num_perm,)."""
    a, b = MinHash(num_perm=NUM_PERM, seed=SEED, scheme="affine32").permutations
    return a.astype(np.uint32), b.astype(np.uint32)


@compiled
def _minima(
    values: NDArray[np.uint32], counts: NDArray[np.int64], a: NDArray[np.uint32], b: NDArray[np.uint32]
) -> NDArray[np.uint32]:
    """The smallest value each permutation takes in each text: uint32, shape (n_texts, num_perm)."""
    minima = np.full((len(counts), len(a)), _LARGEST, np.uint32)
    mixed, start = np.empty_like(values), 0
    for i in range(len(values)):
        mixed[i] = _mix32(values[i])
    for text in range(len(counts)):
        _lower(minima[text], mixed[start : start + counts[text]], a, b)
        start += counts[text]
    return minima


@compiled
def _lower(
    minima: NDArray[np.uint32], values: NDArray[np.uint32], a: NDArray[np.uint32], b: NDArray[np.uint32]
) -> None:
    """Lowers the minima to these values: four of them to each minimum at once, the last one again where there are
    fewer. All is of 32 bits, so that the processor does many permutations in one step.
    """
    last = len(values) - 1
    for i in range(0, len(values), 4):
        one, two, three, four = values[i], values[min(i + 1, last)], values[min(i + 2, last)], values[min(i + 3, last)]
        for j in range(len(minima)):
            first = min(np.uint32(np.uint32(a[j] * one) + b[j]), np.uint32(np.uint32(a[j] * two) + b[j]))
            second = min(np.uint32(np.uint32(a[j] * three) + b[j]), np.uint32(np.uint32(a[j] * four) + b[j]))
            minima[j] = min(minima[j], first, second)


@compiled
def _mix32(value: np.uint32) -> np.uint32:
    """The finalizer of MurmurHash3 (32 bits), which datasketch applies before its permutations."""
    value = np.uint32(value ^ value >> np.uint32(16))
    value = np.uint32(value * np.uint32(0x85EBCA6B))
    value = np.uint32(value ^ value >> np.uint32(13))
    value = np.uint32(value * np.uint32(0xC2B2AE35))
    return np.uint32(value ^ value >> np.uint32(16))
