"""`dedup feeds once` and `dedup feeds undo`: what is marked read in a reader because it is shown there already."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

from dedup.article import format_time
from dedup.family import FamilyParams
from worker.answers import as_mapping
from worker.cli.feeds import connected_poller
from worker.cli.lines import InputError
from worker.cli.output import note, show_json, show_table
from worker.service.mark_steps import Marked
from worker.service.marking import Marker, Proposal
from worker.service.polling import Poller
from worker.service.standing import Scope
from worker.service.subscribing import subscribed_account
from worker.settings import load
from worker.store.feeds import FeedRecord

_COLUMNS = ("article", "title", "source", "why", "stays", "its title")


def once(args: argparse.Namespace) -> int:
    """Lists what would be marked read in an account, and why; switches that on or off where asked to."""
    with connected_poller(args) as poller:
        record = subscribed_account(poller.store.feeds, args.name)
        given = Scope(tuple(args.feed), tuple(args.category), tuple(args.source))
        is_kept = given == Scope() and not args.on
        scope = Scope.of(record.once) if is_kept else given
        found = [] if args.off else _marker(poller).look(record, scope)
        if args.on or args.off:
            poller.store.feeds.mark_from(record, scope.text() if args.on else "", time.time())
        is_on = args.on or (bool(record.once) and not args.off)
    if args.json:
        show_json({"account": args.name, "on": is_on, "scope": scope, "would_mark": [_told(one) for one in found]})
        return 0
    note(f"{args.name}: {_switched(args, record)}{_within(scope)}; {len(found):,} articles to be marked read now")
    if args.on:
        note(f"the service marks them after a poll, if it was started with the secret of {args.name} (DEDUP_READERS)")
    show_table("To be marked read", _COLUMNS, [_row(one) for one in found])
    return 0


def undo(args: argparse.Namespace) -> int:
    """Marks unread again what was marked read in an account."""
    with connected_poller(args) as poller:
        record, marker = subscribed_account(poller.store.feeds, args.name), _marker(poller)
        _check_marked(args, record, poller)
        if args.dry_run:
            return _list_marks(args, marker.marks(record))
        done = marker.undo(record, args.article_ids)
    if args.json:
        show_json({"account": args.name, "unread": done.restored, "left": done.left})
    else:
        note(_undone(args.name, done, is_on=bool(record.once)))
    return 0


def _marker(poller: Poller) -> Marker:
    return Marker(poller, FamilyParams(source_priority=load().source_priority))


def _check_marked(args: argparse.Namespace, record: FeedRecord, poller: Poller) -> None:
    marks = poller.store.readers.marks(record.first_url)
    if unknown := [one for one in args.article_ids if one not in marks]:
        raise InputError(f"never marked in {args.name}: {', '.join(unknown)}; --dry-run lists what was")


def _list_marks(args: argparse.Namespace, marks: Sequence[Proposal]) -> int:
    chosen = [one for one in marks if not args.article_ids or one.article_id in args.article_ids]
    if args.json:
        show_json([_told(one) | {"state": one.state, "at": format_time(one.at)} for one in chosen])
    else:
        rows = [(one.state, format_time(one.at), *_row(one)) for one in chosen]
        show_table("Marked", ("state", "at", *_COLUMNS), rows)
    return 0


def _told(one: Proposal) -> dict[str, Any]:
    told = as_mapping(one)
    return {name: told[name] for name in told if name not in {"state", "at"}}


def _row(one: Proposal) -> tuple[str, ...]:
    return (one.article_id, one.title, one.source, _why(one), one.kept, one.kept_title)


def _why(one: Proposal) -> str:
    if one.kind == "copy":
        return "copy: the same text"
    return f"{one.kind}: similarity {one.jaccard:.2f} reaches {one.bar:.2f}"


def _switched(args: argparse.Namespace, record: FeedRecord) -> str:
    if args.on:
        return "on from now on"
    if args.off:
        return "off; what is marked read stays so until `dedup feeds undo`"
    return "on" if record.once else "off, and nothing is marked until --on"


def _within(scope: Scope) -> str:
    named = [f"{kind} {', '.join(names)}" for kind, names in as_mapping(scope).items() if names]
    return f" ({'; '.join(named)})" if named else ""


def _undone(name: str, done: Marked, *, is_on: bool) -> str:
    left = f", {len(done.left):,} left as they are" if done.left else ""
    still = f"; what comes from now on is still marked: `dedup feeds once {name} --off` ends that" if is_on else ""
    return f"{name}: {len(done.restored):,} articles are unread again{left}{still}"
