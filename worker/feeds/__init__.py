"""Articles from RSS, Atom and JSON Feed: fetched without reaching into private networks, parsed without trust.

`fetch` is the only place where the project opens a connection to an address a stranger may have chosen.
"""

from __future__ import annotations

from worker.feeds.error import FeedError
from worker.feeds.fetch import Fetched, FetchLimits, fetch
from worker.feeds.parse import looks_like_feed, read_feed

__all__ = ["FeedError", "FetchLimits", "Fetched", "fetch", "looks_like_feed", "read_feed"]
