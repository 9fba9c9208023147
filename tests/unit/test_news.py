"""The articles that benchmarks are made of."""

from __future__ import annotations

from collections import Counter
from itertools import islice

from benchmarks.news import make_news
from dedup.article import parse_article
from dedup.metrics import score
from dedup.pipeline import cluster_articles

N = 400


def test_the_same_seed_gives_the_same_articles_and_another_gives_others() -> None:
    first = list(make_news(N, seed=3))
    assert first == list(make_news(N, seed=3))
    assert first[0]["text"] != next(make_news(N, seed=4))["text"]


def test_articles_come_in_order_with_a_story_and_three_in_ten_are_edits_of_an_earlier_one_of_it() -> None:
    news = list(make_news(N))
    dates = [one["published_at"] for one in news if "published_at" in one]
    assert dates == sorted(dates)
    story_of = {one["id"]: one["story"] for one in news}
    edits = [one for one in news if one["edit_of"]]
    assert all(one["edit_of"] < one["id"] and story_of[one["edit_of"]] == one["story"] for one in edits)
    assert 0.2 < len(edits) / N < 0.4
    sizes = Counter(story_of.values())
    assert max(sizes.values()) > 10 > sizes.most_common()[len(sizes) // 2][1]


def test_its_stories_are_found_and_are_not_there_for_the_asking() -> None:
    news = list(islice(make_news(N), N))
    placed = cluster_articles([parse_article(one) for one in news])
    found = score({one["id"]: one["story"] for one in news}, {one.article_id: one.story_id for one in placed})
    assert 0.8 < found.bcubed.f1 < 1
