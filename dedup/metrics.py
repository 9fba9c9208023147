"""How well predicted clusters agree with gold ones: B-cubed, pairwise, adjusted Rand index and V-measure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup.errors import DedupError


class MetricsError(DedupError):
    """Nothing to measure: no article has a gold label."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Precision, recall and their harmonic mean `f1`, each 0 to 1."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Scores:
    """All measures of one clustering over the `n_articles` that have a gold label."""

    n_articles: int
    n_gold_clusters: int
    n_predicted_clusters: int
    bcubed: Agreement
    pairwise: Agreement
    ari: float
    v_measure: float


def score(gold: Mapping[str, Hashable], predicted: Mapping[str, Hashable | None]) -> Scores:
    """How the predicted label of each article agrees with its gold label.

    Only articles with a gold label count; one without a prediction (absent or None) is a cluster of its own.
    B-cubed is the mean over articles of precision and recall, F1 of the two means (Bagga and Baldwin 1998);
    ARI is Hubert and Arabie 1985; V-measure is Rosenberg and Hirschberg 2007. Raises `MetricsError` without gold.
    """
    if not gold:
        raise MetricsError("no article has a gold label")
    table, gold_sizes, predicted_sizes = _contingency(gold, predicted)
    row, column, both = table
    n = len(gold)
    return Scores(
        n_articles=n,
        n_gold_clusters=len(gold_sizes),
        n_predicted_clusters=len(predicted_sizes),
        bcubed=_agreement(
            float((both**2 / predicted_sizes[column]).sum() / n), float((both**2 / gold_sizes[row]).sum() / n)
        ),
        pairwise=_pairwise(both, gold_sizes, predicted_sizes),
        ari=_adjusted_rand(both, gold_sizes, predicted_sizes),
        v_measure=_v_measure(table, gold_sizes, predicted_sizes),
    )


Counts = NDArray[np.float64]
Table = tuple[NDArray[np.int64], NDArray[np.int64], Counts]


def _contingency(
    gold: Mapping[str, Hashable], predicted: Mapping[str, Hashable | None]
) -> tuple[Table, Counts, Counts]:
    """The non-empty cells (gold cluster, predicted cluster, articles) and the cluster sizes of both sides."""
    gold_codes: dict[Hashable, int] = {}
    predicted_codes: dict[Hashable, int] = {}
    cells: dict[tuple[int, int], int] = {}
    for article, label in gold.items():
        found = predicted.get(article)
        key: Hashable = ("alone", article) if found is None else ("label", found)
        cell = gold_codes.setdefault(label, len(gold_codes)), predicted_codes.setdefault(key, len(predicted_codes))
        cells[cell] = cells.get(cell, 0) + 1
    places = np.array(list(cells), dtype=np.int64)
    both = np.array(list(cells.values()), dtype=np.float64)
    row, column = places[:, 0], places[:, 1]
    sizes = (np.bincount(side, weights=both).astype(np.float64) for side in (row, column))
    gold_sizes, predicted_sizes = sizes
    return (row, column, both), gold_sizes, predicted_sizes


def _agreement(precision: float, recall: float) -> Agreement:
    total = precision + recall
    return Agreement(precision, recall, 2 * precision * recall / total if total else 0.0)


def _pairs(sizes: Counts) -> float:
    return float((sizes * (sizes - 1) / 2).sum())


def _pairwise(both: Counts, gold_sizes: Counts, predicted_sizes: Counts) -> Agreement:
    """Of the pairs put together, how many belong together, and the other way round; 1 where there is no pair."""
    right, wanted, given = _pairs(both), _pairs(gold_sizes), _pairs(predicted_sizes)
    return _agreement(right / given if given else 1.0, right / wanted if wanted else 1.0)


def _adjusted_rand(both: Counts, gold_sizes: Counts, predicted_sizes: Counts) -> float:
    right, wanted, given = _pairs(both), _pairs(gold_sizes), _pairs(predicted_sizes)
    every = _pairs(np.array([both.sum()]))
    expected = wanted * given / every if every else 0.0
    middle = (wanted + given) / 2
    return (right - expected) / (middle - expected) if middle != expected else 1.0


def _entropy(sizes: Counts) -> float:
    shares = sizes / sizes.sum()
    return float(-(shares * np.log(shares)).sum())


def _v_measure(table: Table, gold_sizes: Counts, predicted_sizes: Counts) -> float:
    row, column, both = table
    n = both.sum()
    shared = float((both / n * np.log(both * n / (gold_sizes[row] * predicted_sizes[column]))).sum())
    gold_entropy, predicted_entropy = _entropy(gold_sizes), _entropy(predicted_sizes)
    homogeneity = shared / gold_entropy if gold_entropy else 1.0
    completeness = shared / predicted_entropy if predicted_entropy else 1.0
    return _agreement(homogeneity, completeness).f1
