"""The near-duplicate index: contents, how they are found, and the groups they are connected in.

Texts that share a key are looked up in a mirror that each worker has in memory (`mirror`). The contents of a batch are
then admitted in one atomic call, or in several that are sent together and of which each is refused unless it follows
the one before. An article that is like nothing founds its family in it, if the mirror knew all there
is; else the call returns what the mirror had missed. Everything decided from what it returned is committed under guards
on the state of each content concerned, so of two workers that decide about one group at the same moment the second
starts over.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, takewhile
from operator import itemgetter
from secrets import token_hex
from typing import Any, Final, NamedTuple

import msgpack

from dedup.buckets import Buckets
from dedup.family import Content
from dedup.lsh import pairs_in_common
from dedup.pipeline import Prepared
from dedup.terms import pack_terms
from worker.store.articles import Founding
from worker.store.commit import Unit, Word
from worker.store.connection import Connection, StoreError, fields_of, script, scripted
from worker.store.corrections import Book
from worker.store.inbox import GROUP
from worker.store.keys import N_SHARDS, STATES_PER_HASH, Keys, shard
from worker.store.mirror import MOST_MISSED, Mirror
from worker.store.records import (
    ArticleRecord,
    ContentGroup,
    ContentState,
    pack_contents,
    pack_texts,
    unpack_content,
    unpack_text,
)

_ALONE: Final = b"alone"
"""What is told of an article that shares a key with nothing and may found its family."""
_MOST_EXACT: Final = 5
"""Times a batch is looked up anew because other workers have admitted something meanwhile; after that, what was missed
comes with the answer, and nothing founds its family in it."""
_PART_ARTICLES: Final = 64
"""Articles in one call of those that admit a batch: what a call of 256 makes on its way, some 3 MB, is gone from the
nearer caches of a core before it is needed again, and what settles the batch before waits for as long."""
Packed = tuple[Word, ...]
"""What is kept of an article's text, and what it writes if it founds a family, as an admission is told of them."""


class Admitted(NamedTuple):
    """One article after its admission: its content's number, the article's record from before (None: never seen), the
    contents that share a key with it (none where its content was known already).
    """

    prepared: Prepared
    number: int
    record: ArticleRecord | None
    candidates: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Admission:
    """A batch after its admission: its articles but for those that have founded their families in it, every content
    that they concern, and the run of the server that told them.
    """

    articles: tuple[Admitted, ...]
    contents: Mapping[int, Content]
    server: str


@dataclass(frozen=True, slots=True)
class LookUp:
    """What shares a key with each article of a batch: `known` are numbers of contents, `mates` places of earlier
    articles in the batch.
    """

    known: Sequence[tuple[int, ...]]
    mates: Sequence[Sequence[int]]

    def lone(self) -> list[bool]:
        """Which articles share a key with nothing."""
        paired = {other for mates in self.mates for other in mates}
        pairs = zip(self.known, self.mates, strict=True)
        return [not known and not mates and i not in paired for i, (known, mates) in enumerate(pairs)]


@dataclass(frozen=True, slots=True)
class Closure:
    """Contents, everything in their groups, and the families of all of these, as they are at one moment: by families'
    ids their `members`, in order of arrival, and the retired ids that resolve to them. `taken` are ids in use of those
    that were asked about, `new_groups` names that no group has ever had, `book` the corrections that stand.
    """

    contents: Mapping[int, Content]
    states: Mapping[int, ContentState | None]
    groups: Mapping[int, ContentGroup]
    members: Mapping[str, Sequence[str]]
    aliased: Mapping[str, Sequence[str]]
    taken: Sequence[str]
    new_groups: range
    book: Book


@dataclass(frozen=True, slots=True)
class Index:
    """The index under one prefix."""

    connection: Connection
    keys: Keys
    mirror: Mirror
    keep_text: bool = True

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

    def look_up(self, batch: Sequence[Prepared]) -> LookUp:
        """What each article of a batch shares a key with."""
        if not self.mirror.is_alone:
            self.mirror.refresh()
        keys = [one.keys for one in batch]
        mates: list[list[int]] = [[] for _ in batch]
        for one, other in pairs_in_common(keys).tolist():
            mates[other].append(one)
        return LookUp(self.mirror.find(keys), mates)

    def admit(
        self,
        batch: Sequence[Prepared],
        packed: Sequence[Packed] = (),
        *,
        may_found: bool = False,
    ) -> Admission:
        """Looks up and admits a batch; the latter atomically. `packed` is what `pack` made of the batch, if that has
        been done. Where it has been told what each article would found, `may_found` lets those that are like nothing
        found their families in the same step.
        """
        packed = packed or self.pack(batch)
        return self.admit_found(batch, self.look_up(batch), packed, may_found=may_found)

    def admit_found(
        self,
        batch: Sequence[Prepared],
        found: LookUp,
        packed: Sequence[Packed] = (),
        *,
        may_found: bool = False,
    ) -> Admission:
        """Admits a batch that has been looked up; looks it up anew where that was of too long ago. Nothing founds
        unless the look-up knew all; so for a few times it must.
        """
        packed, admitted, n_tries, start = packed or self.pack(batch), list[Admission](), 0, 0
        while True:
            told = self._admitted(self._words(packed[start:], found, may_found=may_found and n_tries < _MOST_EXACT))
            n = sum(len(articles) for articles, *_ in told)
            if told:
                admitted.append(self._admission(batch[start : start + n], found, told))
            if (start := start + n) == len(batch) and told:
                self.mirror.is_disturbed = n_tries > 0 or not self.mirror.is_alone
                return _joined(admitted)
            self.mirror.is_alone, self.mirror.is_disturbed = False, True
            found, n_tries = self.look_up(batch[start:]), n_tries + 1

    def _admitted(self, parts: Sequence[Sequence[Word]]) -> list[Any]:
        """What the script tells of the parts of a batch, up to the first one that it refuses."""
        keys, admit = self.keys, script(self.connection, "admit")
        names = [
            keys.private("contents"), keys.private("contents-begun"), keys.index, keys.private("article:"),
            keys.article(""), keys.meta(""), keys.family(""), keys.alias(""), keys.seen, keys.families, keys.news,
            keys.inbox, keys.private("contents-latest"),
        ]  # fmt: skip
        told = scripted(self.connection, admit, [(names, part) for part in parts])
        return list(takewhile(bool, told))

    def pack(self, batch: Sequence[Prepared], foundings: Sequence[Founding] = ()) -> list[Packed]:
        """What an admission is told of each article, but what it may be like.

        It is made ready before: batches are looked up and laid out one after the other, and the server waits for the
        next one.
        """
        ids = [one.article.id for one in batch]
        packed = zip(
            ids,
            [shard(article_id.encode(), N_SHARDS) for article_id in ids],
            [one.content_hash for one in batch],
            pack_contents(batch),
            pack_terms([one.terms for one in batch]),
            self._texts(batch),
            map(msgpack.Packer(use_bin_type=False).pack, foundings) if foundings else [b""] * len(batch),
            strict=True,
        )
        return list(packed)

    def _words(self, packed: Sequence[Packed], found: LookUp, *, may_found: bool) -> list[list[Word]]:
        """What the script is told of the parts of a batch, or of what is left of it."""
        told = [
            (*own, _ALONE if may_found and is_lone else _packed(known))
            for own, known, is_lone in zip(packed, found.known, found.lone(), strict=True)
        ]
        head: list[Word] = [
            N_SHARDS, STATES_PER_HASH, self.mirror.known_to, self.mirror.server, self.mirror.begun,
            0 if may_found else MOST_MISSED, GROUP, token_hex(8),
        ]  # fmt: skip
        n_part = _PART_ARTICLES if may_found and not self.mirror.is_disturbed else len(told)
        return [
            [*head, "later" if start else "", *chain.from_iterable(told[start : start + n_part])]
            for start in range(0, len(told) or 1, n_part or 1)
        ]

    def _admission(
        self,
        batch: Sequence[Prepared],
        found: LookUp,
        parts: Sequence[tuple[Sequence[int | tuple[int, bytes | None, int]], Sequence[Any], int, bytes]],
    ) -> Admission:
        """What the script has told of these articles, the first ones of those that were looked up."""
        _, _, last, server = parts[0]
        articles = [told for part, *_ in parts for told in part]
        others = [word for _, part, *_ in parts for word in part]
        contents = {
            number: unpack_content(number, packed) for number, packed in zip(others[::2], others[1::2], strict=True)
        }
        missed = [contents[number] for number in range(self.mirror.known_to + 1, last + 1) if number in contents]
        numbers = [told if isinstance(told, int) else told[0] for told in articles]
        fresh: dict[int, Prepared] = {}
        for prepared, number, told in zip(batch, numbers, articles, strict=True):
            if number > last:
                fresh.setdefault(number, prepared)
            if not isinstance(told, int):
                contents[number] = prepared.content(number)
        near = self._near(batch, missed)
        self.mirror.is_alone = last == self.mirror.known_to
        self.mirror.learn(missed, sorted(fresh.items(), key=itemgetter(0)), last + len(fresh))
        admitted = []
        for i, told in enumerate(articles):
            if isinstance(told, int):
                continue
            number, record, is_told = told
            candidates: set[int] = set()
            if not is_told:
                candidates.update(found.known[i], near[i], (numbers[mate] for mate in found.mates[i]))
                candidates.intersection_update(contents)
            before = ArticleRecord.unpack(record) if record else None
            admitted.append(Admitted(batch[i], number, before, tuple(sorted(candidates - {number}))))
        return Admission(tuple(admitted), contents, server.decode())

    def _near(self, batch: Sequence[Prepared], missed: Sequence[Content]) -> list[tuple[int, ...]]:
        """Which of the contents that the mirror had missed share a key with each article."""
        if not missed:
            return [()] * len(batch)
        buckets = Buckets()
        buckets.add([one.number for one in missed], self.mirror.keys_of(missed))
        return self.mirror.find_in(buckets, [one.keys for one in batch])

    def _texts(self, batch: Sequence[Prepared]) -> list[bytes]:
        """The texts as they are kept; none where they are not."""
        return pack_texts([one.body for one in batch]) if self.keep_text else [b""] * len(batch)

    def closure(self, numbers: Sequence[int], had: Iterable[int], ids: Sequence[str], n_groups: int) -> Closure:
        """All that a decision about these contents rests on. `had` are contents that are known already; `ids` are those
        of families that may be given to new ones; `n_groups` is how many new groups there may be.
        """
        keys, known = self.keys, list(had)
        contents, groups, families, taken, last, corrections = script(self.connection, "load")(
            keys=[
                keys.index, keys.family(""), keys.alias(""), keys.aliased(""), keys.private("groups"),
                keys.corrections, keys.corrections_version,
            ],
            args=[STATES_PER_HASH, _packed(numbers), _packed(known), n_groups, *ids],
        )  # fmt: skip
        return Closure(
            {number: unpack_content(number, packed) for number, _, packed in contents if packed},
            {number: _state(state) for number, state, _ in contents},
            {int(name): ContentGroup.unpack(packed) for name, packed in groups},
            {family.decode(): [one.decode() for one in members] for family, members, _ in families},
            {family.decode(): sorted(one.decode() for one in retired) for family, _, retired in families if retired},
            [one.decode() for one in taken],
            range(last - n_groups + 1, last + 1),
            Book.of(*corrections),
        )

    def contents(self, numbers: Iterable[int]) -> dict[int, Content]:
        """The contents with these numbers that are still kept."""
        wanted = list(numbers)
        packed = self.connection.mget([self._content(number) for number in wanted]) if wanted else []
        return {number: unpack_content(number, one) for number, one in zip(wanted, packed, strict=True) if one}

    def states(self, numbers: Iterable[int]) -> dict[int, ContentState | None]:
        """The states of contents, None where one has not been committed."""
        wanted = list(numbers)
        replies = fields_of(self.connection, [(self._states(number), str(number)) for number in wanted])
        return {number: _state(reply) for number, reply in zip(wanted, replies, strict=True)}

    def groups(self, names: Iterable[int]) -> dict[int, ContentGroup]:
        """The groups of more than one content among these; a content alone has none."""
        wanted = list(names)
        packed = self.connection.mget([self._group(name) for name in wanted]) if wanted else []
        return {name: ContentGroup.unpack(one) for name, one in zip(wanted, packed, strict=True) if one}

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

    def drop_content(self, unit: Unit, content: Content) -> None:
        """Takes every trace of a content out of the index."""
        place = f"{self.keys.index}hash:{int.from_bytes(content.content_hash[:2], 'little') % N_SHARDS}"
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


def _joined(admitted: Sequence[Admission]) -> Admission:
    """A batch that was admitted in several steps, as one. What is decided on it is decided on the first one's run of
    the server.
    """
    if len(admitted) == 1:
        return admitted[0]
    contents = {number: content for one in admitted for number, content in one.contents.items()}
    return Admission(tuple(article for one in admitted for article in one.articles), contents, admitted[0].server)


def _packed(numbers: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(numbers)}I", *numbers)


def _state(packed: bytes | None) -> ContentState | None:
    return ContentState.unpack(packed) if packed else None
