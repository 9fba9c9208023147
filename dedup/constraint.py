"""Corrections held against a clustering, whatever made it: the last step before stories get their ids.

1. Stories with a linked pair are joined whole, except members that an unlink keeps apart.
2. A story that holds an apart pair is divided: each of the two keeps the members that are nearer to it, by mean
   similarity. Who came along by a link stays with the side that its own story was linked to, and who was on one side
   before stays there: a division that was made is not made anew.
3. Families called back from outside the window are where they were decided to be: with the others of their story.
4. Without corrections every story stays as it is, and what is taken back leaves no trace.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dedup.correction import Thing, Ties

_DIGITS: Final = 9
"""Similarities that agree so far are equal: the order of a sum decides nothing."""

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Constraints:
    """What corrections ask of a clustering; members are named by their places in it.

    `together`: pairs that must be in one story, `apart`: pairs that must not, the two free of contradiction.
    `recalled`: for each story that members were called back of, these members, and those of it that are there anyway.
    `before`: the story of each member so far, "" where it has none; () where none has.
    """

    together: Sequence[Pair] = ()
    apart: Sequence[Pair] = ()
    recalled: Sequence[tuple[Sequence[int], Sequence[int]]] = ()
    before: Sequence[str] = ()

    def __bool__(self) -> bool:
        return bool(self.together or self.apart or self.recalled)


def constrain(labels: NDArray[np.int64], rows: sparse.csr_matrix, wanted: Constraints) -> NDArray[np.int64]:
    """What the constraints make of `labels`: int64, shape (n,), 0..k-1 in order of first member.

    `rows` are the unit TF-IDF rows of the members.
    """
    if not wanted:
        return labels
    labels = _recall(labels, wanted.recalled)
    ties: Ties = Ties()
    for pair in sorted(set(wanted.apart)):
        ties.part(*pair)
    for pair in sorted(set(wanted.together)):
        ties.join(*pair)
    units = _units(wanted, ties)
    joined = _join(labels, units)
    held: dict[int, list[list[int]]] = defaultdict(list)
    for unit in units:
        held[int(joined[unit[0]])].append(unit)
    result = joined.copy()
    for story in sorted(held):
        division = _Division(labels, rows, ties, wanted.before or [""] * len(labels))
        for number, part in enumerate(division.divide(np.flatnonzero(joined == story), held[story])):
            if number:
                result[part] = result.max() + 1
    return _in_order(result)


def _recall(labels: NDArray[np.int64], recalled: Iterable[tuple[Sequence[int], Sequence[int]]]) -> NDArray[np.int64]:
    """Members called back under the label that most of their story has, or a label of their own."""
    placed = labels.copy()
    for called, present in recalled:
        counts = Counter(labels[list(present)].tolist())
        most = min(counts, key=lambda label: (-counts[label], label), default=int(placed.max(initial=-1)) + 1)
        placed[list(called)] = most
    return placed


def _units(wanted: Constraints, ties: Ties) -> list[list[int]]:
    """The members that constraints name, each with those it is tied to, in order."""
    tied: dict[Thing, list[int]] = defaultdict(list)
    for place in sorted({place for pair in (*wanted.together, *wanted.apart) for place in pair}):
        tied[ties.root(place)].append(place)
    return sorted(tied.values())


def _join(labels: NDArray[np.int64], units: Iterable[Sequence[int]]) -> NDArray[np.int64]:
    """Labels with those of linked stories made one."""
    whole: Ties = Ties()
    for unit in units:
        for place in unit[1:]:
            whole.join(int(labels[unit[0]]), int(labels[place]))
    unique, inverse = np.unique(labels, return_inverse=True)
    return np.array([whole.root(label) for label in unique.tolist()], np.int64)[inverse]


@dataclass(frozen=True, slots=True)
class _Division:
    """How one story, joined of the stories that `labels` tell, falls into parts. `ties` are of all members, `before`
    their stories so far.
    """

    labels: NDArray[np.int64]
    rows: sparse.csr_matrix
    ties: Ties
    before: Sequence[str]

    def divide(self, members: NDArray[np.int64], units: Sequence[list[int]]) -> list[list[int]]:
        """The parts: one, where no two of the units are apart."""
        opponents = {
            i: [k for k, other in enumerate(units) if self.ties.are_apart(unit[0], other[0])]
            for i, unit in enumerate(units)
        }
        opposed = [i for i in range(len(units)) if opponents[i]]
        if not opposed:
            return [members.tolist()]
        seeds = self._seed(units, opponents, opposed)
        parts = [list(seed) for seed in seeds]
        self._follow(parts, seeds, [unit for i, unit in enumerate(units) if not opponents[i]])
        self._share(parts, seeds, members)
        return parts

    def _seed(
        self, units: Sequence[list[int]], opponents: dict[int, list[int]], opposed: Sequence[int]
    ) -> list[list[int]]:
        """Parts of units that are apart from others, each in the nearest part without an opponent of it.

        A unit comes after the first of its opponents, so that it finds that one's part there already.
        """
        order = list(dict.fromkeys(k for i in opposed for k in (i, *opponents[i])))
        seeds: list[list[int]] = []
        for i in order:
            unit = units[i]
            free = [p for p, seed in enumerate(seeds) if not any(self.ties.are_apart(unit[0], one) for one in seed)]
            if free:
                seeds[self._nearest(unit, seeds, free)].extend(unit)
            else:
                seeds.append(list(unit))
        return seeds

    def _follow(self, parts: list[list[int]], seeds: Sequence[Sequence[int]], units: Iterable[list[int]]) -> None:
        """Puts units that only links name where a story that they link is."""
        waiting = list(units)
        while waiting:
            at = {
                int(self.labels[place]): self._parts_with(parts, int(self.labels[place]))
                for u in waiting
                for place in u
            }
            ready = [u for u in waiting if any(at[int(self.labels[place])] for place in u)]
            unit = ready[0]
            free = sorted({p for place in unit for p in at[int(self.labels[place])]})
            parts[self._nearest(unit, seeds, free)].extend(unit)
            waiting.remove(unit)

    def _share(self, parts: list[list[int]], seeds: Sequence[Sequence[int]], members: NDArray[np.int64]) -> None:
        """Gives every other member to the nearest of the parts that its own story has a unit in."""
        placed = {place for part in parts for place in part}
        free = {int(label): self._parts_with(parts, int(label)) for label in np.unique(self.labels[members])}
        rest = [place for place in members.tolist() if place not in placed]
        for place, nearest in zip(rest, self._nearness(rest, seeds), strict=True):
            candidates = self._familiar([place], seeds, free[int(self.labels[place])])
            parts[candidates[int(np.argmax(nearest[candidates]))]].append(place)

    def _parts_with(self, parts: Sequence[Sequence[int]], label: int) -> list[int]:
        return [p for p, part in enumerate(parts) if any(self.labels[place] == label for place in part)]

    def _nearest(self, unit: Sequence[int], seeds: Sequence[Sequence[int]], free: Sequence[int]) -> int:
        familiar = self._familiar(unit, seeds, free)
        near = self._nearness(unit, [seeds[p] for p in familiar]).mean(axis=0).round(_DIGITS)
        return familiar[int(np.argmax(near))]

    def _familiar(self, unit: Sequence[int], seeds: Sequence[Sequence[int]], free: Sequence[int]) -> Sequence[int]:
        """Those of these parts that have a seed of the story that the unit was in so far; all, where none has."""
        own = {self.before[place] for place in unit} - {""}
        return [p for p in free if any(self.before[seed] in own for seed in seeds[p])] or free

    def _nearness(self, places: Sequence[int], seeds: Sequence[Sequence[int]]) -> NDArray[np.float64]:
        """The mean similarity of each member to each seed: float64, shape (n_places, n_seeds)."""
        owner = np.repeat(np.arange(len(seeds)), [len(seed) for seed in seeds])
        flat = [place for seed in seeds for place in seed]
        shares = np.array([1 / len(seeds[p]) for p in owner.tolist()])
        centres = sparse.csr_matrix((shares, (owner, np.arange(len(flat)))), shape=(len(seeds), len(flat)))
        near = self.rows[list(places)] @ (centres @ self.rows[flat]).T
        return np.asarray(near.toarray(), np.float64).round(_DIGITS)


def _in_order(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same partition with labels 0..k-1 in order of first member."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]
