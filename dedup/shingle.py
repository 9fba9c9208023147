"""Hashes of runs of consecutive words, a whole batch of texts at a time.

The texts are laid end to end as UTF-8 bytes; words, their hashes and the shingles are found by array operations over
them. Letters are looked at as single bytes, and everything wider is done once a word, eight bytes of it at a time:
that makes it an order of magnitude faster than making strings of words.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, groupby
from operator import itemgetter
from typing import Final, TypeVar

import numpy as np
import regex
from numpy.typing import NDArray

from dedup.text import SPACELESS, WORD

_Kind = TypeVar("_Kind", bound=np.generic)

SHINGLE_WORDS: Final = 5
"""Words in a shingle; a text with fewer words is one shingle of all of them."""

_SEPARATOR, _LETTER, _ALONE = 0, 1, 2
_N_CODE_POINTS: Final = 0x110000
_ASSIGNED: Final = ((0, 0x40000), (0xE0000, 0xE1000))
"""Planes that have letters or marks at all."""
_ASCII_CUT: Final = re.compile(r"[^A-Za-z0-9]")
_CUT: Final = regex.compile(rf"[^\p{{L}}\p{{M}}\p{{N}}]|[{SPACELESS}]", regex.V1)
"""What a text may be cut before without cutting a word."""
_LETTERS_PER_BLOCK: Final = 1 << 18
"""Letters looked at in one go, more only where a single word is longer: the arrays made on the way take up to
70 bytes a letter."""
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_THREE_BYTES: Final = np.uint8(0xE0)
"""The first byte, at least, of a letter of three bytes or four in UTF-8: those of all scripts without spaces are. Words
that touch are of such letters, one of them at least."""
_LONGEST_LETTER: Final = 4
_CHUNK_BYTES: Final = 8
_LONG_BYTES: Final = 64
"""A word of more bytes is hashed by itself, so that one endless word does not cost a round of array operations for
every eight bytes of it."""
_FIRST_BYTES: Final = np.array([(1 << 8 * n) - 1 for n in range(_CHUNK_BYTES + 1)], np.uint64)
"""Masks of the first n bytes of a chunk."""
_KEPT_BYTES: Final = 1 << 24
"""More than all arrays of one call take together."""
_IDEOGRAPHIC_STOP: Final = "。".encode()
_PAIR: Final = np.uint32(0xB5297A4B)
_PAIRS: Final = np.uint32(0x68E31DA5)
_LAST: Final = np.uint32(0x1B56C4E9)
_PLACES: Final = np.array([1, _PAIR, _PAIRS, int(_PAIR) * int(_PAIRS) % 2**32], np.uint32)
"""The odd multipliers of the first four places of a shingle (`_LAST` is the fifth's): all differ, and no two by a
multiple of 16, so that the order of words counts."""


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
        contents = split(self.words.astype("<u8", copy=False), self.n_words)
        return [hashlib.blake2b(own.data, digest_size=16).digest() for own in contents]

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
    values, counts = _combine((words >> np.uint64(32)).astype(np.uint32), n_words)
    return Shingles(values, counts, words, n_words)


def word_hashes(normalised: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Hashes of all words in order: uint64, shape (n words,), and the number of words in each text, int64.

    A word's hash is a function of its UTF-8 bytes alone, whatever text and batch it is in.
    """
    _keep_freed_memory()
    if sum(map(len, normalised)) <= _LETTERS_PER_BLOCK:
        return _hashes_of_block(normalised)
    pieces = [_pieces(text) for text in normalised]
    found = [_hashes_of_block(block) for block in _blocks([piece for own in pieces for piece in own])]
    counts = np.zeros(len(pieces), np.int64)
    owners = np.repeat(np.arange(len(pieces)), [len(own) for own in pieces])
    np.add.at(counts, owners, np.concatenate([n_words for _, n_words in found]))
    return np.concatenate([words for words, _ in found]), counts


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
    """As `word_hashes`, and what each word is preceded by and begins with, as a sum of the constants above.

    Texts are read as they are, so none should be much longer than a block.
    """
    found = [_located(block) for block in _blocks(normalised)]
    empty = np.zeros(0, np.uint64), np.zeros(0, np.int64), np.zeros(0, np.uint8)
    words, counts, places = zip(empty, *found, strict=True)
    return np.concatenate(words), np.concatenate(counts), np.concatenate(places)


def stem_hashes(normalised: Sequence[str], n_letters: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """As `word_hashes`, of the first letters of each word; texts are read as `located_words` reads them."""
    found = [_stems(block, n_letters) for block in _blocks(normalised)]
    words, counts = zip((np.zeros(0, np.uint64), np.zeros(0, np.int64)), *found, strict=True)
    return np.concatenate(words), np.concatenate(counts)


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
        places = self.first.take((words >> self.shift).view(np.int64))
        likely = np.flatnonzero(places >= 0)
        places, sought = places[likely].astype(np.int64), words[likely]
        for _ in range(self.deepest - 1):
            places += self.hashes.take(places) < sought
            np.minimum(places, len(self.hashes) - 1, out=places)
        same = self.hashes.take(places) == sought
        return likely[same], places[same]


def mix64(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finalizer of MurmurHash3 (64 bits): every bit of the input moves every bit of the output. In place."""
    shifted = values >> np.uint64(33)
    values ^= shifted
    values *= np.uint64(0xFF51AFD7ED558CCD)
    np.right_shift(values, np.uint64(33), out=shifted)
    values ^= shifted
    values *= np.uint64(0xC4CEB9FE1A85EC53)
    np.right_shift(values, np.uint64(33), out=shifted)
    values ^= shifted
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


def _pieces(text: str) -> list[str]:
    """The text cut between words into pieces of little more than a block."""
    pieces, start = [], 0
    pattern = _ASCII_CUT if text.isascii() else _CUT
    while len(text) - start > _LETTERS_PER_BLOCK and (cut := pattern.search(text, start + _LETTERS_PER_BLOCK)):
        pieces.append(text[start : cut.start()])
        start = cut.start()
    return [*pieces, text[start:]]


def _blocks(pieces: Sequence[str]) -> Iterator[list[str]]:
    """Runs of pieces that have about as many letters as a block together."""
    numbers = (letters // _LETTERS_PER_BLOCK for letters in accumulate(map(len, pieces)))
    for _, block in groupby(zip(numbers, pieces, strict=True), itemgetter(0)):
        yield [piece for _, piece in block]


def _hashes_of_block(texts: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The hashes of the texts' words, and the number of words in each."""
    data, starts, ends, n_words = _words_of_block(texts)
    return _hash_words(data, starts, ends - starts), n_words


def _located(texts: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.uint8]]:
    data, starts, ends, n_words = _words_of_block(texts)
    return _hash_words(data, starts, ends - starts), n_words, _places(np.frombuffer(data, np.uint8), starts, ends)


def _stems(texts: Sequence[str], n_letters: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The hashes of the first letters of the texts' words, and the number of words in each."""
    data, starts, ends, n_words = _words_of_block(texts)
    is_first = (np.frombuffer(data, np.uint8) & 0xC0) != 0x80
    firsts, rank = np.flatnonzero(is_first), np.cumsum(is_first) - 1
    cut = firsts[np.minimum(rank[starts] + n_letters, len(firsts) - 1)]
    return _hash_words(data, starts, np.minimum(ends, cut) - starts), n_words


def _words_of_block(
    texts: Sequence[str],
) -> tuple[bytes, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The texts as bytes, where their words start and end in them, and the number of words in each text."""
    encoded = [text.encode("utf-8", errors="surrogatepass") for text in texts]
    data = b"\n".join((b"", *encoded, b"\n" * 2 * _CHUNK_BYTES))  # so that there are two chunks from every word on
    starts, ends = _word_bounds(data, "".join(text for text in texts if not text.isascii()))
    text_ends = np.cumsum([len(text) + 1 for text in encoded], dtype=np.int64)
    return data, starts, ends, np.diff(np.searchsorted(starts, text_ends), prepend=0)


def _places(letters: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.uint8]:
    """What `located_words` says of each word."""
    before = np.concatenate([np.zeros(1, np.int64), ends[:-1]])
    after_line = np.zeros(len(starts) + 1, np.bool_)
    after_line[np.searchsorted(starts, np.flatnonzero(letters == ord("\n")))] = True
    is_end = np.zeros(256, np.bool_)
    is_end[[ord("."), ord("!"), ord("?")]] = True
    after_sentence = is_end[letters[before]] | (is_end[letters[before + 1]] & (before + 1 < starts))
    after_sentence &= letters[starts - 1] <= ord('"')
    ideographic = _IDEOGRAPHIC_STOP[0] == letters[before]
    if ideographic.any():
        for offset, byte in enumerate(_IDEOGRAPHIC_STOP[1:], start=1):
            ideographic &= letters[before + offset] == byte
        after_sentence |= ideographic
    is_digit = letters[starts] - np.uint8(ord("0")) < np.uint8(10)
    places = after_sentence * np.uint8(AFTER_SENTENCE)
    places |= _are_after_pause(letters, starts, before) * np.uint8(AFTER_PAUSE)
    places |= after_line[:-1] * np.uint8(AFTER_LINE)
    places |= is_digit * np.uint8(DIGIT)
    alone = (letters[starts] >= _THREE_BYTES) & (ends - starts <= _LONGEST_LETTER)
    runs_on = np.append(alone[:-1] & alone[1:] & (ends[:-1] == starts[1:]), False)[: len(starts)]
    places |= runs_on * np.uint8(RUNS_ON)
    return np.asarray(places, np.uint8)


def _are_after_pause(
    letters: NDArray[np.uint8], starts: NDArray[np.int64], before: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which words a mark within a sentence parts from the one before, whose end is given: right after that, or, as a
    dash or an opening bracket, after a space.
    """
    is_mark = np.zeros(256, np.bool_)
    is_mark[[ord(mark) for mark in ",;:()"]] = True
    after_space = is_mark[letters[before + 1]] | ((letters[before + 1] == ord("-")) & (letters[before + 2] == ord(" ")))
    return np.asarray(is_mark[letters[before]] | (after_space & (before + 1 < starts)))


def _word_bounds(data: bytes, beyond_ascii: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where words start and where they end (exclusive), in bytes. `beyond_ascii` is those texts of the data that are
    not plain ASCII. The data begin and end with a separator.
    """
    letters = np.frombuffer(data, np.uint8)
    in_word = (letters | np.uint8(0x20)) - np.uint8(ord("a")) < np.uint8(26)
    in_word |= letters - np.uint8(ord("0")) < np.uint8(10)
    alone = after = np.zeros(0, np.int64)
    if beyond_ascii:
        alone, after = _mark_beyond_ascii(in_word, letters, _points(beyond_ascii))
    before, here = in_word[:-1], in_word[1:]
    if not len(alone):
        bounds = np.flatnonzero(before != here) + 1
        return bounds[::2], bounds[1::2]
    starts, ends = here & ~before, before & ~here
    starts[alone - 1] = ends[after - 1] = True
    starts[after - 1] = here[after - 1]
    ends[alone - 1] = before[alone - 1]
    return np.flatnonzero(starts) + 1, np.flatnonzero(ends) + 1


def _points(text: str) -> NDArray[np.uint32]:
    """The code points of a text that are beyond ASCII."""
    points = np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), "<u4")
    return points[points >= 0x80].astype(np.uint32, copy=False)


def _mark_beyond_ascii(
    in_word: NDArray[np.bool_], letters: NDArray[np.uint8], points: NDArray[np.uint32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Marks the bytes of these code points that are in words. Returns where those that are words alone begin, and what
    is after them.
    """
    classes = _classes().take(points)
    firsts = np.flatnonzero(letters >= 0xC0)
    in_word[firsts] = classes != _SEPARATOR
    following = (letters & 0xC0) == 0x80
    for _ in range(3):
        in_word[1:] |= in_word[:-1] & following[1:]
    is_alone = classes == _ALONE
    alone, points = firsts[is_alone], points[is_alone]
    return alone, alone + 2 + (points >= 0x800) + (points >= 0x10000)


def _hash_words(data: bytes, starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Hashes of the words at these bytes: uint64, shape (n words,).

    No word has a byte 0, so a chunk filled up with zeros is of one word only, and words of up to eight bytes
    never collide.
    """
    chunks = np.frombuffer(data, "<u8", len(data) // _CHUNK_BYTES).astype(np.uint64, copy=False)
    hashes = mix64(_read(chunks, starts, lengths))
    longer = np.flatnonzero(lengths > _CHUNK_BYTES)
    for word in longer[lengths[longer] > _LONG_BYTES].tolist():
        own = data[starts[word] : starts[word] + lengths[word]]
        hashes[word] = int.from_bytes(hashlib.blake2b(own, digest_size=8).digest(), "little")
    longer = longer[lengths[longer] <= _LONG_BYTES]
    done = _CHUNK_BYTES
    while len(longer):
        read = _read(chunks, starts[longer] + done, lengths[longer] - done)
        hashes[longer] = mix64(hashes[longer] + read)
        done += _CHUNK_BYTES
        longer = longer[lengths[longer] > done]
    return hashes


def _read(chunks: NDArray[np.uint64], starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.uint64]:
    """The first eight bytes from each of `starts` on, those past `lengths` 0: uint64, shape (n starts,).

    `chunks` are the bytes in eights; what lies across two of them is put together of both.
    """
    places = starts >> 3
    shifts = (starts & 7).view(np.uint64)
    shifts <<= np.uint64(3)
    read = chunks.take(places)
    read >>= shifts
    places += 1
    following = chunks.take(places)
    np.subtract(np.uint64(64), shifts, out=shifts)
    following <<= shifts  # by 64 bits: numpy's result is 0
    read |= following
    read &= _FIRST_BYTES.take(lengths, mode="clip")
    return read


def _combine(words: NDArray[np.uint32], n_words: NDArray[np.int64]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """uint32 shingles of all texts and their number in each; a text of 1 to 4 words is one shingle.

    A shingle is the sum of its words' 32-bit hashes times the multiplier of their place, modulo 2**32. It is made at
    every word, in disregard of texts, and kept where its text has all its words.
    """
    counts = np.where(n_words > 0, np.maximum(n_words - SHINGLE_WORDS + 1, 1), 0)
    padded = np.concatenate([words, np.zeros(SHINGLE_WORDS - 1, np.uint32)])
    pairs = padded[1:] * _PAIR
    pairs += padded[:-1]
    values = pairs[2:] * _PAIRS
    values += pairs[:-2]
    values = values[:-1]
    values += padded[SHINGLE_WORDS - 1 :] * _LAST
    ends = np.cumsum(n_words)
    kept = np.ones(len(words), np.bool_)
    kept[np.maximum(ends[n_words > 0, None] - np.arange(1, SHINGLE_WORDS), 0)] = False
    short = np.flatnonzero((n_words > 0) & (n_words < SHINGLE_WORDS))
    starts = ends[short] - n_words[short]
    values[starts] = _whole(padded, starts, n_words[short])
    kept[starts] = True
    return values[kept], counts


def _whole(padded: NDArray[np.uint32], starts: NDArray[np.int64], n_words: NDArray[np.int64]) -> NDArray[np.uint32]:
    """The shingles of texts of 1 to 4 words that start at `starts`: uint32, shape (n starts,)."""
    places = np.arange(len(_PLACES))
    words = padded[starts[:, None] + places] * _PLACES
    words[places >= n_words[:, None]] = 0
    return np.asarray(words.sum(axis=1, dtype=np.uint32))


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
