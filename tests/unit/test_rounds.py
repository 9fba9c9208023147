"""Rounds of one storyline are told apart in several languages: by their dates, and without them by their texts."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from dedup.article import parse_article
from dedup.metrics import Agreement, score
from dedup.pipeline import cluster_articles

ROOT: Final = Path(__file__).parents[2]
BACKGROUND: Final = "background"


@cache
def lines_of(path: str) -> tuple[dict[str, Any], ...]:
    return tuple(json.loads(line) for line in (ROOT / path).read_text(encoding="utf-8").splitlines())


def of_storyline(language: str, storyline: str) -> list[dict[str, Any]]:
    """The articles of one storyline, and what is no round of any."""
    lines = lines_of(f"tests/data/rounds/{language}.jsonl")
    return [line for line in lines if line["storyline"] == storyline or line["storyline"].startswith(BACKGROUND)]


def undated(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in line.items() if name != "published_at"} for line in lines]


def stories(lines: list[dict[str, Any]]) -> Agreement:
    """B-cubed of the stories these articles come to."""
    placements = cluster_articles([parse_article(json.dumps(line)) for line in lines])
    gold = {line["id"]: line["story"] for line in lines}
    return score(gold, {one.article_id: one.story_id for one in placements}).bcubed


@pytest.mark.parametrize(
    ("language", "storyline"),
    [
        ("es", "sismos-sarmiza"),
        ("fr", "greve-rail-orsenne"),
        ("fr", "opa-castelombe"),
        ("de", "tarif-seehaefen"),
        ("uk", "stavka-myravia"),
    ],
)
def test_two_rounds_without_dates_are_told_apart_by_their_texts(language: str, storyline: str) -> None:
    lines = undated(of_storyline(language, storyline))
    assert len(lines) >= 12
    assert len({line["story"] for line in lines if line["storyline"] == storyline}) == 2
    assert stories(lines).f1 >= 0.8


def test_the_two_rounds_of_the_sample_articles_are_told_apart_without_dates() -> None:
    lines = [line for line in undated(list(lines_of("seeds/articles.jsonl"))) if line.get("story")]
    assert stories(lines).f1 >= 0.9


@pytest.mark.parametrize(("language", "least"), [("es", 0.96), ("fr", 0.96), ("de", 0.96), ("uk", 0.87)])
def test_by_their_dates_no_two_rounds_are_one_story_and_few_are_broken_up(language: str, least: float) -> None:
    found = stories(list(lines_of(f"tests/data/rounds/{language}.jsonl")))
    assert found.precision == pytest.approx(1)
    assert found.f1 >= least


@pytest.mark.parametrize(
    ("language", "dated"),
    [("es", True), ("fr", True), ("de", True), ("uk", True), ("es", False), ("de", False), ("uk", False)],
)
def test_articles_that_share_only_places_and_words_with_rounds_stay_alone(language: str, dated: bool) -> None:
    lines = list(lines_of(f"tests/data/rounds/{language}.jsonl"))
    apart = [line["id"] for line in lines if line["storyline"].startswith(BACKGROUND)]
    placements = cluster_articles([parse_article(json.dumps(line)) for line in (lines if dated else undated(lines))])
    story_of = {one.article_id: one.story_id for one in placements}
    n_articles = Counter(story_of.values())
    assert [name for name in apart if n_articles[story_of[name]] > 1] == []
