"""Near-duplicates in the embedded server, from one client process: look-up alone, and the whole way from the text.

Each way has a server of its own, so that none rewrites what another one wrote: once on the core of the client, once on
another. A round trip between cores takes three times as long where cores are virtual, which is what a way of many round
trips is made of, while a way of few has the two at work at once. Times are by the clock. The ways take turns, for a
machine is slower in one minute than in the next; of each way the round in the middle counts.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

from benchmarks import peers
from dedup.article import MAX_ARTICLE_BYTES, parse_article
from dedup.family import verify
from dedup.pipeline import Params, Prepared, prepare
from dedup.terms import TermParams
from worker.app import make_haste
from worker.embedded import Server
from worker.service.draining import BATCH_BYTES, BATCH_ENTRIES, WAIT_SECONDS, Flow, drain, flow_through
from worker.service.ingest import Pushed, Worker
from worker.store.connection import Connection, connect
from worker.store.inbox import Entry
from worker.store.store import Store, open_store

N_ROUNDS: Final = 5
PEER_SHARE: Final = 0.06
"""How many of the articles datasketch's storage is measured on: it takes a hundred times as long."""
THRESHOLD: Final = 0.7
DAY_SECONDS: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Served:
    """Articles a second by the clock; of each article microseconds of processor time, and the bytes that it has added
    to the server's memory, of all that the way writes.
    """

    name: str
    n: int
    per_second: float
    client_us: float
    server_us: float
    bytes_each: float


@dataclass(frozen=True, slots=True)
class Way:
    """`run` takes the way with so many articles and returns the seconds; `share` of all are what it is given."""

    name: str
    share: float
    run: Callable[[Server, int], float]


def measure(
    serving: Callable[[], AbstractContextManager[Server]], articles: Sequence[dict[str, str]]
) -> tuple[list[Served], list[Served]]:
    """Look-up with signatures given, then the whole way from the text; this project first in each. `serving` starts a
    server for the length of a block.
    """
    parsed, texts = [parse_article(article) for article in articles], [article["text"] for article in articles]
    prepared, signed = prepare(parsed, Params()), peers.datasketch_bulk(texts[: round(PEER_SHARE * len(texts))])
    xxhash = peers.load("xxhash")
    fast = xxhash.xxh32_intdigest if xxhash is not None else None
    look_up = [
        Way(
            f"Index.admit and verify, {BATCH_ENTRIES} a call", 1.0,
            lambda server, n: timed(_admit, _store(server), prepared[:n]),
        ),
        Way(
            "datasketch in Redis: query, insert", PEER_SHARE,
            lambda server, n: timed(_datasketch, server.socket_path, signed[:n]),
        ),
    ]  # fmt: skip
    whole = [
        Way(
            "texts to families, all their keys written", 1.0,
            lambda server, n: _settled(_store(server, keep_text=False), articles[:n]),
        ),
        Way(
            "drain: inbox to families, all keys written", 1.0, lambda server, n: _drained(_store(server), articles[:n])
        ),
        Way(
            f"datasketch bulk, {'xxh32' if fast else 'sha1'}, then query, insert in Redis", PEER_SHARE,
            lambda server, n: timed(lambda: _datasketch(server.socket_path, peers.datasketch_bulk(texts[:n], fast))),
        ),
    ]  # fmt: skip
    make_haste()  # what was made ready here is in no worker, and need not be looked through
    turns = [[_served(serving, way, len(articles)) for way in (*look_up, *whole)] for _ in range(N_ROUNDS)]
    shown = [sorted(rounds, key=attrgetter("per_second"))[N_ROUNDS // 2] for rounds in zip(*turns, strict=True)]
    return shown[: len(look_up)], shown[len(look_up) :]


def _store(server: Server, *, keep_text: bool = True) -> Store:
    return open_store(connect(server.url), "dedup:", keep_text=keep_text)


def _served(serving: Callable[[], AbstractContextManager[Server]], way: Way, n_articles: int) -> Served:
    """Takes one way on an empty server."""
    n = round(way.share * n_articles)
    with serving() as server, closing(connect(server.url)) as connection:
        before, client, of_server = used_memory(connection), time.process_time(), server_seconds(connection)
        seconds = way.run(server, n)
        return Served(
            way.name,
            n,
            n / seconds,
            (time.process_time() - client) / n * 1e6,
            (server_seconds(connection) - of_server) / n * 1e6,
            (used_memory(connection) - before) / n,
        )


def timed(run: Callable[..., object], *given: Any) -> float:
    """The seconds something takes."""
    begun = time.perf_counter()
    run(*given)
    return time.perf_counter() - begun


def used_memory(connection: Connection) -> int:
    """Bytes that the server has in use."""
    return int(connection.info("memory")["used_memory"])


def server_seconds(connection: Connection) -> float:
    """Processor time that the server has taken so far."""
    told = connection.info("cpu")
    return float(told["used_cpu_user"]) + float(told["used_cpu_sys"])


def push(store: Store, articles: Sequence[dict[str, str]]) -> None:
    """Puts articles into the inbox."""
    n = store.inbox.push([json.dumps(article).encode() for article in articles])
    if n != len(articles):
        raise RuntimeError(f"the inbox took {n} of {len(articles)} articles")


def drain_all(store: Store) -> float:
    """Drains until the inbox is empty; returns the seconds, without the one in which it waits for more."""
    begun, n_waits = time.perf_counter(), 0
    while store.inbox.n_waiting():
        drain(store, Params(), "bench", 60.0, MAX_ARTICLE_BYTES, DAY_SECONDS)
        n_waits += 1
    return time.perf_counter() - begun - n_waits * WAIT_SECONDS


def _drained(store: Store, articles: Sequence[dict[str, str]]) -> float:
    push(store, articles)
    seconds = drain_all(store)
    _check(store, len(articles))
    return seconds


def _settled(store: Store, articles: Sequence[dict[str, str]]) -> float:
    """From texts to families that can be read, without what else a drain does: the inbox is read and its JSON parsed
    beforehand, texts are not kept, and no terms are read for clustering.
    """
    push(store, articles)
    worker = Worker(store, Params(terms=TermParams(lead_words=0, cue_words=0)), MAX_ARTICLE_BYTES, DAY_SECONDS)
    store.inbox.ensure()
    taken = [store.inbox.take("bench", BATCH_ENTRIES, BATCH_BYTES, 60.0) for _ in _starts(len(articles))]
    parsed = [(entries, worker.parse(entries)) for entries in taken]
    seconds = timed(_settle, worker, parsed)
    _check(store, len(articles))
    return seconds


def _settle(worker: Worker, parsed: Sequence[tuple[Sequence[Entry], Sequence[Pushed]]]) -> None:
    """Works as a drain does: a batch is prepared while those before it are admitted and settled."""

    def work(flow: Flow) -> None:
        preparing = flow.ahead(worker.prepare, *parsed[0])
        for following in [*parsed[1:], ([], [])]:
            batch = preparing()
            preparing = flow.ahead(worker.prepare, *following)
            flow.put(batch)

    flow_through(worker, work)


def _check(store: Store, n: int) -> None:
    n_articles, _ = store.articles.count()
    if n_articles != n:
        raise RuntimeError(f"{n_articles} of {n} articles have a family")


def _admit(store: Store, prepared: Sequence[Prepared]) -> None:
    """Looks up, inserts and verifies, a batch a call."""
    for i in _starts(len(prepared)):
        admission = store.index.admit(prepared[i : i + BATCH_ENTRIES])
        for one in admission.articles:
            candidates = [admission.contents[number] for number in one.candidates]
            verify(admission.contents[one.number], candidates, Params().family)


def _datasketch(socket_path: str, signed: Sequence[Any]) -> None:
    index = peers.datasketch_index(THRESHOLD, socket_path, "bench")
    for i, one in enumerate(signed):
        index.query(one)
        index.insert(i, one)


def _starts(n: int) -> range:
    return range(0, n, BATCH_ENTRIES)
