"""Who may cluster: one holder at a time, known by a token that no later holder shares (a fencing token)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from worker.store.commit import Unit, commit
from worker.store.connection import Connection
from worker.store.keys import Keys

LEASE_SECONDS: Final = 60
"""A holder that dies keeps others waiting this long at most; a run renews it between its stages."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to commit runs under one prefix."""

    connection: Connection
    keys: Keys

    def acquire(self, holder: str, seconds: float = LEASE_SECONDS) -> int | None:
        """The holder's token: a new one where the lease is free, the same one again where it is already held by it,
        None where somebody else holds it."""
        milliseconds = int(seconds * 1000)
        held = self.connection.get(self._lease)
        if held is not None:
            owner, _, token = held.decode().rpartition(" ")
            if owner != holder or not self.connection.pexpire(self._lease, milliseconds):
                return None
            return int(token) if self.connection.get(self._lease) == held else None
        token = int(self.connection.incr(self.keys.private("fence")))
        taken = self.connection.set(self._lease, f"{holder} {token}", nx=True, px=milliseconds)
        return token if taken else None

    def release(self, holder: str, token: int) -> None:
        """Gives the lease back, if it is still held under this token."""
        unit = Unit()
        self.guard(unit, holder, token)
        unit.do("DEL", self._lease)
        commit(self.connection, [unit])

    def guard(self, unit: Unit, holder: str, token: int) -> None:
        """Lets a unit through only under this token."""
        unit.expect("GET", self._lease, reply=f"{holder} {token}".encode())

    @property
    def _lease(self) -> str:
        return self.keys.private("lease")


@dataclass(frozen=True, slots=True)
class Runs:
    """How many runs have been committed, and what the last one was like."""

    connection: Connection
    keys: Keys

    def number(self) -> int:
        """The number of the last committed run, 0 before the first."""
        return int(self.connection.hget(self._key, "number") or 0)

    def put(self, unit: Unit, number: int, fields: dict[str, str | int | float]) -> None:
        """Adds to a unit that a run has been committed, guarded by the number of the one before it."""
        before = str(number - 1).encode() if number > 1 else None
        unit.expect("HGET", self._key, "number", reply=before)
        unit.put(self._key, {"number": number, **fields})

    def last(self) -> dict[str, str]:
        """What is told of the last run."""
        return {name.decode(): value.decode() for name, value in self.connection.hgetall(self._key).items()}

    @property
    def _key(self) -> str:
        return self.keys.private("run")
