"""Articles and families as users read them, and the private record beside each article."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from dedup.article import Article, format_milliseconds, format_time
from worker.store.commit import Unit, Word, Words
from worker.store.connection import Connection, fields_of
from worker.store.inbox import StreamId
from worker.store.keys import Keys

if TYPE_CHECKING:
    from dedup.family import Settled

ADMITTED: Final = "admitted"
CLUSTERED: Final = "clustered"
NO_ID: Final = ""

_READ_TOGETHER: Final = 5_000
_FEW_WORDS: Final = 200
"""Words that one command takes; more are given to the server in parts."""
_META: Final = ("title", "url", "source", "language", "warnings")
_JSON: Final = json.JSONEncoder(ensure_ascii=False)


class Founding(NamedTuple):
    """What is written of an article that founds its family, in the order in which the admission is told of it; of one
    that joins others, all but its family's id. `record` is its private one without its content.
    """

    entry_id: bytes
    family_id: str
    record: bytes
    score: float
    published_at: str
    seen_at: str
    title: str
    url: str
    source: str
    language: str
    warnings: str


@dataclass(frozen=True, slots=True)
class ArticleEntry:
    """What `article:<id>` and `meta:<id>` say, all in one. Times are RFC 3339, "" where unknown."""

    article_id: str
    family: str
    kind: str
    representative: str
    story: str
    storyline: str
    status: str
    published_at: str
    seen_at: str
    revision: int
    title: str
    url: str
    source: str
    language: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FamilyEntry:
    """What `family:<id>` and `family:<id>:articles` say."""

    family_id: str
    representative: str
    n_articles: int
    story: str
    articles: tuple[str, ...]


def seconds_of(seen_at: StreamId) -> float:
    """Unix seconds of an arrival."""
    return seen_at[0] / 1000


def score_of(seen_at: StreamId) -> float:
    """The score of an arrival in sorted sets: milliseconds, and the serial number as a fraction for order.

    A double has room for 4,096 steps within a millisecond of this century.
    """
    return seen_at[0] + min(seen_at[1], 4_095) / 4_096


def founding(entry_id: bytes, family_id: str, record: bytes, article: Article, seen_at: StreamId) -> Founding:
    """What is written of an article if it founds its family: `record` is its private one without its content."""
    published, seen = format_time(article.published_at), format_milliseconds(seen_at[0])
    return Founding(entry_id, family_id, record, score_of(seen_at), published, seen, *_meta(article))


def _meta(article: Article) -> tuple[str, str, str, str, str]:
    """The fields of `meta:<id>`, in the order of `_META`."""
    warnings = _JSON.encode(article.warnings) if article.warnings else "[]"
    return article.title.strip(), article.url, article.source, article.language, warnings


@dataclass(frozen=True, slots=True)
class Articles:
    """Articles and families under one prefix."""

    connection: Connection
    keys: Keys

    def put_new(self, unit: Unit, article_id: str, told: Founding) -> Words:
        """Writes what does not depend on the article's family, and returns the fields that go with what does, in turns
        with their names.
        """
        unit.gather("ZADD", self.keys.seen, words=(told.score, article_id))
        self._put_meta(unit, article_id, told[-len(_META) :])
        placed = "story", NO_ID, "storyline", NO_ID, "status", ADMITTED
        return (*placed, "published_at", told.published_at, "seen_at", told.seen_at, "revision", 0)

    def put_revised(self, unit: Unit, article: Article, revision: int) -> Words:
        """Writes what a revision changes of an article, and returns its fields that go with its family's, in turns
        with their names.
        """
        self._put_meta(unit, article.id, _meta(article))
        return "published_at", format_time(article.published_at), "revision", revision

    def _put_meta(self, unit: Unit, article_id: str, told: Sequence[Word]) -> None:
        unit.do("HSET", self.keys.meta(article_id), *chain.from_iterable(zip(_META, told, strict=True)))

    def put_record(self, unit: Unit, article_id: str, packed: bytes, before: bytes | None) -> None:
        """Replaces the private record of an article, guarded by what it was."""
        self.expect_record(unit, article_id, before)
        unit.do("HSET", self.keys.record(article_id), article_id, packed)

    def expect_record(self, unit: Unit, article_id: str, packed: bytes | None) -> None:
        unit.expect("HGET", self.keys.record(article_id), article_id, reply=packed)

    def put_family(self, unit: Unit, settled: Settled, before: Sequence[str], fields: Mapping[str, Words]) -> None:
        """Writes a family and its place in each member.

        `before` is who was in it until now; `fields` are further fields of members that come or are revised, in turns
        with their names.
        """
        family_id, members, representative = settled.family_id, settled.members, settled.representative
        founded = () if before else ("story", NO_ID)
        key = self.keys.family(family_id)
        unit.do("HSET", key, "representative", representative, "n_articles", len(members), *founded)
        self._put_members(unit, settled, before, fields)
        unit.gather("ZADD", self.keys.families, words=[score_of(members[-1].seen_at), family_id])
        placed = "family", family_id, "representative", representative, "kind"
        for (_, article_id, *_), kind in zip(members, settled.kinds, strict=True):
            unit.do("HSET", self.keys.article(article_id), *placed, kind, *fields.get(article_id, ()))

    def _put_members(self, unit: Unit, settled: Settled, before: Sequence[str], fresh: Collection[str]) -> None:
        """Writes who is in a family; of those who were, only who is `fresh`."""
        key = self.keys.family_articles(settled.family_id)
        known = {article_id for article_id in before if article_id not in fresh}
        words: list[Word] = []
        for seen_at, article_id, *_ in settled.members:
            if article_id not in known:
                words += score_of(seen_at), article_id
        if len(words) > _FEW_WORDS:
            unit.gather("ZADD", key, words=words)
        elif words:
            unit.do("ZADD", key, *words)
        if before:
            present = {member.article_id for member in settled.members}
            if left := [article_id for article_id in before if article_id not in present]:
                unit.gather("ZREM", key, words=left)

    def place(self, unit: Unit, article_id: str, story: str, storyline: str, score: float) -> None:
        """Writes the story of an article, and the article among those of the story, unless it has gone, or come anew.

        `score` is that of its arrival.
        """
        fields = ("story", story, "storyline", storyline, "status", CLUSTERED)
        arrived = self.keys.seen, article_id, score
        unit.if_scored(*arrived, "HSET", self.keys.article(article_id), *fields)
        unit.if_scored(*arrived, "ZADD", self.keys.story_articles(story), score, article_id)

    def expect_story(self, unit: Unit, article_id: str, story: str) -> None:
        """Guards a unit by the story of an article that is kept."""
        unit.expect("HGET", self.keys.article(article_id), "story", reply=story.encode())

    def place_family(self, unit: Unit, family_id: str, story: str, latest: str, score: float) -> None:
        """Writes the story of a family, unless it has gone, or come anew: `latest` is its article that came last, and
        `score` that of its arrival.
        """
        articles = self.keys.family_articles(family_id)
        unit.if_scored(articles, latest, score, "HSET", self.keys.family(family_id), "story", story)

    def drop_family(self, unit: Unit, family_id: str) -> None:
        unit.do("DEL", self.keys.family(family_id), self.keys.family_articles(family_id))
        unit.gather("ZREM", self.keys.families, words=[family_id])

    def drop(self, unit: Unit, article_id: str) -> None:
        """Takes an article's own keys away."""
        unit.do("DEL", self.keys.article(article_id), self.keys.meta(article_id))
        unit.do("HDEL", self.keys.record(article_id), article_id)
        unit.gather("ZREM", self.keys.seen, words=[article_id])

    def records(self, article_ids: Iterable[str]) -> dict[str, bytes]:
        """The packed private records of those articles that are kept."""
        wanted = list(article_ids)
        packed = fields_of(self.connection, [(self.keys.record(article_id), article_id) for article_id in wanted])
        return {article_id: record for article_id, record in zip(wanted, packed, strict=True) if record}

    def family_members(self, family_ids: Iterable[str]) -> dict[str, list[str]]:
        """The article ids of families, in order of arrival."""
        wanted = list(family_ids)
        pipeline = self.connection.pipeline(transaction=False)
        for family_id in wanted:
            pipeline.zrange(self.keys.family_articles(family_id), 0, -1)
        replies = pipeline.execute() if wanted else []
        return {
            family_id: [article_id.decode() for article_id in reply]
            for family_id, reply in zip(wanted, replies, strict=True)
        }

    def families_told(self, family_ids: Sequence[str]) -> dict[str, tuple[str, str, list[str]]]:
        """Representative, story and articles (in order of arrival) of those families that are kept."""
        told: dict[str, tuple[str, str, list[str]]] = {}
        for start in range(0, len(family_ids), _READ_TOGETHER):
            part = family_ids[start : start + _READ_TOGETHER]
            pipeline = self.connection.pipeline(transaction=False)
            for family_id in part:
                pipeline.hmget(self.keys.family(family_id), "representative", "story")
                pipeline.zrange(self.keys.family_articles(family_id), 0, -1)
            replies = pipeline.execute()
            for family_id, (representative, story), members in zip(part, replies[::2], replies[1::2], strict=True):
                if representative:
                    told[family_id] = (
                        representative.decode(), (story or b"").decode(), [one.decode() for one in members]
                    )  # fmt: skip
        return told

    def fields(self, article_ids: Sequence[str], names: Sequence[str], meta: Sequence[str] = ()) -> list[list[str]]:
        """Chosen fields of `article:<id>`, then of `meta:<id>`, for each article; "" for what is missing."""
        read: list[list[str]] = []
        for start in range(0, len(article_ids), _READ_TOGETHER):
            pipeline = self.connection.pipeline(transaction=False)
            for article_id in article_ids[start : start + _READ_TOGETHER]:
                if names:
                    pipeline.hmget(self.keys.article(article_id), names)
                if meta:
                    pipeline.hmget(self.keys.meta(article_id), meta)
            replies = [[(value or b"").decode() for value in reply] for reply in pipeline.execute()]
            step = bool(names) + bool(meta)
            read += [
                [value for reply in replies[i : i + step] for value in reply] for i in range(0, len(replies), step)
            ]
        return read

    def get(self, article_id: str) -> ArticleEntry | None:
        """All that is told of an article, None where there is none."""
        return next(iter(self.get_all([article_id])), None)

    def get_all(self, article_ids: Sequence[str]) -> list[ArticleEntry]:
        """All that is told of those of the articles that are there, in one round trip."""
        pipeline = self.connection.pipeline(transaction=False)
        for article_id in article_ids:
            pipeline.hgetall(self.keys.article(article_id))
            pipeline.hgetall(self.keys.meta(article_id))
        replies = [_decoded(reply) for reply in pipeline.execute()] if article_ids else []
        told = zip(article_ids, replies[::2], replies[1::2], strict=True)
        return [_entry(article_id, fields, meta) for article_id, fields, meta in told if fields]

    def get_family(self, family_id: str) -> FamilyEntry | None:
        """A family with its articles in order of arrival, None where there is none."""
        pipeline = self.connection.pipeline(transaction=False)
        pipeline.hgetall(self.keys.family(family_id))
        pipeline.zrange(self.keys.family_articles(family_id), 0, -1)
        raw, articles = pipeline.execute()
        told = _decoded(raw)
        if not told:
            return None
        return FamilyEntry(
            family_id,
            told["representative"],
            int(told["n_articles"]),
            told.get("story", ""),
            tuple(article_id.decode() for article_id in articles),
        )

    def seen_between(self, start: float, end: float, most: int = -1) -> list[str]:
        """Articles that arrived in a span of Unix seconds (end exclusive), in order; at most `most` of them."""
        span = self.connection.zrangebyscore(self.keys.seen, start * 1000, f"({end * 1000}", start=0, num=most)
        return [article_id.decode() for article_id in span]

    def count(self) -> tuple[int, int]:
        """Articles and families kept."""
        pipeline = self.connection.pipeline(transaction=False)
        pipeline.zcard(self.keys.seen)
        pipeline.zcard(self.keys.families)
        n_articles, n_families = pipeline.execute()
        return int(n_articles), int(n_families)


def _entry(article_id: str, told: Mapping[str, str], meta: Mapping[str, str]) -> ArticleEntry:
    return ArticleEntry(
        article_id=article_id,
        family=told.get("family", ""),
        kind=told.get("kind", ""),
        representative=told.get("representative", ""),
        story=told.get("story", ""),
        storyline=told.get("storyline", ""),
        status=told.get("status", ""),
        published_at=told.get("published_at", ""),
        seen_at=told.get("seen_at", ""),
        revision=int(told.get("revision", 0)),
        title=meta.get("title", ""),
        url=meta.get("url", ""),
        source=meta.get("source", ""),
        language=meta.get("language", ""),
        warnings=tuple(json.loads(meta.get("warnings", "[]"))),
    )


def _decoded(raw: Mapping[bytes, bytes]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in raw.items()}
