"""How far the service is, in a few figures."""

from __future__ import annotations

from dataclasses import dataclass

from dedup.article import format_time
from worker.store.rebuild import Progress
from worker.store.store import Store


@dataclass(frozen=True, slots=True)
class Overview:
    """Counts of what is kept and what waits. `last_run` is a number, `last_run_at` RFC 3339 ("" before the first);
    `waiting_for_a_run` tells whether something has come since; `progress` says how far a large window is clustered
    anew, while it is.
    """

    articles: int
    families: int
    stories: int
    near_duplicate_ratio: float
    waiting_in_inbox: int
    waiting_for_a_run: bool
    rejected: int
    last_run: int
    last_run_at: str
    progress: Progress | None


def overview(store: Store) -> Overview:
    """The figures of a service."""
    n_articles, n_families = store.articles.count()
    last = store.runs.last()
    return Overview(
        articles=n_articles,
        families=n_families,
        stories=store.stories.count(),
        near_duplicate_ratio=round(1 - n_families / n_articles, 4) if n_articles else 0.0,
        waiting_in_inbox=store.inbox.n_waiting(),
        waiting_for_a_run=store.news.waiting(),
        rejected=store.rejected.size(),
        last_run=int(last.get("number", 0)),
        last_run_at=format_time(float(last["at"])) if "at" in last else "",
        progress=store.rebuild.progress(),
    )
