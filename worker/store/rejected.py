"""Articles that could not be accepted, kept for a while with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dedup.article import format_time
from dedup.errors import ArticleError
from worker.store.commit import Unit
from worker.store.connection import Connection
from worker.store.keys import Keys

KEPT_ENTRIES: Final = 1_000
KEPT_SECONDS: Final = 7 * 86_400
KEPT_PAYLOAD_BYTES: Final = 4_096


@dataclass(frozen=True, slots=True)
class Rejection:
    """One rejected article: its claimed id ("" if none), the field, the reason, the payload cut to 4 KB, when."""

    article_id: str
    field: str
    reason: str
    payload: str
    at: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The stream of rejections under one prefix."""

    connection: Connection
    keys: Keys

    def add(self, unit: Unit, error: ArticleError, payload: bytes, at: float) -> None:
        """Adds a rejection to a unit, to be written with the acknowledgement of its entry."""
        unit.do(
            "XADD", self.keys.rejected, "MAXLEN", KEPT_ENTRIES, "*",
            "id", error.article_id or "", "field", error.field, "reason", error.reason,
            "payload", payload[:KEPT_PAYLOAD_BYTES], "at", format_time(at),
        )  # fmt: skip

    def trim(self, now: float) -> None:
        """Drops what is older than seven days."""
        self.connection.xtrim(self.keys.rejected, minid=int((now - KEPT_SECONDS) * 1000), approximate=False)

    def latest(self, n: int) -> list[Rejection]:
        """The latest rejections, newest first."""
        return [
            Rejection(*(fields.get(name, b"").decode(errors="replace") for name in _FIELDS))
            for _, fields in self.connection.xrevrange(self.keys.rejected, count=n)
        ]

    def size(self) -> int:
        """How many are kept."""
        return int(self.connection.xlen(self.keys.rejected))

    def count(self, start: float, end: float) -> int:
        """Rejections still kept from a span of time (Unix seconds, end exclusive)."""
        span = self.connection.xrange(self.keys.rejected, int(start * 1000), int(end * 1000) - 1)
        return len(span)


_FIELDS: Final = (b"id", b"field", b"reason", b"payload", b"at")
