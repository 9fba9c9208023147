"""`dedup up` and `dedup demo`: the whole service in the foreground."""

from __future__ import annotations

import argparse
from pathlib import Path

from dedup.article import format_time
from worker.cli.connected import chosen_settings
from worker.cli.output import note, show_json, show_table, show_text
from worker.demo import Shown, run
from worker.settings import inherited
from worker.up import serve


def up(args: argparse.Namespace) -> int:
    """Runs the service until ctrl-C."""
    serve(chosen_settings(args), args.workers, args.tcp_port, note, inherited())
    return 0


def demo(args: argparse.Namespace) -> int:
    """Shows the service at work on the sample articles."""
    settings = chosen_settings(args)
    shown = run(settings, note, inherited(), Path(args.report).absolute())
    if args.json:
        show_json(_told(shown))
    else:
        _show(shown)
    return 0


def _show(shown: Shown) -> None:
    n_families = len({one.family for _, articles in shown.stories for one in articles})
    show_text(
        f"\n{shown.n_articles} articles, {n_families} families, {len(shown.stories)} stories, "
        f"{len(shown.storylines)} storylines\n"
    )
    columns = ("story", "headline", "articles", "families", "sources", "first published", "storyline")
    show_table(
        "Stories",
        columns,
        [
            (one.id, one.headline, one.n_articles, one.n_families, one.n_sources, format_time(one.first_published_at),
             one.storyline)
            for one, _ in shown.stories
        ],
    )  # fmt: skip
    show_text("")
    rows = [
        (one.family, one.kind, one.article_id, one.source, one.title) for members in shown.families for one in members
    ]
    show_table("Near-duplicate families", ("family", "kind", "article", "source", "title"), rows)
    for line, stories in shown.storylines:
        if len(stories) > 1:
            show_text(f"\nStoryline {line.id} has {len(stories)} stories, in order:")
            for one in stories:
                show_text(f"  {format_time(one.first_published_at)}  {one.id}  {one.headline}")
    show_text(f"\nReport: {shown.report}")


def _told(shown: Shown) -> dict[str, object]:
    return {
        "articles": shown.n_articles,
        "seconds": round(shown.seconds, 3),
        "stories": [{"id": s.id, "headline": s.headline, "storyline": s.storyline,
                     "articles": [one.article_id for one in articles]} for s, articles in shown.stories],
        "storylines": [{"id": line.id, "stories": [one.id for one in stories]} for line, stories in shown.storylines],
        "families": [{"id": members[0].family, "articles": [one.article_id for one in members]}
                     for members in shown.families],
        "report": str(shown.report),
    }  # fmt: skip
