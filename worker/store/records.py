"""How private records are packed: little endian, fixed fields first, no pickle."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import zstandard

from dedup.containment import Extract
from dedup.family import Content, Edge
from dedup.pipeline import Prepared
from dedup.shingle import packed_arrays
from worker.store.inbox import StreamId

_ARTICLE: Final = struct.Struct("<IQIQIdII")
_CONTENT_NUMBER: Final = struct.Struct("<I")
_CONTENT: Final = struct.Struct("<16sIHH")
_STATE: Final = struct.Struct("<BQ")
_GROUP: Final = struct.Struct("<II")
OWN_GROUPS: Final = 1 << 52
"""With the number of a content: the name of its own group, as it is admitted."""
_EDGE: Final = struct.Struct("<IIff")


class ArticleRecord(NamedTuple):
    """What is kept of an article for the work itself.

    `content`: the number of its text. `seen_at`: its first arrival; `pushed_at`: the arrival of the push it now
    stands for. `published_at`: Unix seconds or None. `source`: by `dedup.family.source_key`.
    """

    content: int
    seen_at: StreamId
    pushed_at: StreamId
    published_at: float | None
    revision: int
    source: int

    def pack(self) -> bytes:
        published = math.nan if self.published_at is None else self.published_at
        return _ARTICLE.pack(self.content, *self.seen_at, *self.pushed_at, published, self.revision, self.source)

    def pack_rest(self) -> bytes:
        """The record without the number of its content, which comes first."""
        return self.pack()[_CONTENT_NUMBER.size :]

    @classmethod
    def unpack(cls, packed: bytes) -> ArticleRecord:
        content, seen_ms, seen_n, pushed_ms, pushed_n, published, revision, source = _ARTICLE.unpack(packed)
        dated = None if math.isnan(published) else published
        return cls(content, (seen_ms, seen_n), (pushed_ms, pushed_n), dated, revision, source)


def record_of(content: int, rest: bytes) -> bytes:
    """A packed article record, of the number of its content and what `ArticleRecord.pack_rest` made of the rest."""
    return _CONTENT_NUMBER.pack(content) + rest


class ContentState(NamedTuple):
    """Where a content stands: `admitted` once an article of it has been, `group` names the contents it is
    connected with (a new number with every change of them), `families` are the ids of the families its articles are
    in: one, unless corrections keep some of them apart.
    """

    admitted: bool
    group: int
    families: tuple[str, ...]

    def pack(self) -> bytes:
        return _STATE.pack(self.admitted, self.group) + " ".join(self.families).encode()

    def is_alone(self, number: int) -> bool:
        """Whether this is the group that a content is in by itself, before anything is known of it."""
        return self.group == OWN_GROUPS + number

    @classmethod
    def unpack(cls, packed: bytes) -> ContentState:
        admitted, group = _STATE.unpack_from(packed)
        return cls(bool(admitted), group, tuple(packed[_STATE.size :].decode().split()))


class ContentGroup(NamedTuple):
    """Contents connected by verified edges, or by corrections of their articles."""

    contents: tuple[int, ...]
    edges: tuple[Edge, ...]

    def pack(self) -> bytes:
        numbers = struct.pack(f"<{len(self.contents)}I", *self.contents)
        edges = (_EDGE.pack(edge.one, edge.other, edge.jaccard, edge.containment) for edge in self.edges)
        return b"".join((_GROUP.pack(len(self.contents), len(self.edges)), numbers, *edges))

    @classmethod
    def unpack(cls, packed: bytes) -> ContentGroup:
        n_contents, n_edges = _GROUP.unpack_from(packed)
        numbers = struct.unpack_from(f"<{n_contents}I", packed, _GROUP.size)
        end = _GROUP.size + _CONTENT_NUMBER.size * n_contents
        edges = _EDGE.iter_unpack(packed[end : end + _EDGE.size * n_edges])
        return cls(numbers, tuple(Edge(*edge) for edge in edges))


def pack_contents(contents: Sequence[Content | Prepared]) -> list[bytes]:
    """Hash, length, signature, anchors and sample of each content (its number is in the key)."""
    signatures = packed_arrays([one.signature for one in contents], "<u2")
    anchors = packed_arrays([one.extract.anchors for one in contents], "<u4")
    samples = packed_arrays([one.extract.sample for one in contents], "<u2")
    return [
        _CONTENT.pack(one.content_hash, one.n_words, len(signature) // 2, len(own) // 4) + signature + own + sample
        for one, signature, own, sample in zip(contents, signatures, anchors, samples, strict=True)
    ]


def unpack_content(number: int, packed: bytes) -> Content:
    """The content that `pack_contents` packed."""
    content_hash, n_words, n_places, n_anchors = _CONTENT.unpack_from(packed)
    signature = np.frombuffer(packed, "<u2", n_places, _CONTENT.size)
    anchors = np.frombuffer(packed, "<u4", n_anchors, _CONTENT.size + signature.nbytes)
    sample = np.frombuffer(packed, "<u2", offset=_CONTENT.size + signature.nbytes + anchors.nbytes)
    return Content(number, content_hash, n_words, signature, Extract(anchors, sample))


def pack_texts(texts: Sequence[str]) -> list[bytes]:
    """Texts, each compressed."""
    compressor = zstandard.ZstdCompressor(level=1)
    return [compressor.compress(text.encode(errors="surrogatepass")) for text in texts]


def unpack_text(packed: bytes) -> str:
    """The text that `pack_texts` packed."""
    return zstandard.ZstdDecompressor().decompress(packed).decode(errors="surrogatepass")
