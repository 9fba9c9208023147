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
from dedup.episode.facts import contradictions, count
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
    sampled = [tales[i].cues for i in members[:: -(-len(members) // params.n_sampled)]]
    n_pairs, n_filling = len(sampled) * (len(sampled) - 1), count(cues.slots() for cues in sampled)
    total = sum(n * (n - 1) for n in n_filling.values())
    if total < params.min_slots * n_pairs:
        return False
    return int(contradictions(sampled)[0].sum()) <= params.max_agreement * total
