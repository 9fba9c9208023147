"""Corrections by hand as values: what follows from them, and which contradict each other."""

from __future__ import annotations

import pytest

from dedup.correction import ContradictionError, Correction, CorrectionError, CorrectionKind, Corrections, Ties, divide


def standing(*told: str) -> Corrections:
    """Corrections written as "a-b" (linked) and "a|b" (unlinked)."""
    return Corrections.of(correction(one) for one in told)


def correction(told: str) -> Correction:
    kind: CorrectionKind = "link" if "-" in told else "unlink"
    return Correction.of(kind, *told.replace("|", "-").split("-"))


def contradicted(new: str, *told: str) -> tuple[str, ...]:
    with pytest.raises(ContradictionError) as caught:
        standing(*told).check(correction(new))
    assert " - ".join(caught.value.chain) in str(caught.value)
    return caught.value.chain


def test_it_does_not_matter_which_article_is_named_first() -> None:
    assert Correction.of("link", "b", "a") == Correction.of("link", "a", "b")


def test_an_article_is_neither_linked_with_itself_nor_unlinked() -> None:
    with pytest.raises(CorrectionError, match="'a' is named twice"):
        Correction.of("link", "a", "a")


def test_what_is_linked_in_a_chain_cannot_be_unlinked_and_the_chain_is_told() -> None:
    assert contradicted("a|c", "a-b", "b-c") == ("a", "b", "c")
    assert contradicted("d|a", "a-b", "b-c", "c-d", "b-d") == ("a", "b", "d")
    assert contradicted("a|b", "a-b") == ("a", "b")


def test_what_is_kept_apart_over_links_cannot_be_linked_and_the_chain_is_told() -> None:
    assert contradicted("a-c", "a-b", "b|c") == ("b", "a", "c")
    assert contradicted("b-c", "b|c") == ("b", "c")
    assert contradicted("c-d", "a-b", "b-c", "d-e", "e|a", "x|y") == ("a", "b", "c", "d", "e")


def test_the_message_names_the_chain_and_what_is_unlinked() -> None:
    with pytest.raises(ContradictionError) as caught:
        standing("a-b", "b|c").check(correction("a-c"))
    assert str(caught.value) == (
        "'a' and 'c' cannot be linked: b - a - c would be one story, and 'b' and 'c' are unlinked. "
        "Take one of these corrections back first"
    )


def test_what_says_nothing_against_those_that_stand_passes() -> None:
    known = standing("a-b", "c|d", "e-f")
    for new in ("a-b", "a-c", "b|c", "e-c", "x-y", "x|y", "d|c", "a|f"):
        known.check(correction(new))


def test_an_article_linked_with_another_is_apart_from_what_that_one_is() -> None:
    ties = standing("a-b", "b|c", "c-d").ties()
    assert all(ties.are_apart(one, other) for one in "ab" for other in "cd")
    assert not ties.are_apart("a", "b")
    assert not ties.are_apart("a", "unheard of")


def test_an_article_that_goes_takes_its_corrections_with_it() -> None:
    known = standing("a-b", "b|c", "c-d")
    assert known.without(["b"]) == standing("c-d")
    assert not known.without(["b", "d"])


def test_ties_refuse_to_join_what_they_keep_apart_and_to_part_what_they_joined() -> None:
    ties: Ties = Ties()
    assert ties.join("a", "b")
    assert ties.part("b", "c")
    assert not ties.part("a", "b")
    assert not ties.join("c", "a")
    assert ties.join("c", "d")
    assert not ties.join("d", "b")
    assert ties.join("a", "b")


def test_copies_that_are_apart_are_divided_and_the_rest_stays_with_the_first() -> None:
    assert divide(["d", "c", "b", "a"], standing("b|d").ties()) == [["a", "b", "c"], ["d"]]
    assert divide(["a", "b", "c"], standing("a|b", "b|c", "a|c").ties()) == [["a"], ["b"], ["c"]]
    assert divide(["a", "b", "c"], standing("a|b", "b-c").ties()) == [["a"], ["b", "c"]]
    assert divide(["a", "b"], standing("x|y").ties()) == [["a", "b"]]
