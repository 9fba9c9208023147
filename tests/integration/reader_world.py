"""An account of a feed reader on loopback, worked by hand: what tests of polling and of marking have in common."""

from __future__ import annotations

import dataclasses
import json
import time
from ipaddress import ip_network
from typing import Any

from tests.integration.reader_site import KEY, PASSWORD, USER, ReaderSite
from tests.integration.world import text
from worker import feeds
from worker.feeds import FetchLimits, Secrets
from worker.service.polling import Polled, Poller
from worker.service.subscribing import subscribe_to_account, subscribed
from worker.store.feeds import FeedRecord
from worker.store.store import Store

NORMAL = 900.0
NOW = int(time.time())
NEW = NOW * 1_000_000
"""FreshRSS numbers articles by their arrival, in microseconds."""

KINDS = [("freshrss", "freshrss"), ("miniflux", "miniflux"), ("miniflux", "greader")]
"""A reader, and the interface by which it is asked."""


@dataclasses.dataclass(frozen=True)
class World:
    """A reader, and an account of it."""

    site: ReaderSite
    store: Store
    account: feeds.Account
    base: int

    def poller(self, **options: Any) -> Poller:
        secret = KEY if self.account.kind == "miniflux" else PASSWORD
        options = {"secrets": Secrets(((self.account.name, secret),)), **options}
        limits = options.pop("limits", FetchLimits(max_bytes=400_000, timeout_seconds=5))
        allow = [ip_network("127.0.0.1/32")]
        return Poller(self.store, NORMAL, 0.001, allow, limits=limits, **options)

    def subscribe(self) -> None:
        assert len(subscribe_to_account(self.poller(), self.account).added) == 1

    def record(self) -> FeedRecord:
        return subscribed(self.store.feeds, self.account.name)

    def poll(self, **options: Any) -> Polled:
        [told] = self.poller(**options).poll_now([self.record().feed_id])
        return told

    def add(self, number: int, html: str = "", **fields: Any) -> str:
        """An article of the reader by a small number; its id as it is pushed."""
        fields = {"published": NOW - 10_000 + number, **fields}
        self.site.add(self.base + number, html or f"<p>{text(number)}</p>", **fields)
        return f"{self.account.name}:{self.base + number}"

    def waiting(self) -> list[str]:
        return [str(one["id"]) for one in self.payloads()]

    def payloads(self) -> list[dict[str, Any]]:
        return [json.loads(payload) for _, payload in self.store.inbox.scan()]


def world_of(site: ReaderSite, store: Store, kind: str) -> World:
    user = "" if kind == "miniflux" else USER
    account = feeds.account_of(kind, site.root + "/", user)  # type: ignore[arg-type]
    return World(site, store, account, NEW if site.flavour == "freshrss" else 0)
