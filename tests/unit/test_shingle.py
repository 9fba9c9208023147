"""Words and shingles: a hash is of its word alone, and nothing a text can contain makes it slow or large."""

from __future__ import annotations

import itertools
import time
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from dedup.minhash import signatures
from dedup.shingle import (
    AFTER_LINE,
    AFTER_PAUSE,
    AFTER_SENTENCE,
    DIGIT,
    RUNS_ON,
    SHINGLE_WORDS,
    KnownWords,
    located_words,
    shingle,
    word_hashes,
)
from dedup.text import words

MIB = 1 << 20
LARGEST = 8 * MIB
"""Bytes of the largest article that is accepted."""
HAN = "".join(map(chr, range(0x4E00, 0x9FA0)))
MOST_SECONDS = 4.0
SCRIPTS = {"latin": "a", "cyrillic": "а", "hangul": "가", "gothic": "\U00010330"}
"""A first letter of each, which takes one to four bytes; the next 16 code points are letters as well."""


def hash_of(word: str) -> int:
    (hashed,) = word_hashes([word])[0].tolist()
    return int(hashed)


def values_of(text: str) -> list[int]:
    values: list[int] = shingle([text]).values.tolist()
    return values


@pytest.mark.parametrize(
    "beside", ["{} and others", "é {}", "中{}文", "\ud800{}", "\n\n {}", "(“{}”)", "ж\u0301 {} 😀", "x" * 100 + " {}"]
)
@pytest.mark.parametrize("word", ["word", "eightlet", "nineletter", "été", "слово", "7", "x" * 65])
def test_a_word_has_the_same_hash_whatever_stands_beside_it(word: str, beside: str) -> None:
    text = beside.format(word)
    assert word_hashes([text])[0][words(text).index(word)] == hash_of(word)
    assert hash_of(word) in word_hashes(["plain", text, "中"])[0]


def test_texts_share_the_shingles_of_the_words_they_share_whatever_their_other_letters() -> None:
    plain = "the minister said on monday that talks go on"
    assert set(values_of(plain)) < set(values_of(f"{plain} in são paulo, 北京 and elsewhere"))


def test_no_two_words_collide() -> None:
    """Over 190,000 words: numbers, names with numbers, and words of many scripts; the upper half of the hashes, which
    terms and shingles are made of, has no more collisions than chance gives it.
    """
    syllables = ["ba", "cor", "de", "fin", "gal", "hos", "ini", "kur", "lem", "mon", "nat", "on", "per", "qu", "st"]
    many = {"".join(own) for n in (1, 2, 3, 4) for own in itertools.product(syllables, repeat=n)}
    many |= {str(number) for number in range(60_000)}
    many |= {f"{prefix}{number:04d}" for prefix in ("covid", "parliamentarian", "абвгдежз") for number in range(10_000)}
    many |= {first + second for first in "абвгдежзиклмнопрст" for second in map(chr, range(0x400, 0x460))}
    many |= {a + b for a in map(chr, range(0xAC00, 0xAC20)) for b in map(chr, range(0xAC00, 0xB000))}
    many |= set(HAN)
    hashes, counts = word_hashes([" ".join(sorted(many))])
    assert counts.tolist() == [len(many)]
    assert len(many) > 190_000
    assert len(np.unique(hashes)) == len(many)
    n_expected = len(many) ** 2 / 2**33
    assert len(many) - len(np.unique(hashes >> np.uint64(32))) < 2 * n_expected + 10


@pytest.mark.parametrize("first", SCRIPTS.values(), ids=SCRIPTS)
@pytest.mark.parametrize("n_letters", [1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 24, 33, 63, 64, 65, 66, 130])
def test_every_letter_of_a_word_counts_and_so_does_its_length(n_letters: int, first: str) -> None:
    word = first * n_letters
    changed = [
        word[:place] + chr(ord(first) + step) + word[place + 1 :] for place in range(n_letters) for step in range(1, 17)
    ]
    many = [word, *changed, word + first, word * 2, first + word[1:] + chr(ord(first) + 1)]
    hashes, _ = word_hashes([" ".join(many)])
    assert len(set(hashes.tolist())) == len(set(many))
    assert hashes.tolist() == [hash_of(one) for one in many]


def test_the_order_of_words_counts_in_a_shingle_of_any_length() -> None:
    runs = [run for n in range(1, SHINGLE_WORDS + 1) for run in itertools.product("abc", repeat=n)]
    runs += itertools.permutations(["one", "two", "три", "四", "5"])
    values = shingle([" ".join(run) for run in runs])
    assert values.counts.tolist() == [1] * len(runs)
    assert len(set(values.values.tolist())) == len(runs)


def test_short_texts_keep_to_themselves_between_long_ones() -> None:
    texts = ["", "a", "a b c d e f g", "", "a b", "a b c", "", "h", "a b c d", "a b c d e", "", "", "h i", ""]
    together = shingle(texts)
    assert together.counts.tolist() == [0, 1, 3, 0, 1, 1, 0, 1, 1, 1, 0, 0, 1, 0]
    assert together.n_words.tolist() == [0, 1, 7, 0, 2, 3, 0, 1, 4, 5, 0, 0, 2, 0]
    assert together.values.tolist() == [value for text in texts for value in values_of(text)]
    assert together.values[1] == together.values[8]


def test_no_texts_have_no_shingles() -> None:
    empty = shingle([])
    assert (len(empty.values), len(empty.counts), len(empty.words), len(empty.n_words)) == (0, 0, 0, 0)
    assert empty.content_hashes() == []


def test_each_half_of_a_content_hash_tells_texts_of_few_words_apart() -> None:
    """Other words, another order, a word more: with both halves alike by chance once in 2**128."""
    runs = [run for n in range(1, 18) for run in itertools.product("ab", repeat=n) if n < 14 or len(set(run)) == 1]
    runs += itertools.product([f"w{i}" for i in range(40)], repeat=3)
    hashes = shingle([" ".join(run) for run in runs]).content_hashes()
    assert {len(own) for own in hashes} == {16}
    assert len({own[:8] for own in hashes}) == len({own[8:] for own in hashes}) == len(runs)


def test_values_are_spread_evenly() -> None:
    """As many are below each quarter of the range as should be: anchors and samples are chosen by their size."""
    values = shingle([" ".join(f"w{number % 997}x{number % 31}" for number in range(40_000))]).values
    for quarter in (1, 2, 3):
        assert float((values < np.uint32(quarter << 30)).mean()) == pytest.approx(quarter / 4, abs=0.012)
    assert float(np.unpackbits(values.view(np.uint8)).mean()) == pytest.approx(0.5, abs=0.005)


@pytest.mark.parametrize("shift", range(12))
def test_a_text_of_many_blocks_has_the_words_of_the_plain_definition(shift: int) -> None:
    """Wherever the cuts between blocks fall: in words of every length, and among letters that are words alone."""
    period = f"plain words, naïve 中文か\u3099 ไทย {'x' * 40} слово\u0301-{'y' * 90} 😀 {'é' * 30}{'中' * 5}{'z' * 9} "
    text = "a" * shift + period * (600_000 // len(period))
    found = words(text)
    hashes = {word: hash_of(word) for word in set(found)}
    together, counts = word_hashes([text, "one more", text[: len(text) // 2]])
    assert counts.tolist() == [len(found), 2, len(words(text[: len(text) // 2]))]
    assert together[: len(found)].tolist() == [hashes[word] for word in found]


COSTLY: dict[str, Callable[[], str]] = {
    "an article of 8 MB": lambda: "The minister said on Monday that talks would go on for days. " * (LARGEST // 61),
    "one word of 1 MB": lambda: "a" * MIB,
    "one word of 8 MB of letters beyond ASCII": lambda: "ж" * (LARGEST // 2),
    "a million newlines": lambda: "\n" * MIB,
    "words of one letter": lambda: "a b " * (LARGEST // 4),
    "words of 64 letters": lambda: " ".join(f"{number:064d}" for number in range(LARGEST // 65)),
    "words of 70 letters": lambda: " ".join(f"{number:070d}" for number in range(LARGEST // 71)),
    "8 MB of Chinese": lambda: HAN * (LARGEST // 3 // len(HAN)),
    "letters and their accents apart": lambda: "e\u0301" * (LARGEST // 3),
    "halves of characters": lambda: "\ud800" * MIB,
}


@pytest.mark.parametrize("text", COSTLY.values(), ids=COSTLY)
def test_nothing_a_text_can_contain_makes_it_slow(text: Callable[[], str]) -> None:
    given = text()
    begun = time.process_time()
    signatures([given])
    assert time.process_time() - begun < MOST_SECONDS


@pytest.mark.parametrize("name", ["an article of 8 MB", "words of one letter", "8 MB of Chinese"])
def test_memory_beside_the_hashes_is_that_of_a_few_copies_of_the_text(name: str) -> None:
    text = COSTLY[name]()
    word_hashes(["中"])
    tracemalloc.start()
    try:
        hashes, _ = word_hashes([text])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * hashes.nbytes + 5 * LARGEST


def places_of(text: str) -> list[int]:
    """What `located_words` says of the words of a text, but for the first."""
    places: list[int] = located_words([text])[2].tolist()
    return places[1:]


@pytest.mark.parametrize("texts", [[], [""], ["", "one two", "", "中文。 3rd", "..."], ["x" * 300_000, "one"] * 2])
def test_located_words_are_the_words_there_are(texts: list[str]) -> None:
    words, counts, places = located_words(texts)
    expected, n_words = word_hashes(texts)
    assert words.tolist() == expected.tolist()
    assert counts.tolist() == n_words.tolist()
    assert places.shape == words.shape
    assert places.dtype == np.uint8


@pytest.mark.parametrize(
    ("between", "place"),
    [
        (" ", 0), (", ", AFTER_PAUSE), (" - ", AFTER_PAUSE), (".", 0), ("'", 0), (": ", AFTER_PAUSE), ("-", 0),
        ("; ", AFTER_PAUSE), (" (", AFTER_PAUSE), (") ", AFTER_PAUSE), (' "', 0), ("。", AFTER_SENTENCE),
        (". ", AFTER_SENTENCE),
        ("! ", AFTER_SENTENCE), ("? ", AFTER_SENTENCE), ('." ', AFTER_SENTENCE), ("...  ", AFTER_SENTENCE),
        ('. "', AFTER_SENTENCE), ("\n", AFTER_LINE), (" \n\n ", AFTER_LINE), (",\n", AFTER_LINE | AFTER_PAUSE),
        (".\n", AFTER_SENTENCE | AFTER_LINE), ("。\n", AFTER_SENTENCE | AFTER_LINE),
    ],
)  # fmt: skip
@pytest.mark.parametrize(("before", "after"), [("rose", "boats"), ("水", "船"), ("é", "ж")])
def test_a_word_knows_whether_a_clause_a_sentence_or_a_line_ends_before_it(
    before: str, between: str, after: str, place: int
) -> None:
    assert places_of(f"{before}{between}{after}") == [place]
    assert places_of(f"x {before}{between}{after} y") == [0, place, 0]


def test_a_word_that_begins_with_a_digit_is_told_from_one_that_has_some() -> None:
    assert places_of("x 3 3rd 1000 a3 ж3 x") == [DIGIT, DIGIT, DIGIT, 0, 0, 0]
    assert places_of("x. 3\n3") == [AFTER_SENTENCE | DIGIT, AFTER_LINE | DIGIT]


def test_letters_of_scripts_without_spaces_run_on_where_the_next_follows_at_once() -> None:
    assert places_of("x 中文字 中a ไท") == [RUNS_ON, RUNS_ON, 0, 0, 0, RUNS_ON, 0]
    assert places_of("x 中。文 가나 é中") == [0, AFTER_SENTENCE, 0, 0, 0]


def test_what_stands_in_a_text_is_told_alike_wherever_the_text_is_in_a_batch() -> None:
    """But for its first word, before which another text ends."""
    texts = ["one two. Three", "", "中文。中\n文", "4 boats! 5", "... six", "é. Ж"]
    _, counts, places = located_words(texts)
    starts = np.cumsum(counts) - counts
    for text, start, n in zip(texts, starts.tolist(), counts.tolist(), strict=True):
        assert places[start : start + n].tolist()[1:] == places_of(text)


@pytest.mark.parametrize("table_bits", [1, 4, 12])
def test_known_words_are_found_however_many_begin_with_the_same_bits(table_bits: int) -> None:
    words, _ = word_hashes([" ".join(f"word{i}" for i in range(300))])
    known = KnownWords.of(words[::3], table_bits)
    places, entries = known.find(words)
    assert places.tolist() == list(range(0, 300, 3))
    assert np.array_equal(known.hashes[entries], words[::3])
    assert [len(found) for found in known.find(words[:0])] == [0, 0]
