"""Groups: a score that was learned is found again, whatever the groups' numbers and the order in which they joined."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from dedup.groups import Groups, MergeParams
from dedup.known import Known

N_ARTICLES, N_TERMS = 40, 60
NUMBERS = np.arange(N_ARTICLES) * 7 + 3


@pytest.fixture
def rows() -> sparse.csr_matrix:
    found = sparse.random(N_ARTICLES, N_TERMS, 0.2, "csr", np.float32, np.random.default_rng(3))
    found.sort_indices()
    return found


def groups_of(rows: sparse.csr_matrix, order: np.ndarray, known: Known | None) -> Groups:
    n = rows.shape[0]
    return Groups.made_of(np.arange(n), rows[order], np.ones(n), order / 7, MergeParams(), NUMBERS[order], known)


def at(order: np.ndarray, *articles: int) -> np.ndarray:
    return np.array([int(np.flatnonzero(order == article)[0]) for article in articles])


def test_what_two_groups_scored_is_found_however_they_came_together(rows: sparse.csr_matrix) -> None:
    known, order, other_order = Known(), np.arange(N_ARTICLES), np.random.default_rng(4).permutation(N_ARTICLES)
    groups = groups_of(rows, order, known)
    made = groups.join(groups.join(at(order, 0), at(order, 1)), at(order, 2))
    scored = groups.scores(made, at(order, 9))
    known.settle()
    n_known = len(known.keys)

    again = groups_of(rows, other_order, known)
    made = again.join(again.join(at(other_order, 2), at(other_order, 0)), at(other_order, 1))
    assert again.scores(at(other_order, 9), made).tolist() == scored.tolist()
    known.settle()
    assert len(known.keys) == n_known, "nothing was scored anew"
    assert not again.centres.living.any(), "nothing was summed for what is known"


def test_scores_without_a_memory_are_those_that_are_learned(rows: sparse.csr_matrix) -> None:
    order, known = np.arange(N_ARTICLES), Known()
    left, right = np.triu_indices(N_ARTICLES, 1)
    learned = groups_of(rows, order, known).scores(left, right)
    known.settle()
    assert np.array_equal(learned, groups_of(rows, order, None).scores(left, right))
    assert np.array_equal(learned, groups_of(rows, order, known).scores(right, left))


def test_a_group_of_other_articles_is_not_known(rows: sparse.csr_matrix) -> None:
    order, known = np.arange(N_ARTICLES), Known()
    groups = groups_of(rows, order, known)
    first = groups.join(at(order, 0), at(order, 1))
    groups.scores(first, at(order, 9))
    known.settle()
    n_known = len(known.keys)
    second = groups.join(at(order, 2), at(order, 3))
    alone = groups_of(rows, order, None)
    expected = alone.scores(alone.join(at(order, 2), at(order, 3)), at(order, 9))
    assert groups.scores(second, at(order, 9)) == pytest.approx(expected)
    known.settle()
    assert len(known.keys) == n_known + 1
