"""In how many articles each term has been: what a stream told before the window, without its texts.

A window of a small stream holds too few articles to know its common words; what has left it says which they are.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup.errors import DedupError

MOST_TERMS: Final = 2_000_000
"""Terms kept; of more, the rarest go. They take 12 bytes each in memory and about 8 packed."""
MOST_ARTICLES: Final = 200_000
"""Articles from which all counts are halved: what was common years ago says less than what is."""
_HEADER: Final = struct.Struct("<BQQ")
_VERSION: Final = 1


class FrequenciesError(DedupError):
    """Bytes that are no document frequencies."""


@dataclass(frozen=True, slots=True, eq=False)
class Frequencies:
    """How many of `n_articles` have each of `keys` (uint64, ascending): `counts`, uint32, shape (n_terms,)."""

    n_articles: int
    keys: NDArray[np.uint64]
    counts: NDArray[np.uint32]

    def of(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """How many articles have each of these terms: int64, shape (len(keys),)."""
        if not len(self.keys):
            return np.zeros(len(keys), np.int64)
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[place] == keys, self.counts[place], 0).astype(np.int64)

    def changed(self, added: Iterable[NDArray[np.uint32]], removed: Iterable[NDArray[np.uint32]]) -> Frequencies:
        """With the articles of these content words counted, and those of others no longer."""
        more, less = ([np.unique(term_keys(hashes)) for hashes in articles] for articles in (added, removed))
        if not more and not less:
            return self
        signs = np.repeat([1, -1], [sum(map(len, more)), sum(map(len, less))])
        told, which = np.unique(np.concatenate([*more, *less]), return_inverse=True)
        change = np.bincount(which, signs, len(told)).astype(np.int64)
        counts = np.maximum(self.of(told) + change, 0)
        place = np.searchsorted(self.keys, told)
        is_new = (place == len(self.keys)) | (np.append(self.keys, told[:1])[place] != told)
        merged = self.counts.copy()
        merged[place[~is_new]] = counts[~is_new]
        keys = np.insert(self.keys, place[is_new], told[is_new])
        merged = np.insert(merged, place[is_new], counts[is_new].astype(np.uint32))
        kept = merged > 0
        return Frequencies(max(0, self.n_articles + len(more) - len(less)), keys[kept], merged[kept])

    def bounded(self) -> Frequencies:
        """No larger than what is kept of a long stream."""
        n_articles, counts = self.n_articles, self.counts
        if n_articles > MOST_ARTICLES:
            n_articles, counts = n_articles // 2, counts // 2
        least = 1
        while np.count_nonzero(counts >= least) > MOST_TERMS:
            least += 1
        kept = counts >= least
        return Frequencies(n_articles, self.keys[kept], counts[kept])

    def to_bytes(self) -> bytes:
        """Packed, for `from_bytes`."""
        head = _HEADER.pack(_VERSION, self.n_articles, len(self.keys))
        gaps = np.diff(self.keys, prepend=np.uint64(0)).astype("<u8")
        return head + zlib.compress(gaps.tobytes() + self.counts.astype("<u4").tobytes(), 1)

    @classmethod
    def from_bytes(cls, packed: bytes) -> Frequencies:
        """What `to_bytes` packed. Raises `FrequenciesError` for other bytes or another version."""
        try:
            version, n_articles, n_terms = _HEADER.unpack_from(packed)
            raw = zlib.decompress(packed[_HEADER.size :])
        except (struct.error, zlib.error) as error:
            raise FrequenciesError(f"document frequencies of {len(packed)} bytes: {error}") from error
        if version != _VERSION or len(raw) != 12 * n_terms:
            raise FrequenciesError(f"document frequencies of version {version} with {len(raw)} bytes")
        keys = np.cumsum(np.frombuffer(raw, "<u8", n_terms), dtype=np.uint64)
        return cls(n_articles, keys, np.frombuffer(raw, "<u4", n_terms, 8 * n_terms).astype(np.uint32))


NO_FREQUENCIES: Final = Frequencies(0, np.zeros(0, np.uint64), np.zeros(0, np.uint32))


def term_keys(hashes: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """Content words and pairs of consecutive ones, as one kind of key."""
    return np.concatenate([hashes.astype(np.uint64), pair_keys(hashes[:-1], hashes[1:])])


def pair_keys(firsts: NDArray[np.uint32], seconds: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """The keys of two words in a row each."""
    return firsts.astype(np.uint64) << np.uint64(32) | seconds
