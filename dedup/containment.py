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

from typing import Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from dedup.shingle import Shingles

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

_Kind = TypeVar("_Kind", np.uint16, np.uint32)
_Wide = TypeVar("_Wide", np.uint32, np.uint64)
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
    wide = np.uint32 if len(counts) < _N_VALUES else np.uint64  # half as long to sort
    texts = np.repeat((np.arange(len(counts), dtype=np.uint64) << np.uint64(16)).astype(wide), shingles.counts)
    below = np.flatnonzero(shingles.values < np.uint32(1 << (32 - SAMPLED_BITS)))
    samples = _by_text(texts[below] | shingles.values[below] >> _KEPT_BITS, len(counts), np.uint16)
    anchors = _by_text(_minima(shingles.values, shingles.counts), len(counts), np.uint32)
    return [
        Extract(one[:MOST_ANCHORS], other[:MOST_SAMPLED]) if n else NOTHING
        for one, other, n in zip(anchors, samples, counts.tolist(), strict=True)
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


def _by_text(packed: NDArray[_Wide], n: int, kind: type[_Kind]) -> list[NDArray[_Kind]]:
    """The values of each text as `kind`, ascending and each once; `packed` has the text above the bits of the value."""
    ordered = np.sort(packed)
    is_new = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=is_new[1:])
    ordered = ordered[is_new]
    after = np.arange(1, n + 1, dtype=np.uint64) << np.uint64(8 * np.dtype(kind).itemsize)
    ends: list[int] = np.searchsorted(ordered, after.astype(packed.dtype)).tolist()
    values = ordered.astype(kind)
    return [values[a:b] for a, b in zip([0, *ends], ends, strict=False)]


def _minima(values: NDArray[np.uint32], counts: NDArray[np.int64]) -> NDArray[np.uint64]:
    """The smallest hash of each window of each text, with the text above its 32 bits, in order; what follows itself is
    given once.
    """
    windows, ends = _windows(counts), np.cumsum(counts)
    minima, width, found = values.copy(), 1, [np.empty(0, np.uint64)]
    while width < LONGEST_WINDOW:
        np.minimum(minima[:-width], minima[width:], out=minima[:-width])
        width *= 2
        texts = np.flatnonzero((windows == width) & (counts >= width))
        if not len(texts):
            continue
        is_new = np.zeros(len(minima), np.bool_)
        np.not_equal(minima[1:], minima[:-1], out=is_new[1:])
        is_new[ends[texts] - counts[texts]] = True
        places = np.flatnonzero(is_new)
        last = np.full(len(counts), -1, np.int64)
        last[texts] = ends[texts] - width
        owners = np.searchsorted(ends, places, side="right")
        inside = places <= last[owners]
        places, owners = places[inside], owners[inside]
        found.append(owners.astype(np.uint64) << np.uint64(32) | minima[places])
    return np.concatenate(found)


def _windows(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The largest power of two up to a third of each text, within bounds."""
    return 1 << np.log2(np.clip(counts // WINDOW_SHARE, SHORTEST_WINDOW, LONGEST_WINDOW)).astype(np.int64)
