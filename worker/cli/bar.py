"""A bar on the terminal while an archive is clustered; nothing where standard error is no terminal."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from dedup.pipeline import Done, unheard

COSTS: Final = {
    "read": 2.0, "prepare": 20.0, "families": 3.9, "vectors": 7.1, "graph": 14.2, "HDBSCAN": 0.6, "merge pass": 14.9,
    "telling apart": 11.1, "identity": 1.5, "storylines": 4.8,
}  # fmt: skip
"""Processor seconds of each stage, in order, of 100,000 articles (`make bench SUITE=scale`)."""


@contextlib.contextmanager
def stages_shown() -> Iterator[Done]:
    """Gives what hears of each stage that is done; shows the one in work, and the share of the whole behind it."""
    if not sys.stderr.isatty():
        yield unheard
        return
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    following = dict(pairwise(COSTS))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(next(iter(COSTS)), total=sum(COSTS.values()))

        def done(stage: str) -> None:
            bar.update(task, advance=COSTS[stage], description=following.get(stage, "write"), refresh=True)

        yield done
