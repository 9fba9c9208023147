"""`dedup evaluate`: how good the clustering of a file is against the gold labels in it, with no server."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from dedup.article import Article, parse_article
from dedup.errors import ArticleError
from dedup.metrics import Scores, fragmentation, score
from dedup.pipeline import Placement, cluster_articles
from dedup.replay import Replayed, Spans, replay
from dedup.text import identify
from worker.cli.lines import InputError, read_lines
from worker.cli.output import show_fields, show_json, show_table
from worker.settings import load

GOLD_FIELDS: Final = ("family", "story", "storyline")
COMPARED: Final = {
    "family": ("family", "family_id"),
    "story": ("story", "story_id"),
    "storyline": ("storyline", "storyline_id"),
    "story_by_storyline": ("story", "storyline_id"),
}
"""What is scored: gold field and ids. Events that run for weeks have `story` labels that storylines are to match."""
_COLUMNS: Final = (
    "gold", "ids", "articles", "gold clusters", "found", "B-cubed P", "B-cubed R", "B-cubed F1", "pairs P", "pairs R",
    "pairs F1", "ARI", "V-measure",
)  # fmt: skip
_MOVING: Final = ("moved", "split", "merged")

Ids = Mapping[str, Mapping[str, str | None]]
"""By the name of an id field: the id of each article."""


@dataclass(frozen=True, slots=True)
class Gold:
    """A gold file: its articles, and by gold field the label of each that has one."""

    name: str
    articles: Sequence[Article]
    labels: Mapping[str, Mapping[str, str]]


def evaluate(args: argparse.Namespace) -> int:
    """Clusters a gold file without looking at its labels, or reads how it was clustered, and scores that."""
    gold = _read_gold(args.gold)
    if args.undated:
        gold = dataclasses.replace(gold, articles=[dataclasses.replace(a, published_at=None) for a in gold.articles])
    found = _read_ids(args.output) if args.output else _ids(cluster_articles(gold.articles))
    scores = _scores(gold, found)
    if not args.replay:
        _show(scores, None, as_json=args.json)
        return 0
    settings = load()
    spans = Spans(settings.window_days, settings.retention_days, settings.storyline_days)
    replayed = replay(gold.articles, spans=spans)
    _show(scores, _told(gold, found, replayed), as_json=args.json)
    return 0


def _read_gold(name: str) -> Gold:
    labels: dict[str, dict[str, str]] = {field: {} for field in GOLD_FIELDS}
    articles = []
    for line in read_lines(name):
        try:
            article = identify(parse_article(line))
        except ArticleError as error:
            raise InputError(f"{name}: {error}") from error
        articles.append(article)
        told = json.loads(line)
        for field in GOLD_FIELDS:
            if told.get(field) is not None:
                labels[field][article.id] = str(told[field])
    if not any(labels.values()):
        raise InputError(f"{name}: no line has a gold field ({', '.join(GOLD_FIELDS)})")
    return Gold(name, articles, labels)


def _read_ids(name: str) -> Ids:
    """The ids in what `dedup cluster` wrote."""
    found: dict[str, dict[str, str | None]] = {ids: {} for _, ids in COMPARED.values()}
    for number, line in enumerate(read_lines(name), 1):
        try:
            told = json.loads(line)
            article_id = str(told["id"])
            for ids, known in found.items():
                known[article_id] = told[ids]
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            raise InputError(f"{name}: line {number} is no line of `dedup cluster`") from error
    return found


def _ids(placements: Sequence[Placement]) -> Ids:
    return {
        ids: {one.article_id: getattr(one, ids) for one in placements}
        for ids in dict.fromkeys(ids for _, ids in COMPARED.values())
    }


def _scores(gold: Gold, found: Ids) -> dict[str, Scores]:
    return {
        name: score(gold.labels[field], found[ids]) for name, (field, ids) in COMPARED.items() if gold.labels[field]
    }


def _told(gold: Gold, offline: Ids, replayed: Replayed) -> dict[str, Any]:
    """What a replay comes to, as it is shown."""
    found = _ids(replayed.placements)
    told: dict[str, Any] = {
        "scores": _scores(gold, found),
        "same_as_one_window": {
            field: score({name: label for name, label in offline[ids].items() if label}, found[ids])
            for field, ids in (("story", "story_id"), ("storyline", "storyline_id"))
        },
        "n_articles": replayed.n_articles,
        "n_days": replayed.n_days,
        "n_runs": replayed.n_runs,
        "unexplained": len(replayed.unexplained),
    }
    for kind in _MOVING:
        told[f"{kind}_per_1000_articles"] = 1000 * replayed.told.get(kind, 0) / replayed.n_articles
    if gold.labels["story"]:
        told["stories_per_gold_story"] = fragmentation(gold.labels["story"], found["story_id"])
    waits = np.array(replayed.waits)
    told["share_final_at_first"] = float((waits[:, 0] == 0).mean())
    for name, column in (("runs", waits[:, 0]), ("days", waits[:, 1])):
        told[f"{name}_until_final"] = {
            "mean": float(column.mean()), "p95": float(np.quantile(column, 0.95)), "most": float(column.max()),
        }  # fmt: skip
    return told


def _show(scores: Mapping[str, Scores], told: Mapping[str, Any] | None, *, as_json: bool) -> None:
    if as_json:
        shown = {name: dataclasses.asdict(one) for name, one in scores.items()}
        show_json(shown if told is None else {**shown, "replay": _as_json(told)})
        return
    rows = [_row(*COMPARED[name], one) for name, one in scores.items()]
    if told is not None:
        rows += [_row(COMPARED[name][0], f"{COMPARED[name][1]}, replayed", s) for name, s in told["scores"].items()]
        rows += [_row(f"{name}_id", f"{name}_id, replayed", one) for name, one in told["same_as_one_window"].items()]
    show_table("Scores against gold", _COLUMNS, rows)
    if told is not None:
        show_fields(_fields(told))


def _as_json(told: Any) -> Any:
    if dataclasses.is_dataclass(told) and not isinstance(told, type):
        return dataclasses.asdict(told)
    return {name: _as_json(value) for name, value in told.items()} if isinstance(told, Mapping) else told


def _row(gold: str, ids: str, one: Scores) -> tuple[object, ...]:
    measures = (*dataclasses.astuple(one.bcubed), *dataclasses.astuple(one.pairwise), one.ari, one.v_measure)
    return gold, ids, one.n_articles, one.n_gold_clusters, one.n_predicted_clusters, *(f"{m:.4f}" for m in measures)


def _fields(told: Mapping[str, Any]) -> dict[str, object]:
    """The figures of a replay, a line each."""
    shown: dict[str, object] = {
        "articles": told["n_articles"],
        "days": told["n_days"],
        "runs": told["n_runs"],
        "ids changed without a word": told["unexplained"],
    }
    shown |= {f"{kind} per 1,000 articles": f"{told[f'{kind}_per_1000_articles']:.1f}" for kind in _MOVING}
    if spread := told.get("stories_per_gold_story"):
        shown["stories per gold story"] = f"{spread.mean:.3f} (at most {spread.most}; {spread.n_whole:,} in one)"
    shown["final at their first run"] = f"{100 * told['share_final_at_first']:.1f} %"
    for name in ("runs", "days"):
        one = told[f"{name}_until_final"]
        shown[f"{name} until final"] = (
            f"{one['mean']:.2f} on average, {one['p95']:.0f} for 95 %, at most {one['most']:.0f}"
        )
    return shown
