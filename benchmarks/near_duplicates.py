"""Near-duplicates beside the libraries that find them too, in a process of its own with one thread on one core."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks import lookup, peers, served, signatures
from benchmarks.articles import Recipe, make_articles
from benchmarks.edits import Edit
from benchmarks.exact import overlaps
from benchmarks.service import ROOT
from worker import embedded
from worker.app import make_haste
from worker.embedded import Server

RECIPE: Final = Recipe(
    n_words=450,
    edited=0.3,
    edits=(
        Edit("replaced", 0.01),
        Edit("replaced", 0.02),
        Edit("replaced", 0.03),
        Edit("replaced", 0.05),
        Edit("replaced", 0.10),
        Edit("header", 0.20),
        Edit("footer", 0.10),
        Edit("dropped", 0.15),
        Edit("truncated", 0.75),
    ),
)

Number = float | int | None


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: what stage, in which way, how many articles a second, and how good that is.

    `slower`: how many times as long as this project's way takes, the first of its stage. Pairs are at J >= .7, .8.
    `client_us`, `server_us`: microseconds of processor time an article, beside the clock.
    """

    stage: str
    name: str
    n: int
    per_second: float
    slower: float
    rmse: Number = None
    recall_07: Number = None
    recall_08: Number = None
    precision_07: Number = None
    precision_08: Number = None
    alike: Number = None
    client_us: Number = None
    server_us: Number = None
    bytes_each: Number = None


@dataclass(frozen=True, slots=True)
class Compared:
    """All rows, the error that theory tells of a MinHash, the core of this process (None: any), and who is missing and
    why.
    """

    rows: tuple[Row, ...]
    theory: float
    core: int | None
    n_pairs: tuple[int, int]
    versions: dict[str, str]
    missing: tuple[str, ...]


def measure(n: int) -> Compared:
    """Measures on n articles in another process, as libraries count their threads when they are loaded."""
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.near_duplicates", str(n)],
        cwd=ROOT, env={**os.environ, **peers.SINGLE_THREAD}, stdout=subprocess.PIPE, text=True, check=True,
    ).stdout  # fmt: skip
    kept = json.loads(told)
    rows = tuple(Row(**row) for row in kept.pop("rows"))
    return Compared(rows, n_pairs=tuple(kept.pop("n_pairs")), missing=tuple(kept.pop("missing")), **kept)


def measure_here(n: int) -> Compared:
    """Measures on n articles in this process."""
    articles = list(make_articles(n, recipe=RECIPE))
    make_haste()
    texts = [article["text"] for article in articles]
    exact, usable = overlaps(texts), peers.cores()
    for core in usable[-1:]:
        peers.use_core(core)
    signed, theory = signatures.measure(texts, exact)
    rows = [*_signed(signed), *_found(lookup.measure(articles, exact)), *_served(articles, usable)]
    return Compared(
        tuple(rows),
        theory,
        usable[-1] if usable else None,
        (len(exact.at(0.7)), len(exact.at(0.8))),
        peers.versions(),
        tuple(peers.missing()),
    )


def _signed(shown: Sequence[signatures.Signing]) -> Iterator[Row]:
    for one in shown:
        slower = shown[0].per_second / one.per_second
        yield Row("text to signature", one.name, one.n, one.per_second, slower, rmse=one.rmse)


def _found(shown: Sequence[lookup.Found]) -> Iterator[Row]:
    for one in shown:
        yield Row(
            "look-up in memory", one.name, one.n, one.per_second, shown[0].per_second / one.per_second,
            recall_07=one.recall[0], recall_08=one.recall[1],
            precision_07=one.precision[0], precision_08=one.precision[1], alike=one.alike,
        )  # fmt: skip


def _served(articles: Sequence[dict[str, str]], usable: Sequence[int]) -> Iterator[Row]:
    """The server on the core of this process, then on another one if there is one."""
    places = {"on the same core": usable[-1:], "on another core": usable[:-1]} if usable else {"on any core": []}
    for where, cores in places.items():
        if cores or not usable:
            yield from _served_at(where, partial(_serving, cores[:1]), articles)


@contextmanager
def _serving(cores: Sequence[int]) -> Iterator[Server]:
    """A server that is empty, on this core if one is given."""
    with tempfile.TemporaryDirectory(prefix="dedup-bench-") as directory:
        server = embedded.start(Path(directory) / "data")
        try:
            for core in cores:
                peers.use_core(core, server.pid)
            yield server
        finally:
            server.stop()


def _served_at(
    where: str, serving: Callable[[], AbstractContextManager[Server]], articles: Sequence[dict[str, str]]
) -> Iterator[Row]:
    for stage, shown in zip(("look-up", "whole way"), served.measure(serving, articles), strict=True):
        for one in shown:
            slower = shown[0].per_second / one.per_second
            name = f"{stage}, server {where}"
            yield Row(
                name, one.name, one.n, one.per_second, slower,
                client_us=one.client_us, server_us=one.server_us, bytes_each=one.bytes_each,
            )  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(asdict(measure_here(int(sys.argv[1])))))
