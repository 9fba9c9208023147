"""Are these rounds of one storyline, where dates do not say?

Some articles say which round they tell, or which is to come. Those are anchors; where none does, they are the few
articles that together best explain with whom the others share numbers (`sharing`). Every other article goes to the
anchor whose own facts it tells; what both rounds tell says nothing, and what an article tells of the past does not
count. An article that is much less like the rest, and says little of their theme, is there for a place or a person they
share.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dedup.cues import AHEAD, LAST_VALUE, NOT_OWN, NUMBER, WEEKDAY, Cues, Tale
from dedup.episode.facts import Facts, Weigher, contradictions, count, join_marks, read_facts
from dedup.episode.sharing import log_odds, placing_odds
from dedup.episode.value import RoundParams

_PRIOR_SLOTS: Final = (4, 10)
"""Slots imagined, alike and in all, beside those counted for the pooled agreement: few prove little."""
_MOST_ROUNDS: Final = 4
"""Rounds told by numbers alone."""
_FEWEST_SAYERS: Final = 3
"""Articles that say what is the theme of a story, however few it has."""
_LEAST: Final = 0.05
"""Smaller shares of the median are taken for this."""


@dataclass(frozen=True, slots=True, eq=False)
class _Storyline:
    """The articles that may be of several rounds, and all that is compared of them.

    `similarity`, `agreed`, `conflicted`, `odds`: shape (n, n); the first over the one expected within a story, the last
    as `sharing.log_odds` has it, both 0 with itself. `standing`: shape (n,), how well each belongs.
    """

    tales: Sequence[Tale]
    facts: Sequence[Facts]
    standing: NDArray[np.float64]
    similarity: NDArray[np.float64]
    agreed: NDArray[np.int64]
    conflicted: NDArray[np.int64]
    odds: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        tales: Sequence[Tale],
        standing: NDArray[np.float64],
        similarity: NDArray[np.float64],
        params: RoundParams,
    ) -> _Storyline:
        agreed, conflicted = contradictions([tale.cues for tale in tales])
        odds = log_odds(tales, agreed, conflicted, params)
        return cls(tales, [read_facts(tale) for tale in tales], standing, similarity, agreed, conflicted, odds)

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
    params, own = weigher.params, [tales[i] for i in members]
    similarity = _compare(rows[members], reliability[members])
    standing = _standing(similarity, own, weigher)
    inside = np.flatnonzero(standing >= params.outsider)
    parts = [members[inside]]
    if params.smallest <= len(inside) <= params.largest:
        within = similarity[np.ix_(inside, inside)]
        labels = _rounds(_Storyline.of([own[i] for i in inside], standing[inside], within, params), weigher)
        parts = [members[inside[labels == label]] for label in np.unique(labels)]
    outside = np.flatnonzero(standing < params.outsider)
    return [*(part for part in parts if len(part)), *(members[i : i + 1] for i in outside)]


def find_outsiders(
    own: sparse.csr_matrix, reliability: NDArray[np.float64], tales: Sequence[Tale], weigher: Weigher
) -> NDArray[np.bool_]:
    """Which articles are much less like the others, and say little of their theme: bool, shape (n,).

    `own`: their unit TF-IDF rows; what they tell in the same order.
    """
    return _standing(_compare(own, reliability), tales, weigher) < weigher.params.outsider


def _compare(own: sparse.csr_matrix, reliability: NDArray[np.float64]) -> NDArray[np.float64]:
    """Similarity of any two articles over the one expected within a story, 0 with itself: float64, shape (n, n)."""
    scaled = sparse.diags_array(reliability**-0.5).tocsr() @ own
    similarity = np.asarray((scaled @ scaled.T).toarray(), np.float64)
    np.fill_diagonal(similarity, 0)
    return similarity


def _standing(similarity: NDArray[np.float64], tales: Sequence[Tale], weigher: Weigher) -> NDArray[np.float64]:
    """How well each article belongs to the others, 0 for one that is as like them and as much of their theme as the
    median one, and as like two of them as is expected within one story: float64, shape (n,).
    """
    two_best = np.sort(similarity, axis=1)[:, -2:].mean(axis=1)
    shares = _over_median(similarity.sum(axis=1)), _over_median(_theme(tales, weigher)), two_best
    return np.asarray(sum(np.log(np.maximum(share, _LEAST)) for share in shares))


def _over_median(values: NDArray[np.float64]) -> NDArray[np.float64]:
    median = float(np.median(values))
    return values / median if median > 0 else np.ones(len(values))


def _theme(tales: Sequence[Tale], weigher: Weigher) -> NDArray[np.float64]:
    """How much each article says of what many of them say, names and other words: float64, shape (n,)."""
    facts = [read_facts(tale) for tale in tales]
    frequency, marks = count(facts), join_marks(facts)
    least = max(_FEWEST_SAYERS, weigher.params.theme_share * len(tales))
    weights = {
        fact: weigher.weigh(fact, marks[fact]) * said
        for fact, said in sorted(frequency.items())
        if said >= least and not marks[fact] & (NUMBER | WEEKDAY)
    }
    return np.array([sum(weight for fact, weight in weights.items() if fact in own) for own in facts], np.float64)


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
    if values:
        rounds = [[i for i, value in own.items() if value == wanted] for wanted in values]
        return _completed(storyline, rounds, values, params)
    n = len(storyline.tales)
    if n > params.few or storyline.odds.sum() > params.max_likeness * n * (n - 1):
        return [], []
    second = _seconds(storyline)
    rounds = _grown(storyline.odds, [second], _MOST_ROUNDS - 1, params) if second else []
    if len(rounds) < 2:
        rounds, second = _most_apart(storyline.odds, params), []
    return sorted(rounds, key=lambda one: (one == second, storyline.recalls[one[0]], one)), []


def _completed(
    storyline: _Storyline, rounds: list[list[int]], values: list[int], params: RoundParams
) -> tuple[list[list[int]], list[int]]:
    """The anchors with those of rounds that nobody numbers, each in its place."""
    gaps = [value for value in range(values[0], values[-1]) if value not in values] + [1] * (values[0] == 2)
    grown = _grown(storyline.odds, rounds, len(gaps), params)
    told = [*values, *gaps][: len(grown)]
    order = sorted(range(len(grown)), key=lambda place: told[place])
    return [grown[place] for place in order], [told[place] for place in order]


def _most_apart(odds: NDArray[np.float64], params: RoundParams) -> list[list[int]]:
    """Anchors chosen by numbers alone; none where one explains the articles as well as several."""
    ones = [[[i]] for i in range(len(odds))]
    pairs = [two for one in ones for two in _with_one_more(odds, one)]
    best = max(pairs, key=lambda two: _worth(odds, two, params), default=[])
    if not best or _worth(odds, best, params) <= max(_worth(odds, one, params) for one in ones):
        return []
    return _grown(odds, best, _MOST_ROUNDS - 2, params)


def _grown(odds: NDArray[np.float64], rounds: list[list[int]], n_more: int, params: RoundParams) -> list[list[int]]:
    """The anchors and so many more at most, the best of the others each time, as long as they are better with it."""
    for _ in range(n_more):
        grown = max(_with_one_more(odds, rounds), key=lambda more: _worth(odds, more, params), default=rounds)
        if _worth(odds, grown, params) <= _worth(odds, rounds, params):
            break
        rounds = grown
    return rounds


def _with_one_more(odds: NDArray[np.float64], rounds: Sequence[list[int]]) -> list[list[list[int]]]:
    """The anchors with each article that is likelier of another round than of any of theirs."""
    of_anchors = {i for one in rounds for i in one}
    nearest = np.max([odds[:, one].mean(axis=1) for one in rounds], axis=0)
    return [[*rounds, [i]] for i in np.flatnonzero(nearest <= 0).tolist() if i not in of_anchors]


def _worth(odds: NDArray[np.float64], rounds: Sequence[list[int]], params: RoundParams) -> float:
    """How well these anchors explain the articles, in nats: how much likelier each article is of the round of one of
    them than of none, and how much likelier each anchor is of another round than of that of the nearest other one;
    less what the best of so many choices brings by chance.
    """
    k, of_anchors = len(rounds), [i for one in rounds for i in one]
    likelier = np.column_stack([odds[:, one].mean(axis=1) for one in rounds])
    between = np.array([likelier[one].mean(axis=0) for one in rounds])
    np.fill_diagonal(between, -np.inf)
    explained = np.maximum(np.delete(likelier, of_anchors, axis=0).max(axis=1), 0).sum()
    apart = -between.max(axis=1).mean() * (k - 1) if k > 1 else 0.0
    return float(explained + apart) - params.anchor_nats * math.log(math.comb(len(odds), k))


def _ordinal_anchors(storyline: _Storyline, params: RoundParams) -> dict[int, int]:
    """Article to round, for those that say which they tell; by the noun with most rounds, then most articles."""
    said: dict[int, dict[int, dict[int, int]]] = defaultdict(dict)
    for i, tale in enumerate(storyline.tales):
        for head, ranks in tale.cues.own_ordinals().items():
            said[head][i] = ranks
    announced: dict[int, dict[int, int]] = defaultdict(dict)
    for i, tale in enumerate(storyline.tales):
        for head, value in _before_next(tale.cues):
            if i not in said[head]:
                announced[head][i] = min(value, announced[head].get(i, value))
    frequency = count(storyline.facts)
    best: tuple[tuple[float, ...], dict[int, int]] = (), {}
    for head, articles in sorted(said.items()):
        own = _numbered(articles)
        own |= {i: value for i, value in announced[head].items() if value not in own.values()}
        if not _is_counted(own, len(storyline.tales), params) or not _is_sequence(own, storyline, params):
            continue
        early = float(np.mean([1 / (1 + min(ranks.values())) for ranks in articles.values()]))
        key = (len(set(own.values())), len(own), early, frequency.get(head, 0), -head)
        best = max(best, (key, own), key=lambda one: one[0])
    return best[1]


def _seconds(storyline: _Storyline) -> list[int]:
    """The articles that begin by telling the second of something that half of the storyline's articles name, and whose
    first nobody tells.
    """
    frequency, n = count(storyline.facts), len(storyline.tales)
    said: dict[int, list[int]] = defaultdict(list)
    for i, tale in enumerate(storyline.tales):
        for head, ranks in tale.cues.own_ordinals().items():
            if ranks.get(2, NOT_OWN) <= 1 and 2 * frequency.get(head, 0) >= n:
                said[head].append(i)
    return max(said.values(), key=lambda own: (len(own), [-i for i in own]), default=[])


def _before_next(cues: Cues) -> list[tuple[int, int]]:
    """Noun and value of the round before each that the article says is to come."""
    ahead = sorted(cues.other_ordinals(AHEAD))
    return [(head, value - 1) for head, value in ahead if 1 < value < LAST_VALUE]


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
    """Anchors keep their round, the others go where it is likeliest, by the facts they tell that are those of one
    round's anchors alone, by what they share with these, and by what no article shares; a second time without what
    those placed in other rounds tell as much.
    """
    pairs = placing_odds(storyline.tales, storyline.agreed, storyline.conflicted, weigher.params.placing)
    shared = weigher.params.shared_weight * np.column_stack([pairs[:, one].mean(axis=1) for one in anchors])
    odds = np.log(_odds(storyline, anchors, values, weigher.params))
    labels = _placed(storyline, anchors, _evidence(storyline, anchors, anchors, weigher), shared, odds, weigher.params)
    rounds = [np.flatnonzero(labels == label).tolist() for label in range(len(anchors))]
    return _placed(storyline, anchors, _evidence(storyline, anchors, rounds, weigher), shared, odds, weigher.params)


def _placed(
    storyline: _Storyline,
    anchors: Sequence[list[int]],
    evidence: NDArray[np.float64],
    shared: NDArray[np.float64],
    odds: NDArray[np.float64],
    params: RoundParams,
) -> NDArray[np.int64]:
    """The round of each article by evidence and by what it shares with anchors and by odds, both in nats; one that has
    too little in common with any is alone.
    """
    most = evidence.max(axis=1)
    tells = (most >= params.min_facts) | (shared.max(axis=1) > 0)
    belongs = tells & (storyline.standing >= params.stranger) | (most >= params.sure_facts)
    likeliest = (np.log(evidence + params.least_evidence) + shared + odds).argmax(axis=1)
    labels = np.where(belongs, likeliest, len(anchors) + np.arange(len(belongs)))
    for label, one in enumerate(anchors):
        labels[one] = label
    return labels.astype(np.int64)


def _evidence(
    storyline: _Storyline, anchors: Sequence[list[int]], rounds: Sequence[list[int]], weigher: Weigher
) -> NDArray[np.float64]:
    """How much each article tells of what the anchors of one round alone tell, more so if more of them do, and less
    where articles placed in other rounds tell it as well: float64, shape (n, n_rounds).
    """
    n = len(storyline.facts)
    frequency, marks = count(storyline.facts), join_marks(storyline.facts)
    told_by = [count(storyline.facts[i] for i in one) for one in anchors]
    placed = [count(storyline.facts[i] for i in one) for one in rounds]
    sizes = [len(one) for one in rounds]
    evidence = np.zeros((n, len(anchors)))
    for label, own in enumerate(told_by):
        others = set[int]().union(*(told for other, told in enumerate(told_by) if other != label))
        shares = {fact: own[fact] / len(anchors[label]) for fact in sorted(own.keys() - others) if frequency[fact] > 1}
        weights = {
            fact: weigher.weigh(fact, marks[fact])
            * math.log(n / frequency[fact])
            * math.sqrt(share)
            * _surety([told.get(fact, 0) for told in placed], sizes, label)
            for fact, share in shares.items()
        }
        norm = (0.1 + sum(weight**2 for weight in weights.values())) ** 0.5
        for i, told in enumerate(storyline.facts):
            evidence[i, label] = sum(weight for fact, weight in weights.items() if fact in told) / norm
    return evidence


def _surety(told: Sequence[int], sizes: Sequence[int], label: int) -> float:
    """How surely who tells something is of this round, by how many in each round, of so many, tell it: up to 1."""
    here = (told[label] + 0.5) / (sizes[label] + 1)
    elsewhere = (sum(told) - told[label] + 0.5) / (sum(sizes) - sizes[label] + 1)
    return here / (here + elsewhere)


def _odds(
    storyline: _Storyline, anchors: Sequence[list[int]], values: Sequence[int], params: RoundParams
) -> NDArray[np.float64]:
    """How much likelier each article is of each round by what is no shared fact: float64, shape (n, n_rounds).

    Slots that an article fills otherwise count half of what they do: the other half is in `placing_odds`.
    """
    odds = np.ones((len(storyline.tales), len(anchors)))
    odds[np.array(storyline.recalls) > 0, 0] /= params.recall_odds
    weekdays = [{fact for fact, marks in told.items() if marks & WEEKDAY} for told in storyline.facts]
    for label, one in enumerate(anchors):
        excess = (storyline.conflicted[:, one] - storyline.agreed[:, one]).max(axis=1)
        odds[:, label] /= params.contradiction_odds ** (np.maximum(0, excess) / 2)
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
