"""Which cues two articles share, and which contradict."""

from __future__ import annotations

import pytest

from dedup.agreement import Agreement, Filled, compare_cues, compare_ordinals
from dedup.article import Article
from dedup.cues import Cues, Tale, beside, digits
from dedup.lead import spelt_words
from dedup.pipeline import Params, prepare

ROUND_1 = (
    "First round of talks ends",
    "The first round of talks ended on Friday. The delegations met for 2 hours and exchanged 214 prisoners.",
)
ROUND_2 = (
    "Second round of talks ends",
    "The second round of talks ended on Monday. They met 2 hours and exchanged 180 prisoners. It came two weeks on.",
)


def told(text: tuple[str, str]) -> Tale:
    (one,) = prepare([Article("a", title=text[0], text=text[1])], Params())
    return Tale(one.terms.hashes, one.terms.marks, one.terms.cues)


def spelling(*texts: tuple[str, str]) -> dict[int, str]:
    found = digits()
    for title, body in texts:
        found |= spelt_words(f"{title}\n{body}")
    return found


def compared() -> tuple[Agreement, dict[int, str]]:
    return compare_cues(told(ROUND_1), told(ROUND_2)), spelling(ROUND_1, ROUND_2)


def test_ordinals_of_one_noun_are_put_beside_each_other() -> None:
    agreement, words = compared()
    counted = {words[one.key]: (one.here, one.there, one.is_alike) for one in agreement.ordinals}
    assert counted["round"] == ((1,), (2,), False)


def test_numbers_filled_alike_and_otherwise_are_told_apart() -> None:
    agreement, words = compared()
    filled = {}
    for one in agreement.slots:
        found = beside(one.key, words)
        assert found is not None
        filled[words[found[0]], found[1]] = ([words[n] for n in one.here], [words[n] for n in one.there], one.is_alike)
    assert filled["prisoners", True] == (["214"], ["180"], False)
    assert filled["hours", True] == (["2"], ["2"], True)
    assert filled["exchanged", False][2] is False


def test_weekdays_and_pointing_back_are_of_each_article() -> None:
    agreement, words = compared()
    assert [words[day] for day in agreement.weekdays_here] == ["Friday"]
    assert [words[day] for day in agreement.weekdays_there] == ["Monday"]
    assert (agreement.points_back_here, agreement.points_back_there) == (False, True)


def test_an_article_beside_itself_contradicts_nothing() -> None:
    agreement = compare_cues(told(ROUND_2), told(ROUND_2))
    assert agreement.ordinals
    assert agreement.slots
    assert all(one.is_alike for one in (*agreement.ordinals, *agreement.slots))


def cues(*texts: tuple[str, str]) -> list[Cues]:
    return [told(one).cues for one in texts]


def test_two_stories_count_what_most_of_their_articles_count() -> None:
    found = compare_ordinals(cues(ROUND_1, ROUND_1, ROUND_2), cues(ROUND_2, ROUND_2))
    assert found is not None
    assert spelling(ROUND_1)[found.key] == "round"
    assert (found.here, found.there) == ((1,), (2,))


@pytest.mark.parametrize("there", [(ROUND_1,), (), (("Ferry", "The ferry sails for the second week in a row."),)])
def test_stories_that_do_not_count_otherwise_have_nothing_to_tell(there: tuple[tuple[str, str], ...]) -> None:
    assert compare_ordinals(cues(ROUND_1), cues(*there)) is None


def test_what_has_one_value_in_common_is_alike() -> None:
    assert Filled(1, (1, 2), (2, 3)).is_alike
    assert not Filled(1, (1,), (2,)).is_alike
