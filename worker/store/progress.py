"""How far long work on the whole window is, for whoever asks meanwhile.

It is shown only while its teller holds the lease: where a holder dies, it is gone when the lease is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from worker.store.connection import Connection
from worker.store.keys import Keys
from worker.store.lease import Lease

_KEPT_SECONDS: Final = 3_600
"""What nobody has told of for so long is over, whoever has the lease."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The stage in work: `done` of `total` parts of the whole work are behind it, which began at `began` (Unix
    seconds).
    """

    stage: str
    done: int
    total: int
    began: float


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of one piece of work at a time under one prefix."""

    connection: Connection
    keys: Keys

    def tell(self, holder: str, told: Stage) -> None:
        """Replaces what has been told so far; `holder` is that of the lease."""
        fields = {"holder": holder, "stage": told.stage, "done": told.done, "total": told.total, "began": told.began}
        pipeline = self.connection.pipeline()
        pipeline.hset(self._key, mapping=fields)
        pipeline.expire(self._key, _KEPT_SECONDS)
        pipeline.execute()

    def end(self) -> None:
        """Nothing is in work any more."""
        self.connection.delete(self._key)

    def read(self) -> Stage | None:
        """How far the holder of the lease is; None where it works on nothing that takes long."""
        told = {name.decode(): value.decode() for name, value in self.connection.hgetall(self._key).items()}
        if not told or told["holder"] != Lease(self.connection, self.keys).holder():
            return None
        return Stage(told["stage"], int(told["done"]), int(told["total"]), float(told["began"]))

    @property
    def _key(self) -> str:
        return self.keys.private("progress")
