"""Which families of a window are one story, and under which id: clustered and named, until every correction holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from dedup.asked import Asked, stories_of
from dedup.correction import Corrections
from dedup.frequencies import Frequencies
from dedup.identity import Left, Outcome, Placed, Standing, decide, mint
from dedup.pipeline import Clustering, Params, cluster_window
from dedup.telling import founder_of
from dedup.window import KEY_SHIFT, HeldArticle, HeldFamily, Window

InUse = Callable[[Literal["story", "storyline"], Collection[str]], Collection[str]]
"""Which of these ids are in use outside what the window holds, retired ones included."""


@dataclass(frozen=True, slots=True)
class Naming:
    """What came of it: `inside` are the families that were clustered, in order of arrival, those called back from
    outside the window among them.
    """

    inside: Sequence[HeldFamily]
    clustering: Clustering
    outcome: Outcome


def name_stories(
    window: Window,
    inside: Sequence[HeldFamily],
    before: Frequencies,
    params: Params,
    corrections: Corrections,
    ids_in_use: InUse,
) -> Naming:
    """Clusters and names these families, with others of the window where a correction would not hold without them.

    `before` are the document frequencies of what was told earlier.
    """
    asked = Asked.of(corrections, window)
    within = {family.family_id for family in inside}
    called: set[str] = set()
    missing = asked.missing(within, {}) | asked.straddling(within)
    while True:
        called |= missing
        everyone = _by_arrival([*inside, *(window.families[name] for name in called)])
        constraints = asked.constraints(everyone, called)
        clustering = cluster_window([family.telling for family in everyone], params, constraints, before)
        outcome = _identify(window, everyone, called, clustering, ids_in_use)
        missing = asked.missing(within | called, stories_of(outcome))
        if not missing:
            return Naming(everyone, clustering, outcome)


def in_use(
    ids_in_use: InUse, kind: Literal["story", "storyline"], founders: Iterable[HeldArticle]
) -> Callable[[str], bool]:
    """Whether an id is in use; those that these founders will be asked for first are looked up together."""
    likely = {mint(kind, founder.article_id, lambda _: False) for founder in founders}
    taken = ids_in_use(kind, likely)

    def is_taken(name: str) -> bool:
        return name in taken if name in likely else bool(ids_in_use(kind, [name]))

    return is_taken


def _by_arrival(families: Iterable[HeldFamily]) -> list[HeldFamily]:
    return sorted(families, key=lambda family: (family.articles[0].key, family.family_id))


def _identify(
    window: Window, inside: Sequence[HeldFamily], called: Collection[str], clustering: Clustering, ids_in_use: InUse
) -> Outcome:
    clusters: dict[int, list[str]] = defaultdict(list)
    for family, label in zip(inside, clustering.labels.tolist(), strict=True):
        clusters[label].append(family.family_id)
    placed = [_placed(family, window.stories) for family in inside]
    founders = [founder_of(window.families[name] for name in names) for names in clusters.values()]
    taken = in_use(ids_in_use, "story", founders)
    return decide(placed, clusters.values(), _standing(window, placed), taken=taken, called_back=called)


def _standing(window: Window, placed: Sequence[Placed]) -> dict[str, Standing]:
    names = {family.family for family in placed}
    concerned = {story_id for story_id, story in window.stories.items() if story.status == "open"}
    concerned |= {story for one in placed for story in (one.story, *one.stories) if story}
    held = window.by_story()
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
