"""`dedup feeds`: the feeds that are polled."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from dedup.article import format_time
from worker import feeds
from worker.answers import as_mapping
from worker.cli.connected import reached
from worker.cli.lines import InputError, read_bytes
from worker.cli.output import note, show_json, show_table
from worker.service.polling import Polled, Poller, make_poller
from worker.service.runtime import make_runtime
from worker.service.standing import Scope
from worker.service.subscribing import (
    Subscribed,
    subscribe_to_account,
    subscribe_to_list,
    subscribe_to_url,
    subscribed,
    unsubscribe,
)
from worker.store.feeds import FeedRecord
from worker.store.readers import OPEN

_PATIENCE_SECONDS: Final = 60.0
_TOLD: Final = (
    "url", "first_url", "title", "category", "added_at", "polled_at", "succeeded_at", "next_at", "failures", "error",
    "articles", "disabled", "reader", "user", "once",
)  # fmt: skip


def add(args: argparse.Namespace) -> int:
    """Subscribes to a feed by its URL, to those of an OPML list, or to an account of a feed reader; 1 where an outline
    of a list could not be read.
    """
    done = _add_account(args) if args.reader else _add_feeds(args)
    if args.json:
        bad = [{"name": one.name, "reason": one.reason} for one in done.bad]
        added = [one.first_url if one.reader else one.url for one in done.added]
        show_json({"added": added, "known": list(done.known), "bad": bad})
    else:
        _tell(done)
    return 1 if done.bad else 0


def show(args: argparse.Namespace) -> int:
    """All feeds with their state, in the order in which they were added."""
    with connected_poller(args) as poller:
        kept = poller.store.feeds
        records = list(kept.get(kept.ids()).values())
    if args.json:
        show_json([_listed(one) for one in records])
        return 0
    columns = ("url", "title", "category", "articles", "last poll", "last success", "next poll", "failures", "error")
    show_table("Feeds", columns, [_row(one) for one in records])
    return 0


def remove(args: argparse.Namespace) -> int:
    """Ends a subscription. The articles that came of it stay."""
    with connected_poller(args) as poller:
        if not args.keep_marks:
            _check_unmarked(poller, args.source)
        record = unsubscribe(poller.store.feeds, args.source)
    if args.json:
        show_json({"removed": record.first_url if record.reader else record.url})
    else:
        note(f"{record.first_url if record.reader else record.url} is not polled any more; its articles stay")
    return 0


def poll(args: argparse.Namespace) -> int:
    """Polls one feed, or all that are polled, now; 1 where one could not be read."""
    with connected_poller(args) as poller:
        told = list(poller.poll_now(_chosen(poller, args.source)))
    if args.json:
        show_json([as_mapping(one) for one in told])
    else:
        columns = ("url", "title", "new", "rejected", "next poll", "what came")
        rows = [(one.url, one.title, one.pushed, one.rejected, format_time(one.next_at), _outcome(one)) for one in told]
        show_table("Polled", columns, rows)
    return 1 if any((one.error and not one.put_off) or one.disabled for one in told) else 0


@contextlib.contextmanager
def connected_poller(args: argparse.Namespace) -> Iterator[Poller]:
    """The poller of the service that a command talks to."""
    with reached(args) as service:
        store = make_runtime(service.settings, service.url).store
        with contextlib.closing(store.connection):
            yield make_poller(store, service.settings, _PATIENCE_SECONDS)


def _add_feeds(args: argparse.Namespace) -> Subscribed:
    if args.user or args.name:
        raise InputError("--user and --name are of an account of a feed reader: say which one with --reader")
    is_url = args.source.lower().startswith(("http://", "https://"))
    opml = None if is_url else _read_list(args.source)
    with connected_poller(args) as poller:
        return subscribe_to_url(poller, args.source) if opml is None else subscribe_to_list(poller.store.feeds, opml)


def _add_account(args: argparse.Namespace) -> Subscribed:
    account = feeds.account_of(args.reader, args.source, args.user, args.name)
    with connected_poller(args) as poller:
        return subscribe_to_account(poller, account)


def _check_unmarked(poller: Poller, source: str) -> None:
    """Refuses to end an account in which articles are marked read that could be marked unread."""
    record = subscribed(poller.store.feeds, source)
    marks = poller.store.readers.marks(record.first_url) if record.reader else {}
    n_marked = sum(1 for mark in marks.values() if mark.state in OPEN)
    if n_marked:
        raise InputError(
            f"{n_marked:,} articles are marked read there: `dedup feeds undo {source}` marks them unread, and with "
            "--keep-marks they stay so"
        )


def _read_list(source: str) -> feeds.Opml:
    origin = "standard input" if source == "-" else source
    body = read_bytes(source)
    if not feeds.is_opml(body):
        raise InputError(f"{origin}: no OPML list of feeds. A feed is added by its URL, http:// or https:// included")
    return feeds.read_opml(body, origin if source == "-" else Path(source).name)


def _chosen(poller: Poller, source: str) -> list[str]:
    """The feeds to poll: the one asked for, or all but those that are polled no more."""
    kept = poller.store.feeds
    if source:
        return [subscribed(kept, source).feed_id]
    records = kept.get(kept.ids())
    return [feed_id for feed_id, record in records.items() if not record.disabled]


def _tell(done: Subscribed) -> None:
    note(
        f"{len(done.added):,} feeds added, {len(done.known):,} were there already, {len(done.bad):,} could not be read"
    )
    for one in done.bad:
        note(f"not added: {one.name}: {one.reason}")


def _listed(record: FeedRecord) -> dict[str, Any]:
    told = {name: value for name, value in as_mapping(record).items() if name in _TOLD}
    return told | {"once": as_mapping(Scope.of(record.once)) if record.once else None}


def _row(record: FeedRecord) -> tuple[Any, ...]:
    times = (format_time(at) for at in (record.polled_at, record.succeeded_at, record.next_at))
    error = record.disabled or record.error
    return (record.url, record.title, record.category, record.articles, *times, record.failures, error)


def _outcome(polled: Polled) -> str:
    if polled.error or polled.disabled:
        return polled.disabled or polled.error
    moved = f", moved to {polled.moved_to}" if polled.moved_to else ""
    return ("nothing has changed" if polled.is_unchanged else f"{polled.pushed:,} new or changed") + moved
