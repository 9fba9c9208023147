"""What is told of a story and of a storyline, from the families and stories that are in them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence

from dedup.roster import HeldArticle, HeldFamily
from dedup.story import Story, Storyline, StoryStatus
from dedup.storyline import Profile


def tell_story(
    story_id: str, families: Sequence[HeldFamily], before: Story | None, status: StoryStatus, now: float
) -> Story:
    """A story as its families make it; `before` is how it was told so far. `updated_at` is `now` (Unix seconds) where
    anything has changed.
    """
    articles = [article for family in families for article in family.articles]
    first = min(families, key=lambda family: (-len(family.articles), family.articles[0].key))
    fresh = Story(
        id=story_id,
        headline=first.title,
        representative=first.representative,
        n_articles=len(articles),
        n_families=len(families),
        n_sources=len({article.source for article in articles if article.source}),
        first_published_at=_earliest(article.published_at for article in articles),
        last_published_at=_latest(article.published_at for article in articles),
        created_at=before.created_at if before else founder_of(families).score / 1000,
        updated_at=before.updated_at if before else now,
        storyline=before.storyline if before else "",
        status=status,
    )
    return fresh if fresh == before else dataclasses.replace(fresh, updated_at=now)


def tell_storyline(storyline_id: str, stories: Sequence[Story], before: Storyline | None, now: float) -> Storyline:
    """A storyline as its stories, in order of their first article, make it; `updated_at` stays as it was before."""
    largest = min(stories, key=lambda story: -story.n_articles)
    return Storyline(
        id=storyline_id,
        headline=largest.headline,
        n_stories=len(stories),
        n_articles=sum(story.n_articles for story in stories),
        created_at=before.created_at if before else stories[0].created_at,
        updated_at=before.updated_at if before else now,
    )


def continued(story_id: str, living: Mapping[str, tuple[float, str]], held: Mapping[str, Profile]) -> str:
    """The story of the same storyline that came last before a story; where none did that can be read, the latest one
    whose articles have expired; else the next one; "" where it is alone.

    `living` are the stories of the storyline that can be read, the story itself among them, each with its place in the
    order of arrival that ends in its id; `held` are the profiles of all that stand for the storyline.
    """
    before = [arrival for arrival in living.values() if arrival < living[story_id]]
    if before:
        return max(before)[1]
    expired = [name for name in held if name not in living]
    if expired:
        return max(expired, key=lambda name: (-math.inf if math.isnan(day := held[name].last_day) else day, name))
    return min((arrival for name, arrival in living.items() if name != story_id), default=(0.0, ""))[1]


def founder_of(families: Iterable[HeldFamily]) -> HeldArticle:
    """The article of these families that arrived first."""
    return min((family.articles[0] for family in families), key=lambda article: (article.key, article.article_id))


def _latest(times: Iterable[float | None]) -> float | None:
    """The latest of the known times, None where none is known."""
    return max((one for one in times if one is not None), default=None)


def _earliest(times: Iterable[float | None]) -> float | None:
    """The earliest of the known times, None where none is known."""
    return min((one for one in times if one is not None), default=None)
