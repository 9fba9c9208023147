"""From a text's shingles to what finds, and measures, that one text is contained in another.

At a third of a longer page a reprinted text has a Jaccard similarity of .33 with it, which no banding finds. Two
samples of its shingles do, both of them functions of the text alone:

*Anchors* are chosen by winnowing (Schleimer, Wilkerson, Aiken 2003): of each run of `window` shingles the one with the
smallest hash. An anchor of a long window is also one of every shorter window around it. So two texts that share a run
of words longer than the longer text's window have an anchor in common, whatever surrounds it.

The *sample* is every shingle whose hash is below a threshold, kept as 16 bits in order: of a text A whose sample has n
shingles, the share that is in B's sample as well estimates the containment C of A in B with standard error
sqrt(C (1 - C) / n) (Broder 1997).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.compiled import compiled
from dedup.shingle import Shingles, split

SAMPLED_BITS: Final = 2
"""One shingle in 2**2 is in the sample: 100 of a text of 400 words, a standard error of .03 at C = .9."""
MOST_SAMPLED: Final = 2_048
LEAST_SHINGLES: Final = 40
"""A shorter text is neither contained in another nor contains one: a notice or a quotation is no reprint."""
WINDOW_SHARE: Final = 3
SHORTEST_WINDOW: Final = 8
LONGEST_WINDOW: Final = 128
"""Windows are powers of two, at most a third of the text and this."""
MOST_ANCHORS: Final = 256
"""Of a longread the anchors of smallest hash."""

_SAMPLED_BELOW: Final = np.uint32(1 << (32 - SAMPLED_BITS))
_KEPT_BITS: Final = np.uint32(32 - SAMPLED_BITS - 16)
_KEY_SALT: Final = np.uint64(0xD6E8FEB86659FD93)
_N_VALUES: Final = 1 << 16


class Extract(NamedTuple):
    """What is kept of one text's shingles: `anchors`, uint32, shape (n_anchors,), and `sample`, uint16, shape
    (n_sampled,), both ascending and without repeats.
    """

    anchors: NDArray[np.uint32]
    sample: NDArray[np.uint16]


NOTHING: Final = Extract(np.empty(0, np.uint32), np.empty(0, np.uint16))


def extract(shingles: Shingles) -> list[Extract]:
    """Anchors and sample of each text."""
    counts = np.where(shingles.counts >= LEAST_SHINGLES, shingles.counts, 0)
    anchors = np.empty(np.minimum(counts, MOST_ANCHORS).sum(), np.uint32)
    samples = np.empty(np.minimum(counts, MOST_SAMPLED).sum(), np.uint16)
    n_anchors, n_sampled = _extract(shingles.values, shingles.counts, anchors, samples)
    return [
        Extract(one, other) if n else NOTHING
        for one, other, n in zip(split(anchors, n_anchors), split(samples, n_sampled), counts.tolist(), strict=True)
    ]


def anchor_keys(anchors: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """One 64-bit key for each anchor: uint64, shape (n_anchors,)."""
    keys = anchors.astype(np.uint64) + np.uint64(1) << np.uint64(17)
    keys *= _KEY_SALT
    keys ^= keys >> np.uint64(29)
    keys *= _KEY_SALT
    return np.asarray(keys ^ keys >> np.uint64(32))


def contained(sample: NDArray[np.uint16], other: NDArray[np.uint16]) -> tuple[float, int]:
    """The share of a text's sample that is in another's, and how many shingles that share is of.

    A text too long for `MOST_SAMPLED` has a sample of smaller hashes only; then as many of the other's count.
    """
    least = min(_top(sample), _top(other))
    own = sample[: np.searchsorted(sample, least)]
    if not len(own) or not len(other):
        return 0.0, len(own)
    places = np.minimum(np.searchsorted(other, own), len(other) - 1)
    return float(np.count_nonzero(other[places] == own)) / len(own), len(own)


def _top(sample: NDArray[np.uint16]) -> int:
    """Below this value the sample is complete."""
    return _N_VALUES if len(sample) < MOST_SAMPLED else int(sample[-1]) + 1


@compiled
def _extract(
    values: NDArray[np.uint32], counts: NDArray[np.int64], anchors: NDArray[np.uint32], samples: NDArray[np.uint16]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Puts the anchors and the samples of texts one after the other; returns how many each text has."""
    n_anchors, n_sampled = np.zeros(len(counts), np.int64), np.zeros(len(counts), np.int64)
    start = n = m = 0
    for text in range(len(counts)):
        own = values[start : start + counts[text]]
        start += counts[text]
        if len(own) >= LEAST_SHINGLES:
            n_anchors[text] = _put_anchors(own, anchors[n : n + MOST_ANCHORS])
            n_sampled[text] = _put_sample(own, samples[m : m + MOST_SAMPLED])
            n += n_anchors[text]
            m += n_sampled[text]
    return n_anchors, n_sampled


@compiled
def _put_anchors(values: NDArray[np.uint32], anchors: NDArray[np.uint32]) -> int:
    """Puts in order the smallest value of each window, each once, as many as there is room for; returns how many.

    The smallest of 2 n values is the smaller of those of n and of the next n.
    """
    window, minima, width, n = _window(len(values)), values, 1, 0
    while width < window:
        minima = np.minimum(minima[:-width], minima[width:])
        width *= 2
    for i in range(len(minima)):
        if i == 0 or minima[i] != minima[i - 1]:
            n = _insert(minima[i], anchors, n)
    return n


@compiled
def _window(n: int) -> int:
    """The largest power of two up to a third of a text, within bounds."""
    window = SHORTEST_WINDOW
    while 2 * window <= min(n // WINDOW_SHARE, LONGEST_WINDOW):
        window *= 2
    return window


@compiled
def _insert(value: np.uint32, ordered: NDArray[np.uint32], n: int) -> int:
    """Puts a value among the first n, which are ascending, unless it is there, or there is no room and it is larger
    than all of them; returns how many they are then.
    """
    place = n
    while place > 0 and ordered[place - 1] > value:
        place -= 1
    if place == len(ordered) or (place > 0 and ordered[place - 1] == value):
        return n
    n = min(n + 1, len(ordered))
    for i in range(n - 1, place, -1):
        ordered[i] = ordered[i - 1]
    ordered[place] = value
    return n


@compiled
def _put_sample(values: NDArray[np.uint32], sample: NDArray[np.uint16]) -> int:
    """Puts in order the values that are sampled, each once, as many as there is room for; returns how many."""
    sampled, n = np.empty(len(values), np.uint16), 0
    for value in values:
        sampled[n] = value >> _KEPT_BITS
        n += int(value < _SAMPLED_BELOW)
    n_put = 0
    for value in _in_order(sampled[:n]):
        if n_put < len(sample) and (n_put == 0 or sample[n_put - 1] != value):
            sample[n_put] = value
            n_put += 1
    return n_put


@compiled
def _in_order(values: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """The values ascending: by their lower bytes, and then, those of the same one in that order, by their upper."""
    for shift in (0, 8):
        starts, ordered = np.zeros(257, np.int64), np.empty_like(values)
        for value in values:
            starts[(value >> shift & 255) + 1] += 1
        for byte in range(256):
            starts[byte + 1] += starts[byte]
        for value in values:
            ordered[starts[value >> shift & 255]] = value
            starts[value >> shift & 255] += 1
        values = ordered
    return values
