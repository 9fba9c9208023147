"""What articles tell as facts of their own event, and how far two agree: words, numbers, slots filled by numbers."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup.cues import NAME, NUMBER, RECALLED, WEEKDAY, Cues, Tale
from dedup.episode.value import RoundParams
from dedup.frequencies import Frequencies

_NUMBERS: Final = 1 << 32
"""Added to the hash of a number, so that it is another fact than the word of the same hash."""

Facts = Mapping[int, int]
"""Each fact of an article (a word's hash, or a number's plus 2**32), and its marks."""


def read_facts(tale: Tale) -> dict[int, int]:
    """What the article tells of its own event; what it recalls is not."""
    own = _is_own(tale)
    told = dict(zip(tale.hashes[own].tolist(), tale.marks[own].tolist(), strict=True))
    told.update((number + _NUMBERS, NUMBER) for number in tale.cues.numbers.tolist())
    return told


@dataclass(frozen=True, slots=True, eq=False)
class Weigher:
    """What each fact counts: the fewer articles of the window tell it, the more.

    `frequency` says how many do, by rising fact, for facts that more than one tells; `n_articles` are in the window.
    """

    frequency: Mapping[int, int]
    n_articles: int
    params: RoundParams

    @classmethod
    def of(cls, tales: Sequence[Tale], params: RoundParams) -> Weigher:
        every = [np.zeros(0, np.int64), *(_distinct(tale) for tale in tales)]
        facts, counts = np.unique(np.concatenate(every), return_counts=True)
        often = counts > 1
        return cls(dict(zip(facts[often].tolist(), counts[often].tolist(), strict=True)), len(tales), params)

    def to_bytes(self) -> bytes:
        """Packed, for `from_bytes`."""
        facts, counts = np.array([*self.frequency], np.uint64), np.array([*self.frequency.values()], np.uint32)
        return Frequencies(self.n_articles, facts, counts).to_bytes()

    @classmethod
    def from_bytes(cls, packed: bytes, params: RoundParams) -> Weigher:
        """What `to_bytes` packed. Raises `FrequenciesError` for other bytes or another version."""
        told = Frequencies.from_bytes(packed)
        return cls(dict(zip(told.keys.tolist(), told.counts.tolist(), strict=True)), told.n_articles, params)

    def weigh(self, fact: int, marks: int) -> float:
        """The weight of a fact, by its kind and the square of its share of the largest idf."""
        most = 1 + math.log((1 + self.n_articles) / 2)
        rarity = (1 + math.log((1 + self.n_articles) / (1 + self.frequency.get(fact, 1)))) / most
        return rarity**2 * self._of_kind(marks)

    def _of_kind(self, marks: int) -> float:
        if marks & NUMBER:
            return self.params.number_weight
        if marks & WEEKDAY:
            return self.params.weekday_weight
        if marks & NAME:
            return self.params.name_weight
        return self.n_articles / (self.n_articles + self.params.unknown_articles)


def _is_own(tale: Tale) -> NDArray[np.bool_]:
    """Which words it does not tell of the past; numbers are read from the cues."""
    return np.asarray((tale.marks & (RECALLED | NUMBER)) == 0)


def _distinct(tale: Tale) -> NDArray[np.int64]:
    """The facts that `read_facts` finds, each once: int64."""
    return np.concatenate(
        [np.unique(tale.hashes[_is_own(tale)]).astype(np.int64), tale.cues.numbers.astype(np.int64) + _NUMBERS]
    )


def count(facts: Iterable[Iterable[int]]) -> dict[int, int]:
    """How many articles tell each fact, or fill each slot."""
    frequency: dict[int, int] = defaultdict(int)
    for told in facts:
        for fact in told:
            frequency[fact] += 1
    return frequency


def join_marks(facts: Iterable[Facts]) -> dict[int, int]:
    """The marks that each fact has in any article: at the head of a sentence a name is not seen to be one."""
    marks: dict[int, int] = defaultdict(int)
    for told in facts:
        for fact, own in told.items():
            marks[fact] |= own
    return marks


def compare_slots(one: Mapping[int, set[int]], other: Mapping[int, set[int]]) -> tuple[int, int]:
    """How many slots two articles fill alike, and how many otherwise."""
    common = one.keys() & other.keys()
    n_agreed = sum(not one[slot].isdisjoint(other[slot]) for slot in common)
    return n_agreed, len(common) - n_agreed


def contradictions(cues: Sequence[Cues]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each two articles, how many slots they fill alike and how many otherwise: int64, shape (n, n) both."""
    n = len(cues)
    slots = [one.slots() for one in cues]
    agreed, conflicted = np.zeros((n, n), np.int64), np.zeros((n, n), np.int64)
    for i in range(n):
        for j in range(i):
            agreed[i, j], conflicted[i, j] = agreed[j, i], conflicted[j, i] = compare_slots(slots[i], slots[j])
    return agreed, conflicted
