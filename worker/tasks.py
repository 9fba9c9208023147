"""The Celery tasks: decode, call the service, map errors.

1. Messages are nudges. A drain, a run, an expiry, a poll or a report that is lost, repeated or late changes nothing
   that the next one does not put right.
2. `push` is the exception: its message carries the article. It is for producers that already speak Celery, has a queue
   and a worker process of its own, and its delivery is as weak as Celery's on Redis: a worker that dies at
   the wrong moment can lose the message. What must not be lost goes to the inbox with XADD.
3. A task raises what it cannot handle: Celery logs it, and what was in work is taken up again from the store.
"""

from __future__ import annotations

import time
from typing import Any, Final

from celery.signals import worker_process_shutdown

from worker.app import app
from worker.service.draining import drain as drain_inbox
from worker.service.runtime import runtime
from worker.store.pushing import push_payloads

CLUSTER_SECONDS: Final = 3_600
"""A first run over a large window may take minutes; the lease, not the message, keeps others from starting one."""


MOST_HELPERS: Final = 8
"""Processes that are asked for help at a time..."""
HELP_EXPIRES_SECONDS: Final = 3.0
"""... and for how long."""


@app.task(max_retries=3)
def drain() -> int:
    """Works on the inbox until it is empty or a minute is over."""
    parts = runtime()
    settings = parts.settings
    return drain_inbox(
        parts.store, parts.params, parts.name, settings.claim_seconds, settings.max_article_bytes,
        settings.retention_seconds,
    )  # fmt: skip


@app.task(max_retries=3, time_limit=CLUSTER_SECONDS)
def cluster() -> int | None:
    """Runs while there is news; where a large window is being clustered anew, others are asked to help."""
    parts = runtime()
    parts.clusterer.rebuilder.ask = _ask_for_help
    return parts.clusterer.keep_up(parts.settings.cluster_seconds)


def _ask_for_help(n_pieces: int) -> None:
    for _ in range(min(n_pieces, MOST_HELPERS)):
        rebuild.apply_async(expires=HELP_EXPIRES_SECONDS)


@app.task(max_retries=3)
def rebuild() -> int:
    """Helps the holder of the lease to cluster a large window anew; how many pieces this process did."""
    parts = runtime()
    return 0 if parts.store.lease.holder() == parts.name else parts.clusterer.rebuilder.help()


@app.task(max_retries=3)
def report() -> list[str]:
    """The reports of periods that have ended."""
    return runtime().reporting.make_due(time.time())


@app.task(max_retries=3)
def expire() -> int:
    """Takes away what has been kept long enough."""
    return runtime().expiry.run(time.time())


@app.task(max_retries=3)
def poll() -> int:
    """Polls the feeds that are due, and marks in readers what is to be."""
    from worker.service.marking import Marker  # only its own worker needs the fetcher and the parsers
    from worker.service.polling import make_poller

    parts = runtime()
    poller = make_poller(parts.store, parts.settings)
    n_polled = poller.run()
    Marker(poller, parts.params.family).run()
    return n_polled


@app.task(max_retries=3, autoretry_for=(Exception,), retry_backoff=True)
def push(article: dict[str, Any] | list[dict[str, Any]]) -> list[str]:
    """Puts one article or several into the inbox; returns their ids."""
    parts = runtime()
    articles = article if isinstance(article, list) else [article]
    told = push_payloads(parts.store.inbox, parts.store.rejected, articles, parts.settings.max_article_bytes)
    return [article_id for batch in told for article_id in batch.accepted]


@worker_process_shutdown.connect
def _hand_over(**_: object) -> None:
    """A process that ends in order gives its lease back."""
    if runtime.cache_info().currsize:
        runtime().clusterer.release()
