"""Which articles of a feed have been pushed, and with what content: 16 bytes each, never the texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from worker.store.commit import Unit
from worker.store.connection import Connection
from worker.store.keys import Keys

VERSION: Final = b"\x01"
LEAST_KEPT: Final = 256
TIMES_KEPT: Final = 4
"""Articles remembered beside those that the feed lists now: as many as this, or this many times what it lists. A feed
that is edited lists older ones again."""
_DIGEST_BYTES: Final = 8

Seen = dict[bytes, bytes]
"""Digests of contents by digests of ids, the latest first."""


def digest(text: bytes) -> bytes:
    """8 bytes for an id or a content."""
    return blake2b(text, digest_size=_DIGEST_BYTES).digest()


def remembered(before: Mapping[bytes, bytes], now: Mapping[bytes, bytes]) -> Seen:
    """What is known after a poll, that gave `now`: all of it, and of what was known before as much as is kept."""
    most = max(LEAST_KEPT, TIMES_KEPT * len(now))
    joined = {**now, **{name: content for name, content in before.items() if name not in now}}
    return dict(list(joined.items())[:most])


@dataclass(frozen=True, slots=True)
class FeedMemory:
    """The memories of feeds under one prefix."""

    connection: Connection
    keys: Keys

    def get(self, feed_id: str) -> Seen:
        """What is known of a feed's articles."""
        packed: bytes | None = self.connection.get(self.keys.feed_seen(feed_id))
        if packed is None or not packed.startswith(VERSION):
            return {}
        step = 2 * _DIGEST_BYTES
        return {
            packed[i : i + _DIGEST_BYTES]: packed[i + _DIGEST_BYTES : i + step]
            for i in range(len(VERSION), len(packed), step)
        }

    def put(self, unit: Unit, feed_id: str, seen: Mapping[bytes, bytes]) -> None:
        """Adds to a unit what is to be known."""
        unit.do("SET", self.keys.feed_seen(feed_id), VERSION + b"".join(_words(seen.items())))

    def drop(self, unit: Unit, feed_id: str) -> None:
        """Adds to a unit that nothing is."""
        unit.do("DEL", self.keys.feed_seen(feed_id))


def _words(pairs: Iterable[tuple[bytes, bytes]]) -> Iterable[bytes]:
    return (word for pair in pairs for word in pair)
