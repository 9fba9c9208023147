"""The commands that read: show, story, stories, changes, report, status."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from dedup.article import format_time
from dedup.report import Period, PeriodKind, period_of, plain
from dedup.story import Change, ChangeKind, Story
from worker import answers
from worker.cli import correcting
from worker.cli.connected import Reached, UnknownIdError, reached
from worker.cli.explaining import brief
from worker.cli.lines import InputError
from worker.cli.output import escaped, json_text, note, show_fields, show_json, show_table, show_text
from worker.client import UnknownArticleError
from worker.service.overview import overview
from worker.service.runtime import make_runtime
from worker.store.rebuild import Progress
from worker.store.reports import Rendered

_TOLD_ARTICLES: Final = 50
_TOLD_IN_CHANGE: Final = 5
_RELATIONS: Final[Mapping[ChangeKind, str]] = {
    "moved": "from", "merged": "into", "split": "from", "linked": "to", "corrected": "apart from",
}  # fmt: skip
"""How the other story of a change is named."""
_NAMES: Final = {"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d"}


def show(args: argparse.Namespace) -> int:
    """One article: its family, story and storyline, which article it matches, and who else is in the family."""
    with reached(args) as service:
        told = answers.whole_article(service.client, args.article_id)
    if told is None:
        raise UnknownArticleError(args.article_id)
    if args.json:
        show_json(told)
        return 0
    members, match, made = (told.pop(name) for name in ("family_articles", "match", "corrections"))
    corrections = {"corrections": correcting.brief(made)} if made else {}
    show_fields(told | {"matches": brief(match)} | corrections)
    if len(members) > 1:
        show_text("")
        show_table("Its family", ("id", "kind", "source", "title"), [list(one.values()) for one in members])
    return 0


def story(args: argparse.Namespace) -> int:
    """One story with its articles, and the other stories of its storyline."""
    with reached(args) as service:
        client = service.client
        told = answers.story(client, args.story_id)
        if told is None:
            raise UnknownIdError(f"no story {args.story_id!r} is known: never made, or expired")
        if args.json:
            show_json(told)
            return 0
        ids, _ = told.pop("articles"), told.pop("storyline_stories")
        articles = [one for name in ids[:_TOLD_ARTICLES] if (one := client.lookup(name)) is not None]
        line = client.storyline_stories(told["storyline"])
    show_fields(told)
    show_text("")
    rows = [(one.article_id, one.kind, one.source, one.published_at, one.title) for one in articles]
    show_table("Its articles", ("id", "kind", "source", "published_at", "title"), rows)
    if len(ids) > len(articles):
        note(f"and {len(ids) - len(articles):,} more")
    if len(line) > 1:
        show_text("")
        show_table("Its storyline", *_stories_table(line))
    return 0


def stories(args: argparse.Namespace) -> int:
    """The stories that changed last."""
    with reached(args) as service:
        found = service.client.stories(args.limit)
    if args.json:
        show_json(answers.stories(found))
    else:
        show_table("Stories, latest first", *_stories_table(found))
    return 0


def changes(args: argparse.Namespace) -> int:
    """What happened to stories, oldest first; with --follow, also what is yet to happen."""
    with reached(args) as service:
        after = args.after
        told = 0
        while args.limit is None or told < args.limit:
            part = service.client.changes(after, min(1_000, args.limit - told) if args.limit is not None else 1_000)
            if not part:
                break
            for after, change in part:
                _show_change(after, change, as_json=args.json)
            told += len(part)
        if args.follow:
            sys.stdout.flush()
            for entry_id, change in service.client.follow(after, 5.0):
                _show_change(entry_id, change, as_json=args.json)
                sys.stdout.flush()
    return 0


def report(args: argparse.Namespace) -> int:
    """A period's report: the one that was kept, or one made now."""
    with reached(args) as service:
        rendered = _report(service, args.period, args.name)
    text = {"json": escaped(rendered.json), "markdown": rendered.markdown, "html": rendered.html}[
        "json" if args.json else args.format
    ]
    if args.output is None:
        show_text(text)
        return 0
    try:
        Path(args.output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {args.output}: {error.strerror}") from error
    note(f"report written to {Path(args.output).absolute()}")
    return 0


def status(args: argparse.Namespace) -> int:
    """Whether the service is there, how far it is, and how to reach its server."""
    with reached(args) as service:
        store = make_runtime(service.settings, service.url).store
        with contextlib.closing(store.connection):
            figures = overview(store)
        told: dict[str, Any] = dataclasses.asdict(figures) | {"progress": _progress(figures.progress, args.json)}
        told["server"] = service.server.cli_line if service.server is not None else 'redis-cli -u "$REDIS_URL"'
        told["data_dir"] = str(service.settings.data_dir) if service.server is not None else ""
    if args.json:
        show_json(told)
    else:
        show_fields(told)
    return 0


def _progress(told: Progress | None, as_json: bool) -> dict[str, object] | str | None:
    """How far a large window is clustered anew: its fields, or a line; None where none is."""
    if told is None:
        return None
    began_at = format_time(told.began)
    if as_json:
        return {"stage": told.stage, "done": told.done, "total": told.total, "began_at": began_at}
    return f"{told.stage}, {told.done:,} of {told.total:,} done since {began_at}"


def _report(service: Reached, kind: str, name: str | None) -> Rendered:
    now = time.time()
    chosen = cast("PeriodKind", kind)
    if name == "latest":
        found = service.client.rendered_report(kind, "latest")
        if found is None:
            what = "an hour" if kind == "hour" else "a day"
            raise UnknownIdError(f"no report of {what} has been made yet; leave --name out for one of right now")
        return found
    period = period_of(chosen, now, service.settings.report_timezone)
    if name is not None and name != period.name:
        found = service.client.rendered_report(kind, name)
        if found is not None:
            return found
        period = _named_period(chosen, name, service.settings.report_timezone)
    runtime = make_runtime(service.settings, service.url)
    with contextlib.closing(runtime.store.connection):
        runtime.reporting.make(period, now)
    made = service.client.rendered_report(kind, period.name)
    if made is None:
        raise UnknownIdError(f"the report {period.name} was made, and is gone again")
    return made


def _named_period(kind: PeriodKind, name: str, timezone: str) -> Period:
    """The period of this name, like 2026-11-21T14 or 2026-11-21."""
    try:
        moment = datetime.strptime(name, _NAMES[kind]).replace(tzinfo=ZoneInfo(timezone))
    except ValueError as error:
        example = "2026-11-21T14" if kind == "hour" else "2026-11-21"
        raise InputError(f"{name!r} names no {kind}; write it like {example}") from error
    return period_of(kind, moment.timestamp(), timezone)


def _stories_table(found: list[Story]) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    columns = ("id", "headline", "articles", "families", "sources", "status", "first_published_at", "storyline")
    rows: list[tuple[object, ...]] = [
        (one.id, one.headline, one.n_articles, one.n_families, one.n_sources, one.status,
         format_time(one.first_published_at), one.storyline)
        for one in found
    ]  # fmt: skip
    return columns, rows


def _show_change(entry_id: str, change: Change, *, as_json: bool) -> None:
    if as_json:
        show_text(json_text(answers.change(entry_id, change)))
    else:
        other = f" {_RELATIONS[change.kind]} {change.other}" if change.other else ""
        more = " ..." if change.n_articles > _TOLD_IN_CHANGE else ""
        articles = " ".join(change.articles[:_TOLD_IN_CHANGE]) + more
        told = f", {change.n_articles}: {articles}" if change.n_articles else ""
        show_text(plain(f"{format_time(change.at)} {change.kind} {change.story}{other}{told}"))
