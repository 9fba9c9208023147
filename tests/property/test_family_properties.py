"""A family is a function of its edges, and its id follows the stated rules, whatever comes in whatever order."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.correction import Ties
from dedup.family import (
    Content,
    Edge,
    FamilyParams,
    Member,
    Settled,
    Settlement,
    bar,
    edges_of_pairs,
    group,
    settle,
    verify,
)

PARAMS = FamilyParams()
N_PLACES = 20


@st.composite
def contents(draw: st.DrawFn) -> list[Content]:
    """Texts of a few lineages, each a chain of variants, so that there are strong links, weak ones and none."""
    chance = random.Random(draw(st.integers(0, 1 << 32)))
    made: list[Content] = []
    for number in range(draw(st.integers(0, 12))):
        signature = np.full(N_PLACES, 1000 + number, np.uint16)
        if made and chance.random() < 0.85:
            signature = chance.choice(made[-3:]).signature.copy()
            signature[chance.sample(range(N_PLACES), chance.choice((1, 4, 5, 5, 6, 6)))] = 1000 + number
        n_words = chance.choice((10, 300, 300, 400, 500))
        made.append(Content(number, bytes([chance.randrange(256), number]) * 8, n_words, signature))
    return made


def all_edges(made: Sequence[Content]) -> list[Edge]:
    pairs = np.array([(i, j) for i in range(len(made)) for j in range(i)], np.int64).reshape(-1, 2)
    return edges_of_pairs(made, pairs, PARAMS) if made else []


def numbers(groups: Sequence[Sequence[Content]]) -> list[tuple[int, list[int]]]:
    """Each family as its representative and its members."""
    return [(members[0].number, sorted(one.number for one in members)) for members in groups]


def jaccard(one: Content, other: Content) -> float:
    return float((one.signature == other.signature).mean())


@settings(max_examples=150)
@given(contents())
def test_two_contents_are_grouped_as_any_number_are(made: list[Content]) -> None:
    """They are joined in a shorter way, but where corrections speak; without any it is the same families."""
    edges = all_edges(made)
    for two in pairwise(made):
        for known in (edges, []):
            assert numbers(group(two, known, PARAMS)) == numbers(group(two, known, PARAMS, Ties()))


@given(contents(), st.randoms(use_true_random=False))
def test_families_do_not_depend_on_the_order_of_contents_nor_of_edges(
    made: list[Content], chance: random.Random
) -> None:
    edges = all_edges(made)
    expected = numbers(group(made, edges, PARAMS))
    shuffled = made.copy()
    chance.shuffle(shuffled)
    chance.shuffle(edges)
    assert numbers(group(shuffled, edges, PARAMS)) == expected
    again = all_edges(shuffled)
    assert set(again) == set(edges)
    assert numbers(group(shuffled, again, PARAMS)) == expected


@settings(max_examples=150)
@given(contents(), st.randoms(use_true_random=False))
def test_families_do_not_depend_on_the_numbers_of_contents(made: list[Content], chance: random.Random) -> None:
    renamed = list(range(100, 100 + len(made)))
    chance.shuffle(renamed)
    others = [Content(renamed[c.number], c.content_hash, c.n_words, c.signature) for c in made]
    expected = {frozenset(c.content_hash for c in members) for members in group(made, all_edges(made), PARAMS)}
    found = group(others, all_edges(others), PARAMS)
    assert {frozenset(c.content_hash for c in members) for members in found} == expected


@settings(max_examples=150)
@given(contents())
def test_every_content_is_in_one_family_at_least_half_like_its_core(made: list[Content]) -> None:
    groups = group(made, all_edges(made), PARAMS)
    assert sorted(one.number for members in groups for one in members) == list(range(len(made)))
    for members in groups:
        assert members[1:] == sorted(members[1:], key=lambda one: (-one.n_words, one.content_hash))
        assert all(jaccard(members[0], one) >= 0.5 for one in members)


@settings(max_examples=150)
@given(contents())
def test_the_members_of_a_family_hang_together_by_edges_of_its_own(made: list[Content]) -> None:
    edges = all_edges(made)
    for members in group(made, edges, PARAMS):
        inside = {one.number for one in members}
        own = [{edge.one, edge.other} for edge in edges if {edge.one, edge.other} <= inside]
        reached = {members[0].number}
        for _ in members:
            reached = reached.union(*(ends for ends in own if ends & reached))
        assert reached == inside


@settings(max_examples=150)
@given(contents())
def test_two_texts_with_an_edge_between_them_never_both_stay_alone(made: list[Content]) -> None:
    edges = all_edges(made)
    groups = group(made, edges, PARAMS)
    family_of = {one.number: members for members in groups for one in members}
    for edge in edges:
        one, other = family_of[edge.one], family_of[edge.other]
        assert one is other or len(one) + len(other) > 2


@settings(max_examples=150)
@given(contents())
def test_edges_are_the_pairs_that_reach_the_bar_whoever_asks(made: list[Content]) -> None:
    expected = {
        (one.number, other.number)
        for one in made
        for other in made
        if one.number < other.number and jaccard(one, other) >= bar(min(one.n_words, other.n_words), PARAMS)
    }
    assert {(edge.one, edge.other) for edge in all_edges(made)} == expected
    assert {edge for one in made for edge in verify(one, made, PARAMS)} == set(all_edges(made))


@dataclass(frozen=True)
class Scene:
    """Groups of contents, and articles with the families that named them before."""

    groups: list[list[Content]]
    members: list[Member]

    def settle(self, chance: random.Random | None = None) -> Settlement:
        members = list(self.members)
        if chance:
            chance.shuffle(members)
        return settle(self.groups, members, lambda founder: f"new:{founder}")

    def group_of(self, member: Member) -> int:
        return next(i for i, g in enumerate(self.groups) if any(c.number == member.content for c in g))


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    n_groups = draw(st.integers(1, 4))
    sizes = draw(st.lists(st.integers(1, 3), min_size=n_groups, max_size=n_groups))
    starts = np.cumsum([0, *sizes]).tolist()
    lengths = draw(st.lists(st.integers(1, 3), min_size=sum(sizes), max_size=sum(sizes)))
    made = [
        Content(number, bytes([number]) * 16, n_words, np.zeros(1, np.uint16)) for number, n_words in enumerate(lengths)
    ]
    drawn = draw(
        st.lists(
            st.tuples(st.integers(0, sum(sizes) - 1), st.sampled_from(["", "f", "g", "h", "k"]), st.booleans()),
            min_size=1,
            max_size=14,
        )
    )
    members = [
        Member((turn, 0), f"a{turn:02}", content, family, revised)
        for turn, (content, family, revised) in enumerate(drawn)
    ]
    return Scene([made[a:b] for a, b in pairwise(starts)], members)


def by_member(settlement: Settlement) -> dict[str, Settled]:
    return {member.article_id: one for one in settlement.families for member in one.members}


@settings(max_examples=120)
@given(scenes(), st.randoms(use_true_random=False))
def test_a_settlement_does_not_depend_on_the_order_articles_are_given_in(scene: Scene, chance: random.Random) -> None:
    assert scene.settle() == scene.settle(chance)


@settings(max_examples=120)
@given(scenes())
def test_articles_are_in_one_family_exactly_when_their_contents_are_in_one_group(scene: Scene) -> None:
    family = by_member(scene.settle())
    assert set(family) == {member.article_id for member in scene.members}
    for one in scene.members:
        for other in scene.members:
            together = scene.group_of(one) == scene.group_of(other)
            assert (family[one.article_id] is family[other.article_id]) == together


@settings(max_examples=120)
@given(scenes())
def test_the_first_alone_is_new_and_a_copy_has_an_earlier_article_of_its_text(scene: Scene) -> None:
    for family in scene.settle().families:
        assert list(family.members) == sorted(family.members)
        assert [i for i, kind in enumerate(family.kinds) if kind == "new"] == [0]
        for i, (member, kind) in enumerate(zip(family.members, family.kinds, strict=True)):
            earlier = {one.content for one in family.members[:i]}
            assert (kind == "copy") == (member.content in earlier)


@settings(max_examples=120)
@given(scenes())
def test_the_first_article_of_the_first_text_present_represents_its_family(scene: Scene) -> None:
    place = {content.number: i for contents_of in scene.groups for i, content in enumerate(contents_of)}
    for family in scene.settle().families:
        best = min(family.members, key=lambda m: (place[m.content], m.seen_at))
        assert family.representative == best.article_id


@settings(max_examples=120)
@given(scenes())
def test_no_two_families_have_one_id_and_every_former_id_lives_or_leads_to_a_living_one_in_one_hop(
    scene: Scene,
) -> None:
    settlement = scene.settle()
    living = [family.family_id for family in settlement.families]
    former = {member.family for member in scene.members} - {""}
    assert len(set(living)) == len(living)
    assert set(settlement.aliases) == former - set(living)
    assert set(settlement.aliases.values()) <= set(living)


@settings(max_examples=120)
@given(scenes())
def test_an_id_goes_with_most_of_its_unrevised_articles_and_the_oldest_such_id_of_a_group_stays(scene: Scene) -> None:
    settlement = scene.settle()
    family = by_member(settlement)
    wanted: dict[str, list[tuple[Member, str]]] = {}
    for former in sorted({member.family for member in scene.members} - {""}):
        holders = [member for member in scene.members if member.family == former]
        counts = Counter(scene.group_of(m) for m in holders if not m.revised)
        leavers = Counter(scene.group_of(m) for m in holders)
        best = max((counts[scene.group_of(m)], leavers[scene.group_of(m)]) for m in holders)
        heir = min(m for m in holders if (counts[scene.group_of(m)], leavers[scene.group_of(m)]) == best)
        wanted.setdefault(family[heir.article_id].members[0].article_id, []).append((min(holders), former))
        led_to = settlement.aliases.get(former, former)
        assert led_to == family[heir.article_id].family_id
    for one in settlement.families:
        founder = one.members[0].article_id
        oldest = min(wanted[founder])[1] if founder in wanted else f"new:{founder}"
        assert one.family_id == oldest


@settings(max_examples=100)
@given(scenes())
def test_settling_again_what_is_settled_changes_nothing(scene: Scene) -> None:
    first = scene.settle()
    members = [
        Member(m.seen_at, m.article_id, m.content, family.family_id)
        for family in first.families
        for m in family.members
    ]
    second = Scene(scene.groups, members).settle()
    assert [(one.family_id, one.kinds, one.representative) for one in second.families] == [
        (one.family_id, one.kinds, one.representative) for one in first.families
    ]
    assert second.aliases == {}
