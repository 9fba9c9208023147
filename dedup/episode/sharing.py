"""How much likelier do two undated articles tell one round than two? What both count says so.

A number that few texts have is in another article of its round in one case of three, and in an article of another round
in one of ten: so each that two articles share speaks for one round, and each that they could share and do not against
it. Small numbers and years say little. Slots and weekdays that both have speak in the same way. By these odds anchors
are chosen (`log_odds`). Where an article belongs once they are (`placing_odds`) is also said by months, and by what two
articles count at their head, whatever noun they count it by: a headline that counts, counts the event.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup.cues import LAST_VALUE, RECALLED, Cues, Tale, common_numbers, months
from dedup.episode.value import PlacingParams, RoundParams

_HEAD_SENTENCES: Final = 1
"""Sentences after the title whose ordinals are compared whatever they count."""


def log_odds(
    tales: Sequence[Tale], agreed: NDArray[np.int64], conflicted: NDArray[np.int64], params: RoundParams
) -> NDArray[np.float64]:
    """The logarithm of how much likelier any two articles tell one round than two: float64, shape (n, n), 0 with
    itself.

    `agreed`, `conflicted`: the slots they fill alike and otherwise, as `facts.contradictions` counts them.
    """
    large, small = _numbers(tales)
    odds = params.slot_nats * (agreed - conflicted).astype(np.float64)
    odds += _shared(large, *_nats(params.number_again, params.number_elsewhere))
    odds += _shared(small, *_nats(params.common_again, params.common_elsewhere))
    odds += _said([set(tale.weekdays) for tale in tales], params.weekday_nats, params.other_weekday_nats)
    np.fill_diagonal(odds, 0)
    return odds


def placing_odds(
    tales: Sequence[Tale], agreed: NDArray[np.int64], conflicted: NDArray[np.int64], params: PlacingParams
) -> NDArray[np.float64]:
    """The same by all that two articles may share, each kind of it beside the others: float64, shape (n, n)."""
    large, small = _numbers(tales)
    odds = params.slot * agreed - params.other_slot * conflicted
    odds += _shared(large, params.number, params.missed_number)
    odds += _shared(small, params.common, params.missed_common)
    odds += _said([set(tale.weekdays) for tale in tales], params.weekday, params.other_weekday)
    odds += _said([_months_of(tale) for tale in tales], params.month, params.other_month)
    odds += _said([_counted(tale.cues) for tale in tales], params.ordinal, params.other_ordinal)
    np.fill_diagonal(odds, 0)
    return odds


def _numbers(tales: Sequence[Tale]) -> tuple[list[set[int]], list[set[int]]]:
    """The numbers of each article that few texts have, and the others."""
    common = common_numbers()
    numbers = [set(tale.cues.numbers.tolist()) for tale in tales]
    return [own - common for own in numbers], [own & common for own in numbers]


def _months_of(tale: Tale) -> set[int]:
    """The months that an article does not tell of the past."""
    return set(tale.hashes[(tale.marks & RECALLED) == 0].tolist()) & months()


def _counted(cues: Cues) -> set[int]:
    """What is counted as the article's own in its title or right after it."""
    own = zip(cues.values.tolist(), cues.ranks.tolist(), strict=True)
    return {value for value, rank in own if rank <= _HEAD_SENTENCES and value != LAST_VALUE}


def _nats(again: float, elsewhere: float) -> tuple[float, float]:
    """What something both have counts, and what it counts against that one has it alone."""
    return math.log(again / elsewhere), math.log((1 - elsewhere) / (1 - again))


def _shared(told: Sequence[set[int]], nats: float, missed_nats: float) -> NDArray[np.float64]:
    """Log odds by how many of the numbers of the one that has fewer both have."""
    said = _incidence(told)
    both, sizes = said @ said.T, said.sum(axis=1)
    return np.asarray(both * nats - (np.minimum.outer(sizes, sizes) - both) * missed_nats)


def _said(told: Sequence[set[int]], nats: float, other_nats: float) -> NDArray[np.float64]:
    """Log odds by whether two articles that both say something of a kind say the same."""
    said = _incidence(told)
    has = said.any(axis=1)
    return np.where(np.logical_and.outer(has, has), np.where(said @ said.T > 0, nats, -other_nats), 0.0)


def _incidence(told: Sequence[set[int]]) -> NDArray[np.float64]:
    """Which article has which of all that any has: 0 and 1, float64, shape (n, n_told)."""
    columns = {one: place for place, one in enumerate(sorted(set[int]().union(*told)))}
    said = np.zeros((len(told), len(columns)))
    for i, own in enumerate(told):
        said[i, [columns[one] for one in own]] = 1
    return said
