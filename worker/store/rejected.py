"""Articles that could not be accepted, kept for a while with the reason."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from dedup.article import canonical_url, format_time, parse_article
from dedup.errors import ArticleError
from dedup.text import identify
from worker.store.commit import Unit
from worker.store.connection import Connection
from worker.store.keys import Keys
from worker.store.streams import rebuild

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

    def naming(self, article_id: str) -> list[bytes]:
        """The entries of an article, by the id they claim or the one their payload would have been given."""
        return [
            name
            for name, fields in self.connection.xrange(self.keys.rejected)
            if fields.get(b"id", b"") == article_id.encode() or pushed_id(fields.get(b"payload", b"")) == article_id
        ]

    def forget(self, article_id: str) -> int:
        """Takes away every entry of an article; returns how many there were."""
        names = self.naming(article_id)
        n_gone = int(self.connection.xdel(self.keys.rejected, *names)) if names else 0
        rebuild(self.connection, self.keys, self.keys.rejected)
        return n_gone

    def size(self) -> int:
        """How many are kept."""
        return int(self.connection.xlen(self.keys.rejected))

    def count(self, start: float, end: float) -> int:
        """Rejections still kept from a span of time (Unix seconds, end exclusive)."""
        span = self.connection.xrange(self.keys.rejected, int(start * 1000), int(end * 1000) - 1)
        return len(span)


_FIELDS: Final = (b"id", b"field", b"reason", b"payload", b"at")


def pushed_id(payload: bytes) -> str:
    """The id that a payload is looked up by, accepted or not; "" where there is none to be read."""
    try:
        fields = json.loads(payload)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(fields, dict):
        return ""
    claimed = fields.get("id")
    if claimed is not None:
        return claimed if isinstance(claimed, str) else ""
    try:
        return identify(parse_article(payload, len(payload))).id
    except ArticleError:
        url = fields.get("url")
        return canonical_url(url) if isinstance(url, str) else ""
