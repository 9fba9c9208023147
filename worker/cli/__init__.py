"""The command `dedup`. Exit codes: 0 done, 1 failed, 2 wrong usage."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from dedup.errors import DedupError

Command = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    args = parser().parse_args(argv)
    module, name = args.run.split(":")
    try:
        command: Command = getattr(import_module(f"worker.cli.{module}"), name)
        code = command(args)
        sys.stdout.flush()
    except DedupError as error:
        return _told(error)
    except BrokenPipeError:
        # Who read has had enough. What is still buffered goes nowhere, lest the interpreter's last flush complains.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 1
    return code


def _told(error: DedupError) -> int:
    """Says what went wrong, line by line: an article's id may be in it, and is a stranger's."""
    from dedup.report import plain

    sys.stderr.write("dedup: " + "\n".join(plain(line) for line in str(error).splitlines()) + "\n")
    return 1


def parser() -> argparse.ArgumentParser:
    """The command line; each command says in `run` where it is defined, and is imported when it is asked for."""
    top = argparse.ArgumentParser(
        prog="dedup", description="Near-duplicate families, stories and storylines of news articles.",
        epilog="REDIS_URL names the server to use; without it, the one in the data directory is found or started.",
    )  # fmt: skip
    top.add_argument("--version", action="version", version=f"dedup {_version()}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_running(commands)
    _add_reading(commands)
    _add_correcting(commands)
    _add_feeds(commands)
    _add_offline(commands)
    return top


def _add_running(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    demo = _add(commands, "demo", "running:demo", "show the whole service at work on sample articles", data_dir=False)
    demo.add_argument("--report", metavar="FILE", default="demo-report.html", help="where to write the report")
    up = _add(commands, "up", "running:up", "run server, workers and beat until ctrl-C", json=False)
    up.add_argument("--workers", metavar="N", type=_count, default=2, help="ingest workers (default: 2)")
    up.add_argument("--tcp-port", metavar="PORT", type=_port, help="also listen on this loopback port; 0: any free one")
    web = _add(
        commands, "web", "serving:web", "serve HTTP until ctrl-C: push, look up, follow, story feeds", json=False
    )
    web.add_argument("--host", metavar="HOST", help="where to listen (default: DEDUP_WEB_HOST, 127.0.0.1)")
    web.add_argument("--port", metavar="PORT", type=_port, help="0: any free one (default: DEDUP_WEB_PORT, 8040)")
    push = _add(commands, "push", "pushing:push", "push articles: JSON lines, JSON, or a feed")
    push.add_argument("source", metavar="FILE|URL|-", help="a file, a URL, or - for standard input")


def _add_reading(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    show = _add(commands, "show", "reading:show", "show an article's family, story and storyline")
    show.add_argument("article_id", metavar="ARTICLE_ID")
    story = _add(commands, "story", "reading:story", "show a story and its articles")
    story.add_argument("story_id", metavar="STORY_ID")
    stories = _add(commands, "stories", "reading:stories", "list the stories that changed last")
    stories.add_argument("--limit", metavar="N", type=_count, default=20, help="how many (default: 20)")
    explain = _add(commands, "explain", "explaining:explain", "explain why an article is in its family and its story")
    explain.add_argument("article_id", metavar="ARTICLE_ID")
    scope = explain.add_mutually_exclusive_group()
    scope.add_argument("other_id", metavar="OTHER_ID", nargs="?", help="why these two are in one story, or in two")
    scope.add_argument("--family", action="store_true", help="its family alone, which needs no look at the window")
    changes = _add(commands, "changes", "reading:changes", "list what happened to stories")
    changes.add_argument("--follow", action="store_true", help="go on with what happens from now on")
    changes.add_argument(
        "--after", metavar="ENTRY", type=_entry, default="0", help="resume after this entry of the stream"
    )
    changes.add_argument("--limit", metavar="N", type=_count, help="stop after so many")
    report = _add(commands, "report", "reading:report", "show the report of an hour or a day")
    report.add_argument("--period", choices=("hour", "day"), default="day")
    report.add_argument("--name", help="2026-11-21T14, 2026-11-21 or latest (default: the current one, made now)")
    report.add_argument("--format", choices=("markdown", "html", "json"), default="markdown")
    report.add_argument("-o", "--output", metavar="FILE", help="write it here")
    forget = _add(commands, "forget", "forgetting:forget", "take every trace of one article away")
    forget.add_argument("article_id", metavar="ARTICLE_ID")
    _add(commands, "status", "reading:status", "show how far the service is and how to reach its server")


def _add_correcting(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    link = _add(commands, "link", "correcting:link", "say that two articles must be in one story")
    unlink = _add(commands, "unlink", "correcting:unlink", "say that two articles must not be in one story")
    for command in (link, unlink):
        command.add_argument("article_id", metavar="ARTICLE_ID")
        command.add_argument("other_id", metavar="ARTICLE_ID")
        command.add_argument("--undo", action="store_true", help="take it back")
    corrections = _add(commands, "corrections", "correcting:corrections", "list the corrections that stand")
    corrections.add_argument("article_id", metavar="ARTICLE_ID", nargs="?", help="only those that name this article")


def _add_feeds(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    summary = "subscribe to feeds, which are polled while the service runs"
    feeds = commands.add_parser("feeds", help=summary, description=summary[0].upper() + summary[1:] + ".")
    kinds = feeds.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add = _add(kinds, "add", "feeds:add", "subscribe to a feed, to all feeds of an OPML list, or to a reader's account")
    add.add_argument("source", metavar="URL|OPML", help="a feed's URL, the URL or file of an OPML list, or a reader's")
    add.add_argument("--reader", choices=("miniflux", "freshrss", "greader"), help="what feed reader is at the URL")
    add.add_argument("--user", metavar="USER", default="", help="who logs in there (miniflux: a key alone does)")
    add.add_argument("--name", metavar="NAME", default="", help="what to call the account (default: its reader)")
    _add(kinds, "list", "feeds:show", "show the feeds and how their polls went")
    remove = _add(kinds, "remove", "feeds:remove", "end a subscription; its articles stay")
    remove.add_argument("source", metavar="URL|NAME")
    remove.add_argument(
        "--keep-marks", action="store_true", help="also where what is marked read cannot be undone then"
    )
    poll = _add(kinds, "poll", "feeds:poll", "poll one feed or all of them now")
    poll.add_argument("source", metavar="URL|NAME", nargs="?", default="")
    once = _add(kinds, "once", "marks:once", "list what would be marked read in a reader because it is there already")
    once.add_argument("name", metavar="NAME", help="the reader's account")
    switch = once.add_mutually_exclusive_group()
    switch.add_argument("--on", action="store_true", help="mark it read from now on")
    switch.add_argument("--off", action="store_true", help="mark nothing any more")
    for kind, what in (("feed", "of this feed (URL or title)"), ("category", "in this category"),
                       ("source", "that say the same as an article of this source")):  # fmt: skip
        once.add_argument(f"--{kind}", metavar=kind.upper(), action="append", default=[], help=f"only articles {what}")
    undo = _add(kinds, "undo", "marks:undo", "mark unread again what was marked read in a reader's account")
    undo.add_argument("name", metavar="NAME", help="the reader's account")
    undo.add_argument("article_ids", metavar="ARTICLE_ID", nargs="*", help="these articles alone")
    undo.add_argument("--dry-run", action="store_true", help="only list what was marked, and why")


def _add_offline(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    cluster = _add(
        commands, "cluster", "offline:cluster", "cluster a file, without a server", json=False, data_dir=False
    )
    cluster.add_argument("input", metavar="INPUT.jsonl[.gz]")
    cluster.add_argument("-o", "--output", metavar="OUT.jsonl", help="write the lines here")
    evaluate = _add(commands, "evaluate", "evaluating:evaluate", "score the clustering of a gold file", data_dir=False)
    evaluate.add_argument("gold", metavar="GOLD.jsonl[.gz]")
    way = evaluate.add_mutually_exclusive_group()
    way.add_argument("--output", metavar="OUT.jsonl", help="score what `dedup cluster` made of the file")
    way.add_argument("--undated", action="store_true", help="cluster it as if no article were dated")
    way.add_argument("--replay", action="store_true", help="also feed it to a sliding window, one run a day")


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: str,
    summary: str,
    *,
    json: bool = True,
    data_dir: bool = True,
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
    command.set_defaults(run=run)
    if json:
        command.add_argument("--json", action="store_true", help="print JSON")
    if data_dir:
        command.add_argument("--data-dir", metavar="DIR", type=Path, help="where the embedded server keeps its data")
    return command


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def _entry(text: str) -> str:
    if not re.fullmatch(r"\d{1,18}(-\d{1,18})?", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text!r} is no entry of the stream, which looks like 1795310902487-0")
    return text


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port")
    return int(text)


def _version() -> str:
    try:
        return version("story-dedup")
    except PackageNotFoundError:
        return "(not installed)"
