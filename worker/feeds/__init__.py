"""Articles from RSS, Atom and JSON Feed: fetched without reaching into private networks, parsed without trust.

`fetch` is the only place where the project opens a connection to an address a stranger may have chosen.
"""

from __future__ import annotations

from worker.feeds.error import FeedError, StatusError
from worker.feeds.fetch import DEFAULT_LIMITS, Fetched, FetchLimits, Validators, fetch, web_address
from worker.feeds.opml import BadOutline, Opml, Outline, is_opml, read_opml
from worker.feeds.parse import looks_like_feed, parse_feed, read_feed
from worker.feeds.payload import Feed, feed_id

__all__ = ["DEFAULT_LIMITS", "BadOutline", "Feed", "FeedError", "FetchLimits", "Fetched", "Opml", "Outline",
           "StatusError", "Validators", "feed_id", "fetch", "is_opml", "looks_like_feed", "parse_feed", "read_feed",
           "read_opml", "web_address"]  # fmt: skip
