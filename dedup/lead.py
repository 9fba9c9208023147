"""The first words of articles, for what is told in a lead: their hashes, and where each stands.

Interface: `read_leads(titles, bodies, n_words)` of normalised texts, a whole batch at a time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import regex
from numpy.typing import NDArray

from dedup.language import read_languages
from dedup.shingle import (
    AFTER_LINE,
    AFTER_PAUSE,
    AFTER_SENTENCE,
    DIGIT,
    RUNS_ON,
    located_words,
    mix64,
    spans,
    split,
    stem_hashes,
    word_hashes,
)
from dedup.text import SPACELESS, normalise

_IN_NUMBER: Final = re.compile(r"[.,:](?=\d)(?<=\d.)(?:(?<=[.,])(?=\d{3}(?!\d))|())")
"""A mark between digits; with a group where it is no mark of thousands."""
_PIECE: Final = regex.compile(
    rf"[{SPACELESS}]|\p{{N}}++(?:[.,:]\p{{N}}++)*+(?![\p{{L}}\p{{M}}])|[[\p{{L}}\p{{M}}\p{{N}}]--[{SPACELESS}]]++",
    regex.V1,
)
"""A word, a number with its marks being one."""
_TWO_LETTERS: Final = regex.compile(r"[[\p{L}\p{M}\p{N}]&&[\u0800-\U0010FFFF]]{2}", regex.V1)
"""Two letters that `RUNS_ON` may be said of: the mark of long vowels in Japanese is of no script."""
STEM_LETTERS: Final = 5
"""Letters that stay of a word in a language that inflects: a crude stem, but one rule for all of them."""
_LETTERS_PER_WORD: Final = (8, 64)
"""Letters of text read for each word of the lead: enough for most, and where not, for all but the emptiest pages."""


@dataclass(frozen=True, slots=True, eq=False)
class Leads:
    """The leads of a batch, all arrays of shape (n words of all texts,), text after text, but `counts`.

    `words`: uint64 hashes. `stems`: uint64, the hashes of what stays of words as they are inflected. `counts`: int64,
    shape (n texts,), how many are of each text. `clause`, `sentence`, `paragraph`: int64, the number of the one a word
    stands in, counted through its text; the title is sentence 0 and paragraph 0. A clause is what marks such as a comma
    part from the rest of its sentence. `is_stop`: a stop word of the text's language. `is_number`: begins with a digit.
    """

    words: NDArray[np.uint64]
    stems: NDArray[np.uint64]
    counts: NDArray[np.int64]
    clause: NDArray[np.int64]
    sentence: NDArray[np.int64]
    paragraph: NDArray[np.int64]
    is_stop: NDArray[np.bool_]
    is_number: NDArray[np.bool_]


def read_leads(titles: Sequence[str], bodies: Sequence[str], n_words: int) -> Leads:
    """The first `n_words` words of each title with its body, both of which `dedup.text.normalise` has been through.

    1,000 and 6.4 are one word each. In scripts without spaces every two letters in a row are one, and the last letter
    of several is none (a stop word): one letter has too many meanings.

    A text is in a language that inflects if most of its stop words, and an eighth of all its words, are stop words of
    one, or if its letters say so. There a word's stem is its first letters.
    """
    texts = [f"{title}\n{_after(title, body)}" for title, body in zip(titles, bodies, strict=True)]
    words, places, counts, heads = _read(texts, n_words)
    starts = np.cumsum(counts) - counts
    after_line = places & AFTER_LINE > 0
    after_sentence = after_line | (places & AFTER_SENTENCE > 0)
    clause = _since_start(after_sentence | (places & AFTER_PAUSE > 0), starts, counts)
    sentence = _since_start(after_sentence, starts, counts)
    paragraph = _since_start(after_line, starts, counts)
    is_stop, inflects = read_languages(words, counts, heads)
    stems = _stems(words, counts, heads, np.flatnonzero(inflects), places & DIGIT > 0)
    _pair_letters(words, is_stop, places & RUNS_ON > 0, np.cumsum(counts) - 1)
    stems = np.where(places & RUNS_ON > 0, words, stems)
    return Leads(words, stems, counts, clause, sentence, paragraph, is_stop, places & DIGIT > 0)


def _stems(
    words: NDArray[np.uint64],
    counts: NDArray[np.int64],
    heads: Sequence[str],
    chosen: NDArray[np.int64],
    is_number: NDArray[np.bool_],
) -> NDArray[np.uint64]:
    """The words, those of the chosen texts by their first letters, but numbers. `heads`: what was read of each text."""
    if not len(chosen):
        return words
    found, n_found = stem_hashes([heads[i] for i in chosen.tolist()], STEM_LETTERS)
    n_kept = counts[chosen]
    places = spans((np.cumsum(counts) - counts)[chosen], n_kept)
    stems = words.copy()
    stems[places] = found[spans(np.cumsum(n_found) - n_found, n_kept)]
    return np.where(is_number, words, stems)


def _pair_letters(
    words: NDArray[np.uint64], is_stop: NDArray[np.bool_], runs_on: NDArray[np.bool_], lasts: NDArray[np.int64]
) -> None:
    """Makes a word of every two letters in a row, in place; a stop word of two such. `lasts`: where each text ends."""
    runs_on[lasts[lasts >= 0]] = False
    first = np.flatnonzero(runs_on)
    ends_run = np.append(False, runs_on[:-1])[: len(runs_on)] & ~runs_on
    is_stop[first] &= is_stop[first + 1]
    words[first] = _paired(words[first], words[first + 1])
    is_stop[ends_run] = True


def _paired(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The hash of two letters in a row, by their own."""
    return mix64(one ^ (other << np.uint64(1) | other >> np.uint64(63)))


def hashes_of(listed: Sequence[str]) -> list[int]:
    """The hash of each of these words as leads have it; 0 for what is not one word."""
    hashes, counts = word_hashes([normalise(word) for word in listed])
    return [int(own[0]) if len(own) == 1 else 0 for own in split(hashes, counts)]


def spelt_words(text: str) -> dict[int, str]:
    """The words of a plain text by the upper halves of their hashes, as cues have them, and by those of their first
    letters, as terms may: each as the text spells it first, in capitals only where it never does otherwise, and one
    that only the normalised text has as that does.
    """
    whole = list(dict.fromkeys(_PIECE.findall(_IN_NUMBER.sub(_joined, normalise(text)))))
    pieces = sorted(dict.fromkeys(_PIECE.findall(text)), key=str.isupper)
    shown: dict[int, str] = {}
    for own in (pieces, whole):
        hashes = hashes_of([_IN_NUMBER.sub(_joined, normalise(piece)) for piece in own])
        for piece, word in zip(own, hashes, strict=True):
            if word:
                shown.setdefault(word >> 32, piece)
    stems = hashes_of([normalise(piece)[:STEM_LETTERS] for piece in pieces])
    for piece, stem in zip(pieces, stems, strict=True):
        if stem and not piece[0].isdigit():
            shown.setdefault(stem >> 32, piece)
    letters = list(dict.fromkeys(_TWO_LETTERS.findall(normalise(text), overlapped=True)))
    one, other = (np.array(hashes_of([pair[i] for pair in letters]), np.uint64) for i in (0, 1))
    for pair, word in zip(letters, _paired(one, other).tolist(), strict=True):
        shown.setdefault(word >> 32, pair)
    return shown


def _after(title: str, body: str) -> str:
    """The body without the title that many feeds put at its head."""
    return body[len(title) :] if title and body.startswith(title) else body


def _read(
    texts: Sequence[str], n_words: int
) -> tuple[NDArray[np.uint64], NDArray[np.uint8], NDArray[np.int64], list[str]]:
    """The first words of each text, what `located_words` says of them, their number, and what was read of each text."""
    heads = [""] * len(texts)
    words: list[NDArray[np.uint64]] = [np.zeros(0, np.uint64)] * len(texts)
    places: list[NDArray[np.uint8]] = [np.zeros(0, np.uint8)] * len(texts)
    waiting = list(range(len(texts)))
    for letters in _LETTERS_PER_WORD:
        n_read = n_words * letters
        read = _with_joined_numbers([texts[i][:n_read] for i in waiting])
        flat, counts, located = located_words(read)
        for i, head, own, own_places in zip(waiting, read, split(flat, counts), split(located, counts), strict=True):
            heads[i], words[i], places[i] = head, own[:n_words], own_places[:n_words]
        short = (counts <= n_words).tolist()
        waiting = [i for i, is_short in zip(waiting, short, strict=True) if is_short and len(texts[i]) > n_read]
    lengths = np.array([len(own) for own in words], np.int64)
    empty = np.zeros(0, np.uint64), np.zeros(0, np.uint8)
    return np.concatenate([*words, empty[0]]), np.concatenate([*places, empty[1]]), lengths, heads


def _with_joined_numbers(texts: Sequence[str]) -> list[str]:
    """The texts with every number as one word. Which plain ones have such numbers is told of all at once."""
    plain = [text.encode() if text.isascii() else b"" for text in texts]
    letters = np.frombuffer(b"\n".join((*plain, b"\n")), np.uint8)
    is_digit = letters - np.uint8(ord("0")) < np.uint8(10)
    is_mark = _marks().take(letters[1:-1])
    marked = np.flatnonzero(is_mark & is_digit[:-2] & is_digit[2:]) + 1
    has_mark = np.zeros(len(texts) + 1, np.bool_)
    has_mark[np.searchsorted(np.cumsum([len(text) + 1 for text in plain]), marked, side="right")] = True
    return [
        _IN_NUMBER.sub(_joined, text) if marked or not text.isascii() else text
        for text, marked in zip(texts, has_mark.tolist(), strict=False)
    ]


@cache
def _marks() -> NDArray[np.bool_]:
    """Whether a byte may be a mark in a number."""
    is_mark = np.zeros(256, np.bool_)
    is_mark[[ord(mark) for mark in ".,:"]] = True
    return is_mark


def _joined(mark: re.Match[str]) -> str:
    """What a mark in a number becomes, so that the number is one word however it is grouped."""
    return "" if mark[1] is None else "p"


def _since_start(
    is_counted: NDArray[np.bool_], starts: NDArray[np.int64], counts: NDArray[np.int64]
) -> NDArray[np.int64]:
    """How many are counted in a text up to each place, itself included, but for those at the text's head."""
    total = np.cumsum(is_counted)
    first = np.concatenate([total, [0]])[starts]
    return np.asarray(total - np.repeat(first, counts))
