"""Families, stories, storylines and the changes they go through: values, no algorithm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["new", "copy", "near-duplicate", "reprint"]
"""How an article stands in its family: its first telling, the same text, nearly the same text, or a text that is
contained in another, or contains it, without being nearly the same."""

ChangeKind = Literal["born", "grew", "moved", "merged", "split", "ended", "linked", "revised", "corrected"]

StoryStatus = Literal["open", "ended"]


@dataclass(frozen=True, slots=True)
class Story:
    """Articles about one event.

    Times are Unix seconds; `first_published_at` and `last_published_at` are None where no member
    is dated. `n_articles` counts every member still kept, copies included.
    """

    id: str
    headline: str
    representative: str
    n_articles: int
    n_families: int
    n_sources: int
    first_published_at: float | None
    last_published_at: float | None
    created_at: float
    updated_at: float
    storyline: str
    status: StoryStatus


@dataclass(frozen=True, slots=True)
class Storyline:
    """Stories that continue each other. Times are Unix seconds."""

    id: str
    headline: str
    n_stories: int
    n_articles: int
    created_at: float
    updated_at: float


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened to a story in one run.

    `story` is the story it happened to; `other` the second story where there is one (merged: the
    story it was merged into; split: the story it was split from; moved: the story the articles left; linked: the story
    it continues; corrected: the story of the second article, where that is another), else "".
    `articles` are the ids concerned, at most 100 of `n_articles`. `at` is Unix seconds.
    """

    kind: ChangeKind
    story: str
    other: str
    storyline: str
    articles: tuple[str, ...]
    n_articles: int
    run: int
    at: float
