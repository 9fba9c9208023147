"""Who may cluster: one holder at a time, known by a token that no later holder shares (a fencing token)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Thread
from typing import Final

from redis.exceptions import RedisError

from worker.store.commit import Unit, commit
from worker.store.connection import Connection
from worker.store.keys import Keys

LEASE_SECONDS: Final = 15
"""A holder that dies keeps others waiting this long at most."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to commit runs under one prefix."""

    connection: Connection
    keys: Keys

    def acquire(self, holder: str, seconds: float = LEASE_SECONDS) -> int | None:
        """The holder's token: a new one where the lease is free, the same one again where it is already held by it,
        None where somebody else holds it.
        """
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

    @contextmanager
    def kept(self, holder: str) -> Iterator[None]:
        """Renews the lease for as long as the block takes."""
        done = Event()
        renewing = Thread(target=self._renew, args=(holder, done), name="lease", daemon=True)
        renewing.start()
        try:
            yield
        finally:
            done.set()
            renewing.join()

    def _renew(self, holder: str, done: Event) -> None:
        """A server that does not answer ends it: the lease then runs out, and the guard tells."""
        with suppress(RedisError):
            while not done.wait(LEASE_SECONDS / 3):
                self.acquire(holder)

    def release(self, holder: str) -> None:
        """Gives the lease back, if this holder has it."""
        held = self.connection.get(self._lease)
        if held is not None and held.decode().rpartition(" ")[0] == holder:
            unit = Unit()
            unit.expect("GET", self._lease, reply=held)
            unit.do("DEL", self._lease)
            commit(self.connection, [unit])

    def guard(self, unit: Unit, holder: str, token: int) -> None:
        """Lets a unit through only under this token."""
        unit.expect("GET", self._lease, reply=f"{holder} {token}".encode())

    def holder(self) -> str:
        """Who has it, "" where nobody does."""
        held = self.connection.get(self._lease)
        return "" if held is None else str(held.decode().rpartition(" ")[0])

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
        self.expect(unit, number - 1)
        unit.put(self._key, {"number": number, **fields})

    def expect(self, unit: Unit, number: int) -> None:
        """Guards a unit by the number of the last committed run."""
        unit.expect("HGET", self._key, "number", reply=str(number).encode() if number else None)

    def last(self) -> dict[str, str]:
        """What is told of the last run."""
        return {name.decode(): value.decode() for name, value in self.connection.hgetall(self._key).items()}

    @property
    def _key(self) -> str:
        return self.keys.private("run")
