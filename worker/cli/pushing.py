"""`dedup push`: articles from a file, a feed or standard input into the inbox."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from dedup.errors import DedupError
from worker import feeds
from worker.cli.connected import chosen_settings, reached
from worker.cli.lines import InputError, read_bytes
from worker.cli.output import note, show_json
from worker.settings import Settings
from worker.store.pushing import InboxFullError, Payload

_TOLD_REJECTIONS = 20


def push(args: argparse.Namespace) -> int:
    """Pushes and tells what became of it; 1 where anything was rejected or there was nothing."""
    payloads = read_source(args.source, chosen_settings(args))
    if not payloads:
        raise InputError(f"{args.source}: no articles in it")
    with reached(args) as service:
        accepted: list[str] = []
        rejected: list[dict[str, str | None]] = []
        try:
            with _progress() as progress:
                bar = progress.add_task("pushing", total=len(payloads))
                for batch in service.client.push_each(payloads):
                    accepted += batch.accepted
                    rejected += [{"id": e.article_id, "field": e.field, "reason": e.reason} for e in batch.rejected]
                    progress.update(bar, completed=len(accepted) + len(rejected))
        except InboxFullError:
            raise  # it counts what went in of its own batch, too
        except DedupError as error:
            raise DedupError(f"{error} ({len(accepted):,} of {len(payloads):,} articles had been accepted)") from error
        if args.json:
            show_json({"accepted": accepted, "rejected": rejected})
        else:
            _tell(accepted, rejected)
    return 1 if rejected else 0


def read_source(source: str, settings: Settings) -> list[Payload]:
    """The articles of a file, a URL or standard input ("-"): JSON lines, JSON, or a feed. Raises `InputError`."""
    if source.lower().startswith(("http://", "https://")):
        fetched = feeds.fetch(source, allow=settings.feeds_allow)
        entries = feeds.read_feed(fetched.body, source, base_url=fetched.url, content_type=fetched.content_type)
        return list(reversed(entries))
    body = read_bytes(source)
    if feeds.looks_like_feed(body):
        origin = "stdin" if source == "-" else Path(source).absolute().as_uri()
        return list(reversed(feeds.read_feed(body, origin)))
    return list(_articles(body))


def _articles(body: bytes) -> Iterator[Payload]:
    """One JSON document (an article or an array of them), or one article a line."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        yield from (line for line in body.splitlines() if line.strip())
        return
    if isinstance(document, list):
        yield from (one if isinstance(one, dict) else json.dumps(one) for one in document)
    else:
        yield body


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True,
    )  # fmt: skip


def _tell(accepted: list[str], rejected: list[dict[str, str | None]]) -> None:
    note(f"{len(accepted):,} articles accepted, {len(rejected):,} rejected")
    for one in rejected[:_TOLD_REJECTIONS]:
        note(f"rejected {one['id'] or '(no id)'}: {one['field']}: {one['reason']}")
    if len(rejected) > _TOLD_REJECTIONS:
        note(f"and {len(rejected) - _TOLD_REJECTIONS:,} more; all of them are in the stream `rejected`")
    if not sys.stdout.isatty():
        for article_id in accepted:
            sys.stdout.write(f"{article_id}\n")
