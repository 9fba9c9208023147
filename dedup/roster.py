"""The families that one process holds, and what each run asks of all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup.pipeline import Telling

KEY_SHIFT: Final = 20
"""Bits of an arrival's key that hold its serial number within the millisecond."""


@dataclass(frozen=True, slots=True)
class HeldArticle:
    """An article of a family: `key` orders arrivals, `score` is its place in sorted sets, times are Unix seconds."""

    article_id: str
    key: int
    score: float
    published_at: float | None
    source: str
    story: str
    storyline: str
    clustered: bool


@dataclass(frozen=True, slots=True, eq=False)
class HeldFamily:
    """A family with its articles in order of arrival; the telling and the title are the representative's."""

    family_id: str
    representative: str
    story: str
    articles: tuple[HeldArticle, ...]
    telling: Telling
    title: str

    @property
    def last_seen(self) -> float:
        """Unix seconds of the latest arrival."""
        return max(article.score for article in self.articles) / 1000

    @property
    def is_placed(self) -> bool:
        """Whether a run has put it, and all its articles with it, into one story."""
        return bool(self.story) and all(one.clustered and one.story == self.story for one in self.articles)


@dataclass(slots=True)
class Roster:
    """Families by id, each at a place of its own while it is held.

    What each run asks of all of them stands in arrays by place, for objects by the ten thousand have to be fetched from
    memory one by one: the families themselves (`held`, None where one was dropped), `last_seen` (float64), the `keys`
    of their first articles and their `n_articles` (int64), whether each `is_here` and `is_placed` (bool), and
    `stories`, by the numbers that `story_numbers` has for the ids of stories (int64, -1 for none).
    """

    families: dict[str, HeldFamily] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    held: NDArray[np.object_] = field(default_factory=lambda: np.zeros(0, np.object_))
    last_seen: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    keys: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    n_articles: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    is_here: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    is_placed: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    stories: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    story_numbers: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, families: Iterable[HeldFamily]) -> Roster:
        """These, at places in their order."""
        roster = cls()
        roster.put(families)
        return roster

    def put(self, families: Iterable[HeldFamily]) -> None:
        """Has these held, each instead of one of its id."""
        told = {one.family_id: one for one in families}
        fresh = [name for name in told if name not in self.places]
        self.places.update(zip(fresh, range(len(self.held), len(self.held) + len(fresh)), strict=True))
        self._extend(len(fresh))
        self.families.update(told)
        places = self.place(told)
        self.held[places] = np.fromiter(told.values(), np.object_, len(told))
        self.last_seen[places] = [one.last_seen for one in told.values()]
        self.keys[places] = [one.articles[0].key for one in told.values()]
        self.n_articles[places] = [len(one.articles) for one in told.values()]
        self.is_here[places] = True
        self.is_placed[places] = [one.is_placed for one in told.values()]
        self.stories[places] = [self._number(one.story) for one in told.values()]

    def drop(self, names: Iterable[str]) -> None:
        """Takes those of these families away that are held. Once half of the places are empty all are given anew."""
        for name in names:
            if name in self.places:
                place = self.places.pop(name)
                del self.families[name]
                self.held[place], self.is_here[place] = None, False
        if len(self.places) < len(self.held) // 2:
            tidied = Roster.of(self.families.values())
            for name in self.__slots__:
                setattr(self, name, getattr(tidied, name))

    def place(self, names: Iterable[str]) -> NDArray[np.int64]:
        """The places of families: int64."""
        return np.fromiter(map(self.places.__getitem__, names), np.int64)

    def at(self, places: NDArray[np.int64]) -> list[HeldFamily]:
        """The families at these places."""
        return list(self.held[places])

    def in_order(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """These places by arrival of their families' first articles."""
        return places[np.argsort(self.keys[places], kind="stable")]

    def by_story(self) -> ByStory:
        """The families held, by the story of each."""
        order = self.in_order(np.flatnonzero(self.is_here))
        order = order[np.argsort(self.stories[order], kind="stable")]
        ends = np.searchsorted(self.stories[order], np.arange(-1, len(self.story_numbers)), side="right")
        return ByStory(self, order, ends)

    def _extend(self, n: int) -> None:
        for name in ("held", "last_seen", "keys", "n_articles", "is_here", "is_placed", "stories"):
            one = getattr(self, name)
            setattr(self, name, np.concatenate([one, np.zeros(n, one.dtype)]))

    def _number(self, story: str) -> int:
        return self.story_numbers.setdefault(story, len(self.story_numbers)) if story else -1


@dataclass(frozen=True, slots=True, eq=False)
class ByStory:
    """The families that a roster holds, by story, as of when this was made: `order` are their places by the number of
    their story, and by arrival; those of number i are before `ends[i + 1]` and not before `ends[i]`: int64.
    """

    roster: Roster
    order: NDArray[np.int64]
    ends: NDArray[np.int64]

    @property
    def sizes(self) -> NDArray[np.int64]:
        """How many families each story has, by its number: int64."""
        return np.diff(self.ends)

    def n_articles(self) -> dict[str, int]:
        """How many articles each story has; one that has none may be missing."""
        counted = np.zeros(len(self.ends), np.int64)
        np.add.at(counted, self.roster.stories[self.order], self.roster.n_articles[self.order])
        return dict(zip(self.roster.story_numbers, counted.tolist(), strict=False))

    def first(self, story: str) -> HeldFamily:
        """Of a story that has families the one whose first article came first."""
        family: HeldFamily = self.roster.held[self.order[self.ends[self.roster.story_numbers[story]]]]
        return family

    def families(self, story: str) -> list[HeldFamily]:
        """Those of a story, by arrival."""
        number = self.roster.story_numbers.get(story)
        return [] if number is None else self.roster.at(self.order[self.ends[number] : self.ends[number + 1]])


def names_of(families: Iterable[HeldFamily]) -> frozenset[str]:
    """The ids of families."""
    return frozenset(map(attrgetter("family_id"), families))
