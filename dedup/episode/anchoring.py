"""Which dated story does an undated article tell? Where some articles of a storyline are dated, their stories anchor
the undated ones: each goes to the story whose facts it tells, if these decide.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dedup.cues import WEEKDAY, Cues, Tale
from dedup.episode.facts import Facts, Weigher, compare_slots, count, read_facts
from dedup.episode.value import RoundParams
from dedup.products import Rows


@dataclass(frozen=True, slots=True, eq=False)
class _Anchor:
    """A dated story that an article may be of: what its articles tell, and the mean day of their publication."""

    label: int
    tales: Sequence[Tale]
    facts: Sequence[Facts]
    day: float


def find_homes(
    labels: NDArray[np.int64],
    graph: sparse.csr_matrix,
    scaled: sparse.csr_matrix,
    published_days: NDArray[np.float64],
    tales: Sequence[Tale],
    weigher: Weigher,
) -> NDArray[np.int64]:
    """The labels with undated articles given to the dated story they tell: int64, shape (n,).

    One that may be of several, none of them clearly, stays where it is. `graph` says which articles are neighbours,
    `scaled` are TF-IDF rows over the roots of their reliabilities, `published_days` is nan where undated. No story has
    both dated and undated articles.
    """
    found, order = labels.copy(), np.argsort(labels, kind="stable")
    ordered = labels[order]
    anchors: dict[int, _Anchor] = {}
    for article, stories in _alike(labels, graph, scaled, published_days, weigher.params):
        for label in stories:
            if label not in anchors:
                start, stop = (np.searchsorted(ordered, label, side=side) for side in ("left", "right"))
                members = order[start:stop]
                own = [tales[i] for i in members.tolist()]
                anchors[label] = _Anchor(label, own, [*map(read_facts, own)], float(published_days[members].mean()))
        home = _home(tales[article], [anchors[label] for label in stories], weigher)
        if home is not None:
            found[article] = home
    return found


def _alike(
    labels: NDArray[np.int64],
    graph: sparse.csr_matrix,
    scaled: sparse.csr_matrix,
    published_days: NDArray[np.float64],
    params: RoundParams,
) -> Iterator[tuple[int, list[int]]]:
    """Each undated article with the dated stories it may be of, those that its neighbours are in."""
    edges, dated = graph.tocoo(), np.isfinite(published_days)
    across = ~dated[edges.row] & dated[edges.col]
    pairs = np.unique(np.column_stack([edges.row[across], labels[edges.col[across]]]), axis=0)
    wanted, which = np.unique(pairs[:, 1], return_inverse=True)
    centres, cohesions = _centres(labels, wanted, scaled)
    bars = np.maximum(params.min_similarity, params.min_cohesion * cohesions[which])
    undated, row = np.unique(pairs[:, 0], return_inverse=True)
    both = sparse.vstack([scaled[undated], centres], format="csr")
    both.sort_indices()
    alike = pairs[Rows.of(both).products(row, len(undated) + which)[0] >= bars]
    articles, starts = np.unique(alike[:, 0], return_index=True)
    for article, stories in zip(articles.tolist(), np.split(alike[:, 1], starts[1:]), strict=False):
        yield article, stories.tolist()


def _centres(
    labels: NDArray[np.int64], wanted: NDArray[np.int64], scaled: sparse.csr_matrix
) -> tuple[sparse.csr_matrix, NDArray[np.float64]]:
    """The mean row of the articles of each wanted label, and the mean similarity of two of them, 0 of one alone."""
    own = np.flatnonzero(np.isin(labels, wanted))
    owner = np.searchsorted(wanted, labels[own])
    sizes = np.bincount(owner, minlength=len(wanted)).astype(np.float64)
    members = sparse.csr_matrix((1 / sizes[owner], (owner, own)), shape=(len(wanted), len(labels)))
    centres = (members @ scaled).tocsr()
    squares = np.bincount(owner, np.asarray(scaled[own].multiply(scaled[own]).sum(axis=1)).ravel(), len(wanted))
    within = sizes**2 * np.asarray(centres.multiply(centres).sum(axis=1)).ravel() - squares
    return centres, np.where(sizes > 1, within / np.maximum(sizes * (sizes - 1), 1), 0.0)


def _home(own: Tale, stories: Sequence[_Anchor], weigher: Weigher) -> int | None:
    """The label of the story the article tells, None if none is clear."""
    if len(stories) == 1:
        return stories[0].label
    params = weigher.params
    evidence = _told(own, stories, weigher) / params.nats
    for i, story in enumerate(stories):
        evidence[i] += _contradicted(own.cues, story, params) + _weekday(own, story, params)
        evidence[i] += _said(own.cues, story, params)
    if own.cues.recalls:
        evidence[min(range(len(stories)), key=lambda i: stories[i].day)] -= np.log(params.recall_odds)
    best, second = np.argsort(-evidence, kind="stable")[:2]
    return stories[best].label if evidence[best] - evidence[second] >= np.log(params.min_odds) else None


def _told(own: Tale, stories: Sequence[_Anchor], weigher: Weigher) -> NDArray[np.float64]:
    """What each fact says for each story: the logarithm of the share of its articles that tell it, weighed."""
    frequency = [count(story.facts) for story in stories]
    sizes = np.array([len(story.tales) for story in stories], np.float64)
    evidence = np.zeros(len(stories))
    for fact, marks in sorted(read_facts(own).items()):
        counts = np.array([one.get(fact, 0) for one in frequency], np.float64)
        if counts.any() and not marks & WEEKDAY:
            share = np.log((counts + 1) / (sizes + 2))
            evidence += weigher.weigh(fact, marks) * (share - share.mean())
    return evidence


def _contradicted(own: Cues, story: _Anchor, params: RoundParams) -> float:
    """Log odds by the slots it fills otherwise than some article of the story, less those it fills alike."""
    mine, most = own.slots(), 0
    for tale in story.tales:
        n_agreed, n_conflicted = compare_slots(mine, tale.cues.slots())
        most = max(most, n_conflicted - n_agreed)
    return -most * float(np.log(params.contradiction_odds))


def _weekday(own: Tale, story: _Anchor, params: RoundParams) -> float:
    """Log odds by the weekdays both say."""
    mine, others = set(own.weekdays), {day for tale in story.tales for day in tale.weekdays}
    if not mine or not others:
        return 0.0
    return float(np.log(params.weekday_odds)) * (-1 if mine.isdisjoint(others) else 1)


def _said(own: Cues, story: _Anchor, params: RoundParams) -> float:
    """Log odds by the ordinals that it and articles of the story say as their own, with one noun."""
    mine, votes = own.own_ordinals(), defaultdict[bool, int](int)
    for tale in story.tales:
        other = tale.cues.own_ordinals()
        for head in mine.keys() & other.keys():
            votes[not mine[head].keys().isdisjoint(other[head])] += 1
    return float(np.log(params.said_odds) * np.sign(votes[True] - votes[False]))
