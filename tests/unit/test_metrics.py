"""The measures, against values worked out by hand and against scikit-learn's."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from random import Random

import pytest
from sklearn.metrics import adjusted_rand_score, v_measure_score

from dedup.metrics import Fragmentation, MetricsError, fragmentation, score

GOLD = {"a": "x", "b": "x", "c": "x", "d": "y", "e": "y"}


def test_the_gold_labels_score_one() -> None:
    found = score(GOLD, {article: label.upper() for article, label in GOLD.items()})
    assert (found.bcubed.f1, found.pairwise.f1, found.ari, found.v_measure) == pytest.approx((1, 1, 1, 1))
    assert (found.n_articles, found.n_gold_clusters, found.n_predicted_clusters) == (5, 2, 2)


def test_one_cluster_for_all() -> None:
    found = score(GOLD, dict.fromkeys(GOLD, 7))
    assert found.bcubed.precision == pytest.approx((3 * 3 / 5 + 2 * 2 / 5) / 5)
    assert found.bcubed.recall == 1
    assert found.pairwise.precision == pytest.approx(4 / 10)


def test_each_article_alone() -> None:
    found = score(GOLD, {article: article for article in GOLD})
    assert found.bcubed.precision == 1
    assert found.bcubed.recall == pytest.approx((3 / 3 + 2 / 2) / 5)
    assert found.pairwise.recall == 0
    assert found.pairwise.precision == 1


def test_an_article_without_a_prediction_is_a_cluster_of_its_own() -> None:
    assert score(GOLD, {}) == score(GOLD, dict.fromkeys(GOLD)) == score(GOLD, {a: a for a in GOLD})


def test_articles_without_a_gold_label_do_not_count() -> None:
    predicted = dict.fromkeys(GOLD, 1)
    assert score(GOLD, predicted | {"background": 1}) == score(GOLD, predicted)


def test_a_prediction_equal_to_an_article_id_is_still_a_prediction() -> None:
    assert score({"a": 1, "b": 1}, {"a": "b"}).bcubed.recall == pytest.approx(0.5)


def test_without_gold_there_is_nothing_to_measure() -> None:
    with pytest.raises(MetricsError, match="no article"):
        score({}, {"a": 1})


@pytest.mark.parametrize("alone", [False, True])
def test_ari_and_v_measure_are_those_of_scikit_learn(alone: bool) -> None:
    gold = {str(i): i % 5 for i in range(60)}
    predicted: dict[str, int | None] = {str(i): None if alone and i % 4 == 0 else i * i % 7 for i in range(60)}
    found = score(gold, predicted)
    labels = [100 + i if label is None else label for i, label in enumerate(predicted.values())]
    assert found.ari == pytest.approx(adjusted_rand_score(list(gold.values()), labels))
    assert found.v_measure == pytest.approx(v_measure_score(list(gold.values()), labels))


@pytest.mark.parametrize("seed", range(8))
def test_all_measures_are_those_of_the_independent_script(seed: int, shared: Path) -> None:
    spec = importlib.util.spec_from_file_location("score", shared / "score.py")
    if spec is None or spec.loader is None or not (shared / "score.py").is_file():
        pytest.skip(f"score.py is absent from {shared}")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    random = Random(seed)
    n, n_gold, n_found = random.randint(1, 80), random.randint(1, 12), random.randint(1, 20)
    gold = {str(i): random.randrange(n_gold) for i in range(n)}
    predicted = {str(i): random.choice([None, *range(n_found)]) for i in range(n + 5) if random.random() < 0.9}
    found, wanted = score(gold, predicted), script.score(gold, predicted)
    for measure in ("bcubed", "pairwise"):
        one = getattr(found, measure)
        told = {"p": one.precision, "r": one.recall, "f1": one.f1}
        assert {name: round(value, 4) for name, value in told.items()} == wanted[measure]
    assert (round(found.ari, 4), round(found.v_measure, 4)) == (wanted["ari"], wanted["v_measure"])
    assert (found.n_gold_clusters, found.n_predicted_clusters) == (
        wanted["gold_clusters"],
        wanted["predicted_clusters"],
    )


def test_fragmentation_counts_the_clusters_of_each_gold_cluster() -> None:
    found = fragmentation(GOLD, {"a": 1, "b": 2, "c": None, "d": 2, "e": 2})
    assert found == Fragmentation(mean=2.0, most=3, n_whole=1)
    with pytest.raises(MetricsError, match="no article"):
        fragmentation({}, {})
