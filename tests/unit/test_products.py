"""Products of pairs of sparse rows, and rows that come and go."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from dedup.products import Rows, cosines, squares


def random_rows(n: int, seed: int, dtype: type = np.float64) -> sparse.csr_matrix:
    found = sparse.random(n, 400, 0.1, format="csr", dtype=dtype, rng=np.random.default_rng(seed))
    found.sort_indices()
    return found


@pytest.mark.parametrize("n_pairs", [0, 1, 5000])
def test_products_and_shared_columns_are_those_of_the_dense_rows(n_pairs: int) -> None:
    rows, rng = random_rows(1_200, 1), np.random.default_rng(2)
    rows.data[::7] = 0
    left, right = rng.integers(1_200, size=n_pairs), rng.integers(1_200, size=n_pairs)
    sums, shared = Rows.of(rows).products_and_shared(left, right)
    dense = rows.toarray()
    assert np.allclose(sums, (dense[left] * dense[right]).sum(axis=1), rtol=1e-12)
    assert shared.tolist() == ((dense[left] * dense[right]) > 0).sum(axis=1).tolist()


def test_a_product_is_the_same_to_the_bit_whichever_row_comes_first() -> None:
    rows = Rows.of(random_rows(60, 3))
    left, right = (side.ravel() for side in np.mgrid[:60, :60])
    sums = rows.products(left, right)
    assert sums.reshape(60, 60).tolist() == sums.reshape(60, 60).T.tolist()
    assert np.allclose(squares(rows.at(np.arange(60))), sums.reshape(60, 60).diagonal(), rtol=1e-12)


def test_cosines_are_those_of_the_dense_rows_by_weighed_columns() -> None:
    rows, weights = random_rows(40, 8, np.float32), np.random.default_rng(9).random(400)
    weights[::3] = 0
    rows = sparse.csr_matrix(sparse.vstack([rows, sparse.csr_matrix(([1.0], [0], [0, 1]), shape=(1, 400))]))
    dense = rows.toarray() * weights
    lengths = np.linalg.norm(dense, axis=1)
    expected = dense @ dense.T / np.outer(np.where(lengths > 0, lengths, 1), np.where(lengths > 0, lengths, 1))
    found = cosines(rows, weights)
    assert np.allclose(found, expected, rtol=1e-6)
    assert found.tolist() == found.T.tolist()
    assert found[-1].tolist() == [0.0] * 41, "its only column has no weight"


def test_sums_are_those_of_the_dense_rows_with_sorted_columns() -> None:
    rows, rng = random_rows(50, 6, np.float32), np.random.default_rng(7)
    rows = sparse.csr_matrix(sparse.vstack([rows, sparse.csr_matrix((2, 400), dtype=np.float32)]))
    left, right = rng.integers(52, size=300), rng.integers(52, size=300)
    sums = Rows.of(rows).sums(left, right)
    dense = rows.toarray()
    assert (sums.toarray() == dense[left] + dense[right]).all()
    assert sums.dtype == np.float32
    assert sums.has_sorted_indices
    assert sums.has_canonical_format, "no column has two entries in a row"


def test_rows_that_are_added_and_dropped_leave_the_others_as_they_are() -> None:
    first = random_rows(40, 4, np.float32)
    rows, rng = Rows.of(first), np.random.default_rng(5)
    expected = dict(enumerate(first.toarray()))
    for seed in range(30):
        gone = rng.choice(sorted(expected), 4, replace=False)
        rows.drop(gone)
        more = random_rows(5, 100 + seed, np.float32)
        expected = {i: row for i, row in expected.items() if i not in gone} | {
            len(rows.lengths) + i: row for i, row in enumerate(more.toarray())
        }
        rows.append(more)
    places = np.array(sorted(expected))
    assert rows.at(places).toarray().tolist() == [expected[i].tolist() for i in places]
    assert len(rows.data) < 4 * len(rows.at(places).data), "what was dropped is still held"
