"""Like events that were taken for one story, told apart.

What comes here is a story as far as its words and dates can say. Questions are asked of it, one after the other: is it
a story at all, or reports of one form (`forms`)? Are these two events of one kind (`events`)? Are these rounds of one
storyline, where dates do not say (`rounds`)? And where dates are missing for some, or wrong: which dated story do they
tell (`anchoring`)? Only an answer that the evidence is enough for divides a story; in doubt it stays whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dedup.cues import Tale
from dedup.episode import anchoring
from dedup.episode.anchoring import Days, Likeness
from dedup.episode.events import Words, find_signature, split_events
from dedup.episode.facts import Weigher
from dedup.episode.forms import has_no_theme, is_of_tables
from dedup.episode.rounds import find_outsiders, split_rounds
from dedup.episode.value import EventParams, FormParams, RoundParams
from dedup.known import Known

__all__ = [
    "Articles", "Days", "EpisodeParams", "EventParams", "FormParams", "Likeness", "Parting", "RoundParams", "Weigher",
    "Words", "find_homes", "find_parting", "tell_apart",
]  # fmt: skip


@dataclass(frozen=True)
class EpisodeParams:
    """When a story is several."""

    form: FormParams = field(default_factory=FormParams)
    event: EventParams = field(default_factory=EventParams)
    round: RoundParams = field(default_factory=RoundParams)


@dataclass(frozen=True, slots=True, eq=False)
class Articles:
    """The articles of a window: their rows, the cosine expected of articles of their length on one story, when they
    were published, what each tells, and what the facts in it count (None only where all have a date that nothing
    contradicts).
    """

    words: Words
    reliability: NDArray[np.float64]
    days: Days
    tales: Sequence[Tale]
    weigher: Weigher | None

    @property
    def published_days(self) -> NDArray[np.float64]:
        """The publisher's dates: days since 1970, nan where undated."""
        return self.days.published

    @property
    def dated(self) -> NDArray[np.bool_]:
        """Which are dated."""
        return self.days.is_dated

    def at(self, chosen: NDArray[np.int64]) -> Articles:
        """These alone."""
        return Articles(
            replace(self.words, rows=self.words.rows[chosen]),
            self.reliability[chosen],
            self.days.at(chosen),
            [self.tales[i] for i in chosen.tolist()],
            self.weigher,
        )

    def joined(self, more: Articles) -> Articles:
        """These, and after them more that are weighed by the same."""
        return Articles(
            replace(self.words, rows=sparse.vstack([self.words.rows, more.words.rows], format="csr")),
            np.concatenate([self.reliability, more.reliability]),
            self.days.joined(more.days),
            [*self.tales, *more.tales],
            self.weigher,
        )


@dataclass(frozen=True, slots=True)
class Parting:
    """Which question parted two articles; `signature`: the columns of the words that tell two events apart."""

    by: Literal["form", "events", "outsider", "rounds"]
    signature: tuple[Sequence[int], Sequence[int]] = ((), ())


def tell_apart(
    labels: NDArray[np.int64], cores: NDArray[np.int64], articles: Articles, params: EpisodeParams
) -> NDArray[np.int64]:
    """The labels with stories of several events divided: int64, shape (n,).

    No story has dated and undated articles. `cores` are the groups that HDBSCAN found, to which a story falls back that
    is none. What becomes of a story depends on its own articles alone.
    """
    divided, fresh = labels.copy(), int(labels.max(initial=-1)) + 1
    for members in _stories(labels):
        for part in _parts(members, cores, articles, params)[1:]:
            divided[part] = fresh
            fresh += 1
    return divided


def _parts(
    members: NDArray[np.int64], cores: NDArray[np.int64], articles: Articles, params: EpisodeParams
) -> list[NDArray[np.int64]]:
    """The articles of one story, event by event."""
    if is_of_tables(members, articles.tales, params.form):
        parts = np.split(members, len(members))
    elif has_no_theme(members, articles.words, params.form):
        parts = [members[cores[members] == core] for core in np.unique(cores[members])]
    else:
        parts = split_events(members, articles.words, params.event)
    weigher = articles.weigher
    if weigher is None or articles.dated[members[0]]:
        return parts
    return [
        part
        for event in parts
        for part in (
            split_rounds(event, articles.words.rows, articles.reliability, articles.tales, weigher)
            if len(event) >= params.round.smallest
            else [event]
        )
    ]


def find_homes(
    labels: NDArray[np.int64],
    graph: sparse.csr_matrix,
    articles: Articles,
    likeness: Likeness | None = None,
) -> NDArray[np.int64]:
    """The labels with articles without a date, or with one that their address contradicts, given to the dated story
    that each clearly tells: int64, shape (n,).

    `graph` says which articles are neighbours, dated and undated alike. Where an article goes depends on itself, on the
    dated stories of its neighbours, and, where its date is doubted, on those of the day that its address names.
    `likeness` learns what it does not know of how like they are.
    """
    days = articles.days
    if articles.weigher is None or days.is_sure.all() or not days.is_sure.any():
        return labels
    scaled = sparse.diags_array(articles.reliability**-0.5).tocsr() @ articles.words.rows
    likeness = likeness or Likeness(np.arange(len(labels)), Known())
    return anchoring.find_homes(labels, graph, scaled, days, articles.tales, articles.weigher, likeness)


def find_parting(
    members: NDArray[np.int64],
    ends: tuple[int, int],
    cores: NDArray[np.int64],
    articles: Articles,
    params: EpisodeParams,
) -> Parting:
    """Why `tell_apart` parted two (`ends`) of the members of what had been one story."""
    words, one = articles.words, cores[ends[0]]
    if is_of_tables(members, articles.tales, params.form):
        return Parting("form")
    if has_no_theme(members, words, params.form):
        if cores[ends[1]] != one:
            return Parting("form")
        event = members[cores[members] == one]
    else:
        signature = find_signature(members, ends, words, params.event)
        if signature is not None:
            return Parting("events", signature)
        event = next(part for part in split_events(members, words, params.event) if ends[0] in part)
    return Parting("outsider" if _has_outsider(event, ends, articles) else "rounds")


def _has_outsider(event: NDArray[np.int64], ends: tuple[int, int], articles: Articles) -> bool:
    """Whether one of two articles of an event does not belong to it."""
    if articles.weigher is None:
        return False
    own = articles.at(event)
    outside = find_outsiders(own.words.rows, own.reliability, own.tales, articles.weigher)
    return bool(outside[np.isin(event, ends)].any())


def _stories(labels: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """The members of each story of several articles, by label."""
    order = np.argsort(labels, kind="stable")
    counts = np.bincount(labels)
    for end, n in zip(np.cumsum(counts).tolist(), counts.tolist(), strict=True):
        if n > 1:
            yield order[end - n : end]
