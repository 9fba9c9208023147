"""A service that has a large window: what a run costs that takes in new articles, how long it takes from a push to a
family and to a story while articles keep coming, and what the store holds of each.

The window is filled from the news of the suite `scale`, in order of arrival and spread over thirteen days, while the
cluster worker is halted; what is pushed later is the same stream going on, which tells as much a fortnight as the
window was filled with. Each wave of new articles is taken in whole
before the cluster worker may go on, so that one run takes in all of it; before the last wave the worker is killed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.ingest import N_WORKERS, Parts, ingest_pids
from benchmarks.memory import Kept, kept_by_kind
from benchmarks.news import News, make_news
from benchmarks.processes import cpu_seconds, stopped
from benchmarks.served import DAY_SECONDS, drain_all, used_memory
from benchmarks.service import START_SECONDS, Service, ServiceError, running, wait_for
from dedup.pipeline import Params
from worker import embedded
from worker.service.clustering import Clusterer
from worker.store.connection import Connection, connect
from worker.store.store import Store, open_store

N_NEW: Final = 500
N_WAVES: Final = 3
RATE: Final = 100.0
FILLED_DAYS: Final = 13.0
PATIENCE_SECONDS: Final = 3_600.0
N_BY_URL: Final = 10_000
TEXT: Final = "index text"
_AT_ONCE: Final = 1_000
_LOOK_SECONDS: Final = 0.02
_SETTLED_SECONDS: Final = 1.0
IDLE_SHARE: Final = 0.05
"""Of a core: what a worker needs that is nudged and finds nothing to do."""
_ID: Final = "outlet:{:013d}"
"""Ids of 20 bytes."""

Article = dict[str, str]


@dataclass(frozen=True, slots=True)
class Ran:
    """A run: new articles in it, seconds from its beginning until what it decided can be read, and processor seconds of
    the cluster worker until it is idle again.
    """

    n: int
    seconds: float
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds: of half of the articles at most `p50`, of 19 in 20 `p95`, of all `most`."""

    p50: float
    p95: float
    most: float


@dataclass(frozen=True, slots=True)
class Held:
    """So many articles pushed at a steady rate: from when each was due until its family, and its story, could be read;
    how many runs that took, and how many cores each part kept busy.
    """

    n: int
    per_second: float
    family: Spread
    story: Spread
    n_runs: int
    server_cores: float
    worker_cores: float
    cluster_cores: float
    sender_cores: float


@dataclass(frozen=True, slots=True)
class Bytes:
    """What the store holds of an article in the window, by kind of key and in all; `payload` is an article's JSON."""

    n: int
    each: float
    payload: float
    kinds: tuple[Kept, ...]

    @property
    def texts(self) -> float:
        return sum(one.bytes_each for one in self.kinds if one.kind == TEXT)

    @property
    def without_texts(self) -> float:
        return self.each - self.texts


@dataclass(frozen=True, slots=True)
class Live:
    """What a service has shown: its first run over the whole window, runs with new articles, such a run by the next
    holder after one that was killed, and the steady rate.
    """

    n: int
    first: Ran
    runs: tuple[Ran, ...]
    taken_over: Ran
    held: Held
    kept: Bytes
    by_url: Bytes


def measure(data_dir: Path, n: int, seconds: float, rate: float = RATE, n_by_url: int = N_BY_URL) -> Live:
    """Fills a window with n articles, lets runs take in new ones, then pushes at a rate for some seconds."""
    stream = make_stream(n + (N_WAVES + 1) * N_NEW + round(rate * seconds), n)
    with running(data_dir, N_WORKERS) as service:
        connection = connect(service.url)
        store = open_store(connection, "dedup:")
        wait_for(lambda: _all_work(service), START_SECONDS, "every worker has its process")
        before = held_memory(connection)
        payload, first = _fill(service, store, stream, n)
        kept = Bytes(n, (held_memory(connection) - before) / n, payload, kept_by_kind(connection, store.keys, n))
        waves = tuple(_wave(service, store, list(islice(stream, N_NEW))) for _ in range(N_WAVES))
        taken_over = _taken_over(service, store, list(islice(stream, N_NEW)))
        held = hold(service, store, list(stream), rate)
        connection.close()
    by_url = kept_of(data_dir.with_name(f"{data_dir.name}-urls"), n_by_url, by_url=True)
    return Live(n, first, waves, taken_over, held, kept, by_url)


def _all_work(service: Service) -> bool:
    """Whether every worker that takes in or clusters has begun: itself, and the process that it works with."""
    return len(ingest_pids(service)) == 2 * N_WORKERS and len(service.pids("cluster")) == 2


def make_stream(n: int, a_fortnight: int) -> Iterator[Article]:
    """So many articles, so many of them a fortnight, in order of arrival, with ids of 20 bytes and no gold fields."""
    for i, article in enumerate(make_news(n, recipe=News(days=14.0 * n / a_fortnight))):
        yield {name: article[name] for name in ("title", "text", "published_at", "source") if name in article} | {
            "id": _ID.format(i), "language": "en",
        }  # fmt: skip


def kept_of(data_dir: Path, n: int, *, by_url: bool) -> Bytes:
    """What a store holds of n articles that were drained and clustered by this process; ids are their URLs if so."""
    server = embedded.start(data_dir)
    try:
        connection = connect(server.url)
        store = open_store(connection, "dedup:")
        before = held_memory(connection)
        payload = _push_all(store, map(_with_url, make_stream(n, n)) if by_url else make_stream(n, n), n)
        drain_all(store)
        window, retention, storylines = (days * DAY_SECONDS for days in (14, 30, 400))
        Clusterer(store, Params(), "bench", window, retention, storylines).run(time.time())
        grown = (held_memory(connection) - before) / n
        return Bytes(n, grown, payload, kept_by_kind(connection, store.keys, n))
    finally:
        server.stop()


def _with_url(article: Article) -> Article:
    """The article with an address like those of news sites, which then is its id."""
    words, number = "-".join(article["title"].lower().split()), int(article["id"].partition(":")[2])
    host = article["source"].lower().replace(" ", "-")
    rest = {name: value for name, value in article.items() if name != "id"}
    return rest | {"url": f"https://www.{host}.example/news/2025/01/{words}-{number}"}


def held_memory(connection: Connection) -> int:
    """Bytes that the server has in use, buffers aside."""
    memory = connection.info("memory")
    return used_memory(connection) - int(memory["mem_clients_normal"]) - int(memory.get("mem_aof_buffer", 0))


def _push_all(store: Store, articles: Iterable[Article], n: int) -> float:
    """Puts n articles into the inbox as if they had arrived over the last days; returns the bytes of one's JSON."""
    begun, step, size = time.time() - FILLED_DAYS * DAY_SECONDS, FILLED_DAYS * DAY_SECONDS / n, 0
    numbered = enumerate(articles)
    while part := list(islice(numbered, _AT_ONCE)):
        pipeline = store.connection.pipeline(transaction=False)
        for i, article in part:
            payload = json.dumps(article).encode()
            size += len(payload)
            pipeline.xadd(store.keys.inbox, {"json": payload}, id=f"{int((begun + i * step) * 1000)}-*")
        pipeline.execute()
    return size / n


def _fill(service: Service, store: Store, stream: Iterator[Article], n: int) -> tuple[float, Ran]:
    """Has n articles taken in and clustered; bytes of an article's JSON, and what it took to cluster all of them."""
    pids = service.pids("cluster")
    with stopped(pids):
        payload = _push_all(store, islice(stream, n), n)
        _await_families(store, n)
    begun, cpu = time.monotonic(), cpu_seconds(pids)
    wait_for(lambda: not store.news.waiting(), PATIENCE_SECONDS, "all news is dealt with", every=_LOOK_SECONDS)
    return payload, Ran(n, time.monotonic() - begun, _idle(pids) - cpu)


def _wave(service: Service, store: Store, articles: Sequence[Article]) -> Ran:
    """Has new articles taken in, then the cluster worker make one run of them."""
    pids, number = service.pids("cluster"), store.runs.number()
    with stopped(pids):
        _take_in(store, articles)
    return _await_run(store, articles, number, pids, cpu_seconds(pids))


def _taken_over(service: Service, store: Store, articles: Sequence[Article]) -> Ran:
    """Has new articles taken in, then kills the cluster worker: the run that the next one makes of them."""
    number, killed = store.runs.number(), service.pids("cluster")
    with stopped(killed):
        _take_in(store, articles)
        service.kill("cluster")

    def next_one() -> list[int]:
        """The processes of another worker, once that which works is among them."""
        pids = service.pids("cluster")
        return pids if len(pids) > 1 and set(pids).isdisjoint(killed) else []

    pids = wait_for(next_one, START_SECONDS, "the next cluster worker has begun")
    return _await_run(store, articles, number, pids, _idle(pids))


def _take_in(store: Store, articles: Sequence[Article]) -> None:
    """Pushes articles and waits until each has a family."""
    n_before = store.articles.count()[0]
    for article in articles:
        _push(store, json.dumps(article).encode())
    _await_families(store, n_before + len(articles))


def _await_run(store: Store, articles: Sequence[Article], number: int, pids: Sequence[int], cpu: float) -> Ran:
    """The run after this number, by processes that had taken so many seconds; all of the articles must be in it."""
    wait_for(lambda: store.runs.number() > number, PATIENCE_SECONDS, "a run has ended", every=_LOOK_SECONDS)
    seconds = time.time() - float(store.runs.last()["at"])
    statuses = store.articles.fields([article["id"] for article in articles], ["status"])
    if {status for (status,) in statuses} != {"clustered"}:
        raise ArithmeticError("a run has left out some of the new articles")
    return Ran(len(articles), seconds, _idle(pids) - cpu)


def _push(store: Store, payload: bytes) -> None:
    store.connection.xadd(store.keys.inbox, {"json": payload})


def _await_families(store: Store, n: int) -> None:
    """Waits until n articles can be read with their families, and nothing is left in the inbox."""

    def is_done() -> bool:
        return store.articles.count()[0] >= n and not store.inbox.n_waiting()

    wait_for(is_done, PATIENCE_SECONDS, f"{n:,} articles are taken in", every=_LOOK_SECONDS)


def _idle(pids: Sequence[int]) -> float:
    """Waits until processes have hardly anything to do; their processor seconds so far."""
    before = cpu_seconds(pids)
    while True:
        time.sleep(_SETTLED_SECONDS)
        now = cpu_seconds(pids)
        if now - before < IDLE_SHARE * _SETTLED_SECONDS:
            return now
        before = now


@dataclass(slots=True)
class _Watched:
    """Articles on their way, by when each was due, and the seconds that those took which have arrived."""

    store: Store
    due: dict[str, float] = field(default_factory=dict)
    familyless: dict[str, None] = field(default_factory=dict)
    storyless: dict[str, None] = field(default_factory=dict)
    family: list[float] = field(default_factory=list)
    story: list[float] = field(default_factory=list)
    run: int = 0
    n_runs: int = 0

    def push(self, name: str, payload: bytes, due: float) -> None:
        _push(self.store, payload)
        self.due[name] = due
        self.familyless[name] = self.storyless[name] = None

    def look(self) -> None:
        """Sees which families can be read now, and, after a run, which stories."""
        number = self.store.runs.number()
        self._arrive(self.familyless, "family", self.family)
        if number != self.run:
            self.n_runs, self.run = self.n_runs + number - self.run, number
            self._arrive(self.storyless, "story", self.story)

    def _arrive(self, waiting: dict[str, None], name: str, seconds: list[float]) -> None:
        names = list(waiting)
        found = self.store.articles.fields(names, [name])
        now = time.monotonic()
        for article_id, (place,) in zip(names, found, strict=True):
            if place:
                del waiting[article_id]
                seconds.append(now - self.due[article_id])


def hold(service: Service, store: Store, articles: Sequence[Article], rate: float) -> Held:
    """Pushes articles at a steady rate and waits until each can be read with its story."""
    payloads = [(article["id"], json.dumps(article).encode()) for article in articles]
    parts = Parts(store.connection, ingest_pids(service), service.pids("cluster"))
    watched = _Watched(store, run=store.runs.number())
    begun, before = time.monotonic(), parts.seconds()
    n_pushed, pushed_in, busy = 0, 0.0, before
    while watched.storyless or n_pushed < len(payloads):
        while n_pushed < len(payloads) and (due := begun + n_pushed / rate) <= time.monotonic():
            watched.push(*payloads[n_pushed], due)
            n_pushed += 1
        if n_pushed == len(payloads) and not pushed_in:
            pushed_in, busy = time.monotonic() - begun, parts.seconds()
        watched.look()
        if time.monotonic() - begun > pushed_in + PATIENCE_SECONDS:
            raise ServiceError(f"{len(watched.storyless):,} articles have no story")
        time.sleep(_LOOK_SECONDS)
    cores = [(now - then) / pushed_in for now, then in zip(busy, before, strict=True)]
    return Held(n_pushed, n_pushed / pushed_in, spread(watched.family), spread(watched.story), watched.n_runs, *cores)


def spread(seconds: Sequence[float]) -> Spread:
    """What half of them, and 19 in 20, are at most, and the largest."""
    middle, high = np.quantile(seconds, [0.5, 0.95], method="higher").tolist()
    return Spread(middle, high, max(seconds))
