"""What the next run has to look at: families that changed, articles that were revised and corrections by hand that were
made or taken back since the last one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from worker.store.commit import Unit, commit
from worker.store.connection import Connection
from worker.store.keys import Keys
from worker.store.streams import rebuild

_CORRECTED: Final = b"corrected"
"""The field of an entry that tells of a correction; others are ids of families."""


@dataclass(frozen=True, slots=True)
class News:
    """Everything that has happened up to `last` (b"" where nothing has). `corrected` are pairs of articles."""

    families: frozenset[str]
    revised: tuple[str, ...]
    corrected: tuple[tuple[str, str], ...]
    last: bytes

    def __bool__(self) -> bool:
        return bool(self.last)


@dataclass(frozen=True, slots=True)
class NewsStream:
    """The stream of news under one prefix; a run's commit takes away what it has dealt with."""

    connection: Connection
    keys: Keys

    def add(self, unit: Unit, families: Iterable[str], revised: Iterable[str] = ()) -> None:
        """Tells of families, the first of them with the articles revised (no id has a line feed, which parts them)."""
        words = [word for family_id in sorted(families) for word in (family_id, "")]
        if words:
            words[1] = "\n".join(revised)
            unit.gather("XADD", self.keys.news, "*", words=words)

    def add_correction(self, unit: Unit, one: str, other: str) -> None:
        """Tells of a correction between two articles that was made or taken back."""
        unit.do("XADD", self.keys.news, "*", _CORRECTED, f"{one}\n{other}")

    def read(self) -> News:
        """All there is."""
        entries = self.connection.xrange(self.keys.news)
        families: set[str] = set()
        revised: dict[str, None] = {}
        corrected: dict[tuple[str, str], None] = {}
        for _, fields in entries:
            if pair := fields.pop(_CORRECTED, None):
                one, other = pair.decode().split("\n")
                corrected[one, other] = None
            families.update(family_id.decode() for family_id in fields)
            revised |= dict.fromkeys(one for ids in fields.values() if ids for one in ids.decode().split("\n"))
        return News(frozenset(families), tuple(revised), tuple(corrected), entries[-1][0] if entries else b"")

    def done(self, unit: Unit, news: News) -> None:
        """Adds to a unit that everything up to `news.last` has been dealt with."""
        if news:
            milliseconds, serial = news.last.split(b"-")
            unit.do("XTRIM", self.keys.news, "MINID", f"{milliseconds.decode()}-{int(serial) + 1}")

    def forget(self, article_id: str) -> None:
        """Takes an article out of what is told. An entry that names it gives way to one that does not: a run that has
        read the old one and leaves the new one looks at the same families once more. What it told of a correction of
        the article goes.
        """
        name = article_id.encode()
        while entries := [entry for entry in self.connection.xrange(self.keys.news) if _names(entry[1], name)]:
            for entry_id, fields in entries:
                unit = Unit()
                unit.expect("XRANGE", self.keys.news, entry_id, entry_id, reply=b"1")
                unit.do("XDEL", self.keys.news, entry_id)
                words = [
                    word
                    for family_id, ids in fields.items()
                    if family_id != _CORRECTED
                    for word in (family_id, b"\n".join(one for one in ids.split(b"\n") if one != name))
                ]
                if words:
                    unit.do("XADD", self.keys.news, "*", *words)
                commit(self.connection, [unit])
        rebuild(self.connection, self.keys, self.keys.news)

    def waiting(self) -> bool:
        """Whether there is any."""
        return bool(self.connection.xlen(self.keys.news))


def _names(fields: Mapping[bytes, bytes], name: bytes) -> bool:
    return any(name in ids.split(b"\n") for ids in fields.values())
