"""The Celery object and its settings.

Messages are nudges: a lost one is followed by the next, for what has to be done stands in the store. So nothing here
guards against loss, and everything against standing still.
"""

from __future__ import annotations

import gc
import sys
from typing import Any, Final

from celery import Celery
from celery.signals import beat_init, celeryd_init, worker_process_init

from worker.parent import end_with
from worker.settings import Settings, celery_ssl, celery_url, load

DRAIN_EVERY_SECONDS: Final = 1.0
EXPIRE_EVERY_SECONDS: Final = 60.0
REPORT_EVERY_SECONDS: Final = 30.0
POLL_EVERY_SECONDS: Final = 5.0
GARBAGE_OBJECTS: Final = 50_000
"""Objects made and not yet freed at which a worker looks for cycles among them."""
SWITCH_SECONDS: Final = 0.0005
"""How long a thread computes on while another one waits to: ten times as long by default, which is as long as a batch
takes to be admitted."""


def make_app(settings: Settings) -> Celery:
    """The Celery application of a deployment."""
    url = settings.broker_url or settings.redis_url or "redis://127.0.0.1:6379/0"
    celery = Celery("story-dedup", broker=celery_url(url), include=["worker.tasks"])
    celery.conf.update(
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_retry_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        task_ignore_result=True,
        task_time_limit=240,
        task_serializer="json",
        accept_content=["json"],
        task_default_queue="ingest",
        task_routes=_routes(),
        beat_schedule=_schedule(settings),
        broker_connection_retry_on_startup=True,
        broker_use_ssl=celery_ssl(url),
        worker_soft_shutdown_timeout=20,
        worker_enable_soft_shutdown_on_idle=True,
        worker_hijack_root_logger=True,
        worker_enable_remote_control=False,
        broker_transport_options={
            "global_keyprefix": f"{settings.prefix}private:celery:",
            "visibility_timeout": 300,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "socket_timeout": 30,
            "socket_keepalive": True,
            "health_check_interval": 25,
        },
    )
    return celery


def _routes() -> dict[str, dict[str, str]]:
    queues = {
        "drain": "ingest", "cluster": "cluster", "report": "cluster", "expire": "cluster", "push": "push",
        "poll": "feeds", "rebuild": "rebuild",
    }  # fmt: skip
    return {f"worker.tasks.{name}": {"queue": queue} for name, queue in queues.items()}


def _schedule(settings: Settings) -> dict[str, dict[str, Any]]:
    """What beat issues and how often; a nudge that nobody takes up in time is dropped."""
    retention_seconds = settings.retention_days * 86_400
    every = {
        "drain": DRAIN_EVERY_SECONDS,
        "cluster": settings.cluster_seconds,
        "report": REPORT_EVERY_SECONDS,
        "poll": POLL_EVERY_SECONDS,
        "expire": min(EXPIRE_EVERY_SECONDS, max(1.0, retention_seconds / 10)),
    }
    return {
        name: {"task": f"worker.tasks.{name}", "schedule": seconds, "options": {"expires": max(1.0, seconds)}}
        for name, seconds in every.items()
    }


def _end_with_parent(**_: object) -> None:
    """Under `dedup up`, ends this process when the supervisor is gone, by whatever death."""
    end_with(load().parent_fd)


def make_haste(**_: object) -> None:
    """Has the interpreter cost this process little.

    Garbage collection is spared what lives as long as the process: a batch makes objects by the ten thousand, hardly
    any of them in cycles, and looking through them all again and again takes a tenth of a worker's time. A thread that
    has the server's answer waits for its turn no longer than the other one needs for a step of its work.
    """
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS, *gc.get_threshold()[1:])
    sys.setswitchinterval(SWITCH_SECONDS)


worker_process_init.connect(make_haste, weak=False)
for _begins in (celeryd_init, worker_process_init, beat_init):
    _begins.connect(_end_with_parent, weak=False)

app = make_app(load())
