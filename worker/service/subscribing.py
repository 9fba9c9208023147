"""Subscribing to feeds, one by one or by an OPML list, and ending that."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from dedup.errors import DedupError
from worker import feeds
from worker.service.polling import MOST_TITLE_LETTERS, Poller
from worker.store.feeds import FeedRecord, Feeds


class UnknownFeedError(DedupError):
    """A URL that no feed is subscribed to by."""


@dataclass(frozen=True, slots=True)
class Subscribed:
    """What came of subscribing: the feeds added, the URLs that were there, and the outlines that could not be."""

    added: tuple[FeedRecord, ...]
    known: tuple[str, ...]
    bad: tuple[feeds.BadOutline, ...] = ()


def subscribe_to_url(poller: Poller, url: str) -> Subscribed:
    """Subscribes to the feed, or to all feeds of the OPML list, behind a URL.

    It is fetched to see which it is. Raises `FeedError` where it is neither.
    """
    address = feeds.web_address(url)
    if poller.store.feeds.find(address) is not None:
        return Subscribed((), (address,))
    fetched = poller.look(address)
    if feeds.is_opml(fetched.body):
        return subscribe_to_list(poller.store.feeds, feeds.read_opml(fetched.body, address, fetched.content_type))
    feed = feeds.parse_feed(fetched.body, address, base_url=fetched.url, content_type=fetched.content_type)
    return _subscribe(poller.store.feeds, [feeds.Outline(address, feed.title[:MOST_TITLE_LETTERS], "")])


def subscribe_to_list(kept: Feeds, opml: feeds.Opml) -> Subscribed:
    """Subscribes to every feed of an OPML list, without fetching any."""
    return _subscribe(kept, opml.feeds, opml.bad)


def subscribe_to_account(poller: Poller, account: feeds.Account) -> Subscribed:
    """Subscribes to an account of a feed reader, once it has been seen that its secret is right.

    Raises `FeedError` where it is not, or where another account has its name, and `BusyHostError`.
    """
    kept = poller.store.feeds
    record = FeedRecord(
        feeds.feed_id(account.name), account.url, account.name, account.name, added_at=time.time(),
        reader=account.kind, user=account.user,
    )  # fmt: skip
    if (found := kept.get([record.feed_id]).get(record.feed_id)) is not None:
        if (found.url, found.user, found.reader) != (account.url, account.user, account.kind):
            raise feeds.FeedError(account.name, f"the account at {found.url} has this name: say --name for another")
        return Subscribed((), (account.name,))
    visit = poller.visit()
    try:
        poller.reader(account, visit).check()
    finally:
        visit.leave()
    return Subscribed((record,), ()) if kept.add(record) else Subscribed((), (account.name,))


def _subscribe(kept: Feeds, outlines: Sequence[feeds.Outline], bad: Sequence[feeds.BadOutline] = ()) -> Subscribed:
    added, known = [], []
    for one in outlines:
        record = FeedRecord(feeds.feed_id(one.url), one.url, one.url, one.title, one.category, added_at=time.time())
        if kept.find(one.url) is None and kept.add(record):
            added.append(record)
        else:
            known.append(one.url)
    return Subscribed(tuple(added), tuple(known), tuple(bad))


def subscribed(kept: Feeds, url: str) -> FeedRecord:
    """The feed that is subscribed to by a URL, its first one or its present one, or the account of a feed reader by
    its name. Raises `UnknownFeedError`.
    """
    feed_id = kept.find(url if feeds.is_name(url) else feeds.web_address(url))
    record = kept.get([feed_id]).get(feed_id) if feed_id is not None else None
    if record is None:
        raise UnknownFeedError(f"no feed {url!r} is subscribed to; `dedup feeds list` tells which are")
    return record


def subscribed_account(kept: Feeds, name: str) -> FeedRecord:
    """The account of a feed reader that has a name. Raises `UnknownFeedError`."""
    record = subscribed(kept, name)
    if not record.reader:
        raise UnknownFeedError(
            f"{name!r} is a feed, and no account of a feed reader; `dedup feeds list` tells which are"
        )
    return record


def unsubscribe(kept: Feeds, url: str) -> FeedRecord:
    """Ends a subscription; its articles stay. Raises `UnknownFeedError`."""
    while True:
        record = subscribed(kept, url)
        if kept.remove(record):
            return record
