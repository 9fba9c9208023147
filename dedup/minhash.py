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
TEXTS_PER_CALL: Final = 64
"""Texts signed in one array operation: 16 a call are a third slower, 1 a call three times."""
POINTS_PER_CALL: Final = 1 << 18
"""Code points in one array operation at most, so that long texts do not multiply the memory."""


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
    if not len(filled):
        return signed
    firsts = (np.cumsum(shingles.counts) - shingles.counts)[filled]
    mixed = _mix32(shingles.values.copy())
    permuted = np.empty_like(mixed)
    for i, (a, b) in enumerate(_permutations()):
        np.multiply(mixed, a, out=permuted)
        permuted += b
        signed[filled, i] = np.minimum.reduceat(permuted, firsts)
    return signed


@cache
def _permutations() -> list[tuple[np.uint32, np.uint32]]:
    a, b = MinHash(num_perm=NUM_PERM, seed=SEED, scheme="affine32").permutations
    return list(zip(a.astype(np.uint32), b.astype(np.uint32), strict=True))


def _mix32(values: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The finalizer of MurmurHash3 (32 bits), which datasketch applies before its permutations. In place."""
    values ^= values >> np.uint32(16)
    values *= np.uint32(0x85EBCA6B)
    values ^= values >> np.uint32(13)
    values *= np.uint32(0xC2B2AE35)
    values ^= values >> np.uint32(16)
    return values
