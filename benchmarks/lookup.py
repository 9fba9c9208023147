"""Pairs among articles, found in memory: speed, and what is found of the pairs that exact comparison finds."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks import peers
from benchmarks.exact import Overlaps, Pair, pairs_within
from dedup.article import parse_article
from dedup.minhash import NUM_PERM, SEED
from dedup.pipeline import Params, Prepared, find_families, prepare

N_ROUNDS: Final = 3
VERIFIED_AT: Final = 0.7
"""The estimate at which a peer's candidate counts where candidates are verified."""
RENSA_BANDS: Final = 16


@dataclass(frozen=True, slots=True)
class Found:
    """Articles a second of processor time, signatures given, and how good the pairs are.

    `recall` and `precision` are against the pairs at J >= .7 and at J >= .8; `alike` is the share of the pairs found
    that belong in one family (J >= .5, or containment >= .8).
    """

    name: str
    n: int
    per_second: float
    recall: tuple[float, float]
    precision: tuple[float, float]
    alike: float


def measure(articles: Sequence[dict[str, str]], exact: Overlaps) -> list[Found]:
    """Looks for pairs in each way, this project's first."""
    prepared = prepare([parse_article(article) for article in articles], Params())
    texts = [article["text"] for article in articles]
    signed = peers.datasketch_bulk(texts)
    ways: dict[str, Callable[[], set[Pair]]] = {"dedup.pipeline.find_families": lambda: _families(prepared)}
    for threshold in (0.8, 0.7):
        index = peers.datasketch_index(threshold)
        name = f"datasketch MinHashLSH at {threshold}, {index.b} x {index.r}"
        ways[name] = lambda threshold=threshold: _datasketch(signed, threshold)  # type: ignore[misc]
    ways[f"datasketch MinHashLSH at 0.7, verified at {VERIFIED_AT}"] = lambda: _verified(signed, 0.7)
    rensa = peers.load("rensa")
    if rensa is not None:
        theirs = rensa.RMinHash.from_token_sets(list(map(peers.shingles, texts)), NUM_PERM, SEED)
        ways[f"rensa RMinHashLSH, {RENSA_BANDS} bands"] = lambda: _rensa(rensa, theirs, 0.0)
        ways[f"rensa RMinHashLSH, verified at {VERIFIED_AT}"] = lambda: _rensa(rensa, theirs, VERIFIED_AT)
    return [judge(name, len(articles), find, exact) for name, find in ways.items()]


def judge(name: str, n: int, find: Callable[[], set[Pair]], exact: Overlaps) -> Found:
    """Runs one way several times; its best round counts."""
    seconds, found = float("inf"), set[Pair]()
    for _ in range(N_ROUNDS):
        begun = time.process_time()
        found = find()
        seconds = min(seconds, time.process_time() - begun)
    gold = exact.at(0.7), exact.at(0.8)
    return Found(
        name,
        n,
        n / seconds,
        recall=(len(found & gold[0]) / len(gold[0]), len(found & gold[1]) / len(gold[1])),
        precision=(len(found & gold[0]) / len(found), len(found & gold[1]) / len(found)),
        alike=sum(map(exact.alike, found)) / len(found),
    )


def _families(prepared: Sequence[Prepared]) -> set[Pair]:
    place = {one.article.id: i for i, one in enumerate(prepared)}
    settled = find_families(prepared, Params())
    return pairs_within([place[m.article_id] for m in one.members] for one in settled if len(one.members) > 1)


def _datasketch(signed: Sequence[Any], threshold: float) -> set[Pair]:
    index, found = peers.datasketch_index(threshold), set[Pair]()
    for i, one in enumerate(signed):
        found.update((other, i) for other in index.query(one))
        index.insert(i, one, check_duplication=False)
    return found


def _verified(signed: Sequence[Any], threshold: float) -> set[Pair]:
    return {(a, b) for a, b in _datasketch(signed, threshold) if signed[a].jaccard(signed[b]) >= VERIFIED_AT}


def _rensa(rensa: Any, signed: Sequence[Any], verified_at: float) -> set[Pair]:
    index = rensa.RMinHashLSH(VERIFIED_AT, NUM_PERM, RENSA_BANDS)
    index.insert_many(signed)
    found = {(a, b) for b, others in enumerate(index.query_all(signed)) for a in others if a < b}
    return {(a, b) for a, b in found if signed[a].jaccard(signed[b]) >= verified_at} if verified_at else found
