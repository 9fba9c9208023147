"""What one process works with: settings, a store, and what it keeps from task to task."""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass
from functools import cache

from dedup.family import FamilyParams
from dedup.pipeline import Params
from worker.service.clustering import Clusterer
from worker.service.reporting import Reporting
from worker.service.retention import Expiry
from worker.settings import Settings, load
from worker.store.connection import connect
from worker.store.store import Store, open_store


@dataclass(frozen=True, slots=True)
class Runtime:
    """The parts of the service in this process."""

    settings: Settings
    store: Store
    params: Params
    name: str
    clusterer: Clusterer
    reporting: Reporting
    expiry: Expiry


def make_runtime(settings: Settings, url: str) -> Runtime:
    """The parts of the service for these settings and a server's URL. Nothing is sent yet."""
    store = open_store(connect(url), settings.prefix, settings.inbox_max, keep_text=settings.keep_text)
    params = Params(family=FamilyParams(source_priority=settings.source_priority))
    name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    return Runtime(
        settings,
        store,
        params,
        name,
        Clusterer(store, params, name, settings.window_seconds, settings.retention_seconds, settings.storyline_seconds),
        Reporting(store, settings.report_timezone),
        Expiry(store, params, settings.retention_seconds, settings.storyline_seconds),
    )


@cache
def runtime() -> Runtime:
    """The one of this process, made at first use (in a Celery worker: after the fork)."""
    settings = load()
    return make_runtime(settings, settings.redis_url or "redis://127.0.0.1:6379/0")
