"""What a roster answers of all families at once, beside the same asked of each."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dedup.pipeline import Telling
from dedup.roster import HeldArticle, HeldFamily, Roster
from dedup.terms import NO_TERMS
from dedup.window import Window

IDS = [f"f{i}" for i in range(12)]


@st.composite
def families(draw: st.DrawFn, family_id: str) -> HeldFamily:
    """A family of this id, whose articles came in any order, in a story, none, or several."""
    stories = st.sampled_from(["", "S", "T", "U"])
    story, number = draw(stories), int(family_id[1:])
    seen = sorted(draw(st.sets(st.integers(0, 20), min_size=1, max_size=3)))
    articles = tuple(
        HeldArticle(
            f"{family_id}-{at}", at * 100 + number, at * 1000.0, None, "", draw(st.sampled_from([story, "S"])), "",
            clustered=draw(st.booleans()),
        )
        for at in seen
    )  # fmt: skip
    return HeldFamily(family_id, articles[0].article_id, story, articles, Telling(NO_TERMS, None), family_id)


@st.composite
def steps(draw: st.DrawFn) -> tuple[list[HeldFamily], set[str]]:
    """Families that are put, and ids that are dropped after it."""
    put = [draw(families(name)) for name in draw(st.lists(st.sampled_from(IDS), max_size=6))]
    return put, draw(st.sets(st.sampled_from(IDS), max_size=6))


@given(st.lists(steps(), max_size=8), st.integers(0, 21))
def test_a_roster_answers_as_its_families_do(done: list[tuple[list[HeldFamily], set[str]]], since: int) -> None:
    window, model = Window(), dict[str, HeldFamily]()
    for put, dropped in done:
        window.roster.put(put)
        model.update({one.family_id: one for one in put})
        window.roster.drop(dropped)
        model = {name: one for name, one in model.items() if name not in dropped}
    assert window.families == model
    assert set(window.roster.at(window.roster.place(model))) == set(model.values())
    assert len(window.roster.held) <= 2 * len(model) + 1

    expected = sorted(model.values(), key=lambda one: one.articles[0].key)
    inside = window.in_window(float(since))
    recent = [one for one in expected if one.last_seen >= since or not one.is_placed]
    stories = {one.story for one in recent if one.story}
    assert window.roster.at(inside) == [one for one in expected if one in recent or one.story in stories]

    told, by_story = defaultdict[str, list[HeldFamily]](list), window.roster.by_story()
    for one in expected:
        told[one.story].append(one)
    for story in ("S", "T", "U", "no story of any"):
        assert by_story.families(story) == told[story]
        assert not told[story] or by_story.first(story) == told[story][0]
        assert by_story.n_articles().get(story, 0) == sum(len(one.articles) for one in told[story])
    numbers = window.roster.story_numbers
    assert {story: int(by_story.sizes[number]) for story, number in numbers.items()} == {
        story: len(told[story]) for story in numbers
    }


def test_places_are_given_anew_once_half_are_empty() -> None:
    def family(i: int) -> HeldFamily:
        one = HeldArticle(f"a{i}", i, float(i), None, "", f"S{i}", "", clustered=True)
        return HeldFamily(f"f{i}", one.article_id, one.story, (one,), Telling(NO_TERMS, None), "")

    roster = Roster.of(map(family, range(100)))
    roster.drop(f"f{i}" for i in range(50))
    assert len(roster.held) == 100
    roster.drop(["f50"])
    assert len(roster.held) == len(roster.story_numbers) == 49
    assert roster.at(roster.in_order(np.arange(49))) == [roster.families[f"f{i}"] for i in range(51, 100)]
