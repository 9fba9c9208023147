"""How much likelier do two undated articles tell one round than two? What both count says so.

A number that few texts have is in another article of its round in one case of three, and in an article of another round
in one of ten: so each that two articles share speaks for one round, and each that they could share and do not against
it. Small numbers and years say little. Slots and weekdays that both have speak in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dedup.cues import Tale, common_numbers
from dedup.episode.value import RoundParams


def log_odds(
    tales: Sequence[Tale], agreed: NDArray[np.int64], conflicted: NDArray[np.int64], params: RoundParams
) -> NDArray[np.float64]:
    """The logarithm of how much likelier any two articles tell one round than two: float64, shape (n, n), 0 with
    itself.

    `agreed`, `conflicted`: the slots they fill alike and otherwise, as `facts.contradictions` counts them.
    """
    common = common_numbers()
    numbers = [set(tale.cues.numbers.tolist()) for tale in tales]
    odds = params.slot_nats * (agreed - conflicted).astype(np.float64)
    odds += _shared([own - common for own in numbers], params.number_again, params.number_elsewhere)
    odds += _shared([own & common for own in numbers], params.common_again, params.common_elsewhere)
    odds += _weekdays([set(tale.weekdays) for tale in tales], params)
    np.fill_diagonal(odds, 0)
    return odds


def _shared(told: Sequence[set[int]], again: float, elsewhere: float) -> NDArray[np.float64]:
    """Log odds by how many of the numbers of the one that has fewer both have."""
    said = _incidence(told)
    both, sizes = said @ said.T, said.sum(axis=1)
    missed = np.minimum.outer(sizes, sizes) - both
    return np.asarray(both * np.log(again / elsewhere) + missed * np.log((1 - again) / (1 - elsewhere)))


def _weekdays(told: Sequence[set[int]], params: RoundParams) -> NDArray[np.float64]:
    """Log odds by the weekdays of two articles that both say one."""
    said = _incidence(told)
    has = said.any(axis=1)
    by_day = np.where(said @ said.T > 0, params.weekday_nats, -params.other_weekday_nats)
    return np.where(np.logical_and.outer(has, has), by_day, 0.0)


def _incidence(told: Sequence[set[int]]) -> NDArray[np.float64]:
    """Which article has which of all that any has: 0 and 1, float64, shape (n, n_told)."""
    columns = {one: place for place, one in enumerate(sorted(set[int]().union(*told)))}
    said = np.zeros((len(told), len(columns)))
    for i, own in enumerate(told):
        said[i, [columns[one] for one in own]] = 1
    return said
