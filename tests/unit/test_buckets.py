"""Buckets in memory: what was put in is found under its keys, the latest of a crowded bucket, however it came in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dedup.buckets import Buckets

N_BANDS = 2
MOST = (3, 2)


def keys(*wanted: int) -> NDArray[np.uint64]:
    return np.array(wanted, np.uint64)


def by_hand(texts: Sequence[Sequence[int]], wanted: Sequence[int]) -> tuple[int, ...]:
    """What `find` must tell of a text with the wanted keys, when these texts were put in, numbered from 0 on."""
    found: set[int] = set()
    for place, key in enumerate(wanted):
        having = [number for number, own in enumerate(texts) for one in own if one == key]
        found.update(having[-(MOST[0] if place < N_BANDS else MOST[1]) :])
    return tuple(sorted(found))


A_TEXT = st.lists(st.integers(0, 8), unique=True, max_size=5)


@given(st.lists(st.lists(A_TEXT, max_size=30), max_size=12), st.lists(A_TEXT, min_size=1, max_size=5))
def test_buckets_tell_the_same_in_whatever_parts_they_were_filled(
    parts: list[list[list[int]]], wanted: list[list[int]]
) -> None:
    buckets, texts = Buckets(), [text for part in parts for text in part]
    n = 0
    for part in parts:
        buckets.add(range(n, n + len(part)), [keys(*text) for text in part])
        n += len(part)
    assert buckets.find([keys(*text) for text in wanted], N_BANDS, MOST) == [by_hand(texts, text) for text in wanted]
    assert len(buckets) == sum(map(len, texts))


def test_what_is_no_more_is_dropped_and_the_rest_is_found() -> None:
    buckets = Buckets()
    for number in range(100):
        buckets.add([number], [keys(number % 7, 1_000 + number)])
    buckets.keep(np.array([3, 10, 17, 99], np.uint32))
    assert len(buckets) == 8
    assert buckets.find([keys(3), keys(1_099), keys(1_098)], N_BANDS, (9, 9)) == [(3, 10, 17), (99,), ()]


@pytest.mark.parametrize("wanted", [[], [keys()], [keys(1), keys()]])
def test_nothing_is_found_where_nothing_is(wanted: list[NDArray[np.uint64]]) -> None:
    buckets = Buckets()
    buckets.add([1], [keys()])
    assert buckets.find(wanted, N_BANDS, MOST) == [()] * len(wanted)
