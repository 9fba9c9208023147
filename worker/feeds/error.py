"""What can be wrong with a feed."""

from __future__ import annotations

from dedup.errors import DedupError


class FeedError(DedupError):
    """A feed that cannot be fetched or read.

    `origin` is the URL or file it was to come from; `reason` says what is wrong.
    """

    def __init__(self, origin: str, reason: str) -> None:
        self.origin = origin
        self.reason = reason
        super().__init__(f"{origin or 'feed'}: {reason}")
