"""Like events that were taken for one story, told apart.

What comes here is a story as far as its words and dates can say. Questions are asked of it, one after the other: is it
a story at all, or reports of one form (`forms`)? Are these two events of one kind (`events`)? Are these rounds of one
storyline, where dates do not say (`rounds`)? And where dates are missing for some, or wrong: which dated story do they
tell (`anchoring`)? Only an answer that the evidence is enough for divides a story; in doubt it stays whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dedup.cues import Tale
from dedup.episode.anchoring import Days, find_homes
from dedup.episode.events import Words, find_signature, split_events
from dedup.episode.facts import Weigher
from dedup.episode.forms import has_no_theme, is_of_tables
from dedup.episode.rounds import compare_members, find_outsiders, split_rounds
from dedup.episode.value import EventParams, FormParams, RoundParams

__all__ = [
    "Articles", "Days", "EpisodeParams", "EventParams", "FormParams", "Parting", "RoundParams", "Words", "find_parting",
    "tell_apart",
]  # fmt: skip


@dataclass(frozen=True)
class EpisodeParams:
    """When a story is several."""

    form: FormParams = field(default_factory=FormParams)
    event: EventParams = field(default_factory=EventParams)
    round: RoundParams = field(default_factory=RoundParams)


@dataclass(frozen=True, slots=True, eq=False)
class Articles:
    """The articles of a window: their rows, the cosine expected of articles of their length on one story, the days of
    their publication (nan where undated), and what each tells.
    """

    words: Words
    reliability: NDArray[np.float64]
    published_days: NDArray[np.float64]
    tales: Sequence[Tale]


@dataclass(frozen=True, slots=True)
class Parting:
    """Which question parted two articles; `signature`: the columns of the words that tell two events apart."""

    by: Literal["form", "events", "outsider", "rounds"]
    signature: tuple[Sequence[int], Sequence[int]] = ((), ())


def tell_apart(
    labels: NDArray[np.int64],
    cores: NDArray[np.int64],
    graph: sparse.csr_matrix,
    articles: Articles,
    params: EpisodeParams,
) -> NDArray[np.int64]:
    """The labels with stories of several events divided, and articles without a date, or with one that their address
    contradicts, given to the dated story they tell.

    int64, shape (n,). No story has dated and undated articles to begin with. `cores` are the groups that HDBSCAN found,
    to which a story falls back that is none; `graph` says which articles are neighbours, dated and undated alike.
    """
    words, tales = articles.words, articles.tales
    dated = np.isfinite(articles.published_days)
    days = Days.of(articles.published_days, tales, params.round)
    weigher = None if days.is_sure.all() else Weigher.of(tales, params.round)
    divided, fresh = labels.copy(), int(labels.max(initial=-1)) + 1
    for members in _stories(labels):
        if is_of_tables(members, tales, params.form):
            parts = np.split(members, len(members))
        elif has_no_theme(members, words, params.form):
            parts = [members[cores[members] == core] for core in np.unique(cores[members])]
        else:
            parts = split_events(members, words, params.event)
        if weigher and not dated[members[0]]:
            parts = [
                part
                for event in parts
                for part in (
                    split_rounds(event, words.rows, articles.reliability, tales, weigher)
                    if len(event) >= params.round.smallest
                    else [event]
                )
            ]
        for part in parts[1:]:
            divided[part] = fresh
            fresh += 1
    if weigher is None or not days.is_sure.any():
        return divided
    scaled = sparse.diags_array(articles.reliability**-0.5).tocsr() @ words.rows
    return find_homes(divided, graph, scaled, days, tales, weigher)


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
    outside = find_outsiders(compare_members(words.rows[event], articles.reliability[event]), params.round)
    return Parting("outsider" if outside[np.isin(event, ends)].any() else "rounds")


def _stories(labels: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """The members of each story of several articles, by label."""
    order = np.argsort(labels, kind="stable")
    counts = np.bincount(labels)
    for end, n in zip(np.cumsum(counts).tolist(), counts.tolist(), strict=True):
        if n > 1:
            yield order[end - n : end]
