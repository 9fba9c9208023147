"""Cues: which round a text says it tells, what it counts, what it recalls, and which of its words are names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.cues import (
    AHEAD,
    BEHIND,
    LAST_VALUE,
    NAME,
    NO_CUES,
    NOT_OWN,
    NUMBER,
    RECALLED,
    WEEKDAY,
    Cues,
    CuesError,
    read_cues,
)
from dedup.lead import hashes_of, read_leads
from dedup.text import normalise

FILLER = " ".join(f"Towns along the river stay dry{i} and calm." for i in range(20))
"""Sentences without any cue."""


def hash_of(word: str) -> int:
    return hashes_of([word])[0] >> 32


def cues_of(body: str, title: str = "") -> Cues:
    leads = read_leads([normalise(title)], [normalise(body)], 300)
    [cues], _ = read_cues(leads, [body])
    return cues


def marked(body: str, mark: int, title: str = "") -> set[str]:
    """The words of the body (lower case, one word each) that have the mark."""
    leads = read_leads([normalise(title)], [normalise(body)], 300)
    _, marks = read_cues(leads, [body])
    words = set(normalise(body).translate(str.maketrans(",.;:!?()\"'’", " " * 11)).split())
    with_mark = set(leads.words[(marks & np.uint8(mark)) > 0].tolist())
    return {word for word in words if hashes_of([word])[0] in with_mark}


def ordinals(body: str, noun: str, title: str = "") -> set[int]:
    """As which the noun is counted."""
    cues = cues_of(body, title)
    return {int(value) for head, value in zip(cues.heads, cues.values, strict=True) if head == hash_of(noun)}


def slots(body: str) -> dict[int, set[int]]:
    cues = cues_of(body)
    found: dict[int, set[int]] = {}
    for context, filler in zip(cues.contexts.tolist(), cues.fillers.tolist(), strict=True):
        found.setdefault(context, set()).add(filler)
    return found


@pytest.mark.parametrize(
    ("body", "noun", "value"),
    [
        ("A second round of talks ended", "round", 2),
        ("A second round of talks ended", "talks", 2),
        ("The 3rd direct meeting ended", "meeting", 3),
        ("The opening game ended", "game", 1),
        ("The final game ended", "game", LAST_VALUE),
        ("They lost Game 5 on Friday", "game", 5),
        ("They have won Game 5", "game", 5),
        ("Sales rose in Q2, they say", "quarter", 2),
        ("Die zweite Verhandlungsrunde endete", "verhandlungsrunde", 2),
        ("El segundo partido termina", "partido", 2),
        ("La troisième grève commence", "grève", 3),
        ("Третій раунд переговорів завершився", "раунд", 3),
    ],
)
def test_an_ordinal_counts_the_noun_after_it(body: str, noun: str, value: int) -> None:
    assert ordinals(body, noun) == {value}
    assert ordinals(f"Towns stay dry. {body}.", noun) == {value}


def ranks(body: str, noun: str) -> dict[int, int]:
    """As which the noun is counted, and the rank of each."""
    cues = cues_of(body)
    return {
        int(value): int(rank)
        for head, value, rank in zip(cues.heads, cues.values, cues.ranks, strict=True)
        if head == hash_of(noun)
    }


@pytest.mark.parametrize(
    ("body", "noun"),
    [
        ("They met before a third round of talks", "round"),
        ("They plan the next third round of talks", "round"),
        ("A win would force a deciding third round", "round"),
        ("Talks ended without a date for an expected third round", "round"),
        ("Towns wait until the third round of talks", "round"),
        ("The third round of talks is on Thursday, they said", "round"),
        ("They lost, and Game 3 is on Monday", "game"),
        ("They said that a third round of talks is scheduled for June", "round"),
        ("If there is none, a third ballot will be held", "ballot"),
        ("Die Parteien treffen sich vor der dritten Runde", "runde"),
        ("Die Parteien sind sich nicht einig, die dritte Runde ist für Montag angesetzt", "runde"),
        ("Los dos no se ponen de acuerdo antes de la tercera ronda", "ronda"),
        ("No hay acuerdo, y la tercera ronda se celebrará el lunes", "ronda"),
        ("Ils ne sont pas là avant la troisième manche", "manche"),
        ("Il y a un accord, et la troisième manche aura lieu lundi", "manche"),
        ("Вони зустрілися перед третій раунд переговорів", "раунд"),
        ("Вони не дійшли згоди, але третій раунд відбудеться у понеділок", "раунд"),
        ("Non c'è un accordo, e la terza sfida si terrà lunedì", "sfida"),
        ("Não há acordo, e a terceira rodada será na terça", "rodada"),
        ("Er is nog geen akkoord, de derde ronde zal op maandag zijn", "ronde"),
        ("Nie ma zgody, a trzecia runda odbędzie się w poniedziałek", "runda"),
        ("Они не пришли к согласию, но третий раунд состоится в понедельник", "раунд"),
    ],
)
def test_a_round_that_is_still_to_come_is_ahead(body: str, noun: str) -> None:
    assert ranks(body, noun)[3] == AHEAD
    assert 3 not in cues_of(body).own_ordinals().get(hash_of(noun), {})
    assert (hash_of(noun), 3) in cues_of(body).other_ordinals(AHEAD)


@pytest.mark.parametrize(
    ("body", "noun"),
    [
        ("Most of the boats have lain idle since the first strike", "strike"),
        ("This was worse than the first strike", "strike"),
        ("It came three weeks after the first strike in the town", "strike"),
        ("Das kam nur drei Wochen nach dem ersten Hochwasser in der Stadt", "hochwasser"),
        ("No hay trenes desde la primera huelga", "huelga"),
        ("C'est la même chose depuis la première grève", "grève"),
        ("Це сталося через два тижні після першого страйку", "страйку"),
    ],
)
def test_a_round_gone_by_is_behind(body: str, noun: str) -> None:
    assert ranks(body, noun) == {1: BEHIND}
    assert hash_of(noun) not in cues_of(body).own_ordinals()


@pytest.mark.parametrize(
    ("body", "noun"),
    [
        ("The third round ended on Monday, and a fourth is expected", "round"),
        ("The third round of talks, which they had expected, ended", "round"),
        ("Die dritte Runde ist am Montag ohne Ergebnis zu Ende gegangen", "runde"),
        ("La troisième grève est la plus longue depuis lundi", "grève"),
    ],
)
def test_what_is_said_of_something_else_puts_no_round_ahead(body: str, noun: str) -> None:
    assert ranks(body, noun)[3] == 0


def test_a_round_of_the_articles_own_stays_its_own_if_it_is_also_said_to_have_been_expected() -> None:
    assert ranks("They met before a third round. The third round ended.", "round") == {3: 1}


@given(st.integers(2, 30), st.sampled_from(["Monday", "Thursday", "Saturday"]), st.booleans())
def test_no_game_that_is_on_a_day_to_come_is_told_as_played(game: int, day: str, is_series: bool) -> None:
    said = f"Game {game} of the series" if is_series else f"Game {game}"
    assert ranks(f"They won on Friday. {said} is on {day}, they said.", "game") == {game: AHEAD}
    assert ranks(f"They won {said} on {day}, they said.", "game") == {game: 0}


def test_the_day_of_a_month_or_a_date_counts_nothing() -> None:
    assert len(cues_of("They met on June 3, and then on Friday 13, they said").heads) == 0
    assert len(cues_of("Sie trafen sich nicht, bis Mai 3, in der Stadt").heads) == 0


def test_an_ordinal_does_not_reach_past_its_clause() -> None:
    assert ordinals("They won the final, beat the town", "beat") == set()


@pytest.mark.parametrize("span", ["week", "day", "time", "year", "place", "half"])
def test_spans_of_time_are_no_rounds(span: str) -> None:
    assert ordinals(f"The strike is in its third {span} now", span) == set()


def test_an_ordinal_does_not_reach_past_its_sentence_or_past_a_number() -> None:
    assert ordinals("She came second. Talks ended", "talks") == set()
    assert ordinals("The second 400 seats went", "seats") == set()


@pytest.mark.parametrize(
    "body", ["They flew a Boeing 737, they say", "They have Flood 3000 boats", "their room 5 is wet"]
)
def test_a_number_after_a_name_counts_rounds_only_if_it_is_small_and_the_name_has_a_capital(body: str) -> None:
    assert len(cues_of(body).heads) == 0


def test_a_number_that_counts_what_follows_counts_no_round() -> None:
    assert ordinals("They say that Game 5 tickets went", "game") == set()


def test_an_ordinal_further_down_is_not_the_articles_own() -> None:
    assert ranks("A second round ended.", "round") == {2: 0}
    assert ranks("Towns stay dry. A second round ended.", "round") == {2: 1}
    assert ranks(f"{FILLER} A second round ended.", "round") == {2: NOT_OWN}
    assert ranks(f"A second round ended. {FILLER} A second round ended.", "round") == {2: 0}


def test_the_title_is_read_for_ordinals() -> None:
    assert ordinals("Towns stay dry.", "round", "Second round of talks ends") == {2}


def test_texts_that_count_the_same_fill_the_same_slots() -> None:
    one, other = slots("They freed 214 prisoners on Friday"), slots("On Friday 390 prisoners were free")
    common = one.keys() & other.keys()
    assert common == {hash_of("prisoners") ^ 0x9E3779B1}
    assert all(one[slot].isdisjoint(other[slot]) for slot in common)


def test_a_slot_is_the_word_on_one_side_of_the_number() -> None:
    found = slots("They sold 400 seats")
    assert found == {hash_of("sold"): {hash_of("400")}, hash_of("seats") ^ 0x9E3779B1: {hash_of("400")}}


def test_a_slot_looks_past_one_function_word_and_not_past_two_and_never_at_numbers() -> None:
    assert hash_of("killed") in slots("killed about 400 in Vessin")
    assert hash_of("killed") not in slots("killed at about 400 in Vessin")
    assert slots("400 500 600") == {}


def test_numbers_far_down_fill_no_slots() -> None:
    assert slots(" ".join(f"dry{i}" for i in range(160)) + " 400 seats") == {}


def test_number_words_are_their_digits() -> None:
    for word, digits in (
        ("twelve", 12), ("thirty", 30), ("fünf", 5), ("dreißig", 30), ("siete", 7), ("quinze", 15), ("сім", 7)
    ):  # fmt: skip
        assert cues_of(f"boats {word} seats").numbers.tolist() == [hash_of(str(digits))]
        assert slots(f"boats {word} seats") == slots(f"boats {digits} seats")


@pytest.mark.parametrize("written", ["twenty-five", "twenty five", "Twenty-Five", "25"])
def test_tens_and_ones_are_one_number(written: str) -> None:
    cues = cues_of(f"boats {written} seats")
    assert cues.numbers.tolist() == [hash_of("25")]
    assert hash_of("25") in cues.fillers
    assert hash_of("5") not in cues.fillers


def test_a_number_does_not_go_on_in_another_sentence_or_text() -> None:
    assert set(cues_of("They were twenty. Five left").numbers.tolist()) == {hash_of("20"), hash_of("5")}
    bodies = ["They were twenty", "Five left"]
    cues, _ = read_cues(read_leads(["", ""], [normalise(body) for body in bodies], 300), bodies)
    assert [one.numbers.tolist() for one in cues] == [[hash_of("20")], [hash_of("5")]]


@pytest.mark.parametrize("article", ["a", "an", "ein", "eine", "einen"])
def test_an_indefinite_article_is_no_number(article: str) -> None:
    assert len(cues_of(f"boats {article} seats").numbers) == 0


@pytest.mark.parametrize(
    "recalling",
    [
        "two weeks ago", "a few days earlier", "17 days after", "last month", "last March", "the previous week",
        "vor zwei Wochen", "drei Tage später", "im vergangenen Monat", "hace dos semanas", "dos semanas después",
        "el mes pasado", "il y a deux semaines", "le mois dernier", "deux semaines plus tard", "ще два тижні тому",
        "минулого тижня", "due settimane fa", "la settimana scorsa", "duas semanas depois", "na semana passada",
        "twee weken geleden", "dwa tygodnie temu", "w ubiegłym tygodniu", "две недели назад", "на прошлой неделе",
    ],
)  # fmt: skip
def test_a_text_that_points_back_by_days_weeks_or_a_month_recalls(recalling: str) -> None:
    body = f"Rivers rose.\nBoats {recalling} sank Tamresh.\nTowns dry."
    assert cues_of(body).recalls == 1
    assert {"boats", "sank", "tamresh"} <= marked(body, RECALLED)
    assert not {"rivers", "rose", "towns", "dry"} & marked(body, RECALLED)


@pytest.mark.parametrize(
    "telling", ["two boats", "for two weeks", "in two weeks", "three of them", "within a month", "zwei Wochen lang"]
)
def test_a_span_of_time_alone_recalls_nothing(telling: str) -> None:
    body = f"Rivers rose. Boats {telling} sank."
    assert cues_of(body).recalls == 0
    assert marked(body, RECALLED) == set()


@pytest.mark.parametrize("back", ["in early April", "since March", "previously", "im April", "en abril", "en avril"])
def test_a_month_or_a_word_that_points_back_marks_its_sentence_and_counts_as_no_recall(back: str) -> None:
    body = f"Rivers rose. Boats {back} sank."
    assert cues_of(body).recalls == 0
    assert {"boats", "sank"} <= marked(body, RECALLED)


def test_a_paragraph_that_points_back_at_its_head_recalls_as_a_whole() -> None:
    recap = "Two weeks ago boats sank. Nobody came. Harbours closed."
    assert {"nobody", "harbours"} <= marked(f"Rivers rose.\n\n{recap}\n\nTowns stay dry.", RECALLED)
    assert "towns" not in marked(f"Rivers rose.\n\n{recap}\n\nTowns stay dry.", RECALLED)
    late = "Boats sank. Nobody came. Two weeks ago harbours closed."
    assert marked(f"Rivers rose.\n\n{late}", RECALLED) >= {"harbours"}
    assert not {"boats", "nobody"} & marked(f"Rivers rose.\n\n{late}", RECALLED)


def test_a_title_recalls_nothing() -> None:
    leads = read_leads([normalise("Two weeks ago boats sank")], [normalise("Rivers rose.")], 300)
    _, marks = read_cues(leads, ["Rivers rose."])
    assert not (marks & np.uint8(RECALLED)).any()


def test_numbers_that_are_only_recalled_are_none_of_the_articles_own() -> None:
    cues = cues_of("They freed 214 prisoners. Two weeks ago they freed 390 prisoners. They freed 214.")
    assert cues.numbers.tolist() == [hash_of("214")]


def test_what_is_recalled_fills_no_slots() -> None:
    told, recalled = "They freed 214 prisoners.", "Two weeks ago they freed 390 prisoners."
    assert slots(f"{told} {recalled}") == slots(told)


def test_a_name_is_what_has_a_capital_within_a_sentence() -> None:
    body = "Rivers rose in Vessin, and Oren Halvik (of Karvelia) left. Boats came. “Towns” stay dry"
    assert marked(body, NAME) >= {"vessin", "oren", "halvik"}
    assert not {"rivers", "rose", "boats", "came", "dry", "and"} & marked(body, NAME)


def test_names_are_found_in_scripts_that_have_capitals() -> None:
    assert marked("Міністр прибув до Полтави, і там Éva бачила Ångström", NAME) == {"полтави", "éva", "ångström"}
    assert marked("部长抵达北京", NAME) == set()


def test_capitals_of_a_title_name_nobody() -> None:
    leads = read_leads([normalise("Boats Sink Near Vessin")], [normalise("They sank on sunday.")], 300)
    _, marks = read_cues(leads, ["They sank on sunday."])
    assert not (marks & np.uint8(NAME)).any()


def test_a_name_before_a_number_may_be_counted_and_is_no_name() -> None:
    assert "game" not in marked("They lost in Game 5 there", NAME)


@pytest.mark.parametrize(
    ("body", "day"),
    [
        ("They met on Friday and not before", "friday"), ("Sie haben sich am Dienstag in der Stadt", "dienstag"),
        ("Se vieron el jueves en la casa", "jueves"), ("Ils se sont vus mardi dans la ville", "mardi"),
        ("Вони були там у середу, але не всі", "середу"), ("Sono stati visti giovedì nella città", "giovedì"),
        ("Eles foram vistos no sábado em uma casa", "sábado"), ("Ze waren er op donderdag met hun boot", "donderdag"),
        ("Oni byli tam w środę, ale nie wszyscy", "środę"), ("Они были там в пятницу, но не все", "пятницу"),
    ],
)  # fmt: skip
def test_weekdays_are_marked_in_the_language_of_the_text(body: str, day: str) -> None:
    assert marked(body, WEEKDAY) == {day}
    assert day not in marked(body, NUMBER)


def test_numbers_are_marked() -> None:
    assert marked("They met and freed 214 or twelve of 1st", NUMBER) >= {"214", "twelve"}


def test_a_word_of_another_language_is_no_cue() -> None:
    """ "once" is eleven in Spanish, and "mars" a month in French."""
    assert len(cues_of("They said that it was once theirs and no longer is").numbers) == 0
    assert cues_of("Se fueron las once personas que no eran de la casa").numbers.tolist() == [hash_of("11")]
    assert marked("They have been on the way to it since Mars was lost", RECALLED) == set()


def test_a_text_without_words_has_no_cues_wherever_it_stands() -> None:
    bodies = ["", "A second round", "", "..."]
    cues, marks = read_cues(read_leads([""] * 4, [normalise(body) for body in bodies], 300), bodies)
    assert len(marks) == 3
    assert [len(one.heads) for one in cues] == [0, 1, 0, 0]
    assert cues[0].to_bytes() == cues[3].to_bytes() == NO_CUES.to_bytes()
    assert read_cues(read_leads([], [], 300), [])[0] == []


def test_cues_come_back_from_their_bytes_and_other_bytes_are_refused() -> None:
    cues = cues_of("Two weeks ago they freed 390. A second round of talks freed 214 prisoners.")
    packed = cues.to_bytes()
    assert Cues.from_bytes(packed).to_bytes() == packed
    for day in (None, 0, -1, 22_411):
        assert Cues.from_bytes(replace(cues, day=day).to_bytes()).day == day
    for spoiled in (b"", packed[:-1], packed + b"\0", b"\x01" + packed[1:], packed[:7]):
        with pytest.raises(CuesError, match="bytes"):
            Cues.from_bytes(spoiled)
