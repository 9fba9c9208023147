"""A server that was killed may come back without the last things it told: what rested on them is done again."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.articles import make_payloads
from benchmarks.processes import remaining
from dedup.article import parse_article
from dedup.pipeline import Params, prepare
from tests.integration.recount import recount
from worker import embedded
from worker.service.clustering import Clusterer
from worker.service.draining import drain
from worker.store.commit import Unit, commit
from worker.store.connection import connect
from worker.store.store import Store, open_store

pytestmark = pytest.mark.fault

PARAMS = Params()
DAY = 86_400.0
N_ARTICLES = 60
PAYLOADS = make_payloads(N_ARTICLES, seed=3)


class Machine:
    """A server that can be killed, and lose the end of what it has written."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.server = embedded.start(data_dir)
        self.store = open_store(connect(self.server.url), "dedup:")

    def written(self) -> int:
        """Bytes of the append-only file, once nothing waits to be written to it."""
        while any(
            self.store.connection.info("persistence")[name] for name in ("aof_buffer_length", "aof_pending_bio_fsync")
        ):
            time.sleep(0.005)
        return self._file().stat().st_size

    def lose(self, kept: int) -> None:
        """SIGKILL for the server, which comes back with so many bytes of its file."""
        os.kill(self.server.pid, signal.SIGKILL)
        assert remaining([self.server.pid], 10) == []
        self.server.stop()
        os.truncate(self._file(), kept)
        self.server = embedded.start(self.data_dir)

    def _file(self) -> Path:
        [file] = self.data_dir.rglob("*.incr.aof")
        return file


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    machine.store.connection.close()
    machine.server.stop()


def work(store: Store) -> None:
    """Takes in all there is, whoever had it in hand before."""
    while store.inbox.n_waiting():
        drain(store, PARAMS, "w", 0.0, 10_000, DAY)


def clusterer_of(store: Store) -> Clusterer:
    return Clusterer(store, PARAMS, "c", 14 * DAY, 30 * DAY, 400 * DAY)


def test_what_was_decided_before_the_loss_is_not_committed_after_it(machine: Machine) -> None:
    store, before = machine.store, machine.written()
    prepared = prepare([parse_article(payload) for payload in PAYLOADS[:2]], PARAMS)
    lost = store.index.admit(prepared[:1])
    machine.lose(before)
    again = store.index.admit(prepared[1:])
    assert [one.number for one in again.articles] == [one.number for one in lost.articles]
    unit = Unit()
    unit.do("SET", "decided", "before")
    assert commit(store.connection, [unit], lost.server) == [False]
    assert commit(store.connection, [unit], again.server) == [True]


def test_a_drain_that_was_lost_is_done_again(machine: Machine) -> None:
    store = machine.store
    store.inbox.push(PAYLOADS)
    before = machine.written()
    work(store)
    assert store.articles.count()[0] == N_ARTICLES
    machine.lose(before)
    assert (store.articles.count()[0], store.inbox.n_waiting()) == (0, N_ARTICLES)
    work(store)
    assert store.articles.count()[0] == N_ARTICLES
    recount(store, settled=False)


def test_a_cluster_worker_that_has_seen_what_was_lost_goes_on_from_what_is_left(machine: Machine) -> None:
    store, clusterer = machine.store, clusterer_of(machine.store)
    store.inbox.push(PAYLOADS[: N_ARTICLES // 2])
    work(store)
    assert clusterer.run(time.time()) == 1
    store.inbox.push(PAYLOADS[N_ARTICLES // 2 :])
    before = machine.written()
    work(store)
    assert clusterer.run(time.time()) == 2
    machine.lose(before)
    assert clusterer.run(time.time()) is None
    work(store)
    assert clusterer.run(time.time()) == 2
    assert store.articles.count()[0] == N_ARTICLES
    recount(store)


def test_a_cluster_worker_that_has_read_news_which_was_lost_forgets_it(machine: Machine) -> None:
    store, clusterer = machine.store, clusterer_of(machine.store)
    store.inbox.push(PAYLOADS[: N_ARTICLES // 2])
    work(store)
    assert clusterer.run(time.time()) == 1
    store.inbox.push(PAYLOADS[N_ARTICLES // 2 :])
    before = machine.written()
    work(store)
    news = store.news.read()
    clusterer._current(news, clusterer.window.server if clusterer.window else "")  # noqa: SLF001 - a run that broke off
    machine.lose(before)
    clusterer.run(time.time())
    assert clusterer.window is not None
    assert len(clusterer.window.families) == store.articles.count()[1]
    work(store)
    clusterer.run(time.time())
    recount(store)
