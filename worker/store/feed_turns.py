"""Whose turn it is: who may poll a feed, and who may ask a host. Each right ends by itself if its holder dies."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from worker.store.commit import Unit, commit
from worker.store.connection import Connection
from worker.store.keys import Keys

FEED_SECONDS: Final = 120
"""More than a poll takes: a fetch ends after half a minute."""
HOST_SECONDS: Final = 60
_ASK_AGAIN_SECONDS: Final = 0.1
_RESTING: Final = b"resting"


@dataclass(frozen=True, slots=True)
class FeedTurns:
    """The rights to poll feeds and to ask hosts, under one prefix. A `holder` is a name that nobody else uses."""

    connection: Connection
    keys: Keys

    def take_feed(self, feed_id: str, holder: str) -> bool:
        """Whether the holder may poll the feed now; nobody else may for two minutes, or until it is done."""
        return bool(self.connection.set(self.keys.feed_lease(feed_id), holder, nx=True, ex=FEED_SECONDS))

    def expect_feed(self, unit: Unit, feed_id: str, holder: str) -> None:
        """Guards a unit by the holder still having the feed."""
        unit.expect("GET", self.keys.feed_lease(feed_id), reply=holder.encode())

    def drop_feed(self, unit: Unit, feed_id: str) -> None:
        """Adds to a unit that the feed is given back."""
        unit.do("DEL", self.keys.feed_lease(feed_id))

    def release_feed(self, feed_id: str, holder: str) -> None:
        """Gives a feed back that nothing was written of."""
        unit = Unit()
        self.expect_feed(unit, feed_id, holder)
        self.drop_feed(unit, feed_id)
        commit(self.connection, [unit])

    def take_host(self, host: str, holder: str) -> tuple[float, bool]:
        """Seconds after which to ask again, 0.0 where the holder may ask the host now; and whether that is certain, for
        the host is left alone until then, or a guess, for somebody else is asking it.
        """
        key = self._host(host)
        if self.connection.set(key, holder, nx=True, ex=HOST_SECONDS):
            return 0.0, True
        # at one moment: between two a rest may end and somebody's visit begin, whose right to it lasts a minute
        held, left = self.connection.pipeline(transaction=True).get(key).pttl(key).execute()
        return (max(int(left), 1) / 1000, True) if held == _RESTING else (_ASK_AGAIN_SECONDS, False)

    def leave_host(self, host: str, holder: str, rest_seconds: float) -> None:
        """Ends a visit; nobody asks the host for so long."""
        unit = Unit()
        unit.expect("GET", self._host(host), reply=holder.encode())
        unit.do("SET", self._host(host), _RESTING, "PX", max(1, int(rest_seconds * 1000)))
        commit(self.connection, [unit])

    def _host(self, host: str) -> str:
        return self.keys.feed_host(blake2b(host.lower().encode(errors="replace"), digest_size=12).hexdigest())
