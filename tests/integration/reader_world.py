"""An account of a feed reader on loopback, worked by hand: what tests of polling and of marking have in common."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from tests.integration.reader_site import KEY, PASSWORD, USER, ReaderSite
from tests.integration.world import text
from worker import feeds
from worker.feeds import FetchLimits, Secrets
from worker.service.polling import Polled, Poller
from worker.service.subscribing import subscribe_to_account, subscribed
from worker.store.feeds import FeedRecord
from worker.store.store import Store

ROOT = Path(__file__).parents[2]
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


WORKING = """
import os
import sys
from ipaddress import ip_network
from dedup.pipeline import Params
from worker.feeds import Secrets
from worker.service.marking import Marker
from worker.service.polling import Poller
from worker.service.subscribing import subscribed
from worker.store.connection import connect
from worker.store.store import open_store

url, name, secret = sys.argv[1:]
for line in sys.stdin:
    pid = os.fork()
    if not pid:
        store = open_store(connect(url), "dedup:")
        allow = [ip_network("127.0.0.1/32")]
        marker = Marker(Poller(store, 900, 0.001, allow, secrets=Secrets(((name, secret),))), Params().family)
        record = subscribed(store.feeds, name)
        command = line.strip()
        if command == "poll":
            list(marker.poller.poll_now([record.feed_id]))
        elif command == "undo":
            marker.undo(record)
        else:
            marker.mark(record.feed_id)
        os._exit(0)
    print(pid, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


@contextmanager
def killing(world: World, server_url: str, path: str) -> Iterator[Callable[..., None]]:
    """Lets processes of their own do something, and kills each when a request to that path has come to the reader."""
    secret = KEY if world.account.kind == "miniflux" else PASSWORD
    words = [sys.executable, "-c", WORKING, server_url, world.account.name, secret]
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        given, told = process.stdin, process.stdout
        assert given
        assert told

        def kill(command: str, **fault: Any) -> None:
            begun: SimpleQueue[int] = SimpleQueue()
            world.site.fail(path, meanwhile=lambda: os.kill(begun.get(timeout=10), signal.SIGKILL), **fault)
            given.write(f"{command}\n")
            given.flush()
            begun.put(int(told.readline()))
            assert int(told.readline()) == -signal.SIGKILL
            keys = [world.store.keys.feed_lease(world.record().feed_id), *world.store.connection.keys("*:host:*")]
            world.store.connection.delete(*keys)

        yield kill
