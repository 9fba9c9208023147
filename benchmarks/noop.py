"""A Celery task that does nothing, to compare with: what one task an article costs before any work is done."""

from __future__ import annotations

from celery import Celery

app = Celery("noop")
app.conf.update(
    task_ignore_result=True,
    worker_enable_remote_control=False,
    worker_hijack_root_logger=True,
    broker_connection_retry_on_startup=True,
)


@app.task(name="noop")  # type: ignore[untyped-decorator]
def noop(article_id: str) -> None:
    """Does nothing with one article."""
