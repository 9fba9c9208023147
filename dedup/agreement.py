"""Which cues two articles share and which contradict: what tells, or does not tell, that they are of one round."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from dedup.cues import Cues, Tale


@dataclass(frozen=True, slots=True)
class Filled:
    """What both articles tell otherwise or alike: of an ordinal `key` is the hash of its noun and the values are those
    counted, of a slot it is its context and the values are the hashes of the numbers. Ascending.
    """

    key: int
    here: tuple[int, ...]
    there: tuple[int, ...]

    @property
    def is_alike(self) -> bool:
        """Whether both say at least one thing in common."""
        return not set(self.here).isdisjoint(self.there)


@dataclass(frozen=True, slots=True)
class Agreement:
    """The cues of two articles beside each other: ordinals with nouns that both count, slots that both fill, the
    weekdays (hashes) that each tells of its own event, and whether each points back in time.
    """

    ordinals: tuple[Filled, ...]
    slots: tuple[Filled, ...]
    weekdays_here: tuple[int, ...]
    weekdays_there: tuple[int, ...]
    points_back_here: bool
    points_back_there: bool


def compare_cues(here: Tale, there: Tale) -> Agreement:
    """The cues of two articles beside each other."""
    return Agreement(
        _both(here.cues.own_ordinals(), there.cues.own_ordinals()),
        _both(here.cues.slots(), there.cues.slots()),
        here.weekdays,
        there.weekdays,
        here.cues.recalls > 0,
        there.cues.recalls > 0,
    )


def compare_ordinals(here: Sequence[Cues], there: Sequence[Cues]) -> Filled | None:
    """The ordinals that most articles of two stories say otherwise, of the noun that most of them count so."""
    counts = [_ordinal_counts(side) for side in (here, there)]
    best: tuple[int, Filled] | None = None
    for head in (head for head in counts[0] if head in counts[1]):
        most = [min((-n, value) for value, n in side[head].items())[1] for side in counts]
        n_said = min(side[head][value] for side, value in zip(counts, most, strict=True))
        if most[0] != most[1] and (best is None or n_said > best[0]):
            best = n_said, Filled(head, (most[0],), (most[1],))
    return best[1] if best else None


def _ordinal_counts(side: Iterable[Cues]) -> dict[int, Counter[int]]:
    counts: dict[int, Counter[int]] = defaultdict(Counter)
    for cues in side:
        for head, ranks in cues.own_ordinals().items():
            counts[head].update(ranks.keys())
    return counts


def _both(here: Mapping[int, Collection[int]], there: Mapping[int, Collection[int]]) -> tuple[Filled, ...]:
    return tuple(Filled(key, tuple(sorted(here[key])), tuple(sorted(there[key]))) for key in here if key in there)
