"""Manners towards hosts: one request at a time from all processes of the service, and a pause after it."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Final

from dedup.errors import DedupError
from worker.store.feed_turns import FeedTurns

BUSY_SECONDS: Final = 5.0
"""How long a poll waits for its host; later it is put off."""


class BusyHostError(DedupError):
    """A host that another poll is asking, or that is left alone for `seconds` more."""

    def __init__(self, host: str, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"{host} is asked by another poll, or left alone for a while: put off for {seconds:.0f} s")


@dataclass(slots=True)
class Visit:
    """The hosts that one fetch has to itself, in the order in which it came to them."""

    turns: FeedTurns
    host_seconds: float
    busy_seconds: float = BUSY_SECONDS
    holder: str = field(default_factory=lambda: secrets.token_hex(16))
    hosts: list[str] = field(default_factory=list)

    def __call__(self, host: str) -> None:
        """Waits for a host. Raises `BusyHostError` where that takes too long.

        Where a redirect leads, that is soon: the fetch has begun, and holds another host meanwhile.
        """
        end = time.monotonic() + (min(self.busy_seconds, BUSY_SECONDS) if self.hosts else self.busy_seconds)
        while host not in self.hosts:
            wait, is_certain = self.turns.take_host(host, self.holder)
            if not wait:
                self.hosts.append(host)
            elif time.monotonic() + wait > end:
                raise BusyHostError(host, wait if is_certain else self.busy_seconds)
            else:
                time.sleep(wait)

    def leave(self, rest_seconds: float = 0.0) -> None:
        """Leaves all hosts; the last one is asked by nobody for so long, if that is longer than usual."""
        for host in self.hosts:
            rest = rest_seconds if host == self.hosts[-1] else 0.0
            self.turns.leave_host(host, self.holder, max(rest, self.host_seconds))
        self.hosts.clear()
