"""Text to signature on one core: speed, and how far estimates are from the exact similarity."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks import peers
from benchmarks.exact import Overlaps
from dedup.minhash import NUM_PERM, SEED, signatures

N_ROUNDS: Final = 3
"""Each way is measured so often, in turns, and its best round counts: others may use the machine."""
SLOW_SHARE: Final = 0.1
"""How many of the texts the slow way is measured on."""
LEAST_JACCARD: Final = 0.1
"""Pairs of less say little of an estimator: it is right about them by chance."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way from texts to something that estimates similarity.

    `rows` turns what it made into an array of shape (n_texts, num_perm), None where it does not show it; `share` of
    the texts is what it is measured on.
    """

    name: str
    make: Callable[[Sequence[str]], Any]
    rows: Callable[[Any], NDArray[np.uint32]] | None = None
    share: float = 1.0


@dataclass(slots=True)
class Signing:
    """What a way has shown: articles a second of processor time, and the root mean square error of its estimates."""

    name: str
    n: int
    per_second: float = 0.0
    rmse: float | None = field(default=None)


def measure(texts: Sequence[str], exact: Overlaps) -> tuple[list[Signing], float]:
    """Signs texts in each way, this project's first; beside them the error that theory tells of a MinHash."""
    ways = [*_our_ways(), *_datasketch(), *_rensa(), *_gaoya()]
    shown = [Signing(way.name, round(way.share * len(texts))) for way in ways]
    for way in ways:
        way.make(texts[:100])
    for _ in range(N_ROUNDS):
        for way, one in zip(ways, shown, strict=True):
            begun = time.process_time()
            made = way.make(texts[: one.n])
            one.per_second = max(one.per_second, one.n / (time.process_time() - begun))
            if way.rows and one.n == len(texts) and one.rmse is None:
                one.rmse = error(way.rows(made), exact)
    alike = exact.jaccard[exact.jaccard >= LEAST_JACCARD]
    return shown, float(np.sqrt(np.mean(alike * (1 - alike)) / NUM_PERM))


def error(signed: NDArray[np.uint32], exact: Overlaps) -> float:
    """Root mean square error of the estimates by equal places, over the pairs of at least `LEAST_JACCARD`."""
    alike = exact.jaccard >= LEAST_JACCARD
    one, other = exact.pairs[alike].T
    estimates = (signed[one] == signed[other]).mean(axis=1)
    return float(np.sqrt(np.mean((estimates - exact.jaccard[alike]) ** 2)))


def _our_ways() -> list[Way]:
    return [Way("dedup.minhash.signatures", signatures, lambda made: made)]


def _datasketch() -> list[Way]:
    def rows(made: Sequence[Any]) -> NDArray[np.uint32]:
        return np.stack([one.hashvalues for one in made])

    xxhash = peers.load("xxhash")
    ways = [
        Way("datasketch update(), a call a shingle", peers.datasketch_updates, share=SLOW_SHARE),
        Way("datasketch bulk, sha1 (default)", peers.datasketch_bulk, rows),
    ]
    if xxhash is not None:
        fast = xxhash.xxh32_intdigest
        ways.append(Way("datasketch bulk, xxh32", lambda texts: peers.datasketch_bulk(texts, fast), rows))
    return ways


def _rensa() -> list[Way]:
    rensa = peers.load("rensa")
    if rensa is None:
        return []
    of_strings = rensa.RMinHash.digest_matrix_from_token_sets
    of_bytes = rensa.RMinHash.digest_matrix_from_token_byte_sets

    def rows(made: Any) -> NDArray[np.uint32]:
        return np.array(made.to_rows(), np.uint32)

    return [
        Way("rensa matrix, of strings", lambda t: of_strings(list(map(peers.shingles, t)), NUM_PERM, SEED), rows),
        Way("rensa matrix, of bytes", lambda t: of_bytes(list(map(peers.byte_shingles, t)), NUM_PERM, SEED), rows),
    ]


def _gaoya() -> list[Way]:
    gaoya = peers.load("gaoya.minhash")
    if gaoya is None:
        return []

    def fill(texts: Sequence[str]) -> Any:
        """It shows no signatures: they go straight into its index, which is of the same size here."""
        index = gaoya.MinHashStringIndex(32, 0.7, 16, 8, None, "word", True, (5, 5))
        for i, text in enumerate(texts):
            index.insert_document(i, text)
        return index

    return [Way("gaoya, put into its index", fill)]
