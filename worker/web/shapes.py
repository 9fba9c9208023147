"""The shapes of what is answered, for the description of the service (`/openapi.json`). They check nothing: what is
answered is made by `worker.answers`, and the tests hold the two together. Explanations are described by their own
values.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from dedup.story import ChangeKind, Kind, StoryStatus
from worker.explained.articles import MatchedArticle, OwnCorrection

Time = str
"""RFC 3339 in UTC."""


class Shape(BaseModel):
    """An object with these fields and no others."""

    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """Why a request was not done, and what to do."""

    error: str


class MemberShape(Shape):
    """An article as one of its family."""

    id: str
    kind: Kind
    source: str
    title: str


class ArticleShape(Shape):
    """What became of an article."""

    id: str
    family: str
    kind: Kind
    representative: str
    story: str
    storyline: str
    status: Literal["admitted", "clustered"]
    published_at: Time | None
    seen_at: Time
    revision: int
    title: str
    url: str
    source: str
    language: str
    warnings: list[str]


class WholeArticleShape(ArticleShape):
    """The same with the article it matches, its corrections, and its family, as `dedup show` has it."""

    match: MatchedArticle | None
    corrections: list[OwnCorrection]
    family_articles: list[MemberShape]


class FamilyShape(Shape):
    """A family with its articles, in order of arrival."""

    id: str
    representative: str
    n_articles: int
    story: str
    articles: list[str]


class StoryShape(Shape):
    """A story, as `dedup stories` has it."""

    id: str
    headline: str
    representative: str
    n_articles: int
    n_families: int
    n_sources: int
    first_published_at: Time | None
    last_published_at: Time | None
    created_at: Time
    updated_at: Time
    storyline: str
    status: StoryStatus


class NamedStoryShape(Shape):
    """A story by its id and headline."""

    id: str
    headline: str


class WholeStoryShape(StoryShape):
    """A story with its articles and the stories of its storyline, in order, as `dedup story` has it."""

    articles: list[str]
    storyline_stories: list[NamedStoryShape]


class StorylineShape(Shape):
    """A storyline with its stories, in order of their first article."""

    id: str
    headline: str
    n_stories: int
    n_articles: int
    created_at: Time
    updated_at: Time
    stories: list[StoryShape]


class ChangeShape(Shape):
    """A change, as `dedup changes` has it. `entry` is what to resume after."""

    entry: str
    kind: ChangeKind
    story: str
    other: str
    storyline: str
    articles: list[str]
    n_articles: int
    run: int
    at: Time


class RejectionShape(Shape):
    """An article that could not be accepted: its place among all that were sent, from 0 on, its id (null where none
    could be read), the field, the reason.
    """

    position: int
    id: str | None
    field: str
    reason: str


class PushedShape(Shape):
    """What became of a push, as `dedup push` has it: ids in order, and what was rejected."""

    accepted: list[str]
    rejected: list[RejectionShape]


class HalfPushedShape(PushedShape):
    """The same, where not all could be done: what is accepted is kept; push the rest, or all of it, again."""

    error: str
