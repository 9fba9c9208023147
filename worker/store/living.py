"""What a large window is clustered by: its background as it was last made, how many families moved since, and what is
kept of its clustering, under a generation of its own for each background.

All of it changes together with the number of the last run, so that the next holder of the lease goes on with the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup.episode import Weigher
from dedup.graph import Pairs
from dedup.kept import Head, read_places, read_rows
from dedup.pipeline import Background, Params
from dedup.vocabulary import Vocabulary
from worker.store.commit import Fields, Unit
from worker.store.connection import Connection
from worker.store.keys import Keys

_VOCABULARY: Final = "vocabulary"
_FACTS: Final = "facts"
_MOVED: Final = "moved"
_GENERATION: Final = "generation"


def pack_background(background: Background) -> dict[str, bytes]:
    """A background as fields of a hash."""
    return {_VOCABULARY: background.vocabulary.to_bytes(), _FACTS: background.weigher.to_bytes()}


def read_background(connection: Connection, key: str, params: Params) -> Background | None:
    """The background in a hash; None where there is none."""
    terms, facts = connection.hmget(key, _VOCABULARY, _FACTS)
    if terms is None or facts is None:
        return None
    return Background(Vocabulary.from_bytes(terms), Weigher.from_bytes(facts, params.episode.round))


@dataclass(frozen=True, slots=True)
class KeptLiving:
    """What is kept under one prefix."""

    connection: Connection
    keys: Keys

    def generation(self) -> str:
        """Under which the clustering is kept; "" where none is."""
        return (self.connection.hget(self._key, _GENERATION) or b"").decode()

    def background(self, params: Params) -> Background | None:
        """By what the window is weighed; None where it is small, and weighed anew by each run."""
        return read_background(self.connection, self._key, params)

    def n_moved(self) -> int:
        """How many families came and left since the background was made."""
        return int(self.connection.hget(self._key, _MOVED) or 0)

    def rows(self, generation: str) -> tuple[dict[str, Head], Pairs]:
        """The families of this generation, in order, and who is like whom, by place in this order."""
        kept = self.connection.hgetall(self._rows(generation))
        return read_rows({name.decode(): row for name, row in kept.items()})

    def places(self, generation: str, names: Iterable[str]) -> NDArray[np.int64]:
        """The places of these families."""
        kept = self.connection.hgetall(self._places(generation))
        return read_places(kept.get(name.encode(), b"") for name in names)

    def put(self, unit: Unit, background: Background, generation: str, before: str) -> None:
        """Makes another generation the present one, and drops the one before."""
        unit.put(self._key, {**pack_background(background), _GENERATION: generation})
        if before:
            unit.do("UNLINK", self._rows(before), self._places(before))

    def put_rows(self, unit: Unit, generation: str, rows: Mapping[str, bytes]) -> None:
        """Keeps the rows of these families."""
        _put(unit, self._rows(generation), rows)

    def put_places(self, unit: Unit, generation: str, places: Mapping[str, bytes]) -> None:
        """Keeps the places of these families."""
        _put(unit, self._places(generation), places)

    def leave(self, unit: Unit, generation: str, names: Iterable[str]) -> None:
        """Keeps nothing of these families any more."""
        gone = list(names)
        if gone:
            unit.gather("HDEL", self._rows(generation), words=gone)
            unit.gather("HDEL", self._places(generation), words=gone)

    def count(self, unit: Unit, n_moved: int) -> None:
        """Notes how many families came and left since the background was made."""
        unit.put(self._key, {_MOVED: n_moved})

    def drop(self, unit: Unit) -> None:
        """Keeps nothing any more: the window is clustered anew."""
        generation = self.generation()
        unit.expect("HGET", self._key, _GENERATION, reply=generation.encode() or None)
        if generation:
            unit.do("UNLINK", self._key, self._rows(generation), self._places(generation))

    def drop_rows(self, unit: Unit, generation: str) -> None:
        """Keeps no rows of a generation that never became the present one."""
        unit.do("UNLINK", self._rows(generation))

    @property
    def _key(self) -> str:
        return self.keys.private("living")

    def _rows(self, generation: str) -> str:
        return self.keys.private(f"living:{generation}:rows")

    def _places(self, generation: str) -> str:
        return self.keys.private(f"living:{generation}:places")


def _put(unit: Unit, key: str, fields: Fields) -> None:
    if fields:
        unit.gather("HSET", key, words=list(chain.from_iterable(fields.items())))
