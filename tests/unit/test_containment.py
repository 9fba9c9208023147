"""Anchors find a contained text, samples measure how much of it there is, and families are made of that."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dedup.article import Article
from dedup.containment import (
    LEAST_SHINGLES,
    MOST_ANCHORS,
    MOST_SAMPLED,
    SAMPLED_BITS,
    Extract,
    anchor_keys,
    contained,
    extract,
)
from dedup.pipeline import Params, find_families, prepare
from dedup.shingle import Shingles, shingle

PARAMS = Params()


def words(n: int, seed: str) -> list[str]:
    chance = Random(seed)
    return ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=7)) for _ in range(n)]


def extracted(*texts: list[str]) -> list[Extract]:
    return extract(shingle([" ".join(text) for text in texts]))


def families(*texts: list[str], sources: tuple[str, ...] = (), params: Params = PARAMS) -> list[dict[str, str]]:
    """Each family's articles, named by number, with their kinds; the representative is marked."""
    articles = [
        Article(str(i), title=f"Title {i}", text=" ".join(text), source=sources[i] if sources else "")
        for i, text in enumerate(texts)
    ]
    return [
        {
            member.article_id + "*" * (member.article_id == one.representative): kind
            for member, kind in zip(one.members, one.kinds, strict=True)
        }
        for one in find_families(prepare(articles, params), params)
    ]


@pytest.mark.parametrize("n_words", [60, 130, 400, 1500])
@pytest.mark.parametrize("share", [3, 2])
def test_a_text_inside_a_page_shares_an_anchor_with_it_wherever_it_stands(n_words: int, share: int) -> None:
    for turn in range(10):
        inner = words(n_words, f"inner {turn} {n_words}")
        around = words(n_words * (share - 1), f"around {turn} {n_words}")
        cut = Random(turn).randrange(len(around))
        one, page = extracted(inner, [*around[:cut], *inner, *around[cut:]])
        assert set(one.anchors.tolist()) & set(page.anchors.tolist())
        assert contained(one.sample, page.sample)[0] == 1.0


def test_an_article_has_a_handful_of_anchors_and_the_longest_a_bounded_number() -> None:
    counts = [len(one.anchors) for one in extracted(words(400, "a"), words(1_000, "b"), words(30_000, "c"))]
    assert 2 <= counts[0] <= 15
    assert 6 <= counts[1] <= 30
    assert counts[2] == MOST_ANCHORS


def test_short_texts_have_neither_anchors_nor_sample() -> None:
    short, long_enough = extracted(words(LEAST_SHINGLES + 3, "s"), words(LEAST_SHINGLES + 4, "s"))
    assert len(short.anchors) == len(short.sample) == 0
    assert len(long_enough.anchors) > 0


def test_unrelated_texts_have_no_anchor_in_common_and_next_to_nothing_of_their_samples() -> None:
    many = extracted(*(words(400, f"unrelated {i}") for i in range(50)))
    anchors = np.concatenate([one.anchors for one in many])
    assert len(np.unique(anchors)) == len(anchors)
    assert max(contained(many[0].sample, other.sample)[0] for other in many[1:]) < 0.05


def test_containment_is_estimated_within_its_standard_error() -> None:
    for kept in (0.3, 0.6, 0.9):
        errors = []
        for turn in range(40):
            inner = words(600, f"{turn} {kept}")
            n_kept = round(600 * kept)
            one, other = extracted(inner, [*inner[:n_kept], *words(300, f"rest {turn}")])
            exact = (n_kept - 4) / 596
            estimate, n_sampled = contained(one.sample, other.sample)
            errors.append((estimate - exact) / (exact * (1 - exact) / n_sampled) ** 0.5)
        assert np.mean(np.square(errors)) < 1.6
        assert abs(np.mean(errors)) < 0.6


def test_a_text_too_long_for_its_sample_is_compared_by_its_smaller_hashes() -> None:
    inner = words(500, "inner")
    long = [*words(20_000, "left"), *inner, *words(20_000, "right")]
    one, page = extracted(inner, long)
    assert len(page.sample) == MOST_SAMPLED
    share, n_sampled = contained(one.sample, page.sample)
    assert share == 1.0
    assert 0 < n_sampled < len(one.sample)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 5)), max_size=6))
def test_what_is_kept_of_a_text_does_not_depend_on_the_batch(shapes: list[tuple[int, int]]) -> None:
    texts = [words(n, f"{seed}") for n, seed in shapes]
    for text, together in zip(texts, extracted(*texts), strict=True):
        [alone] = extracted(text)
        assert (alone.anchors == together.anchors).all()
        assert (alone.sample == together.sample).all()


def test_what_is_kept_of_a_text_does_not_depend_on_a_batch_of_very_many() -> None:
    text, n_others = shingle([" ".join(words(90, "last"))]), 70_000
    counts, n_words = (np.append(np.zeros(n_others, np.int64), own) for own in (text.counts, text.n_words))
    *others, found = extract(Shingles(text.values, counts, text.words, n_words))
    [alone] = extract(text)
    assert (found.anchors.tolist(), found.sample.tolist()) == (alone.anchors.tolist(), alone.sample.tolist())
    assert len(found.sample)
    assert not any(len(other.anchors) or len(other.sample) for other in others)


@settings(max_examples=60)
@given(st.integers(0, 400), st.integers(0, 1000))
@example(30_000, 1)
def test_anchors_and_samples_are_what_their_definitions_say(n_words: int, seed: int) -> None:
    """Every window's smallest hash, and every hash below a quarter of all, by a loop."""
    shingles = shingle([" ".join(words(n_words, str(seed)))])
    [found] = extract(shingles)
    values = shingles.values.tolist()
    if len(values) < LEAST_SHINGLES:
        assert len(found.anchors) == len(found.sample) == 0
        return
    window = max(width for width in (8, 16, 32, 64, 128) if width <= max(8, len(values) // 3))
    minima = {min(values[i : i + window]) for i in range(len(values) - window + 1)}
    assert found.anchors.tolist() == sorted(minima)[:MOST_ANCHORS]
    below = {value >> (16 - SAMPLED_BITS) for value in values if value < 1 << (32 - SAMPLED_BITS)}
    assert found.sample.tolist() == sorted(below)[:MOST_SAMPLED]


def test_keys_of_anchors_are_all_different() -> None:
    anchors = np.unique(np.random.default_rng(1).integers(0, 1 << 32, 100_000, dtype=np.uint32))
    assert len(np.unique(anchor_keys(anchors))) == len(anchors)


def test_a_wire_text_inside_longer_pages_makes_one_family_whatever_comes_first() -> None:
    wire = words(200, "wire")
    pages = [[*words(200, f"before {i}"), *wire, *words(200, f"after {i}")] for i in range(3)]
    assert families(wire, *pages) == [{"0*": "new", "1": "reprint", "2": "reprint", "3": "reprint"}]
    assert families(*pages, wire) == [{"0": "new", "1": "reprint", "2": "reprint", "3*": "reprint"}]


def test_a_page_with_two_texts_makes_them_no_family() -> None:
    one, other = words(200, "one"), words(200, "other")
    page = [*one, *other, *words(50, "more")]
    found = families(one, other, page)
    assert sorted(len(family) for family in found) == [1, 2]
    assert not any({"0", "0*"} & set(family) and {"1", "1*"} & set(family) for family in found)


def test_a_feed_that_gives_the_first_half_is_a_reprint_or_a_near_duplicate_of_the_whole() -> None:
    whole = words(300, "whole")
    assert families(whole, whole[:120]) == [{"0": "new", "1*": "reprint"}]
    assert families(whole, whole[:270]) == [{"0*": "new", "1": "near-duplicate"}]


def test_a_small_part_of_a_long_page_is_no_reprint_of_it() -> None:
    quote = words(60, "quote")
    assert len(families(quote, [*words(400, "page"), *quote])) == 2


def test_a_quotation_common_to_two_articles_joins_nothing() -> None:
    quote = words(150, "quote")
    assert len(families([*words(150, "one"), *quote], [*words(150, "other"), *quote])) == 2


def test_sources_of_priority_represent_their_families() -> None:
    text = words(200, "text")
    near = [*text[:-1], "amended"]
    assert families(text, near, text, sources=("Blog", "Agency", "Paper")) == [
        {"0*": "new", "1": "near-duplicate", "2": "copy"}
    ] or families(text, near, text, sources=("Blog", "Agency", "Paper")) == [
        {"0": "new", "1*": "near-duplicate", "2": "copy"}
    ]
    chosen = Params(family=type(PARAMS.family)(source_priority=("Wire", "paper", "AGENCY")))
    assert families(text, near, text, sources=("Blog", "Agency", "Paper"), params=chosen) == [
        {"0": "new", "1": "near-duplicate", "2*": "copy"}
    ]
