"""Everything that is kept, under one connection and prefix."""

from __future__ import annotations

from dataclasses import dataclass

from dedup.lsh import LshParams
from worker.store.aliases import Aliases
from worker.store.articles import Articles
from worker.store.changes import Changes
from worker.store.connection import Connection
from worker.store.corrections import KeptCorrections
from worker.store.feed_memory import FeedMemory
from worker.store.feed_turns import FeedTurns
from worker.store.feeds import Feeds
from worker.store.forgotten import Forgotten
from worker.store.inbox import Inbox
from worker.store.index import Index
from worker.store.keys import Keys
from worker.store.lease import Lease, Runs
from worker.store.living import KeptLiving
from worker.store.mirror import Mirror
from worker.store.news import NewsStream
from worker.store.past import KeptPast
from worker.store.readers import Readers
from worker.store.rebuild import Rebuild
from worker.store.rejected import Rejected
from worker.store.reports import Reports
from worker.store.stories import Stories


@dataclass(frozen=True, slots=True)
class Store:
    """The parts of the store."""

    connection: Connection
    keys: Keys
    inbox: Inbox
    index: Index
    articles: Articles
    aliases: Aliases
    corrections: KeptCorrections
    news: NewsStream
    rejected: Rejected
    stories: Stories
    changes: Changes
    lease: Lease
    runs: Runs
    past: KeptPast
    living: KeptLiving
    rebuild: Rebuild
    reports: Reports
    forgotten: Forgotten
    feeds: Feeds
    feed_turns: FeedTurns
    readers: Readers


def open_store(connection: Connection, prefix: str, inbox_max: int = 1_000_000, *, keep_text: bool = True) -> Store:
    """The store behind a connection. `keep_text` says whether articles' texts are to be kept. Nothing is sent yet."""
    keys = Keys(prefix)
    return Store(
        connection,
        keys,
        Inbox(connection, keys, inbox_max),
        Index(connection, keys, Mirror(connection, keys, LshParams()), keep_text),
        Articles(connection, keys),
        Aliases(connection, keys),
        KeptCorrections(connection, keys),
        NewsStream(connection, keys),
        Rejected(connection, keys),
        Stories(connection, keys),
        Changes(connection, keys),
        Lease(connection, keys),
        Runs(connection, keys),
        KeptPast(connection, keys),
        KeptLiving(connection, keys),
        Rebuild(connection, keys),
        Reports(connection, keys),
        Forgotten(connection, keys),
        Feeds(connection, keys, FeedMemory(connection, keys)),
        FeedTurns(connection, keys),
        Readers(connection, keys),
    )
