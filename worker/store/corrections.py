"""Corrections by hand: which stand, since when, and a number that changes with them.

Whatever is decided on corrections is guarded by that number, so nothing is committed under corrections that have
changed meanwhile. They are kept for as long as both their articles are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, get_args

from dedup.correction import Correction, CorrectionKind, Corrections
from worker.store.commit import Unit
from worker.store.connection import Connection
from worker.store.keys import Keys

_KINDS: Final = {kind.encode(): kind for kind in get_args(CorrectionKind)}


@dataclass(frozen=True, slots=True)
class Made:
    """A correction that stands, and when it was made (Unix seconds)."""

    correction: Correction
    at: float


@dataclass(frozen=True, slots=True)
class Book:
    """All corrections that stand, as of one version of them."""

    corrections: Corrections = field(default_factory=Corrections)
    version: int = 0

    @classmethod
    def of(cls, version: bytes | None, kept: Sequence[bytes]) -> Book:
        """The book that is kept: its version, and pairs of articles with what is told of each, in turns."""
        made = _made(dict(zip(kept[::2], kept[1::2], strict=True)))
        return cls(Corrections.of(one.correction for one in made), int(version or 0))


@dataclass(frozen=True, slots=True)
class KeptCorrections:
    """Corrections under one prefix."""

    connection: Connection
    keys: Keys

    def read(self) -> Book:
        """What stands now."""
        version = self.version()
        return Book(Corrections.of(made.correction for made in self._kept()), version)

    def version(self) -> int:
        """How often corrections have changed."""
        return int(self.connection.get(self.keys.corrections_version) or 0)

    def made(self) -> list[Made]:
        """What stands, in the order in which it was made."""
        return sorted(self._kept(), key=lambda made: (made.at, made.correction))

    def expect(self, unit: Unit, version: int) -> None:
        """Guards a unit by the version of the corrections that it was decided on."""
        unit.expect("GET", self.keys.corrections_version, reply=str(version).encode() if version else None)

    def put(self, unit: Unit, correction: Correction, at: float) -> None:
        """Makes a correction stand (`at`: Unix seconds)."""
        unit.do("HSET", self.keys.corrections, _field(correction), f"{correction.kind} {at:.6f}")
        unit.do("INCR", self.keys.corrections_version)

    def drop(self, unit: Unit, corrections: Iterable[Correction]) -> None:
        """Takes corrections away."""
        unit.do("HDEL", self.keys.corrections, *(_field(one) for one in sorted(corrections)))
        unit.do("INCR", self.keys.corrections_version)

    def _kept(self) -> list[Made]:
        return _made(self.connection.hgetall(self.keys.corrections))


def _made(kept: Mapping[bytes, bytes]) -> list[Made]:
    made = []
    for pair, value in kept.items():
        one, other = pair.decode().split("\n")
        kind, at = value.split(b" ")
        made.append(Made(Correction(_KINDS[kind], one, other), float(at)))
    return made


def _field(correction: Correction) -> str:
    """The articles of a correction: there is one of them at most, and no id has a line feed."""
    return f"{correction.one}\n{correction.other}"
