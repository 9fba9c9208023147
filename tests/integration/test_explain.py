"""Why an article is in its family: which article it matches, by what, and what the two share."""

from __future__ import annotations

import math
from random import Random

import pytest

from dedup.family import bar, containment_bar
from tests.integration.world import DAY, HOUR, PARAMS, altered, article, expiry, families, ingest, linked, text
from worker.service.explaining import Explanation, Match, explain
from worker.service.runtime import make_runtime
from worker.settings import Settings
from worker.store.store import Store

NOTICE = "Subscribe to our newsletter to read more articles. All rights reserved."


def explained(store: Store, article_id: str) -> Explanation:
    found = explain(store, PARAMS, article_id)
    assert found is not None
    return found


def matched(store: Store, article_id: str) -> Match:
    match = explained(store, article_id).match
    assert match is not None
    return match


def exact_jaccard(one: str, other: str) -> float:
    first, second = ({tuple(words[i : i + 5]) for i in range(len(words) - 4)} for words in (one.split(), other.split()))
    return len(first & second) / len(first | second)


# Which article


def test_a_near_duplicate_matches_the_earlier_article_it_is_most_similar_to(store: Store) -> None:
    base = text("wire")
    nearer = altered(base, "edit", 2)
    ingest(store, article("base", base))
    ingest(store, article("nearer", nearer))
    ingest(store, article("last", altered(nearer, "another", 1)))
    assert families(store) == {("base", "last", "nearer")}
    match = matched(store, "last")
    assert (match.article_id, match.kind, match.came_earlier, match.is_edge) == ("nearer", "near-duplicate", True, True)
    assert matched(store, "nearer").article_id == "base"


def test_the_first_of_a_family_matches_the_later_one_that_is_most_similar(store: Store) -> None:
    base = text("wire")
    ingest(store, article("base", base))
    ingest(store, article("far", altered(base, "far", 4)), article("near", altered(base, "near", 1)))
    match = matched(store, "base")
    assert (match.article_id, match.kind, match.came_earlier) == ("near", "near-duplicate", False)
    assert explained(store, "base").kind == "new"


def test_a_copy_matches_the_first_article_with_its_words(store: Store) -> None:
    base = text("wire")
    ingest(store, article("base", altered(base, "edit", 1)))
    ingest(store, article("first", base))
    ingest(store, article("copy", f"  {base.upper()}!"), article("again", base))
    assert [matched(store, name).article_id for name in ("first", "copy", "again")] == ["base", "first", "first"]
    match = matched(store, "copy")
    assert (match.kind, match.came_earlier, match.jaccard, match.standard_error) == ("copy", True, 1, 0)
    found = explained(store, "copy")
    assert found.kind == "copy"
    assert found.comparison is not None
    assert (found.comparison.jaccard, found.comparison.containment, found.comparison.only_here) == (1, 1, ())


def test_the_first_article_matches_its_copy_before_what_is_less_like_it(store: Store) -> None:
    base = text("wire")
    ingest(store, article("base", base), article("near", altered(base, "edit", 1)), article("copy", base))
    match = matched(store, "base")
    assert (match.article_id, match.kind, match.came_earlier) == ("copy", "copy", False)


def test_an_article_that_a_later_one_has_linked_matches_that_one(store: Store) -> None:
    left, middle, right = linked()
    ingest(store, article("left", left))
    ingest(store, article("right", right))
    assert explained(store, "right").match is None
    ingest(store, article("middle", middle))
    assert families(store) == {("left", "middle", "right")}
    match = matched(store, "right")
    assert (match.article_id, match.came_earlier, match.is_edge) == ("middle", False, True)


def test_a_reprint_matches_the_text_it_contains(store: Store) -> None:
    wire, page = text("wire", 200), text("page", 300)
    ingest(store, article("wire", wire))
    ingest(store, article("page", f"{page}\n\n{wire}"))
    assert families(store) == {("page", "wire")}
    found = explained(store, "page")
    assert found.kind == "reprint"
    assert found.match is not None
    assert (found.match.article_id, found.match.kind, found.match.n_words) == ("wire", "reprint", 200)
    assert found.match.containment is not None
    assert found.match.containment_of_match == found.match.reached == 1
    assert found.match.bar == containment_bar(200, PARAMS.family) < found.match.reached
    assert found.match.containment < 0.6
    assert found.comparison is not None
    assert found.comparison.containment_of_other == 1
    assert found.comparison.containment == found.comparison.jaccard < 0.5
    assert found.comparison.shared[0].n_words == 200
    assert found.comparison.only_in_other == ()
    back = explained(store, "wire")
    assert back.match is not None
    assert (back.kind, back.match.article_id, back.match.kind) == ("new", "page", "reprint")


def test_a_revision_is_explained_by_its_latest_text(store: Store) -> None:
    base = text("wire")
    ingest(store, article("base", base))
    ingest(store, article("live", text("first version")))
    assert explained(store, "live").match is None
    ingest(store, article("live", altered(base, "edit", 1)))
    found = explained(store, "live")
    assert (found.revision, found.kind) == (1, "near-duplicate")
    assert found.match is not None
    assert found.match.article_id == "base"
    assert found.comparison is not None
    assert found.comparison.jaccard == exact_jaccard(base, altered(base, "edit", 1))
    ingest(store, article("live", text("third version")))
    assert (explained(store, "live").revision, explained(store, "live").match) == (2, None)


def test_the_match_that_has_expired_gives_way_to_the_next(store: Store) -> None:
    base = text("wire", 200)
    ingest(store, article("old", base), at=DAY)
    ingest(store, article("newer", altered(base, "edit", 3)), at=5 * DAY)
    ingest(store, article("newest", altered(base, "other", 1)), at=5 * DAY + HOUR)
    assert matched(store, "newest").article_id == "old"
    expiry(store).run(32 * DAY)
    assert explain(store, PARAMS, "old") is None
    assert matched(store, "newest").article_id == "newer"


def test_an_article_alone_matches_nothing(store: Store) -> None:
    ingest(store, article("alone", text("alone")), article("other", text("other")))
    found = explained(store, "alone")
    assert (found.kind, found.n_articles, found.n_words) == ("new", 1, 120)
    assert (found.match, found.comparison) == (None, None)


@pytest.mark.parametrize("body", ["", NOTICE], ids=["title only", "title and boilerplate"])
def test_articles_without_a_text_of_their_own_match_nothing(store: Store, body: str) -> None:
    ingest(store, article("one", body, title="Morning briefing"), article("two", body, title="Morning briefing"))
    found = explained(store, "two")
    assert (found.n_articles, found.n_words, found.match) == (1, 0, None)


def test_an_unknown_article_has_no_explanation(store: Store) -> None:
    assert explain(store, PARAMS, "nobody") is None


# Figures and passages


def test_the_figures_are_the_estimate_with_its_error_the_bar_and_the_exact_ones(store: Store) -> None:
    base = text("wire", 200)
    other = altered(base, "edit", 3)
    ingest(store, article("base", base), article("near", other))
    found, match = explained(store, "near"), matched(store, "near")
    assert found.comparison is not None
    assert found.comparison.jaccard == exact_jaccard(base, other)
    assert abs(match.jaccard - found.comparison.jaccard) < 5 * match.standard_error
    assert match.standard_error == pytest.approx(math.sqrt(match.jaccard * (1 - match.jaccard) / 128))
    assert match.bar == bar(200, PARAMS.family) < match.reached == match.jaccard
    assert match.containment is not None
    assert abs(match.containment - found.comparison.containment) < 0.2
    assert (found.n_words, match.n_words) == (200, 200)


def test_passages_are_shown_as_the_articles_spell_them(store: Store) -> None:
    random = Random(7)
    shown = " ".join(random.choice((str.upper, str.title, str))(word) for word in text("wire", 60).split())
    ingest(store, article("base", f"{shown}\n\nThe end; nothing else."))
    ingest(store, article("near", f"{shown}\n\nMore to come."))
    comparison = explained(store, "near").comparison
    assert comparison is not None
    [passage] = comparison.shared
    assert passage.text == " ".join(shown.split()[:30])
    assert (passage.n_words, passage.is_cut) == (60, True)
    assert [one.text for one in comparison.only_here] == ["More to come"]
    assert [one.text for one in comparison.only_in_other] == ["The end; nothing else"]


def test_a_short_text_is_compared_with_its_title(store: Store) -> None:
    ingest(store, article("one", "Boats are tied up, and nobody is hurt.", title="Storm closes the harbour"))
    ingest(store, article("two", "Boats are tied up, and nobody is hurt.", title="Storm closes the harbour"))
    found = explained(store, "two")
    assert (found.kind, found.n_words) == ("copy", 12)
    assert found.comparison is not None
    assert (found.comparison.jaccard, found.comparison.n_words) == (1, 12)
    assert [one.text for one in found.comparison.shared] == [
        "Storm closes the harbour\nBoats are tied up, and nobody is hurt"
    ]


def test_boilerplate_counts_in_no_figure(store: Store) -> None:
    base = text("wire")
    ingest(store, article("base", base))
    ingest(store, article("near", f"{NOTICE}\n{altered(base, 'edit', 1)}\n{NOTICE}"))
    found = explained(store, "near")
    assert found.n_words == 120
    assert found.comparison is not None
    assert (found.comparison.n_words, found.comparison.is_whole) == (120, True)
    assert found.comparison.jaccard == exact_jaccard(base, altered(base, "edit", 1))


def test_without_kept_texts_there_are_the_figures(server_url: str, store: Store) -> None:
    base = text("wire")
    silent = make_runtime(Settings(keep_text=False), server_url).store
    try:
        ingest(silent, article("base", base), article("near", altered(base, "edit", 1)), article("copy", base))
        found = explained(silent, "near")
        assert found.match is not None
        assert (found.match.article_id, found.comparison) == ("base", None)
        assert 0.7 < found.match.jaccard < 1
        assert explained(silent, "copy").match is not None
    finally:
        silent.connection.close()
    assert store.index.texts(range(10)) == {}


def test_figures_alone_are_had_without_reading_texts(store: Store) -> None:
    base = text("wire")
    ingest(store, article("base", base), article("near", altered(base, "edit", 1)))
    found = explain(store, PARAMS, "near", with_text=False)
    assert found is not None
    assert found.comparison is None
    assert found.match == matched(store, "near")
