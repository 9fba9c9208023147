"""Two texts compared: the figures against counting by brute force, and passages that are where they are said to be."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.explain import LEFT_OUT, MOST_WORDS, PASSAGE_LETTERS, PASSAGE_WORDS, SAMPLES, Comparison, Source, compare
from dedup.shingle import shingle
from dedup.text import normalise, words

LETTERS = st.sampled_from("abcdef")
SCRIPTS = ("ferry", "Ärger", "паром", "مرفأ", "渡船", "港", "フェリー", "เรือ", "STRASSE", "Ὀδυσσεύς", "ﬁn")


def alike(one: str, other: str) -> Comparison:
    return compare(Source.whole(one), Source.whole(other))


@st.composite
def pairs(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """Two texts of few different words: the second is the first with parts cut, moved, repeated and replaced."""
    one = draw(st.lists(LETTERS, max_size=40))
    other = list(one)
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(other)))
        end = draw(st.integers(start, len(other)))
        part = other[start:end]
        to = draw(st.integers(0, start))
        new = draw(st.lists(LETTERS, max_size=4))
        other = draw(
            st.sampled_from(
                [other[:start] + other[end:], other[:start] + new + other[end:], other[:to] + part + other[to:start]]
            )
        )
    return one, other


def shingles(text: Sequence[str]) -> set[tuple[str, ...]]:
    if len(text) < 5:
        return {tuple(text)} - {()}
    return {tuple(text[i : i + 5]) for i in range(len(text) - 4)}


def is_in(run: Sequence[str], text: Sequence[str]) -> bool:
    return any(list(text[i : i + len(run)]) == list(run) for i in range(len(text) - len(run) + 1))


def longest_common(one: Sequence[str], other: Sequence[str]) -> int:
    return max(
        (end - start for start in range(len(one)) for end in range(start + 1, len(one) + 1)
         if is_in(one[start:end], other)),
        default=0,
    )  # fmt: skip


# Figures


@given(pairs())
def test_the_figures_are_those_of_the_sets_of_shingles(pair: tuple[list[str], list[str]]) -> None:
    one, other = pair
    found = alike(" ".join(one), ", ".join(other))
    common, of_one, of_other = shingles(one) & shingles(other), shingles(one), shingles(other)
    assert found.jaccard == (len(common) / len(of_one | of_other) if common else 0)
    assert found.containment == (len(common) / len(of_one) if common else 0)
    assert found.containment_of_other == (len(common) / len(of_other) if common else 0)
    assert (found.n_words, found.n_words_of_other, found.is_whole) == (len(one), len(other), True)


@given(st.lists(st.sampled_from(SCRIPTS), max_size=30), st.lists(st.sampled_from(SCRIPTS), max_size=30))
def test_shingles_are_what_they_are_to_signatures_in_any_script(one: list[str], other: list[str]) -> None:
    texts = [" ".join(one), " ".join(one[:20] + other)]
    hashed = shingle([normalise(text) for text in texts])
    sets = [set(hashed.values[: hashed.counts[0]].tolist()), set(hashed.values[hashed.counts[0] :].tolist())]
    found = alike(*texts)
    union = sets[0] | sets[1]
    assert found.jaccard == (len(sets[0] & sets[1]) / len(union) if union else 0)
    assert [found.n_words, found.n_words_of_other] == hashed.n_words.tolist()


def test_a_text_inside_a_longer_one_is_contained_one_way() -> None:
    inner = " ".join(f"inner{i}" for i in range(50))
    outer = " ".join(f"outer{i}" for i in range(150))
    found = alike(inner, f"{outer} {inner} and no more")
    assert found.containment == 1
    assert found.containment_of_other == found.jaccard < 0.3


# Passages


@given(pairs())
def test_a_shared_passage_is_in_both_texts_and_the_longest_is_among_them(pair: tuple[list[str], list[str]]) -> None:
    one, other = pair
    found = alike(" ".join(one), " ".join(other))
    for passage in found.shared:
        run = words(normalise(passage.text))
        assert is_in(run, one)
        assert is_in(run, other)
        assert len(run) == min(passage.n_words, PASSAGE_WORDS)
    longest = longest_common(one, other)
    assert [passage.n_words for passage in found.shared[:1]] == ([longest] if longest >= 5 else found_short(found))


def found_short(found: Comparison) -> list[int]:
    """Texts of fewer than five words share as many, or nothing is shown."""
    least = min(found.n_words, found.n_words_of_other)
    return [least] if found.shared and least < 5 else []


@given(pairs())
def test_what_only_one_text_has_is_nowhere_in_the_other(pair: tuple[list[str], list[str]]) -> None:
    one, other = pair
    found = alike(" ".join(one), " ".join(other))
    for passages, own, others in ((found.only_here, one, other), (found.only_in_other, other, one)):
        for passage in passages:
            run = words(normalise(passage.text))
            assert run
            assert is_in(run, own)
            assert not is_in(run, others)


@given(pairs())
def test_something_differs_unless_all_shingles_are_shared(pair: tuple[list[str], list[str]]) -> None:
    one, other = pair
    found = alike(" ".join(one), " ".join(other))
    if found.jaccard == 1:
        assert (found.only_here, found.only_in_other) == ((), ())
    elif min(len(one), len(other)) >= 5:
        assert found.only_here + found.only_in_other


def test_passages_are_spelt_as_in_their_text_and_the_longest_comes_first() -> None:
    one = "HARBOUR, Monday: The \u201cold\u201d ferry sails again; nobody was hurt. It took 3 men two days. End of it."
    other = "The old ferry sails again, nobody was hurt - it took FOUR men two days. End of it."
    found = alike(one, other)
    assert [passage.text for passage in found.shared] == [
        "The \u201cold\u201d ferry sails again; nobody was hurt. It took",
        "men two days. End of it",
    ]
    assert [(passage.text, passage.n_words) for passage in found.only_here] == [("HARBOUR, Monday", 2), ("3", 1)]
    assert [passage.text for passage in found.only_in_other] == ["FOUR"]


def test_scripts_without_spaces_are_shown_without_spaces() -> None:
    one = "渡船今天上午重新开航，港务局说没有人受伤。下一班在中午。"
    other = "港口消息：渡船今天上午重新开航，港务局说没有人受伤。"
    found = alike(one, other)
    assert [passage.text for passage in found.shared] == ["渡船今天上午重新开航，港务局说没有人受伤"]
    assert [passage.text for passage in found.only_here] == ["下一班在中午"]
    assert [passage.text for passage in found.only_in_other] == ["港口消息"]


@pytest.mark.parametrize(
    "shown",
    ["co\u00adop\u00aderation", "Straße", "½", "№ 5", "e\u0301te\u0301", "don\u00b4t", "ｆｕｌｌ", "ﬁn", "ﾌｪﾘｰｶﾞ", "น้ำ",
     "a\u200bb"],
)  # fmt: skip
def test_a_passage_shows_what_normalising_changes_as_it_was_written(shown: str) -> None:
    text = f"{shown} was written here first, and then again {shown}"
    found = alike(text, f"{normalise(text)} and more of it")
    assert [passage.text for passage in found.shared] == [text]
    assert (found.containment, found.only_here) == (1, ())
    assert [passage.text for passage in found.only_in_other] == ["and more of it"]


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_can_be_compared_and_its_passages_are_parts_of_it(one: str, other: str) -> None:
    found = alike(one, other)
    assert found.n_words == len(words(normalise(one)))
    assert all(passage.text in one for passage in found.shared + found.only_here)
    assert all(passage.text in other for passage in found.only_in_other)


def test_texts_with_the_same_passages_in_another_order_differ_where_these_meet() -> None:
    first, second = (" ".join(f"{name}{i}" for i in range(9)) for name in "ab")
    found = alike(f"{first} {second}", f"{second} {first}")
    assert [passage.text for passage in found.shared] == [first, second]
    assert [passage.text for passage in found.only_here] == ["a8 b0"]
    assert [passage.text for passage in found.only_in_other] == ["b8 a0"]


def test_samples_are_few_and_short_and_say_what_they_leave_out() -> None:
    blocks = [" ".join(f"block{n}word{i}" for i in range(40)) for n in range(9)]
    found = alike(" x ".join(blocks), " y ".join(blocks))
    assert len(found.shared) == SAMPLES
    assert {(passage.n_words, passage.is_cut) for passage in found.shared} == {(40, True)}
    assert {len(words(passage.text)) for passage in found.shared} == {PASSAGE_WORDS}
    assert [passage.text for passage in found.only_here] == ["x"]
    long = alike("w" * 10_000, "v")
    assert [(len(one.text), one.n_words, one.is_cut) for one in long.only_here] == [(PASSAGE_LETTERS, 1, True)]


# Boilerplate


def test_what_is_not_compared_counts_nowhere_and_a_passage_says_where_it_was() -> None:
    notice = "Please subscribe to our newsletter for more of this."
    lead, rest = "The ferry sails again after the storm.", "The harbour master closed the northern quay for two days."
    one = Source(f"{notice}\n{lead}\n{notice}\n{rest}", normalise(f"{lead} {rest}"))
    found = compare(one, Source.whole(f"{lead} {rest} {notice}"))
    assert (found.n_words, found.containment) == (17, 1)
    assert [passage.text for passage in found.shared] == [f"{lead[:-1]}{LEFT_OUT}{rest[:-1]}"]
    assert (found.only_here, [passage.text for passage in found.only_in_other]) == ((), [notice[:-1]])


@given(st.lists(st.tuples(st.lists(LETTERS, min_size=1, max_size=6), st.booleans()), max_size=8))
def test_words_are_found_again_whatever_is_left_out_between_them(parts: list[tuple[list[str], bool]]) -> None:
    text = [word for part, _ in parts for word in part]
    kept = [word for part, is_kept in parts if is_kept for word in part]
    found = compare(Source(" ".join(text), " ".join(kept)), Source.whole(" ".join(kept)))
    assert (found.n_words_of_other, found.only_here) == (len(kept), ())
    assert found.n_words <= len(kept)
    if found.is_whole:
        assert found.n_words == len(kept)
        assert found.jaccard == bool(kept)


# Bounds


@pytest.mark.parametrize(
    "long",
    ["a " * 4_000_000, "a" * 8_000_000, "\n" * 8_000_000, "渡" * 2_500_000, "a.b" * 2_600_000, "½" * 300_000],
    ids=["one word, often", "one long word", "lines", "no spaces", "no spaces, many words", "fractions"],
)
def test_a_text_of_eight_megabytes_is_compared_by_its_beginning_in_seconds(long: str) -> None:
    start = time.perf_counter()
    found = alike(long, long[: len(long) // 2] + " and another end")
    assert time.perf_counter() - start < 30
    assert found.n_words <= MOST_WORDS
    assert found.is_whole is False or not long.strip()


def test_a_text_of_most_words_is_compared_as_a_whole() -> None:
    text = " ".join(f"word{i}" for i in range(MOST_WORDS))
    found = alike(text, text)
    assert (found.n_words, found.jaccard, found.is_whole) == (MOST_WORDS, 1, True)
    longer = alike(text, f"{text} more")
    assert (longer.n_words_of_other, longer.jaccard, longer.is_whole) == (MOST_WORDS, 1, False)
