"""Which families of a window are one story, and under which id: clustered and named, until every correction holds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import pairwise, repeat
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
from dedup.telling import founder_of
from dedup.window import KEY_SHIFT, HeldArticle, HeldFamily, Window, by_arrival, names_of

InUse = Callable[[Literal["story", "storyline"], Collection[str]], Collection[str]]
"""Which of these ids are in use outside what the window holds, retired ones included."""

_FAMILY_ID: Final = attrgetter("family_id")
_STORY: Final = attrgetter("story")
_N_FAMILIES: Final = attrgetter("n_families")
_IS_PLACED: Final = attrgetter("is_placed")


@dataclass(frozen=True, slots=True, eq=False)
class Naming:
    """What came of it: `inside` are the families that were clustered, in order of arrival, those `called` back from
    outside the window among them. `outcome` is of those stories alone that changed or may have; `settled` are the
    others, with their families. `articles`: what the families tell, by `numbers`.
    """

    inside: Sequence[HeldFamily]
    called: AbstractSet[str]
    outcome: Outcome
    settled: Mapping[str, Sequence[HeldFamily]]
    articles: Articles
    numbers: Mapping[str, int]


def name_stories(
    window: Window,
    inside: Sequence[HeldFamily],
    living: Living,
    touched: Collection[str],
    held: Mapping[str, Sequence[HeldFamily]],
    corrections: Corrections,
    ids_in_use: InUse,
) -> Naming:
    """Names these families as they are clustered, with others of the window where a correction would not hold without
    them. `touched`: families that may have other articles than before; `held`: all families by their story.
    """
    asked = Asked.of(corrections, window)
    within = names_of(inside) if corrections else frozenset()
    called: set[str] = set()
    missing = asked.missing(within, {}) | asked.straddling(within)
    while True:
        called |= missing
        everyone = by_arrival([*inside, *(window.families[name] for name in called)]) if called else inside
        articles, numbers = _tell(living, [window.families[name] for name in sorted(called)])
        labels = _labels(living, everyone, called)
        constraints = asked.constraints(everyone, called) if corrections or called else None
        if constraints:
            rows = articles.words.rows[[numbers[family.family_id] for family in everyone]]
            labels = constrain(labels, rows, constraints)
        outcome, settled = _identify(window, everyone, called, labels, touched, held, ids_in_use)
        missing = asked.missing(within | called, stories_of(outcome))
        if not missing:
            return Naming(everyone, called, outcome, settled, articles, numbers)


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
    inside: Sequence[HeldFamily],
    called: Collection[str],
    labels: NDArray[np.int64],
    touched: Collection[str],
    held: Mapping[str, Sequence[HeldFamily]],
    ids_in_use: InUse,
) -> tuple[Outcome, Mapping[str, Sequence[HeldFamily]]]:
    """Who keeps which id among the stories that are not settled, and which are."""
    same, loose = _settle(inside, labels, touched, held, window)
    moving = _clusters(inside, labels, loose)
    stories = {article.story for cluster in moving for family in cluster for article in family.articles}
    moving += [by_arrival(same.pop(story)) for story in sorted(stories & same.keys())]
    placed = [_placed(family, window.stories) for cluster in moving for family in cluster]
    taken = in_use(ids_in_use, "story", [founder_of(cluster) for cluster in moving])
    named = [[family.family_id for family in cluster] for cluster in moving]
    standing = _standing(window, placed, held, same)
    return decide(placed, named, standing, taken=taken, called_back=called), same


def _settle(
    inside: Sequence[HeldFamily],
    labels: NDArray[np.int64],
    touched: Collection[str],
    held: Mapping[str, Sequence[HeldFamily]],
    window: Window,
) -> tuple[dict[str, Sequence[HeldFamily]], NDArray[np.int64]]:
    """The open stories that are as they were, where all families of a label, and no others, had been put with the
    articles they have; and the places of the families that are in none of them.
    """
    firsts, label_of, sizes = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)[1:]
    stories, codes = list(map(_STORY, inside)), dict(zip(window.stories, range(len(window.stories)), strict=True))
    code = np.fromiter(map(codes.get, stories, repeat(-1)), np.int64, len(inside))
    moved = ~np.fromiter(map(_IS_PLACED, inside), np.bool_, len(inside))
    moved |= (code < 0) | (code != code[firsts[label_of]])
    moved |= np.fromiter(map(touched.__contains__, map(_FAMILY_ID, inside)), np.bool_, len(inside))
    is_same = np.bincount(label_of, moved, len(firsts)) == 0
    likely = np.flatnonzero(is_same)
    names = [stories[first] for first in firsts[likely].tolist()]
    told = [window.stories[name] for name in names]
    n_told, n_held = np.array(list(map(_N_FAMILIES, told))), np.array([len(held[name]) for name in names])
    is_same[likely] = np.array([story.status == "open" for story in told], np.bool_)
    is_same[likely] &= (n_told == n_held) & (n_told == sizes[likely])
    same = [stories[first] for first in firsts[is_same].tolist()]
    return {story: held[story] for story in same}, np.flatnonzero(~is_same[label_of])


def _clusters(
    inside: Sequence[HeldFamily], labels: NDArray[np.int64], chosen: NDArray[np.int64]
) -> list[list[HeldFamily]]:
    """The families at these places, label by label."""
    order = chosen[np.argsort(labels[chosen], kind="stable")]
    ends = np.flatnonzero(np.diff(labels[order], append=-2)) + 1
    places = order.tolist()
    return [[inside[i] for i in places[start:end]] for start, end in pairwise([0, *ends.tolist()])]


def _standing(
    window: Window,
    placed: Sequence[Placed],
    held: Mapping[str, Sequence[HeldFamily]],
    settled: Collection[str],
) -> dict[str, Standing]:
    names = {family.family for family in placed}
    concerned = {name for name, story in window.stories.items() if story.status == "open" and name not in settled}
    concerned |= {story for one in placed for story in (one.story, *one.stories) if story}
    return {
        story_id: Standing(
            story_id,
            _founded(window, story_id, held.get(story_id, ())),
            window.stories[story_id].status,
            tuple(_left(family) for family in held.get(story_id, ()) if family.family_id not in names),
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
