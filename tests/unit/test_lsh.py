"""Band keys: when two texts share one, and which pairs that makes."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dedup.lsh import MAX_BUCKET, LshParams, band_keys, pairs_in_common

PARAMS = LshParams()


def random_signatures(n: int, seed: int = 7) -> NDArray[np.uint16]:
    return np.random.default_rng(seed).integers(0, 1 << 16, (n, 128), dtype=np.uint16)


def keys_of(*texts: Sequence[int]) -> list[NDArray[np.uint64]]:
    return [np.array(keys, np.uint64) for keys in texts]


def found_share(jaccard: float, params: LshParams, n_pairs: int) -> float:
    """Of pairs whose signatures agree in each place with this probability, how many share a band key."""
    ones = random_signatures(n_pairs)
    agree = np.random.default_rng(8).random(ones.shape) < jaccard
    others = np.where(agree, ones, random_signatures(n_pairs, seed=9))
    return float((band_keys(ones, params) == band_keys(others, params)).any(axis=1).mean())


def test_each_signature_has_a_64_bit_key_for_each_band() -> None:
    keys = band_keys(random_signatures(5), PARAMS)
    assert keys.shape == (5, PARAMS.bands)
    assert keys.dtype == np.uint64
    assert band_keys(random_signatures(0), PARAMS).shape == (0, PARAMS.bands)


def test_bands_fit_in_a_signature() -> None:
    assert PARAMS.bands * PARAMS.rows <= 128


def test_a_key_is_of_one_signature_alone_whatever_else_is_in_the_call() -> None:
    signed = random_signatures(9)
    alone = np.concatenate([band_keys(signed[i : i + 1], PARAMS) for i in range(9)])
    assert (band_keys(signed, PARAMS) == alone).all()


def test_a_change_of_one_value_changes_the_key_of_its_band_and_no_other() -> None:
    one = random_signatures(1)
    for place in range(PARAMS.bands * PARAMS.rows):
        other = one.copy()
        other[0, place] ^= 1
        differing = np.flatnonzero(band_keys(one, PARAMS)[0] != band_keys(other, PARAMS)[0])
        assert differing.tolist() == [place // PARAMS.rows]


def test_the_order_of_values_in_a_band_counts() -> None:
    one = random_signatures(1)
    other = one.copy()
    other[0, [0, 1]] = one[0, [1, 0]]
    assert band_keys(one, PARAMS)[0, 0] != band_keys(other, PARAMS)[0, 0]


def test_equal_values_in_different_bands_give_different_keys() -> None:
    same_everywhere = np.tile(np.arange(PARAMS.rows, dtype=np.uint16), (1, 128 // PARAMS.rows + 1))[:, :128]
    assert len(set(band_keys(same_everywhere, PARAMS)[0].tolist())) == PARAMS.bands


def test_pairs_are_found_as_often_as_the_formula_says() -> None:
    for jaccard in (0.3, 0.5, 0.7, 0.825):
        expected = 1 - (1 - jaccard**PARAMS.rows) ** PARAMS.bands
        n_pairs = 4000
        deviation = (expected * (1 - expected) / n_pairs) ** 0.5
        assert abs(found_share(jaccard, PARAMS, n_pairs) - expected) < 4 * deviation + 1e-3


def test_nearly_all_pairs_at_the_bar_of_near_copies_are_found() -> None:
    assert found_share(0.825, PARAMS, 4000) > 0.998
    assert found_share(0.7, PARAMS, 4000) > 0.91


def test_unlike_texts_share_no_key() -> None:
    assert len(pairs_in_common(list(band_keys(random_signatures(2000), PARAMS)))) == 0


def test_pairs_are_those_with_a_key_in_common_the_earlier_first_and_each_once() -> None:
    pairs = pairs_in_common(keys_of([1, 2, 3], [4, 5, 6], [3, 2, 9], [], [6, 8, 1], []))
    assert pairs.tolist() == [[0, 2], [0, 4], [1, 4]]
    assert pairs.dtype == np.int64


def test_pairs_are_what_comparing_all_with_all_gives() -> None:
    chance = random.Random(3)
    keys = keys_of(*(sorted(chance.sample(range(60), chance.choice((0, 3, 4)))) for _ in range(80)))
    expected = [
        [one, other]
        for one in range(80)
        for other in range(one + 1, 80)
        if set(keys[one].tolist()) & set(keys[other].tolist())
    ]
    assert pairs_in_common(keys).tolist() == expected != []


def test_texts_without_keys_or_no_texts_make_no_pairs() -> None:
    assert pairs_in_common([]).shape == (0, 2)
    assert pairs_in_common(keys_of([], [], [])).shape == (0, 2)
    assert pairs_in_common(keys_of([1, 2])).shape == (0, 2)


def test_in_a_crowded_bucket_each_text_meets_the_latest_before_it() -> None:
    n = MAX_BUCKET + 40
    pairs = pairs_in_common(keys_of(*([5] for _ in range(n))))
    assert {(int(one), int(other)) for one, other in pairs} == {
        (one, other) for other in range(n) for one in range(max(0, other - MAX_BUCKET), other)
    }
