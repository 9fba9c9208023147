"""The window as one process holds it: every family kept, with what clustering and stories need of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import filterfalse
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup.frequencies import NO_FREQUENCIES, Frequencies
from dedup.living import Living, is_large
from dedup.pipeline import Background, Params, Telling
from dedup.roster import HeldFamily, Roster
from dedup.story import Story, Storyline
from dedup.storyline import Profile, Shelf

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
    is not. `renews`: whether a run makes a large window's background anew where it is worn. `profiles`: by storyline
    those of its stories, which stand on the `shelf`, too.
    """

    run: int = -1
    server: str = ""
    roster: Roster = field(default_factory=Roster)
    stories: dict[str, Story] = field(default_factory=dict)
    storylines: dict[str, Storyline] = field(default_factory=dict)
    profiles: dict[str, dict[str, Profile]] = field(default_factory=dict)
    shelf: Shelf = field(default_factory=Shelf)
    clustered: frozenset[str] = frozenset()
    past: Past = field(default_factory=Past)
    living: Living | None = None
    generation: str = ""
    renews: bool = True

    @property
    def families(self) -> Mapping[str, HeldFamily]:
        """The families held, by id."""
        return self.roster.families

    def follow(self, names: AbstractSet[str], touched: Iterable[str], before: Frequencies, params: Params) -> Living:
        """The clustering of these families; those `touched` may tell something else than in the last run. `before` are
        the document frequencies of what was told earlier, for where the background is made anew.
        """
        if is_large(names) and self.living is not None:
            told = self._told(self.living.asked(names, set(touched)))
            if not self.renews or not self.living.is_worn_by(names, told):
                self.living.follow(names, told)
                return self.living
        families = self._told(names)
        self.living = Living.of(families, Background.of(list(families.values()), params, before), params)
        return self.living

    def _told(self, names: Iterable[str]) -> dict[str, Telling]:
        """What these families tell, by arrival of their first article."""
        families = self.roster.at(self.roster.in_order(self.roster.place(names)))
        return {one.family_id: one.telling for one in families}

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

    def in_window(self, since: float) -> NDArray[np.int64]:
        """The places of families with an article seen since a time (Unix seconds), by arrival of their first article.

        One that no run has placed yet is among them even if it waited, or was revised, past its time. So are all
        families of a story that has one among them: a story leaves as a whole, or what is left of it would fall apart
        because what held it together has gone.
        """
        roster = self.roster
        inside = roster.is_here & ((roster.last_seen >= since) | ~roster.is_placed)
        stays = np.zeros(len(roster.story_numbers) + 1, np.bool_)
        stays[roster.stories[inside]] = True
        stays[-1] = False  # of what has no story
        return roster.in_order(np.flatnonzero(inside | roster.is_here & stays[roster.stories]))

    def put_profiles(self, lines: Mapping[str, Mapping[str, Profile]]) -> None:
        """Has stories stand in these storylines, with these profiles."""
        for line, held in lines.items():
            self.profiles.setdefault(line, {}).update(held)
        self.shelf.put({story: (line, one) for line, held in lines.items() for story, one in held.items()})

    def drop_profile(self, line: str, story_id: str) -> None:
        """Has a story stand in a storyline no more."""
        held = self.profiles.get(line, {})
        held.pop(story_id, None)
        if not held:
            self.profiles.pop(line, None)
        self.shelf.drop([story_id])

    def forget_storylines(self, lines: Iterable[str]) -> None:
        """Takes storylines away, with the profiles of their stories."""
        for line in lines:
            self.shelf.drop(self.profiles.pop(line, {}))
            self.storylines.pop(line, None)
