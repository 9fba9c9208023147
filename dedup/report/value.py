"""The report as a value, and how it is made of a period's stories, storylines and changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dedup.report.period import Period
from dedup.story import Change, ChangeKind, Story, Storyline

MAX_LISTED: Final = 50
"""Changes of a kind, and stories of a storyline, that a rendering lists: the rest is counted."""

MAX_STORYLINES: Final = 20
"""Storylines that a rendering lists: the rest is counted."""


@dataclass(frozen=True, slots=True)
class Told:
    """A story and what the report needs to know of its articles.

    `sources` are sorted; `n_new_articles` were seen in the period; `n_copies` (of kind copy) and `n_near_duplicates`
    (of kind near-duplicate) are of the whole story. `url` is the representative's, "" where it has none.
    """

    story: Story
    sources: tuple[str, ...]
    n_new_articles: int
    n_copies: int
    n_near_duplicates: int
    url: str = ""


@dataclass(frozen=True, slots=True)
class Counts:
    """What came in during the period. `n_families` and `n_sources` are those of the period's articles."""

    n_articles: int = 0
    n_families: int = 0
    n_copies: int = 0
    n_rejected: int = 0
    n_sources: int = 0

    @property
    def near_duplicate_ratio(self) -> float:
        """1 - families/articles, rounded to four digits; 0 for no articles."""
        return near_duplicate_ratio(self.n_families, self.n_articles)


@dataclass(frozen=True, slots=True)
class StoryChange:
    """What happened to one story in the period, its changes of one kind taken together.

    `other` is the story it was merged into (at the end of the period), split from or continues, or, where a correction
    is about two stories, the second one; else "". A headline is "" where the story can no longer be read. `n_articles`
    were concerned; `at` is the last time, in Unix seconds.
    """

    story: str
    headline: str
    other: str
    other_headline: str
    n_articles: int
    at: float


@dataclass(frozen=True, slots=True)
class StoryTold:
    """One of the period's largest stories: what `Told` holds, and the ratio."""

    told: Told
    near_duplicate_ratio: float


@dataclass(frozen=True, slots=True)
class StorylineTold:
    """A storyline with its stories in order of their first article; `changed` are the ids of those that changed."""

    storyline: Storyline
    stories: tuple[Story, ...]
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A period's stories and changes.

    Each of `born`, `grown`, `merged`, `split` and `ended` lists a story once, most articles first. `merged` goes from
    the retired story to the surviving one, `split` from the new story to the one it came from. `linked` has the stories
    that were placed in a storyline with others, each with the one it continues, `corrected` those that corrections by
    hand were about, alone or in pairs. `n_moved` and `n_revised` count articles. `largest` has the stories with most
    articles in the period first.
    """

    period: Period
    generated_at: float
    counts: Counts
    born: tuple[StoryChange, ...]
    grown: tuple[StoryChange, ...]
    merged: tuple[StoryChange, ...]
    split: tuple[StoryChange, ...]
    ended: tuple[StoryChange, ...]
    linked: tuple[StoryChange, ...]
    corrected: tuple[StoryChange, ...]
    n_moved: int
    n_revised: int
    largest: tuple[StoryTold, ...]
    storylines: tuple[StorylineTold, ...]

    def changes(self) -> tuple[tuple[str, tuple[StoryChange, ...]], ...]:
        """The lists of changes with their names, in the order in which they are shown."""
        names = ("born", "grown", "merged", "split", "ended", "linked", "corrected")
        return tuple((name, getattr(self, name)) for name in names)


def near_duplicate_ratio(n_families: int, n_articles: int) -> float:
    """1 - families/articles, rounded to four digits; 0 for no articles."""
    return max(0.0, round(1 - n_families / n_articles, 4)) if n_articles else 0.0


def build(
    period: Period,
    stories: Sequence[Told],
    storylines: Sequence[tuple[Storyline, Sequence[Story]]],
    changes: Sequence[Change],
    counts: Counts,
    generated_at: float,
    largest: int = 20,
) -> Report:
    """The report of a period.

    `stories` are those that had articles or changes in the period, `storylines` come with their stories in order of
    first article, `changes` are the period's, oldest first: what belongs to it is the caller's to say.
    `generated_at` is Unix seconds; at most `largest` stories with articles in the period are kept in detail.
    """
    headlines = _headlines(stories, storylines)
    listed = {kind: _taken_together(changes, kind, headlines) for kind in _LISTED_KINDS}
    return Report(
        period=period,
        generated_at=generated_at,
        counts=counts,
        born=listed["born"],
        grown=listed["grew"],
        merged=listed["merged"],
        split=listed["split"],
        ended=listed["ended"],
        linked=listed["linked"],
        corrected=listed["corrected"],
        n_moved=_n_articles(changes, "moved"),
        n_revised=_n_articles(changes, "revised"),
        largest=_largest(stories, largest),
        storylines=_changed_storylines(stories, storylines, changes),
    )


_LISTED_KINDS: Final[tuple[ChangeKind, ...]] = ("born", "grew", "merged", "split", "ended", "linked", "corrected")
_OF_PAIRS: Final = frozenset({"linked", "corrected"})
"""Kinds of changes between two stories, of which one may have several in a period."""


def _headlines(stories: Sequence[Told], storylines: Sequence[tuple[Storyline, Sequence[Story]]]) -> dict[str, str]:
    headlines = {story.id: story.headline for _, members in storylines for story in members}
    headlines.update((told.story.id, told.story.headline) for told in stories)
    return headlines


def _taken_together(
    changes: Iterable[Change], kind: ChangeKind, headlines: Mapping[str, str]
) -> tuple[StoryChange, ...]:
    together: dict[tuple[str, str], list[Change]] = defaultdict(list)
    for change in changes:
        if change.kind == kind:
            together[change.story, change.other if kind in _OF_PAIRS else ""].append(change)
    last_other = {story: happened[-1].other for (story, _), happened in together.items()}
    told = []
    for (story, _), happened in together.items():
        other = _survivor(story, last_other) if kind == "merged" else happened[0].other
        told.append(
            StoryChange(
                story=story,
                headline=headlines.get(story, ""),
                other=other,
                other_headline=headlines.get(other, ""),
                n_articles=sum(change.n_articles for change in happened),
                at=max(change.at for change in happened),
            )
        )
    return tuple(sorted(told, key=lambda change: (-change.n_articles, change.at, change.story, change.other)))


def _survivor(retired: str, merged_into: Mapping[str, str]) -> str:
    """Where a story is found at the end: the story it was merged into may itself have been merged later."""
    survivor, passed = merged_into[retired], {retired}
    while survivor in merged_into and survivor not in passed:
        passed.add(survivor)
        survivor = merged_into[survivor]
    return survivor


def _n_articles(changes: Iterable[Change], kind: ChangeKind) -> int:
    return sum(change.n_articles for change in changes if change.kind == kind)


def _largest(stories: Sequence[Told], largest: int) -> tuple[StoryTold, ...]:
    ranked = sorted(
        (told for told in stories if told.n_new_articles),
        key=lambda told: (-told.n_new_articles, -told.story.n_articles, told.story.id),
    )
    return tuple(
        StoryTold(told, near_duplicate_ratio(told.story.n_families, told.story.n_articles)) for told in ranked[:largest]
    )


def _changed_storylines(
    stories: Sequence[Told], storylines: Sequence[tuple[Storyline, Sequence[Story]]], changes: Sequence[Change]
) -> tuple[StorylineTold, ...]:
    """Storylines with a story that changed: those of several stories first, then most articles in the period."""
    changed = {story for change in changes for story in (change.story, change.other) if story}
    named = {change.storyline for change in changes}
    n_new = {told.story.id: told.n_new_articles for told in stories}
    told = [
        StorylineTold(storyline, tuple(members), tuple(story.id for story in members if story.id in changed))
        for storyline, members in storylines
        if storyline.id in named or any(story.id in changed for story in members)
    ]
    return tuple(sorted(told, key=lambda line: _storyline_rank(line, n_new)))


def _storyline_rank(told: StorylineTold, n_new: Mapping[str, int]) -> tuple[bool, int, int, str]:
    n_new_articles = sum(n_new.get(story.id, 0) for story in told.stories)
    return len(told.stories) <= 1, -n_new_articles, -told.storyline.n_articles, told.storyline.id
