"""Families by example: which edges count, who joins whom, and who keeps which id."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from dedup.family import Content, Edge, FamilyParams, Member, Settlement, bar, edges_of_pairs, group, settle, verify

PARAMS = FamilyParams()
N_PLACES = 100


def content(number: int, shared: int = N_PLACES, n_words: int = 300, content_hash: bytes = b"") -> Content:
    """A content whose signature shares its first `shared` places, in a hundred, with those of all others."""
    signature = np.full(N_PLACES, number + 1, np.uint16)
    signature[:shared] = 0
    return Content(number, content_hash or bytes([number]) * 16, n_words, signature)


def groups_of(contents: Sequence[Content], *edges: tuple[int, int, float]) -> list[list[int]]:
    grouped = group(contents, [Edge(*edge) for edge in edges], PARAMS)
    return [[one.number for one in members] for members in grouped]


def settled(groups: Sequence[Sequence[int]], *members: Member) -> Settlement:
    """The settlement of contents by number, the smaller number the more prominent."""
    contents = [[content(number, n_words=1000 - number) for number in numbers] for numbers in groups]
    return settle(contents, members, lambda founder: f"f({founder})")


def arrived(turn: int, content_number: int, family: str = "", *, revised: bool = False) -> Member:
    return Member((turn, 0), f"a{turn}", content_number, family, revised)


def ids(settlement: Settlement) -> dict[str, list[str]]:
    return {family.family_id: [member.article_id for member in family.members] for family in settlement.families}


def test_the_bar_rises_for_short_texts() -> None:
    at = [bar(n_words, PARAMS) for n_words in (0, 20, 40, 100, 10_000)]
    assert at == pytest.approx([0.9, 0.7820, 0.7104, 0.6246, 0.6], abs=1e-4)
    assert (np.diff(at) < 0).all()


def test_an_edge_is_a_pair_that_reaches_the_bar_of_the_shorter_text() -> None:
    one = content(5, 75)
    assert verify(one, [content(2, 75)], PARAMS) == [Edge(2, 5, 0.75)]
    assert verify(one, [content(7, 75)], PARAMS) == [Edge(5, 7, 0.75)]
    assert verify(one, [content(2, 59)], PARAMS) == []
    assert verify(one, [content(2, 75, n_words=20)], PARAMS) == []
    assert verify(content(5, 75, n_words=20), [content(2, 75)], PARAMS) == []
    assert verify(content(5, 85, n_words=20), [content(2, 85)], PARAMS) == [Edge(2, 5, 0.85)]


def test_a_text_is_not_compared_with_itself_nor_with_nothing() -> None:
    assert verify(content(1), [], PARAMS) == verify(content(1), [content(1)], PARAMS) == []


def test_pairs_of_an_archive_are_verified_as_one_by_one() -> None:
    contents = [content(0, 90), content(1, 75), content(2, 60), content(3, 90, n_words=10), content(4, 95, n_words=10)]
    pairs = np.array([(i, j) for i in range(5) for j in range(i + 1, 5)])
    one_by_one = [edge for i in range(5) for edge in verify(contents[i], contents[i + 1 :], PARAMS)]
    assert edges_of_pairs(contents, pairs, PARAMS) == one_by_one
    assert {(edge.one, edge.other) for edge in one_by_one} == {(0, 1), (0, 3), (0, 4), (3, 4)}
    assert edges_of_pairs(contents, pairs[:0], PARAMS) == []


def test_contents_without_edges_are_families_of_one() -> None:
    assert groups_of([content(0, n_words=5), content(1, n_words=9)]) == [[1], [0]]
    assert group([], [], PARAMS) == []


def test_a_family_is_represented_by_its_longest_text_ties_by_content_hash() -> None:
    contents = [content(0, n_words=200), content(1, n_words=400), content(2, n_words=400, content_hash=b"\0" * 16)]
    assert groups_of(contents, (0, 1, 0.9), (1, 2, 0.9))[0][0] == 2
    assert groups_of(contents[:2], (0, 1, 0.9)) == [[1, 0]]


def test_no_chain_of_weak_links_makes_a_family() -> None:
    """Each is like the next, and little like the one after it: what one can stand for ends with its neighbours."""
    chain = [content(i, n_words=500 - i) for i in range(9)]
    for i, one in enumerate(chain):
        one.signature[:] = [1000 * ((place + 100 * 10 - 30 * i) // 100) + place for place in range(N_PLACES)]
    edges = edges_of_pairs(chain, np.array([(i, j) for i in range(9) for j in range(i)]), PARAMS)
    assert {(edge.one, edge.other, round(edge.jaccard, 2)) for edge in edges} == {(i, i + 1, 0.7) for i in range(8)}
    families = group(chain, edges, PARAMS)
    assert all(len(members) <= 3 for members in families)
    assert all((members[0].signature == one.signature).mean() >= 0.5 for members in families for one in members)


def test_exactly_half_alike_with_the_core_is_enough() -> None:
    assert groups_of([content(0, 50), content(1, 50)], (0, 1, 0.8)) == [[0, 1]]
    assert groups_of([content(0, 49), content(1, 50)], (0, 1, 0.8)) == [[0], [1]]


def test_the_strongest_edge_is_taken_first() -> None:
    """The middle one could join either side; it goes where it is more alike, in whatever order edges are given."""
    left, middle, right, far = (content(i, n_words=500 - i) for i in range(4))
    left.signature[:] = np.arange(N_PLACES)
    far.signature[:] = [*range(3000, 3050), *range(50, 100)]
    right.signature[:] = np.arange(N_PLACES) + 1000
    middle.signature[:] = [*range(50), *range(1050, 1100)]
    contents = [left, middle, right, far]
    weaker, stronger = [(0, 3, 0.9), (0, 1, 0.75), (1, 2, 0.8)], [(0, 3, 0.9), (0, 1, 0.85), (1, 2, 0.8)]
    assert groups_of(contents, *weaker) == groups_of(contents, *weaker[::-1]) == [[0, 3], [1, 2]]
    assert groups_of(contents, *stronger) == groups_of(contents, *stronger[::-1]) == [[0, 1, 3], [2]]


def test_a_text_that_both_families_are_half_like_stands_for_both() -> None:
    """Neither the longest nor the second can; the middle one, of another family, is half like all."""
    left, middle, right = (content(i, n_words=500 - 100 * i) for i in range(3))
    left.signature[:] = np.arange(N_PLACES)
    right.signature[:] = np.arange(N_PLACES) + 1000
    middle.signature[:] = [*range(50), *range(1050, 1100)]
    assert groups_of([left, middle, right], (0, 1, 0.75), (1, 2, 0.8)) == [[1, 0, 2]]


def test_edges_to_contents_that_are_gone_are_passed_over() -> None:
    assert groups_of([content(0), content(1)], (0, 9, 0.9), (8, 9, 0.9), (0, 1, 0.9)) == [[0, 1]]


def test_a_new_family_is_named_after_its_first_article() -> None:
    settlement = settled([[0, 1]], arrived(3, 1), arrived(2, 0))
    assert ids(settlement) == {"f(a2)": ["a2", "a3"]}
    assert settlement.aliases == {}


def test_the_first_is_new_the_same_text_a_copy_and_other_text_a_near_duplicate() -> None:
    (family,) = settled([[0, 1]], arrived(1, 1), arrived(2, 0), arrived(3, 1), arrived(4, 0), arrived(5, 1)).families
    assert family.kinds == ("new", "near-duplicate", "copy", "copy", "copy")


def test_the_representative_is_the_first_article_of_the_longest_text() -> None:
    (family,) = settled([[0, 1]], arrived(1, 1), arrived(4, 0), arrived(3, 0)).families
    assert family.representative == "a3"


def test_articles_of_one_moment_are_ordered_by_id() -> None:
    members = [Member((1, 0), name, 0, "") for name in ("b", "a")]
    (family,) = settled([[0]], *members).families
    assert [member.article_id for member in family.members] == ["a", "b"]
    assert (family.family_id, family.representative) == ("f(a)", "a")


def test_a_family_keeps_its_id_when_it_grows_even_by_an_earlier_article() -> None:
    assert ids(settled([[0, 1]], arrived(1, 1), arrived(2, 0, "old"))) == {"old": ["a1", "a2"]}


def test_of_two_families_that_join_the_one_founded_first_names_both() -> None:
    settlement = settled([[0, 1]], arrived(1, 0, "first"), arrived(2, 1, "second"), arrived(3, 1, "second"))
    assert ids(settlement) == {"first": ["a1", "a2", "a3"]}
    assert settlement.aliases == {"second": "first"}


def test_when_three_join_every_retired_id_leads_to_the_living_one_in_one_hop() -> None:
    settlement = settled([[0, 1, 2]], arrived(3, 2, "c"), arrived(2, 1, "b"), arrived(1, 0, "a"))
    assert settlement.aliases == {"b": "a", "c": "a"}


def test_when_a_family_parts_its_id_stays_with_most_of_its_articles() -> None:
    settlement = settled([[0], [1]], arrived(1, 0, "f"), arrived(2, 1, "f"), arrived(3, 1, "f"))
    assert ids(settlement) == {"f": ["a2", "a3"], "f(a1)": ["a1"]}
    assert settlement.aliases == {}


def test_when_a_family_parts_in_halves_its_id_stays_with_its_founder() -> None:
    assert ids(settled([[0], [1]], arrived(1, 1, "f"), arrived(2, 0, "f")))["f"] == ["a1"]


def test_a_revised_article_takes_no_id_away_from_those_it_leaves() -> None:
    """The founder is rewritten into another story: the id stays with the one that did not change."""
    settlement = settled([[0], [1]], arrived(1, 0, "f", revised=True), arrived(2, 1, "f"))
    assert ids(settlement) == {"f(a1)": ["a1"], "f": ["a2"]}


def test_several_revised_articles_take_no_id_away_either() -> None:
    revised = (arrived(turn, 0, "f", revised=True) for turn in range(1, 5))
    assert ids(settled([[0], [1]], *revised, arrived(5, 1, "f")))["f"] == ["a5"]


def test_an_article_that_alone_had_the_id_keeps_it_when_revised() -> None:
    assert list(ids(settled([[0]], arrived(1, 0, "f", revised=True)))) == ["f"]


def test_nothing_makes_nothing() -> None:
    assert settled([]) == Settlement((), {})
