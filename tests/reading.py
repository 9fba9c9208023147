"""The terms of texts, and the stories of a window, by all stages with the parameters they have by default."""

from __future__ import annotations

from collections.abc import Sequence

from dedup.cues import Cues, read_cues
from dedup.lead import read_leads
from dedup.pipeline import Params, Telling, cluster_window
from dedup.terms import TermParams, Terms, read_terms
from dedup.text import normalise


def terms_of(bodies: Sequence[str], titles: Sequence[str] | None = None) -> list[Terms]:
    """The terms of each body, under the title it has, if any."""
    params = TermParams()
    leads = read_leads(
        [normalise(title) for title in titles or [""] * len(bodies)],
        [normalise(body) for body in bodies],
        params.cue_words,
    )
    cues, marks = read_cues(leads, bodies)
    return read_terms(leads, marks, cues, params)


def cues_of(body: str, title: str = "") -> tuple[Cues, dict[int, int]]:
    """The cues of one text, and the marks of each of its content words, by the hash that terms have."""
    [one] = terms_of([body], [title])
    return one.cues, dict(zip(one.hashes.tolist(), one.marks.tolist(), strict=True))


def stories(
    bodies: Sequence[str], published_at: Sequence[float | None] | None = None, titles: Sequence[str] | None = None
) -> list[int]:
    """The story of each text, 0..k-1 in order of first member; `published_at` in Unix seconds, None where undated."""
    tellings = [
        Telling(terms, at)
        for terms, at in zip(terms_of(bodies, titles), published_at or [None] * len(bodies), strict=True)
    ]
    labels: list[int] = cluster_window(tellings, Params()).labels.tolist()
    return labels
