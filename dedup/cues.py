"""Cues in an article's lead that tell which of several like events it is about.

- *Ordinals*: "second round of talks", "Game 5", "Q2", with the noun they count, but not what counts time ("third
  week"). Apart from the article's own: what is still to come ("before a third round", "Game 3 is on Thursday"), and
  what has gone by ("since the first strike").
- *Slots*: a number with the word beside it ("214 prisoners"), not in what is recalled. Two texts that fill a slot
  otherwise contradict.
- *Recall*: sentences that point back ("two weeks ago", "last month", "in early April"). What is told only there is no
  evidence of the article's own event; and one who points back is seldom telling the first of several.
- *Names, numbers, weekdays*: words that carry an event's identity, marked among the terms.
- *Day of the address*: what `dedup.address` finds there.

The words are data (`dedup.cue_words`), those of the language with most function words in a text; the rules are the same
in every language. In others what needs no words remains: names where a script has capitals, and numbers.
"""

from __future__ import annotations

import re
import struct
import unicodedata
from collections import defaultdict
from collections.abc import Container, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup.cue_words import LANGUAGES, CueWords
from dedup.errors import DedupError
from dedup.lead import STEM_LETTERS, Leads, hashes_of
from dedup.shingle import KnownWords, packed_arrays, split, spread, word_hashes
from dedup.text import normalise

NAME, NUMBER, WEEKDAY, RECALLED = 1, 2, 4, 8
"""Marks of a word: written with a capital within a sentence; a number; a day of the week; told only of the past."""
LAST_VALUE: Final = 99
"""Value of "last" and "final"."""
BEHIND, AHEAD, NOT_OWN = 253, 254, 255
"""Ranks of ordinals that are not the article's own: of a round gone by ("since the first strike"), of one still to come
("Game 3 is on Thursday"), and of one said further down."""

_OWN_WORDS: Final = 75
"""An ordinal among so many first words is the article's own."""
_SLOT_WORDS: Final = 150
"""Numbers among so many first words are read as slots."""
_BESIDE: Final = 2
"""Words on either side of a number looked at for the one that says what is counted."""
_HEAD_WORDS: Final = 5
"""Words after an ordinal in which the noun it counts may stand."""
_BEFORE_WORDS: Final = 3
"""Words before an ordinal that may say that it is gone by or still to come..."""
_AFTER_WORDS: Final = 8
"""... and words after it in its clause that may say that it is to come."""
_ON_WORDS: Final = 3
"""Words from "is" to the weekday that it puts something on."""
_LARGEST_ROUND: Final = 30
"""A larger number after a name ("Boeing 737") counts no rounds."""
_MOST_DAYS: Final = 31
_YEARS: Final = (1900, 2100)
_FURTHEST: Final = 3
"""Words between the first and the last of an expression that points back ("ago" first: "vor mehr als zwei Wochen")."""
_RECALL_SENTENCES: Final = 2
"""A paragraph that points back in one of so many first sentences recalls as a whole."""
_TABLE_BITS: Final = 16
_HEADER: Final = struct.Struct("<BHHHBi")
_VERSION: Final = 3
_NO_DAY: Final = -(1 << 31)
_SIDE: Final = np.uint32(0x9E3779B1)
_BEFORE_NAME: Final = ",;)"
"""Beside letters, digits and the underscore, what may stand before the space before a name."""
_OPENING: Final = "\"'“‘("
"""What a word may begin with that is no part of it."""
_WORD, _UPPER, _SPACE, _LINE, _DIGIT, _BEFORE = (1 << i for i in range(6))

_NUMBER, _ORDINAL, _OPENER, _CLOSER, _AHEAD, _AMOUNT = (1 << i for i in range(6))
_UNIT, _SINCE, _AGO, _LAST, _BACK, _WITHIN = (1 << i for i in range(6, 12))
_SPAN, _OF, _MONTH, _WEEKDAY, _QUARTER, _FUNCTION = (1 << i for i in range(12, 18))
_BEHIND, _COMING, _COPULA = (1 << i for i in range(18, 21))


class CuesError(DedupError):
    """Bytes that are not one article's cues."""


@dataclass(frozen=True, slots=True, eq=False)
class Cues:
    """The cues of one article.

    `heads` (uint32, hash of the noun), `values` (uint8) and `ranks` (uint8: the sentence, or `BEHIND`, `AHEAD` or
    `NOT_OWN` where the ordinal is not the article's own) are its ordinals. `contexts` (uint32, of the word beside and
    its side) and `fillers` (uint32, of the number) its slots. `numbers` (uint32, ascending): the numbers it does not
    tell of the past, words for them taken for digits. `recalls`: how often it points back by days, weeks or a month.
    `day`: the one that its address names, in days since 1970.
    """

    heads: NDArray[np.uint32]
    values: NDArray[np.uint8]
    ranks: NDArray[np.uint8]
    contexts: NDArray[np.uint32]
    fillers: NDArray[np.uint32]
    numbers: NDArray[np.uint32]
    recalls: int
    day: int | None = None

    def own_ordinals(self) -> dict[int, dict[int, int]]:
        """What the article counts as its own, in the order in which it does: noun to value to rank."""
        own: dict[int, dict[int, int]] = defaultdict(dict)
        for head, value, rank in zip(self.heads.tolist(), self.values.tolist(), self.ranks.tolist(), strict=True):
            if rank < BEHIND:
                own[head][value] = rank
        return own

    def other_ordinals(self, rank: int) -> set[tuple[int, int]]:
        """Noun and value of what it counts as `BEHIND`, as `AHEAD` or `NOT_OWN`."""
        of_rank = self.ranks == rank
        return set(zip(self.heads[of_rank].tolist(), self.values[of_rank].tolist(), strict=True))

    def slots(self) -> dict[int, set[int]]:
        """The numbers that fill each slot, by its context."""
        slots: dict[int, set[int]] = defaultdict(set)
        for context, filler in zip(self.contexts.tolist(), self.fillers.tolist(), strict=True):
            slots[context].add(filler)
        return slots

    def to_bytes(self) -> bytes:
        """As `pack_cues` packs many."""
        return pack_cues([self])[0]

    @classmethod
    def from_bytes(cls, packed: bytes) -> Cues:
        """The cues that `pack_cues` packed. Raises `CuesError` for other bytes or another version."""
        if len(packed) < _HEADER.size:
            raise CuesError(f"cues of {len(packed)} bytes, expected at least {_HEADER.size}")
        version, n_ordinals, n_slots, n_numbers, recalls, day = _HEADER.unpack_from(packed)
        n_wide = n_ordinals + 2 * n_slots + n_numbers
        if version != _VERSION or len(packed) != _HEADER.size + 4 * n_wide + 2 * n_ordinals:
            raise CuesError(f"cues of version {version} with {len(packed)} bytes, expected version {_VERSION}")
        wide = np.frombuffer(packed, "<u4", n_wide, _HEADER.size).astype(np.uint32)
        narrow = np.frombuffer(packed, np.uint8, 2 * n_ordinals, _HEADER.size + 4 * n_wide).copy()
        heads, contexts, fillers, numbers = np.split(wide, np.cumsum([n_ordinals, n_slots, n_slots]))
        known = None if day == _NO_DAY else day
        return cls(heads, narrow[:n_ordinals], narrow[n_ordinals:], contexts, fillers, numbers, recalls, known)


@dataclass(frozen=True, slots=True, eq=False)
class Tale:
    """What is known of one article of the window: `hashes` (uint32) and `marks` (uint8) of its content words, and its
    cues.
    """

    hashes: NDArray[np.uint32]
    marks: NDArray[np.uint8]
    cues: Cues

    @property
    def weekdays(self) -> tuple[int, ...]:
        """The hashes of the weekdays it does not tell of the past."""
        own = (self.marks & (WEEKDAY | RECALLED)) == WEEKDAY
        return tuple(np.unique(self.hashes[own]).tolist())


def pack_cues(cues: Sequence[Cues]) -> list[bytes]:
    """The cues of each article: twelve bytes of header, six an ordinal, eight a slot, four a number."""
    wide = [own for one in cues for own in (one.heads, one.contexts, one.fillers, one.numbers)]
    narrow = [own for one in cues for own in (one.values, one.ranks)]
    parts = zip(cues, packed_arrays(wide, "<u4", 4), packed_arrays(narrow, "u1", 2), strict=True)
    return [
        _HEADER.pack(_VERSION, len(one.heads), len(one.contexts), len(one.numbers), min(one.recalls, 255), _day(one))
        + a + b
        for one, a, b in parts
    ]  # fmt: skip


def _day(cues: Cues) -> int:
    return _NO_DAY if cues.day is None else cues.day


def _none() -> Cues:
    wide, narrow = np.zeros(0, np.uint32), np.zeros(0, np.uint8)
    return Cues(wide, narrow, narrow, wide, wide, wide, 0)


NO_CUES: Final = _none()


def read_cues(leads: Leads, texts: Sequence[str]) -> tuple[list[Cues], NDArray[np.uint8]]:
    """The cues of each lead, and the marks of all words (uint8, shape (n words of all texts,), sums of `NAME` ...).

    `texts` are the bodies the leads are of, as plain text with their capitals (titles have capitals of their own).
    """
    text = np.repeat(np.arange(len(leads.counts)), leads.counts)
    kinds, values = _kinds(leads, text)
    is_near, is_since, is_recalled = _recall(leads, kinds, text)
    names, numbered = _capitals([one[: 8 * n + 200] for one, n in zip(texts, leads.counts.tolist(), strict=True)])
    is_name, is_numbered = _are_among(leads, names, text), _are_among(leads, numbered, text)
    told, values = _as_digits(leads, kinds, values, text)
    marks = (
        is_name * np.uint8(NAME)
        | (leads.is_number | (kinds & _NUMBER > 0)) * np.uint8(NUMBER)
        | (kinds & _WEEKDAY > 0) * np.uint8(WEEKDAY)
        | is_recalled * np.uint8(RECALLED)
    )
    recalls = np.bincount(text[is_near], minlength=len(leads.counts)).tolist()
    is_own = (told > 0) & ~is_recalled
    own_text, own_told = _of_each_text(text[is_own], told[is_own].astype(np.uint64))
    numbers = split(own_told.astype(np.uint32), np.bincount(own_text, minlength=len(leads.counts)))
    slots = _slots(leads, kinds, told, is_own, text)
    ordinals = _ordinals(leads, kinds | is_since * np.int32(_BEHIND), values, is_numbered)
    return [
        Cues(heads, own_values, ranks, contexts, fillers, own_numbers, n_recalls)
        for (heads, own_values, ranks), (contexts, fillers), own_numbers, n_recalls in zip(
            ordinals, slots, numbers, recalls, strict=True
        )
    ], marks


def digits() -> dict[int, str]:
    """The numbers that words may stand for, by their hashes as fillers and numbers have them."""
    return {number: str(value) for value, number in enumerate(_digits().tolist())}


@cache
def common_numbers() -> frozenset[int]:
    """Numbers that any text may have, as `Cues.numbers` has them: up to 31, as small counts, hours and days of a month
    are, and years.
    """
    values = (*range(_MOST_DAYS + 1), *range(*_YEARS))
    return frozenset(word >> 32 for word in hashes_of([str(value) for value in values]))


@cache
def months() -> frozenset[int]:
    """The months, as `Tale.hashes` has words, whole or by stems, but for one that is also a verb of that language."""
    listed = {month for language in LANGUAGES for month in language.months.split()}
    listed -= {word for language in LANGUAGES for word in language.function.split()}
    listed |= {month[:STEM_LETTERS] for month in listed}
    return frozenset(word >> 32 for word in hashes_of(sorted(listed)))


def beside(context: int, words: Container[int]) -> tuple[int, bool] | None:
    """Which of these words (hashes) is the one of a slot's context, and whether it follows the number; None if none."""
    follows = context ^ int(_SIDE)
    return (follows, True) if follows in words else (context, False) if context in words else None


def _ordinals(
    leads: Leads, kinds: NDArray[np.int32], values: NDArray[np.int32], is_numbered: NDArray[np.bool_]
) -> list[tuple[NDArray[np.uint32], NDArray[np.uint8], NDArray[np.uint8]]]:
    """Heads, values and ranks of each text's ordinals, each where it is said first."""
    is_cue = (kinds & (_ORDINAL | _OPENER | _CLOSER | _QUARTER)) > 0
    counted = (values > 0) & (values <= _LARGEST_ROUND)
    counted[1:] &= is_numbered[:-1]
    counted[:1] = False
    ends = np.cumsum(leads.counts)
    counted[(ends - leads.counts)[leads.counts > 0]] = False
    reader, found = _Reader(leads, kinds, values), [dict[tuple[int, int], int]() for _ in leads.counts]
    places = np.flatnonzero(is_cue | counted)
    texts = np.searchsorted(ends, places, side="right")
    starts = (ends - leads.counts)[texts]
    ranks = np.where(places - starts < _OWN_WORDS, np.minimum(leads.sentence[places], BEHIND - 1), NOT_OWN)
    for place, i, start, rank in zip(places.tolist(), texts.tolist(), starts.tolist(), ranks.tolist(), strict=True):
        counted_as = reader.counted(place, int(ends[i]))
        seen_from = reader.seen_from(place, start, int(ends[i])) if counted_as else None
        for one in counted_as:
            found[i][one] = min(found[i].get(one, NOT_OWN), rank if seen_from is None else seen_from)
    return _as_arrays(found)


def _as_arrays(
    found: Sequence[dict[tuple[int, int], int]],
) -> list[tuple[NDArray[np.uint32], NDArray[np.uint8], NDArray[np.uint8]]]:
    """Heads, values and ranks of each text's ordinals, of the first two to the third."""
    counts = np.array([len(own) for own in found], np.int64)
    said = [counted_as for own in found for counted_as in own]
    return list(
        zip(
            split(np.array([head for head, _ in said], np.uint32), counts),
            split(np.array([value for _, value in said], np.uint8), counts),
            split(np.array([rank for own in found for rank in own.values()], np.uint8), counts),
            strict=True,
        )
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Reader:
    """What is known of the words of a batch, to read ordinals from."""

    leads: Leads
    kinds: NDArray[np.int32]
    values: NDArray[np.int32]

    def counted(self, i: int, end: int) -> list[tuple[int, int]]:
        """What the word at `i` of the text that ends at `end` counts, and as which."""
        kind = int(self.kinds[i])
        if kind & _QUARTER:
            return [(_quarter_hash(), int(self.values[i]))]
        if kind & (_ORDINAL | _OPENER | _CLOSER):
            value = int(self.values[i]) if kind & _ORDINAL else 1 if kind & _OPENER else LAST_VALUE
            return [(head, value) for head in self._heads(i, end)]
        closed = i + 1 >= end or self.kinds[i + 1] & _FUNCTION or self.leads.clause[i + 1] > self.leads.clause[i]
        named = not self.leads.is_stop[i - 1] and self.leads.sentence[i - 1] == self.leads.sentence[i]
        named &= not self.kinds[i - 1] & (_MONTH | _WEEKDAY)
        return [(_narrow(self.leads.words[i - 1]), int(self.values[i]))] if closed and named else []

    def seen_from(self, i: int, start: int, end: int) -> int | None:
        """Whether what is counted at `i` is gone by (`BEHIND`) or to come (`AHEAD`), None where it is neither."""
        before = self.kinds[max(start, i - _BEFORE_WORDS) : i]
        if (before & _BEHIND).any():
            return BEHIND
        return AHEAD if (before & _AHEAD).any() or self._is_to_come(i, end) else None

    def _is_to_come(self, i: int, end: int) -> bool:
        """Whether the words after the one at `i` say that it is to come, or that it "is on Thursday"."""
        for j in range(i + 1, min(i + 1 + _AFTER_WORDS, end)):
            kind = int(self.kinds[j])
            if self.leads.clause[j] != self.leads.clause[i] or kind & _ORDINAL:
                return False
            on_a_day = (self.kinds[j + 1 : min(j + 1 + _ON_WORDS, end)] & _WEEKDAY).any()
            if kind & _COMING or (kind & _COPULA and on_a_day):
                return True
        return False

    def _heads(self, i: int, end: int) -> list[int]:
        """The nouns that the ordinal at `i` may count."""
        heads: list[int] = []
        skipped_of = False
        for j in range(i + 1, min(i + 1 + _HEAD_WORDS, end)):
            kind = int(self.kinds[j])
            if self.leads.clause[j] != self.leads.clause[i]:
                break
            if kind & _OF and heads and not skipped_of:
                skipped_of = True
            elif kind & _ORDINAL:
                continue
            elif self.leads.is_number[j] or kind & (_SPAN | _NUMBER | _FUNCTION):
                break
            else:
                heads.append(_narrow(self.leads.words[j]))
        return heads


def _slots(
    leads: Leads,
    kinds: NDArray[np.int32],
    told: NDArray[np.uint32],
    is_own: NDArray[np.bool_],
    text: NDArray[np.int64],
) -> list[tuple[NDArray[np.uint32], NDArray[np.uint32]]]:
    """The next word on either side of each text's own numbers that is no function word and no number, and these."""
    starts = np.cumsum(leads.counts) - leads.counts
    within = np.arange(len(text)) - starts[text] < _SLOT_WORDS
    here = np.flatnonzero(is_own & within)
    bare = (kinds & _FUNCTION > 0) | (told > 0) | ~within
    found, owners = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
    for side, salt in ((1, _SIDE), (-1, np.uint32(0))):
        free = np.ones(len(here), np.bool_)
        for step in range(1, _BESIDE + 1):
            beside = np.clip(here + side * step, 0, len(text) - 1)
            fits = free & (text[beside] == text[here]) & ~bare[beside] & (beside != here)
            free &= ~fits
            context = (leads.words[beside[fits]] >> np.uint64(32)).astype(np.uint32) ^ salt
            found.append(context.astype(np.uint64) << np.uint64(32) | told[here[fits]])
            owners.append(text[here[fits]])
    owner, value = _of_each_text(np.concatenate(owners), np.concatenate(found))
    counts = np.bincount(owner, minlength=len(leads.counts))
    contexts, fillers = (value >> np.uint64(32)).astype(np.uint32), value.astype(np.uint32)
    return list(zip(split(contexts, counts), split(fillers, counts), strict=True))


def _of_each_text(owner: NDArray[np.int64], value: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """The different values of each text, ascending, and whose they are."""
    order = np.lexsort((value, owner))
    owner, value = owner[order], value[order]
    new = np.ones(len(owner), np.bool_)
    new[1:] = (owner[1:] != owner[:-1]) | (value[1:] != value[:-1])
    return owner[new], value[new]


def _narrow(word: np.uint64) -> int:
    """The hash of a word as terms have it."""
    return int(word >> np.uint64(32))


def _recall(
    leads: Leads, kinds: NDArray[np.int32], text: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Where a text points back by days, weeks or a month, which words end a span of time before something ("two weeks
    after"), and which stand in what it recalls.
    """
    new_sentence = (np.diff(leads.sentence, prepend=-1) != 0) | (np.diff(text, prepend=-1) != 0)
    number = np.cumsum(new_sentence)
    same = {step: number[step:] == number[: len(number) - step] for step in range(1, _FURTHEST + 1)}

    def at(step: int, wanted: int) -> NDArray[np.bool_]:
        """Whether the word `step` on is of the wanted kind, in the same sentence."""
        there = np.zeros(len(kinds), np.bool_)
        there[: len(same[step])] = same[step] & ((kinds[step:] & wanted) > 0)
        return there

    amount = _NUMBER | _AMOUNT
    is_amount = ((kinds & amount) > 0) | leads.is_number
    span = is_amount & at(1, _UNIT)
    before = ((kinds & _AGO) > 0) & ((at(1, amount) & at(2, _UNIT)) | (at(2, amount) & at(3, _UNIT)))
    is_last, is_period = (kinds & _LAST) > 0, (kinds & (_UNIT | _MONTH)) > 0
    gone = (is_last & at(1, _UNIT | _MONTH)) | (is_period & at(1, _LAST))
    since = span & at(2, _SINCE)
    is_since = np.zeros(len(kinds), np.bool_)
    is_since[2:] = since[:-2]
    is_near = since | before | gone
    points_back = is_near | ((kinds & _BACK) > 0)
    points_back |= ((kinds & _WITHIN) > 0) & (at(1, _MONTH) | (at(1, _WITHIN) & at(2, _MONTH)))
    return is_near, is_since, _in_recalled(leads, points_back, text, np.flatnonzero(new_sentence))


def _in_recalled(
    leads: Leads, points_back: NDArray[np.bool_], text: NDArray[np.int64], new_sentence: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which words stand in a sentence that points back, or a paragraph of several that does so at its head."""
    if not len(text):
        return np.zeros(0, np.bool_)
    lengths = np.diff([*new_sentence, len(text)])
    back = np.add.reduceat(points_back, new_sentence, dtype=np.int64) > 0
    paragraph, owner = leads.paragraph[new_sentence], text[new_sentence]
    new_paragraph = np.flatnonzero((np.diff(paragraph, prepend=-1) != 0) | (np.diff(owner, prepend=-1) != 0))
    n_sentences = np.diff([*new_paragraph, len(new_sentence)])
    rank = np.arange(len(new_sentence)) - np.repeat(new_paragraph, n_sentences)
    opens = np.add.reduceat(back & (rank < _RECALL_SENTENCES), new_paragraph, dtype=np.int64) > 0
    whole = np.repeat(opens & (n_sentences > _RECALL_SENTENCES), n_sentences)
    in_title = leads.sentence[new_sentence] == 0
    return np.repeat((back | whole) & ~in_title, lengths)


def _capitals(heads: Sequence[str]) -> tuple[list[list[str]], list[list[str]]]:
    """The words of each text with a capital after a word of their sentence, and those that a number follows. The latter
    may be counted, and are not among the former.
    """
    whole = "\n".join(("\n", *heads, "\n"))
    classes = _letter_classes(whole)
    text_ends = np.cumsum([len(head) + 1 for head in heads]) + 2
    names = _cut(whole, *_names(classes), text_ends)
    before_numbers = _cut(whole, *_before_numbers(classes), text_ends)
    bare = ([word.lstrip(_OPENING) for word in own] for own in before_numbers)
    return names, [[word for word in own if word.isalpha() and word[0].isupper()] for own in bare]


def _names(classes: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where words with a capital within a sentence start and end, but for those that a number follows."""
    is_space = classes == _SPACE
    starts = np.flatnonzero((classes[2:] & _UPPER > 0) & is_space[1:-1] & (classes[:-2] & _BEFORE > 0)) + 2
    after = np.flatnonzero(classes & _WORD == 0)
    ends = after[np.searchsorted(after, starts)]
    own = ~is_space[ends] | (classes[ends + 1] & _DIGIT == 0)
    return starts[own], ends[own]


def _before_numbers(classes: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where what stands before a space and a number starts and ends."""
    is_space = classes == _SPACE
    ends = np.flatnonzero(is_space[:-1] & (classes[1:] & _DIGIT > 0))
    blanks = np.flatnonzero(is_space | (classes == _LINE))
    return blanks[np.searchsorted(blanks, ends) - 1] + 1, ends


def _cut(
    whole: str, starts: NDArray[np.int64], ends: NDArray[np.int64], text_ends: NDArray[np.int64]
) -> list[list[str]]:
    """What stands at these places, by the text it is of."""
    found: list[list[str]] = [[] for _ in text_ends]
    texts = np.searchsorted(text_ends, starts, side="right")
    for text, start, end in zip(texts.tolist(), starts.tolist(), ends.tolist(), strict=True):
        found[text].append(whole[start:end])
    return found


def _letter_classes(text: str) -> NDArray[np.uint8]:
    """What each character is to a capital, a sum of `_WORD` and its like."""
    if text.isascii():
        return _classes().take(np.frombuffer(text.encode(), np.uint8))
    return _classes().take(np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), "<u4"))


@cache
def _classes() -> NDArray[np.uint8]:
    """The class of each code point; shape (0x110000,)."""
    classes = np.zeros(0x110000, np.uint8)
    every = "".join(map(chr, range(len(classes))))
    for match in re.finditer(r"\w+", every):
        classes[match.start() : match.end()] = _WORD | _BEFORE
    upper = [point for point in range(0x10000) if unicodedata.category(chr(point)) == "Lu"]
    classes[upper] |= _UPPER
    classes[ord("0") : ord("9") + 1] |= _DIGIT
    classes[[ord(mark) for mark in _BEFORE_NAME]] |= _BEFORE
    classes[ord(" ")], classes[ord("\n")] = _SPACE, _LINE
    return classes


def _are_among(leads: Leads, listed: Sequence[Sequence[str]], text: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which words are listed for the text they stand in."""
    words, counts = word_hashes([normalise(" ".join(own)) for own in listed])
    owner = np.repeat(np.arange(len(counts)), counts).astype(np.uint64)
    wanted = np.unique(owner << np.uint64(32) | words >> np.uint64(32))
    if not len(wanted):
        return np.zeros(len(text), np.bool_)
    here = text.astype(np.uint64) << np.uint64(32) | leads.words >> np.uint64(32)
    is_wanted = np.zeros(1 << _TABLE_BITS, np.bool_)
    is_wanted[spread(wanted, _TABLE_BITS)] = True
    found = is_wanted.take(spread(here, _TABLE_BITS))
    likely = np.flatnonzero(found)
    found[likely] = wanted[np.minimum(np.searchsorted(wanted, here[likely]), len(wanted) - 1)] == here[likely]
    return found


def _as_digits(
    leads: Leads, kinds: NDArray[np.int32], values: NDArray[np.int32], text: NDArray[np.int64]
) -> tuple[NDArray[np.uint32], NDArray[np.int32]]:
    """The hash of each number as it is written in digits, 0 for other words; and the values, those of two words
    ("twenty-five") at the first of them.
    """
    is_word = (kinds & _NUMBER) > 0
    told = np.where(leads.is_number & (kinds & _ORDINAL == 0), leads.words >> np.uint64(32), np.uint64(0)).astype(
        np.uint32
    )
    worth = np.where(is_word, values, 0)
    joined = np.zeros(len(worth), np.bool_)
    joined[:-1] = (worth[:-1] >= 20) & (worth[:-1] % 10 == 0) & (worth[1:] > 0) & (worth[1:] < 10)
    joined[:-1] &= (text[1:] == text[:-1]) & (leads.sentence[1:] == leads.sentence[:-1])
    worth[:-1] += np.where(joined[:-1], worth[1:], 0)
    second = np.zeros(len(worth), np.bool_)
    second[1:] = joined[:-1]
    counts = is_word & ~second
    told[counts] = _digits()[worth[counts]]
    return told, np.where(is_word, worth, values)


@cache
def _digits() -> NDArray[np.uint32]:
    """The hashes of the numbers from 0 to 99."""
    return (np.array(hashes_of([str(n) for n in range(100)]), np.uint64) >> np.uint64(32)).astype(np.uint32)


@cache
def _quarter_hash() -> int:
    return hashes_of(["quarter"])[0] >> 32


def _kinds(leads: Leads, text: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """What kinds of cue words these are in the language of their text, and the value of each number and ordinal, 0 for
    others.
    """
    cue_words = _cue_words()
    kinds, values = np.zeros(len(text), np.int32), np.zeros(len(text), np.int32)
    places, entries = cue_words.known.find(leads.words)
    if len(places):
        entries += len(cue_words.known.hashes) * _languages(cue_words, entries, text[places])
        kinds[places], values[places] = cue_words.kinds.take(entries), cue_words.values.take(entries)
    return kinds, values


def _languages(cue_words: _CueWords, entries: NDArray[np.int64], text: NDArray[np.int64]) -> NDArray[np.int64]:
    """The place in `LANGUAGES` of each cue word's language, the one with most function words in its text; one after the
    last where several have as many, or none has any.
    """
    starts = np.flatnonzero(np.diff(text, prepend=-1))
    said = np.add.reduceat(cue_words.counters.take(entries, axis=0), starts, axis=0).view("<u2")
    said = said[:, : len(LANGUAGES)]
    is_one = (said == said.max(axis=1, keepdims=True)).sum(axis=1) == 1
    spoken = np.where(is_one, said.argmax(axis=1), len(LANGUAGES))
    return np.repeat(spoken, np.diff([*starts, len(text)]))


@dataclass(frozen=True, slots=True, eq=False)
class _CueWords:
    """The cue words of all languages.

    `kinds`, `values` (int32): of all words in the first language, then in the second, and last in any of them.
    `counters` (uint64, shape (n_words, n)): the languages in which a word is a function word, as counters of 16 bits,
    one a language; leads have fewer words than such a counter holds.
    """

    known: KnownWords
    kinds: NDArray[np.int32]
    values: NDArray[np.int32]
    counters: NDArray[np.uint64]


@cache
def _cue_words() -> _CueWords:
    everywhere, said = _said_everywhere(), [_said_in(language) for language in LANGUAGES]
    known = KnownWords.of(np.array(sorted(everywhere.keys() | set[int]().union(*said)), np.uint64), table_bits=16)
    words, nothing = known.hashes.tolist(), (0, 0)
    found = np.array([[own.get(word, nothing) for word in words] for own in (*said, everywhere)], np.int32)
    own_kinds, own_values = found[..., 0], found[..., 1]
    kinds = np.vstack([own_kinds[:-1], np.bitwise_or.reduce(own_kinds, axis=0)]) | own_kinds[-1]
    values = np.maximum(np.vstack([own_values[:-1], own_values.max(axis=0)]), own_values[-1])
    counters = np.zeros((len(words), -(-len(LANGUAGES) // 4) * 4), "<u2")
    counters[:, : len(LANGUAGES)] = (own_kinds[:-1] & _FUNCTION > 0).T
    return _CueWords(known, kinds.ravel(), values.ravel(), counters.view("<u8"))


def _said_everywhere() -> dict[int, tuple[int, int]]:
    """The kinds and values of what is no word of one language: numbers in digits, quarters of a year."""
    said = {hashes_of([str(value)])[0]: (0, value) for value in range(1, _LARGEST_ROUND + 1)}
    return said | {hashes_of([f"q{quarter}"])[0]: (_QUARTER, quarter) for quarter in range(1, 5)}


def _said_in(language: CueWords) -> dict[int, tuple[int, int]]:
    """The kinds and the value of each cue word of a language."""
    said: dict[int, tuple[int, int]] = {}

    def add(listed: str, kind: int, value: int = 0) -> None:
        for word in hashes_of(listed.split()):
            if word:
                kinds, known = said.get(word, (0, 0))
                said[word] = kinds | kind, known or value

    tens = [*range(20), *range(20, 100, 10)]
    for value, listed in zip(tens, language.numbers.split(";"), strict=True):
        add(listed, _NUMBER, value)
    for value, listed in enumerate(language.ordinals.split(";"), start=1):
        add(listed, _ORDINAL, value)
    for kind, listed in (
        (_OPENER, language.openers), (_CLOSER, language.closers), (_AHEAD, language.ahead),
        (_AMOUNT, language.amounts), (_UNIT, language.units), (_SINCE, language.since), (_AGO, language.ago),
        (_LAST, language.last), (_BACK, language.back), (_WITHIN, language.within), (_SPAN, language.spans),
        (_OF, language.of), (_MONTH, language.months), (_WEEKDAY, language.weekdays),
        (_FUNCTION, language.function), (_BEHIND, language.behind), (_COMING, language.coming),
        (_COPULA, language.copulas),
    ):  # fmt: skip
        add(listed, kind)
    return said
