"""Signatures: datasketch's own to the bit, of each text alone, and as good an estimate as theory says."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Sequence

import numpy as np
import pytest
from datasketch import LeanMinHash, MinHash
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dedup.minhash import NUM_PERM, POINTS_PER_CALL, SEED, TEXTS_PER_CALL, batches, sign, signatures
from dedup.shingle import SHINGLE_WORDS, shingle, word_hashes
from dedup.text import normalise, words

anything = st.text(st.characters(codec=None, exclude_categories=()), max_size=40)
"""Any text at all, lone surrogates included."""
letters = (
    "a b ab ß ss İ ﬁ é e\u0301 \u0301 Ω Ａ 中 文 か ไทย ខ្មែរ မြန် ー 々 अब 서울 שלום مرحبا "
    "١ २ ½ \U00020000 \U0001d552 \uff9e"
)
others = " - _ ' ’ 😀 \0 \u200d \u00ad \ud800 \U000e0101"
few_words = st.lists(
    st.sampled_from([*letters.split(" "), *others.split(" "), " ", " ", "\n", "\t", "\u3000"]), max_size=40
).map("".join)
"""Texts of few different words in many scripts, so that words, runs and whole texts come again."""
long_words = st.lists(
    st.tuples(st.sampled_from("aЖé中\U00010330"), st.integers(1, 70), st.sampled_from([" ", "", "b", "中", "\n"])),
    max_size=4,
).map(lambda parts: "".join(letter * n + after for letter, n, after in parts))
"""Texts of words of every length, in letters of one to four bytes."""
plain = st.text("ab7 .\n", max_size=60)
"""Texts of ASCII, which are read by another way than those with other letters."""
some_text = anything | few_words | long_words | plain
texts = st.lists(some_text, max_size=8)
normalised_texts = st.lists(some_text.map(normalise), max_size=8)


def by_datasketch(values: NDArray[np.uint32]) -> NDArray[np.uint32]:
    minhash = MinHash(num_perm=NUM_PERM, seed=SEED, scheme="affine32", hashfunc=lambda value: value)
    for value in values.tolist():
        minhash.update(value)
    signed: NDArray[np.uint32] = LeanMinHash(minhash).hashvalues
    return signed


def runs_of(found: Sequence[str]) -> list[tuple[str, ...]]:
    """Plain Python's shingles: runs of five words, or all words where there are fewer."""
    if not found:
        return []
    return [tuple(found[i : i + SHINGLE_WORDS]) for i in range(max(1, len(found) - SHINGLE_WORDS + 1))]


@settings(max_examples=80, derandomize=True)
@given(texts)
@example([])
@example(["", "one", "a b c d", "a b c d e", "a b c d e f"])
def test_signatures_are_those_of_datasketch_over_the_same_shingles(given_texts: list[str]) -> None:
    signed = signatures(given_texts)
    assert signed.shape == (len(given_texts), NUM_PERM)
    assert signed.dtype == np.uint32
    for text, row in zip(given_texts, signed, strict=True):
        assert (row == by_datasketch(shingle([normalise(text)]).values)).all()


@settings(max_examples=60, derandomize=True)
@given(texts, texts)
def test_a_signature_is_of_its_text_alone_whatever_else_is_in_the_call(one: list[str], other: list[str]) -> None:
    assert (signatures(one + other) == np.concatenate([signatures(one), signatures(other)])).all()


def test_more_texts_than_one_call_takes_are_signed_alike() -> None:
    many = [f"text {i} of so many that one call is not enough " * (i % 4) for i in range(3 * TEXTS_PER_CALL + 5)]
    assert (signatures(many) == np.concatenate([signatures([text]) for text in many])).all()


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from([0, 1, 1000, POINTS_PER_CALL // 2, POINTS_PER_CALL, POINTS_PER_CALL + 1]), max_size=100)
)
def test_batches_are_the_texts_in_order_within_the_limits_of_a_call(sizes: list[int]) -> None:
    given_texts = ["a" * size for size in sizes]
    cut = batches(given_texts)
    assert [text for batch in cut for text in batch] == given_texts
    assert all(1 <= len(batch) <= TEXTS_PER_CALL for batch in cut)
    assert all(sum(map(len, batch)) <= POINTS_PER_CALL for batch in cut if len(batch) > 1)


@settings(max_examples=200, derandomize=True)
@given(normalised_texts)
@example(["a b c d e f", "a b c d e g", "a b c d e", "a b c d", "b a c d e", "abcde", "a\nb c d e"])
def test_shingles_are_equal_if_and_only_if_the_runs_of_words_are(normalised: list[str]) -> None:
    shingles = shingle(normalised)
    runs = [runs_of(words(text)) for text in normalised]
    assert shingles.n_words.tolist() == [len(words(text)) for text in normalised]
    assert shingles.counts.tolist() == [len(own) for own in runs]
    flat = [run for own in runs for run in own]
    pairs = set(zip(flat, shingles.values.tolist(), strict=True))
    assert len(pairs) == len(set(flat)) == len(set(shingles.values.tolist()))


@settings(max_examples=200, derandomize=True)
@given(normalised_texts)
@example(["", "-", "a b", "b a", "ab", "a-b", "a b a", "a b\n", "中文", "中 文", "文中"])
def test_content_hashes_are_equal_if_and_only_if_the_words_are(normalised: list[str]) -> None:
    found = [tuple(words(text)) for text in normalised]
    hashes = shingle(normalised).content_hashes()
    assert all(len(content_hash) == 16 for content_hash in hashes)
    assert len(set(zip(found, hashes, strict=True))) == len(set(found)) == len(set(hashes))


@settings(max_examples=200, derandomize=True)
@given(texts)
@example(["中a\u0301b", "", "a中", "\ud800", "a", "x" * 64 + " " + "x" * 65])
def test_words_are_those_of_the_plain_definition_in_any_text_at_all(given_texts: list[str]) -> None:
    """Normalised or not: the same words in the same order, each hashed as it is when it is alone."""
    hashes, counts = word_hashes(given_texts)
    found = [words(text) for text in given_texts]
    assert counts.tolist() == [len(own) for own in found]
    assert hashes.tolist() == [word_hashes([word])[0].tolist()[0] for own in found for word in own]


@settings(max_examples=200, derandomize=True)
@given(normalised_texts.flatmap(lambda drawn: st.tuples(st.just(drawn), st.permutations(range(len(drawn))))))
@example((["plain ascii text of more than five words", "ünd noch einer", "a", "", "中文字符很多"], [4, 3, 2, 1, 0]))
def test_what_a_text_gives_does_not_depend_on_its_batch(case: tuple[list[str], list[int]]) -> None:
    """Together and alone, in any order, plain ASCII and not: the same shingles, words and content hash."""
    drawn, order = case
    alone = [shingle([text]) for text in drawn]
    together = shingle([drawn[i] for i in order])
    assert together.counts.tolist() == [len(alone[i].values) for i in order]
    assert together.n_words.tolist() == [len(alone[i].words) for i in order]
    assert together.values.tolist() == [value for i in order for value in alone[i].values.tolist()]
    assert together.words.tolist() == [word for i in order for word in alone[i].words.tolist()]
    assert together.content_hashes() == [content_hash for i in order for content_hash in alone[i].content_hashes()]


def test_every_letter_of_unicode_is_in_a_word_or_between_words_as_the_plain_definition_has_it() -> None:
    """Each code point between two letters: one, two or three words, by its bytes and by `words`."""
    points = [chr(point) for point in (*range(0x3400), *range(0x9F00, 0x11000), *range(0x1D000, 0x20100))]
    wrapped = [f"x{point}y" for point in points]
    counted = np.concatenate([shingle(batch).n_words for batch in batches(wrapped)])
    assert counted.tolist() == [len(words(text)) for text in wrapped]


def test_wide_punctuation_of_chinese_text_is_what_nfkc_makes_of_it() -> None:
    for point in (0x3000, *range(0xFF00, 0xFF66)):
        text = f"中，{chr(point)}文"
        assert normalise(text) == unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def test_a_text_without_words_has_no_smallest_value() -> None:
    assert (signatures(["", " - ", "😀"]) == np.iinfo(np.uint32).max).all()
    assert (sign(shingle(["", "one", ""]))[[0, 2]] == np.iinfo(np.uint32).max).all()


def test_rows_do_not_change_from_version_to_version() -> None:
    """Signatures are stored: a change of these values is a change of the parameters' id."""
    row = signatures(["The quick brown fox jumps over the lazy dog"])[0]
    assert row[:4].tolist() == [958837056, 773676133, 263218405, 1475604749]


def exact_jaccard(one: str, other: str) -> float:
    shingles, others = set(runs_of(words(normalise(one)))), set(runs_of(words(normalise(other))))
    return len(shingles & others) / len(shingles | others)


def relative_error(ones: list[str], others: list[str]) -> float:
    """The root mean square error of the estimates as a share of what theory gives, sqrt(J (1 - J) / num_perm)."""
    exact = np.array([exact_jaccard(one, other) for one, other in zip(ones, others, strict=True)])
    estimated = (signatures(ones) == signatures(others)).mean(axis=1)
    assert abs(float((estimated - exact).mean())) < 0.005
    return float(np.sqrt(((estimated - exact) ** 2).sum() / (exact * (1 - exact) / NUM_PERM).sum()))


@pytest.mark.parametrize("n_shared", [30, 60, 90, 120, 150])
def test_the_error_of_the_estimate_is_what_theory_says(n_shared: int) -> None:
    """Pairs of 170 shingles each that share as many."""
    chance = random.Random(n_shared)
    n_words = 174
    ones, others = [], []
    for _ in range(1500):
        drawn = [f"{chance.getrandbits(40):x}" for _ in range(2 * n_words)]
        ones.append(" ".join(drawn[:n_words]))
        others.append(" ".join(drawn[: n_shared + 4] + drawn[n_words : 2 * n_words - n_shared - 4]))
    assert exact_jaccard(ones[0], others[0]) == n_shared / (2 * (n_words - 4) - n_shared)
    assert relative_error(ones, others) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("script", ["latin", "cyrillic", "han"])
def test_the_error_is_the_same_for_edited_prose_of_a_small_vocabulary(script: str) -> None:
    """Words that come again and again, one in fifty to one in seven of them replaced."""
    chance = random.Random(script)
    letters_of = {"latin": "abcdefgh", "cyrillic": "абвгдежз", "han": ""}[script]
    vocabulary = [a + b + c for a in letters_of for b in letters_of for c in ("", *letters_of)] or [
        chr(0x4E00 + place) for place in range(600)
    ]
    ones, others = [], []
    for _ in range(1500):
        drawn = chance.choices(vocabulary, [1 / rank for rank in range(1, len(vocabulary) + 1)], k=150)
        share = chance.uniform(0.02, 0.15)
        edited = [chance.choice(vocabulary) if chance.random() < share else word for word in drawn]
        ones.append(" ".join(drawn))
        others.append(" ".join(edited))
    different = [i for i in range(len(ones)) if ones[i] != others[i]]
    assert relative_error([ones[i] for i in different], [others[i] for i in different]) == pytest.approx(1, abs=0.05)
