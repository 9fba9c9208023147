"""The buckets of all contents, as each worker holds them in memory.

The server keeps contents; which of them share a key follows from their signatures and anchors alone. So nobody writes
buckets: a worker makes them of the contents, once when it begins and then of each that is new. Contents are numbered
in order, so all that it has to know is up to which number it knows them, in which run of the server, and since which
beginning of the numbers. What an expired article has left in here is found gone when it is asked for, and dropped from
time to time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup.buckets import Buckets
from dedup.family import Content
from dedup.lsh import MAX_ANCHOR_BUCKET, MAX_BUCKET, LshParams
from dedup.pipeline import Prepared, content_keys
from worker.store.connection import Connection, script
from worker.store.keys import N_SHARDS, Keys
from worker.store.records import unpack_content

MOST_MISSED: Final = 1_024
"""Contents of other workers that come with the answer to an admission; more are read before it."""
_READ_TOGETHER: Final = 2_000
_DROPPED_FROM: Final = 1_000_000
"""Entries at which it is first asked which contents are gone, and then whenever there are half as many again."""


@dataclass(slots=True)
class Mirror:
    """The buckets under one prefix. `known_to` is the last number it knows the contents up to, `server` the run of the
    server and `begun` the beginning of the numbers that this holds for ("" before anything is known).
    """

    connection: Connection
    keys: Keys
    lsh: LshParams
    known_to: int = 0
    server: str = ""
    begun: bytes = b""
    is_alone: bool = False
    """Whether nobody else had admitted anything when it was last told: then that is not asked for before an admission,
    which tells it as well."""
    is_disturbed: bool = False
    """Whether others admitted something between its last look-up and admission: then the next batch is admitted in one
    call, which gives them less occasion to."""
    _buckets: Buckets = field(default_factory=Buckets)
    _dropped_at: int = _DROPPED_FROM

    def refresh(self) -> None:
        """Learns of what has been admitted since it last did; makes itself anew where the numbers are others."""
        names = [self.keys.private("contents"), self.keys.private("contents-begun")]
        run, last, begun = script(self.connection, "numbers")(keys=names)
        server = run.decode()
        if (server, begun) != (self.server, self.begun) or not self.known_to <= last:
            self._buckets, self._dropped_at, self.known_to = Buckets(), _DROPPED_FROM, 0
            self.server, self.begun = server, begun
        if last - self.known_to > MOST_MISSED:
            self._read(n for n in self._living().tolist() if self.known_to < n <= last)
        elif last > self.known_to:
            self._read(range(self.known_to + 1, last + 1))
        self.is_alone = last == self.known_to
        self.known_to = last

    def find(self, keys: Sequence[NDArray[np.uint64]]) -> list[tuple[int, ...]]:
        """The contents that share a key with each of these texts, as far as is known."""
        return self.find_in(self._buckets, keys)

    def find_in(self, buckets: Buckets, keys: Sequence[NDArray[np.uint64]]) -> list[tuple[int, ...]]:
        """The same in other buckets than these."""
        return buckets.find(keys, self.lsh.bands, (MAX_BUCKET, MAX_ANCHOR_BUCKET))

    def learn(self, missed: Sequence[Content], admitted: Sequence[tuple[int, Prepared]], last: int) -> None:
        """Adds contents that others and this worker have admitted, the latter's numbers in order; `last` is the last
        number there is.
        """
        self._add(missed)
        self._buckets.add([number for number, _ in admitted], [one.keys for _, one in admitted])
        self.known_to = last
        if len(self._buckets) > self._dropped_at:
            self._buckets.keep(self._living())
            self._dropped_at = max(_DROPPED_FROM, len(self._buckets) * 3 // 2)

    def keys_of(self, contents: Sequence[Content]) -> list[NDArray[np.uint64]]:
        """The keys of contents; those without words have none."""
        if not contents:
            return []
        keys = content_keys(np.stack([one.signature for one in contents]), [one.extract for one in contents], self.lsh)
        return [own if one.n_words else own[:0] for one, own in zip(contents, keys, strict=True)]

    def _add(self, contents: Sequence[Content]) -> None:
        self._buckets.add([one.number for one in contents], self.keys_of(contents))

    def _read(self, numbers: Iterable[int]) -> None:
        """Adds the contents with these numbers that are still kept, in order."""
        wanted = list(numbers)
        for start in range(0, len(wanted), _READ_TOGETHER):
            part = wanted[start : start + _READ_TOGETHER]
            packed = self.connection.mget([f"{self.keys.index}content:{number}" for number in part])
            self._add([unpack_content(number, one) for number, one in zip(part, packed, strict=True) if one])

    def _living(self) -> NDArray[np.uint32]:
        """The numbers of all contents that are kept, ascending."""
        pipeline = self.connection.pipeline(transaction=False)
        for shard in range(N_SHARDS):
            pipeline.hvals(f"{self.keys.index}hash:{shard}")
        return np.sort(np.frombuffer(b"".join(number for own in pipeline.execute() for number in own), "<u4"))
