"""By what the articles of a large window are weighed, as it was last made, and how many families moved since.

It changes together with the number of the last run, so that the next holder of the lease weighs by the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dedup.episode import Weigher
from dedup.pipeline import Background, Params
from dedup.vocabulary import Vocabulary
from worker.store.commit import Unit
from worker.store.connection import Connection
from worker.store.keys import Keys

_VOCABULARY: Final = "vocabulary"
_FACTS: Final = "facts"
_MOVED: Final = "moved"


@dataclass(frozen=True, slots=True)
class KeptBackground:
    """The background under one prefix."""

    connection: Connection
    keys: Keys

    def read(self, params: Params) -> tuple[Background | None, int]:
        """What is kept, None where nothing is; and how many families came and left since it was made."""
        terms, facts, n_moved = self.connection.hmget(self._key, _VOCABULARY, _FACTS, _MOVED)
        if terms is None or facts is None:
            return None, 0
        background = Background(Vocabulary.from_bytes(terms), Weigher.from_bytes(facts, params.episode.round))
        return background, int(n_moved or 0)

    def put(self, unit: Unit, background: Background) -> None:
        """Keeps a new one."""
        fields = {_VOCABULARY: background.vocabulary.to_bytes(), _FACTS: background.weigher.to_bytes()}
        unit.put(self._key, fields)

    def count(self, unit: Unit, n_moved: int) -> None:
        """Notes how many families came and left since."""
        unit.put(self._key, {_MOVED: n_moved})

    def drop(self, unit: Unit) -> None:
        """Keeps it no more: the next run makes it anew."""
        unit.do("DEL", self._key)

    @property
    def _key(self) -> str:
        return self.keys.private("background")
