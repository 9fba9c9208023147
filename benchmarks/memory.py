"""What the server keeps of an article, by kind of key, after the whole way of many articles."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from benchmarks import expiry
from benchmarks.articles import make_articles
from benchmarks.served import drain_all, push, used_memory
from worker import embedded
from worker.store.connection import Connection, connect
from worker.store.keys import Keys
from worker.store.store import open_store

SAMPLED: Final = 2_000
"""Keys of a kind that are measured, the others taken to be like them."""
AT_ONCE: Final = 5_000
EXPIRED_SHARE: Final = 10
"""One article in so many is clustered and expired, too: a first run over all of them would take minutes."""
APART: Final = frozenset({"terms", "text"})
"""Kinds of keys beside the index that are no near-duplicate state: they are kept for clustering and for readers."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One kind of key: how many there are, and bytes an article. `is_state`: near-duplicates are found by it."""

    kind: str
    n_keys: int
    bytes_each: float
    is_state: bool


@dataclass(frozen=True, slots=True)
class Memory:
    """All kinds of keys, and what the server's memory has grown by, in bytes an article; seconds of draining; and what
    of fewer articles is free again once they have expired.
    """

    n: int
    kinds: tuple[Kept, ...]
    grown: float
    seconds: float
    freed: expiry.Freed

    @property
    def state(self) -> float:
        """Bytes of near-duplicate state an article."""
        return sum(one.bytes_each for one in self.kinds if one.is_state)


def measure(data_dir: Path, n: int) -> Memory:
    """Lets one process take in n articles and looks at what the server then holds."""
    server = embedded.start(data_dir)
    try:
        connection = connect(server.url)
        store = open_store(connection, "dedup:")
        before, seconds, articles = used_memory(connection), 0.0, make_articles(n)
        while part := list(islice(articles, AT_ONCE)):
            push(store, part)
            seconds += drain_all(store)
        grown, kinds = (used_memory(connection) - before) / n, kept_by_kind(connection, store.keys, n)
        connection.execute_command("FLUSHALL", "SYNC")
        return Memory(n, kinds, grown, seconds, expiry.measure(store, n // EXPIRED_SHARE))
    finally:
        server.stop()


def kept_by_kind(connection: Connection, keys: Keys, n: int) -> tuple[Kept, ...]:
    """What the server keeps of each of n articles, by kind of key."""
    found: dict[tuple[str, bool], list[bytes]] = defaultdict(list)
    for key in connection.scan_iter(count=10_000):
        found[_kind(key.decode(), keys)].append(key)
    return tuple(
        Kept(kind, len(named), _bytes(connection, named) / n, is_state)
        for (kind, is_state), named in sorted(found.items())
    )


def _kind(key: str, keys: Keys) -> tuple[str, bool]:
    """The name of a key's kind, and whether it is near-duplicate state."""
    if key.startswith(keys.index):
        name = key.removeprefix(keys.index).partition(":")[0]
        return f"index {name}", name not in APART
    words = key.removeprefix(keys.prefix).split(":")
    if words[0] == "private":
        return f"private {words[1]}", False
    return f"{words[0]}:articles" if words[-1] == "articles" and len(words) > 2 else words[0], False


def _bytes(connection: Connection, named: list[bytes]) -> float:
    """Bytes of all these keys, by the server's own account of some of them."""
    pipeline = connection.pipeline(transaction=False)
    for key in named[:SAMPLED]:
        pipeline.memory_usage(key, samples=0)
    sizes = [int(size or 0) for size in pipeline.execute()]
    return sum(sizes) / len(sizes) * len(named)
