"""The interface of each kind of feed reader."""

from __future__ import annotations

from worker.feeds.account import Account, Ask, Reader
from worker.feeds.greader import GoogleReader
from worker.feeds.miniflux import Miniflux
from worker.feeds.secret import Secrets


def open_reader(account: Account, secrets: Secrets, ask: Ask) -> Reader:
    """A conversation with an account. Nothing is asked yet."""
    return Miniflux(account, secrets, ask) if account.kind == "miniflux" else GoogleReader(account, secrets, ask)
