"""Languages of texts, as far as reading depends on them: which words are stop words, and whether words are inflected.

Interface: `read_languages` of the words of a whole batch of texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from stopwordsiso import langs, stopwords

from dedup.compiled import compiled
from dedup.shingle import KnownWords, word_hashes
from dedup.text import normalise

INFLECTED: Final = frozenset(
    {
        "bg", "ca", "cs", "da", "de", "el", "es", "et", "fi", "fr", "gl", "hr", "hu", "hy", "it", "lt", "lv", "nl",
        "no", "pl", "pt", "ro", "ru", "sk", "sl", "sv", "tr", "uk",
    }
)  # fmt: skip
"""Languages in which the end of a word changes with what it does in the sentence, more than in English."""
_LEAST_STOPS: Final = (1 / 8, 1 / 24)
"""Share of a text's words that are stop words of such a language, at least, for it to be in one: where all its letters
are plain, and where some are not. Of German, French, Spanish and Italian words two fifths are stop words, of Turkish
ones a tenth; of English headlines without any stop words one in a hundred has a ninth in some other language."""
_INFLECTED_LETTERS: Final = (b"\xce", b"\xcf", b"\xd0", b"\xd1")
"""First bytes, of two, of Greek and Cyrillic letters: languages written in these inflect."""


_N_COUNTERS: Final = 64
"""Languages that are counted, bits of a number: there are stop words of fewer."""


def read_languages(
    words: NDArray[np.uint64], counts: NDArray[np.int64], texts: Sequence[str]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which words are stop words (shape (n words of all texts,)), and which texts are in a language that inflects
    (shape (n texts,)); `counts` are the words of each.

    A stop word is one of its text's language, or of one that has a third as many of them in the text. The text's
    language is the one with most stop words in it; its next of kin complete short lists (Ukrainian's by Russian's and
    Bulgarian's), while words that are stop words elsewhere only (German "war") stay.
    """
    is_stop = np.zeros(len(words), np.bool_)
    inflects = np.array([_is_of_inflected_letters(text) for text in texts], np.bool_)
    least = np.where([text.isascii() for text in texts], *_LEAST_STOPS) * counts
    known, languages_of = _stop_words()
    places, entries = known.find(words)
    text, languages = np.repeat(np.arange(len(counts)), counts)[places], languages_of.take(entries)
    found = _count_languages(languages, text, len(counts))
    spoken = 3 * found >= found.max(axis=1, keepdims=True)
    masks = np.packbits(spoken, axis=1, bitorder="little").view("<u8").ravel()
    is_stop[places] = languages & masks.take(text) != 0
    of_inflected = _are_inflected()
    most, others = found[:, of_inflected].max(axis=1), found[:, ~of_inflected].max(axis=1)
    inflects |= (most > others) & (most >= least)
    return is_stop, inflects


@compiled
def _count_languages(languages: NDArray[np.uint64], text: NDArray[np.int64], n_texts: int) -> NDArray[np.int32]:
    """How many stop words of each language each text has: int32, shape (n_texts, 64). `languages` and `text`: those of
    each stop word.
    """
    found = np.zeros((n_texts, _N_COUNTERS), np.int32)
    for i in range(len(languages)):
        own = found[text[i]]
        for bit in range(_N_COUNTERS):
            own[bit] += np.int32(languages[i] >> np.uint64(bit) & np.uint64(1))
    return found


def _is_of_inflected_letters(text: str) -> bool:
    """Whether most of a text is in letters that such languages alone are written in."""
    if text.isascii():
        return False
    encoded = text.encode(errors="surrogatepass")
    return 4 * sum(map(encoded.count, _INFLECTED_LETTERS)) > len(encoded)


@cache
def _stop_words() -> tuple[KnownWords, NDArray[np.uint64]]:
    """All stop words known, and the languages of each, one bit a language: uint64, shape (n_words,)."""
    found: dict[int, int] = {}
    for bit, language in enumerate(sorted(langs())):
        hashes, _ = word_hashes([normalise(phrase) for phrase in sorted(stopwords(language))])
        for word in hashes.tolist():
            found[word] = found.get(word, 0) | 1 << bit
    known = KnownWords.of(np.array(list(found), np.uint64), table_bits=18)
    return known, np.array([found[word] for word in known.hashes.tolist()], np.uint64)


@cache
def _are_inflected() -> NDArray[np.bool_]:
    """Which of the languages with stop words are `INFLECTED`, as many as a word has counters."""
    named = [language in INFLECTED for language in sorted(langs())]
    return np.array(named + [False] * (_N_COUNTERS - len(named)), np.bool_)
