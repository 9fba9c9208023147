"""Polling feeds: what is due is asked, and what is new in it goes into the inbox.

1. A feed is polled by one process at a time, and a host is asked by one at a time, with a pause in between, whatever
   redirect leads there.
2. What is new is pushed before it is noted as pushed. A process that dies in between pushes it again, which changes
   nothing.
3. That a poll has begun is noted before the first byte is sent, with the time of the next one: a feed that ends its
   process is asked less and less often.
4. A commit writes nothing of a feed that was removed, or taken over by another process, meanwhile.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final
from urllib.parse import urlsplit

from worker import feeds
from worker.feeds import pace
from worker.service.reading import EndedError, Reading
from worker.service.taking import Taken, sift, take
from worker.service.visiting import BUSY_SECONDS, BusyHostError, Visit
from worker.settings import Network, Settings
from worker.store.commit import Unit, Word, commit
from worker.store.feed_memory import Seen, remembered
from worker.store.feed_turns import FEED_SECONDS
from worker.store.feeds import FeedRecord
from worker.store.store import Store

LIMITS: Final = feeds.FetchLimits(max_bytes=8 * 1024 * 1024)
"""Several are fetched at once."""
MOST_ARTICLES: Final = 10_000
MOST_TITLE_LETTERS: Final = 200
RUN_SECONDS: Final = 20.0
"""For which a run begins polls; the last of them may take half a minute more."""
N_AT_ONCE: Final = 8
MOST_DUE: Final = 5_000
READER_SECONDS: Final = 25.0
"""After which a poll of a feed reader asks for no further page."""
ASK_SECONDS: Final = 28.0
"""After which nothing is asked of a reader any more in one conversation; with the last request it is over before the
host could be another's."""
GOES_ON_SECONDS: Final = 10.0
"""After which an account of which more is left is polled again."""
SETTLE_SECONDS: Final = 5.0
"""After which families of what was pushed are looked at."""
GONE: Final = 410
_ASK_FOR_PATIENCE: Final = frozenset({429, 503})
_LONGEST_REST: Final = 3_600.0
_MOST_DOUBLINGS: Final = 10


@dataclass(frozen=True, slots=True)
class Polled:
    """What came of one poll.

    `pushed`, `rejected`: how many articles went into the inbox, and how many could not. `is_unchanged`: the server said
    that nothing has. `moved_to`: where the subscription went. `error`: why it was not read, "" where it was;
    `put_off` where nobody is to blame. `disabled`: why it is not polled any more. `next_at`: Unix seconds, None for
    never.
    """

    url: str
    title: str
    pushed: int = 0
    rejected: int = 0
    is_unchanged: bool = False
    moved_to: str = ""
    error: str = ""
    put_off: bool = False
    disabled: str = ""
    next_at: float | None = None


@dataclass(frozen=True, slots=True)
class Poller:
    """Polls feeds. `normal_seconds` is the pause between polls of one, `host_seconds` between requests to a host."""

    store: Store
    normal_seconds: float
    host_seconds: float
    allow: Sequence[Network] = ()
    max_article_bytes: int = 8 * 1024 * 1024
    limits: feeds.FetchLimits = LIMITS
    busy_seconds: float = BUSY_SECONDS
    secrets: feeds.Secrets = field(default_factory=feeds.Secrets)
    first_seconds: float = 14 * pace.DAY_SECONDS
    """How far back the first poll of a reader's account goes."""
    parsing: Lock = field(default_factory=Lock)
    """One feed is parsed at a time: it takes many times its size meanwhile, and two would not be done any sooner."""

    def run(self, seconds: float = RUN_SECONDS) -> int:
        """Polls what is due, for so long at most; returns how many feeds it asked."""
        end = time.monotonic() + seconds
        due = self.store.feeds.due(time.time(), MOST_DUE)
        return sum(1 for _ in self._poll_each(due, lambda feed_id: self._poll_due(feed_id, end)))

    def poll_now(self, feed_ids: Sequence[str]) -> Iterator[Polled]:
        """Polls feeds whether they are due or not, those that are polled no more included."""
        return self._poll_each(feed_ids, lambda feed_id: self.poll(feed_id) or self._missed(feed_id))

    def poll(self, feed_id: str, *, only_if_due: bool = False) -> Polled | None:
        """Polls one feed. None where there is none, another process polls it, or it is to be due and is not."""
        holder = secrets.token_hex(16)
        if not self.store.feed_turns.take_feed(feed_id, holder):
            return None
        visit = self.visit()
        record = self.store.feeds.get([feed_id]).get(feed_id)
        now = time.time()
        if record is None or (only_if_due and (record.next_at is None or record.next_at > now)):
            self.store.feed_turns.release_feed(feed_id, holder)
            return None
        return _Poll(self, record, holder, visit).run()

    def look(self, url: str) -> feeds.Fetched:
        """What is behind a URL, with the same manners. Raises `FeedError` and `BusyHostError`."""
        visit = self.visit()
        try:
            return feeds.fetch(url, allow=self.allow, limits=self.limits, visit=visit)
        finally:
            visit.leave()

    def visit(self) -> Visit:
        """A visit to hosts that has not begun."""
        return Visit(self.store.feed_turns, self.host_seconds, self.busy_seconds)

    def reader(self, account: feeds.Account, visit: Visit) -> feeds.Reader:
        """The way to an account of a feed reader. Nothing is asked yet."""
        end = time.monotonic() + ASK_SECONDS

        def ask(url: str, call: feeds.Call) -> bytes:
            if time.monotonic() > end:
                raise feeds.FeedError(url, "the reader is slow: what is left follows another time")
            return feeds.fetch(url, allow=self.allow, limits=self.limits, visit=visit, call=call).body

        return feeds.open_reader(account, self.secrets, ask)

    def _missed(self, feed_id: str) -> Polled | None:
        record = self.store.feeds.get([feed_id]).get(feed_id)
        said = "another process polls it at the moment"
        if record is None:
            return None
        return Polled(record.url, record.title, error=said, put_off=True, next_at=record.next_at)

    def _poll_due(self, feed_id: str, end: float) -> Polled | None:
        return self.poll(feed_id, only_if_due=True) if time.monotonic() < end else None

    def _poll_each(self, feed_ids: Sequence[str], poll: Callable[[str], Polled | None]) -> Iterator[Polled]:
        """Polls feeds, those of one host one after the other, several hosts at once. Hosts with many feeds come last:
        the pauses between their feeds would keep the others waiting.
        """
        hosts: dict[str, list[str]] = {}
        for feed_id, record in self.store.feeds.get(feed_ids).items():
            hosts.setdefault(urlsplit(record.url).hostname or "", []).append(feed_id)
        groups = sorted(hosts.values(), key=len)
        with ThreadPoolExecutor(N_AT_ONCE, thread_name_prefix="poll") as threads:
            for polled in threads.map(lambda group: [poll(feed_id) for feed_id in group], groups):
                yield from (one for one in polled if one is not None)


@dataclass(frozen=True, slots=True)
class _Poll:
    """One poll of a feed that this process has to itself."""

    poller: Poller
    record: FeedRecord
    holder: str
    visit: Visit

    def run(self) -> Polled:
        rest = 0.0
        try:
            self.visit(urlsplit(self.record.url).hostname or "")
            if not self._begin():
                return self._told(error="the subscription ended meanwhile")
            if self.record.reader:
                reading = self._converse()
                rest = rest_after(reading.error)
                return self._end_reading(reading)
            fetched = self._fetch()
            self.visit.leave()
            return self._succeed(fetched, self._read(fetched))
        except BusyHostError as error:
            return self._put_off(str(error), error.seconds)
        except EndedError:
            return self._told(error="the subscription ended meanwhile")
        except feeds.FeedError as error:
            rest = rest_after(error)
            return self._fail(error)
        finally:
            self.visit.leave(rest)

    def _begin(self) -> bool:
        """Notes that a poll begins; False where the feed was removed since it was taken."""
        unit, now = Unit(), time.time()
        again = min(FEED_SECONDS * 2.0 ** min(self.record.unfinished, _MOST_DOUBLINGS), pace.DAY_SECONDS)
        self.poller.store.feeds.begin(unit, self.record, now, None if self.record.disabled else now + again)
        return commit(self.poller.store.connection, [unit])[0]

    def _fetch(self) -> feeds.Fetched:
        record, poller = self.record, self.poller
        known = feeds.Validators(record.known_url, record.etag, record.last_modified)
        return feeds.fetch(record.url, allow=poller.allow, limits=poller.limits, known=known, visit=self.visit)

    def _read(self, fetched: feeds.Fetched) -> feeds.Feed | None:
        """What the feed says, None where nothing has changed. Ids are made of the URL it was subscribed to by."""
        if fetched.is_unchanged:
            return None
        with self.poller.parsing:
            return feeds.parse_feed(
                fetched.body, self.record.first_url, base_url=fetched.url, content_type=fetched.content_type,
                most_articles=MOST_ARTICLES,
            )  # fmt: skip

    def _converse(self) -> Reading:
        """Reads an account of a feed reader, as far as time goes."""
        record, poller = self.record, self.poller
        account = account_of_record(record)
        reader = poller.reader(account, self.visit)
        reading = Reading(
            poller.store, account, poller.max_article_bytes, self._guard, poller.store.feeds.memory.get(record.feed_id),
            record.cursor,
        )  # fmt: skip
        reading.run(reader, time.time() - poller.first_seconds, READER_SECONDS)
        return reading

    def _end_reading(self, reading: Reading) -> Polled:
        """Commits what was read of an account, whether something went wrong in the end or not."""
        store, record = self.poller.store, self.record
        unit = Unit()
        if (known := reading.known()) != reading.before:
            store.feeds.memory.put(unit, record.feed_id, known)
        if record.once and reading.error is None:
            store.feeds.put_marking_soon(unit, record.feed_id, time.time() + SETTLE_SECONDS)
        counted: dict[str, Word] = {"cursor": reading.cursor, "articles": record.articles + reading.pushed}
        told = {"pushed": reading.pushed, "rejected": reading.rejected}
        if reading.error is not None:
            return self._fail(reading.error, unit, counted, **told)
        if reading.full:
            next_at = self._later(self.poller.normal_seconds)
            return self._end(unit, {"error": reading.full, **counted}, next_at, error=reading.full, **told)
        done: dict[str, Word] = {"succeeded_at": time.time(), "failures": 0, "error": "", "disabled": "", **counted}
        wait = pace.wait_after_success(record.first_url, self.poller.normal_seconds, 0.0)
        return self._end(unit, done, time.time() + (wait if reading.is_whole else GOES_ON_SECONDS), **told)

    def _guard(self, unit: Unit) -> None:
        self.poller.store.feed_turns.expect_feed(unit, self.record.feed_id, self.holder)

    def _succeed(self, fetched: feeds.Fetched, feed: feeds.Feed | None) -> Polled:
        record, store = self.record, self.poller.store
        before = store.feeds.memory.get(record.feed_id)
        taken = Taken()
        if feed is not None:
            sifted = sift(reversed(_first_of_each(feed.articles)), before)
            taken = take(store, sifted, self.poller.max_article_bytes)
        seen = remembered(before, taken.seen)
        if taken.full:
            return self._full(taken, seen)
        unit = Unit()
        moved_to, next_at, disabled = fetched.moved_to, self._next(fetched, feed), ""
        if moved_to and not store.feeds.move(unit, record, moved_to):
            moved_to, next_at, disabled = "", None, f"moved to {moved_to}, which is subscribed to already"
        fields: dict[str, Word] = {
            "succeeded_at": time.time(), "failures": 0, "error": "", "disabled": disabled,
            "articles": record.articles + taken.pushed,
        }  # fmt: skip
        if feed is not None:
            fields |= _of(feed, fetched.validators)
            store.feeds.memory.put(unit, record.feed_id, seen)
        return self._end(
            unit, fields, next_at, pushed=taken.pushed, rejected=taken.rejected, is_unchanged=feed is None,
            moved_to=moved_to, disabled=disabled, title=str(fields.get("title", record.title)),
        )  # fmt: skip

    def _next(self, fetched: feeds.Fetched, feed: feeds.Feed | None) -> float | None:
        """When a feed that was read is due again; what it asked for last still holds where nothing has changed."""
        asked = self.record.asked_seconds if feed is None else feed.asked_seconds
        asked = max(asked, pace.fresh_seconds(dict(fetched.headers)))
        return time.time() + pace.wait_after_success(self.record.first_url, self.poller.normal_seconds, asked)

    def _full(self, taken: Taken, seen: Seen) -> Polled:
        """The inbox has no room for all of it. What the server gave to know its answer by is not kept, so that it is
        read again.
        """
        unit = Unit()
        self.poller.store.feeds.memory.put(unit, self.record.feed_id, seen)
        fields: dict[str, Word] = {"error": taken.full, "articles": self.record.articles + taken.pushed}
        return self._end(unit, fields, self._later(self.poller.normal_seconds), error=taken.full, pushed=taken.pushed)

    def _put_off(self, reason: str, seconds: float) -> Polled:
        return self._end(Unit(), {}, self._later(seconds), error=reason, put_off=True)

    def _fail(
        self, error: feeds.FeedError, unit: Unit | None = None, more: Mapping[str, Word] | None = None, **told: Any
    ) -> Polled:
        record, n_failures = self.record, self.record.failures + 1
        way = error.origin.removeprefix(record.url) if error.origin.startswith(record.url) else ""
        reason = f"{error.reason}{'' if record.reader else way}"[:500]
        is_gone = isinstance(error, feeds.StatusError) and error.status == GONE
        disabled = f"gone: {reason}" if is_gone else record.disabled
        asked = pace.DAY_SECONDS if isinstance(error, feeds.RefusedError) else _asked_by(error)
        n_counted = 1 if isinstance(error, feeds.NoSecretError) else n_failures  # nobody was asked
        wait = pace.wait_after_failure(record.first_url, self.poller.normal_seconds, n_counted, asked)
        fields: dict[str, Word] = {"failures": n_failures, "error": reason, "disabled": disabled, **(more or {})}
        next_at = None if disabled else time.time() + wait
        return self._end(unit or Unit(), fields, next_at, error=reason, disabled=disabled, **told)

    def _later(self, seconds: float) -> float | None:
        return None if self.record.disabled else time.time() + seconds

    def _end(self, unit: Unit, fields: dict[str, Word], next_at: float | None, **told: Any) -> Polled:
        """Commits what became of the poll, with the end of this process's right to it."""
        store = self.poller.store
        store.feed_turns.expect_feed(unit, self.record.feed_id, self.holder)
        store.feeds.end(unit, self.record, fields, next_at)
        store.feed_turns.drop_feed(unit, self.record.feed_id)
        if not commit(store.connection, [unit])[0]:
            store.feed_turns.release_feed(self.record.feed_id, self.holder)
            return self._told(error="the subscription ended or moved meanwhile")
        return self._told(next_at=next_at, **told)

    def _told(self, **told: Any) -> Polled:
        return Polled(self.record.url, **({"title": self.record.title} | told))


def rest_after(error: feeds.FeedError | None) -> float:
    """How long a host is left alone after what went wrong (None: nothing), in seconds, beyond the usual."""
    return min(_asked_by(error), _LONGEST_REST) if error is not None else 0.0


def _asked_by(error: feeds.FeedError) -> float:
    """How long a server that is too busy asks to be left alone, in seconds."""
    if isinstance(error, feeds.StatusError) and error.status in _ASK_FOR_PATIENCE:
        return pace.retry_after_seconds(error.retry_after, time.time())
    return 0.0


def account_of_record(record: FeedRecord) -> feeds.Account:
    """The account of a feed reader that is kept as a feed."""
    kind = next(one for one in feeds.KINDS if one == record.reader)
    return feeds.Account(record.first_url, kind, record.url, record.user)


def _first_of_each(articles: Iterable[Mapping[str, object]]) -> list[Mapping[str, object]]:
    """Of articles with one id the first that is listed."""
    listed: dict[str, Mapping[str, object]] = {}
    for payload in articles:
        listed.setdefault(str(payload["id"]), payload)
    return list(listed.values())


def _of(feed: feeds.Feed, known: feeds.Validators) -> dict[str, Word]:
    """What is kept of what a feed says."""
    title: dict[str, Word] = {"title": feed.title[:MOST_TITLE_LETTERS]} if feed.title else {}
    return title | {
        "etag": known.etag, "last_modified": known.last_modified, "known_url": known.url,
        "asked_seconds": feed.asked_seconds,
    }  # fmt: skip


def make_poller(store: Store, settings: Settings, busy_seconds: float = BUSY_SECONDS) -> Poller:
    """The poller of a deployment."""
    return Poller(
        store, settings.feeds_poll_seconds, settings.feeds_host_seconds, settings.feeds_allow,
        settings.max_article_bytes, busy_seconds=busy_seconds,
        secrets=feeds.Secrets(settings.readers, settings.readers_file), first_seconds=settings.window_seconds,
    )  # fmt: skip
