"""Processes side by side on one server, all with the same texts: the families are those that one alone would find."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path
from random import Random

import pytest

from benchmarks.articles import Recipe, make_payloads
from benchmarks.edits import Edit
from dedup.article import MAX_ARTICLE_BYTES
from dedup.pipeline import Params
from tests.integration.world import families
from worker import embedded
from worker.service.draining import drain
from worker.store.connection import connect
from worker.store.store import open_store

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600)]

N_TEXTS = 10_000
N_PROCESSES = 4
PUSHED_AT_ONCE = 500
PATIENCE_SECONDS = 240.0
RECIPE = Recipe(
    n_words=120,
    edited=0.4,
    edits=(
        Edit("replaced", 0.01),
        Edit("replaced", 0.04),
        Edit("header", 0.2),
        Edit("dropped", 0.2),
        Edit("truncated", 0.5),
        Edit("reprint", 0.0),
    ),
)


def push_and_drain(url: str, number: int) -> None:
    """One process: pushes all texts in an order of its own and works on the inbox in between and until it is empty."""
    store = open_store(connect(url), "dedup:")
    payloads = make_payloads(N_TEXTS, seed=4, recipe=RECIPE)
    Random(number).shuffle(payloads)
    for start in range(0, N_TEXTS, PUSHED_AT_ONCE):
        assert store.inbox.push(payloads[start : start + PUSHED_AT_ONCE]) == PUSHED_AT_ONCE
    while drain(store, Params(), f"process {number}", 60.0, MAX_ARTICLE_BYTES, 3_600.0):
        pass
    store.connection.close()


def families_of(data_dir: Path, n_processes: int) -> set[tuple[str, ...]]:
    """The families that so many processes find, each of them given all texts."""
    server = embedded.start(data_dir)
    try:
        spawn = multiprocessing.get_context("spawn")
        workers = [spawn.Process(target=push_and_drain, args=(server.url, i)) for i in range(n_processes)]
        for worker in workers:
            worker.start()
        end = time.monotonic() + PATIENCE_SECONDS
        for worker in workers:
            worker.join(max(0.0, end - time.monotonic()))
        assert [worker.exitcode for worker in workers] == [0] * n_processes
        store = open_store(connect(server.url), "dedup:")
        assert store.inbox.n_waiting() == store.rejected.size() == 0
        return families(store)
    finally:
        server.stop()


def test_four_processes_with_the_same_texts_find_the_families_of_one(tmp_path: Path) -> None:
    alone = families_of(tmp_path / "one", 1)
    assert sum(map(len, alone)) == N_TEXTS
    assert len(alone) < 0.8 * N_TEXTS
    assert sorted(families_of(tmp_path / "four", N_PROCESSES) ^ alone) == []
