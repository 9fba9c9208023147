"""How much likelier two articles tell one round than two, by numbers, weekdays and slots."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dedup.cues import Tale, common_numbers, months
from dedup.episode import RoundParams
from dedup.episode.facts import contradictions
from dedup.episode.sharing import log_odds, placing_odds
from dedup.episode.value import PlacingParams
from tests.reading import cues_of, terms_of

PARAMS = replace(RoundParams(), slot_nats=0.0)


def odds(*texts: str, params: RoundParams = PARAMS) -> float:
    """Of the first two of these texts."""
    tales = [Tale(one.hashes, one.marks, one.cues) for one in terms_of(texts)]
    found = log_odds(tales, *contradictions([tale.cues for tale in tales]), params)
    assert (found == found.T).all()
    assert not found.diagonal().any()
    return float(found[0, 1])


def test_a_number_that_both_tell_speaks_for_one_round_and_one_that_both_could_tell_against_it() -> None:
    shared, missed = np.log(0.35 / 0.1), np.log(0.65 / 0.9)
    assert odds("They counted 4,120 boats", "Of 4,120 boats") == pytest.approx(shared)
    assert odds("They counted 4,120 boats", "Of 5,330 boats") == pytest.approx(missed)
    assert odds("They counted 4,120 boats and 612 men", "Of 4,120 boats, 77 sank") == pytest.approx(shared + missed)
    assert odds("They counted 4,120 boats and 612 men", "Of 4,120 boats") == pytest.approx(shared)


def test_who_tells_no_number_says_nothing() -> None:
    assert odds("They counted 4,120 boats", "Boats lay in the harbour") == 0


def test_small_numbers_and_years_say_little() -> None:
    large = odds("They counted 4,120 boats", "Of 4,120 boats")
    for number in ("7", "seven", "31", "1998"):
        assert 0 < odds(f"They counted {number} boats", f"Of {number} boats") < large / 2


def test_numbers_up_to_31_and_years_are_common() -> None:
    for number, is_common in {
        "0": 1,
        "twelve": 1,
        "31": 1,
        "32": 0,
        "1899": 0,
        "1900": 1,
        "2099": 1,
        "2100": 0,
    }.items():
        cues, _ = cues_of(f"There were {number} boats")
        assert set(cues.numbers.tolist()) <= common_numbers() if is_common else not set(cues.numbers) & common_numbers()


def test_weekdays_speak_for_one_round_where_they_agree_and_against_it_where_not() -> None:
    assert odds("It was on a Friday", "The Friday was cold") == PARAMS.weekday_nats
    assert odds("It was on a Friday", "The Monday was cold") == -PARAMS.other_weekday_nats
    assert odds("It was on a Friday", "The day was cold") == 0


def test_slots_filled_alike_speak_for_one_round_and_others_against_it() -> None:
    by_numbers = odds("They sank 4,120 boats", "Of them 4,120 boats")
    assert odds("They sank 4,120 boats", "Of them 4,120 boats", params=RoundParams()) > by_numbers
    by_numbers = odds("They sank 4,120 boats", "Of them 5,330 boats")
    assert odds("They sank 4,120 boats", "Of them 5,330 boats", params=RoundParams()) < by_numbers


PLACING = PlacingParams()


def likelier(*texts: str, title: str = "") -> float:
    """By `placing_odds`, of the first two of these texts; `title` is that of the first."""
    tales = [Tale(one.hashes, one.marks, one.cues) for one in terms_of(texts, [title] + [""] * (len(texts) - 1))]
    found = placing_odds(tales, *contradictions([tale.cues for tale in tales]), PLACING)
    assert (found == found.T).all()
    assert not found.diagonal().any()
    return float(found[0, 1])


def test_months_speak_for_one_round_where_they_agree_and_against_it_where_not() -> None:
    assert likelier("It was cold in October there", "Rain fell in October") == PLACING.month
    assert likelier("It was cold in October there", "Rain fell in August") == -PLACING.other_month
    assert likelier("It was cold in October there", "They said it may rain") == 0


def test_months_are_known_by_their_stems_where_words_are() -> None:
    december = "Es war kalt dort im Dezember und in der Stadt"
    assert likelier(december, "Im Dezember fiel Regen in der Stadt und auf dem Land") == PLACING.month
    assert likelier(december, "Es fiel Regen, und das war im August in der Stadt") == -PLACING.other_month


def test_a_word_that_is_a_verb_as_often_as_a_month_is_none() -> None:
    may, august = (terms_of([f"The word {word} stood there"])[0].hashes.tolist() for word in ("may", "august"))
    assert months().isdisjoint(may)
    assert not months().isdisjoint(august)


def test_what_articles_count_at_their_head_is_compared_whatever_they_count() -> None:
    assert likelier("The second walkout began.", "A second strike was called.") == PLACING.ordinal
    assert likelier("The second walkout began.", "The third strike was called.") == -PLACING.other_ordinal
    assert likelier("Nobody came.", "A second strike was called.", title="Second walkout begins") == PLACING.ordinal


def test_what_articles_count_further_down_is_not_compared() -> None:
    below = "Nobody came. It rained. The third strike was called."
    assert likelier("The second walkout began.", below) == 0


def test_numbers_weekdays_and_slots_speak_for_the_same_as_in_choosing_anchors() -> None:
    for same, other in (("4,120 boats", "5,330 boats"), ("a Friday", "a Monday"), ("seven boats", "nine boats")):
        assert likelier(f"It was {same}", f"Then {same}") > 0 > likelier(f"It was {same}", f"Then {other}")
