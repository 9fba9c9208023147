"""The inbox: articles that were pushed and wait for a drain, in a Redis Stream with one consumer group.

An entry leaves it in the very commit that writes what became of it, so a crash at any point loses nothing.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from redis.exceptions import BusyLoadingError, ResponseError

from worker.store.appendonly import is_written
from worker.store.commit import Unit, commit
from worker.store.connection import Connection, script
from worker.store.keys import Keys
from worker.store.streams import is_too_large, rebuild

GROUP: Final = "drain"
SUSPECT_DELIVERIES: Final = 3
"""Deliveries after which an entry is worked on alone: it may be what ends its workers."""

_LOADING_SECONDS: Final = 60.0
_READ_FIRST: Final = 8
_SCANNED_TOGETHER: Final = 64
"""Payloads read at once: they may have megabytes each."""

StreamId = tuple[int, int]
"""Milliseconds since 1970 and a serial number: the id of a stream entry."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One pushed payload. `payload` is None where the entry has no field `json`; `n_bytes` are those of all fields."""

    entry_id: bytes
    payload: bytes | None
    deliveries: int
    n_bytes: int

    @property
    def seen_at(self) -> StreamId:
        return stream_id(self.entry_id)


@lru_cache(4_096)
def stream_id(entry_id: bytes) -> StreamId:
    """The two numbers of a stream id."""
    milliseconds, serial = entry_id.split(b"-")
    return int(milliseconds), int(serial)


def is_first_try(entries: Iterable[Entry]) -> bool:
    """Whether nobody has worked on any of these before."""
    return all(entry.deliveries == 1 for entry in entries)


@dataclass(frozen=True, slots=True)
class Inbox:
    """The stream under one prefix. `max_waiting` is how many may wait."""

    connection: Connection
    keys: Keys
    max_waiting: int = 1_000_000

    def push(self, payloads: Sequence[bytes]) -> int:
        """Appends payloads in order as far as there is room; returns how many once they would outlive the server."""
        end = time.monotonic() + _LOADING_SECONDS
        while True:
            try:
                n, run = script(self.connection, "push")(keys=[self.keys.inbox], args=[self.max_waiting, *payloads])
                if is_written(self.connection, run.decode()):
                    return int(n)
            except BusyLoadingError:  # it has been started again, and will be there
                if time.monotonic() > end:
                    raise

    def ensure(self) -> None:
        """Makes the consumer group where there is none yet."""
        try:
            self.connection.xgroup_create(self.keys.inbox, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    def take(self, consumer: str, n_entries: int, n_bytes: int, claim_after_seconds: float | None) -> list[Entry]:
        """A batch for one consumer; about `n_bytes` at most, at least one entry if any. First comes what others have
        held for so long that they are taken for dead; with None that is not looked for.
        """
        if claim_after_seconds is None:
            return self._read_new(consumer, [], n_entries, n_bytes)
        claimed = script(self.connection, "claim")(
            keys=[self.keys.inbox],
            args=[GROUP, consumer, n_entries, n_bytes, int(claim_after_seconds * 1000), SUSPECT_DELIVERIES],
        )
        taken = [_entry(entry_id, dict(_pairs(fields)), deliveries) for entry_id, fields, deliveries in claimed]
        if taken and taken[-1].deliveries > SUSPECT_DELIVERIES:
            return taken
        return self._read_new(consumer, taken, n_entries, n_bytes)

    def _read_new(self, consumer: str, taken: list[Entry], n_entries: int, n_bytes: int) -> list[Entry]:
        """Fills a batch with new entries. They are read a few at a time, as many as fit if the rest are as large as the
        largest so far.
        """
        count, room = _READ_FIRST, n_bytes - sum(entry.n_bytes for entry in taken)
        while len(taken) < n_entries and room > 0:
            wanted = min(count, n_entries - len(taken))
            read = self._new(consumer, wanted)
            taken += read
            if len(read) < wanted:
                break
            room -= sum(entry.n_bytes for entry in read)
            count = max(1, min(count * 8, room // max(1, *(entry.n_bytes for entry in read))))
        return taken

    def wait(self, consumer: str, n_entries: int, n_bytes: int, seconds: float) -> list[Entry]:
        """A batch of new entries as soon as there is one, or none within the time."""
        first = self._new(consumer, 1, max(1, int(seconds * 1000)))
        return self._read_new(consumer, first, n_entries, n_bytes) if first else []

    def _new(self, consumer: str, count: int, block: int | None = None) -> list[Entry]:
        read = self.connection.xreadgroup(GROUP, consumer, {self.keys.inbox: ">"}, count=count, block=block)
        return [_entry(entry_id, fields, 1) for _, entries in read or [] for entry_id, fields in entries]

    def done(self, unit: Unit, entry: Entry) -> None:
        """Adds to a unit that the entry has been dealt with."""
        unit.gather("XACK", self.keys.inbox, GROUP, words=[entry.entry_id])
        unit.gather("XDEL", self.keys.inbox, words=[entry.entry_id])

    def settle(self, unit: Unit, entries: Sequence[Entry]) -> None:
        """Adds to a unit that entries have been dealt with, guarded by nobody having done so yet."""
        for entry in entries:
            unit.expect("XRANGE", self.keys.inbox, entry.entry_id, entry.entry_id, reply=b"1")
            self.done(unit, entry)

    def first_held(self, besides: Collection[bytes]) -> StreamId | None:
        """The earliest entry that was delivered and not dealt with yet, other than these."""
        held = self.connection.xpending_range(self.keys.inbox, GROUP, "-", "+", len(besides) + 1)
        return next((stream_id(one["message_id"]) for one in held if one["message_id"] not in besides), None)

    def present(self, entries: Sequence[Entry]) -> set[bytes]:
        """The ids of those entries that are still in the inbox."""
        pipeline = self.connection.pipeline(transaction=False)
        for entry in entries:
            pipeline.xrange(self.keys.inbox, entry.entry_id, entry.entry_id)
        return {reply[0][0] for reply in pipeline.execute() if reply}

    def let_go(self, entry_ids: Iterable[bytes]) -> None:
        """Ends the holding of entries that are not in the inbox any more."""
        unit = Unit()
        unit.gather("XACK", self.keys.inbox, GROUP, words=list(entry_ids))
        commit(self.connection, [unit])

    def scan(self) -> Iterator[tuple[bytes, bytes]]:
        """All entries as they come, dealt with by nobody yet, with their payloads (b"" for none)."""
        start = "-"
        while entries := self.connection.xrange(self.keys.inbox, start, count=_SCANNED_TOGETHER):
            for entry_id, fields in entries:
                yield entry_id, fields.get(b"json", b"")
            start = f"({entries[-1][0].decode()}"

    def take_out(self, entry_ids: Sequence[bytes]) -> None:
        """Takes entries out of the inbox undone. A worker that holds one finds that at its commit."""
        self.connection.xdel(self.keys.inbox, *entry_ids)

    def is_held(self, entry_id: bytes, seconds: float) -> bool:
        """Whether a consumer has held an entry for less than this time: one that holds it longer is taken for dead."""
        held = self.connection.xpending_range(self.keys.inbox, GROUP, entry_id, entry_id, 1)
        return bool(held) and held[0]["time_since_delivered"] < seconds * 1000

    def wipe(self) -> bool:
        """Has nothing left in the server of entries that were dealt with or taken out; False where too much waits."""
        if is_too_large(self.connection, self.keys.inbox):
            return False
        rebuild(self.connection, self.keys, self.keys.inbox)
        return True

    def n_waiting(self) -> int:
        """Articles pushed and not yet dealt with."""
        return int(self.connection.xlen(self.keys.inbox))

    def forget_idle_consumers(self, idle_seconds: float) -> None:
        """Drops consumers that have held nothing and asked for nothing for a while: their processes are gone."""
        for consumer in self.connection.xinfo_consumers(self.keys.inbox, GROUP):
            if not consumer["pending"] and consumer["idle"] > idle_seconds * 1000:
                self.connection.xgroup_delconsumer(self.keys.inbox, GROUP, consumer["name"])


def _entry(entry_id: bytes, fields: Mapping[bytes, bytes], deliveries: int) -> Entry:
    return Entry(entry_id, fields.get(b"json"), deliveries, sum(map(len, fields.values())))


def _pairs(flat: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
    return zip(flat[::2], flat[1::2], strict=True)
