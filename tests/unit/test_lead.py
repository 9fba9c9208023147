"""Leads: which words are read, and in which sentence and paragraph each stands."""

from __future__ import annotations

import numpy as np
import pytest

from dedup.lead import Leads, hashes_of, read_leads
from dedup.text import normalise

N_WORDS = 50


def lead(body: str, title: str = "", n_words: int = N_WORDS) -> Leads:
    return read_leads([normalise(title)], [normalise(body)], n_words)


def words(body: str, title: str = "", n_words: int = N_WORDS) -> list[int]:
    read: list[int] = lead(body, title, n_words).words.tolist()
    return read


def sentences(body: str, title: str = "") -> list[int]:
    """The number of the sentence of each word."""
    found: list[int] = lead(body, title).sentence.tolist()
    return found


def paragraphs(body: str, title: str = "") -> list[int]:
    found: list[int] = lead(body, title).paragraph.tolist()
    return found


@pytest.mark.parametrize("end", [".", "!", "?", "...", "?!", '."', ".”", ".)", ". —"])
def test_a_sentence_ends_with_its_mark_and_a_space(end: str) -> None:
    assert sentences(f"Rivers rose{end} Towns flooded", "Flood") == [0, 1, 1, 2, 2]


@pytest.mark.parametrize("inside", ["a.m", "dedup.org", "No,", "six:", "the -", "6.4", "“so”"])
def test_marks_within_a_sentence_end_none(inside: str) -> None:
    found = sentences(f"Rivers rose {inside} towns flooded", "Flood")
    assert set(found[1:]) == {1}


def test_the_title_is_the_first_sentence_and_paragraph_whatever_it_ends_with() -> None:
    for title in ("Rivers rise", "Rivers rise."):
        assert sentences("Towns flooded.", title) == [0, 0, 1, 1]
        assert paragraphs("Towns flooded.", title) == [0, 0, 1, 1]


def test_a_line_is_a_paragraph_and_ends_a_sentence() -> None:
    body = "Rivers rose\nTowns flooded. Boats came\n\nNobody died"
    assert sentences(body, "Flood") == [0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert paragraphs(body, "Flood") == [0, 1, 1, 2, 2, 2, 2, 3, 3]


def test_an_ideographic_full_stop_ends_a_sentence_without_a_space() -> None:
    assert sentences("水退。船来。", "洪水") == [0, 0, 1, 1, 2, 2]
    assert sentences("水、退", "洪水") == [0, 0, 1, 1]


def test_a_number_is_one_word_however_it_is_written() -> None:
    for written, same in (
        ("1,000", "1000"), ("1.000", "1000"), ("1,000,000", "1000000"), ("6.4", "6,4"), ("10:30", "10.30")
    ):  # fmt: skip
        assert len(words(written)) == 1
        assert words(written) == words(same)


def test_numbers_that_are_not_the_same_stay_apart() -> None:
    assert len({words(written)[0] for written in ("6.4", "64", "6", "6.40", "6400", "6,400,000")}) == 6
    assert len(words("81-78")) == 2
    assert words("Room 6. 400 seats")[-2] == words("400")[0]


def test_numbers_are_marked_and_words_with_digits_further_on_are_not() -> None:
    found = lead("7 boats, 6.4 metres, a2 and 1st")
    assert found.is_number.tolist() == [True, False, True, False, False, False, True]


def test_a_title_repeated_at_the_head_of_the_body_is_read_once() -> None:
    once, twice = lead("Towns flooded.", "Rivers rise"), lead("Rivers rise\nTowns flooded.", "Rivers rise")
    for name in ("words", "sentence", "paragraph"):
        assert getattr(once, name).tolist() == getattr(twice, name).tolist(), name


def test_a_title_that_comes_again_further_down_is_read_again() -> None:
    assert len(words("Towns flooded. Rivers rise", "Rivers rise")) == 6


def test_no_more_words_are_read_than_asked_for_title_and_all() -> None:
    body = " ".join(f"word{i}" for i in range(200))
    assert words(body, "Rivers rise", 20) == hashes_of(["rivers", "rise", *(f"word{i}" for i in range(18))])
    assert words("Towns flooded", "Rivers rise", 20) == hashes_of(["rivers", "rise", "towns", "flooded"])


@pytest.mark.parametrize("gap", [" ", " " * 30, "\n", " - ", " 😀" * 10])
def test_the_lead_is_read_to_its_end_however_wide_its_gaps_and_long_its_words(gap: str) -> None:
    many = [f"{'long' * 6}{i}" for i in range(60)]
    assert words(gap.join(many)) == hashes_of(many[:N_WORDS])


def test_texts_without_words_have_empty_leads_wherever_they_stand() -> None:
    found = read_leads(["", "rivers", "", "..."], ["", "", "rose", "\n"], N_WORDS)
    assert found.counts.tolist() == [0, 1, 1, 0]
    assert found.words.tolist() == hashes_of(["rivers", "rose"])
    assert read_leads([], [], N_WORDS).counts.tolist() == []
    assert len(read_leads([""], [""], N_WORDS).words) == 0


def test_a_stop_word_is_one_in_the_language_of_its_own_text() -> None:
    """ "war" is "was" in German, and the subject in English."""
    english = normalise("the war that they had feared was over, and all of them were glad it had not been theirs")
    german = normalise("der minister war in der stadt, und das wasser ist von dort")
    found = read_leads(["", ""], [english, german], N_WORDS)
    war = found.words == np.uint64(hashes_of(["war"])[0])
    assert found.is_stop[war].tolist() == [False, True]
    assert found.is_stop[: found.counts[0]].sum() >= 12


GERMAN = "Die Gespräche der Minister in Vessin sind zu Ende, und nach den Gesprächen war von 1.250.000 Tonnen die Rede."


def shared_stems(one: str, other: str) -> set[int]:
    found: set[int] = set(lead(one).stems.tolist()) & set(lead(other).stems.tolist())
    return found


def test_in_a_language_that_inflects_a_word_is_known_by_its_first_letters() -> None:
    found = lead(GERMAN)
    stems = dict(zip(found.words.tolist(), found.stems.tolist(), strict=True))
    one, other = hashes_of(["Gespräche", "Gesprächen"])
    assert one != other
    assert stems[one] == stems[other] == hashes_of(["gespr"])[0]
    for kept in ("Ende", "1250000"):
        assert stems[hashes_of([kept])[0]] == hashes_of([kept])[0]


@pytest.mark.parametrize("title", ["Переговори у Вессіні завершено", "Οι συνομιλίες ολοκληρώθηκαν"])
def test_letters_say_that_a_language_inflects_where_there_are_no_stop_words(title: str) -> None:
    assert lead(title).stems.tolist() == hashes_of([word[:5] for word in normalise(title).split()])


@pytest.mark.parametrize(
    "text",
    [
        "The ministers ended their negotiations in Vessin, and there was talk of 1,250,000 tonnes of it.",
        "ministers end negotiations vessin harbour",
        "部长们在维辛结束会谈，随后谈到一百二十五万吨。",
        "talks talks talks " * 10 + "die Gespräche",
    ],
)
def test_elsewhere_a_word_is_its_own_stem(text: str) -> None:
    assert lead(text).stems.tolist() == lead(text).words.tolist()


def test_a_stem_depends_on_the_text_alone_however_far_it_is_read() -> None:
    assert shared_stems(GERMAN, GERMAN) == set(lead(GERMAN).stems.tolist())
    wide = " " * 40 + (" " * 40).join(GERMAN.split())
    assert lead(wide).stems.tolist() == lead(GERMAN).stems.tolist()


def test_a_clause_is_what_marks_within_a_sentence_part_from_the_rest() -> None:
    found = lead("Rivers rose, towns (and docks) flooded - again. Boats sank", "Flood")
    assert found.clause.tolist() == [0, 1, 1, 2, 3, 3, 4, 5, 6, 6]
    assert found.sentence.tolist() == [0, 1, 1, 1, 1, 1, 1, 1, 2, 2]


def test_the_hash_of_what_is_not_one_word_is_none() -> None:
    assert hashes_of(["", "two words", "п'ятниця"]) == [0, 0, 0]
    assert hashes_of(["Flood"]) == hashes_of(["flood"]) == words("flood")
    assert hashes_of(["flood"])[0] >> 32 == 46291780


def test_leads_are_arrays_of_the_kinds_that_they_say() -> None:
    found = lead("Rivers rose by 6.4 metres. Towns flooded.", "Flood")
    kinds = {name: getattr(found, name).dtype for name in Leads.__slots__}
    assert kinds == {
        "words": np.uint64, "stems": np.uint64, "counts": np.int64, "clause": np.int64, "sentence": np.int64,
        "paragraph": np.int64, "is_stop": np.bool_, "is_number": np.bool_,
    }  # fmt: skip
