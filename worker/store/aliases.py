"""Retired ids: each resolves in one hop to the living one, for as long as its articles can be read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from worker.store.commit import Unit
from worker.store.connection import Connection
from worker.store.keys import Keys


@dataclass(frozen=True, slots=True)
class Aliases:
    """Aliases of families, stories and storylines under one prefix."""

    connection: Connection
    keys: Keys

    def retire(self, unit: Unit, retired: str, living: str, earlier: Iterable[str], seconds: float) -> None:
        """Makes `retired` and every id that resolved to it (`earlier`) resolve to `living`."""
        names = [retired, *earlier]
        for name in names:
            unit.do("SET", self.keys.alias(name), living, "EX", max(1, int(seconds)))
        unit.do("SADD", self.keys.aliased(living), *names)
        unit.do("EXPIRE", self.keys.aliased(living), max(1, int(seconds)))
        unit.do("DEL", self.keys.aliased(retired))

    def earlier(self, retired: Iterable[str]) -> dict[str, list[str]]:
        """The ids that resolve to each of these by now."""
        wanted = list(retired)
        pipeline = self.connection.pipeline(transaction=False)
        for name in wanted:
            pipeline.smembers(self.keys.aliased(name))
        replies = pipeline.execute() if wanted else []
        return {name: sorted(member.decode() for member in reply) for name, reply in zip(wanted, replies, strict=True)}

    def resolve(self, name: str) -> str:
        """The living id that a retired one leads to; the id itself where it is not retired."""
        living = self.connection.get(self.keys.alias(name))
        return living.decode() if living else name

    def taken(self, names: Iterable[str], key_of: Mapping[str, str]) -> set[str]:
        """Which of these ids are in use (`key_of` names the key of a living one) or retired."""
        wanted = list(names)
        pipeline = self.connection.pipeline(transaction=False)
        for name in wanted:
            pipeline.exists(key_of[name], self.keys.alias(name))
        replies = pipeline.execute() if wanted else []
        return {name for name, reply in zip(wanted, replies, strict=True) if reply}
