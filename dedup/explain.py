"""Why two texts are alike: their exact similarity, and a sample of what they share and of what only one of them has.

The figures are of the sets of shingles (runs of five words, see `dedup.shingle`) themselves and not of their hashes.
Passages are given as their text spells them, cut out by their place in it, so that scripts written without spaces
need none. What is shared is in both texts word for word, what only one has is nowhere in the other.

The longest run that ends at each word is found with a suffix automaton (Blumer et al. 1985), in time that grows
with the number of words and not with its square, whatever repeats.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Final

import regex

from dedup.shingle import SHINGLE_WORDS
from dedup.text import SPACELESS, WORD, normalise, words

MOST_WORDS: Final = 50_000
"""Words of each text that are compared: half a second, and more than any article has."""
SAMPLES: Final = 3
"""Passages shown of each sort, the longest."""
PASSAGE_WORDS: Final = 30
PASSAGE_LETTERS: Final = 400
"""At most this much is shown of a passage: words, and letters where words are long."""
LEFT_OUT: Final = " [...] "
"""Stands in a passage for what lies between its words and is not compared."""

_MOST_LETTERS: Final = 20 * MOST_WORDS
"""Letters that are read to find the words; a text of longer words is compared by fewer of them."""
_AHEAD: Final = (8, 3, 1)
"""Words by which the text is found again after what is left out of it."""
_MOST_LEFT_OUT: Final = 2_000
"""Words that are left out in one go at most; a text in which more are is compared up to there."""
_PIECE: Final = regex.compile(rf"\S(?:(?![[{SPACELESS}]&&\p{{L}}])\S)*+", regex.V1)
"""What normalises by itself as it does within its text: up to the next space, or letter of a script without spaces."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Consecutive words of a text, as it spells them. `n_words` of the whole passage; `is_cut`: `text` is its
    beginning.
    """

    text: str
    n_words: int
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two texts compared.

    `jaccard`: the share of all shingles that both have. `containment`: the share of the first text's shingles that are
    in the second, and `containment_of_other` the other way round. `n_words` and `n_words_of_other`: how many words
    were compared; `is_whole`: they were all. `shared`, `only_here` (in the first text) and `only_in_other`: at most
    three passages each, the longest first.
    """

    jaccard: float
    containment: float
    containment_of_other: float
    n_words: int
    n_words_of_other: int
    is_whole: bool
    shared: tuple[Passage, ...]
    only_here: tuple[Passage, ...]
    only_in_other: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A plain text as it is shown, and the normalised text by which it is compared: in the same order the same words,
    but for those (boilerplate) that are left out.
    """

    text: str
    compared: str

    @classmethod
    def whole(cls, text: str) -> Source:
        """A text of which all is compared."""
        return cls(text, normalise(text))


@dataclass(frozen=True, slots=True)
class _Read:
    """The words that are compared, and for each the place in `spans` of where it is in the text: [start, end)."""

    text: str
    words: Sequence[str]
    places: Sequence[int]
    spans: Sequence[tuple[int, int]]
    is_whole: bool

    def passage(self, start: int, end: int) -> Passage:
        last = min(end, start + PASSAGE_WORDS)
        shown = LEFT_OUT.join(
            self.text[self.spans[self.places[a]][0] : self.spans[self.places[b - 1]][1]]
            for a, b in pairwise(self._breaks(start, last))
        )
        return Passage(shown[:PASSAGE_LETTERS], end - start, last < end or len(shown) > PASSAGE_LETTERS)

    def _breaks(self, start: int, end: int) -> list[int]:
        """The ends of a run of words, and where something is left out within it."""
        places = self.places
        return [start, *(i for i in range(start + 1, end) if places[i] > places[i - 1] + 1), end]


@dataclass(frozen=True, slots=True)
class _Gap:
    """Words [start, end) that the other text has nowhere together, `n_own` of them in no shingle of both texts: none
    where common passages merely meet otherwise.
    """

    start: int
    end: int
    n_own: int


def compare(one: Source, other: Source) -> Comparison:
    """How alike two texts are, and in what: of each at most the first 50,000 words count."""
    here, there = _read(one), _read(other)
    shingles, others = _shingles(here.words), _shingles(there.words)
    n_common = len(shingles & others)
    reach, reach_of_other = _reach(here.words, there.words), _reach(there.words, here.words)
    gaps, gaps_of_other = _gaps(reach), _gaps(reach_of_other)
    is_reordered = not any(gap.n_own for gap in chain(gaps, gaps_of_other))
    return Comparison(
        jaccard=_share(n_common, len(shingles) + len(others) - n_common),
        containment=_share(n_common, len(shingles)),
        containment_of_other=_share(n_common, len(others)),
        n_words=len(here.words),
        n_words_of_other=len(there.words),
        is_whole=here.is_whole and there.is_whole,
        shared=_longest(here, _shared(reach, max(1, min(SHINGLE_WORDS, len(here.words), len(there.words))))),
        only_here=_longest(here, _told(gaps, is_reordered=is_reordered)),
        only_in_other=_longest(there, _told(gaps_of_other, is_reordered=is_reordered)),
    )


def _read(source: Source) -> _Read:
    compared = words(source.compared)
    found, spans = _located(source.text)
    places = _places(compared[:MOST_WORDS], found)
    return _Read(source.text, compared[: len(places)], places, spans, len(places) == len(compared))


def _located(text: str) -> tuple[list[str], list[tuple[int, int]]]:
    """The words of the beginning of a text in the form in which they are compared, and where each is: [start, end).

    Where normalising makes other words of a piece than it shows (of a fraction, of letters with an invisible character
    between them), each of them is in the whole piece.
    """
    found: list[str] = []
    spans: list[tuple[int, int]] = []
    for piece in _PIECE.finditer(text[:_MOST_LETTERS]):
        if len(found) >= MOST_WORDS:
            break
        told = words(normalise(piece[0]))
        own = [match.span() for match in WORD.finditer(piece[0])]
        if [normalise(piece[0][start:end]) for start, end in own] != told:
            own = [(0, len(piece[0]))] * len(told)
        found += told
        spans += [(piece.start() + start, piece.start() + end) for start, end in own]
    return found, spans


def _places(compared: Sequence[str], found: Sequence[str]) -> list[int]:
    """Where in the words found each of those compared is, in order; they end where one is not found any more."""
    places: list[int] = []
    after = 0
    for i, word in enumerate(compared):
        if after >= len(found) or found[after] != word:
            after = _next_place(compared[i : i + _AHEAD[0]], found, after)
            if after < 0:
                break
        places.append(after)
        after += 1
    return places


def _next_place(run: Sequence[str], found: Sequence[str], after: int) -> int:
    """Where the words go on after some that are left out: where most of this run follows; -1 if nowhere."""
    for n in _AHEAD:
        wanted = run[:n]
        for place in range(after, min(len(found), after + _MOST_LEFT_OUT)):
            if found[place] == run[0] and found[place : place + len(wanted)] == wanted:
                return place
    return -1


def _shingles(found: Sequence[str]) -> set[tuple[str, ...]]:
    if len(found) < SHINGLE_WORDS:
        return {tuple(found)} if found else set()
    return set(zip(*(found[place:] for place in range(SHINGLE_WORDS)), strict=False))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _reach(found: Sequence[str], other: Sequence[str]) -> list[int]:
    """For each word, how many words up to and with it are together somewhere in the other text."""
    following, shorter, lengths = _automaton(other)
    state = reached = 0
    reaches: list[int] = []
    for word in found:
        while state and word not in following[state]:
            state = shorter[state]
            reached = lengths[state]
        if word in following[state]:
            state = following[state][word]
            reached += 1
        reaches.append(reached)
    return reaches


def _automaton(found: Sequence[str]) -> tuple[list[dict[str, int]], list[int], list[int]]:
    """The suffix automaton of words, state 0 the first: for each state what follows it by which word, the state of its
    longest suffix that is another state's (0 for the first), and the length of its longest run.
    """
    following: list[dict[str, int]] = [{}]
    shorter, lengths = [-1], [0]
    last = 0
    for word in found:
        new, state = len(lengths), last
        following.append({})
        shorter.append(0)
        lengths.append(lengths[last] + 1)
        while state >= 0 and word not in following[state]:
            following[state][word] = new
            state = shorter[state]
        if state >= 0:
            after = following[state][word]
            if lengths[after] > lengths[state] + 1:
                split = len(lengths)
                following.append(dict(following[after]))
                shorter.append(shorter[after])
                lengths.append(lengths[state] + 1)
                shorter[after] = split
                while state >= 0 and following[state].get(word) == after:
                    following[state][word] = split
                    state = shorter[state]
                after = split
            shorter[new] = after
        last = new
    return following, shorter, lengths


def _shared(reach: Sequence[int], least: int) -> Iterator[tuple[int, int]]:
    """The runs of at least so many words that are in the other text and cannot be made longer."""
    for end, reached in enumerate(reach, 1):
        if reached >= least and (end == len(reach) or reach[end] <= reached):
            yield end - reached, end


def _gaps(reach: Sequence[int]) -> list[_Gap]:
    """What is between the shingles that the other text has too."""
    size = min(SHINGLE_WORDS, len(reach))
    last = len(reach) - size
    gaps: list[_Gap] = []
    first = -1
    for place in range(last + 2 if size else 0):
        is_own = place <= last and reach[place + size - 1] < size
        if is_own and first < 0:
            first = place
        elif not is_own and first >= 0:
            start = first + size - 1 if first else 0
            end = place if place <= last else len(reach)
            n_own = max(0, end - start)
            start, end = _widened(reach, end - n_own, end, first, place + size - 1)
            if reach[end - 1] < end - start:
                gaps.append(_Gap(start, end, n_own))
            first = -1
    return gaps


def _widened(reach: Sequence[int], start: int, end: int, low: int, high: int) -> tuple[int, int]:
    """A run with as many of its neighbours in [low, high) as it needs not to be in the other text."""
    while start == end or reach[end - 1] >= end - start:
        if (start, end) == (low, high):
            break
        if end < high:
            end += 1
        if start > low and reach[end - 1] >= end - start:
            start -= 1
    return start, end


def _told(gaps: Sequence[_Gap], *, is_reordered: bool) -> Iterator[tuple[int, int]]:
    """The gaps that have words of their own; where there are none at all, those at which common passages meet."""
    return ((gap.start, gap.end) for gap in gaps if gap.n_own or is_reordered)


def _longest(read: _Read, runs: Iterable[tuple[int, int]]) -> tuple[Passage, ...]:
    """The longest of these runs that do not overlap and do not say the same."""
    taken: list[tuple[int, int]] = []
    said: set[tuple[str, ...]] = set()
    for start, end in sorted(runs, key=lambda run: (run[0] - run[1], run)):
        if len(taken) == SAMPLES:
            break
        told = tuple(read.words[start:end])
        if told not in said and all(end <= first or last <= start for first, last in taken):
            taken.append((start, end))
            said.add(told)
    return tuple(read.passage(start, end) for start, end in taken)
