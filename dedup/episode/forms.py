"""Is it a story at all? Quarterly reports and price lists share most of their words, and each is about something
else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup.cues import Tale
from dedup.episode.events import Words
from dedup.episode.facts import contradictions
from dedup.episode.value import FormParams

_THEME_TERMS: Final = 3


def has_no_theme(members: NDArray[np.int64], words: Words, params: FormParams) -> bool:
    """Whether no words set these articles apart from all others that have been told."""
    if len(members) < params.min_articles:
        return False
    counts, known = words.said(members)
    theme = np.sort(2 * counts / (len(members) + known))[-_THEME_TERMS:]
    return bool(theme.mean() < (params.min_theme if len(members) < params.many else params.min_theme_of_many))


def is_of_tables(members: NDArray[np.int64], tales: Sequence[Tale], params: FormParams) -> bool:
    """Whether these articles fill the same slots with numbers of their own."""
    if len(members) < params.min_reports:
        return False
    sampled = members[:: -(-len(members) // params.n_sampled)]
    agreed, conflicted = contradictions([tales[i].cues for i in sampled])
    total, n_pairs = int(agreed.sum() + conflicted.sum()), len(sampled) * (len(sampled) - 1)
    return total >= params.min_slots * n_pairs and int(agreed.sum()) <= params.max_agreement * total
