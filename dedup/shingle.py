"""Hashes of runs of consecutive words, a whole batch of texts at a time.

The texts are laid end to end as one array of code points; words, their hashes and the shingles are found by
array operations over it, so that the cost is by the letter and not by the call.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import regex
from numpy.typing import NDArray

from dedup.text import SPACELESS, WORD

SHINGLE_WORDS: Final = 5
"""Words in a shingle; a text with fewer words is one shingle of all of them."""

_SEPARATOR, _LETTER, _ALONE = 0, 1, 2
_N_CODE_POINTS: Final = 0x110000
_ASSIGNED: Final = ((0, 0x40000), (0xE0000, 0xE1000))
"""Planes that have letters or marks at all."""
_BASE: Final = np.uint64(0x9E3779B97F4A7C15)
_INVERSE_BASE: Final = np.uint64(pow(int(_BASE), -1, 1 << 64))
_N_KEPT_POWERS: Final = 1 << 20
_PLACES: Final = np.array(
    [0x9FB21C651E98DF25, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F, 0xE7037ED1A0B428DB, 0x8EBC6AF09C88C6E3], np.uint64
)
"""An odd multiplier for each place in a shingle, so that the order of its words counts."""


@dataclass(frozen=True, slots=True, eq=False)
class Shingles:
    """The shingles of a batch of texts.

    `values`: uint32, shape (n shingles of all texts,), text after text, repeats included.
    `counts`: int64, shape (n texts,), how many of `values` are of each text.
    `n_words`: int64, shape (n texts,).
    `content_hashes`: 16 bytes for each text; two texts have the same if and only if they have the same words
    in the same order (a collision of the underlying hashes aside).
    """

    values: NDArray[np.uint32]
    counts: NDArray[np.int64]
    n_words: NDArray[np.int64]
    content_hashes: tuple[bytes, ...]


def shingle(normalised: Sequence[str]) -> Shingles:
    """The shingles of texts that `dedup.text.normalise` has been through."""
    words, n_words = word_hashes(normalised)
    values, counts = _combine(words, n_words)
    ends = np.cumsum(n_words)
    contents = words.astype("<u8", copy=False)
    hashes = tuple(
        hashlib.blake2b(contents[end - n : end].tobytes(), digest_size=16).digest()
        for end, n in zip(ends.tolist(), n_words.tolist(), strict=True)
    )
    return Shingles(values, counts, n_words, hashes)


def mix64(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finalizer of MurmurHash3 (64 bits): every bit of the input moves every bit of the output. In place."""
    values ^= values >> np.uint64(33)
    values *= np.uint64(0xFF51AFD7ED558CCD)
    values ^= values >> np.uint64(33)
    values *= np.uint64(0xC4CEB9FE1A85EC53)
    values ^= values >> np.uint64(33)
    return values


def word_hashes(normalised: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Hashes of all words in order: uint64, shape (n words,), and the number of words in each text, int64.

    A word's hash is the polynomial in `_BASE` of its letters' values, taken as a difference of prefix sums.
    """
    points = _code_points("\n".join((*normalised, "")))
    classes = _classes()[points]
    starts, ends = _word_bounds(classes)
    text_ends = np.cumsum(np.fromiter((len(text) + 1 for text in normalised), np.int64, len(normalised)))
    n_words = np.diff(np.searchsorted(starts, text_ends), prepend=0)
    powers, inverse_powers = _powers(len(points))
    prefix = _letter_values()[points]
    prefix *= powers
    np.cumsum(prefix, out=prefix)
    words = prefix[ends - 1]
    words -= np.where(starts > 0, prefix[starts - 1], np.uint64(0))
    words *= inverse_powers[starts]
    return mix64(words), n_words.astype(np.int64)


def _code_points(text: str) -> NDArray[np.uint8] | NDArray[np.uint32]:
    if text.isascii():
        return np.frombuffer(text.encode("ascii"), np.uint8)
    return np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), np.uint32)


def _word_bounds(classes: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where words start and where they end (exclusive). The text ends in a separator."""
    letter = classes == _LETTER
    alone = classes == _ALONE
    starts, ends = alone.copy(), np.zeros(len(classes) + 1, bool)
    starts[:1] |= letter[:1]
    starts[1:] |= letter[1:] & ~letter[:-1]
    ends[1:] = alone
    ends[1:-1] |= letter[:-1] & ~letter[1:]
    return np.flatnonzero(starts), np.flatnonzero(ends)


def _combine(words: NDArray[np.uint64], n_words: NDArray[np.int64]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """uint32 shingles of all texts and their number in each; a text of 1 to 4 words is one shingle."""
    padded = np.concatenate([words, np.zeros(SHINGLE_WORDS - 1, np.uint64)])
    ends = np.cumsum(n_words)
    left = np.repeat(ends, n_words) - np.arange(len(words))
    whole = np.minimum(np.repeat(n_words, n_words), SHINGLE_WORDS)
    kept = np.flatnonzero(left >= whole)
    total = np.zeros(len(kept), np.uint64)
    for place, multiplier in enumerate(_PLACES):
        word = padded[kept + place] * multiplier
        if place:
            word[whole[kept] <= place] = 0
        total += word
    counts = np.where(n_words > 0, np.maximum(n_words - SHINGLE_WORDS + 1, 1), 0)
    return (mix64(total) >> np.uint64(32)).astype(np.uint32), counts


@cache
def _classes() -> NDArray[np.uint8]:
    """What each code point is to a word, by the very expressions `dedup.text` uses; shape (0x110000,)."""
    classes = np.zeros(_N_CODE_POINTS, np.uint8)
    for first, last in _ASSIGNED:
        every = "".join(map(chr, range(first, last)))
        for match in WORD.finditer(every):
            classes[first + match.start() : first + match.end()] = _LETTER
        for match in regex.finditer(rf"[{SPACELESS}]+", every, regex.V1):
            classes[first + match.start() : first + match.end()] = _ALONE
    return classes


@cache
def _letter_values() -> NDArray[np.uint64]:
    """A random-looking value for each code point, shape (0x110000,); 0 for what is no part of a word."""
    values = mix64(np.arange(1, _N_CODE_POINTS + 1, dtype=np.uint64) * _BASE)
    values[_classes() == _SEPARATOR] = 0
    return values


def _powers(n: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The first n powers of the base and of its inverse, modulo 2**64."""
    powers, inverse_powers = _kept_powers() if n <= _N_KEPT_POWERS else _power_tables(n)
    return powers[:n], inverse_powers[:n]


@cache
def _kept_powers() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    return _power_tables(_N_KEPT_POWERS)


def _power_tables(n: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    return _powers_of(_BASE, n), _powers_of(_INVERSE_BASE, n)


def _powers_of(base: np.uint64, n: int) -> NDArray[np.uint64]:
    factors = np.full(n, base, np.uint64)
    factors[0] = 1
    return np.multiply.accumulate(factors)
