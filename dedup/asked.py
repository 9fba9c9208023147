"""Corrections as a run has to heed them: what they ask of the families it clusters, and which families have to come
back into it from outside the window.

1. A family outside the window comes back only where a correction would not hold otherwise, and then with all families
   of its story that are outside: what has left the window stays as it was decided, but for corrections. One that is
   unlinked from a family in the window comes back, too, while others of its own story are there: it keeps them.
2. Two families of one story come out as they are asked to be, whichever of them is in the window, and if neither is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dedup.constraint import Constraints
from dedup.correction import Corrections
from dedup.identity import Outcome
from dedup.roster import HeldFamily
from dedup.window import Window


@dataclass(frozen=True, slots=True)
class Asked:
    """What corrections ask of a run. `home` is the family of each article that they name and that is kept."""

    corrections: Corrections
    window: Window
    home: Mapping[str, str]

    @classmethod
    def of(cls, corrections: Corrections, window: Window) -> Asked:
        """What these corrections ask of a run over this window."""
        about = corrections.about
        families = window.families.values() if corrections else ()
        home = {one.article_id: held.family_id for held in families for one in held.articles if one.article_id in about}
        return cls(corrections, window, home)

    def constraints(self, inside: Sequence[HeldFamily], called: Collection[str]) -> Constraints:
        """What is asked of these families, in their order; `called` are those of them that are outside the window."""
        place = {family.family_id: i for i, family in enumerate(inside)}
        linked: dict[int | str, list[int]] = defaultdict(list)
        ties = self.corrections.ties()
        for article_id, family_id in sorted(self.home.items()):
            if family_id in place:
                linked[ties.root(article_id)].append(place[family_id])
        opposed = {
            (ties.root(one.one), ties.root(one.other)) for one in self.corrections.standing if one.kind == "unlink"
        }
        return Constraints(
            together=[pair for places in linked.values() for pair in pairwise(dict.fromkeys(places))],
            apart=sorted(
                {(i, k) for one, other in opposed for i in linked.get(one, ()) for k in linked.get(other, ())}
            ),
            recalled=self._recalled(inside, called),
            before=[_story_so_far(family) for family in inside],
        )

    def _recalled(
        self, inside: Sequence[HeldFamily], called: Collection[str]
    ) -> list[tuple[Sequence[int], Sequence[int]]]:
        outside: dict[str, list[int]] = defaultdict(list)
        present: dict[str, list[int]] = defaultdict(list)
        for i, family in enumerate(inside):
            (outside if family.family_id in called else present)[_story_so_far(family)].append(i)
        return [(outside[story], present[story]) for story in sorted(outside)]

    def missing(self, inside: Collection[str], story_of: Mapping[str, str]) -> set[str]:
        """The families outside a run that have to be in it, for a correction does not hold as it is. `story_of` are the
        stories that families would be in, where those are others than now.
        """

        def story(family_id: str) -> str:
            return story_of.get(family_id) or _story_so_far(self.window.families[family_id])

        at_odds: set[str] = set()
        for one in self.corrections.standing:
            if one.one in self.home and one.other in self.home:
                stories = {story(self.home[one.one]), story(self.home[one.other])}
                if (len(stories) == 1) == (one.kind == "unlink"):
                    at_odds |= stories
        at_odds.discard("")
        if not at_odds:
            return set()
        return {name for name in self.window.families if name not in inside and story(name) in at_odds}

    def straddling(self, inside: Collection[str]) -> set[str]:
        """The families outside the window that are unlinked from one in it, where others of their story are in it."""
        present = {_story_so_far(self.window.families[name]) for name in inside} if self.corrections else set()
        found = set()
        for one in self.corrections.standing:
            if one.kind == "unlink" and one.one in self.home and one.other in self.home:
                ends = [self.home[one.one], self.home[one.other]]
                out = [name for name in ends if name not in inside]
                if len(out) == 1 and _story_so_far(self.window.families[out[0]]) in present:
                    found.add(out[0])
        return found


def _story_so_far(family: HeldFamily) -> str:
    """The story of a family; of one that has just come of another, that of its articles; "" where there is none."""
    return family.story or next((article.story for article in family.articles if article.story), "")


def stories_of(outcome: Outcome) -> dict[str, str]:
    """The story of each family that a decision places, in the window or outside it."""
    return {
        family: assigned.story_id
        for assigned in outcome.stories
        for family in (*assigned.families, *(left.family for left in assigned.left))
    }
