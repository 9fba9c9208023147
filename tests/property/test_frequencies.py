"""Document frequencies: counts of a stream, whatever the steps in which it was counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dedup import frequencies
from dedup.frequencies import NO_FREQUENCIES, Frequencies, FrequenciesError, term_keys

texts = st.lists(st.integers(0, 12), max_size=8).map(lambda words: np.array(words, np.uint32))
many = st.lists(texts, max_size=12)


def counted(articles: Sequence[NDArray[np.uint32]]) -> dict[int, int]:
    return dict(Counter(key for one in articles for key in set(term_keys(one).tolist())))


def told(one: Frequencies) -> dict[int, int]:
    return dict(zip(one.keys.tolist(), one.counts.tolist(), strict=True))


@given(many, st.lists(st.integers(0, 12), max_size=5))
def test_an_article_counts_once_for_each_of_its_words_and_pairs(
    articles: list[NDArray[np.uint32]], cuts: list[int]
) -> None:
    one, places = NO_FREQUENCIES, [0, *sorted(cuts), len(articles)]
    for start, stop in pairwise(places):
        one = one.changed(articles[start:stop], [])
    assert told(one) == counted(articles)
    assert one.n_articles == len(articles)
    assert np.all(np.diff(one.keys.astype(object)) > 0)


@given(many, many, texts)
def test_what_is_taken_out_again_leaves_no_trace(
    kept: list[NDArray[np.uint32]], gone: list[NDArray[np.uint32]], other: NDArray[np.uint32]
) -> None:
    one = NO_FREQUENCIES.changed(kept, []).changed(gone, []).changed([], gone)
    assert (told(one), one.n_articles) == (counted(kept), len(kept))
    at_once = NO_FREQUENCIES.changed([*kept, *gone], gone)
    assert (told(at_once), at_once.n_articles) == (counted(kept), len(kept))
    wanted = np.unique(np.concatenate([term_keys(other), one.keys[:3]]))
    assert one.of(wanted).tolist() == [counted(kept).get(key, 0) for key in wanted.tolist()]


@given(many)
def test_what_was_never_counted_cannot_be_taken_below_zero(gone: list[NDArray[np.uint32]]) -> None:
    one = NO_FREQUENCIES.changed([], gone)
    assert (told(one), one.n_articles) == ({}, 0)


@given(many)
def test_bytes_tell_the_same_again(articles: list[NDArray[np.uint32]]) -> None:
    one = NO_FREQUENCIES.changed(articles, [])
    again = Frequencies.from_bytes(one.to_bytes())
    assert (told(again), again.n_articles) == (told(one), one.n_articles)
    assert again.to_bytes() == one.to_bytes()


@pytest.mark.parametrize("cut", [0, 5, 17, 25, -1])
def test_bytes_that_are_cut_or_of_another_version_are_refused(cut: int) -> None:
    packed = NO_FREQUENCIES.changed([np.arange(50, dtype=np.uint32)], []).to_bytes()
    with pytest.raises(FrequenciesError):
        Frequencies.from_bytes(packed[:cut])
    with pytest.raises(FrequenciesError, match="version 9"):
        Frequencies.from_bytes(b"\x09" + packed[1:])


def test_of_too_many_terms_the_rarest_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frequencies, "MOST_TERMS", 5)
    articles = [np.array([1, 2, 3], np.uint32)] * 3 + [np.array([7, 8], np.uint32)]
    one = NO_FREQUENCIES.changed(articles, []).bounded()
    assert told(one) == {key: n for key, n in counted(articles).items() if n > 1}
    assert one.n_articles == 4


def test_of_a_long_stream_what_was_told_earlier_counts_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frequencies, "MOST_ARTICLES", 6)
    one = NO_FREQUENCIES.changed([np.array([1, 2], np.uint32)] * 7 + [np.array([5], np.uint32)], []).bounded()
    assert (told(one), one.n_articles) == ({1: 3, 2: 3, (1 << 32) + 2: 3}, 4)
