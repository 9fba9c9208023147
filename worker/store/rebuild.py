"""A large window that is being clustered anew: what is to be done, who is at which piece, and what came of those that
are done.

It is begun and ended by the holder of the lease; its pieces are worked on by whoever claims them. A claim runs out, and
a piece that is done twice comes out the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import msgpack

from dedup.kept import NO_PART, Head, Part
from dedup.pipeline import Background, Params
from worker.store.commit import Unit
from worker.store.connection import Connection
from worker.store.keys import Keys
from worker.store.living import KeptLiving, pack_background, read_background

StageName = Literal["neighbours", "stories"]
CLAIM_SECONDS: Final = 20
"""A piece takes seconds; who has not ended it by then is taken for dead. If it lives, the piece is done twice."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is being done: the generation that it makes, the stage in work, how many pieces that has, of how many
    families all is, and when it began (Unix seconds).
    """

    generation: str
    stage: StageName
    n_pieces: int
    n_families: int
    began: float


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: the stage in work, how many of its pieces are done, and when all of it began (Unix seconds)."""

    stage: StageName
    done: int
    total: int
    began: float


@dataclass(frozen=True, slots=True)
class Rebuild:
    """What is being clustered anew under one prefix."""

    connection: Connection
    keys: Keys

    def plan(self) -> Plan | None:
        """What is being done; None where nothing is."""
        names = ("generation", "stage", "pieces", "families", "began")
        generation, stage, n_pieces, n_families, began = self.connection.hmget(self._key, names)
        if generation is None:
            return None
        name: StageName = "stories" if stage == b"stories" else "neighbours"
        return Plan(generation.decode(), name, int(n_pieces), int(n_families), float(began))

    def progress(self) -> Progress | None:
        """How far it is; None where nothing is being done."""
        plan = self.plan()
        if plan is None:
            return None
        return Progress(plan.stage, plan.n_pieces - len(self.undone(plan)), plan.n_pieces, plan.began)

    def background(self, params: Params) -> Background | None:
        """By what the families are weighed."""
        return read_background(self.connection, self._key, params)

    def begin(self, unit: Unit, background: Background, blocks: Sequence[Mapping[str, Head]], began: float) -> None:
        """Plans it for these families, in blocks."""
        generation = str(self.connection.incr(self.keys.private("generations")))
        unit.expect("HGET", self._key, "generation", reply=None)
        unit.put(self._key, pack_background(background))
        unit.put(self._key, {"generation": generation, "stage": "neighbours", "began": began})
        unit.put(self._key, {"pieces": len(blocks), "families": sum(len(block) for block in blocks)})
        unit.put(self._pieces("neighbours"), {str(i): _packed(block) for i, block in enumerate(blocks)})

    def go_on(self, unit: Unit, plan: Plan, parts: Sequence[tuple[Part, Mapping[str, Head]]]) -> None:
        """All neighbours are found: plans the stories of these parts, each with its families."""
        self.guard(unit, plan)
        unit.put(self._key, {"stage": "stories", "pieces": len(parts)})
        packed = {str(i): msgpack.packb((part.to_bytes(), _packed(own))) for i, (part, own) in enumerate(parts)}
        unit.put(self._pieces("stories"), packed)

    def block(self, number: int) -> dict[str, Head]:
        """The families of one block, in order."""
        return _unpacked(self.connection.hget(self._pieces("neighbours"), str(number)) or _packed({}))

    def part(self, number: int) -> tuple[Part, dict[str, Head]]:
        """One part, and its families in order."""
        packed = self.connection.hget(self._pieces("stories"), str(number)) or _NOBODY
        part, families = msgpack.unpackb(packed)
        return Part.from_bytes(part), _unpacked(families)

    def undone(self, plan: Plan) -> list[int]:
        """The pieces of the stage that are not done yet."""
        done = {int(name) for name in self.connection.hkeys(self._done(plan.stage))}
        return [number for number in range(plan.n_pieces) if number not in done]

    def claim(self, plan: Plan, number: int, holder: str) -> bool:
        """Whether a piece is this holder's to work on."""
        return bool(self.connection.set(self._claim(plan, number), holder, nx=True, ex=CLAIM_SECONDS))

    def done(self, unit: Unit, plan: Plan, number: int, result: bytes) -> None:
        """A piece is done."""
        self.guard(unit, plan)
        unit.put(self._done(plan.stage), {str(number): result})
        unit.do("DEL", self._claim(plan, number))

    def results(self, stage: StageName) -> dict[int, bytes]:
        """What came of the pieces of a stage."""
        return {int(name): result for name, result in self.connection.hgetall(self._done(stage)).items()}

    def guard(self, unit: Unit, plan: Plan) -> None:
        """Lets a unit through only while this is what is being done."""
        unit.expect("HGET", self._key, "generation", reply=plan.generation.encode())
        unit.expect("HGET", self._key, "stage", reply=plan.stage.encode())

    def abandon(self, unit: Unit, living: KeptLiving) -> None:
        """Ends it, if anything is being done, and keeps nothing of it."""
        plan = self.plan()
        if plan is not None:
            self.guard(unit, plan)
            living.drop_rows(unit, plan.generation)
            self.end(unit)

    def end(self, unit: Unit) -> None:
        """It is done: what came of it is kept elsewhere."""
        stages: tuple[StageName, ...] = ("neighbours", "stories")
        inner = [key(stage) for stage in stages for key in (self._pieces, self._done)]
        unit.do("UNLINK", self._key, *inner)

    @property
    def _key(self) -> str:
        return self.keys.private("rebuild")

    def _pieces(self, stage: StageName) -> str:
        return self.keys.private(f"rebuild:{stage}")

    def _done(self, stage: StageName) -> str:
        return self.keys.private(f"rebuild:{stage}:done")

    def _claim(self, plan: Plan, number: int) -> str:
        return self.keys.private(f"rebuild:claim:{plan.generation}:{plan.stage}:{number}")


def _packed(families: Mapping[str, Head]) -> bytes:
    return bytes(msgpack.packb([(name, head.to_bytes()) for name, head in families.items()]))


def _unpacked(packed: bytes) -> dict[str, Head]:
    return {name: Head.from_bytes(head) for name, head in msgpack.unpackb(packed)}


_NOBODY: Final = bytes(msgpack.packb((NO_PART.to_bytes(), _packed({}))))
