"""`dedup cluster`: the core over a file, with no server."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from dedup.article import Article, parse_article
from dedup.errors import ArticleError
from dedup.pipeline import Placement, cluster_articles
from dedup.text import identify
from worker.cli.bar import stages_shown
from worker.cli.lines import InputError, read_lines
from worker.cli.output import json_text, note


def cluster(args: argparse.Namespace) -> int:
    """A line out for each line in; 1 where any line was bad."""
    with stages_shown() as done:
        read = [_read(line) for line in read_lines(args.input)]
        done("read")
        placements = iter(cluster_articles([one for one in read if isinstance(one, Article)], done=done))
    lines = [_line(next(placements) if isinstance(one, Article) else one) for one in read]
    _write(args.output, lines)
    n_bad = sum(isinstance(one, ArticleError) for one in read)
    if n_bad:
        note(f"{n_bad:,} of {len(read):,} lines could not be read; each says why in its field `error`")
    return 1 if n_bad else 0


def _read(line: bytes) -> Article | ArticleError:
    try:
        return identify(parse_article(line))
    except ArticleError as error:
        return error


def _line(one: Placement | Article | ArticleError) -> str:
    if isinstance(one, Placement):
        told: dict[str, str | None] = {
            "id": one.article_id, "family_id": one.family_id, "story_id": one.story_id,
            "storyline_id": one.storyline_id,
        }  # fmt: skip
    elif isinstance(one, ArticleError):
        told = {"id": one.article_id, "family_id": None, "story_id": None, "storyline_id": None}
        told["error"] = f"{one.field}: {one.reason}"
    else:
        raise TypeError(f"no line for {type(one).__name__}")
    return json_text(told)


def _write(output: str | None, lines: Sequence[str]) -> None:
    """All lines to standard output, or to a file that is there only once it is whole."""
    text = "".join(f"{line}\n" for line in lines)
    if output is None:
        sys.stdout.write(text)
        return
    target = Path(output)
    part: Path | None = None
    try:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=target.parent, delete=False) as file:
            part = Path(file.name)
            file.write(text)
        part.chmod(0o666 & ~_umask())
        part.replace(target)
    except OSError as error:
        if part is not None:
            part.unlink(missing_ok=True)
        raise InputError(f"cannot write {output}: {error.strerror}") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
