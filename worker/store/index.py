"""The near-duplicate index: contents, the buckets they are found in, and the groups they are connected in.

A content is looked up and inserted in one atomic call a batch. Everything decided from what that call returned is
committed under guards on the state of each content concerned, so of two workers that decide about one group at
the same moment the second starts over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dedup.family import Content
from dedup.lsh import MAX_ANCHOR_BUCKET, MAX_BUCKET, LshParams
from dedup.pipeline import Params, Prepared, content_keys
from worker.store.commit import Unit
from worker.store.connection import Connection, StoreError, script
from worker.store.keys import N_SHARDS, STATES_PER_HASH, Keys, shard
from worker.store.records import (
    ArticleRecord,
    ContentGroup,
    ContentState,
    pack_content,
    pack_texts,
    unpack_content,
    unpack_text,
)


@dataclass(frozen=True, slots=True)
class Admitted:
    """One article after look-up: its content's number, the article's record from before (None: never seen), and
    the contents that share a bucket with it (none where its content was known already).
    """

    prepared: Prepared
    number: int
    record: ArticleRecord | None
    candidates: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Admission:
    """A batch after look-up, every content it concerns with its state (None: not yet committed), and the run of the
    server that told them.
    """

    articles: tuple[Admitted, ...]
    contents: Mapping[int, Content]
    states: Mapping[int, ContentState | None]
    server: str


@dataclass(frozen=True, slots=True)
class Index:
    """The index under one prefix."""

    connection: Connection
    keys: Keys
    keep_text: bool = True
    n_bands: int = LshParams().bands

    def claim(self, fingerprint: str) -> None:
        """Makes sure that what is kept was made as this version makes it (`dedup.pipeline.fingerprint`).

        The first to come says how. Raises `StoreError` where another version has: signatures, keys and terms of the
        two cannot be compared, and families would fall apart without a word.
        """
        key = self.keys.private("fingerprint")
        kept = self.connection.get(key)
        if kept is None and not self.connection.exists(self.keys.private("contents")):
            kept = self.connection.set(key, fingerprint, nx=True, get=True) or fingerprint.encode()
        if kept != fingerprint.encode():
            raise StoreError(
                f"the articles under {self.keys.prefix!r} were read by a version that makes signatures or terms "
                "otherwise: give this one a DEDUP_PREFIX or a data directory of its own and push the articles again; "
                "the other version can go on with what is there"
            )

    def admit(self, batch: Sequence[Prepared]) -> Admission:
        """Looks up and inserts a batch, atomically."""
        args: list[bytes | str | int] = [N_SHARDS, STATES_PER_HASH, self.n_bands, MAX_BUCKET, MAX_ANCHOR_BUCKET]
        for prepared, text in zip(batch, self._texts(batch), strict=True):
            args += (
                prepared.article.id,
                shard(prepared.article.id.encode(), N_SHARDS),
                prepared.content_hash,
                pack_content(prepared.content(0)),
                prepared.terms.to_bytes(),
                text,
                prepared.keys.astype("<u8", copy=False).tobytes(),
            )
        articles, others, server = script(self.connection, "admit")(
            keys=[self.keys.private("contents"), self.keys.index, self.keys.private("article:")], args=args
        )
        contents = {number: unpack_content(number, packed) for number, packed, _ in others if packed}
        states = {number: _state(state) for number, _, state in others}
        for prepared, (number, _, state, _) in zip(batch, articles, strict=True):
            contents[number] = prepared.content(number)
            states[number] = _state(state)
        return Admission(
            tuple(
                Admitted(
                    prepared,
                    number,
                    ArticleRecord.unpack(record) if record else None,
                    tuple(n for n in np.frombuffer(candidates, "<u4").tolist() if n in contents) if candidates else (),
                )
                for prepared, (number, record, _, candidates) in zip(batch, articles, strict=True)
            ),
            contents,
            states,
            server.decode(),
        )

    def _texts(self, batch: Sequence[Prepared]) -> list[bytes]:
        """The texts as they are kept; none where they are not."""
        return pack_texts([one.body for one in batch]) if self.keep_text else [b""] * len(batch)

    def contents(self, numbers: Iterable[int]) -> dict[int, Content]:
        """The contents with these numbers that are still kept."""
        wanted = list(numbers)
        packed = self.connection.mget([self._content(number) for number in wanted]) if wanted else []
        return {number: unpack_content(number, one) for number, one in zip(wanted, packed, strict=True) if one}

    def states(self, numbers: Iterable[int]) -> dict[int, ContentState | None]:
        """The states of contents, None where one has not been committed."""
        wanted = list(numbers)
        pipeline = self.connection.pipeline(transaction=False)
        for number in wanted:
            pipeline.hget(self._states(number), str(number))
        replies = pipeline.execute() if wanted else []
        return {number: _state(reply) for number, reply in zip(wanted, replies, strict=True)}

    def groups(self, names: Iterable[int]) -> dict[int, ContentGroup]:
        """The groups of more than one content among these; a content alone has none."""
        wanted = list(names)
        packed = self.connection.mget([self._group(name) for name in wanted]) if wanted else []
        return {name: ContentGroup.unpack(one) for name, one in zip(wanted, packed, strict=True) if one}

    def new_groups(self, n: int) -> range:
        """Names for n groups that no group has ever had."""
        last = int(self.connection.incrby(self.keys.private("groups"), n)) if n else 0
        return range(last - n + 1, last + 1)

    def terms(self, numbers: Iterable[int]) -> dict[int, bytes]:
        """The packed terms of contents that are still kept."""
        wanted = list(numbers)
        packed = self.connection.mget([self._terms(number) for number in wanted]) if wanted else []
        return {number: one for number, one in zip(wanted, packed, strict=True) if one}

    def texts(self, numbers: Iterable[int]) -> dict[int, str]:
        """The plain body texts of contents that are still kept, where texts are."""
        wanted = list(numbers)
        packed = self.connection.mget([self._text(number) for number in wanted]) if wanted else []
        return {number: unpack_text(one) for number, one in zip(wanted, packed, strict=True) if one}

    def drop_text(self, number: int) -> None:
        """Takes away the kept text of a content that stays."""
        self.connection.delete(self._text(number))

    def expect(self, unit: Unit, number: int, state: ContentState | None) -> None:
        """Guards a unit by the state of a content."""
        unit.expect("HGET", self._states(number), number, reply=state.pack() if state else None)

    def put_state(self, unit: Unit, number: int, state: ContentState) -> None:
        unit.gather("HSET", self._states(number), words=(number, state.pack()))

    def put_written(self, unit: Unit, number: int) -> None:
        """Notes that a content has its first article, or is given up: it is not waited for any more."""
        unit.gather("ZREM", self._waiting, words=[number])

    def waiting(self, before: float) -> list[int]:
        """Contents that were looked up before a time (Unix seconds) and have had no article since."""
        return [int(number) for number in self.connection.zrangebyscore(self._waiting, "-inf", f"({before}")]

    def put_group(self, unit: Unit, name: int, group: ContentGroup) -> None:
        """Keeps a group; a content alone needs none."""
        if len(group.contents) > 1:
            unit.do("SET", self._group(name), group.pack())

    def drop_group(self, unit: Unit, name: int) -> None:
        unit.do("DEL", self._group(name))

    def drop_content(self, unit: Unit, content: Content, params: Params) -> None:
        """Takes every trace of a content out of the index."""
        where: list[str | bytes] = []
        [keys] = content_keys(content.signature.reshape(1, -1), [content.extract], params)
        for key in keys:
            name = key.astype("<u8").tobytes()
            where += (f"{self.keys.index}bucket:{name[:2].hex()}", name[2:])
        place = f"{self.keys.index}hash:{int.from_bytes(content.content_hash[:2], 'little') % N_SHARDS}"
        unit.do("UNINDEX", content.number.to_bytes(4, "little"), *where)
        unit.do("HDEL", place, content.content_hash)
        unit.do("HDEL", self._states(content.number), content.number)
        unit.do("DEL", self._content(content.number), self._terms(content.number), self._text(content.number))

    @property
    def _waiting(self) -> str:
        return f"{self.keys.index}waiting"

    def _content(self, number: int) -> str:
        return f"{self.keys.index}content:{number}"

    def _terms(self, number: int) -> str:
        return f"{self.keys.index}terms:{number}"

    def _text(self, number: int) -> str:
        return f"{self.keys.index}text:{number}"

    def _states(self, number: int) -> str:
        return f"{self.keys.index}state:{number // STATES_PER_HASH}"

    def _group(self, name: int) -> str:
        return f"{self.keys.index}group:{name}"


def _state(packed: bytes | None) -> ContentState | None:
    return ContentState.unpack(packed) if packed else None
