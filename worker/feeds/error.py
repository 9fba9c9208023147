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


class TooLargeError(FeedError):
    """An answer that is larger than what is read of one."""


class StatusError(FeedError):
    """A server that answered with a status that is no success.

    `status` is the code; `retry_after` is the header of that name, "" where there is none.
    """

    def __init__(self, origin: str, reason: str, status: int, retry_after: str = "") -> None:
        self.status = status
        self.retry_after = retry_after
        super().__init__(origin, reason)
