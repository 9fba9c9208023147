"""Of a family, what somebody who is shown the rest need not be shown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dedup.family import Content, FamilyParams, Member, bar, source_key
from dedup.minhash import NUM_PERM
from dedup.shown import covered

PARAMS = FamilyParams()


def content(number: int, n_unlike: int, n_words: int = 400) -> Content:
    """A text whose signature differs from that of the plain one in so many places, at the end of it."""
    signature = np.zeros(NUM_PERM, np.uint16)
    signature[NUM_PERM - n_unlike :] = number
    return Content(number, bytes([number]) * 16, n_words, signature)


def member(name: str, number: int, source: str = "", at: int = 0) -> Member:
    return Member((at or ord(name[0]), 0), name, number, "f", source=source_key(source))


def told(
    members: Sequence[Member], contents: Sequence[Content], representative: str, *priority: str
) -> dict[str, tuple[str, str]]:
    params = FamilyParams(source_priority=priority)
    found = covered(members, {one.number: one for one in contents}, representative, params)
    return {name: (why.kept, why.kind) for name, why in found.items()}


def test_a_copy_and_a_near_duplicate_need_not_be_shown() -> None:
    members = [member("a", 1), member("b", 1), member("c", 2)]
    found = covered(members, {1: content(1, 0), 2: content(2, 20)}, "a", PARAMS)
    assert {name: (why.kept, why.kind) for name, why in found.items()} == {
        "b": ("a", "copy"), "c": ("a", "near-duplicate"),
    }  # fmt: skip
    assert found["c"].jaccard == 1 - 20 / NUM_PERM
    assert found["c"].bar == bar(400, PARAMS)


def test_the_representative_is_shown_though_it_came_last() -> None:
    assert told([member("a", 1), member("b", 2), member("c", 1)], [content(1, 0), content(2, 20)], "c") == {
        "a": ("c", "copy"), "b": ("c", "near-duplicate"),
    }  # fmt: skip


def test_where_the_representative_is_not_there_the_first_of_the_preferred_source_is_shown() -> None:
    members = [member("a", 1, "Blog"), member("b", 1, "Wire"), member("c", 1, "Wire")]
    assert told(members, [content(1, 0)], "elsewhere", "wire") == {"a": ("b", "copy"), "c": ("b", "copy")}
    assert told(members, [content(1, 0)], "elsewhere") == {"b": ("a", "copy"), "c": ("a", "copy")}


def test_what_is_in_the_family_only_by_way_of_others_is_shown() -> None:
    far = [content(1, 0), content(2, 50), content(3, 100)]
    assert bar(400, PARAMS) > 1 - 100 / NUM_PERM
    assert told([member("a", 1), member("b", 2), member("c", 3)], far, "a") == {"b": ("a", "near-duplicate")}


def test_what_is_not_known_is_shown() -> None:
    assert told([member("a", 1), member("b", 2)], [content(1, 0)], "a") == {}
    assert told([], [], "a") == {}


@given(
    numbers=st.lists(st.integers(1, 5), min_size=1, max_size=12),
    unlike=st.lists(st.integers(0, 90), min_size=5, max_size=5),
    sources=st.lists(st.sampled_from(["", "Wire", "Post"]), min_size=12, max_size=12),
    chosen=st.integers(0, 12),
)
def test_each_article_that_is_not_shown_has_one_that_is(
    numbers: list[int], unlike: list[int], sources: list[str], chosen: int
) -> None:
    members = [member(f"{chr(97 + i)}", number, sources[i]) for i, number in enumerate(numbers)]
    contents = [content(number, unlike[number - 1]) for number in range(1, 6)]
    representative = members[chosen].article_id if chosen < len(members) else "elsewhere"
    found = told(members, contents, representative, "wire")
    shown = {one.article_id for one in members} - found.keys()
    assert representative not in found
    assert {kept for kept, _ in found.values()} <= shown
    assert {kind for _, kind in found.values()} <= {"copy", "near-duplicate"}
    assert told(members[::-1], contents, representative, "wire") == found
    by_number = {one.article_id: one.content for one in members}
    assert all((by_number[name] == by_number[kept]) == (kind == "copy") for name, (kept, kind) in found.items())
