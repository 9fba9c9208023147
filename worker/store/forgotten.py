"""Articles that are being forgotten, and how many have been. What stays names none of them: ids are kept as digests."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from worker.store.commit import Unit
from worker.store.connection import Connection
from worker.store.keys import Keys


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The notes of forgettings under one prefix.

    One is there from before the first trace goes until after the last has, so that one that was interrupted can be
    taken up again when the article itself is known no more.
    """

    connection: Connection
    keys: Keys

    def begin(self, article_id: str, note: bytes) -> None:
        """Notes that an article is being forgotten, with what has to be known of it meanwhile."""
        self.connection.hset(self._notes, _digest(article_id), note)

    def note(self, article_id: str) -> bytes | None:
        """What was noted (b"" once all but the append-only file is done), None where nothing was."""
        found: bytes | None = self.connection.hget(self._notes, _digest(article_id))
        return found

    def clear(self, article_id: str) -> None:
        """Takes away what was noted, and leaves only that the forgetting has not ended."""
        self.connection.hset(self._notes, _digest(article_id), b"")

    def end(self, article_id: str) -> None:
        """Notes that nothing is left to do."""
        self.connection.hdel(self._notes, _digest(article_id))

    def count(self, unit: Unit) -> None:
        """Adds to a unit that one more article has been forgotten."""
        unit.do("INCR", self._counter)

    def n(self) -> int:
        """How many have been."""
        return int(self.connection.get(self._counter) or 0)

    def expect(self, unit: Unit, n: int) -> None:
        """Guards a unit by how many have been."""
        unit.expect("GET", self._counter, reply=str(n).encode() if n else None)

    @property
    def _notes(self) -> str:
        return self.keys.private("forgetting")

    @property
    def _counter(self) -> str:
        return self.keys.private("forgotten")


def _digest(article_id: str) -> str:
    return blake2b(article_id.encode(), digest_size=16).hexdigest()
