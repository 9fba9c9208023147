"""Look-ups over HTTP, from one web process, beside what the same articles take straight from the server.

Look-ups are sent when they are due, 500 a second, whether or not earlier ones have been answered, and the time of each
counts from when it was due: a service that falls behind shows it. After that, as many as it can do are asked for. The
sender is another process than the service, and shares its cores with it and the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from benchmarks.articles import make_articles
from benchmarks.processes import cpu_seconds
from benchmarks.served import drain_all, push
from benchmarks.service import wait_for
from dedup.pipeline import Params
from worker import embedded
from worker.service.clustering import Clusterer
from worker.store.connection import connect
from worker.store.store import Store, open_store

PER_SECOND: Final = 500
SECONDS: Final = 20.0
N_LINKS: Final = 16
DAY_SECONDS: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class LookUps:
    """One way of looking up: how many, at what rate, and milliseconds from due to done. `cores`: the web process's."""

    name: str
    n: int
    per_second: float
    median_ms: float
    p99_ms: float
    worst_ms: float
    cores: float


def measure(data_dir: Path, n: int) -> list[LookUps]:
    """Takes in n articles, clusters them, and looks them up in each way."""
    server = embedded.start(data_dir)
    try:
        store = open_store(connect(server.url), "dedup:")
        articles = list(make_articles(n))
        push(store, articles)
        drain_all(store)
        Clusterer(store, Params(), "bench", 14 * DAY_SECONDS, 30 * DAY_SECONDS, 400 * DAY_SECONDS).run(time.time())
        ids = [one["id"] for one in articles]
        with _serving(server.url, data_dir) as (port, pid):
            return [*asyncio.run(_ask_web(port, pid, ids)), _hgetall(store, ids)]
    finally:
        server.stop()


async def _ask_web(port: int, pid: int, ids: Sequence[str]) -> list[LookUps]:
    links = [await asyncio.open_connection("127.0.0.1", port) for _ in range(N_LINKS)]
    chosen = _chosen(ids, int(PER_SECOND * SECONDS))
    await _send(links, chosen[:500], None)
    steady = await _measured("GET /articles/{id}, 500 a second", links, chosen, PER_SECOND, pid)
    most = await _measured("GET /articles/{id}, as many as it can", links, chosen, None, pid)
    for _, writer in links:
        writer.close()
    return [steady, most]


Link = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _measured(name: str, links: Sequence[Link], ids: Sequence[str], rate: int | None, pid: int) -> LookUps:
    before, begun = cpu_seconds([pid]), time.perf_counter()
    taken = await _send(links, ids, rate)
    seconds = time.perf_counter() - begun
    return _summary(name, taken, seconds, (cpu_seconds([pid]) - before) / seconds)


async def _send(links: Sequence[Link], ids: Sequence[str], rate: int | None) -> list[float]:
    """Seconds from due to done of each look-up, in no order; without a rate each is due when a link is free."""
    begun = time.perf_counter()
    due = iter([(name, None if rate is None else begun + i / rate) for i, name in enumerate(ids)])
    taken: list[float] = []

    async def use(link: Link) -> None:
        for name, at in due:
            if at is not None:
                await asyncio.sleep(max(0.0, at - time.perf_counter()))
            sent = time.perf_counter() if at is None else at
            await _ask(link, name)
            taken.append(time.perf_counter() - sent)

    await asyncio.gather(*map(use, links))
    return taken


async def _ask(link: Link, article_id: str) -> None:
    reader, writer = link
    writer.write(f"GET /articles/{article_id} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    if not head.startswith(b"HTTP/1.1 200") or length is None:
        raise ArithmeticError(f"{article_id} was not answered: {head[:100]!r}")
    await reader.readexactly(int(length[1]))


def _hgetall(store: Store, ids: Sequence[str]) -> LookUps:
    """One HGETALL after the other, from one client."""
    chosen = _chosen(ids, int(PER_SECOND * SECONDS))
    taken: list[float] = []
    begun = time.perf_counter()
    for name in chosen:
        before = time.perf_counter()
        store.connection.hgetall(store.keys.article(name))
        taken.append(time.perf_counter() - before)
    return _summary("HGETALL, one after the other", taken, time.perf_counter() - begun, 0.0)


def _chosen(ids: Sequence[str], n: int) -> list[str]:
    random = Random(1)
    return [random.choice(ids) for _ in range(n)]


def _summary(name: str, taken: Sequence[float], seconds: float, cores: float) -> LookUps:
    ordered = sorted(one * 1000 for one in taken)
    median, p99 = (ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.99))
    return LookUps(name, len(ordered), len(ordered) / seconds, median, p99, ordered[-1], cores)


@contextlib.contextmanager
def _serving(url: str, data_dir: Path) -> Iterator[tuple[int, int]]:
    """Port and process id of a web service, for the length of the block."""
    environ = {**os.environ, "REDIS_URL": url}
    log = data_dir / "web.log"
    with (
        log.open("wb") as out,
        subprocess.Popen(
            [sys.executable, "-m", "worker.cli", "web", "--port", "0"], env=environ, stdout=out, stderr=out
        ) as web,
    ):
        try:
            found = wait_for(
                lambda: re.search(r"serving http://[^:]+:(\d+)", log.read_text(encoding="utf-8")), 60, "it serves"
            )
            yield int(found[1]), web.pid
        finally:
            web.terminate()
