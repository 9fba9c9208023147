"""The stages in their order, over an archive: who is whose near-duplicate, and what a repeated id means."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from dedup.article import Article
from dedup.family import FamilyParams
from dedup.lsh import LshParams
from dedup.pipeline import (
    SHORT_BODY_WORDS,
    Params,
    Placement,
    cluster_articles,
    find_families,
    fingerprint,
    prepare,
)
from dedup.terms import TermParams

PARAMS = Params()
VOCABULARY = [a + b + c for a in ("ba", "ko", "ri", "ste") for b in ("lun", "mar", "tev", "dos") for c in "aeiou"]


def prose(seed: str, n_words: int = 200) -> list[str]:
    return random.Random(seed).choices(VOCABULARY, k=n_words)


def article(name: str, body: str | list[str] = "", title: str = "") -> Article:
    return Article(name, title=title, text=body if isinstance(body, str) else " ".join(body))


def families(*articles: Article) -> list[list[str]]:
    return [[m.article_id for m in one.members] for one in find_families(prepare(articles, PARAMS), PARAMS)]


def kinds(*articles: Article) -> list[str]:
    (family,) = find_families(prepare(articles, PARAMS), PARAMS)
    return list(family.kinds)


def placed(articles: Sequence[Article]) -> dict[str, Placement]:
    return {placement.article_id: placement for placement in cluster_articles(articles)}


def test_near_copies_are_one_family_and_other_texts_are_not() -> None:
    original = prose("one")
    edited = [*original[:100], "amended", *original[101:]]
    assert families(
        article("a", original), article("b", prose("two")), article("c", edited), article("d", original)
    ) == [["a", "c", "d"], ["b"]]


def test_the_day_that_an_address_names_is_a_cue_of_the_article() -> None:
    url = "https://ferries.example/2031/05/12/ferries-resume"
    read = prepare([Article("a", url=url, text="Ferries resume."), Article("b", text="Ferries resume.")], PARAMS)
    assert [one.terms.cues.day for one in read] == [22_411, None]


def test_the_same_title_is_never_enough() -> None:
    same = [Article(str(i), title="Bridge over the river opens to traffic") for i in range(3)]
    assert families(*same) == [["0"], ["1"], ["2"]]
    assert [len(one.keys) for one in prepare(same, PARAMS)] == [0, 0, 0]


@pytest.mark.parametrize("body", ["...", " \n", "😀😀", "<p><img src=x></p>"])
def test_an_article_whose_body_has_no_words_is_nobodys_near_duplicate(body: str) -> None:
    pair = [Article(name, title="Bridge opens", html=f"<div>{body}</div>") for name in "ab"]
    assert families(*pair) == [["a"], ["b"]]


def test_a_title_that_changes_is_another_content_of_an_article_without_body() -> None:
    one, other, again = prepare([Article("a", title=title) for title in ("One", "Two", "ONE")], PARAMS)
    assert one.content_hash == again.content_hash != other.content_hash


@pytest.mark.parametrize("body", ["Read more", "Subscribe to read the whole article.", "続きを読む"])
def test_tiny_bodies_under_different_titles_are_no_copies(body: str) -> None:
    titles = ("Bridge over the river opens to traffic", "Harvest of cherries falls short", "Museum finds lost map")
    assert families(*(article(str(i), body, title) for i, title in enumerate(titles))) == [["0"], ["1"], ["2"]]


def test_tiny_bodies_under_one_title_are_copies() -> None:
    assert kinds(article("a", "Read more", "Bridge opens"), article("b", "READ MORE!", "Bridge opens")) == [
        "new",
        "copy",
    ]


def test_longer_bodies_are_copies_under_whatever_title() -> None:
    body = prose("body", SHORT_BODY_WORDS)
    assert kinds(article("a", body, "Bridge opens"), article("b", body, "Harvest falls short")) == ["new", "copy"]


def test_a_body_one_word_too_short_is_compared_with_its_title() -> None:
    body = prose("body", SHORT_BODY_WORDS - 1)
    one, other = article("a", body, " ".join(prose("t1", 30))), article("b", body, " ".join(prose("t2", 30)))
    assert families(one, other) == [["a"], ["b"]]


def test_html_and_text_of_one_article_are_copies() -> None:
    words = prose("page")
    page = Article("b", html=f"<html><nav>Home News</nav><p>{' '.join(words[:90])}</p><p>{' '.join(words[90:])}</p>")
    assert kinds(article("a", words), page) == ["new", "copy"]


def test_spelling_that_a_reader_does_not_see_makes_copies() -> None:
    plain = " ".join(prose("copy")) + ' it\'s done - "really"'
    fancy = plain.upper().replace("'", "’").replace(" - ", " — ").replace('"', "”")
    assert kinds(article("a", plain), article("b", fancy), article("c", plain.replace(" ", "\u00a0\n"))) == [
        "new",
        "copy",
        "copy",
    ]


def test_preparation_is_of_each_article_alone() -> None:
    """Whatever else is in the batch, an article has the same signature, keys, hash and terms."""
    articles = [article(str(i), prose(str(i), n), f"Title {i}") for i, n in enumerate((0, 1, 4, 5, 19, 20, 300) * 12)]
    together = prepare(articles, PARAMS)
    for one, batched in zip(articles, together, strict=True):
        (alone,) = prepare([one], PARAMS)
        assert batched.article == one
        assert (alone.content_hash, alone.n_words) == (batched.content_hash, batched.n_words)
        assert (alone.signature == batched.signature).all()
        assert (alone.keys == batched.keys).all()
        assert (alone.extract.sample == batched.extract.sample).all()
        assert (alone.terms.hashes == batched.terms.hashes).all()


def test_families_do_not_depend_on_the_order_of_arrival() -> None:
    originals = [prose(f"text {i}") for i in range(6)]
    articles = [
        article(f"{i}-{j}", [*text[: 20 * j], "amended", *text[20 * j + 1 :]])
        for i, text in enumerate(originals)
        for j in range(5)
    ]
    forward = {frozenset(ids) for ids in families(*articles)}
    chance = random.Random(4)
    for _ in range(3):
        chance.shuffle(articles)
        assert {frozenset(ids) for ids in families(*articles)} == forward
    assert len(forward) == 6


def test_hundreds_of_copies_and_variants_of_a_form_letter_are_one_family() -> None:
    form = prose("form", 300)
    articles = [article(str(i), [*form[:150], f"name{i // 2}", *form[151:]]) for i in range(400)]
    assert [len(ids) for ids in families(*articles)] == [400]


def test_placements_are_one_an_article_in_the_order_given() -> None:
    articles = [article(name, prose(name)) for name in "cab"]
    placements = cluster_articles(articles)
    assert [placement.article_id for placement in placements] == ["c", "a", "b"]
    assert len({placement.family_id for placement in placements}) == 3
    assert cluster_articles([]) == []


def test_a_repeated_id_is_a_revision_and_gets_its_final_ids_on_both_lines() -> None:
    first, last = prose("first"), prose("last")
    placements = cluster_articles(
        [article("x", first), article("a", first), article("b", last), article("x", last), article("y", first)]
    )
    assert placements[0] == placements[3]
    by_id = {placement.article_id: placement.family_id for placement in placements}
    assert by_id["x"] == by_id["b"] != by_id["a"] == by_id["y"]


def test_near_duplicates_share_family_story_and_storyline() -> None:
    text = prose("text")
    where = placed([article("a", text), article("b", [*text[:-1], "end"]), article("c", prose("else"))])
    for level in ("family_id", "story_id", "storyline_id"):
        assert getattr(where["a"], level) == getattr(where["b"], level)
    assert where["a"].family_id != where["c"].family_id


def test_the_same_archive_gives_the_same_ids_each_time() -> None:
    articles = [article(str(i), prose(str(i % 7)), f"Title {i % 7}") for i in range(20)]
    assert cluster_articles(articles) == cluster_articles(articles)


def test_the_family_of_a_founder_is_named_the_same_whatever_comes_later() -> None:
    alone = placed([article("a", prose("a"))])
    later = placed([article("a", prose("a")), article("b", prose("b")), article("c", prose("a"))])
    assert alone["a"].family_id == later["a"].family_id == later["c"].family_id


def test_the_fingerprint_changes_with_what_texts_are_turned_into_and_with_nothing_else() -> None:
    """Pinned: a change of hashes, signatures, keys or terms makes stores of before unreadable, and must be meant."""
    assert fingerprint(PARAMS) == "586aab03b4c91e14"
    assert fingerprint(Params(family=FamilyParams(jaccard_threshold=0.9))) == fingerprint(PARAMS)
    assert fingerprint(Params(lsh=LshParams(bands=13))) != fingerprint(PARAMS)
    assert fingerprint(Params(terms=TermParams(lead_words=100))) != fingerprint(PARAMS)
