"""A large window is clustered anew in pieces, by every process that takes part.

1. The holder of the lease begins it, takes it from one stage to the next, and ends it; runs go on meanwhile as before.
2. A piece is a block of families whose neighbours are looked for, or a part of the window that is merged and told
   apart. Who claims it works on it; what comes of it depends on the plan alone.
3. Who begins, works or ends may be killed at any moment: a piece that was not told as done is claimed again, and a
   holder that comes finds the plan.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from dedup.kept import N_PLACES, Head, ToldPart, heads_of, pack_rows, told_then
from dedup.living import Living
from dedup.pipeline import Background, Params, Telling
from dedup.rebuilding import Neighbours, tell_part
from worker.service.window import load_tellings
from worker.store.commit import Unit, commit
from worker.store.rebuild import Plan
from worker.store.store import Store

BLOCK_FAMILIES: Final = 8_000
"""Families in a block, and articles in a part: each is a matter of seconds."""
HELP_SECONDS: Final = 40.0
"""How long who was asked to help begins new pieces: what is laid out for one serves the next."""


@dataclass(frozen=True, slots=True, eq=False)
class Rebuilt:
    """A window clustered anew, as it was planned, and the generation under which its rows are kept."""

    living: Living
    generation: str


@dataclass(slots=True)
class _Begun:
    """What a process keeps while it works on one plan: the first `n_blocks` blocks are laid out in `neighbours`."""

    generation: str
    background: Background
    neighbours: Neighbours
    n_blocks: int = 0


@dataclass(slots=True)
class Rebuilder:
    """One process's part in it. `ask` tells other processes that there are so many pieces. `known`: what families tell,
    as far as that need not be loaded; `begun`: what it keeps from piece to piece.
    """

    store: Store
    params: Params
    name: str
    ask: Callable[[int], None] = lambda _: None
    known: Mapping[str, Telling] = field(default_factory=dict)
    begun: _Begun | None = None

    def help(self, seconds: float = HELP_SECONDS) -> int:
        """Works on the stage in work, as long as it has pieces that nobody is at; how many this process did."""
        try:
            return self._work(seconds)
        finally:
            self.begun = None

    def _work(self, seconds: float) -> int:
        plan, until, n_done = self.store.rebuild.plan(), time.monotonic() + seconds, 0
        while plan is not None and time.monotonic() < until and self._do_one(plan):
            n_done += 1
        return n_done

    def begin(self, background: Background, unit: Unit, now: float) -> None:
        """Plans to cluster the known families by this background; `unit` holds what lets the plan through."""
        heads = list(zip(self.known, heads_of(list(self.known.values()), range(len(self.known))), strict=True))
        blocks = [dict(heads[i : i + BLOCK_FAMILIES]) for i in range(0, len(heads), BLOCK_FAMILIES)]
        self.store.rebuild.begin(unit, background, blocks, now)
        commit(self.store.connection, [unit])

    def advance(self, guarded: Callable[[], Unit], seconds: float) -> Rebuilt | None:
        """Goes on with what was planned for so long; the window once all is done. `guarded` makes units that hold what
        lets another stage begin.
        """
        until = time.monotonic() + seconds
        while (plan := self.store.rebuild.plan()) is not None:
            self.ask(len(self.store.rebuild.undone(plan)))
            self._work(until - time.monotonic())
            if self.store.rebuild.undone(plan):
                return None
            self.begun = None
            if plan.stage == "stories":
                return self._ended(plan)
            if not self._split(plan, guarded()):
                return None
        return None

    def forget(self) -> None:
        """Keeps nothing of the window: somebody else holds the lease, or it is clustered."""
        self.known, self.begun = {}, None

    def _do_one(self, plan: Plan) -> bool:
        """Does one piece that is neither done nor claimed, if there is any."""
        for number in self.store.rebuild.undone(plan):
            if self.store.rebuild.claim(plan, number, self.name):
                begun = self._current(plan)
                if begun is not None:
                    work = self._compare if plan.stage == "neighbours" else self._tell_part
                    commit(self.store.connection, [work(plan, number, begun)])
                return begun is not None
        return False

    def _current(self, plan: Plan) -> _Begun | None:
        """What this process keeps of the plan; None where that is over."""
        if self.begun is None or self.begun.generation != plan.generation:
            background = self.store.rebuild.background(self.params)
            if background is None:
                return None
            self.begun = _Begun(plan.generation, background, Neighbours(background, self.params))
        return self.begun

    def _compare(self, plan: Plan, number: int, begun: _Begun) -> Unit:
        """Finds the neighbours of a block's families."""
        block, unit = self._lay_out(number, begun), Unit()
        n = begun.neighbours.n
        pairs = begun.neighbours.find(n - len(block))
        rows = pack_rows(list(block.values()), np.arange(n), n - len(block), pairs)
        self.store.rebuild.done(unit, plan, number, b"")
        self.store.living.put_rows(unit, plan.generation, dict(zip(block, rows, strict=True)))
        return unit

    def _lay_out(self, number: int, begun: _Begun) -> dict[str, Head]:
        """Lays out a block's families after all those before it, and nobody after them; that block."""
        if begun.n_blocks > number:
            begun.neighbours, begun.n_blocks = Neighbours(begun.background, self.params), 0
        block: dict[str, Head] = {}
        while begun.n_blocks <= number:
            block = self.store.rebuild.block(begun.n_blocks)
            begun.neighbours.add(self._tellings(block))
            begun.n_blocks += 1
        return block

    def _tell_part(self, plan: Plan, number: int, begun: _Begun) -> Unit:
        """Merges a part of the window and tells its events apart."""
        (part, families), unit = self.store.rebuild.part(number), Unit()
        told = tell_part(part, self._tellings(families), begun.background, self.params)
        self.store.rebuild.done(unit, plan, number, told.to_bytes())
        return unit

    def _tellings(self, families: Mapping[str, Head]) -> list[Telling]:
        """What these families told when all was planned."""
        missing = [name for name in families if name not in self.known]
        now = {**self.known, **load_tellings(self.store, missing)} if missing else self.known
        return list(told_then(families, now).values())

    def _connected(self, plan: Plan) -> tuple[Living, dict[str, Head]] | None:
        """The window as it was planned, of which only the neighbours are known, and its families; None where the plan
        is over, or a server that was killed has lost what came of a piece.
        """
        background = self.store.rebuild.background(self.params)
        heads, pairs = self.store.living.rows(plan.generation)
        if background is None or len(heads) != plan.n_families:
            return None
        living = Living.empty(background, self.params)
        living.connect(heads, pairs, self.known)
        return living, heads

    def _split(self, plan: Plan, unit: Unit) -> bool:
        """Begins the second stage."""
        connected = self._connected(plan)
        if connected is None:
            return False
        living, heads = connected
        named = list(heads.items())
        parts = [(part, dict(named[i] for i in part.serials.tolist())) for part in living.split(BLOCK_FAMILIES)]
        self.store.rebuild.go_on(unit, plan, parts)
        return commit(self.store.connection, [unit])[0]

    def _ended(self, plan: Plan) -> Rebuilt | None:
        """The window with the stories that were found."""
        connected, results = self._connected(plan), self.store.rebuild.results("stories")
        if connected is None or len(results) != plan.n_pieces:
            return None
        living, places, n_told = connected[0], np.zeros((plan.n_families, N_PLACES), np.int64), 0
        for number, packed in sorted(results.items()):
            part, _ = self.store.rebuild.part(number)
            told = ToldPart.from_bytes(packed)
            stories, events = told.stories + n_told, told.events + n_told
            places[part.serials] = np.column_stack([part.cores, stories, events, events])
            living.known.learn(told.known.keys, told.known.scores)
            n_told += len(part.serials)
        living.known.settle()
        living.resume(places, 0)
        living.settle()
        return Rebuilt(living, plan.generation)
