"""Clustering of an archive by size, and what a user would pick instead. Each measurement is a process of its own, for
its peak is kept, and some come to a bad end.

    python -m benchmarks.scale make N FILE      # writes the articles
    python -m benchmarks.scale WAY FILE         # clusters them one way, prints what it took
"""

from __future__ import annotations

import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from benchmarks.news import make_news
from benchmarks.service import ROOT
from dedup.article import parse_article
from dedup.cluster import cluster_graph, merge_stories
from dedup.graph import neighbour_graph, reliability, same_kind
from dedup.metrics import score
from dedup.pipeline import DAY_SECONDS, Params, cluster_articles, prepare
from dedup.terms import vectors

SECONDS: Final = 600.0
"""What a peer may take."""
BYTES: Final = int(os.environ.get("DEDUP_BENCH_GB", "16")) << 30
"""Memory that a peer may ask for; less where the machine has less to give."""
OURS: Final = "dedup cluster"
SAME_VECTORS: Final = 10_000
_FEW: Final = 500
"""Of those as many as have each way load its code, before it is measured."""
_TIMES: Final = 3
"""How many processes measure both ways from the same vectors; of each way the one in the middle counts."""
_LEFT_FREE: Final = 2 << 30
_SVD_COLUMNS: Final = 100

Labels = Iterable[object]


@dataclass(frozen=True, slots=True)
class Measured:
    """One way at one size: seconds by the clock and of processor time, in all and by stage; the peak of the process's
    memory; B-cubed F1 by the stories that the articles were made for. `failure` says why there is nothing else.
    """

    way: str
    n: int
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0
    f1: float = 0.0
    stages: dict[str, tuple[float, float]] = field(default_factory=dict)
    failure: str = ""


@dataclass(slots=True)
class _Watch:
    """Clock and processor time by stage, from when it is made."""

    stages: dict[str, tuple[float, float]] = field(default_factory=dict)
    since: tuple[float, float] = field(default_factory=lambda: (time.perf_counter(), time.process_time()))

    def done(self, stage: str) -> None:
        now = time.perf_counter(), time.process_time()
        self.stages[stage] = now[0] - self.since[0], now[1] - self.since[1]
        self.since = now


def measure(sizes: Sequence[int], peer_sizes: Sequence[int]) -> Iterator[Measured]:
    """The figures of this project at all sizes, then each peer at its sizes until it fails at one."""
    with tempfile.TemporaryDirectory(prefix="dedup-bench-") as directory:
        for n in sizes:
            yield _measured(OURS, n, _made(Path(directory), n))
        for way in PEERS:
            for n in peer_sizes:
                found = _measured(way, n, _made(Path(directory), n))
                yield found
                if found.failure:
                    break


def from_vectors(n: int = SAME_VECTORS) -> tuple[Measured, Measured]:
    """From the same vectors to labels: this project's way, and a matrix of cosines with hdbscan on it. Both have had a
    few of them before, so that neither has to load its code; of several processes the one in the middle.
    """
    with tempfile.TemporaryDirectory(prefix="dedup-bench-") as directory:
        path = Path(directory) / "articles.jsonl"
        _run("make", str(n), str(path))
        every = [json.loads(_run("vectors", str(path))) for _ in range(_TIMES)]
    ours, peer = (sorted(way, key=itemgetter("seconds"))[_TIMES // 2] for way in zip(*every, strict=True))
    return Measured(**ours), Measured(**peer)


def growth(found: Iterable[Measured]) -> list[float]:
    """The exponents by which processor time grows from one size to the next."""
    return [math.log(b.cpu_seconds / a.cpu_seconds) / math.log(b.n / a.n) for a, b in pairwise(found)]


def _made(directory: Path, n: int) -> Path:
    """The file of n articles, which is written where it is not there yet."""
    path = directory / f"{n}.jsonl"
    if not path.exists():
        _run("make", str(n), str(path))
    return path


def _measured(way: str, n: int, path: Path) -> Measured:
    limit = None if way == OURS else SECONDS
    try:
        return Measured(**json.loads(_run(way, str(path), seconds=limit)))
    except subprocess.TimeoutExpired:
        return Measured(way, n, failure=f"more than {SECONDS:.0f} s")
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or [f"ended by signal {-error.returncode}"])[-1]
        return Measured(way, n, failure="out of memory" if "Memory" in last else last[:80])


def _run(*arguments: str, seconds: float | None = None) -> str:
    """What another process of this file prints. Raises `CalledProcessError` or `TimeoutExpired`."""
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.scale", *arguments],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"},
        capture_output=True, text=True, check=True, timeout=seconds,
    ).stdout  # fmt: skip


def _limit_memory() -> None:
    """Holds this process to `BYTES`, or to what is free."""
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") - _LEFT_FREE
    limit = min(BYTES, max(free, _LEFT_FREE))
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def _ours(rows: Sequence[dict[str, str]], watch: _Watch) -> Labels:
    articles = [parse_article(row) for row in rows]
    watch.done("parse")
    return [one.story_id for one in cluster_articles(articles, done=watch.done)]


def _tfidf(rows: Sequence[dict[str, str]], watch: _Watch) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [f"{row['title']}\n{row['text']}" for row in rows]
    found = TfidfVectorizer(stop_words="english", sublinear_tf=True, min_df=2, dtype=np.float32).fit_transform(texts)
    watch.done("vectors")
    return found


def _cosines(rows: Any, watch: _Watch) -> Any:
    from sklearn.metrics.pairwise import cosine_distances

    distances = cosine_distances(rows).astype(np.float64)
    watch.done("matrix")
    return distances


def _hdbscan(distances: Any, watch: _Watch) -> Labels:
    from hdbscan import HDBSCAN

    labels: Labels = HDBSCAN(min_cluster_size=2, metric="precomputed").fit_predict(distances)
    watch.done("HDBSCAN")
    return labels


def _with_hdbscan(rows: Sequence[dict[str, str]], watch: _Watch) -> Labels:
    return _hdbscan(_cosines(_tfidf(rows, watch), watch), watch)


def _with_sklearn(rows: Sequence[dict[str, str]], watch: _Watch) -> Labels:
    from sklearn.cluster import HDBSCAN

    distances = _cosines(_tfidf(rows, watch), watch)
    labels: Labels = HDBSCAN(min_cluster_size=2, metric="precomputed", copy=False).fit_predict(distances)
    watch.done("HDBSCAN")
    return labels


def _with_svd(rows: Sequence[dict[str, str]], watch: _Watch) -> Labels:
    from fast_hdbscan import HDBSCAN
    from sklearn.decomposition import TruncatedSVD
    from sklearn.preprocessing import normalize

    HDBSCAN(min_cluster_size=2).fit(np.random.default_rng(0).random((100, _SVD_COLUMNS)))
    watch.since = time.perf_counter(), time.process_time()  # what was compiled is not counted
    dense = normalize(TruncatedSVD(_SVD_COLUMNS, random_state=0).fit_transform(_tfidf(rows, watch)))
    watch.done("SVD")
    labels: Labels = HDBSCAN(min_cluster_size=2).fit_predict(dense)
    watch.done("HDBSCAN")
    return labels


PEERS: Final[dict[str, Callable[[Sequence[dict[str, str]], _Watch], Labels]]] = {
    "TF-IDF, matrix, hdbscan": _with_hdbscan,
    "TF-IDF, matrix, sklearn": _with_sklearn,
    "TF-IDF, SVD, fast_hdbscan": _with_svd,
}


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _f1(rows: Sequence[dict[str, str]], labels: Labels) -> float:
    """B-cubed F1; an article without a label (-1) is alone."""
    names = [row["id"] for row in rows]
    found = {name: name if label == -1 else f"label {label}" for name, label in zip(names, labels, strict=True)}
    return score({row["id"]: row["story"] for row in rows}, found).bcubed.f1


def _told(way: str, rows: Sequence[dict[str, str]], labels: Labels, watch: _Watch) -> Measured:
    seconds, cpu_seconds = (sum(one[i] for one in watch.stages.values()) for i in (0, 1))
    peak = _peak_mb()
    return Measured(way, len(rows), seconds, cpu_seconds, peak, _f1(rows, labels), watch.stages)


def _cluster(way: str, path: Path) -> Measured:
    rows = _read(path)
    if way != OURS:
        _limit_memory()
    watch = _Watch()
    labels = (_ours if way == OURS else PEERS[way])(rows, watch)
    return _told(way, rows, labels, watch)


def _from_vectors(path: Path) -> tuple[Measured, Measured]:
    rows, params = _read(path), Params()
    prepared = prepare([parse_article(row) for row in rows], params)
    found = vectors([one.terms for one in prepared], params.terms).rows
    n_words = np.array([one.terms.n_words for one in prepared], np.float64)
    published = [one.article.published_at for one in prepared]
    days = np.array([np.nan if at is None else at / DAY_SECONDS for at in published])

    def ours(part: slice) -> Measured:
        watch = _Watch()
        labels = _from_vectors_to_labels(found[part], n_words[part], days[part], params, watch)
        return _told(OURS, rows[part], labels, watch)

    def peer(part: slice) -> Measured:
        watch = _Watch()
        return _told("matrix, hdbscan", rows[part], _hdbscan(_cosines(found[part], watch), watch), watch)

    ours(slice(_FEW)), peer(slice(_FEW))
    return ours(slice(None)), peer(slice(None))


def _from_vectors_to_labels(
    rows: sparse.csr_matrix, n_words: NDArray[np.float64], days: NDArray[np.float64], params: Params, watch: _Watch
) -> list[int]:
    graph = same_kind(neighbour_graph(rows, n_words, days, params.graph), days)
    watch.done("graph")
    cores = cluster_graph(graph, params.cluster)
    watch.done("HDBSCAN")
    labels = merge_stories(cores, graph, rows, reliability(n_words, params.graph), days, params.merge)
    watch.done("merge pass")
    return list(labels.tolist())


def _write(n: int, path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(article) + "\n" for article in make_news(n))


if __name__ == "__main__":
    way, *arguments = sys.argv[1:]
    if way == "make":
        _write(int(arguments[0]), Path(arguments[1]))
    elif way == "vectors":
        print(json.dumps([asdict(one) for one in _from_vectors(Path(arguments[0]))]))
    else:
        print(json.dumps(asdict(_cluster(way, Path(arguments[0])))))
