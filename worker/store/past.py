"""What was told before the window: document frequencies, packed, and what has been added to them since.

The table is as large as a stream's vocabulary, so a run that lets a few families go appends these, and writes the table
anew only when much has been appended. All of it changes together with the number of the last run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup.frequencies import NO_FREQUENCIES, Frequencies
from dedup.window import Passage, Past
from worker.store.commit import Unit
from worker.store.connection import Connection
from worker.store.keys import Keys

_ADDED: Final = b"+"
_TAKEN: Final = b"-"


@dataclass(frozen=True, slots=True)
class KeptPast:
    """The past under one prefix."""

    connection: Connection
    keys: Keys

    def read(self) -> Past:
        """What stands now."""
        table, appended = self.connection.get(self._table), self.connection.lrange(self._appended, 0, -1)
        kept = Frequencies.from_bytes(table) if table else NO_FREQUENCIES
        for sign, entries in groupby(appended, lambda entry: entry[:1]):
            words = [_words(entry) for entry in entries]
            kept = kept.changed(words, []) if sign == _ADDED else kept.changed([], words)
        counted = frozenset(one.decode() for one in self.connection.smembers(self._counted))
        return Past(kept, counted, len(appended))

    def put(self, unit: Unit, passage: Passage, words: Mapping[str, NDArray[np.uint32]]) -> None:
        """Adds to a run's unit what became past by it; `words` are the content words of the families that left the
        window or came back.
        """
        self._write_counted(unit, passage)
        if passage.is_whole:
            unit.do("SET", self._table, passage.past.frequencies.to_bytes())
            unit.do("DEL", self._appended)
            return
        fresh = [_packed(_ADDED, words[name]) for name in passage.left]
        fresh += [_packed(_TAKEN, words[name]) for name in passage.back]
        if fresh:
            unit.gather("RPUSH", self._appended, words=fresh)

    def uncount(self, unit: Unit, family_id: str, words: Iterable[int]) -> None:
        """Takes one family out again, where it is counted; `words` are the content words it tells."""
        if self.connection.sismember(self._counted, family_id):
            unit.do("RPUSH", self._appended, _packed(_TAKEN, words))
            unit.do("SREM", self._counted, family_id)

    def _write_counted(self, unit: Unit, passage: Passage) -> None:
        if passage.left:
            unit.gather("SADD", self._counted, words=passage.left)
        if passage.back or passage.gone:
            unit.gather("SREM", self._counted, words=(*passage.back, *passage.gone))

    @property
    def _table(self) -> str:
        return self.keys.private("past")

    @property
    def _appended(self) -> str:
        return self.keys.private("past:appended")

    @property
    def _counted(self) -> str:
        return self.keys.private("past:counted")


def _packed(sign: bytes, words: Iterable[int] | NDArray[np.uint32]) -> bytes:
    return sign + np.asarray(words, "<u4").tobytes()


def _words(packed: bytes) -> NDArray[np.uint32]:
    return np.frombuffer(packed, "<u4", offset=1).astype(np.uint32)
