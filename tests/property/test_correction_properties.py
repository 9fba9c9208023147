"""Corrections hold for any clustering and any families, in whatever order they were made, and leave no trace."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import sparse

from dedup.constraint import Constraints, constrain
from dedup.correction import ContradictionError, Correction, Corrections, Ties, divide
from dedup.family import Content, Edge, FamilyParams, divide_contents, edges_of_pairs, group, text_number

PARAMS = FamilyParams()
N_PLACES = 20
Chance = random.Random
orders = st.randoms(use_true_random=False)


def accepted(drawn: Sequence[tuple[bool, int, int]]) -> list[Correction]:
    """The corrections of these that could be made one after the other."""
    made: list[Correction] = []
    for is_link, one, other in drawn:
        if one != other:
            new = Correction.of("link" if is_link else "unlink", f"a{one:02}", f"a{other:02}")
            try:
                Corrections.of(made).check(new)
            except ContradictionError:
                continue
            made.append(new)
    return made


def corrections(n: int, most: int = 8) -> st.SearchStrategy[list[Correction]]:
    return st.lists(st.tuples(st.booleans(), st.integers(0, n - 1), st.integers(0, n - 1)), max_size=most).map(accepted)


# What is accepted


@given(corrections(7, 14))
def test_what_is_accepted_leaves_no_two_articles_both_together_and_apart(made: list[Correction]) -> None:
    ties = Corrections.of(made).ties()
    for one in made:
        assert ties.are_apart(one.one, one.other) == (one.kind == "unlink")
        assert (ties.root(one.one) == ties.root(one.other)) == (one.kind == "link")


@given(corrections(7, 14), st.booleans(), st.integers(0, 6), st.integers(0, 6))
def test_a_correction_is_refused_exactly_where_it_contradicts_and_the_chain_says_how(
    made: list[Correction], is_link: bool, one: int, other: int
) -> None:
    if one == other:
        return
    new, known = Correction.of("link" if is_link else "unlink", f"a{one:02}", f"a{other:02}"), Corrections.of(made)
    ties = known.ties()
    together = ties.root(new.one) == ties.root(new.other)
    contradicts = ties.are_apart(new.one, new.other) if is_link else together
    if not contradicts:
        known.check(new)
        return
    with pytest.raises(ContradictionError) as caught:
        known.check(new)
    chain = caught.value.chain
    links = {frozenset((c.one, c.other)) for c in made if c.kind == "link"}
    links |= {frozenset((new.one, new.other))} if is_link else set()
    assert all(frozenset(pair) in links for pair in pairwise(chain))
    if is_link:
        assert Correction.of("unlink", chain[0], chain[-1]) in made
    else:
        assert {chain[0], chain[-1]} == {new.one, new.other}


# What becomes of a clustering


@dataclass(frozen=True)
class Scene:
    """Labels of members, their rows, and constraints that do not contradict each other."""

    labels: NDArray[np.int64]
    rows: sparse.csr_matrix
    wanted: Constraints

    def constrained(self, wanted: Constraints | None = None) -> list[int]:
        return [int(label) for label in constrain(self.labels, self.rows, self.wanted if wanted is None else wanted)]


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    n = draw(st.integers(1, 14))
    labels = np.array(draw(st.lists(st.integers(0, 4), min_size=n, max_size=n)), np.int64)
    chance = random.Random(draw(st.integers(0, 1 << 32)))
    weights = np.array([[chance.choice((0.0, 0.0, 0.3, 1.0)) for _ in range(6)] for _ in range(n)])
    lengths = np.sqrt((weights**2).sum(axis=1, keepdims=True))
    rows = sparse.csr_matrix(weights / np.where(lengths > 0, lengths, 1))
    made = draw(corrections(n)) if n > 1 else []
    pairs = [(c.kind, (int(c.one[1:]), int(c.other[1:]))) for c in made]
    together = [pair for kind, pair in pairs if kind == "link"]
    apart = [pair for kind, pair in pairs if kind == "unlink"]
    return Scene(labels, rows, Constraints(together, apart))


def partition(labels: Sequence[int]) -> set[frozenset[int]]:
    return {frozenset(i for i, label in enumerate(labels) if label == one) for one in set(labels)}


@settings(max_examples=300)
@given(scenes())
def test_constraints_hold_for_any_labels(scene: Scene) -> None:
    labels = scene.constrained()
    assert all(labels[one] == labels[other] for one, other in scene.wanted.together)
    assert all(labels[one] != labels[other] for one, other in scene.wanted.apart)
    if scene.wanted:
        assert list(dict.fromkeys(labels)) == list(range(len(set(labels))))


@settings(max_examples=200)
@given(scenes())
def test_only_stories_that_a_constraint_is_about_change(scene: Scene) -> None:
    named = {place for pair in (*scene.wanted.together, *scene.wanted.apart) for place in pair}
    untouched = {story for story in partition(scene.labels.tolist()) if not story & named}
    assert untouched <= partition(scene.constrained())


@settings(max_examples=200)
@given(scenes())
def test_stories_with_a_linked_pair_are_joined_whole_where_nothing_is_apart(scene: Scene) -> None:
    linked = Constraints(scene.wanted.together)
    after = partition(scene.constrained(linked))
    for story in partition(scene.labels.tolist()):
        assert sum(bool(story & one) for one in after) == 1


@settings(max_examples=200)
@given(scenes())
def test_a_story_without_a_linked_pair_is_only_ever_divided(scene: Scene) -> None:
    after = partition(scene.constrained(Constraints((), scene.wanted.apart)))
    for story in after:
        assert len({int(scene.labels[place]) for place in story}) == 1


@settings(max_examples=200)
@given(scenes(), orders)
def test_the_order_of_constraints_and_of_their_ends_does_not_matter(scene: Scene, chance: Chance) -> None:
    together, apart = ([*map(tuple, pairs)] for pairs in (scene.wanted.together, scene.wanted.apart))
    for pairs in (together, apart):
        chance.shuffle(pairs)
        pairs.extend(pairs[:1])
    turned = [(other, one) if chance.random() < 0.5 else (one, other) for one, other in together]
    assert scene.constrained(Constraints(turned, [(two, one) for one, two in apart])) == scene.constrained()


@given(scenes())
def test_taken_back_constraints_leave_the_labels_as_they_were(scene: Scene) -> None:
    scene.constrained()
    assert constrain(scene.labels, scene.rows, Constraints()) is scene.labels


@given(scenes())
def test_constraints_that_hold_already_change_no_story(scene: Scene) -> None:
    once = scene.constrained()
    again = constrain(np.array(once, np.int64), scene.rows, scene.wanted)
    assert again.tolist() == once


@given(scenes(), st.data())
def test_members_called_back_are_with_most_of_their_story_or_together_on_their_own(
    scene: Scene, data: st.DataObject
) -> None:
    places = list(range(len(scene.labels)))
    called = data.draw(st.lists(st.sampled_from(places), min_size=1, unique=True))
    present = data.draw(st.lists(st.sampled_from(places), unique=True).map(lambda p: [i for i in p if i not in called]))
    labels = scene.constrained(Constraints(recalled=[(called, present)]))
    assert len({labels[place] for place in called}) == 1
    home = [i for i in places if labels[i] == labels[called[0]] and i not in called]
    before = scene.labels[present].tolist()
    if present:
        assert before.count(scene.labels[home[0]]) == max(map(before.count, before))
    else:
        assert home == []


@settings(max_examples=300)
@given(scenes(), st.integers(0, 1 << 32))
def test_a_division_that_was_made_is_not_made_anew_whatever_becomes_of_the_rows(scene: Scene, seed: int) -> None:
    once = scene.constrained()
    before = [f"s{label}" for label in once]
    rows = sparse.csr_matrix(np.random.default_rng(seed).random(scene.rows.shape))
    wanted = Constraints(scene.wanted.together, scene.wanted.apart, before=before)
    assert not scene.wanted or constrain(scene.labels, rows, wanted).tolist() == once


def test_of_a_divided_story_each_of_the_two_keeps_what_is_nearer_to_it() -> None:
    rows = np.array([[1, 0], [0, 1], [0.8, 0.6], [0.6, 0.8], [1, 0], [0, 1]])
    labels = np.zeros(6, np.int64)
    divided = constrain(labels, sparse.csr_matrix(rows), Constraints(apart=[(0, 1)]))
    assert divided.tolist() == [0, 1, 0, 1, 0, 1]


def test_of_a_story_joined_by_a_link_and_divided_by_another_pair_who_came_along_stays_with_its_own() -> None:
    """0 and 1 are one story, 2, 3 and 4 another; 0 is linked with 2, and 4 kept apart from it, like 4 as 1 may be."""
    rows = np.array([[1, 0], [0, 1], [1, 0], [0.6, 0.8], [0, 1]])
    labels = np.array([0, 0, 1, 1, 1], np.int64)
    divided = constrain(labels, sparse.csr_matrix(rows), Constraints([(0, 2)], [(2, 4)]))
    assert divided.tolist() == [0, 0, 0, 1, 1]


# What becomes of families


@dataclass(frozen=True)
class Texts:
    """Texts of which some are alike, the articles that carry each, and corrections of these."""

    contents: list[Content]
    carried: dict[int, list[str]]
    made: list[Correction]

    def families(self, chance: Chance | None = None) -> set[frozenset[str]]:
        """The families of articles, as ingest makes them; `chance` shuffles all that has an order."""
        contents, made = list(self.contents), list(self.made)
        carried = {number: list(names) for number, names in self.carried.items()}
        if chance:
            chance.shuffle(contents)
            chance.shuffle(made)
            for names in carried.values():
                chance.shuffle(names)
        ties = Corrections.of(made).ties()
        divided = divide_contents(contents, carried, all_edges(contents), ties)
        home: dict[str, int] = {}
        for i, members in enumerate(group(divided.contents, divided.edges, PARAMS, ties)):
            numbers = {content.number for content in members}
            home |= {name: i for name, number in divided.content_of.items() if number in numbers}
        return {frozenset(name for name in home if home[name] == i) for i in set(home.values())}


def all_edges(contents: Sequence[Content]) -> list[Edge]:
    pairs = np.array([(i, j) for i in range(len(contents)) for j in range(i)], np.int64).reshape(-1, 2)
    return edges_of_pairs(contents, pairs, PARAMS) if contents else []


@st.composite
def texts(draw: st.DrawFn) -> Texts:
    """Chains of variants, some of them carried by several articles; ids tell nothing of the text."""
    chance = random.Random(draw(st.integers(0, 1 << 32)))
    names = [f"a{i:02}" for i in range(12)]
    chance.shuffle(names)
    contents: list[Content] = []
    carried: dict[int, list[str]] = {}
    for number in range(draw(st.integers(1, 7))):
        signature = np.full(N_PLACES, 1000 + number, np.uint16)
        if contents and chance.random() < 0.8:
            signature = chance.choice(contents[-3:]).signature.copy()
            signature[chance.sample(range(N_PLACES), chance.choice((1, 4, 5, 6)))] = 1000 + number
        n_words = chance.choice((300, 400))
        contents.append(Content(number, bytes([chance.randrange(256), number]) * 8, n_words, signature))
        carried[number] = [names.pop() for _ in range(chance.choice((1, 1, 2, 3))) if names]
    contents = [content for content in contents if carried[content.number]]
    return Texts(contents, {c.number: carried[c.number] for c in contents}, draw(corrections(12)))


@settings(max_examples=300)
@given(texts())
def test_articles_that_are_apart_are_in_no_family_together_copies_neither(scene: Texts) -> None:
    ties = Corrections.of(scene.made).ties()
    for family in scene.families():
        assert not any(ties.are_apart(one, other) for one in family for other in family)


@settings(max_examples=300)
@given(texts())
def test_families_never_contradict_the_corrections(scene: Texts) -> None:
    """All families and all links taken together put no two articles into one story that are unlinked."""
    ties: Ties = Ties()
    for one in scene.made:
        if one.kind == "unlink":
            ties.part(one.one, one.other)
    for one in scene.made:
        assert one.kind == "unlink" or ties.join(one.one, one.other)
    for family in scene.families():
        first, *others = sorted(family)
        assert all(ties.join(first, other) for other in others)


@settings(max_examples=300)
@given(texts(), orders)
def test_families_do_not_depend_on_the_order_of_articles_texts_or_corrections(scene: Texts, chance: Chance) -> None:
    assert scene.families(chance) == scene.families()


@settings(max_examples=200)
@given(texts())
def test_without_corrections_families_are_those_of_the_texts(scene: Texts) -> None:
    plain = {
        frozenset(name for content in members for name in scene.carried[content.number])
        for members in group(scene.contents, all_edges(scene.contents), PARAMS)
    }
    assert Texts(scene.contents, scene.carried, []).families() == plain
    links = [one for one in scene.made if one.kind == "link"]
    assert Texts(scene.contents, scene.carried, links).families() == plain


@given(st.lists(st.sampled_from([f"a{i:02}" for i in range(12)]), unique=True), corrections(12))
def test_copies_are_divided_into_parts_free_of_what_is_apart(names: list[str], made: list[Correction]) -> None:
    known = Corrections.of(made)
    parts = divide(names, known.ties())
    ties = known.ties()
    assert sorted(name for part in parts for name in part) == sorted(names)
    for part in parts:
        assert not any(ties.are_apart(one, other) for one in part for other in part)
    concerned = {name for one in made if one.kind == "unlink" for name in (one.one, one.other)}
    assert len(parts) <= 1 or concerned


def test_parts_of_a_text_have_numbers_of_their_own_and_keep_its_place_in_every_order() -> None:
    content = Content(7, b"h" * 16, 40, np.zeros(N_PLACES, np.uint16))
    parts = [content.part(k) for k in range(3)]
    assert [text_number(part.number) for part in parts] == [7, 7, 7]
    assert len({part.number for part in parts}) == 3
    assert parts[0] is content
    assert content.content_hash < parts[1].content_hash < parts[2].content_hash < b"h" * 15 + b"i"
