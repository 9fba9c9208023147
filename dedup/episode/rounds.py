"""Are these rounds of one storyline, where dates do not say?

Some articles say which round they tell, or give other numbers for the same things. Those are anchors. Every other
article goes to the anchor whose own facts it tells; what both rounds tell says nothing, and what an article tells of
the past does not count. An article that is much less like the rest is there for a place or a person they share.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dedup.cues import LAST_VALUE, WEEKDAY, Cues, Tale
from dedup.episode.facts import Facts, Weigher, contradictions, count, join_marks, read_facts
from dedup.episode.value import RoundParams

_FEW_SLOTS: Final = 20
"""Common slots from which a low agreement is clear."""
_PRIOR_SLOTS: Final = (4, 10)
"""Slots imagined, alike and in all, beside those counted for the pooled agreement: few prove little."""


@dataclass(frozen=True, slots=True, eq=False)
class _Storyline:
    """The articles that may be of several rounds, and all that is compared of them.

    `similarity`, `agreed`, `conflicted`: shape (n, n); the first over the one expected within a story, 0 with itself.
    """

    tales: Sequence[Tale]
    facts: Sequence[Facts]
    similarity: NDArray[np.float64]
    agreed: NDArray[np.int64]
    conflicted: NDArray[np.int64]

    @property
    def recalls(self) -> list[int]:
        return [tale.cues.recalls for tale in self.tales]

    def agreement(self, own: dict[int, int]) -> float:
        """The share of common slots filled alike, over all pairs but those that say they are of one round."""
        alike, all_of_them = _PRIOR_SLOTS
        said = np.array([own.get(i, -1 - i) for i in range(len(self.tales))])
        counted = said[:, None] != said[None, :]
        agreed, conflicted = self.agreed[counted].sum(), self.conflicted[counted].sum()
        return float((agreed + alike) / (agreed + conflicted + all_of_them))


def split_rounds(
    members: NDArray[np.int64],
    rows: sparse.csr_matrix,
    reliability: NDArray[np.float64],
    tales: Sequence[Tale],
    weigher: Weigher,
) -> list[NDArray[np.int64]]:
    """The articles round by round; those that do not belong to the storyline come last, each alone."""
    params = weigher.params
    similarity = compare_members(rows[members], reliability[members])
    outside = find_outsiders(similarity, params)
    inside = np.flatnonzero(~outside)
    parts = [members[inside]]
    if params.smallest <= len(inside) <= params.largest:
        own = [tales[i] for i in members[inside]]
        storyline = _Storyline(
            own,
            [read_facts(tale) for tale in own],
            similarity[np.ix_(inside, inside)],
            *contradictions([tale.cues for tale in own]),
        )
        labels = _rounds(storyline, weigher)
        parts = [members[inside[labels == label]] for label in np.unique(labels)]
    return [*(part for part in parts if len(part)), *(members[i : i + 1] for i in np.flatnonzero(outside))]


def compare_members(own: sparse.csr_matrix, reliability: NDArray[np.float64]) -> NDArray[np.float64]:
    """Similarity of any two articles over the one expected within a story, 0 with itself: float64, shape (n, n)."""
    scaled = sparse.diags_array(reliability**-0.5).tocsr() @ own
    similarity = np.asarray((scaled @ scaled.T).toarray(), np.float64)
    np.fill_diagonal(similarity, 0)
    return similarity


def find_outsiders(similarity: NDArray[np.float64], params: RoundParams) -> NDArray[np.bool_]:
    """Which articles are much less like the others, and not like any two of them."""
    two_best = np.sort(similarity, axis=1)[:, -2:].mean(axis=1)
    return np.asarray(_is_far(similarity, params) & (two_best < params.outsider_similarity))


def _is_far(similarity: NDArray[np.float64], params: RoundParams) -> NDArray[np.bool_]:
    """Which articles are much less like the others than the median one."""
    mean = similarity.sum(axis=1) / max(1, len(similarity) - 1)
    return np.asarray(mean < params.outsider * np.median(mean))


def _rounds(storyline: _Storyline, weigher: Weigher) -> NDArray[np.int64]:
    """The round of each article, 0 for all if nothing tells rounds; one that tells no round's facts is alone."""
    anchors, values = _anchors(storyline, weigher.params)
    if len(anchors) < 2:
        return np.zeros(len(storyline.tales), np.int64)
    return _assigned(storyline, anchors, values, weigher)


def _anchors(storyline: _Storyline, params: RoundParams) -> tuple[list[list[int]], list[int]]:
    """The articles that tell a round for sure, round by round, the oldest first, and the ordinals of the rounds."""
    own = _ordinal_anchors(storyline, params)
    values = sorted(set(own.values()))
    rounds = [[i for i, value in own.items() if value == wanted] for wanted in values]
    if len(storyline.tales) > params.few:
        return rounds, values
    apart = _apart(storyline, params)
    if not rounds:
        total = storyline.agreed.sum() + storyline.conflicted.sum()
        if not apart.any() or storyline.agreed.sum() > params.max_numbers_agreement * total:
            return [], []
        rounds = _most_contradictory(storyline, apart)
    return _completed(storyline, rounds, values, apart, params)


def _apart(storyline: _Storyline, params: RoundParams) -> NDArray[np.bool_]:
    """Which two articles contradict each other."""
    total = storyline.agreed.sum() + storyline.conflicted.sum()
    is_clear = bool(total >= _FEW_SLOTS and storyline.agreed.sum() <= params.clear_agreement * total)
    many = storyline.conflicted >= params.min_conflicts - is_clear
    return np.asarray(many & (storyline.conflicted > params.conflict_ratio * storyline.agreed))


def _most_contradictory(storyline: _Storyline, apart: NDArray[np.bool_]) -> list[list[int]]:
    """The two articles that are most alike and contradict each other most, the older round first."""
    gain = np.where(apart, (storyline.conflicted - storyline.agreed) * storyline.similarity, -1.0)
    i, j = (int(k) for k in np.unravel_index(np.argmax(gain), gain.shape))
    return sorted([[i], [j]], key=lambda one: (storyline.recalls[one[0]], one))


def _completed(
    storyline: _Storyline, rounds: list[list[int]], values: list[int], apart: NDArray[np.bool_], params: RoundParams
) -> tuple[list[list[int]], list[int]]:
    """The anchors with those of rounds that nobody numbers, each in its place."""
    while (fresh := _next_anchor(storyline, rounds, apart, params)) is not None:
        gaps = [value for value in range(values[0], values[-1]) if value not in values] if values else []
        if gaps:
            rounds.insert(sum(value < gaps[0] for value in values), [fresh])
            values = sorted([*values, gaps[0]])
        elif values and values[0] == 2:
            rounds.insert(0, [fresh])
            values = [1, *values]
        elif values:
            break
        else:
            rounds = sorted([*rounds, [fresh]], key=lambda one: (storyline.recalls[one[0]], one))
    return rounds, values


def _next_anchor(
    storyline: _Storyline, rounds: Sequence[list[int]], apart: NDArray[np.bool_], params: RoundParams
) -> int | None:
    """An article that contradicts every round so far, the one that does so most."""
    taken = {i for one in rounds for i in one}
    pairs = [(x, y) for one in rounds for x in one for other in rounds if other is not one for y in other]
    least = params.min_mate * min(storyline.similarity[pair] for pair in pairs)
    best: tuple[float, int] | None = None
    for i in range(len(storyline.tales)):
        if i in taken or not all(_contradicts(storyline, i, one, apart) for one in rounds):
            continue
        n_conflicts, n_agreed = (
            sum(int(counts[i, one].max()) for one in rounds) for counts in (storyline.conflicted, storyline.agreed)
        )
        near = [float(storyline.similarity[i, one].max()) for one in rounds]
        if n_conflicts >= params.conflict_ratio * n_agreed and min(near) >= least:
            best = max(best or (-1.0, -1), (n_conflicts * float(np.mean(near)), i))
    return best[1] if best else None


def _contradicts(storyline: _Storyline, i: int, one: list[int], apart: NDArray[np.bool_]) -> bool:
    return bool((storyline.conflicted[i, one] - storyline.agreed[i, one]).max() >= 1 and apart[i, one].any())


def _ordinal_anchors(storyline: _Storyline, params: RoundParams) -> dict[int, int]:
    """Article to round, for those that say which they tell; by the noun with most rounds, then most articles."""
    said: dict[int, dict[int, dict[int, int]]] = defaultdict(dict)
    for i, tale in enumerate(storyline.tales):
        for head, ranks in tale.cues.own_ordinals().items():
            said[head][i] = ranks
    frequency = count(storyline.facts)
    best: tuple[tuple[float, ...], dict[int, int]] = (), {}
    for head, articles in sorted(said.items()):
        own = _numbered(articles)
        if not _is_counted(own, len(storyline.tales), params) or not _is_sequence(own, storyline, params):
            continue
        early = float(np.mean([1 / (1 + min(ranks.values())) for ranks in articles.values()]))
        key = (len(set(own.values())), len(own), early, frequency.get(head, 0), -head)
        best = max(best, (key, own), key=lambda one: one[0])
    return best[1]


def _numbered(articles: dict[int, dict[int, int]]) -> dict[int, int]:
    """Article to its highest ordinal; the last is one more than the highest said by any."""
    own = {i: max((v for v in values if v != LAST_VALUE), default=LAST_VALUE) for i, values in articles.items()}
    top = max((value for value in own.values() if value != LAST_VALUE), default=0)
    return {i: top + 1 if value == LAST_VALUE else value for i, value in own.items()}


def _is_counted(own: dict[int, int], n_articles: int, params: RoundParams) -> bool:
    """Whether several rounds are said, by enough articles."""
    n_values = len(set(own.values()))
    enough = len(own) >= params.min_cover * n_articles and len(own) * params.max_support >= n_articles * n_values
    return n_values > 1 and enough


def _is_sequence(own: dict[int, int], storyline: _Storyline, params: RoundParams) -> bool:
    """Whether what is counted is rounds: next to each other, and with numbers of their own or telling much else
    alike.
    """
    values = sorted(set(own.values()))
    if values[-1] - values[0] + 1 > 2 * len(values):
        return False
    pairs = [(i, j) for i in own for j in own if i < j and own[i] != own[j]]
    mates = [(i, j) for i in own for j in own if i < j and own[i] == own[j]]
    if 2 * len(own) >= len(storyline.tales) and min(Counter(own.values()).values()) > 1:
        within, across = (np.mean([storyline.similarity[pair] for pair in one]) for one in (mates, pairs))
        if within >= params.likeness * across:
            return True
    alike, unlike = (sum(int(one[pair]) for pair in pairs) for one in (storyline.agreed, storyline.conflicted))
    return alike <= params.max_agreement * (alike + unlike) and storyline.agreement(own) <= params.max_pooled_agreement


def _assigned(
    storyline: _Storyline, anchors: Sequence[list[int]], values: Sequence[int], weigher: Weigher
) -> NDArray[np.int64]:
    """Anchors keep their round, the others go where the facts they tell are those of one round's anchors alone."""
    params = weigher.params
    evidence = _evidence(storyline, anchors, weigher)
    most = evidence.max(axis=1)
    belongs = (most >= params.min_facts) & ~_is_far(storyline.similarity, params) | (most >= params.sure_facts)
    odds = _odds(storyline, anchors, values, params)
    labels = np.where(belongs, (evidence * odds).argmax(axis=1), len(anchors) + np.arange(len(belongs)))
    for label, one in enumerate(anchors):
        labels[one] = label
    return labels.astype(np.int64)


def _evidence(storyline: _Storyline, anchors: Sequence[list[int]], weigher: Weigher) -> NDArray[np.float64]:
    """How much each article tells of what the anchors of one round alone tell: float64, shape (n, n_rounds)."""
    n = len(storyline.facts)
    frequency, marks = count(storyline.facts), join_marks(storyline.facts)
    told_in = [set[int]().union(*(storyline.facts[i] for i in one)) for one in anchors]
    evidence = np.zeros((n, len(anchors)))
    for label, own in enumerate(told_in):
        others = set[int]().union(*(told for other, told in enumerate(told_in) if other != label))
        weights = {
            fact: weigher.weigh(fact, marks[fact]) * float(np.log(n / frequency[fact]))
            for fact in sorted(own - others)
            if frequency[fact] > 1
        }
        norm = (0.1 + sum(weight**2 for weight in weights.values())) ** 0.5
        for i, told in enumerate(storyline.facts):
            evidence[i, label] = sum(weight for fact, weight in weights.items() if fact in told) / norm
    return evidence


def _odds(
    storyline: _Storyline, anchors: Sequence[list[int]], values: Sequence[int], params: RoundParams
) -> NDArray[np.float64]:
    """How much likelier each article is of each round by what is no shared fact: float64, shape (n, n_rounds)."""
    odds = np.ones((len(storyline.tales), len(anchors)))
    odds[np.array(storyline.recalls) > 0, 0] /= params.recall_odds
    weekdays = [{fact for fact, marks in told.items() if marks & WEEKDAY} for told in storyline.facts]
    for label, one in enumerate(anchors):
        excess = (storyline.conflicted[:, one] - storyline.agreed[:, one]).max(axis=1)
        odds[:, label] /= params.contradiction_odds ** np.maximum(0, excess)
        days = set[int]().union(*(weekdays[i] for i in one))
        elsewhere = [bool(days) and bool(own) and days.isdisjoint(own) for own in weekdays]
        odds[elsewhere, label] /= params.weekday_odds
    if len(values) == len(anchors):
        heads = {pair for one in anchors for i in one for pair in _ordinals(storyline.tales[i].cues)}
        for i, tale in enumerate(storyline.tales):
            said = [v for h, v in _ordinals(tale.cues) if v > 1 and v in values and (h, v) in heads]
            if said:
                odds[i, values.index(max(said))] *= params.said_odds
    return odds


def _ordinals(cues: Cues) -> list[tuple[int, int]]:
    return list(zip(cues.heads.tolist(), cues.values.tolist(), strict=True))
