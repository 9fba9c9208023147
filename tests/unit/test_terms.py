"""Terms: what is read of a text, how it is packed, and how it is weighed."""

from __future__ import annotations

import numpy as np
import pytest

from dedup.frequencies import NO_FREQUENCIES
from dedup.terms import TermParams, Terms, TermsError, Vectors, make_vocabulary, pack_terms, vectors
from tests.reading import terms_of

PARAMS = TermParams()


def read(text: str, title: str = "") -> list[int]:
    (terms,) = terms_of([text], [title])
    return [int(word) for word in terms.hashes]


def test_function_words_are_left_out_in_each_language() -> None:
    for text, content in (
        ("The minister was in the city on the day that it had been flooded", "minister city day flooded"),
        ("Міністр був у місті, коли це було під водою, що прийшла за ніч", "мініс місті водою прийш ніч"),
        ("Bakan bu kentte ve bir de sel için", "bakan kentt sel"),
        ("Der Minister war in der Stadt, und das Wasser ist von dort", "minis stadt wasse"),
    ):
        assert set(read(content)) >= set(read(text)), text


def test_a_stop_word_of_another_language_stays() -> None:
    """ "war" is "was" in German, and the subject in English."""
    english = read("The war that they had feared was over, and all of them were glad it had not been theirs")
    assert set(read("war")) <= set(english)


def test_case_and_width_make_no_other_word() -> None:
    assert read("FLOOD Ｆｌｏｏｄ flood") == read("flood flood flood")


def test_a_number_is_one_word_however_it_is_grouped() -> None:
    assert read("1,000 prisoners") == read("1.000 prisoners") == read("1000 prisoners")
    assert len(read("magnitude 6.4 quake")) == 3
    assert read("6.4") == read("6,4") != read("64")


def test_only_the_lead_is_read() -> None:
    text = " ".join(f"word{i}" for i in range(1000))
    assert read(text) == read(text + " tail of the article")
    assert len(read(text)) == PARAMS.lead_words


def test_the_lead_is_read_whole_however_long_its_words_and_gaps() -> None:
    spread = (" " * 20).join(f"word{i}" for i in range(300))
    assert read(spread) == read(" ".join(f"word{i}" for i in range(300)))


def test_a_title_repeated_at_the_head_of_the_text_counts_once() -> None:
    assert read("River bursts banks\nTowns evacuated", "River bursts banks") == read(
        "\nTowns evacuated", "River bursts banks"
    )


def test_articles_read_together_are_read_as_each_alone() -> None:
    texts = [
        "Der Minister war in der Stadt", "", "The war that they had feared was over", "洪水淹城镇", "...",
        " ".join(f"word{i}" for i in range(1000)), (" " * 20).join(f"word{i}" for i in range(300)),
        "Міністр був у місті, коли це було під водою",
    ]  # fmt: skip
    for text, together in zip(texts, terms_of(texts), strict=True):
        assert read(text) == together.hashes.tolist()


def test_scripts_without_spaces_are_read_by_every_two_letters() -> None:
    assert len(read("洪水淹城镇")) == len("洪水淹城镇") - 1
    assert len(read("洪")) == len(read("洪 flood")) - 1 == 1
    assert set(read("洪水")) < set(read("洪水淹城镇"))
    assert set(read("洪 水")).isdisjoint(read("洪水"))


def test_an_empty_text_has_no_terms() -> None:
    assert [one.n_words for one in terms_of(["", "..."])] == [0, 0]
    assert terms_of([]) == []


def test_packed_terms_come_back_and_are_small() -> None:
    (terms,) = terms_of(["A second round on Friday. " + " ".join(f"{i} seats in Vessin{i}" for i in range(1000))])
    packed = terms.to_bytes()
    back = Terms.from_bytes(packed)
    assert np.array_equal(back.hashes, terms.hashes)
    assert np.array_equal(back.marks, terms.marks)
    assert np.array_equal(back.cues.contexts, terms.cues.contexts)
    assert back.to_bytes() == packed
    assert len(packed) <= 3072


def test_terms_are_packed_together_as_they_are_alone() -> None:
    texts = ["A second round on Friday.", "", "Three words here", "Four words and 214 seats", "Round 5 of talks", "one"]
    terms = terms_of(texts)
    assert pack_terms(terms) == [one.to_bytes() for one in terms]
    assert pack_terms([]) == []


def test_a_usual_article_takes_little_more_than_its_words() -> None:
    """Of 200 content words of prose, with as many cues as prose has."""
    (terms,) = terms_of([" ".join(f"word{i}" for i in range(1000))])
    assert len(terms.to_bytes()) <= 1024


def test_no_part_of_packed_terms_is_taken_for_all_of_them() -> None:
    (terms,) = terms_of(["The second round of talks in Vessin ended on Friday with 214 prisoners exchanged."])
    packed = terms.to_bytes()
    for end in range(len(packed)):
        with pytest.raises(TermsError, match="bytes"):
            Terms.from_bytes(packed[:end])


@pytest.mark.parametrize("packed", [b"", b"\x02", b"\x01\x00\x00", b"\x02\x02\x00abcd", b"\x02\x00\x00abcd"])
def test_other_bytes_are_refused(packed: bytes) -> None:
    with pytest.raises(TermsError, match="bytes"):
        Terms.from_bytes(packed)


def test_hashes_never_change() -> None:
    """They are kept in the store, so a word must have the same hash in every process and version."""
    assert read("flood") == [46291780]


def test_rows_are_of_unit_length_over_all_words_and_the_pairs_that_are_shared() -> None:
    texts = ["alpha beta gamma", "alpha beta delta", "epsilon"]
    found = vectors(terms_of(texts), PARAMS)
    assert found.rows.shape == (3, len(found.vocabulary.keys))
    assert [found.rows[i].nnz for i in range(3)] == [4, 4, 1]
    assert found.rows.dtype == np.float32
    assert np.allclose(found.rows.multiply(found.rows).sum(axis=1), 1)
    assert np.all(found.vocabulary.keys[1:] > found.vocabulary.keys[:-1])


def test_two_articles_of_one_text_are_at_cosine_one() -> None:
    (terms,) = terms_of(["alpha beta gamma alpha"])
    rows = vectors([terms, terms], PARAMS).rows
    assert (rows @ rows.T).toarray() == pytest.approx(np.ones((2, 2)))


def test_words_in_most_articles_of_a_large_window_count_nothing_and_in_a_small_one_still_do() -> None:
    for n_articles, kept in ((4, True), (400, False)):
        terms = terms_of([f"alpha w{i} w{i + 1}" for i in range(n_articles)])
        found = vectors(terms, PARAMS)
        column = {int(key): j for j, key in enumerate(found.vocabulary.keys)}
        assert found.rows[:, [column[read("alpha")[0]]]].nnz == (n_articles if kept else 0)


def test_a_rare_word_weighs_more_than_a_frequent_one() -> None:
    terms = terms_of([f"harbour {'quake' if i < 2 else 'ferry'}" for i in range(20)])
    found = vectors(terms, PARAMS)
    column = {int(key): j for j, key in enumerate(found.vocabulary.keys)}
    assert found.rows[0, column[read("quake")[0]]] > found.rows[0, column[read("harbour")[0]]]


def test_no_articles_have_no_rows() -> None:
    assert vectors([], PARAMS).rows.shape == (0, 0)
    assert vectors(terms_of([""]), PARAMS).rows.shape == (1, 0)


def test_names_and_numbers_are_facts_and_a_name_counts_more_than_another_word() -> None:
    terms = terms_of([f"Quay {i} of the Vessin harbour flooded {i + 217} times" for i in range(4)])
    found = vectors(terms, PARAMS)
    column = {int(key): j for j, key in enumerate(found.vocabulary.keys)}
    name, plain, number = (column[read(word)[0]] for word in ("vessin", "harbour", "217"))
    assert found.vocabulary.is_fact[[name, plain, number]].tolist() == [True, False, True]
    assert found.rows[0, name] == pytest.approx(PARAMS.name_weight * found.rows[0, plain])


def test_a_pair_with_a_name_is_a_fact_and_counts_the_mean_of_both() -> None:
    terms = terms_of(["a ship leaves Vessin harbour"] * 2)
    found = vectors(terms, PARAMS)
    column = {int(key): j for j, key in enumerate(found.vocabulary.keys)}
    (name,), (plain,), (ship,), (leaves,) = (read(word) for word in ("vessin", "harbour", "ship", "leaves"))
    with_name, without = column[name << 32 | plain], column[ship << 32 | leaves]
    assert found.vocabulary.is_fact[[with_name, without]].tolist() == [True, False]
    assert found.rows[0, with_name] == pytest.approx(PARAMS.name_weight**0.5 * found.rows[0, without])


def test_a_word_seldom_written_as_a_name_is_none() -> None:
    terms = terms_of(["They saw Rose leave", *(f"petals of the rose fell on day {i}" for i in range(9))])
    found = vectors(terms, PARAMS)
    column = {int(key): j for j, key in enumerate(found.vocabulary.keys)}
    assert not found.vocabulary.is_fact[column[read("rose")[0]]]


def test_a_word_of_one_article_says_most_in_a_small_window_and_little_in_a_large_one() -> None:
    for n_articles, says_more in ((4, True), (400, False)):
        found = vectors(terms_of([f"quake{i // 2} w{i}" for i in range(n_articles)]), PARAMS)
        column = {int(key): j for j, key in enumerate(found.vocabulary.keys)}
        (shared,), (rare,) = read("quake0"), read("w0")
        assert (found.rows[0, column[rare]] > found.rows[0, column[shared]]) is np.bool_(says_more)
        assert shared << 32 | rare not in column


def weight(found: Vectors, article: int, word: str) -> float:
    column = {int(key): j for j, key in enumerate(found.vocabulary.keys)}
    return float(found.rows[article, column[read(word)[0]]])


LATER = [f"quake w{i} harbour" for i in range(60)]
AS_TOLD = TermParams(least_told=0)


def test_a_word_of_an_archive_that_becomes_common_later_weighs_what_it_weighed_when_it_was_news() -> None:
    texts = ["quake harbour flood"] * 2 + ["harbour flood"] * 20 + LATER
    days = np.array([0.0] * 22 + [100.0] * 60)
    whole, told = vectors(terms_of(texts), PARAMS), vectors(terms_of(texts), AS_TOLD, published_days=days)
    assert weight(whole, 0, "quake") < weight(whole, 0, "flood")
    assert weight(told, 0, "quake") > weight(told, 0, "flood")
    assert weight(told, 25, "quake") == pytest.approx(weight(whole, 25, "quake"), rel=0.05)


def test_a_word_of_an_archive_is_a_name_only_after_it_was_written_as_one() -> None:
    texts = ["They saw the rose and the harbour"] * 2 + ["They saw Rose leave and the harbour"] * 8
    told = vectors(terms_of(texts), AS_TOLD, published_days=np.array([0.0] * 2 + [100.0] * 8))
    assert weight(told, 0, "rose") == pytest.approx(weight(told, 0, "harbour"))
    assert weight(told, 9, "rose") > 1.2 * weight(told, 9, "harbour")


@pytest.mark.parametrize(
    ("days", "params"),
    [
        ([np.nan] * 62, AS_TOLD),
        (list(np.linspace(0, AS_TOLD.later_days, 62)), AS_TOLD),
        (list(np.linspace(0, 1000, 62)), PARAMS),
    ],
)
def test_an_archive_without_dates_of_a_fortnight_or_of_few_articles_is_weighed_as_a_window(
    days: list[float], params: TermParams
) -> None:
    terms = terms_of(["Quay quake harbour"] * 2 + LATER)
    window, archive = vectors(terms, params), vectors(terms, params, published_days=np.array(days))
    assert archive.vocabulary.keys.tolist() == window.vocabulary.keys.tolist()
    assert archive.vocabulary.is_fact.tolist() == window.vocabulary.is_fact.tolist()
    assert archive.rows.toarray() == pytest.approx(window.rows.toarray(), abs=1e-6)


def test_how_often_a_term_was_told_counts_what_was_told_earlier_and_of_an_archive_what_was_told_by_then() -> None:
    terms = terms_of(["quake flood"] * 2 + [f"quake w{i}" for i in range(20)] + [f"ferry v{i}" for i in range(30)])
    before = NO_FREQUENCIES.changed([one.hashes for one in terms_of(["quake"] * 5)], [])
    window, known = vectors(terms, PARAMS), make_vocabulary(terms, PARAMS, before)
    archive = vectors(terms, AS_TOLD, published_days=np.array([0.0] * 2 + [100.0] * 50))
    assert window.told is None
    assert archive.told is not None
    (quake,) = read("quake")
    assert known.counts[known.keys.tolist().index(quake)] == 27
    column = archive.vocabulary.keys.tolist().index(quake)
    assert (archive.told[0, column], archive.told[2, column]) == (2, 22)
    assert archive.told.indices.tolist() == archive.rows.indices.tolist()
