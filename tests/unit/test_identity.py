"""Stable story ids, case by case: what each rule means for a handful of articles."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import pytest

from dedup.identity import Assigned, IdentityError, Intent, Left, Placed, Standing, decide, mint, to_change
from dedup.story import Change

if TYPE_CHECKING:
    from dedup.story import StoryStatus


def family(name: str, *articles: tuple[int, str], story: str | None = None) -> Placed:
    """A family of (arrival key, story so far) articles, named after it; its own story is its first article's."""
    own = articles[0][1] if story is None else story
    keys = tuple(key for key, _ in articles)
    return Placed(name, tuple(f"{name}{key}" for key in keys), keys, own, tuple(before for _, before in articles))


def standing(*stories: Standing) -> dict[str, Standing]:
    return {story.id: story for story in stories}


def story(name: str, founded: int, *n_left: int, status: StoryStatus = "open") -> Standing:
    """A story with a family outside the window for each number, of so many articles."""
    left = tuple(
        Left(f"{name}-left{n}", tuple(f"{name}-left{n}-{i}" for i in range(size)), tuple(range(-size, 0)))
        for n, size in enumerate(n_left)
    )
    return Standing(name, founded, status, left)


def minted(article: str) -> str:
    return mint("story", article, lambda _: False)


@pytest.mark.parametrize(("kind", "letter"), [("story", "s"), ("storyline", "l"), ("family", "f")])
def test_an_id_is_a_letter_for_its_kind_and_sixteen_hex_digits(
    kind: Literal["story", "storyline", "family"], letter: str
) -> None:
    assert re.fullmatch(letter + "[0-9a-f]{16}", mint(kind, "Überschrift:1", lambda _: False))


def test_minting_gives_the_same_id_on_every_machine() -> None:
    assert minted("feed:1") == "s54542c151e988cb1"


def test_a_taken_id_is_hashed_again_until_one_is_free() -> None:
    seen: list[str] = []

    def taken(candidate: str) -> bool:
        seen.append(candidate)
        return len(seen) < 4

    assert mint("story", "a", taken) == seen[-1]
    assert len(set(seen)) == 4


def test_a_first_run_bears_a_story_for_each_cluster_named_after_its_first_article() -> None:
    placed = [family("a", (2, ""), (5, "")), family("b", (1, "")), family("c", (3, ""))]

    outcome = decide(placed, [["c"], ["a", "b"]], {})

    first, second = minted("b1"), minted("c3")
    assert outcome.stories == (
        Assigned(first, 1, ("b", "a"), (), is_new=True, reopened=False),
        Assigned(second, 3, ("c",), (), is_new=True, reopened=False),
    )
    assert outcome.changes == (
        Intent("born", first, "", ("b1", "a2", "a5")),
        Intent("born", second, "", ("c3",)),
    )
    assert outcome.relocated == {}


def test_nothing_placed_and_nothing_standing_is_no_outcome() -> None:
    outcome = decide([], [], {})

    assert (outcome.stories, outcome.ended, outcome.aliases, outcome.changes) == ((), (), {}, ())


def test_new_articles_in_a_standing_story_are_told_as_grown() -> None:
    placed = [family("a", (1, "S"), (4, "")), family("b", (3, ""))]

    outcome = decide(placed, [["a", "b"]], standing(story("S", 1)))

    assert outcome.changes == (Intent("grew", "S", "", ("b3", "a4")),)
    assert outcome.relocated == {}


def test_new_copies_do_not_count_as_overlap() -> None:
    placed = [family("a", (1, "S"), (7, ""), (8, ""), (9, "")), family("b", (2, "S")), family("c", (3, "S"))]

    outcome = decide(placed, [["a"], ["b", "c"]], standing(story("S", 1)))

    assert {s.story_id: s.families for s in outcome.stories} == {"S": ("b", "c"), minted("a1"): ("a",)}


def test_the_greatest_overlap_in_total_decides_not_the_greatest_single_one() -> None:
    placed = [
        family("a", (1, "S"), (2, "S"), (3, "S")),
        family("b", (4, "S"), (5, "S")),
        family("c", (6, "T"), (7, "T")),
    ]

    outcome = decide(placed, [["a", "c"], ["b"]], standing(story("S", 1), story("T", 6)))

    assert {s.story_id: s.families for s in outcome.stories} == {"T": ("a", "c"), "S": ("b",)}
    assert outcome.changes == (Intent("moved", "T", "S", ("a1", "a2", "a3")),)


def test_of_two_equal_stories_that_merge_the_older_one_lives_on() -> None:
    placed = [family("a", (5, "young")), family("b", (3, "old"))]

    outcome = decide(placed, [["a", "b"]], standing(story("young", 2), story("old", 1)))

    assert outcome.aliases == {"young": "old"}
    assert outcome.changes == (Intent("merged", "young", "old", ("a5",)),)
    assert outcome.relocated == {"a5": "old"}


def test_a_merge_takes_along_what_left_the_window_and_redirects_earlier_aliases() -> None:
    placed = [family("a", (1, "S"), (2, "S"), (3, "S")), family("b", (4, "T"), (5, "T"))]
    aliases = {"older": "T", "elsewhere": "U"}

    outcome = decide(placed, [["a", "b"]], standing(story("S", 1), story("T", -1, 1), story("U", 9)), aliases)

    assert outcome.aliases == {"T": "S", "older": "S"}
    assert outcome.changes[0] == Intent("merged", "T", "S", ("T-left0-0", "b4", "b5"))
    assert outcome.relocated == {"T-left0-0": "S", "b4": "S", "b5": "S"}
    assert [left.family for left in outcome.stories[0].left] == ["T-left0"]


def test_a_copy_that_comes_back_into_the_next_round_does_not_take_the_old_round_with_it() -> None:
    """One late reprint of the first round, among the second round's articles."""
    returned = family("a", (1, "first"), (30, ""))
    second = [family("b", (20, "second")), family("c", (21, "second"))]
    stories = standing(story("first", 0, 3, 1, status="ended"), story("second", 20))

    outcome = decide([returned, *second], [["a", "b", "c"]], stories)

    assert outcome.aliases == {}
    assert outcome.changes == (Intent("moved", "second", "first", ("a1",)), Intent("grew", "second", "", ("a30",)))
    assert outcome.ended == ()


def test_an_open_story_that_keeps_most_of_its_articles_outside_the_window_ends_there() -> None:
    placed = [family("a", (1, "S")), family("b", (2, "T")), family("c", (3, "T"))]

    outcome = decide(placed, [["a", "b", "c"]], standing(story("S", -2, 2), story("T", 2)))

    assert outcome.changes == (Intent("moved", "T", "S", ("a1",)), Intent("ended", "S", "", ()))
    assert outcome.ended == ("S",)


def test_a_story_torn_between_two_others_retires_into_the_one_it_mostly_joined() -> None:
    torn = [family("a", (1, "S")), family("b", (2, "S")), family("c", (3, "S"))]
    others = [family("t", (4, "T"), (5, "T"), (6, "T")), family("u", (7, "U"), (8, "U"))]
    clusters = [["a", "b", "u"], ["c", "t"]]
    stories = standing(story("S", 1), story("T", 4), story("U", 7))

    outcome = decide([*torn, *others, family("v", (9, "U"), (10, "U"))], [[*clusters[0], "v"], clusters[1]], stories)

    assert outcome.changes == (Intent("moved", "T", "S", ("c3",)), Intent("merged", "S", "U", ("a1", "b2")))
    assert outcome.aliases == {"S": "U"}


def test_a_new_cluster_from_parts_of_two_living_stories_is_split_from_the_one_that_gave_more() -> None:
    placed = [
        family("a", (1, "S"), (2, "S"), (3, "S")),
        family("b", (4, "S")),
        family("c", (5, "T"), (6, "T"), (7, "T")),
        family("d", (8, "T"), (9, "T")),
        family("e", (10, "")),
    ]

    outcome = decide(placed, [["a"], ["c"], ["b", "d", "e"]], standing(story("S", 1), story("T", 5)))

    new = minted("b4")
    assert outcome.changes == (
        Intent("split", new, "T", ("d8", "d9")),
        Intent("moved", new, "S", ("b4",)),
        Intent("grew", new, "", ("e10",)),
    )
    assert outcome.relocated == {"d8": new, "d9": new, "b4": new}


def test_a_part_split_off_with_the_founding_article_gets_another_id_than_the_story_had() -> None:
    own = minted("a1")
    placed = [family("a", (1, own)), family("b", (2, own), (3, own))]

    outcome = decide(placed, [["a"], ["b"]], standing(story(own, 1)))

    again = mint("story", "a1", lambda candidate: candidate == own)
    assert {s.story_id: s.families for s in outcome.stories} == {own: ("b",), again: ("a",)}


@pytest.mark.parametrize("where", ["alias", "taken"])
def test_a_retired_or_taken_id_is_not_given_out_again(where: str) -> None:
    gone = minted("a1")

    outcome = decide(
        [family("a", (1, ""))],
        [["a"]],
        standing(story("S", 0)),
        {gone: "S"} if where == "alias" else {},
        lambda candidate: where == "taken" and candidate == gone,
    )

    assert outcome.stories[0].story_id == mint("story", "a1", lambda candidate: candidate == gone)


def test_of_two_single_articles_the_one_that_left_its_family_leaves_the_id_behind() -> None:
    """The founding article is revised into a text of its own: it would win the tie, had it not gone by itself."""
    placed = [family("new", (1, "S"), story=""), family("a", (2, "S"))]

    outcome = decide(placed, [["new"], ["a"]], standing(story("S", 1)))

    assert {s.story_id: s.families for s in outcome.stories} == {"S": ("a",), minted("new1"): ("new",)}


def test_a_family_whose_earlier_articles_are_gone_keeps_its_story() -> None:
    outcome = decide([family("a", (9, ""), story="S")], [["a"]], standing(story("S", 1, 2, status="ended")))

    assert outcome.stories[0].story_id == "S"
    assert outcome.changes == (Intent("grew", "S", "", ("a9",)),)


def test_a_story_of_which_no_article_is_kept_retires_into_the_one_its_family_joined() -> None:
    placed = [family("a", (9, ""), story="S"), family("b", (2, "T"))]

    outcome = decide(placed, [["a", "b"]], standing(story("S", 1), story("T", 2)))

    assert outcome.aliases == {"S": "T"}
    assert outcome.changes == (Intent("merged", "S", "T", ()), Intent("grew", "T", "", ("a9",)))


def test_a_reopened_story_is_told_even_if_no_article_is_new() -> None:
    outcome = decide([family("a", (1, "S"))], [["a"]], standing(story("S", 1, status="ended")))

    assert outcome.stories[0].reopened
    assert outcome.changes == (Intent("grew", "S", "", ()),)


def test_an_open_story_ends_when_its_last_family_left_the_window_and_only_then() -> None:
    stories = standing(story("S", 1, 2), story("T", 2, 1, status="ended"), story("U", 3))

    outcome = decide([family("a", (3, "U"))], [["a"]], stories)

    assert outcome.ended == ("S",)
    assert outcome.changes == (Intent("ended", "S", "", ()),)


def test_changes_come_in_one_order_by_kind_then_by_founding() -> None:
    placed = [
        family("a", (1, "S"), (2, "S")),
        family("b", (3, "S")),
        family("c", (4, "T"), (5, "")),
        family("d", (6, "U")),
        family("e", (7, "")),
        family("f", (8, "")),
    ]
    stories = standing(story("S", 1), story("T", 4), story("U", 6), story("V", 0, 1))

    outcome = decide(placed, [["f"], ["e"], ["c", "d"], ["b"], ["a"]], stories)

    assert [(change.kind, change.articles) for change in outcome.changes] == [
        ("born", ("e7",)),
        ("born", ("f8",)),
        ("split", ("b3",)),
        ("merged", ("d6",)),
        ("grew", ("c5",)),
        ("ended", ()),
    ]


def test_a_change_told_lists_a_hundred_articles_and_counts_all() -> None:
    articles = tuple(f"a{n}" for n in range(250))

    change = to_change(Intent("merged", "s1", "s2", articles), storyline="l1", run=7, at=1.5)

    assert change == Change("merged", "s1", "s2", "l1", articles[:100], 250, 7, 1.5)


ALONE = family("a", (1, ""))


@pytest.mark.parametrize(
    ("placed", "clusters", "stories", "named"),
    [
        ([ALONE, ALONE], [["a"]], [], "family a"),
        ([ALONE], [["a"], ["a"]], [], "family a"),
        ([ALONE], [["a", "b"]], [], "family b"),
        ([ALONE], [], [], "families a"),
        ([Placed("a", (), (), "", ())], [["a"]], [], "family a"),
        ([Placed("a", ("x", "y"), (1,), "", ("", ""))], [["a"]], [], "family a"),
        ([Placed(name, ("x",), (1,), "", ("",)) for name in "ab"], [["a", "b"]], [], "article x"),
        ([Placed("a", ("S-left0-0",), (1,), "S", ("S",))], [["a"]], [story("S", 1, 1)], "article S-left0-0"),
        ([family("a", (1, "S"))], [["a"]], [], "S"),
    ],
    ids=[
        "twice",
        "two clusters",
        "not placed",
        "no cluster",
        "empty",
        "uneven",
        "two families",
        "in and out",
        "unknown",
    ],
)
def test_inputs_that_contradict_each_other_are_refused_by_name(
    placed: list[Placed], clusters: list[list[str]], stories: list[Standing], named: str
) -> None:
    with pytest.raises(IdentityError, match=re.escape(named)):
        decide(placed, clusters, standing(*stories))
