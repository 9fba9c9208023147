"""Hashes of runs of consecutive words, a whole batch of texts at a time.

The texts are laid end to end as UTF-8 bytes. Compiled loops say of each byte what it is to a word, find where words
begin and end, and hash them eight bytes at a time: no string is made of a word.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeVar

import numpy as np
import regex
from numpy.typing import NDArray

from dedup.compiled import compiled
from dedup.text import SPACELESS, WORD

_Kind = TypeVar("_Kind", bound=np.generic)

SHINGLE_WORDS: Final = 5
"""Words in a shingle; a text with fewer words is one shingle of all of them."""

_SEPARATOR, _LETTER, _ALONE = 0, 1, 2
_N_CODE_POINTS: Final = 0x110000
_ASSIGNED: Final = ((0, 0x40000), (0xE0000, 0xE1000))
"""Planes that have letters or marks at all."""
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_CASE, _A, _ZERO = np.uint8(0x20), np.uint8(ord("a")), np.uint8(ord("0"))
_N_LETTERS, _N_DIGITS = np.uint8(26), np.uint8(10)
_BEYOND_ASCII: Final = np.uint64(0x8080808080808080)
_FIRST_OF_TWO, _FIRST_OF_THREE, _FIRST_OF_FOUR = 0xC0, 0xE0, 0xF0
"""The first byte, at least, of a letter of so many bytes in UTF-8."""
_CHUNK_BYTES: Final = 8
_LONG_BYTES: Final = 64
"""A word of more bytes is hashed by BLAKE2b; hashes are kept, so that it stays so."""
_BYTES_AT_ONCE: Final = 1 << 12
"""Bytes among which the bounds of words are found before the words are hashed."""
_KEPT_BYTES: Final = 1 << 24
"""More than all arrays of one call take together."""
_LONGEST_LETTER: Final = 4
_ALL_LETTERS: Final = 1 << 62
_CONTENT_BYTES: Final = 16
_ONE, _OTHER = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
"""The odd multipliers of the finalizer of MurmurHash3."""
_ALL_BITS: Final = np.uint64(2**64 - 1)
_HALF: Final = np.uint64(32)
_LINE_END, _SPACE, _QUOTE, _DASH = (np.uint8(ord(letter)) for letter in '\n "-')
_STOP: Final = np.frombuffer("。".encode(), np.uint8)
_PLACES: Final = np.array([1, 0xB5297A4B, 0x68E31DA5, 0xB5297A4B * 0x68E31DA5 % 2**32, 0x1B56C4E9], np.uint32)
"""The odd multipliers of the places of a shingle: all differ, and no two by a multiple of 16, so that the order of
words counts."""


@dataclass(frozen=True, slots=True, eq=False)
class Shingles:
    """The shingles of a batch of texts.

    `values`: uint32, shape (n shingles of all texts,), text after text, repeats included.
    `counts`: int64, shape (n texts,), how many of `values` are of each text.
    `words`: uint64, shape (n words of all texts,), the hashes of the words, text after text.
    `n_words`: int64, shape (n texts,), how many of `words` are of each text.
    """

    values: NDArray[np.uint32]
    counts: NDArray[np.int64]
    words: NDArray[np.uint64]
    n_words: NDArray[np.int64]

    def content_hashes(self) -> list[bytes]:
        """16 bytes for each text; two texts have the same if and only if they have the same words in the same order
        (collisions of the underlying hashes aside).
        """
        packed = _hash_contents(self.words, self.n_words).astype("<u8", copy=False).tobytes()
        return [packed[place : place + _CONTENT_BYTES] for place in range(0, len(packed), _CONTENT_BYTES)]

    def replaced(self, places: Sequence[int], others: Shingles) -> Shingles:
        """The same batch with other texts at these places."""
        values, words = split(self.values, self.counts), split(self.words, self.n_words)
        counts, n_words = self.counts.copy(), self.n_words.copy()
        counts[places], n_words[places] = others.counts, others.n_words
        other_values, other_words = split(others.values, others.counts), split(others.words, others.n_words)
        for place, own_values, own_words in zip(places, other_values, other_words, strict=True):
            values[place], words[place] = own_values, own_words
        return Shingles(np.concatenate(values), counts, np.concatenate(words), n_words)


def split(flat: NDArray[_Kind], counts: NDArray[np.int64]) -> list[NDArray[_Kind]]:
    """What is of each text, of an array that has all texts' one after the other."""
    ends: list[int] = np.cumsum(counts).tolist()
    return [flat[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def spans(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """All places of spans that begin at `starts`, one span after the other."""
    return np.asarray(np.arange(lengths.sum()) + np.repeat(starts - np.cumsum(lengths) + lengths, lengths))


def packed_arrays(arrays: Sequence[NDArray[_Kind]], kind: str, per: int = 1) -> list[bytes]:
    """The bytes of each array under a dtype, or of each run of `per` arrays, all made at once."""
    if not arrays:
        return []
    flat = np.concatenate(arrays).astype(kind, copy=False)
    lengths = np.fromiter(map(len, arrays), np.int64, len(arrays))
    ends: list[int] = (np.cumsum(lengths)[per - 1 :: per] * flat.itemsize).tolist()
    packed = flat.tobytes()
    return [packed[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def shingle(normalised: Sequence[str]) -> Shingles:
    """The shingles of texts that `dedup.text.normalise` has been through."""
    words, n_words = word_hashes(normalised)
    values, counts = _combine(words, n_words)
    return Shingles(values, counts, words, n_words)


def word_hashes(normalised: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Hashes of all words in order: uint64, shape (n words,), and the number of words in each text, int64.

    A word's hash is a function of its UTF-8 bytes alone, whatever text and batch it is in.
    """
    return _read(normalised, None)


AFTER_SENTENCE: Final = 1
"""Before the word a sentence ends: a full stop, exclamation or question mark, and a space after it."""
AFTER_LINE: Final = 2
"""Before the word a line ends."""
DIGIT: Final = 4
"""The word begins with a digit."""
RUNS_ON: Final = 8
"""The word is one letter of a script without spaces, and so is the next, which follows at once."""
AFTER_PAUSE: Final = 16
"""Between the word and the one before it there is a comma, a colon, a semicolon, a bracket or a dash."""


def located_words(normalised: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.uint8]]:
    """As `word_hashes`, and what each word is preceded by and begins with, as a sum of the constants above."""
    places = np.zeros(sum(map(len, normalised)), np.uint8)
    words, n_words = _read(normalised, places)
    return words, n_words, places[: len(words)].copy()


def stem_hashes(normalised: Sequence[str], n_letters: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """As `word_hashes`, of the first letters of each word."""
    return _read(normalised, None, n_letters)


@dataclass(frozen=True, slots=True, eq=False)
class KnownWords:
    """The hashes of some words, ascending, to find them among those of texts: a table of their first bits says where
    those that begin so are, so that nothing is searched for.

    `first`: int32, shape (2**table_bits,), the place in `hashes` of the first word with these bits, -1 for none.
    `deepest`: how many words at most begin with the same bits.
    """

    hashes: NDArray[np.uint64]
    first: NDArray[np.int32]
    shift: np.uint64
    deepest: int

    @classmethod
    def of(cls, hashes: NDArray[np.uint64], table_bits: int) -> KnownWords:
        """Those words; a table of 2**table_bits entries."""
        ordered, shift = np.unique(hashes), np.uint64(64 - table_bits)
        bits, places, counts = np.unique(ordered >> shift, return_index=True, return_counts=True)
        first = np.full(1 << table_bits, -1, np.int32)
        first[bits.astype(np.int64)] = places
        return cls(ordered, first, shift, int(counts.max()))

    def find(self, words: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where known words are among these, and the place of each in `hashes`."""
        return _find_known(words, self.hashes, self.first, self.shift, self.deepest)


@compiled
def mix64(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Numbers, shape (n,), each through `_mixed`. In place."""
    for i in range(len(values)):
        values[i] = _mixed(values[i])
    return values


def spread(values: NDArray[np.uint64], bits: int) -> NDArray[np.int64]:
    """Places of numbers in a table of 2**bits entries, by Knuth's multiplicative hashing (2**64 over the golden ratio):
    by such a table most numbers that are not looked for are told at once.
    """
    return (values * _GOLDEN >> np.uint64(64 - bits)).view(np.int64)


@cache
def _keep_freed_memory() -> None:
    """Has the C library keep the memory of one call for the next, once for the process.

    glibc hands freed memory back to the system until it has seen a large array come and go (mallopt(3),
    M_MMAP_THRESHOLD); fetching it again, page by page, took 40 % of the time of a signature. Elsewhere
    this does nothing.
    """
    np.empty(_KEPT_BYTES, np.uint8)


def _read(
    texts: Sequence[str], places: NDArray[np.uint8] | None, n_letters: int = _ALL_LETTERS
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The hashes of the first letters of the texts' words, and the number of words in each text. `places` takes what
    `located_words` says of each word.
    """
    _keep_freed_memory()
    encoded = [text.encode("utf-8", errors="surrogatepass") for text in texts]
    data = b"\n".join((b"", *encoded, b"\n" * 2 * _CHUNK_BYTES))  # so that there are two chunks from every word on
    letters = np.frombuffer(data, np.uint8)
    chunks = np.frombuffer(data, "<u8", len(data) // _CHUNK_BYTES).astype(np.uint64, copy=False)
    kinds = _ascii_kinds(letters)
    if not data.isascii():
        _mark_beyond_ascii(kinds, letters, chunks, _classes())
    n_words = _count_words(kinds, np.array([len(text) for text in encoded], np.int64))
    words = np.empty(n_words.sum(), np.uint64)
    longer = np.empty((len(data) // _LONG_BYTES, 3), np.int64)
    n_longer = _hash_words(letters, chunks, kinds, n_letters, words, longer, places)
    for word, start, end in longer[:n_longer].tolist():
        words[word] = int.from_bytes(hashlib.blake2b(data[start:end], digest_size=8).digest(), "little")
    return words, n_words


@compiled
def _ascii_kinds(letters: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`_LETTER` for each byte that is an ASCII letter or digit, `_SEPARATOR` for all others."""
    kinds = np.empty(len(letters), np.uint8)
    for i in range(len(letters)):
        is_letter = np.uint8((letters[i] | _CASE) - _A) < _N_LETTERS
        kinds[i] = is_letter | (np.uint8(letters[i] - _ZERO) < _N_DIGITS)
    return kinds


@compiled
def _mark_beyond_ascii(
    kinds: NDArray[np.uint8], letters: NDArray[np.uint8], chunks: NDArray[np.uint64], classes: NDArray[np.uint8]
) -> None:
    """Gives the bytes of letters beyond ASCII the class of their code point; those that are words alone in turns
    `_ALONE` and one more, so that the kind changes wherever a word begins or ends.
    """
    turn = 0
    for chunk in range(len(chunks)):
        if not chunks[chunk] & _BEYOND_ASCII:
            continue
        for place in range(chunk * _CHUNK_BYTES, (chunk + 1) * _CHUNK_BYTES):
            if letters[place] < _FIRST_OF_TWO:
                continue
            size = 2 + int(letters[place] >= _FIRST_OF_THREE) + int(letters[place] >= _FIRST_OF_FOUR)
            kind = int(classes[_point(letters, place, size)])
            if kind == _ALONE:
                kind += turn
                turn = 1 - turn
            for i in range(place, place + size):
                kinds[i] = kind


@compiled
def _point(letters: NDArray[np.uint8], place: int, size: int) -> int:
    """The code point that has these bytes in UTF-8."""
    point = int(letters[place]) & (0x7F >> size)
    for i in range(place + 1, place + size):
        point = point << 6 | (int(letters[i]) & 0x3F)
    return point


@compiled
def _count_words(kinds: NDArray[np.uint8], n_bytes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The number of words in each text; `n_bytes` are the texts', each of which is between two separators."""
    n_words = np.zeros(len(n_bytes), np.int64)
    start = 1
    for text in range(len(n_bytes)):
        own, before, n = kinds[start : start + n_bytes[text]], kinds[start - 1 : start + n_bytes[text] - 1], 0
        for i in range(len(own)):
            n += int((own[i] != _SEPARATOR) & (own[i] != before[i]))
        n_words[text] = n
        start += n_bytes[text] + 1
    return n_words


@compiled
def _hash_words(
    letters: NDArray[np.uint8],
    chunks: NDArray[np.uint64],
    kinds: NDArray[np.uint8],
    n_letters: int,
    words: NDArray[np.uint64],
    longer: NDArray[np.int64],
    places: NDArray[np.uint8] | None,
) -> int:
    """Puts the hash of each word's first letters into `words`; of those too long for that the number, the start and the
    end into `longer`. Returns how many these are.
    """
    bounds = np.empty(_BYTES_AT_ONCE, np.int64)
    n = n_longer = start = before = 0
    was_alone = False
    for first in range(1, len(kinds), _BYTES_AT_ONCE):
        n_bounds = _find_bounds(kinds, first, min(first + _BYTES_AT_ONCE, len(kinds)), bounds)
        for end in bounds[:n_bounds]:
            if kinds[start] != _SEPARATOR:
                cut = _cut(letters, start, end, n_letters)
                if cut - start <= _LONG_BYTES:
                    words[n] = _hash(chunks, start, cut)
                else:
                    longer[n_longer, 0], longer[n_longer, 1], longer[n_longer, 2] = n, start, cut
                    n_longer += 1
                if places is not None:
                    places[n] = _place(letters, before, start)
                    is_alone = letters[start] >= _FIRST_OF_THREE and end - start <= _LONGEST_LETTER
                    if was_alone and is_alone and before == start:
                        places[n - 1] |= RUNS_ON
                    was_alone, before = is_alone, end
                n += 1
            start = end
    return n_longer


@compiled
def _find_bounds(kinds: NDArray[np.uint8], first: int, last: int, bounds: NDArray[np.int64]) -> int:
    """Finds the bytes from `first` up to `last` that are of another kind than the one before; returns how many."""
    own, before, n = kinds[first:last], kinds[first - 1 : last - 1], np.uint64(0)
    for i in range(len(own)):
        bounds[n] = first + i
        n += np.uint64(own[i] != before[i])
    return int(n)


@compiled
def _cut(letters: NDArray[np.uint8], start: int, end: int, n_letters: int) -> int:
    """Where the first letters of a word end."""
    if end - start <= n_letters:
        return end
    n = 0
    for i in range(start, end):
        n += int(letters[i] & 0xC0 != 0x80)
        if n > n_letters:
            return i
    return end


@compiled
def _hash(chunks: NDArray[np.uint64], start: int, end: int) -> np.uint64:
    """The hash of a word of bytes in eights. No word has a byte 0, so a chunk filled up with zeros is of one word only,
    and words of up to eight bytes never collide.
    """
    hashed, place = _mixed(_eight(chunks, start, end)), start + _CHUNK_BYTES
    while place < end:
        hashed = _mixed(hashed + _eight(chunks, place, end))
        place += _CHUNK_BYTES
    return hashed


@compiled
def _eight(chunks: NDArray[np.uint64], place: int, end: int) -> np.uint64:
    """The eight bytes from a place on, those from `end` on 0."""
    chunk, skipped = np.uint64(place >> 3), np.uint64(8 * (place & 7))
    following = chunks[chunk + np.uint64(1)] << np.uint64(1) << (np.uint64(63) - skipped)
    unused = np.uint64(8 * max(place + _CHUNK_BYTES - end, 0))
    return np.uint64((chunks[chunk] >> skipped | following) & (_ALL_BITS >> unused))


@compiled
def _mixed(value: np.uint64) -> np.uint64:
    """The finalizer of MurmurHash3 (64 bits): every bit of the input moves every bit of the output."""
    value ^= value >> np.uint64(33)
    value *= _ONE
    value ^= value >> np.uint64(33)
    value *= _OTHER
    return value ^ value >> np.uint64(33)


@compiled
def _place(letters: NDArray[np.uint8], before: int, start: int) -> int:
    """What `located_words` says of the word at `start`, but whether it runs on; `before` is where the last word ends.

    A mark within a sentence stands right after that, or, as a dash or an opening bracket, after a space.
    """
    place, one = 0, letters[before]
    other = letters[before + 1] if before + 1 < start else _SPACE
    if (_is_end(one) or _is_end(other)) and letters[start - 1] <= _QUOTE:
        place |= AFTER_SENTENCE
    if one == _STOP[0] and letters[before + 1] == _STOP[1] and letters[before + 2] == _STOP[2]:
        place |= AFTER_SENTENCE
    if _is_mark(one) or _is_mark(other) or (other == _DASH and letters[before + 2] == _SPACE):
        place |= AFTER_PAUSE
    for i in range(before, start):
        if letters[i] == _LINE_END:
            place |= AFTER_LINE
    if np.uint8(letters[start] - _ZERO) < _N_DIGITS:
        place |= DIGIT
    return place


@compiled
def _is_end(letter: np.uint8) -> bool:
    return letter in (ord("."), ord("!"), ord("?"))


@compiled
def _is_mark(letter: np.uint8) -> bool:
    return letter in (ord(","), ord(";"), ord(":"), ord("("), ord(")"))


@compiled
def _find_known(
    words: NDArray[np.uint64], hashes: NDArray[np.uint64], first: NDArray[np.int32], shift: np.uint64, deepest: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """`KnownWords.find`: first what begins as known words do, without a branch, so that no word waits for the entry of
    the one before.
    """
    found, places, n = np.empty(len(words), np.int64), np.empty(len(words), np.int64), 0
    for i in range(len(words)):
        found[n] = i
        n += int(first[words[i] >> shift] >= 0)
    likely, n = found[:n], 0
    for i in likely:
        place = int(first[words[i] >> shift])
        last = min(place + deepest, len(hashes)) - 1
        while place < last and hashes[place] < words[i]:
            place += 1
        found[n], places[n] = i, place
        n += int(hashes[place] == words[i])
    return found[:n].copy(), places[:n].copy()


def _combine(words: NDArray[np.uint64], n_words: NDArray[np.int64]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """uint32 shingles of all texts and their number in each; a text of 1 to 4 words is one shingle."""
    counts = np.where(n_words > 0, np.maximum(n_words - SHINGLE_WORDS + 1, 1), 0)
    values = np.empty(counts.sum(), np.uint32)
    _fill_shingles(words, n_words, values)
    return values, counts


@compiled
def _fill_shingles(words: NDArray[np.uint64], n_words: NDArray[np.int64], values: NDArray[np.uint32]) -> None:
    """A shingle is the sum of its words' 32-bit hashes, the upper halves, times the multiplier of their place, modulo
    2**32.
    """
    start = n = 0
    for n_own in n_words:
        own = words[start : start + n_own]
        if 0 < n_own < SHINGLE_WORDS:
            whole = np.uint32(0)
            for i in range(n_own):
                whole = np.uint32(whole + np.uint32(own[i] >> _HALF) * _PLACES[i])
            values[n] = whole
            n += 1
        for i in range(n_own - SHINGLE_WORDS + 1):
            value = np.uint32(own[i] >> _HALF) + np.uint32(own[i + 1] >> _HALF) * _PLACES[1]
            value += np.uint32(own[i + 2] >> _HALF) * _PLACES[2] + np.uint32(own[i + 3] >> _HALF) * _PLACES[3]
            values[n + i] = np.uint32(value + np.uint32(own[i + 4] >> _HALF) * _PLACES[4])
        n += max(n_own - SHINGLE_WORDS + 1, 0)
        start += n_own


@compiled
def _hash_contents(words: NDArray[np.uint64], n_words: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Two hashes of each text: uint64, shape (n_texts, 2). Both take in word after word, by steps that can be undone:
    no two words lead from one state to the same. Their multipliers differ, so texts that meet in one part in the other.
    """
    hashes = np.empty((len(n_words), 2), np.uint64)
    start = 0
    for text in range(len(n_words)):
        one, other = _OTHER, _ONE
        for word in words[start : start + n_words[text]]:
            one = (one ^ word) * _ONE
            other = (other ^ word) * _OTHER
            one ^= one >> _HALF
            other ^= other >> _HALF
        n = np.uint64(n_words[text])
        hashes[text, 0], hashes[text, 1] = _mixed(one + n), _mixed(other + n)
        start += n_words[text]
    return hashes


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
