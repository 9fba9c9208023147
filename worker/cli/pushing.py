"""`dedup push`: articles from a file, a feed or standard input into the inbox."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from dedup.errors import DedupError
from worker import answers, feeds
from worker.cli.connected import chosen_settings, reached
from worker.cli.lines import InputError, read_bytes
from worker.cli.output import note, show_json
from worker.settings import Settings
from worker.store.pushing import InboxFullError, Payload, Pushed, split_payloads

_TOLD_REJECTIONS = 20


def push(args: argparse.Namespace) -> int:
    """Pushes and tells what became of it; 1 where anything was rejected or there was nothing."""
    payloads = read_source(args.source, chosen_settings(args))
    if not payloads:
        raise InputError(f"{args.source}: no articles in it")
    with reached(args) as service:
        told = Pushed()
        try:
            with _progress() as progress:
                bar = progress.add_task("pushing", total=len(payloads))
                for batch in service.client.push_each(payloads):
                    told.add(batch)
                    progress.update(bar, completed=len(told.accepted) + len(told.rejected))
        except InboxFullError:
            raise  # it counts what went in of its own batch, too
        except DedupError as error:
            raise DedupError(
                f"{error} ({len(told.accepted):,} of {len(payloads):,} articles had been accepted)"
            ) from error
        if args.json:
            show_json(answers.pushed(told))
        else:
            _tell(told)
    return 1 if told.rejected else 0


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
    return list(split_payloads(body))


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True,
    )  # fmt: skip


def _tell(told: Pushed) -> None:
    note(f"{len(told.accepted):,} articles accepted, {len(told.rejected):,} rejected")
    for place, one in list(zip(told.rejected_at, told.rejected, strict=True))[:_TOLD_REJECTIONS]:
        note(f"rejected {one.article_id or f'article {place + 1:,} (no id)'}: {one.field}: {one.reason}")
    if len(told.rejected) > _TOLD_REJECTIONS:
        note(f"and {len(told.rejected) - _TOLD_REJECTIONS:,} more; all of them are in the stream `rejected`")
    if not sys.stdout.isatty():
        for article_id in told.accepted:
            sys.stdout.write(f"{article_id}\n")
