"""Conditional writes: commands that are applied together, and only if what they rest on is still so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

import msgpack

from worker.store.connection import Connection, script

Word = str | bytes | int | float
Words = Sequence[Word]
Fields = Mapping[str, Word]


@dataclass(slots=True)
class Unit:
    """Guards and commands that stand or fall together.

    A guard is a reading command and the reply it must give (None: no value); the last one may write, if it writes
    nothing where it gives another reply. What is written is seen by readers all at once. Commands are carried out in
    order; those that were gathered at the end, once for all units of one call.

    Both are kept as the script reads them, one after the other in a flat list: of a guard the number of its words, the
    reply, and the words; of a command the number of its words, and the words.
    """

    _n_guards: int = 0
    _guards: list[Word] = field(default_factory=list)
    _n_commands: int = 0
    _commands: list[Word] = field(default_factory=list)
    _gathered: list[tuple[tuple[Word, ...], Words]] = field(default_factory=list)

    def writes_nothing(self) -> bool:
        return not (self._commands or self._gathered)

    def expect(self, *command: Word, reply: bytes | None) -> None:
        self._n_guards += 1
        self._guards += (len(command), reply is not None and reply, *command)

    def do(self, *command: Word) -> None:
        self._n_commands += 1
        self._commands += (len(command), *command)

    def gather(self, *head: Word, words: Words) -> None:
        """A command of any number of arguments, carried out once for all that were gathered under one head: what many
        units write to one key.
        """
        self._gathered.append((head, words))

    def put(self, key: str, fields: Fields) -> None:
        """HSET of several fields."""
        self._n_commands += 1
        self._commands += (2 + 2 * len(fields), "HSET", key, *chain.from_iterable(fields.items()))

    def if_scored(self, index: str, member: str, score: float, *command: Word) -> None:
        """A command that is carried out only if a sorted set has this member with this very score."""
        self.do("IFSCORED", index, member, score, *command)

    def add_scored(self, key: str, members: Mapping[str, float]) -> None:
        """ZADD of any number of members."""
        self.gather("ZADD", key, words=[word for member, score in members.items() for word in (score, member)])

    def absorb(self, other: Unit) -> None:
        """Makes another unit's guards and commands part of this one."""
        self._n_guards += other._n_guards
        self._guards += other._guards
        self._n_commands += other._n_commands
        self._commands += other._commands
        self._gathered += other._gathered

    def laid_out(self, heads: dict[tuple[Word, ...], int]) -> list[Word]:
        """The unit as the script reads it; `heads` are the places of the beginnings of gathered commands, and get those
        that are not among them yet.
        """
        flat = [self._n_guards, *self._guards, self._n_commands, *self._commands]
        for head, words in self._gathered:
            flat += heads.setdefault(head, len(heads) + 1), len(words), *words
        return flat


def commit(connection: Connection, units: Sequence[Unit], server: str = "") -> list[bool]:
    """Applies each unit whose guards hold, all in one call, and says which were applied.

    `server` is the run of the server that they were decided on (`server_run`). A server that was killed may come back
    without the last second of what it told, numbers it gave out among it: what was decided before is then not applied.
    """
    if all(unit.writes_nothing() for unit in units):
        return [True] * len(units)
    heads: dict[tuple[Word, ...], int] = {}
    pack = msgpack.Packer(use_bin_type=False).pack
    packed = [pack(unit.laid_out(heads)) for unit in units]
    applied = script(connection, "commit")(args=[server, pack(list(heads)), *packed])
    return [bool(done) for done in applied]
