"""How well predicted clusters agree with gold ones: B-cubed, pairwise, adjusted Rand index and V-measure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score, v_measure_score

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


@dataclass(frozen=True, slots=True)
class Fragmentation:
    """Over how many clusters gold clusters are spread: on average, at most, and how many of them over one only."""

    mean: float
    most: int
    n_whole: int


def score(gold: Mapping[str, Hashable], predicted: Mapping[str, Hashable | None]) -> Scores:
    """How the predicted label of each article agrees with its gold label.

    Only articles with a gold label count; one without a prediction (absent or None) is a cluster of its own.
    B-cubed is the mean over articles of precision and recall, F1 of the two means (Bagga and Baldwin 1998);
    ARI is Hubert and Arabie 1985; V-measure is Rosenberg and Hirschberg 2007. Raises `MetricsError` without gold.
    """
    rows, columns = _codes(gold, predicted)
    cells, both = np.unique(np.column_stack([rows, columns]), axis=0, return_counts=True)
    row, column = cells[:, 0], cells[:, 1]
    gold_sizes, predicted_sizes = np.bincount(rows), np.bincount(columns)
    n = len(rows)
    return Scores(
        n_articles=n,
        n_gold_clusters=len(gold_sizes),
        n_predicted_clusters=len(predicted_sizes),
        bcubed=_agreement(
            float((both**2 / predicted_sizes[column]).sum() / n), float((both**2 / gold_sizes[row]).sum() / n)
        ),
        pairwise=_pairwise(both, gold_sizes, predicted_sizes),
        ari=float(adjusted_rand_score(rows, columns)),
        v_measure=float(v_measure_score(rows, columns)),
    )


def fragmentation(gold: Mapping[str, Hashable], predicted: Mapping[str, Hashable | None]) -> Fragmentation:
    """Over how many predicted clusters the articles of each gold cluster are spread. Raises as `score` does."""
    rows, columns = _codes(gold, predicted)
    spread = np.bincount(np.unique(np.column_stack([rows, columns]), axis=0)[:, 0])
    return Fragmentation(float(spread.mean()), int(spread.max()), int((spread == 1).sum()))


def _codes(
    gold: Mapping[str, Hashable], predicted: Mapping[str, Hashable | None]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Gold and predicted cluster of each article with a gold label, both counted from 0: int64, shape (n,)."""
    if not gold:
        raise MetricsError("no article has a gold label")
    gold_codes: dict[Hashable, int] = {}
    predicted_codes: dict[Hashable, int] = {}
    cells: list[tuple[int, int]] = []
    for article, label in gold.items():
        found = predicted.get(article)
        key: Hashable = ("alone", article) if found is None else ("label", found)
        cells.append(
            (gold_codes.setdefault(label, len(gold_codes)), predicted_codes.setdefault(key, len(predicted_codes)))
        )
    codes = np.array(cells, np.int64)
    return codes[:, 0], codes[:, 1]


def _agreement(precision: float, recall: float) -> Agreement:
    total = precision + recall
    return Agreement(precision, recall, 2 * precision * recall / total if total else 0.0)


def _pairs(sizes: NDArray[np.int64]) -> int:
    return int((sizes * (sizes - 1) // 2).sum())


def _pairwise(both: NDArray[np.int64], gold_sizes: NDArray[np.int64], predicted_sizes: NDArray[np.int64]) -> Agreement:
    """Of the pairs put together, how many belong together, and the other way round; 1 where there is no pair."""
    right, wanted, given = _pairs(both), _pairs(gold_sizes), _pairs(predicted_sizes)
    return _agreement(right / given if given else 1.0, right / wanted if wanted else 1.0)
