"""Reaching a service for one command: REDIS_URL, the live server of the data directory, or one for the meantime."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dedup.errors import DedupError
from worker import embedded
from worker.cli.output import note
from worker.client import Client
from worker.settings import Settings, load
from worker.store.connection import connect, told
from worker.store.store import Store, open_store
from worker.up import server_for


class UnknownIdError(DedupError):
    """An id that nothing is known by."""


@dataclass(frozen=True, slots=True)
class Reached:
    """A service that a command talks to; `server` is the embedded one, None where REDIS_URL names another."""

    settings: Settings
    url: str
    client: Client
    server: embedded.Server | None


def chosen_settings(args: argparse.Namespace) -> Settings:
    """The environment's settings, with what the command line says of the data directory."""
    settings = load()
    chosen: Path | None = getattr(args, "data_dir", None)
    data_dir = (chosen or settings.data_dir).expanduser().absolute()
    return dataclasses.replace(settings, data_dir=data_dir)


@contextlib.contextmanager
def reached(args: argparse.Namespace) -> Iterator[Reached]:
    """The service, for the length of one command."""
    settings = chosen_settings(args)
    with server_for(settings) as (url, server):
        if server is not None and server.started:
            note(f"no service is running on {settings.data_dir}; its server was started for this command alone")
        with (
            told(url),
            Client(
                url,
                prefix=settings.prefix,
                inbox_max=settings.inbox_max,
                max_article_bytes=settings.max_article_bytes,
                window_days=settings.window_days,
            ) as client,
        ):
            yield Reached(settings, url, client, server)


@contextlib.contextmanager
def opened_store(service: Reached) -> Iterator[Store]:
    """The whole store behind a service, for what its client does not tell."""
    store = open_store(connect(service.url), service.settings.prefix)
    with contextlib.closing(store.connection):
        yield store
