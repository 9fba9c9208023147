"""What of an archive had been told by some days after each article."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from dedup.history import History

DAYS = st.lists(st.just(math.nan) | st.integers(0, 40).map(float), min_size=1, max_size=12)
LATER = 14.0


def counts_for(days: list[float], first: set[int], other: int, one: int) -> bool:
    """Whether one article counts for another."""
    return math.isnan(days[one]) or math.isnan(days[other]) or days[other] <= days[one] + LATER or other in first


@given(DAYS, st.integers(0, 6), st.integers(0, 2**32))
def test_each_article_knows_what_was_told_before_it_and_some_days_after_it_the_first_ones_and_all_that_is_undated(
    days: list[float], least: int, seed: int
) -> None:
    n = len(days)
    counts = sparse.csr_matrix(np.random.default_rng(seed).integers(0, 3, (n, 5)))
    counts.eliminate_zeros()
    history = History.of(np.array(days), LATER, least)
    dated = [i for i in range(n) if not math.isnan(days[i])]
    first = set(sorted(dated, key=lambda i: (days[i], i))[:least])
    known = np.array([[counts_for(days, first, other, one) for other in range(n)] for one in range(n)])
    dense = counts.toarray()
    expected = np.where(dense > 0, known @ dense, 0)
    found = history.summed(counts)
    assert found.toarray().tolist() == expected.tolist()
    assert found.indices.tolist() == counts.indices.tolist()
    assert history.n_articles.tolist() == known.sum(axis=1).tolist()
    assert history.is_known == known.all()


def test_an_entry_of_nothing_stays_an_entry() -> None:
    counts = sparse.csr_matrix((np.array([0.0, 2.0, 1.0]), np.array([0, 1, 0]), np.array([0, 2, 3])), shape=(2, 2))
    found = History.of(np.array([0.0, 3.0]), LATER, 0).summed(counts)
    assert (found.data.tolist(), found.indices.tolist()) == ([1.0, 2.0, 1.0], [0, 1, 0])
