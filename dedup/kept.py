"""What is kept of the clustering of a window that moves, so that another process goes on where one stopped.

A family has a row, which is written once, when it comes into the window: what it told, and who of those before it is
like it. Its places, in which groups it is, change with these.

Interface: `pack_rows` and `pack_places` for what a `living.Living` holds, `read_rows` and `read_places` for what was
packed; `Part` for what is worked on where a window is clustered anew in pieces, and `ToldPart` for what comes of it.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dedup.errors import DedupError
from dedup.graph import Pairs
from dedup.groups import Scored
from dedup.known import Known
from dedup.pipeline import Telling
from dedup.terms import NO_TERMS, pack_terms

N_PLACES: Final = 4
"""Core, story, event and label."""
_HEADER: Final = struct.Struct("<I8sd")
_SIZES: Final = struct.Struct("<II")
_PAIR: Final = np.dtype([("other", "<u4"), ("similarity", "<f8"), ("kept", "u1")])
_THERE, _BACK, _ENOUGH = np.uint8(1), np.uint8(2), np.uint8(4)


class KeptError(DedupError):
    """Bytes that are no row or no places of a family."""


@dataclass(frozen=True, slots=True)
class Head:
    """What is kept of a family by itself: its serial, the digest of its telling, and when that was published (Unix
    seconds or None).
    """

    serial: int
    digest: bytes
    published_at: float | None

    def to_bytes(self) -> bytes:
        """20 bytes."""
        return _HEADER.pack(self.serial, self.digest, math.nan if self.published_at is None else self.published_at)

    @classmethod
    def from_bytes(cls, packed: bytes) -> Head:
        """That with which these bytes begin."""
        serial, digest, published_at = _HEADER.unpack_from(packed)
        return cls(serial, digest, None if math.isnan(published_at) else published_at)


def heads_of(tellings: Sequence[Telling], serials: Sequence[int]) -> list[Head]:
    """The heads of families that tell this."""
    return [
        Head(serial, digest, one.published_at)
        for serial, digest, one in zip(serials, _digests(tellings), tellings, strict=True)
    ]


def told_then(heads: Mapping[str, Head], now: Mapping[str, Telling]) -> dict[str, Telling]:
    """What families told, as far as they tell the same now; others nothing, at the time of then."""
    known = {name: now[name] for name in heads if name in now}
    digests = dict(zip(known, _digests(list(known.values())), strict=True))
    return {
        name: known[name] if digests.get(name) == head.digest else Telling(NO_TERMS, head.published_at)
        for name, head in heads.items()
    }


def _digests(tellings: Sequence[Telling]) -> list[bytes]:
    """Eight bytes of each by which it is seen that a family tells the same as before."""
    times = [struct.pack("<d", math.nan if one.published_at is None else one.published_at) for one in tellings]
    packed = pack_terms([one.terms for one in tellings])
    return [blake2b(time + terms, digest_size=8).digest() for time, terms in zip(times, packed, strict=True)]


def pack_rows(heads: Sequence[Head], serials: NDArray[np.int64], first: int, pairs: Pairs) -> list[bytes]:
    """The rows of the families numbered from `first` on, whose heads these are: 13 bytes more a neighbour.

    `serials` are those of all families by number (int64), `pairs` the ones in which these families are the later.
    """
    left, right = pairs.left.astype(np.int64), pairs.right.astype(np.int64)
    owner, other = np.maximum(left, right), np.minimum(left, right)
    keys, places, inverse = np.unique(owner << 32 | other, return_index=True, return_inverse=True)
    packed = np.zeros(len(keys), _PAIR)
    packed["other"], packed["similarity"] = serials[keys & 0xFFFFFFFF], pairs.similarity[places]
    packed["kept"] = np.where(pairs.is_enough[places], _ENOUGH, 0)
    np.bitwise_or.at(packed["kept"], inverse, np.where(left == owner, _THERE, _BACK))
    cuts = np.searchsorted(keys >> 32, np.arange(first, first + len(heads) + 1)).tolist()
    return [head.to_bytes() + packed[cuts[i] : cuts[i + 1]].tobytes() for i, head in enumerate(heads)]


def pack_places(places: NDArray[np.int64]) -> list[bytes]:
    """The places of families: 16 bytes each."""
    return [row.tobytes() for row in places.astype("<i4")]


def read_rows(rows: Mapping[str, bytes]) -> tuple[dict[str, Head], Pairs]:
    """The heads of families in the order of their serials, which is that in which they came, and their pairs by place
    in this order. Raises `KeptError` for other bytes.
    """
    heads = dict(sorted(((name, _head(name, row)) for name, row in rows.items()), key=lambda item: item[1].serial))
    return heads, _pairs([rows[name][_HEADER.size :] for name in heads], serials_of(heads.values()))


def read_places(places: Iterable[bytes]) -> NDArray[np.int64]:
    """The places of families: shape (n, `N_PLACES`). Raises `KeptError` for other bytes."""
    packed = list(places)
    if any(len(one) != 4 * N_PLACES for one in packed):
        raise KeptError(f"the places of a family do not have {4 * N_PLACES} bytes")
    return np.frombuffer(b"".join(packed), "<i4").astype(np.int64).reshape(-1, N_PLACES)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Articles that can be merged and told apart by themselves: their `serials` and the numbers of their `cores`
    (int64), and which cores are neighbours, with their scores.
    """

    serials: NDArray[np.int64]
    cores: NDArray[np.int64]
    ties: Scored

    def to_bytes(self) -> bytes:
        """8 bytes of header, 8 an article and 16 a pair of cores."""
        own = np.stack([self.serials, self.cores]).astype("<u4")
        tied = np.stack([self.ties.left, self.ties.right]).astype("<u4")
        header = _SIZES.pack(len(self.serials), len(self.ties.left))
        return header + own.tobytes() + tied.tobytes() + self.ties.scores.astype("<f8").tobytes()

    @classmethod
    def from_bytes(cls, packed: bytes) -> Part:
        """The part that `to_bytes` packed. Raises `KeptError` for other bytes."""
        n, n_ties = _SIZES.unpack_from(packed) if len(packed) >= _SIZES.size else (0, 0)
        if len(packed) != _SIZES.size + 8 * n + 16 * n_ties:
            raise KeptError(f"a part of {n} articles and {n_ties} pairs of cores does not have {len(packed)} bytes")
        words = np.frombuffer(packed, "<u4", 2 * (n + n_ties), _SIZES.size).astype(np.int64)
        scores = np.frombuffer(packed, "<f8", n_ties, _SIZES.size + 8 * (n + n_ties)).astype(np.float64)
        left, right = words[2 * n : 2 * n + n_ties], words[2 * n + n_ties :]
        return cls(words[:n], words[n : 2 * n], Scored(left, right, scores))


@dataclass(frozen=True, slots=True, eq=False)
class ToldPart:
    """What came of a part: the `stories` that its articles make and the `events` that they tell, both from 0 on, and
    what groups of its cores scored on the way, so that whoever goes on need not score them again.
    """

    stories: NDArray[np.int64]
    events: NDArray[np.int64]
    known: Known

    def to_bytes(self) -> bytes:
        """8 bytes of header, 8 an article and 16 a score."""
        header = _SIZES.pack(len(self.stories), len(self.known.keys))
        told = np.stack([self.stories, self.events]).astype("<u4")
        return (
            header
            + told.tobytes()
            + self.known.keys.astype("<u8").tobytes()
            + self.known.scores.astype("<f8").tobytes()
        )

    @classmethod
    def from_bytes(cls, packed: bytes) -> ToldPart:
        """What `to_bytes` packed. Raises `KeptError` for other bytes."""
        n, n_known = _SIZES.unpack_from(packed) if len(packed) >= _SIZES.size else (0, 0)
        if len(packed) != _SIZES.size + 8 * n + 16 * n_known:
            raise KeptError(f"what {n} articles tell, with {n_known} scores, does not have {len(packed)} bytes")
        stories, events = np.frombuffer(packed, "<u4", 2 * n, _SIZES.size).astype(np.int64).reshape(2, n)
        keys = np.frombuffer(packed, "<u8", n_known, _SIZES.size + 8 * n).astype(np.uint64)
        scores = np.frombuffer(packed, "<f8", n_known, _SIZES.size + 8 * (n + n_known)).astype(np.float64)
        known = Known()
        known.learn(keys, scores)
        known.settle()
        return cls(stories, events, known)


NO_PART: Final = Part(np.zeros(0, np.int64), np.zeros(0, np.int64), Scored.of_all([]))
"""Of no articles."""


def serials_of(heads: Iterable[Head]) -> NDArray[np.int64]:
    """The serials of these: int64."""
    return np.array([head.serial for head in heads], np.int64)


def _head(name: str, row: bytes) -> Head:
    if len(row) < _HEADER.size or (len(row) - _HEADER.size) % _PAIR.itemsize:
        raise KeptError(f"the row of family {name} has {len(row)} bytes")
    return Head.from_bytes(row)


def _pairs(parts: Sequence[bytes], serials: NDArray[np.int64]) -> Pairs:
    """The pairs of all rows; those with a family that is not kept any more are left out."""
    packed: NDArray[Any] = np.frombuffer(b"".join(parts), _PAIR)
    owner = np.repeat(np.arange(len(parts)), [len(part) // _PAIR.itemsize for part in parts])
    other = np.minimum(np.searchsorted(serials, packed["other"]), max(len(serials) - 1, 0))
    known = np.flatnonzero(serials[other] == packed["other"]) if len(serials) else np.zeros(0, np.int64)
    packed = packed[known]
    one, two = np.asarray(owner[known], np.int32), np.asarray(other[known], np.int32)
    enough, similarity = (packed["kept"] & _ENOUGH) > 0, packed["similarity"].astype(np.float64)
    there, back = (packed["kept"] & _THERE) > 0, (packed["kept"] & _BACK) > 0
    ahead, after = Pairs(one, two, similarity, enough), Pairs(two, one, similarity, enough)
    return Pairs.of([ahead.at(there), after.at(back)])
