"""The clustering of a window that moves is that of the window as it is."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.cluster import in_order
from dedup.cues import NO_CUES
from dedup.graph import GraphParams
from dedup.living import Living, Numbered
from dedup.pipeline import DAY_SECONDS, Background, Params, Telling, cluster_window
from dedup.terms import TermParams, Terms, vectors, vectors_by
from dedup.vocabulary import Vocabulary, VocabularyError

FEW = Params(graph=GraphParams(max_neighbours=3))
"""So few neighbours that articles lose some to others, and get others back."""

SUBJECTS = st.integers(0, 4)
DAYS = st.one_of(st.just(math.nan), st.floats(0, 12).map(lambda day: round(day, 3)))
NAMED = st.one_of(st.none(), st.integers(0, 12))
"""Days that addresses name: most contradict the date."""
TOLD = st.lists(st.tuples(SUBJECTS, st.lists(st.integers(0, 60), min_size=6, max_size=20), DAYS, NAMED), max_size=20)
Told = list[tuple[int, list[int], float, int | None]]


def tellings(told: Told, offset: int = 0) -> dict[str, Telling]:
    """Articles that say the words of a subject and some of their own."""
    made = {}
    for i, (subject, own, day, named) in enumerate(told):
        hashes = np.array([*range(100 * subject + 1, 100 * subject + 9), *(1000 + word for word in own)], np.uint32)
        terms = Terms(hashes, np.zeros(len(hashes), np.uint8), dataclasses.replace(NO_CUES, day=named))
        made[f"f{offset + i}"] = Telling(terms, None if math.isnan(day) else day * DAY_SECONDS)
    return made


def partition(labels: np.ndarray) -> list[int]:
    found: list[int] = in_order(np.asarray(labels)).tolist()
    return found


def is_as_whole(living: Living, params: Params) -> bool:
    """Whether a window's labels are those of all its articles, clustered at once in the same order."""
    names = sorted(living.numbers, key=living.numbers.__getitem__)
    whole = cluster_window([living.tellings[name] for name in names], params, living.background)
    return bool(partition(living.labels[living.place(names)]) == whole.labels.tolist())


@settings(deadline=None, max_examples=25)
@given(TOLD, st.lists(st.tuples(TOLD, st.sets(st.integers(0, 60), max_size=25)), max_size=3), st.booleans())
def test_whatever_comes_and_leaves_the_window_is_clustered_as_if_anew(
    first: Told, steps: Sequence[tuple[Told, set[int]]], few: bool
) -> None:
    params = FEW if few else Params()
    window = tellings(first)
    living = Living.of(window, Background.of(list(window.values()), params), params)
    assert is_as_whole(living, params)
    n = len(window)
    for come, leave in steps:
        window = {name: one for i, (name, one) in enumerate(window.items()) if i not in leave}
        window |= tellings(come, n)
        n += len(come)
        living.follow(window.keys(), window)
        assert living.numbers.keys() == window.keys()
        assert is_as_whole(living, params)


@settings(deadline=None, max_examples=25)
@given(TOLD.filter(bool), st.data())
def test_an_article_that_tells_something_else_is_clustered_as_what_it_tells_now(
    told: Told, data: st.DataObject
) -> None:
    window = tellings(told)
    living = Living.of(window, Background.of(list(window.values()), Params()), Params())
    name = data.draw(st.sampled_from(sorted(window)))
    other = data.draw(TOLD.filter(bool))
    window[name] = tellings(other)["f0"]
    living.follow(window.keys(), window)
    assert is_as_whole(living, Params())


def test_a_window_that_stays_as_it_is_keeps_its_numbers() -> None:
    window = tellings([(i % 3, [i, i + 1, i + 2, 7, 8, 9], float(i), None) for i in range(12)])
    living = Living.of(window, Background.of(list(window.values()), Params()), Params())
    labels, numbers = living.labels.copy(), dict(living.numbers)
    again = {name: dataclasses.replace(one) for name, one in window.items()}
    living.follow(again.keys(), again)
    assert living.n_moved == 0
    assert living.numbers == numbers
    assert np.array_equal(living.labels, labels)


@given(st.lists(st.lists(st.integers(0, 5), min_size=8, max_size=8), min_size=1, max_size=5))
def test_a_group_keeps_its_number_while_it_keeps_its_articles(groupings: list[list[int]]) -> None:
    groups = Numbered()
    groups.extend(8)
    everyone, before = np.arange(8), dict[frozenset[int], int]()
    for grouping in groupings:
        new = set(groups.put(everyone, in_order(np.array(grouping))).tolist())
        now = {frozenset(np.flatnonzero(groups.of == one).tolist()): one for one in np.unique(groups.of).tolist()}
        assert {one for members, one in now.items() if before.get(members) != one} == new
        assert all(now[members] == one for members, one in before.items() if members in now)
        before = now


def test_a_group_that_an_article_left_is_another() -> None:
    groups = Numbered()
    groups.extend(3)
    groups.put(np.arange(3), np.zeros(3, np.int64))
    groups.drop(np.array([2]))
    assert groups.put(np.arange(2), np.zeros(2, np.int64)).tolist() == [1]


@given(TOLD)
def test_a_row_by_the_vocabulary_that_it_helped_to_make_is_the_same(told: Told) -> None:
    terms = [one.terms for one in tellings(told).values()]
    found = vectors(terms, TermParams())
    by = vectors_by(terms, found.vocabulary, TermParams()).rows
    assert np.array_equal(by.toarray(), found.rows.toarray())
    alone = [vectors_by([one], found.vocabulary, TermParams()).rows.toarray()[0] for one in terms]
    assert all(np.array_equal(one, row) for one, row in zip(alone, by.toarray(), strict=True))


@given(TOLD)
def test_a_vocabulary_comes_back_from_its_bytes(told: Told) -> None:
    vocabulary = vectors([one.terms for one in tellings(told).values()], TermParams()).vocabulary
    again = Vocabulary.from_bytes(vocabulary.to_bytes())
    assert again.n_articles == vocabulary.n_articles
    for name in ("keys", "counts", "names", "is_number"):
        assert np.array_equal(getattr(again, name), getattr(vocabulary, name))


@pytest.mark.parametrize("packed", [b"", b"\x01", b"\x09" + bytes(16) + b"x\x9c\x03\x00\x00\x00\x00\x01"])
def test_other_bytes_are_no_vocabulary(packed: bytes) -> None:
    with pytest.raises(VocabularyError):
        Vocabulary.from_bytes(packed)


def test_an_article_of_a_doubted_date_is_asked_anew_when_the_story_of_its_day_has_left() -> None:
    words = [1, 2, 3, 4, 5, 6]
    window = tellings([(0, words, 11.0, 2), (0, words, 2.0, None), (1, [9] * 6, 2.0, None), (0, words, 11.0, None)])
    living = Living.of(window, Background.of(list(window.values()), Params()), Params())
    assert living.labels[0] == living.labels[1] != living.labels[3]
    del window["f1"]
    living.follow(window.keys(), window)
    assert living.labels[0] == living.labels[3]
    assert is_as_whole(living, Params())
