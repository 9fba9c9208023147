"""Reading an account of a feed reader: page by page, each pushed before it is noted as known.

1. What is known of an article's place in its reader is noted before the article is pushed, so that a forgetting that
   comes between finds it.
2. What was read before something went wrong counts: the next poll goes on behind it.
3. An article that was marked read here and is unread there was marked so by its user, who is not overruled again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from dedup.errors import DedupError
from worker import feeds
from worker.service.taking import sift, take
from worker.store.commit import Unit, commit
from worker.store.feed_memory import Seen, digest
from worker.store.readers import Entry, Mark
from worker.store.store import Store


class EndedError(DedupError):
    """The account was removed, or taken over by another process, meanwhile."""


@dataclass(slots=True)
class Reading:
    """One poll of an account. `guard` adds to a unit that the account is still this process's to poll.

    `pushed`, `rejected`: articles that went into the inbox, and that could not. `cursor`: where the next poll goes on.
    `full`: why it stopped for want of room. `error`: what went wrong in the end. `is_whole`: nothing is left.
    """

    store: Store
    account: feeds.Account
    max_article_bytes: int
    guard: Callable[[Unit], None]
    before: Seen
    cursor: str
    seen: Seen = field(default_factory=dict)
    pushed: int = 0
    rejected: int = 0
    full: str = ""
    error: feeds.FeedError | None = None
    is_whole: bool = False

    def run(self, reader: feeds.Reader, begin: float, seconds: float) -> None:
        """Reads what is new, for so long at most; what came before `begin` (Unix seconds) and is not known is left.

        Raises `EndedError`.
        """
        end = time.monotonic() + seconds
        try:
            for page in reader.news(feeds.Since(self.cursor, self._is_known, begin)):
                self._take(page)
                if self.full:
                    return
                self.cursor = page.cursor or self.cursor
                if page.has_more and time.monotonic() > end:
                    return
            self.is_whole = True
        except feeds.FeedError as error:
            self.error = error

    def known(self) -> Seen:
        """What is to be known from now on: of what came before as much as is kept."""
        joined = {**self.seen, **{name: content for name, content in self.before.items() if name not in self.seen}}
        return dict(list(joined.items())[: max(feeds.MOST_LISTED, len(self.seen))])

    def _is_known(self, item_id: str) -> bool:
        name = digest(self.account.article_id(item_id).encode())
        return name in self.before or name in self.seen

    def _take(self, page: feeds.Page) -> None:
        items = {self.account.article_id(one.item_id): one for one in page.items}
        sifted = sift((one.payload for one in items.values()), {**self.before, **self.seen})
        now = time.time()
        fresh = {name: entry_of(items[name], now) for name in sifted.news}
        self._note(fresh, [name for name, one in items.items() if not one.is_read], now)
        taken = take(self.store, sifted, self.max_article_bytes)
        self._drop(taken.refused)
        absent = {digest(self.account.article_id(one).encode()): digest(b"") for one in page.absent}
        self.seen = {**taken.seen, **absent, **self.seen}
        self.pushed += taken.pushed
        self.rejected += taken.rejected
        self.full = taken.full

    def _note(self, fresh: dict[str, Entry], unread: list[str], now: float) -> None:
        unit, readers, name = Unit(), self.store.readers, self.account.name
        self.guard(unit)
        readers.note(unit, name, fresh)
        if not commit(self.store.connection, [unit])[0]:
            raise EndedError(f"{name}: the subscription ended meanwhile")
        marks = readers.marks(name) if unread else {}
        units = [
            overruled(self.store, name, one, marks[one], now)
            for one in unread
            if one in marks and marks[one].state == "marked"
        ]
        commit(self.store.connection, units)

    def _drop(self, refused: tuple[str, ...]) -> None:
        unit = Unit()
        self.store.readers.drop(unit, refused)
        commit(self.store.connection, [unit])


def overruled(store: Store, name: str, article_id: str, mark: Mark, now: float) -> Unit:
    """The unit that notes that a user has marked an article unread."""
    unit = Unit()
    store.readers.put_mark(unit, name, article_id, replace(mark, state="overruled", at=now), mark)
    return unit


def entry_of(item: feeds.Item, now: float) -> Entry:
    """What is noted of an article that is pushed now (Unix seconds)."""
    return Entry(item.item_id, now, item.feeds, item.categories)
