"""The terms that a window of articles is told in: made of its articles and of what was told before, then kept, so that
later articles are read by the same.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup.errors import DedupError
from dedup.shingle import spread

_HEADER: Final = struct.Struct("<BQQ")
_VERSION: Final = 1
_SLOT_BITS: Final = 24
_NUMBER: Final = 4
"""Added to the halves of a term that are names, where it has a number."""


class VocabularyError(DedupError):
    """Bytes that are no vocabulary."""


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Terms by rising key (uint64; a word's is its hash, a pair's has the first word in the upper half), and what is
    known of each: `counts`, in how many of `n_articles` it is (uint32), `names`, how much of it is a name (float64: 0,
    .5 for one word of two, 1), and `is_number`, whether a word of it is a number (bool). Of words that one article says
    all are there, of pairs none.
    """

    n_articles: int
    keys: NDArray[np.uint64]
    counts: NDArray[np.uint32]
    names: NDArray[np.float64]
    is_number: NDArray[np.bool_]

    @cached_property
    def is_word(self) -> NDArray[np.bool_]:
        """Which terms are single words."""
        return np.asarray(self.keys >> np.uint64(32) == 0)

    @cached_property
    def is_fact(self) -> NDArray[np.bool_]:
        """Which terms are facts: names and numbers, or pairs of words with one."""
        return np.asarray((self.names > 0) | self.is_number)

    def is_kept(self, min_articles: int) -> NDArray[np.bool_]:
        """Which terms are words, or pairs of words of so many articles: others say nothing."""
        return np.asarray(self.is_word | (self.counts >= min_articles))

    def at(self, chosen: NDArray[np.bool_]) -> Vocabulary:
        """These terms alone."""
        return Vocabulary(
            self.n_articles, self.keys[chosen], self.counts[chosen], self.names[chosen], self.is_number[chosen]
        )

    def places(self, keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The place of each of these terms, and whether it is known; the place of one that is not says nothing."""
        places, is_known = np.zeros(len(keys), np.int64), np.zeros(len(keys), np.bool_)
        if len(self.keys):
            likely = np.flatnonzero(self._slots[spread(keys, _SLOT_BITS)])
            places[likely] = np.minimum(np.searchsorted(self.keys, keys[likely]), len(self.keys) - 1)
            is_known[likely] = self.keys[places[likely]] == keys[likely]
        return places, is_known

    @cached_property
    def _slots(self) -> NDArray[np.bool_]:
        """Where the keys fall: most terms that are not known fall elsewhere, and need not be looked for."""
        slots = np.zeros(1 << _SLOT_BITS, np.bool_)
        slots[spread(self.keys, _SLOT_BITS)] = True
        return slots

    def to_bytes(self) -> bytes:
        """Packed, for `from_bytes`."""
        gaps = np.diff(self.keys, prepend=np.uint64(0)).astype("<u8")
        kinds = (2 * self.names).astype(np.uint8) | np.where(self.is_number, np.uint8(_NUMBER), np.uint8(0))
        head = _HEADER.pack(_VERSION, self.n_articles, len(self.keys))
        return head + zlib.compress(gaps.tobytes() + self.counts.astype("<u4").tobytes() + kinds.tobytes(), 1)

    @classmethod
    def from_bytes(cls, packed: bytes) -> Vocabulary:
        """What `to_bytes` packed. Raises `VocabularyError` for other bytes or another version."""
        try:
            version, n_articles, n = _HEADER.unpack_from(packed)
            raw = zlib.decompress(packed[_HEADER.size :])
        except (struct.error, zlib.error) as error:
            raise VocabularyError(f"a vocabulary of {len(packed)} bytes: {error}") from error
        if version != _VERSION or len(raw) != 13 * n:
            raise VocabularyError(f"a vocabulary of version {version} with {len(raw)} bytes")
        keys = np.cumsum(np.frombuffer(raw, "<u8", n), dtype=np.uint64)
        counts = np.frombuffer(raw, "<u4", n, 8 * n).astype(np.uint32)
        kinds = np.frombuffer(raw, np.uint8, n, 12 * n)
        return cls(n_articles, keys, counts, (kinds & np.uint8(_NUMBER - 1)) / 2, kinds & np.uint8(_NUMBER) > 0)
