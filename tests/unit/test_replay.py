"""A replay: arrival by date, runs by day, and what readers of an id see on the way."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from dedup.article import Article, parse_article
from dedup.growing import GrowingFamilies
from dedup.ledger import Ledger
from dedup.pipeline import DAY_SECONDS, Params, cluster_articles, find_families, prepare
from dedup.replay import ReplayError, Spans, replay
from dedup.roster import HeldArticle
from dedup.story import Change
from dedup.text import identify

SEEDS: Final = Path(__file__).parents[2] / "seeds" / "articles.jsonl"
PARAMS: Final = Params()


def seeds() -> list[Article]:
    return [identify(parse_article(line)) for line in SEEDS.read_bytes().splitlines()]


def texts(n: int) -> list[Article]:
    """Articles that have nothing in common, one a day."""
    return [
        Article(f"a{i}", title=f"Title{i}", text=" ".join(f"w{i}x{k}" for k in range(40)), published_at=i * DAY_SECONDS)
        for i in range(n)
    ]


def held(article_id: str, story: str) -> HeldArticle:
    return HeldArticle(article_id, 0, 0.0, None, "", story, "", clustered=True)


def change(kind: str, story: str, other: str, articles: tuple[str, ...], n_articles: int | None = None) -> Change:
    n = len(articles) if n_articles is None else n_articles
    return Change(kind, story, other, "", articles, n, 1, 0.0)  # type: ignore[arg-type]


def test_the_samples_end_where_they_are_as_one_window() -> None:
    articles = seeds()
    found, offline = replay(articles), cluster_articles(articles)
    assert [one.article_id for one in found.placements] == [article.id for article in articles]
    assert [one.family_id for one in found.placements] == [one.family_id for one in offline]
    for level in ("story_id", "storyline_id"):
        pairs = Counter((getattr(a, level), getattr(b, level)) for a, b in zip(found.placements, offline, strict=True))
        assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
    assert (found.unexplained, found.n_articles) == ((), 24)


def test_a_story_that_continues_another_is_told_once_as_linked() -> None:
    placements = cluster_articles(articles := seeds())
    n_lines = len({one.storyline_id for one in placements})
    n_stories = len({one.story_id for one in placements})
    assert replay(articles).told["linked"] == n_stories - n_lines == 1
    assert "linked" not in replay(texts(3)).told


def test_the_same_archive_replays_the_same() -> None:
    assert replay(seeds()) == replay(seeds())


def test_the_order_of_lines_does_not_matter_where_all_are_dated_apart() -> None:
    articles = texts(12)
    assert {one.article_id: one for one in replay(articles).placements} == {
        one.article_id: one for one in replay(articles[::-1]).placements
    }


def test_an_undated_article_comes_with_the_dated_one_before_it() -> None:
    articles = texts(3)
    second = replace(articles[1], published_at=None)
    assert replay([articles[0], second, articles[2]]).waits == ((0, 0.0),) * 3
    assert replay([articles[0], second, articles[2]]).n_runs == 2
    assert replay([second, articles[0], articles[2]]).n_runs == 2


def test_without_any_date_there_is_nothing_to_replay() -> None:
    with pytest.raises(ReplayError, match="no article is dated"):
        replay([replace(one, published_at=None) for one in texts(2)])


def test_days_without_news_have_no_run_and_an_article_that_leaves_the_window_is_news() -> None:
    first, last = texts(2)
    found = replay([first, replace(last, published_at=20 * DAY_SECONDS)], spans=Spans(window_days=3.0))
    assert found.n_days == 21
    assert found.n_runs == 3
    assert found.told == {"born": 2, "ended": 1}


def test_a_gap_of_centuries_takes_no_longer_than_one_of_weeks() -> None:
    first, last = texts(2)
    found = replay([first, replace(last, published_at=100_000 * DAY_SECONDS)])
    assert found.n_days == 100_001
    assert found.n_runs < 6


def test_a_round_finds_its_storyline_until_that_has_been_silent_for_its_time() -> None:
    lines = [json.loads(line) for line in SEEDS.read_bytes().splitlines()]
    talks = {line["id"] for line in lines if line["storyline"] == "istanbul-talks"}
    short = Spans(window_days=2.0, retention_days=3.0, storyline_days=4.0)
    for spans, n_lines in ((Spans(), 1), (short, 2)):
        found = replay(seeds(), spans=spans)
        assert len({one.storyline_id for one in found.placements if one.article_id in talks}) == n_lines
        assert found.unexplained == ()


def test_an_article_given_again_comes_once_as_it_was_told_last() -> None:
    one, other = texts(2)
    found = replay([one, other, replace(one, text=other.text)])
    assert found.n_articles == 2
    assert len({placed.family_id for placed in found.placements}) == 1


def test_families_that_grow_step_by_step_are_those_of_the_whole() -> None:
    prepared = prepare(list({article.id: article for article in seeds()}.values()), PARAMS)
    growing = GrowingFamilies.of(prepared, PARAMS)
    for i, one in enumerate(prepared):
        growing.step([((i, 0), one)], ())
    whole = find_families(prepared, PARAMS)
    assert growing.family_of == {member.article_id: one.family_id for one in whole for member in one.members}


def test_a_family_that_articles_leave_is_settled_without_them() -> None:
    prepared = prepare(list({article.id: article for article in seeds()}.values()), PARAMS)
    growing = GrowingFamilies.of(prepared, PARAMS)
    settled, _ = growing.step([((i, 0), one) for i, one in enumerate(prepared)], ())
    largest = max(settled, key=lambda one: len(one.members))
    gone = [member.article_id for member in largest.members[:-1]]
    [left], touched = growing.step((), gone)
    assert (left.family_id, touched) == (largest.family_id, {largest.family_id})
    assert [member.article_id for member in left.members] == [largest.members[-1].article_id]
    assert growing.step((), [largest.members[-1].article_id]) == ([], {largest.family_id})


def test_a_family_is_not_told_by_articles_that_have_not_come() -> None:
    first, *_ = prepared = prepare(list({article.id: article for article in seeds()}.values()), PARAMS)
    growing = GrowingFamilies.of(prepared, PARAMS)
    [alone], _ = growing.step([((0, 0), first)], ())
    assert [member.article_id for member in alone.members] == [first.article.id]


def test_a_ledger_counts_who_was_moved_without_a_word() -> None:
    ledger = Ledger()
    ledger.note([held("a", "x"), held("b", "x")], [], {}, 1, 0.0)
    ledger.note([held("a", "y"), held("b", "y")], [change("moved", "y", "x", ("a",))], {}, 2, 86_400.0)
    assert ledger.unexplained == [("b", "x", "y", 2)]
    assert ledger.told == {"moved": 1}
    assert ledger.waits() == [(1, 1.0), (1, 1.0)]


def test_a_merge_tells_of_all_articles_and_a_long_list_of_more_than_it_names() -> None:
    ledger = Ledger()
    ledger.note([held("a", "x"), held("b", "z")], [], {}, 1, 0.0)
    told = [change("merged", "x", "y", ()), change("split", "w", "z", ("c",), 101)]
    ledger.note([held("a", "y"), held("b", "w")], told, {"x": "y"}, 2, 0.0)
    assert ledger.unexplained == []


def test_a_link_of_stories_moves_nobody_and_hides_no_split_between_them() -> None:
    ledger = Ledger()
    ledger.note([held("a", "x"), held("b", "x")], [], {}, 1, 0.0)
    ledger.note([held("a", "x"), held("b", "y")], [change("linked", "y", "x", ())], {}, 2, 0.0)
    assert ledger.unexplained == [("b", "x", "y", 2)]
    told = [change("split", "z", "x", ("a",)), change("linked", "z", "x", ())]
    ledger.note([held("a", "z"), held("b", "y")], told, {}, 3, 0.0)
    assert ledger.unexplained == [("b", "x", "y", 2)]
    assert ledger.told == {"linked": 2, "split": 1}


def test_an_article_that_is_kept_no_more_is_found_through_the_merges_of_its_story() -> None:
    ledger = Ledger()
    ledger.note([held("a", "x")], [], {}, 1, 0.0)
    ledger.note([], [], {"x": "y"}, 2, 0.0)
    ledger.note([], [], {"y": "z"}, 3, 0.0)
    assert ledger.home("a") == "z"
    assert ledger.waits() == [(0, 0.0)]
