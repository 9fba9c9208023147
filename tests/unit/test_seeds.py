"""The sample articles are what their README says: valid, consistent gold, and copies that are copies."""

from __future__ import annotations

import json
from collections import defaultdict
from functools import cache
from itertools import combinations
from pathlib import Path

import pytest

from dedup.article import Article, parse_article
from dedup.text import body_text, normalise, words

SEEDS = Path(__file__).parents[2] / "seeds"
ROUNDS = ("istanbul-talks/round-1", "istanbul-talks/round-2")
COPIES = [("seed-r1-wire", "seed-r1-wire-copy")]
NEAR_COPIES = [
    ("seed-r1-wire", "seed-r1-wire-near"),
    ("seed-r1-broadcast", "seed-r1-broadcast-near"),
    ("seed-r2-wire", "seed-r2-wire-near"),
    ("seed-r2-regional", "seed-r2-regional-near"),
]


@cache
def lines() -> tuple[str, ...]:
    return tuple((SEEDS / "articles.jsonl").read_text(encoding="utf8").splitlines())


@cache
def articles() -> dict[str, Article]:
    """Each article by its id; of a revised one, the last text."""
    return {article.id: article for article in map(parse_article, lines())}


@cache
def gold() -> dict[str, dict[str, str]]:
    return {fields["id"]: fields for fields in map(json.loads, lines())}


def words_of(article_id: str) -> list[str]:
    return words(normalise(body_text(articles()[article_id])))


@cache
def shingles_of(article_id: str) -> frozenset[tuple[str, ...]]:
    found = words_of(article_id)
    return frozenset(tuple(found[i : i + 5]) for i in range(len(found) - 4))


def exact_jaccard(one: str, other: str) -> float:
    a, b = shingles_of(one), shingles_of(other)
    return len(a & b) / len(a | b)


def groups(field: str) -> dict[str, set[str]]:
    """Article ids by the value of a gold field."""
    found: dict[str, set[str]] = defaultdict(set)
    for article_id, fields in gold().items():
        found[fields[field]].add(article_id)
    return found


def test_every_line_is_an_article_without_warnings() -> None:
    parsed = [parse_article(line) for line in lines()]
    assert [article.warnings for article in parsed] == [()] * len(lines())
    assert all(article.id and article.url and article.title and article.source for article in parsed)


def test_there_are_at_least_fourteen_articles() -> None:
    assert len(articles()) >= 14


def test_lines_are_in_order_of_publication() -> None:
    times = [parse_article(line).published_at or 0.0 for line in lines()]
    assert times == sorted(times)


@pytest.mark.parametrize("story", ROUNDS)
def test_each_round_is_told_in_at_least_five_families(story: str) -> None:
    families = {gold()[article_id]["family"] for article_id in groups("story")[story]}
    assert len(families) >= 5


def test_the_rounds_are_two_stories_of_one_storyline() -> None:
    assert {gold()[i]["story"] for i in groups("storyline")["istanbul-talks"]} == set(ROUNDS)


def test_the_other_stories_have_two_sources_each() -> None:
    others = {story: ids for story, ids in groups("story").items() if story not in ROUNDS}
    assert len(others) == 3
    assert all(len({gold()[i]["source"] for i in ids}) >= 2 for ids in others.values())


@pytest.mark.parametrize(("inner", "outer"), [("family", "story"), ("story", "storyline")])
def test_gold_is_nested(inner: str, outer: str) -> None:
    """A family lies within one story, a story within one storyline; so does each line of a revised article."""
    outers: dict[str, set[str]] = defaultdict(set)
    for fields in map(json.loads, lines()):
        outers[fields[inner]].add(fields[outer])
    assert {value: found for value, found in outers.items() if len(found) > 1} == {}


def test_one_article_is_revised_and_keeps_its_gold() -> None:
    versions = [fields for fields in map(json.loads, lines()) if fields["id"] == "seed-r1-live"]
    assert len(versions) == 2
    assert len(lines()) == len(articles()) + 1
    assert versions[0]["text"] != versions[1]["text"]
    assert versions[0]["family"] == versions[1]["family"]


@pytest.mark.parametrize(("one", "other"), COPIES)
def test_a_copy_has_the_same_words_under_another_source(one: str, other: str) -> None:
    assert words_of(one) == words_of(other)
    assert gold()[one]["source"] != gold()[other]["source"]
    assert gold()[one]["family"] == gold()[other]["family"]


@pytest.mark.parametrize(("one", "other"), NEAR_COPIES)
def test_a_near_copy_shares_most_shingles_and_not_all(one: str, other: str) -> None:
    assert 0.8 <= exact_jaccard(one, other) <= 0.95
    assert gold()[one]["family"] == gold()[other]["family"]


def test_articles_of_different_families_are_told_independently() -> None:
    """No two families share a twentieth of their shingles."""
    close = [
        (one, other)
        for one, other in combinations(articles(), 2)
        if gold()[one]["family"] != gold()[other]["family"] and exact_jaccard(one, other) >= 0.05
    ]
    assert close == []


def test_the_reprint_holds_the_whole_wire_report_in_a_page_too_long_for_a_near_copy() -> None:
    wire, page = " ".join(words_of("seed-r2-wire")), " ".join(words_of("seed-r2-reprint"))
    assert wire in page
    assert len(page) > 2 * len(wire)
    assert exact_jaccard("seed-r2-wire", "seed-r2-reprint") < 0.5


def test_html_and_rfc_822_dates_are_among_the_articles() -> None:
    parsed = [parse_article(line) for line in lines()]
    assert any(article.html and not article.text for article in parsed)
    assert any(fields["published_at"].endswith("GMT") for fields in gold().values())


def test_no_address_leads_to_a_real_site() -> None:
    hosts = {fields["url"].split("/")[2] for fields in gold().values()}
    assert all(host.endswith((".example.org", ".example.com", ".example.net")) for host in hosts)


@pytest.mark.parametrize("article_id", sorted(gold()))
def test_the_readme_explains_each_article(article_id: str) -> None:
    assert f"`{article_id}`" in (SEEDS / "README.md").read_text(encoding="utf8")
