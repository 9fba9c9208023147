"""Which dated story do undated articles tell? Where some articles of a storyline are dated, their stories anchor the
undated ones, which go to the one whose facts they tell, if these decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dedup.cues import Tale
from dedup.episode.facts import Weigher, count, join_marks, read_facts

_PAIRS_AT_ONCE: Final = 4096
"""Pairs of stories that are compared at once, so that their rows fit a cache."""


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
    alike = pairs[_similarities(labels, pairs, scaled) >= weigher.params.min_similarity]
    wanted = np.unique(alike)
    order = np.argsort(labels, kind="stable")
    starts, ends = (np.searchsorted(labels[order], wanted, side=side) for side in ("left", "right"))
    members = {label: order[a:b].tolist() for label, a, b in zip(wanted.tolist(), starts, ends, strict=True)}
    homes: dict[int, int] = {}
    for label in np.unique(alike[:, 0]).tolist():
        near = alike[alike[:, 0] == label, 1].tolist()
        stories = [[tales[i] for i in members[one]] for one in (label, *near)]
        home = _home(stories[0], stories[1:], weigher)
        if home is not None:
            homes[label] = near[home]
    return homes


def _similarities(
    labels: NDArray[np.int64], pairs: NDArray[np.int64], scaled: sparse.csr_matrix
) -> NDArray[np.float64]:
    """Mean similarity of the articles of each two labels: float64, shape (n_pairs,)."""
    wanted = np.unique(pairs)
    owner = np.searchsorted(wanted, labels)
    own = np.flatnonzero(np.isin(labels, wanted))
    members = sparse.csr_matrix((np.ones(len(own)), (owner[own], own)), shape=(len(wanted), len(labels)))
    members = sparse.diags_array(1 / np.diff(members.indptr)).tocsr() @ members
    centres = (members @ scaled).tocsr()
    places = np.searchsorted(wanted, pairs)
    found = [
        np.asarray(centres[part[:, 0]].multiply(centres[part[:, 1]]).sum(axis=1)).ravel()
        for part in np.split(places, range(_PAIRS_AT_ONCE, len(places), _PAIRS_AT_ONCE))
    ]
    return np.concatenate(found)


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
