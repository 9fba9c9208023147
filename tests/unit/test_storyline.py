"""Storylines: profiles are small and last, and only stories that continue each other are linked."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest

from dedup.graph import GraphParams, reliability
from dedup.storyline import Profile, ProfileError, Shelf, StorylineParams, link_stories, profile
from dedup.terms import TermParams, vectors
from tests.reading import terms_of

PARAMS = StorylineParams()

ROUND_ONE = (
    (
        "Negotiators of Karvelia and Tamresh met in Vessin on Friday for their first direct talks in "
        "three years. Minister Oren Halvik of Karvelia and general Tas Merun of Tamresh agreed to "
        "exchange 1,000 prisoners each, and on no truce along the Hadrin river."
    ),
    (
        "The first talks between Karvelia and Tamresh in three years ended in Vessin with an exchange of "
        "1,000 prisoners and without a truce on the Hadrin. Oren Halvik spoke of a beginning, Tas Merun "
        "of a wasted day."
    ),
)
ROUND_TWO = (
    (
        "Karvelia and Tamresh held a second round of talks in Vessin and handed each other memorandums on "
        "a truce along the Hadrin. Oren Halvik and Tas Merun agreed to exchange wounded prisoners; the "
        "session lasted an hour."
    ),
)
SAME_CITY = (
    (
        "A ferry ran aground in the harbour of Vessin on Friday, and 200 passengers were taken off by the "
        "coastguard. The captain had been warned of fog, the port authority said."
    ),
)
SAME_PERSON = (
    (
        "Oren Halvik's daughter opened a bakery in the old town with a recipe for poppy seed rolls, and "
        "queues formed before six in the morning. The flour comes from a mill that her grandfather ran."
    ),
)
CHESS = ("Irina Vasko won the chess title at seventeen after a queen sacrifice in the last game of the tournament.",)


def profiles(*stories: tuple[str, ...], days: list[float] | None = None) -> list[Profile]:
    """The profiles of stories that are in one window."""
    terms = terms_of([text for story in stories for text in story])
    found = vectors(terms, TermParams())
    reliable = reliability(np.array([one.n_words for one in terms], dtype=np.float64), GraphParams())
    made, start = [], 0
    for i, story in enumerate(stories):
        members = slice(start, start + len(story))
        published = np.full(len(story), float(days[i]) if days else math.nan)
        made.append(profile(found.rows[members], found.vocabulary.keys, reliable[members], published, PARAMS))
        start += len(story)
    return made


def test_rounds_are_one_storyline_and_what_shares_a_place_or_a_person_is_not() -> None:
    made = profiles(ROUND_ONE, SAME_CITY, ROUND_TWO, SAME_PERSON, CHESS, days=[0, 1, 17, 17, 18])
    assert link_stories(made, Shelf(), PARAMS).tolist() == [0, 1, 0, 2, 3]


def test_a_round_finds_its_storyline_after_the_first_left_the_window() -> None:
    first = profiles(ROUND_ONE, CHESS, days=[0, 0])
    later = profiles(SAME_CITY, ROUND_TWO, days=[17, 17])
    packed = [Profile.from_bytes(one.to_bytes()) for one in first]
    assert link_stories(later, Shelf.of(packed), PARAMS).tolist() == [2, 0]


def test_standing_storylines_keep_their_identity() -> None:
    """Two that would be one today stay two, and a new story joins the one it is more like."""
    standing = profiles(ROUND_ONE, ROUND_TWO, days=[0, 17])
    new = profiles(ROUND_TWO, CHESS, days=[18, 18])
    assert link_stories(new, Shelf.of(standing), PARAMS).tolist() == [1, 2]


def test_the_order_of_new_stories_does_not_matter() -> None:
    made = profiles(ROUND_ONE, SAME_CITY, ROUND_TWO, CHESS, days=[0, 1, 17, 18])
    for order in permutations(range(4)):
        found = link_stories([made[i] for i in order], Shelf(), PARAMS).tolist()
        together = {(i, j) for a, i in enumerate(order) for b, j in enumerate(order) if i < j and found[a] == found[b]}
        assert together == {(0, 2)}


def test_a_story_years_later_founds_a_storyline_of_its_own() -> None:
    made = profiles(ROUND_ONE, ROUND_TWO, days=[0, 900])
    assert link_stories(made, Shelf(), PARAMS).tolist() == [0, 1]


def test_a_profile_is_small_and_comes_back_the_same() -> None:
    long = tuple(" ".join(f"word{i * j}" for j in range(300)) for i in range(1, 6))
    made = profiles(long, ROUND_ONE, days=[1.5, 2.5])[0]
    packed = made.to_bytes()
    back = Profile.from_bytes(packed)
    assert len(packed) == 18 + 5 * PARAMS.n_terms == 658
    assert back.to_bytes() == packed
    assert (back.n_articles, back.first_day, back.last_day) == (5, 1.5, 1.5)
    assert back.reliability == made.reliability


def test_an_undated_story_has_no_days_and_may_continue_any() -> None:
    made = profiles(ROUND_ONE, ROUND_TWO)
    assert math.isnan(made[0].first_day)
    assert math.isnan(Profile.from_bytes(made[0].to_bytes()).last_day)
    assert link_stories(made, Shelf(), PARAMS).tolist() == [0, 0]


@pytest.mark.parametrize("packed", [b"", b"\x01" + bytes(17), b"\x02\x03" + bytes(16)])
def test_other_bytes_are_refused(packed: bytes) -> None:
    with pytest.raises(ProfileError, match="bytes"):
        Profile.from_bytes(packed)


def test_a_story_without_terms_is_a_storyline_of_its_own() -> None:
    made = profiles(("",), ("",), ROUND_ONE)
    assert link_stories(made, Shelf(), PARAMS).tolist() == [0, 1, 2]


def test_no_new_stories_link_nothing() -> None:
    assert link_stories([], Shelf.of(profiles(ROUND_ONE)), PARAMS).tolist() == []


def test_a_crowd_of_stories_that_are_all_alike_is_cut_finer_and_not_all_pairs_are_held() -> None:
    common = np.arange(40, dtype=np.uint32)
    weights = np.full(41, 40, dtype=np.uint8)
    crowd = [Profile(np.append(common, np.uint32(100 + i)), weights, 1, 0.5, 0.0, 0.0) for i in range(2500)]
    found = link_stories(crowd, Shelf(), PARAMS)
    assert found.shape == (2500,)
    assert link_stories(crowd[:10], Shelf(), PARAMS).tolist() == [0] * 10


def made(terms: range | list[int], n_articles: int = 1, reliability: float = 1.0) -> Profile:
    found = np.array(terms, np.uint32)
    return Profile(found, np.full(len(found), 80, np.uint8), n_articles, reliability, 0.0, 0.0)


@pytest.mark.parametrize(("n_articles", "is_one"), [(1, False), (50, True)])
def test_many_small_stories_do_not_outvote_a_large_one_that_a_new_story_continues(
    n_articles: int, is_one: bool
) -> None:
    large = made(range(10), n_articles)
    small = [made([*range(4, 10), *range(100 + 3 * i, 103 + 3 * i)]) for i in range(20)]
    continues_large = made([*range(4), *range(900, 906)])
    found = link_stories([large, *small, continues_large], Shelf(), PARAMS).tolist()
    assert set(found[:-1]) == {0}
    assert (found[-1] == 0) is is_one


@pytest.mark.parametrize(("n_articles", "is_one"), [(1, True), (500, False)])
def test_what_continues_small_stories_alone_does_not_join_the_large_one_they_are_of(
    n_articles: int, is_one: bool
) -> None:
    large = made(range(10), n_articles)
    small = [made([*range(4, 10), *range(100, 104)]) for _ in range(5)]
    found = link_stories([large, *small, made([*range(100, 104), *range(900, 906)])], Shelf(), PARAMS).tolist()
    assert set(found[:-1]) == {0}
    assert (found[-1] == 0) is is_one


@pytest.mark.parametrize(("reliability", "is_one"), [(1.0, True), (0.5, True), (0.3, False)])
def test_of_stories_of_which_little_is_known_more_is_asked(reliability: float, is_one: bool) -> None:
    pair = [made([*range(4), *range(start, start + 36)], 1, reliability) for start in (100, 200)]
    assert (link_stories(pair, Shelf(), PARAMS).tolist() == [0, 0]) is is_one


@pytest.mark.parametrize(("n_shared", "is_one"), [(3, False), (4, True)])
def test_stories_that_share_few_terms_are_no_storyline_however_heavy_these_are(n_shared: int, is_one: bool) -> None:
    pair = [made([*range(n_shared), 100 + i]) for i in range(2)]
    assert (link_stories(pair, Shelf(), PARAMS).tolist() == [0, 0]) is is_one


def test_a_shelf_has_its_profiles_over_the_terms_asked_for() -> None:
    chance = np.random.default_rng(5)
    pool = np.unique(chance.integers(0, 1 << 32, 60, np.uint32))
    held = [
        Profile(
            np.sort(chance.choice(pool, 20, replace=False)), chance.integers(0, 256, 20, np.uint8), 3, 0.5, 0.0, 1.0
        )
        for _ in range(9)
    ]
    shelf, found = Shelf.of(held), np.sort(chance.choice(pool, 40, replace=False))
    shelf.drop(["2", "7"])
    rows = shelf.rows(found)
    for place, one in enumerate(held):
        length = np.sqrt((one.weights.astype(np.float64) ** 2).sum())
        told = dict(zip(one.terms.tolist(), one.weights / length * np.sqrt(0.5), strict=True))
        expected = [told.get(term, 0.0) if place not in (2, 7) else 0.0 for term in found.tolist()]
        np.testing.assert_allclose(rows[[place]].toarray()[0], expected, rtol=1e-12)
