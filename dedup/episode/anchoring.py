"""Which dated story do undated articles tell? Where some articles of a storyline are dated, their stories anchor the
undated ones, which go to the one whose facts they tell, if these decide.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dedup.cues import Tale
from dedup.episode.facts import Weigher, count, join_marks, read_facts


def find_homes(
    labels: NDArray[np.int64],
    graph: sparse.csr_matrix,
    scaled: sparse.csr_matrix,
    dated: NDArray[np.bool_],
    tales: Sequence[Tale],
    weigher: Weigher,
) -> dict[int, int]:
    """Label to label: the dated story that each undated one is of, for those where that is clear.

    `graph` says which articles are neighbours, `scaled` are TF-IDF rows over the roots of their reliabilities. No story
    has both dated and undated articles.
    """
    edges = graph.tocoo()
    across = ~dated[edges.row] & dated[edges.col]
    pairs = np.unique(np.column_stack([labels[edges.row[across]], labels[edges.col[across]]]), axis=0)
    members = {label: np.flatnonzero(labels == label) for label in np.unique(pairs).tolist()}
    centres = {label: sparse.csr_matrix(scaled[own].mean(axis=0)) for label, own in members.items()}
    homes: dict[int, int] = {}
    for label in np.unique(pairs[:, 0]).tolist():
        near = pairs[pairs[:, 0] == label, 1].tolist()
        alike = [one for one in near if (centres[label] @ centres[one].T).sum() >= weigher.params.min_similarity]
        stories = [[tales[i] for i in members[one].tolist()] for one in (label, *alike)]
        home = _home(stories[0], stories[1:], weigher)
        if home is not None:
            homes[label] = alike[home]
    return homes


def _home(own: Sequence[Tale], stories: Sequence[Sequence[Tale]], weigher: Weigher) -> int | None:
    """Which of these stories the articles tell, None if that is not clear.

    Evidence is what each fact says for each story: the logarithm of the share of its articles that tell it.
    """
    if len(stories) <= 1:
        return 0 if stories else None
    told = join_marks(read_facts(tale) for tale in own)
    frequency = [count(read_facts(tale) for tale in one) for one in stories]
    sizes = np.array([len(one) for one in stories], np.float64)
    evidence = np.zeros(len(stories))
    for fact, marks in sorted(told.items()):
        counts = np.array([one.get(fact, 0) for one in frequency], np.float64)
        if counts.any():
            share = np.log((counts + 1) / (sizes + 2))
            evidence += weigher.weigh(fact, marks) * (share - share.mean())
    best, second = np.argsort(-evidence, kind="stable")[:2]
    return int(best) if evidence[best] - evidence[second] >= weigher.params.min_margin else None
