"""Which families of a window are one story, and under which id: clustered and named, until every correction holds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from dedup.asked import Asked, stories_of
from dedup.constraint import constrain
from dedup.correction import Corrections
from dedup.episode import Articles
from dedup.identity import Left, Outcome, Placed, Standing, decide, mint
from dedup.living import Living
from dedup.pipeline import describe, weigh
from dedup.roster import KEY_SHIFT, ByStory, HeldArticle, HeldFamily, names_of
from dedup.story import Story
from dedup.telling import founder_of
from dedup.window import Window

InUse = Callable[[Literal["story", "storyline"], Collection[str]], Collection[str]]
"""Which of these ids are in use outside what the window holds, retired ones included."""

_FAMILY_ID: Final = attrgetter("family_id")


@dataclass(frozen=True, slots=True, eq=False)
class Naming:
    """What came of it: `inside` are the places of the families that were clustered, in order of arrival, those `called`
    back from outside the window among them. `outcome` is of those stories alone that changed or may have; `settled` are
    the others. `articles`: what the families tell, by `numbers`.
    """

    inside: NDArray[np.int64]
    called: AbstractSet[str]
    outcome: Outcome
    settled: AbstractSet[str]
    articles: Articles
    numbers: Mapping[str, int]


def name_stories(
    window: Window,
    inside: NDArray[np.int64],
    living: Living,
    touched: Collection[str],
    held: ByStory,
    corrections: Corrections,
    ids_in_use: InUse,
) -> Naming:
    """Names the families at these places as they are clustered, with others of the window where a correction would not
    hold without them. `touched`: families that may have other articles than before; `held`: all of them by story.
    """
    roster, asked = window.roster, Asked.of(corrections, window)
    within = names_of(roster.at(inside)) if corrections else frozenset()
    called: set[str] = set()
    missing = asked.missing(within, {}) | asked.straddling(within)
    while True:
        called |= missing
        places = roster.in_order(np.concatenate([inside, roster.place(called)])) if called else inside
        everyone = roster.at(places)
        articles, numbers = _tell(living, [window.families[name] for name in sorted(called)])
        labels = _labels(living, everyone, called)
        constraints = asked.constraints(everyone, called) if corrections or called else None
        if constraints:
            rows = articles.words.rows[[numbers[family.family_id] for family in everyone]]
            labels = constrain(labels, rows, constraints)
        outcome, settled = _identify(window, places, called, labels, touched, held, ids_in_use)
        missing = asked.missing(within | called, stories_of(outcome))
        if not missing:
            return Naming(places, called, outcome, settled, articles, numbers)


def _tell(living: Living, called: Sequence[HeldFamily]) -> tuple[Articles, Mapping[str, int]]:
    """What the families of the window tell, and after them those called back; and the place of each."""
    if not called:
        return living.articles, living.numbers
    told = [family.telling for family in called]
    found = weigh(told, living.params, living.background)
    places = {family.family_id: len(living.names) + i for i, family in enumerate(called)}
    more = describe(told, found, living.params, living.background.weigher)
    return living.articles.joined(more), living.numbers | places


def _labels(living: Living, everyone: Sequence[HeldFamily], called: Collection[str]) -> NDArray[np.int64]:
    """The label of each family, -1 of those called back: they change nothing for the others but what is asked."""
    if not called:
        return living.labels[living.place(map(_FAMILY_ID, everyone))]
    present = living.labels[living.place(one.family_id for one in everyone if one.family_id not in called)]
    labels = np.full(len(everyone), -1, np.int64)
    labels[[one.family_id not in called for one in everyone]] = present
    return labels


def in_use(
    ids_in_use: InUse, kind: Literal["story", "storyline"], founders: Iterable[HeldArticle]
) -> Callable[[str], bool]:
    """Whether an id is in use; those that these founders will be asked for first are looked up together."""
    likely = {mint(kind, founder.article_id, lambda _: False) for founder in founders}
    taken = ids_in_use(kind, likely)

    def is_taken(name: str) -> bool:
        return name in taken if name in likely else bool(ids_in_use(kind, [name]))

    return is_taken


def _identify(
    window: Window,
    inside: NDArray[np.int64],
    called: Collection[str],
    labels: NDArray[np.int64],
    touched: Collection[str],
    held: ByStory,
    ids_in_use: InUse,
) -> tuple[Outcome, AbstractSet[str]]:
    """Who keeps which id among the stories that are not settled, and which are."""
    settled, loose = _settle(window, inside, labels, touched, held)
    moving = _clusters(window, inside[loose], labels[loose])
    shared = {article.story for cluster in moving for family in cluster for article in family.articles} & settled
    moving += [held.families(story) for story in sorted(shared)]
    settled -= shared
    placed = [_placed(family, window.stories) for cluster in moving for family in cluster]
    taken = in_use(ids_in_use, "story", [founder_of(cluster) for cluster in moving])
    named = [[family.family_id for family in cluster] for cluster in moving]
    standing = _standing(window, placed, held, settled)
    return decide(placed, named, standing, taken=taken, called_back=called), settled


def _settle(
    window: Window, inside: NDArray[np.int64], labels: NDArray[np.int64], touched: Collection[str], held: ByStory
) -> tuple[set[str], NDArray[np.int64]]:
    """The open stories that are as they were, where all families of a label, and no others, had been put with the
    articles they have; and which of the families inside are in none of them.
    """
    roster = window.roster
    firsts, label_of, sizes = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)[1:]
    stories, is_touched = roster.stories[inside], np.zeros(len(roster.held), np.bool_)
    is_touched[roster.place(touched & window.families.keys())] = True
    moved = ~roster.is_placed[inside] | is_touched[inside] | (stories != stories[firsts[label_of]])
    is_same = np.bincount(label_of, moved, len(firsts)) == 0
    likely = np.flatnonzero(is_same)
    numbers, names = stories[firsts[likely]], np.array([*roster.story_numbers, ""], np.object_)
    n_told = np.array([_n_open(window.stories.get(name)) for name in names[numbers]], np.int64)
    is_same[likely] = (n_told == held.sizes[numbers]) & (n_told == sizes[likely])
    return {*names[stories[firsts[is_same]]]}, np.flatnonzero(~is_same[label_of])


def _n_open(story: Story | None) -> int:
    """How many families a story has been told to have, if it is there and open."""
    return story.n_families if story is not None and story.status == "open" else -1


def _clusters(window: Window, places: NDArray[np.int64], labels: NDArray[np.int64]) -> list[list[HeldFamily]]:
    """The families at these places, label by label."""
    order = np.argsort(labels, kind="stable")
    ends = np.flatnonzero(np.diff(labels[order], append=-2)) + 1
    families = window.roster.at(places[order])
    return [families[start:end] for start, end in pairwise([0, *ends.tolist()])]


def _standing(
    window: Window,
    placed: Sequence[Placed],
    held: ByStory,
    settled: Collection[str],
) -> dict[str, Standing]:
    names = {family.family for family in placed}
    concerned = {name for name, story in window.stories.items() if story.status == "open" and name not in settled}
    concerned |= {story for one in placed for story in (one.story, *one.stories) if story}
    return {
        story_id: Standing(
            story_id,
            _founded(window, story_id, held.families(story_id)),
            window.stories[story_id].status,
            tuple(_left(family) for family in held.families(story_id) if family.family_id not in names),
        )
        for story_id in sorted(concerned)
        if story_id in window.stories
    }


def _founded(window: Window, story_id: str, families: Sequence[HeldFamily]) -> int:
    """When a story's founding article arrived, or the first of those still kept."""
    if families:
        return founder_of(families).key
    return int(window.stories[story_id].created_at * 1000) << KEY_SHIFT


def _placed(family: HeldFamily, stories: Container[str]) -> Placed:
    """A family as identity sees it; a story that is no longer kept is as good as none."""
    return Placed(
        family=family.family_id,
        articles=tuple(article.article_id for article in family.articles),
        seen_at=tuple(article.key for article in family.articles),
        story=family.story if family.story in stories else "",
        stories=tuple(article.story if article.story in stories else "" for article in family.articles),
    )


def _left(family: HeldFamily) -> Left:
    return Left(
        family.family_id,
        tuple(article.article_id for article in family.articles),
        tuple(article.key for article in family.articles),
    )
