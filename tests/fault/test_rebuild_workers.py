"""A large window clustered anew by worker processes side by side: the ids are those that one alone gives."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.news import make_news
from benchmarks.processes import cpu_seconds, tree
from dedup.article import MAX_ARTICLE_BYTES
from dedup.pipeline import Params, fingerprint
from tests.integration.recount import recount
from worker import embedded
from worker.app import make_app
from worker.service.draining import drain
from worker.settings import load
from worker.store.connection import connect
from worker.store.store import Store, open_store

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600)]

N_ARTICLES = 20_000
"""Two blocks of families."""
PATIENCE_SECONDS = 240.0
NUDGED_EVERY_SECONDS = 0.5
IDLE_SECONDS = 0.5
"""Processor time of a worker's processes that have nothing to do."""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of a store that has taken in a large window, of which nothing is clustered."""
    data_dir = tmp_path_factory.mktemp("filled")
    server = embedded.start(data_dir)
    try:
        store = open_store(connect(server.url), "dedup:")
        store.index.claim(fingerprint(Params()))
        payloads = [json.dumps(article).encode() for article in make_news(N_ARTICLES)]
        for start in range(0, N_ARTICLES, 1_000):
            store.inbox.push(payloads[start : start + 1_000])
        while drain(store, Params(), "filling", 60.0, MAX_ARTICLE_BYTES, 30 * 86_400.0):
            pass
        store.connection.close()
    finally:
        server.stop()
    return data_dir


@contextlib.contextmanager
def celery(url: str, queues: str, n_processes: int) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of so many processes that listens on these queues."""
    words = ["-A", "worker.app", "worker", "-Q", queues, "-c", str(n_processes), "-n", f"{queues}@%h", "-l", "WARNING"]
    worker = subprocess.Popen([sys.executable, "-m", "celery", *words], env={**os.environ, "REDIS_URL": url})
    try:
        yield worker
    finally:
        worker.terminate()
        worker.wait(60)


def clustered(data_dir: Path, n_helpers: int, *, kill: bool = False) -> tuple[dict[bytes, bytes], float]:
    """The story of each article once a cluster worker and so many helpers are done, and the processor seconds of these.
    `kill`: one of the helpers is killed as soon as there is something to do.
    """
    server, helpers_took = embedded.start(data_dir), 0.0
    try:
        store = open_store(connect(server.url), "dedup:")
        producer = make_app(load({"REDIS_URL": server.url}))
        with contextlib.ExitStack() as stack:
            helper = stack.enter_context(celery(server.url, "rebuild", n_helpers)) if n_helpers else None
            stack.enter_context(celery(server.url, "cluster", 1))
            end, is_killed = time.monotonic() + PATIENCE_SECONDS, not kill
            while store.news.waiting():
                assert time.monotonic() < end
                producer.send_task("worker.tasks.cluster", queue="cluster", expires=NUDGED_EVERY_SECONDS)
                pids = [one.pid for one in tree(helper.pid)[1:]] if helper else []
                helpers_took = max(helpers_took, cpu_seconds(pids))
                if not is_killed and store.rebuild.plan() is not None and pids:
                    os.kill(pids[0], signal.SIGKILL)
                    is_killed = True
                time.sleep(NUDGED_EVERY_SECONDS)
            assert is_killed
        recount(store)
        assert store.rebuild.plan() is None
        return stories(store), helpers_took
    finally:
        server.stop()


def stories(store: Store) -> dict[bytes, bytes]:
    """The story of each article."""
    names = store.connection.zrange(store.keys.seen, 0, -1)
    found = store.articles.fields([name.decode() for name in names], ["story"])
    return {name: story.encode() for name, (story,) in zip(names, found, strict=True)}


def test_one_two_and_four_workers_give_the_same_ids_and_so_do_three_of_whom_one_dies(
    filled: Path, tmp_path: Path
) -> None:
    alone, _ = clustered(shutil.copytree(filled, tmp_path / "alone"), 0)
    assert len(alone) == N_ARTICLES
    assert len(set(alone.values())) > 1_000
    for n_helpers in (1, 3):
        found, took = clustered(shutil.copytree(filled, tmp_path / f"with{n_helpers}"), n_helpers)
        assert found == alone
        assert took > IDLE_SECONDS
    found, _ = clustered(shutil.copytree(filled, tmp_path / "killed"), 2, kill=True)
    assert found == alone
