"""What is known of the articles of feed readers' accounts, and what was marked in them: when, why, and how it ended.

Both go with the article. An account is known by its name, which ids of its articles begin with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, replace
from typing import Final, Literal

import msgpack

from worker.store.commit import Unit, commit
from worker.store.connection import Connection
from worker.store.keys import Keys

MarkState = Literal["marking", "marked", "restoring", "restored", "undone", "overruled", "untouched"]
OPEN: Final[frozenset[MarkState]] = frozenset({"marking", "marked", "restoring"})
"""The others are ends: nothing is done with the article any more."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An article as its reader knows it: its id there, when it was pushed (Unix seconds), the names of its feed, and
    its categories.
    """

    item_id: str
    pushed_at: float
    feeds: tuple[str, ...]
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """What was done with an article in its reader, and why. `at`: Unix seconds of the last step.

    marking: it is about to be marked read; marked: it has been; restoring: it is about to be marked unread again;
    restored, undone: it has been, for the reason was gone, or because it was asked for; overruled: the user marked it
    unread; untouched: it was left, for the user had read it, or it or the reason was gone.
    `kept` is the article that it says the same as ("" once that is forgotten), `kind` how, by which `jaccard`.
    """

    state: MarkState
    at: float
    item_id: str
    kept: str
    kind: str
    jaccard: float
    bar: float


@dataclass(frozen=True, slots=True)
class Readers:
    """Entries and marks under one prefix."""

    connection: Connection
    keys: Keys

    def note(self, unit: Unit, name: str, entries: Mapping[str, Entry]) -> None:
        """Adds to a unit what is known of articles that are about to be pushed."""
        words = [word for one, entry in entries.items() for word in (one, msgpack.packb(astuple(entry)))]
        if words:
            unit.gather("HSET", self.keys.reader_entries(name), words=words)

    def drop(self, unit: Unit, article_ids: Iterable[str]) -> None:
        """Adds to a unit that nothing is known of articles any more, whatever they came by."""
        for article_id in article_ids:
            name, colon, _ = article_id.partition(":")
            if colon:
                unit.gather("HDEL", self.keys.reader_entries(name), words=[article_id])
                unit.gather("HDEL", self.keys.reader_marks(name), words=[article_id])

    def entries(self, name: str) -> dict[str, Entry]:
        """The articles of an account, by article id, in their order."""
        found = self.connection.hgetall(self.keys.reader_entries(name))
        return {one.decode(): _entry(packed) for one, packed in sorted(found.items())}

    def marks(self, name: str) -> dict[str, Mark]:
        """What was marked in an account, by article id, in their order."""
        found = self.connection.hgetall(self.keys.reader_marks(name))
        return {one.decode(): Mark(*msgpack.unpackb(packed)) for one, packed in sorted(found.items())}

    def put_mark(self, unit: Unit, name: str, article_id: str, mark: Mark, before: Mark | None) -> None:
        """Adds to a unit a step with an article, guarded by the one before it."""
        expected = msgpack.packb(astuple(before)) if before is not None else None
        unit.expect("HGET", self.keys.reader_marks(name), article_id, reply=expected)
        unit.do("HSET", self.keys.reader_marks(name), article_id, msgpack.packb(astuple(mark)))

    def take_back(self, unit: Unit, name: str, article_id: str, mark: Mark, before: Mark | None) -> None:
        """Adds to a unit that a step has not been taken, for the reader refused it: what stood before it stands."""
        if before is not None:
            self.put_mark(unit, name, article_id, before, mark)
        else:
            unit.expect("HGET", self.keys.reader_marks(name), article_id, reply=msgpack.packb(astuple(mark)))
            unit.do("HDEL", self.keys.reader_marks(name), article_id)

    def forget(self, article_id: str) -> None:
        """Takes away what is known of an article, and its name where others were marked for its sake."""
        name = article_id.partition(":")[0]
        unit = Unit()
        self.drop(unit, [article_id])
        commit(self.connection, [unit])
        while named := {one: mark for one, mark in self.marks(name).items() if mark.kept == article_id}:
            units = []
            for one, mark in named.items():
                units.append(unit := Unit())
                self.put_mark(unit, name, one, replace(mark, kept=""), mark)
            commit(self.connection, units)


def _entry(packed: bytes) -> Entry:
    item_id, pushed_at, feeds, categories = msgpack.unpackb(packed)
    return Entry(item_id, pushed_at, tuple(feeds), tuple(categories))
