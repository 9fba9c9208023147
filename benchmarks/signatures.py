"""Signatures from raw texts on one core, beside datasketch's own ways to make them of the same shingles."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from datasketch import MinHash

from benchmarks.articles import make_articles
from dedup.minhash import NUM_PERM, SEED, signatures
from dedup.shingle import SHINGLE_WORDS
from dedup.text import normalise, words

N_ROUNDS: Final = 3
"""Each way is measured so often, in turns, and its best round counts: others may use the machine."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to make signatures: its name, and articles a second of processor time."""

    name: str
    per_second: float


def measure(n: int) -> list[Way]:
    """Signs n texts in each way; the first way is this project's."""
    texts = [article["text"] for article in make_articles(n)]
    tokens = [_tokens(text) for text in texts]
    ways: dict[str, Callable[[], object]] = {
        "dedup.minhash.signatures, from raw texts": lambda: signatures(texts),
        "datasketch MinHash.bulk, from raw texts": lambda: _bulk([_tokens(text) for text in texts]),
        "datasketch MinHash.bulk, shingles ready-made": lambda: _bulk(tokens),
        "datasketch MinHash.bulk, shingles ready-made, crc32": lambda: _bulk(tokens, zlib.crc32),
    }
    signatures(texts[:100])
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(N_ROUNDS):
        for name, make in ways.items():
            begun = time.process_time()
            make()
            best[name] = min(best[name], time.process_time() - begun)
    return [Way(name, n / seconds) for name, seconds in best.items()]


def _tokens(text: str) -> list[bytes]:
    """The shingles of a text as bytes, each once, as one would make them by hand."""
    found = words(normalise(text))
    n = max(1, len(found) - SHINGLE_WORDS + 1)
    return list({" ".join(found[i : i + SHINGLE_WORDS]).encode() for i in range(n)})


def _bulk(tokens: Sequence[Sequence[bytes]], hashfunc: Callable[[bytes], int] | None = None) -> list[object]:
    return list(MinHash.bulk(tokens, num_perm=NUM_PERM, seed=SEED, hashfunc=hashfunc))
