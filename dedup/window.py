"""The window as one process holds it: every family kept, with what clustering and stories need of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import filterfalse
from operator import attrgetter
from typing import Final

from dedup.frequencies import NO_FREQUENCIES, Frequencies
from dedup.living import Living, is_large
from dedup.pipeline import Background, Params, Telling
from dedup.story import Story, Storyline
from dedup.storyline import Profile, Shelf

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
    """A family with its articles in order of arrival; the telling and the title are the representative's. `last_seen`:
    Unix seconds of the latest arrival; `arrival` orders families by that of their first article. `is_placed`: whether a
    run has put it, and all its articles with it, into one story.
    """

    family_id: str
    representative: str
    story: str
    articles: tuple[HeldArticle, ...]
    telling: Telling
    title: str
    last_seen: float = field(init=False)
    arrival: tuple[int, str] = field(init=False)
    is_placed: bool = field(init=False)

    def __post_init__(self) -> None:
        placed = bool(self.story) and all(one.clustered and one.story == self.story for one in self.articles)
        object.__setattr__(self, "last_seen", max(article.score for article in self.articles) / 1000)
        object.__setattr__(self, "arrival", (self.articles[0].key, self.family_id))
        object.__setattr__(self, "is_placed", placed)


MOST_APPENDED: Final = 1_000
"""Families by which the past may have changed, in any case, before it is bounded and kept anew as a whole..."""
MOST_APPENDED_SHARE: Final = 0.05
"""... and as a share of the articles counted in it."""


@dataclass(frozen=True, slots=True)
class Past:
    """What was told before the window: its document frequencies, and the families kept that are counted in them.
    `n_appended`: by how many families it has changed since it was last kept as a whole.
    """

    frequencies: Frequencies = NO_FREQUENCIES
    counted: frozenset[str] = frozenset()
    n_appended: int = 0


@dataclass(frozen=True, slots=True)
class Passage:
    """How the past changes by a run: families that left the window, that came back to it, and that are kept no more,
    which stay counted. `is_whole`: it is to be kept anew as a whole.
    """

    past: Past = Past()
    left: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    is_whole: bool = False


@dataclass(slots=True)
class Window:
    """What is held. `run` is the number of the run it is true as of, `server` the run of the server that told it.
    `living`: its clustering as of that run, None until it is made, and `generation` what it is kept under, "" where it
    is not. `renews`: whether a run makes a large window's background anew where it is worn. `shelf`: the profiles that
    the last run held new stories against.
    """

    run: int = -1
    server: str = ""
    families: dict[str, HeldFamily] = field(default_factory=dict)
    stories: dict[str, Story] = field(default_factory=dict)
    storylines: dict[str, Storyline] = field(default_factory=dict)
    profiles: dict[str, dict[str, Profile]] = field(default_factory=dict)
    shelf: Shelf = field(default_factory=Shelf)
    clustered: frozenset[str] = frozenset()
    past: Past = field(default_factory=Past)
    living: Living | None = None
    generation: str = ""
    renews: bool = True

    def follow(self, inside: Iterable[HeldFamily], before: Frequencies, params: Params) -> Living:
        """The clustering of these families; `before` are the document frequencies of what was told earlier, for where
        the background is made anew.
        """
        families = {one.family_id: one.telling for one in inside}
        if is_large(families) and self.living is not None and not (self.renews and self.living.is_worn_by(families)):
            self.living.follow(families)
        else:
            self.living = Living.of(families, Background.of(list(families.values()), params, before), params)
        return self.living

    def pass_on(self, names: AbstractSet[str]) -> Passage:
        """What becomes past where these families are in the window. One that comes back is taken out by what it tells
        now, so the past is what families told when they left, as far as they have not changed outside.
        """
        counted = self.past.counted
        outside = filterfalse(names.__contains__, self.families)
        left = sorted(filterfalse(counted.__contains__, outside))
        back, gone = sorted(counted & names), sorted(counted - self.families.keys())
        if not left and not back and not gone:
            return Passage(self.past)
        words = ([self.families[name].telling.terms.hashes for name in one] for one in (left, back))
        frequencies = self.past.frequencies.changed(*words)
        n_appended = self.past.n_appended + len(left) + len(back)
        is_whole = n_appended > max(MOST_APPENDED, MOST_APPENDED_SHARE * frequencies.n_articles)
        if is_whole:
            frequencies, n_appended = frequencies.bounded(), 0
        past = Past(frequencies, frozenset((counted | set(left)) - set(back) - set(gone)), n_appended)
        return Passage(past, tuple(left), tuple(back), tuple(gone), is_whole)

    def in_window(self, since: float) -> list[HeldFamily]:
        """The families with an article seen since a time (Unix seconds), by arrival of their first article.

        One that no run has placed yet is among them even if it waited, or was revised, past its time. So are all
        families of a story that has one among them: a story leaves as a whole, or what is left of it would fall apart
        because what held it together has gone.
        """
        inside: list[HeldFamily] = []
        older: list[HeldFamily] = []
        for one in self.families.values():
            (inside if one.last_seen >= since or not one.is_placed else older).append(one)
        stories = {one.story for one in inside} - {""} if older else set()
        return by_arrival([*inside, *(one for one in older if one.story in stories)])

    def by_story(self) -> dict[str, list[HeldFamily]]:
        """All families that have a story, by the story of the family."""
        found: dict[str, list[HeldFamily]] = defaultdict(list)
        for family in self.families.values():
            found[family.story].append(family)
        found.pop("", None)
        return dict(found)


def names_of(families: Iterable[HeldFamily]) -> frozenset[str]:
    """The ids of families."""
    return frozenset(map(attrgetter("family_id"), families))


def by_arrival(families: Iterable[HeldFamily]) -> list[HeldFamily]:
    """Families in order of the arrival of their first article."""
    return sorted(families, key=attrgetter("arrival"))
