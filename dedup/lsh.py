"""From a signature to the keys under which texts like it are found.

A signature is cut into bands of rows; two texts of Jaccard similarity J share at least one band key with
probability 1 - (1 - J**rows)**bands (Leskovec, Rajaraman, Ullman: Mining of Massive Datasets, 3.4.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class LshParams:
    """14 bands of 4 rows find 99.98 % of the pairs at J = .825, which is what 2 % of replaced words leave of a
    text in shingles of five, and 97.9 % of those at the bar of .7 (16 of 8: 97.9 % and 61 %). Runs of five words are
    so seldom shared by chance that hardly anything comes up for nothing, and verification drops it.
    """

    bands: int = 14
    rows: int = 4


MAX_BUCKET: Final = 128
"""Texts of one band key that a further one is compared with, the latest; a form letter sent a thousand times is
found by its latest copies."""
MAX_ANCHOR_BUCKET: Final = 8
"""The same for an anchor: a text that is reprinted more often is found by its latest reprints, and what more texts have
in common is what their pages have in common."""
_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)


def band_keys(signatures: NDArray[np.uint16], params: LshParams) -> NDArray[np.uint64]:
    """One 64-bit key for each band of each signature: uint64, shape (n_texts, bands). The band is part of the key.

    `signatures` are the low halves of MinHash values: uint16, shape (n_texts, num_perm).
    """
    n = len(signatures)
    slices = signatures[:, : params.bands * params.rows].reshape(n, params.bands, params.rows).astype(np.uint64)
    keys = np.broadcast_to(np.arange(1, params.bands + 1, dtype=np.uint64) * _MULTIPLIER, (n, params.bands)).copy()
    for row in range(params.rows):
        keys ^= slices[:, :, row]
        keys *= _MULTIPLIER
        keys ^= keys >> np.uint64(29)
    return keys


def pairs_in_common(keys: Sequence[NDArray[np.uint64]]) -> NDArray[np.int64]:
    """Pairs of texts with a band key in common: int64, shape (n_pairs, 2), the earlier text first, each pair once.

    `keys` are the band keys of each text; a text without any is in no pair.
    """
    counts = np.array([len(own) for own in keys], np.int64)
    flat = np.concatenate([np.empty(0, np.uint64), *keys])
    texts = np.repeat(np.arange(len(keys)), counts)
    order = np.lexsort((texts, flat))
    flat, texts = flat[order], texts[order]
    found = [np.empty(0, np.int64)]
    for distance in range(1, MAX_BUCKET + 1):
        same = np.flatnonzero(flat[distance:] == flat[:-distance])
        if not len(same):
            break
        found.append(np.unique(texts[same] * len(keys) + texts[same + distance]))
    pairs = np.unique(np.concatenate(found))
    return np.column_stack([pairs // max(1, len(keys)), pairs % max(1, len(keys))])
