"""Which dated story does an undated article tell? Where some articles of a storyline are dated, their stories anchor
the undated ones: each goes to the story of the day that its address names, or, where it names none, to the one whose
facts it tells, if these decide. An article whose address contradicts its date is placed by its address as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dedup.cues import WEEKDAY, Cues, Tale
from dedup.episode.facts import Weigher, compare_slots, count, read_facts
from dedup.episode.value import RoundParams
from dedup.known import Known, marks_of, pair_keys
from dedup.products import Rows

_NEAREST: Final = 30
"""Articles of the day that an address names whose stories are looked at where the date is wrong."""
_AT_ONCE: Final = 64
"""Articles compared with all of a day at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Days:
    """When articles were published, by what says so: float64, days since 1970, nan where nothing does.

    `published` is the publisher's date, `named` the middle of the day that the article's address names.
    """

    published: NDArray[np.float64]
    named: NDArray[np.float64]
    params: RoundParams

    @classmethod
    def of(cls, published_days: NDArray[np.float64], tales: Sequence[Tale], params: RoundParams) -> Days:
        """Those of the articles of a window."""
        named = [np.nan if tale.cues.day is None else tale.cues.day + 0.5 for tale in tales]
        return cls(published_days, np.array(named, np.float64), params)

    def at(self, chosen: NDArray[np.int64]) -> Days:
        """Those of these articles alone."""
        return Days(self.published[chosen], self.named[chosen], self.params)

    def joined(self, more: Days) -> Days:
        """These, and after them more."""
        published = np.concatenate([self.published, more.published])
        return Days(published, np.concatenate([self.named, more.named]), self.params)

    @property
    def is_dated(self) -> NDArray[np.bool_]:
        """Which have a date."""
        return np.isfinite(self.published)

    @property
    def is_told(self) -> NDArray[np.bool_]:
        """Of which something says when they were published."""
        return self.is_dated | np.isfinite(self.named)

    @property
    def is_doubted(self) -> NDArray[np.bool_]:
        """Which have a date that their address contradicts."""
        return np.asarray(np.abs(self.published - self.named) > self.params.doubted_days)

    def is_near(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which articles have an address that names a day near to the publication of any of these, all dated."""
        known, span = np.sort(self.published[chosen]), self.params.address_days
        first = np.searchsorted(known, self.named - span)
        return np.asarray(first < np.searchsorted(known, self.named + span, side="right"))

    def are_near(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which articles were published near to a day that the address of any of these names."""
        known, span = np.sort(self.named[chosen]), self.params.address_days
        first = np.searchsorted(known, self.published - span)
        return np.asarray(first < np.searchsorted(known, self.published + span, side="right"))

    @property
    def is_sure(self) -> NDArray[np.bool_]:
        """Which have a date that nothing contradicts."""
        return self.is_dated & ~self.is_doubted


@dataclass(frozen=True, slots=True, eq=False)
class Likeness:
    """How like articles are to stories, as far as that was found before: `numbers` are those of the articles asked
    about; they, and the labels of stories, say the same for good.
    """

    numbers: NDArray[np.int64]
    known: Known

    def keys(self, pairs: NDArray[np.int64]) -> NDArray[np.uint64]:
        """The key of each pair of an article and a label."""
        return pair_keys(marks_of(self.numbers[pairs[:, 0]] << 1), marks_of(pairs[:, 1] << 1 | 1))

    def may_be(self, pairs: NDArray[np.int64], params: RoundParams) -> NDArray[np.bool_]:
        """Which of these pairs are not known to be too unlike."""
        return ~(self.known.find(self.keys(pairs)) < params.min_similarity)


@dataclass(frozen=True, slots=True, eq=False)
class _Anchor:
    """A dated story that an article may be of: what its articles tell, how many of them tell each fact, what each fills
    its slots with, and the mean day of their publication.
    """

    label: int
    tales: Sequence[Tale]
    frequency: Mapping[int, int]
    slots: Sequence[Mapping[int, set[int]]]
    day: float

    @classmethod
    def of(cls, label: int, members: NDArray[np.int64], days: Days, tales: Sequence[Tale]) -> _Anchor:
        """The story of this label, of whose articles these have a sure date."""
        told = [tales[i] for i in members.tolist()]
        frequency, slots = count(map(read_facts, told)), [tale.cues.slots() for tale in told]
        return cls(label, told, frequency, slots, float(days.published[members].mean()))


def find_homes(
    labels: NDArray[np.int64],
    graph: sparse.csr_matrix,
    scaled: sparse.csr_matrix,
    days: Days,
    tales: Sequence[Tale],
    weigher: Weigher,
    likeness: Likeness,
) -> NDArray[np.int64]:
    """The labels with undated articles given to the dated story they tell, and those whose address names a day to the
    most similar story of that day: int64, shape (n,). `likeness` learns what it does not know.

    One that may be of several stories, none of them clearly, stays where it is; so does one whose address names a day
    of no story like it. `graph` says which articles are neighbours, `scaled` are TF-IDF rows over the roots of their
    reliabilities. No story has both dated and undated articles.
    """
    found = labels.copy()
    params = weigher.params
    stories = _Stories.of(np.where(days.is_sure, labels, -1), scaled, likeness, params)
    of_their_day = _of_their_day(stories.labels, graph, scaled, days)
    article, label, similarity = stories.alike(of_their_day, params.address_similarity)
    for place in np.lexsort((-label, similarity)).tolist():
        found[article[place]] = label[place]
    article, label, _ = stories.alike(_beside(stories.labels, graph, ~days.is_told), params.min_similarity)
    articles, starts = np.unique(article, return_index=True)
    anchors: dict[int, _Anchor] = {}
    for i, own in zip(articles.tolist(), np.split(label, starts[1:]), strict=False):
        if len(own) == 1:
            found[i] = own[0]
            continue
        for one in own.tolist():
            if one not in anchors:
                anchors[one] = _Anchor.of(one, stories.members(one), days, tales)
        home = _home(tales[i], [anchors[one] for one in own.tolist()], weigher)
        if home is not None:
            found[i] = home
    return found


def _beside(sure: NDArray[np.int64], graph: sparse.csr_matrix, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Each of the chosen articles with the labels of its neighbours that have one, once: int64, shape (n_pairs, 2)."""
    edges = graph.tocoo()
    across = chosen[edges.row] & (sure[edges.col] >= 0)
    return np.unique(np.column_stack([edges.row[across], sure[edges.col[across]]]), axis=0).astype(np.int64)


def _of_their_day(
    sure: NDArray[np.int64], graph: sparse.csr_matrix, scaled: sparse.csr_matrix, days: Days
) -> NDArray[np.int64]:
    """Each article that is undated or whose date is doubted with the labels of articles published on the day that its
    address names: int64, shape (n_pairs, 2).

    Of undated ones those of neighbours. A wrong date keeps neighbours away: the most similar ones of that day stand in.
    """
    span, edges = days.params.address_days, graph.tocoo()
    near = ~days.is_dated[edges.row] & (sure[edges.col] >= 0)
    near &= np.abs(days.published[edges.col] - days.named[edges.row]) <= span
    pairs = [np.column_stack([edges.row[near], sure[edges.col[near]]])]
    known = np.flatnonzero(sure >= 0)
    known = known[np.argsort(days.published[known], kind="stable")]
    rows, doubted = scaled[known], np.flatnonzero(days.is_doubted)
    for day in np.unique(days.named[doubted]).tolist():
        first, last = np.searchsorted(days.published[known], [day - span, day + span])
        own = doubted[days.named[doubted] == day]
        for article, places in zip(own.tolist(), _most_similar(scaled[own], rows[first:last]), strict=True):
            labels = np.unique(sure[known[first + places]])
            pairs.append(np.column_stack([np.full(len(labels), article), labels]))
    return np.unique(np.concatenate(pairs), axis=0).astype(np.int64)


def _most_similar(rows: sparse.csr_matrix, others: sparse.csr_matrix) -> Iterator[NDArray[np.int64]]:
    """The places of the others that each row is most similar to, the first ones where several are equally so."""
    for start in range(0, rows.shape[0], _AT_ONCE):
        products = (others @ rows[start : start + _AT_ONCE].T).tocsc()
        products.sort_indices()
        for begin, end in pairwise(products.indptr.tolist()):
            best = np.argsort(-products.data[begin:end], kind="stable")[:_NEAREST]
            yield products.indices[begin:end][best].astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class _Stories:
    """The stories that labels say, -1 for articles of none. `scaled`: TF-IDF rows over roots of reliabilities; `order`:
    the articles by label.
    """

    labels: NDArray[np.int64]
    scaled: sparse.csr_matrix
    order: NDArray[np.int64]
    likeness: Likeness
    params: RoundParams

    @classmethod
    def of(
        cls, labels: NDArray[np.int64], scaled: sparse.csr_matrix, likeness: Likeness, params: RoundParams
    ) -> _Stories:
        return cls(labels, scaled, np.argsort(labels, kind="stable"), likeness, params)

    def members(self, label: int) -> NDArray[np.int64]:
        """The articles with this label."""
        start, stop = (np.searchsorted(self.labels, label, side=side, sorter=self.order) for side in ("left", "right"))
        return self.order[start:stop]

    def alike(
        self, pairs: NDArray[np.int64], min_similarity: float
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Of pairs of an article and a label those that are similar enough, by article, and how similar."""
        keys = self.likeness.keys(pairs)
        similarity = self.likeness.known.find(keys)
        unknown = np.flatnonzero(np.isnan(similarity))
        similarity[unknown] = self._compare(pairs[unknown])
        self.likeness.known.learn(keys[unknown], similarity[unknown])
        kept = similarity >= min_similarity
        return pairs[kept, 0], pairs[kept, 1], similarity[kept]

    def _compare(self, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
        """How similar articles are to labels; 0 to one that holds together so well that they are not of it."""
        wanted, which = np.unique(pairs[:, 1], return_inverse=True)
        articles, row = np.unique(pairs[:, 0], return_inverse=True)
        centres, cohesions = _centres(self.labels, wanted, self.scaled)
        both = sparse.vstack([self.scaled[articles], centres], format="csr")
        both.sort_indices()
        similarity = Rows.of(both).products(row, len(articles) + which)
        return np.where(similarity >= self.params.min_cohesion * cohesions[which], similarity, 0.0)


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
    """The label of that of several stories which the article tells, None if none is clear."""
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
    sizes = np.array([len(story.tales) for story in stories], np.float64)
    evidence = np.zeros(len(stories))
    for fact, marks in sorted(read_facts(own).items()):
        counts = np.array([story.frequency.get(fact, 0) for story in stories], np.float64)
        if counts.any() and not marks & WEEKDAY:
            share = np.log((counts + 1) / (sizes + 2))
            evidence += weigher.weigh(fact, marks) * (share - share.mean())
    return evidence


def _contradicted(own: Cues, story: _Anchor, params: RoundParams) -> float:
    """Log odds by the slots it fills otherwise than some article of the story, less those it fills alike."""
    mine, most = own.slots(), 0
    for slots in story.slots:
        n_agreed, n_conflicted = compare_slots(mine, slots)
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
