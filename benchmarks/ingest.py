"""How many articles a second a real service takes in, beside one Celery task an article that does nothing.

Both work on the same server, in the same minutes, with as many worker processes, and each is measured two ways: `live`,
from the first push until the last article can be read with its family (the last task is done), and `filled`, with
everything pushed before the workers may begin. Before that, a service with one worker takes in as many, `filled`. All
of it is done several times, on a new server each, for a machine is slower in one minute than in the next: of each way
the round in the middle counts. What was taken in is clustered before the next measurement begins.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Final

from celery import Celery

from benchmarks.articles import make_payloads
from benchmarks.noop import app, noop
from benchmarks.processes import cpu_seconds, stopped, tree
from benchmarks.service import END_SECONDS, ROOT, START_SECONDS, Service, running, wait_for
from worker.client import Client
from worker.settings import celery_url
from worker.store.connection import Connection, connect
from worker.store.store import Store, open_store

N_WORKERS: Final = 2
N_ROUNDS: Final = 3
PATIENCE_SECONDS: Final = 300.0
_POLL_SECONDS: Final = 0.02


@dataclass(frozen=True, slots=True)
class Rate:
    """One measurement: articles or tasks a second, and how many cores each part kept busy."""

    n: int
    seconds: float
    server_cores: float
    worker_cores: float
    cluster_cores: float
    sender_cores: float

    @property
    def per_second(self) -> float:
        return self.n / self.seconds

    @property
    def us(self) -> tuple[float, float]:
        """Microseconds of processor time for each: the server's, and the workers'."""
        return self.server_cores * self.seconds / self.n * 1e6, self.worker_cores * self.seconds / self.n * 1e6

    @property
    def cores(self) -> tuple[float, float, float, float]:
        return self.server_cores, self.worker_cores, self.cluster_cores, self.sender_cores


@dataclass(frozen=True, slots=True)
class Ingest:
    """What a run has shown."""

    one_worker: Rate
    live: Rate
    filled: Rate
    noop_live: Rate
    noop_filled: Rate

    @property
    def ratio(self) -> float:
        """How many articles the service takes in while as many workers do one empty task, all sent beforehand."""
        return self.filled.per_second / self.noop_filled.per_second

    @property
    def speed_up(self) -> float:
        """How much faster two workers are than one."""
        return self.filled.per_second / self.one_worker.per_second


def measure(data_dir: Path, n: int, n_tasks: int) -> Ingest:
    """Lets services take in n articles each way, then empty workers n_tasks."""
    rounds = [
        (
            _alone(data_dir.with_name(f"{data_dir.name}-one-{i}"), n),
            *_beside(data_dir.with_name(f"{data_dir.name}-{i}"), n, n_tasks),
        )
        for i in range(N_ROUNDS)
    ]
    return Ingest(*map(_middle, zip(*rounds, strict=True)))


def _alone(data_dir: Path, n: int) -> Rate:
    """What a service with one worker takes in."""
    with running(data_dir, 1) as service, Client(service.url) as client, closing(connect(service.url)) as connection:
        store = open_store(connection, "dedup:")
        _warm_up(service, client, store, 1)
        return _take_in(service, client, store, make_payloads(n, seed=2), filled=True)


def _beside(data_dir: Path, n: int, n_tasks: int) -> tuple[Rate, Rate, Rate, Rate]:
    """What a service with several workers takes in, both ways, and as many workers do of empty tasks."""
    with (
        running(data_dir, N_WORKERS) as service,
        Client(service.url) as client,
        closing(connect(service.url)) as connection,
    ):
        store = open_store(connection, "dedup:")
        _warm_up(service, client, store, N_WORKERS)
        live = _take_in(service, client, store, make_payloads(n, seed=1), filled=False)
        filled = _take_in(service, client, store, make_payloads(n, seed=2), filled=True)
        with _noop_workers(service) as pids, Celery(broker=celery_url(service.url), set_as_current=False) as sender:
            tasks = Tasks(sender, Parts(connection, pids, service.pids("cluster")))
            return live, filled, tasks.run(n_tasks, filled=False), tasks.run(n_tasks, filled=True)


def _middle(rates: Iterable[Rate]) -> Rate:
    """The one in the middle by speed."""
    return sorted(rates, key=attrgetter("per_second"))[N_ROUNDS // 2]


def _take_in(service: Service, client: Client, store: Store, payloads: Sequence[bytes], *, filled: bool) -> Rate:
    """Pushes articles and waits until each can be read with its family."""
    expected = store.articles.count()[0] + len(payloads)
    parts = Parts(store.connection, ingest_pids(service), service.pids("cluster"))

    def is_done() -> bool:
        return store.articles.count()[0] >= expected

    def push() -> list[str]:
        return client.push(payloads).accepted

    ids, rate = _timed(parts, push, is_done, filled=filled)
    families = store.articles.fields(ids, ["family"])
    if len(set(ids)) != len(payloads) or not all(family for (family,) in families):
        raise ArithmeticError("not every article can be read with its family")
    wait_for(lambda: _are_clustered(store, ids), PATIENCE_SECONDS, "the articles are clustered", every=1.0)
    return rate


def _are_clustered(store: Store, ids: Sequence[str]) -> bool:
    return all(status == "clustered" for (status,) in store.articles.fields(ids, ["status"]))


@dataclass(frozen=True, slots=True)
class Parts:
    """Whose processor time is told of: the server's, the workers' and the cluster worker's."""

    connection: Connection
    workers: Sequence[int]
    cluster: Sequence[int]

    def seconds(self) -> tuple[float, float, float, float]:
        """Processor time so far: server, workers, cluster worker and this process, which sends."""
        told = self.connection.info("cpu")
        server = float(told["used_cpu_user"]) + float(told["used_cpu_sys"])
        return server, cpu_seconds(self.workers), cpu_seconds(self.cluster), time.process_time()


@dataclass(frozen=True, slots=True)
class Tasks:
    """Empty tasks, and who sends them."""

    sender: Celery
    parts: Parts

    def run(self, n: int, *, filled: bool) -> Rate:
        """Sends tasks and waits until each is done."""

        def send() -> list[str]:
            for i in range(n):
                self.sender.send_task(noop.name, [f"1-{i:06d}"], ignore_result=True)
            return [""] * n

        def is_done() -> bool:
            queue, connection = app.conf.task_default_queue, self.parts.connection
            return not connection.llen(queue) and not connection.hlen("unacked")

        return _timed(self.parts, send, is_done, filled=filled)[1]


def _timed(
    parts: Parts, send: Callable[[], list[str]], is_done: Callable[[], bool], *, filled: bool
) -> tuple[list[str], Rate]:
    """What was sent, and the rate from its beginning, or from the workers' beginning where it was `filled` before."""
    sent: list[str] = []
    if filled:
        with stopped(parts.workers):
            sent = send()
    begun, before = time.monotonic(), parts.seconds()
    sent = sent or send()
    wait_for(is_done, PATIENCE_SECONDS, "everything is done", every=_POLL_SECONDS)
    seconds = time.monotonic() - begun
    busy = [(now - then) / seconds for now, then in zip(parts.seconds(), before, strict=True)]
    return sent, Rate(len(sent), seconds, *busy)


def _warm_up(service: Service, client: Client, store: Store, n_workers: int) -> None:
    """Waits until every worker has begun and has loaded what its first article needs."""
    client.push(make_payloads(1_000, seed=0))
    wait_for(lambda: store.articles.count()[0] == 1_000, START_SECONDS * 2, "the first articles can be read")
    wait_for(lambda: len(ingest_pids(service)) == 2 * n_workers, START_SECONDS, "every worker has its process")


def ingest_pids(service: Service) -> list[int]:
    """The processes of all ingest workers."""
    return [pid for i in range(N_WORKERS) for pid in service.pids(f"ingest-{i + 1}")]


@contextlib.contextmanager
def _noop_workers(service: Service) -> Iterator[list[int]]:
    """Celery workers that run empty tasks; gives the ids of their processes."""
    broker = celery_url(service.url)
    log = service.data_dir / "noop.log"
    workers = []
    try:
        with log.open("ab") as out:
            for i in range(N_WORKERS):
                command = [sys.executable, "-m", "celery", "-A", "benchmarks.noop", "-b", broker, "worker"]
                options = ["--concurrency=1", "--loglevel=INFO", "-n", f"noop-{i}@%h", "--without-gossip"]
                workers.append(
                    subprocess.Popen([*command, *options], cwd=ROOT, stdout=out, stderr=out, start_new_session=True)
                )
        wait_for(lambda: log.read_text().count(" ready.") == N_WORKERS, START_SECONDS, "the empty workers are ready")
        yield [process.pid for worker in workers for process in tree(worker.pid)]
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.wait(END_SECONDS)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
