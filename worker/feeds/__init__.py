"""Articles from RSS, Atom and JSON Feed, and from feed readers: fetched without reaching into private networks, parsed
without trust.

`fetch` is the only place where the project opens a connection to an address a stranger may have chosen.
"""

from __future__ import annotations

from worker.feeds.account import (
    KINDS,
    Account,
    Item,
    Page,
    Reader,
    ReaderKind,
    RefusedError,
    Since,
    account_of,
    is_name,
)
from worker.feeds.error import FeedError, StatusError, TooLargeError
from worker.feeds.fetch import DEFAULT_LIMITS, Call, Fetched, FetchLimits, Validators, fetch, web_address
from worker.feeds.greader import MOST_LISTED
from worker.feeds.opml import BadOutline, Opml, Outline, is_opml, read_opml
from worker.feeds.parse import looks_like_feed, parse_feed, read_feed
from worker.feeds.payload import Feed, feed_id
from worker.feeds.readers import open_reader
from worker.feeds.secret import NoSecretError, Secrets

__all__ = ["DEFAULT_LIMITS", "KINDS", "MOST_LISTED", "Account", "BadOutline", "Call", "Feed", "FeedError",
           "FetchLimits", "Fetched", "Item", "NoSecretError", "Opml", "Outline", "Page", "Reader", "ReaderKind",
           "RefusedError", "Secrets", "Since", "StatusError", "TooLargeError", "Validators", "account_of", "feed_id",
           "fetch", "is_name", "is_opml", "looks_like_feed", "open_reader", "parse_feed", "read_feed", "read_opml",
           "web_address"]  # fmt: skip
