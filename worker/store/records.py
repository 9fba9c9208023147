"""How private records are packed: little endian, fixed fields first, no pickle."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Final

import numpy as np

from dedup.family import Content, Edge
from worker.store.inbox import StreamId

_ARTICLE: Final = struct.Struct("<IQIQIdI")
_CONTENT: Final = struct.Struct("<16sI")
_STATE: Final = struct.Struct("<BQ")
_GROUP: Final = struct.Struct("<II")
_EDGE: Final = np.dtype([("one", "<u4"), ("other", "<u4"), ("jaccard", "<f4")])


@dataclass(frozen=True, slots=True)
class ArticleRecord:
    """What is kept of an article for the work itself.

    `content`: the number of its text. `seen_at`: its first arrival; `pushed_at`: the arrival of the push it now
    stands for. `published_at`: Unix seconds or None.
    """

    content: int
    seen_at: StreamId
    pushed_at: StreamId
    published_at: float | None
    revision: int

    def pack(self) -> bytes:
        published = math.nan if self.published_at is None else self.published_at
        return _ARTICLE.pack(self.content, *self.seen_at, *self.pushed_at, published, self.revision)

    @classmethod
    def unpack(cls, packed: bytes) -> ArticleRecord:
        content, seen_ms, seen_n, pushed_ms, pushed_n, published, revision = _ARTICLE.unpack(packed)
        dated = None if math.isnan(published) else published
        return cls(content, (seen_ms, seen_n), (pushed_ms, pushed_n), dated, revision)


@dataclass(frozen=True, slots=True)
class ContentState:
    """Where a content stands: `admitted` once an article of it has been, `group` names the contents it is
    connected with (a new number with every change of them), `family` is its family's id.
    """

    admitted: bool
    group: int
    family: str

    def pack(self) -> bytes:
        return _STATE.pack(self.admitted, self.group) + self.family.encode()

    @classmethod
    def unpack(cls, packed: bytes) -> ContentState:
        admitted, group = _STATE.unpack_from(packed)
        return cls(bool(admitted), group, packed[_STATE.size :].decode())


@dataclass(frozen=True, slots=True)
class ContentGroup:
    """Contents connected by verified edges."""

    contents: tuple[int, ...]
    edges: tuple[Edge, ...]

    def pack(self) -> bytes:
        edges = np.array([(edge.one, edge.other, edge.jaccard) for edge in self.edges], _EDGE)
        numbers = np.array(self.contents, "<u4")
        return _GROUP.pack(len(numbers), len(edges)) + numbers.tobytes() + edges.tobytes()

    @classmethod
    def unpack(cls, packed: bytes) -> ContentGroup:
        n_contents, n_edges = _GROUP.unpack_from(packed)
        numbers = np.frombuffer(packed, "<u4", n_contents, _GROUP.size)
        edges = np.frombuffer(packed, _EDGE, n_edges, _GROUP.size + numbers.nbytes)
        return cls(tuple(numbers.tolist()), tuple(Edge(*edge) for edge in edges.tolist()))


def pack_content(content: Content) -> bytes:
    """Hash, length and signature of a content (its number is in the key)."""
    return _CONTENT.pack(content.content_hash, content.n_words) + content.signature.astype("<u4").tobytes()


def unpack_content(number: int, packed: bytes) -> Content:
    """The content that `pack_content` packed."""
    content_hash, n_words = _CONTENT.unpack_from(packed)
    return Content(number, content_hash, n_words, np.frombuffer(packed, "<u4", offset=_CONTENT.size))
