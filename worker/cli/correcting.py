"""`dedup link`, `unlink` and `corrections`: which articles are together or apart whatever the clustering says."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Final

from dedup.article import format_time
from dedup.correction import CorrectionKind
from worker import answers
from worker.answers import Answer
from worker.cli.connected import reached
from worker.cli.output import note, show_fields, show_json, show_table

_VERBS: Final = {"link": "linked with", "unlink": "unlinked from"}
_TOLD: Final = {
    ("link", "made"): "linked: they are in one story from the next run on",
    ("link", "stands"): "linked already: nothing changes",
    ("link", "taken back"): "the link is taken back: the next run clusters without it",
    ("unlink", "made"): "unlinked: they are in no story and no family together from the next run on",
    ("unlink", "stands"): "unlinked already: nothing changes",
    ("unlink", "taken back"): "the unlink is taken back: the next run clusters without it",
}


def link(args: argparse.Namespace) -> int:
    """Says that two articles must be in one story, or takes that back."""
    return _correct(args, "link")


def unlink(args: argparse.Namespace) -> int:
    """Says that two articles must not be in one story, or takes that back."""
    return _correct(args, "unlink")


def corrections(args: argparse.Namespace) -> int:
    """The corrections that stand, in the order in which they were made."""
    with reached(args) as service:
        made = service.client.corrections(args.article_id)
    if args.json:
        show_json([answers.correction(one) for one in made])
    else:
        rows = [(one.correction.kind, one.correction.one, one.correction.other, format_time(one.at)) for one in made]
        show_table("Corrections", ("kind", "article", "other", "made_at"), rows)
    return 0


def brief(own: Sequence[Answer]) -> str:
    """An article's corrections in a line, "" where there are none."""
    return ", ".join(f"{_VERBS[one['kind']]} {one['other']}" for one in own)


def _correct(args: argparse.Namespace, kind: CorrectionKind) -> int:
    with reached(args) as service:
        correct = service.client.link if kind == "link" else service.client.unlink
        is_new = correct(args.article_id, args.other_id, undo=args.undo)
    outcome = "taken back" if args.undo else "made" if is_new else "stands"
    if args.json:
        show_json({"kind": kind, "articles": sorted((args.article_id, args.other_id)), "outcome": outcome})
    else:
        show_fields({"articles": f"{args.article_id}, {args.other_id}", kind: outcome})
        note(_TOLD[kind, outcome])
    return 0
