"""The feeds that are polled: what each is, how its polls went, and when the next one is due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from worker.store.commit import Unit, Word, commit
from worker.store.connection import Connection
from worker.store.feed_memory import FeedMemory
from worker.store.keys import Keys

_READ_TOGETHER: Final = 1_000


@dataclass(frozen=True, slots=True)
class FeedRecord:
    """What is kept of one feed. Times are Unix seconds, None where there is none.

    `first_url`: what it was subscribed to by; ids of its articles are made of it. `url`: where it is now. `next_at`:
    when it is polled again, None where it is not (`disabled` says why). `failures`: in a row, `error` the last of them.
    `unfinished`: polls begun since one came to an end. `articles`: how many were pushed. `etag`, `last_modified`: given
    by `known_url`. `asked_seconds`: how long the feed asks to be left alone.

    An account of a feed reader is kept as a feed, too: `reader` is its kind ("" for a feed), `first_url` its name,
    `user` who logs in, `cursor` where the next poll goes on, `once` what is marked read there ("" for nothing).
    """

    feed_id: str
    url: str
    first_url: str
    title: str = ""
    category: str = ""
    added_at: float = 0.0
    polled_at: float | None = None
    succeeded_at: float | None = None
    next_at: float | None = None
    failures: int = 0
    unfinished: int = 0
    error: str = ""
    articles: int = 0
    disabled: str = ""
    etag: str = ""
    last_modified: str = ""
    known_url: str = ""
    asked_seconds: float = 0.0
    reader: str = ""
    user: str = ""
    cursor: str = ""
    once: str = ""

    @property
    def urls(self) -> list[str]:
        """What it can be found by: its URLs, or the name of an account."""
        return [self.first_url] if self.reader else sorted({self.first_url, self.url})


@dataclass(frozen=True, slots=True)
class Feeds:
    """The feeds under one prefix."""

    connection: Connection
    keys: Keys
    memory: FeedMemory

    def add(self, record: FeedRecord) -> bool:
        """Subscribes to a feed, due at once; False where its URL is one already."""
        unit = Unit()
        unit.expect("HGET", self.keys.feeds_urls, record.first_url, reply=None)
        unit.expect("EXISTS", self.keys.feed(record.feed_id), reply=b"0")
        account = {"reader": record.reader, "user": record.user} if record.reader else {}
        unit.put(
            self.keys.feed(record.feed_id),
            {"url": record.url, "first_url": record.first_url, "title": record.title, "category": record.category,
             "added_at": record.added_at, **account},
        )  # fmt: skip
        unit.do("HSET", self.keys.feeds_urls, record.first_url, record.feed_id)
        unit.do("ZADD", self.keys.feeds, record.added_at, record.feed_id)
        unit.do("ZADD", self.keys.feeds_due, record.added_at, record.feed_id)
        return commit(self.connection, [unit])[0]

    def remove(self, record: FeedRecord) -> bool:
        """Ends a subscription with everything that is kept of it; False where it has moved or ended meanwhile."""
        unit = Unit()
        unit.expect("HGET", self.keys.feed(record.feed_id), "url", reply=record.url.encode())
        unit.do("DEL", self.keys.feed(record.feed_id), self.keys.feed_lease(record.feed_id))
        unit.do("ZREM", self.keys.feeds, record.feed_id)
        unit.do("ZREM", self.keys.feeds_due, record.feed_id)
        unit.do("HDEL", self.keys.feeds_urls, *record.urls)
        if record.reader:
            name = record.first_url
            unit.do("DEL", self.keys.reader_entries(name), self.keys.reader_marks(name))
            unit.do("ZREM", self.keys.feeds_marking, record.feed_id)
        self.memory.drop(unit, record.feed_id)
        return commit(self.connection, [unit])[0]

    def find(self, url: str) -> str | None:
        """The feed that is polled under a URL, or was subscribed to by it."""
        found = self.connection.hget(self.keys.feeds_urls, url)
        return found.decode() if found is not None else None

    def ids(self) -> list[str]:
        """All feeds, in the order in which they were added."""
        return [feed_id.decode() for feed_id in self.connection.zrange(self.keys.feeds, 0, -1)]

    def due(self, now: float, most: int) -> list[str]:
        """The feeds whose time has come (Unix seconds), the one that has waited longest first."""
        found = self.connection.zrangebyscore(self.keys.feeds_due, "-inf", now, start=0, num=most)
        return [feed_id.decode() for feed_id in found]

    def get(self, feed_ids: Sequence[str]) -> dict[str, FeedRecord]:
        """What is kept of feeds, without those that are none."""
        found: dict[str, FeedRecord] = {}
        for i in range(0, len(feed_ids), _READ_TOGETHER):
            part = feed_ids[i : i + _READ_TOGETHER]
            pipeline = self.connection.pipeline(transaction=False)
            for feed_id in part:
                pipeline.hgetall(self.keys.feed(feed_id))
                pipeline.zscore(self.keys.feeds_due, feed_id)
            replies = pipeline.execute()
            for feed_id, fields, next_at in zip(part, replies[::2], replies[1::2], strict=True):
                if fields:
                    found[feed_id] = _record(feed_id, fields, next_at)
        return found

    def begin(self, unit: Unit, record: FeedRecord, now: float, next_at: float | None) -> None:
        """Adds to a unit that a poll begins, and when the next one is due should this one never end (None: never)."""
        self._expect(unit, record)
        unit.do("HSET", self.keys.feed(record.feed_id), "polled_at", now, "unfinished", record.unfinished + 1)
        self._due(unit, record, next_at)

    def end(self, unit: Unit, record: FeedRecord, fields: Mapping[str, Word], next_at: float | None) -> None:
        """Adds to a unit what became of a poll; the feed is not polled again where `next_at` is None."""
        self._expect(unit, record)
        unit.put(self.keys.feed(record.feed_id), {"unfinished": 0, **fields})
        self._due(unit, record, next_at)

    def move(self, unit: Unit, record: FeedRecord, url: str) -> bool:
        """Adds to a unit that a feed is polled under another URL from now on; False where that is another feed's."""
        owner = self.connection.hget(self.keys.feeds_urls, url)
        if owner not in {None, record.feed_id.encode()}:
            return False
        unit.expect("HGET", self.keys.feeds_urls, url, reply=owner)
        unit.do("HSET", self.keys.feeds_urls, url, record.feed_id)
        unit.do("HSET", self.keys.feed(record.feed_id), "url", url)
        if record.url not in {record.first_url, url}:
            unit.do("HDEL", self.keys.feeds_urls, record.url)
        return True

    def mark_from(self, record: FeedRecord, once: str, now: float) -> bool:
        """Sets what is marked read in an account from now on ("" for nothing); False where it has ended meanwhile."""
        unit = Unit()
        self._expect(unit, record)
        unit.put(self.keys.feed(record.feed_id), {"once": once})
        self.put_marking(unit, record.feed_id, now if once else None)
        return commit(self.connection, [unit])[0]

    def put_marking(self, unit: Unit, feed_id: str, at: float | None) -> None:
        """Adds to a unit when articles are to be marked in an account; None for when it has been polled again."""
        if at is None:
            unit.do("ZREM", self.keys.feeds_marking, feed_id)
        else:
            unit.do("ZADD", self.keys.feeds_marking, at, feed_id)

    def put_marking_soon(self, unit: Unit, feed_id: str, at: float) -> None:
        """Adds to a unit that articles are to be marked in an account by then; sooner, if that was said before: polls
        that follow each other closely do not put it off.
        """
        unit.do("ZADD", self.keys.feeds_marking, "NX", at, feed_id)

    def put_error(self, unit: Unit, record: FeedRecord, error: str) -> None:
        """Adds to a unit what went wrong with a feed that was read."""
        self._expect(unit, record)
        unit.put(self.keys.feed(record.feed_id), {"error": error})

    def marking_due(self, now: float) -> list[str]:
        """The accounts in which articles are to be marked by now."""
        return [one.decode() for one in self.connection.zrangebyscore(self.keys.feeds_marking, "-inf", now)]

    def _due(self, unit: Unit, record: FeedRecord, next_at: float | None) -> None:
        if next_at is None:
            unit.do("ZREM", self.keys.feeds_due, record.feed_id)
        else:
            unit.do("ZADD", self.keys.feeds_due, next_at, record.feed_id)

    def _expect(self, unit: Unit, record: FeedRecord) -> None:
        """Guards a unit by the feed being where it was."""
        unit.expect("HGET", self.keys.feed(record.feed_id), "url", reply=record.url.encode())


def _record(feed_id: str, fields: Mapping[bytes, bytes], next_at: float | None) -> FeedRecord:
    told = {name.decode(): value.decode() for name, value in fields.items()}
    return FeedRecord(
        feed_id,
        told["url"],
        told["first_url"],
        title=told.get("title", ""),
        category=told.get("category", ""),
        added_at=float(told.get("added_at", 0)),
        polled_at=float(told["polled_at"]) if "polled_at" in told else None,
        succeeded_at=float(told["succeeded_at"]) if "succeeded_at" in told else None,
        next_at=next_at,
        failures=int(told.get("failures", 0)),
        unfinished=int(told.get("unfinished", 0)),
        error=told.get("error", ""),
        articles=int(told.get("articles", 0)),
        disabled=told.get("disabled", ""),
        etag=told.get("etag", ""),
        last_modified=told.get("last_modified", ""),
        known_url=told.get("known_url", ""),
        asked_seconds=float(told.get("asked_seconds", 0)),
        reader=told.get("reader", ""),
        user=told.get("user", ""),
        cursor=told.get("cursor", ""),
        once=told.get("once", ""),
    )
