"""What is kept of a living window gives the same window, and pieces that are worked on apart give the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.kept import KeptError, Part, ToldPart, heads_of, pack_places, pack_rows, read_places, read_rows
from dedup.living import Living
from dedup.pipeline import Background, Params, Telling
from dedup.rebuilding import Neighbours, tell_part
from tests.property.test_living import FEW, TOLD, Told, is_as_whole, partition, tellings


@dataclass(slots=True)
class Shelf:
    """What is kept of a window, written step by step."""

    rows: dict[str, bytes] = field(default_factory=dict)
    places: dict[str, bytes] = field(default_factory=dict)

    def write(self, living: Living) -> None:
        """Keeps the last step."""
        changed, step = living.places()[living.step.changed], living.step
        names = [living.names[number] for number in step.changed.tolist()]
        self.places |= dict(zip(names, pack_places(changed), strict=True))
        self.rows |= living.fresh_rows()
        for name in step.left:
            del self.rows[name], self.places[name]

    def read(self, window: dict[str, Telling], before: Living) -> Living:
        """The window as another process takes it up, while its families tell this."""
        heads, pairs = read_rows(self.rows)
        living = Living.empty(before.background, before.params)
        living.connect(heads, pairs, window)
        living.resume(read_places(self.places[name] for name in heads), before.n_moved)
        return living


@settings(deadline=None, max_examples=25)
@given(TOLD, st.lists(st.tuples(TOLD, st.sets(st.integers(0, 60), max_size=25)), max_size=4), st.booleans())
def test_whoever_takes_a_window_up_between_two_steps_goes_on_as_who_left_it(
    first: Told, steps: Sequence[tuple[Told, set[int]]], few: bool
) -> None:
    params, shelf, window = FEW if few else Params(), Shelf(), tellings(first)
    living = Living.of(window, Background.of(list(window.values()), params), params)
    shelf.write(living)
    n = len(window)
    for come, leave in steps:
        window = {name: one for i, (name, one) in enumerate(window.items()) if i not in leave}
        window |= tellings(come, n)
        n += len(come)
        again = shelf.read(window, living)
        assert again.serials.tolist() == sorted(living.serials[number] for number in living.numbers.values())
        again.follow(window.keys(), window)
        living.follow(window.keys(), window)
        assert again.numbers.keys() == window.keys()
        assert is_as_whole(again, params)
        assert again.n_moved == living.n_moved
        living = again
        shelf.write(living)
        assert shelf.rows.keys() == shelf.places.keys() == window.keys()


@settings(deadline=None, max_examples=25)
@given(TOLD.filter(bool), st.integers(1, 7), st.integers(1, 7), st.booleans())
def test_pieces_of_any_size_give_the_stories_of_the_whole(told: Told, n_block: int, n_part: int, few: bool) -> None:
    params, window = FEW if few else Params(), tellings(told)
    background, names = Background.of(list(window.values()), params), list(window)
    heads = dict(zip(names, heads_of(list(window.values()), range(len(names))), strict=True))
    rows: dict[str, bytes] = {}
    for start in range(0, len(names), n_block):
        neighbours, stop = Neighbours(background, params), min(start + n_block, len(names))
        for i in range(0, stop, n_block):
            neighbours.add([window[name] for name in names[i : min(i + n_block, stop)]])
        block = names[start:stop]
        packed = pack_rows([heads[name] for name in block], np.arange(stop), start, neighbours.find(start))
        rows |= dict(zip(block, packed, strict=True))
    living = Living.empty(background, params)
    living.connect(*read_rows(rows), window)
    places, n_told = np.full((len(names), 4), -1), 0
    for part in living.split(n_part):
        own = [window[names[serial]] for serial in part.serials.tolist()]
        told_part = tell_part(Part.from_bytes(part.to_bytes()), own, background, params).to_bytes()
        found = ToldPart.from_bytes(told_part)
        stories, events = found.stories + n_told, found.events + n_told
        places[part.serials] = np.column_stack([part.cores, stories, events, events])
        living.known.learn(found.known.keys, found.known.scores)
        n_told += len(own)
    living.known.settle()
    living.resume(places, 0)
    living.settle()
    assert is_as_whole(living, params)
    inline = Living.of(window, background, params)
    assert partition(inline.labels) == partition(living.labels)
    assert partition(inline.stories.of) == partition(living.stories.of)
    assert len(inline.known.keys) == len(living.known.keys)
    assert sorted(inline.known.scores.tolist()) == pytest.approx(sorted(living.known.scores.tolist()))


@given(st.binary(max_size=60))
def test_other_bytes_are_refused_by_the_family_they_are_of(packed: bytes) -> None:
    if (len(packed) - 20) % 13 or len(packed) < 20:
        with pytest.raises(KeptError, match="f7"):
            read_rows({"f7": packed})
    if len(packed) != 16:
        with pytest.raises(KeptError):
            read_places([packed])


def test_a_part_that_was_cut_off_is_refused() -> None:
    window = tellings([(0, [1, 2, 3, 4, 5, 6], 1.0, None)] * 3)
    living = Living.empty(Background.of(list(window.values()), Params()), Params())
    heads = heads_of(list(window.values()), range(3))
    neighbours = Neighbours(living.background, Params())
    neighbours.add(list(window.values()))
    rows = pack_rows(heads, np.arange(3), 0, neighbours.find(0))
    living.connect(*read_rows(dict(zip(window, rows, strict=True))), window)
    (part,) = living.split(10)
    for end in range(len(part.to_bytes())):
        with pytest.raises(KeptError):
            Part.from_bytes(part.to_bytes()[:end])
    told_part = tell_part(part, list(window.values()), living.background, Params()).to_bytes()
    for end in range(len(told_part)):
        with pytest.raises(KeptError):
            ToldPart.from_bytes(told_part[:end])
