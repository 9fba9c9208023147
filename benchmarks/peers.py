"""The libraries that this project is measured beside, where they are installed: `pip install --editable '.[peers]'`."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from datasketch import MinHash, MinHashLSH

from dedup.minhash import NUM_PERM, SEED
from dedup.shingle import SHINGLE_WORDS

PEERS: Final = ("datasketch", "gaoya", "rensa", "xxhash")
NOT_INSTALLABLE: Final = (
    "text-dedup: not measured, for it cannot be installed beside this project: it asks for rich before 14 and urllib3 "
    "up to 2.0, and for PySpark"
)
_THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
SINGLE_THREAD: Final = dict.fromkeys(_THREADS, "1")
"""What keeps the libraries to one thread, set before they are loaded."""

Signed = Any
"""What a peer keeps of a text: an object of its own."""


def versions() -> dict[str, str]:
    """The version of each peer, "" where it is absent."""
    return {name: _version(name) for name in PEERS}


def missing() -> list[str]:
    """A line about each peer that is not measured, and why."""
    absent = [name for name, number in versions().items() if not number]
    return [f"{name}: not measured, for it is not installed: pip install --editable '.[peers]'" for name in absent] + [
        NOT_INSTALLABLE
    ]


def load(name: str) -> Any | None:
    """A peer's module, None where it is absent."""
    return importlib.import_module(name) if _version(name.partition(".")[0]) else None


def cores() -> list[int]:
    """The cores that a process can be kept to; none where the system has no say in that."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def use_core(core: int, pid: int = 0) -> None:
    """Keeps a process, this one for 0, to one core."""
    os.sched_setaffinity(pid, {core})


def shingles(text: str) -> list[str]:
    """Shingles in the cheapest way there is in Python, to the peers' advantage: the text cut at spaces, no more."""
    cut = text.lower().split()
    return list(map(" ".join, zip(*(cut[i:] for i in range(SHINGLE_WORDS)), strict=False)))


def byte_shingles(text: str) -> list[bytes]:
    """The same as bytes."""
    cut = text.lower().encode().split()
    return list(map(b" ".join, zip(*(cut[i:] for i in range(SHINGLE_WORDS)), strict=False)))


def datasketch_bulk(texts: Sequence[str], hashfunc: Callable[[bytes], int] | None = None) -> list[Signed]:
    """Signatures by datasketch's `MinHash.bulk`."""
    return list(MinHash.bulk(map(byte_shingles, texts), num_perm=NUM_PERM, seed=SEED, hashfunc=hashfunc))


def datasketch_updates(texts: Sequence[str]) -> list[Signed]:
    """Signatures by datasketch's `update`, a call a shingle, as its documentation begins with."""
    signed = []
    for text in texts:
        one = MinHash(num_perm=NUM_PERM, seed=SEED)
        for shingle in byte_shingles(text):
            one.update(shingle)
        signed.append(one)
    return signed


def datasketch_index(threshold: float, socket_path: str = "", name: str = "") -> Any:
    """An index of datasketch at its optimum for a threshold: in memory, or in the server behind a unix socket."""
    if not socket_path:
        return MinHashLSH(threshold=threshold, num_perm=NUM_PERM)
    storage = {"type": "redis", "basename": name.encode(), "redis": {"unix_socket_path": socket_path}}
    return MinHashLSH(threshold=threshold, num_perm=NUM_PERM, storage_config=storage)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
