"""What of an article's text clustering needs: the content words of its lead, as hashes, and their TF-IDF vectors.

Interface beside the plain one: `vectors` returns `Vectors`, the rows together with the term each column stands for.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import TfidfTransformer
from stopwordsiso import langs, stopwords

from dedup.errors import DedupError
from dedup.text import normalise, words

_HEADER: Final = struct.Struct("<BH")
_VERSION: Final = 1
_NUMBER: Final = re.compile(r"\d[\d.,:]*\d")
_THOUSANDS: Final = re.compile(r"(?<=\d)[.,](?=\d{3}(?!\d))")
_DECIMAL: Final = re.compile(r"(?<=\d)[.,:](?=\d)")
_MOST_KNOWN_WORDS: Final = 1 << 18
_LETTERS_PER_WORD: Final = (8, 64)
"""Letters of text read for each word of the lead: enough for most, and where not, for all but the emptiest pages."""


class TermsError(DedupError):
    """Bytes that are not one article's terms."""


@dataclass(frozen=True)
class TermParams:
    """How terms are read and weighed."""

    lead_words: int = 200
    """News is told in its lead; what follows is background that sister events share."""
    min_articles: int = 2
    """A pair of words of fewer articles is left out; a single word is kept, for it may be what a later story shares."""
    max_share: float = 0.5
    """A term in a larger share of the articles tells nothing apart."""
    idf_power: float = 1.5
    """Rare terms are names of this event, and say more than idf allows."""
    background_articles: float = 50.0
    """Articles imagined beside the window that share no term with it, so that a few articles are weighed as they
    would be in a larger window: their common words stay evidence, and what only one of them says stays what sets
    it apart. A large window outweighs them, and there a term found once (a misspelling, a rare name) counts little."""


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """The content words of one article's lead, in order: `hashes`, uint32, shape (n_words,)."""

    hashes: NDArray[np.uint32]

    @property
    def n_words(self) -> int:
        """How many content words the lead has."""
        return len(self.hashes)

    def to_bytes(self) -> bytes:
        """Three bytes of header and four a word."""
        return _HEADER.pack(_VERSION, len(self.hashes)) + self.hashes.astype("<u4").tobytes()

    @classmethod
    def from_bytes(cls, packed: bytes) -> Terms:
        """The terms that `to_bytes` packed. Raises `TermsError` for other bytes or another version."""
        if len(packed) < _HEADER.size:
            raise TermsError(f"terms of {len(packed)} bytes, expected at least {_HEADER.size}")
        version, n_words = _HEADER.unpack_from(packed)
        if version != _VERSION or len(packed) != _HEADER.size + 4 * n_words:
            raise TermsError(f"terms of version {version} with {len(packed)} bytes, expected version {_VERSION}")
        return cls(np.frombuffer(packed, dtype="<u4", offset=_HEADER.size).astype(np.uint32))


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """TF-IDF `rows` (float32, shape (n_articles, n_terms)) and the term key of each column (uint64, ascending)."""

    rows: sparse.csr_matrix
    keys: NDArray[np.uint64]


def read_terms(title: str, text: str, params: TermParams) -> Terms:
    """The terms of an article of this title and body."""
    body = text[len(title) :] if title and text.startswith(title) else text
    known = _known_words()
    looked_up = [known[word] for word in _lead(f"{title}\n{body}", params.lead_words)]
    hashes, stops = zip(*looked_up, strict=True) if looked_up else ((), ())
    return Terms(np.array(hashes, dtype=np.uint32)[~_is_stop(np.array(stops, dtype="<u8"))])


def _lead(text: str, n_words: int) -> list[str]:
    """The first words of a text; 1,000 and 6.4 are one word each."""
    found: list[str] = []
    for letters in _LETTERS_PER_WORD:
        head = normalise(text[: n_words * letters])
        found = words(_NUMBER.sub(_one_word, head))
        if len(found) > n_words or len(text) <= n_words * letters:
            break
    return found[:n_words]


def _one_word(number: re.Match[str]) -> str:
    return _DECIMAL.sub("p", _THOUSANDS.sub("", number[0]))


def _is_stop(stops: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which words are stop words of the text's language, or of one that has a third as many of them in the text.

    The text's language is the one with most stop words in it; its next of kin complete short lists (Ukrainian's
    by Russian's and Bulgarian's), while words that are stop words elsewhere only (German "war") stay.
    """
    if not stops.any():
        return np.zeros(len(stops), dtype=np.bool_)
    bits = np.unpackbits(stops.view(np.uint8).reshape(-1, 8), axis=1, bitorder="little")
    found = bits.sum(axis=0, dtype=np.int64)
    return np.asarray(bits[:, 3 * found >= found.max()].any(axis=1))


class _KnownWords(dict[str, tuple[int, int]]):
    """Words met so far: each with its hash, and the languages it is a stop word of as bits."""

    def __missing__(self, word: str) -> tuple[int, int]:
        if len(self) >= _MOST_KNOWN_WORDS:
            self.clear()
        digest = hashlib.blake2b(word.encode(errors="replace"), digest_size=4).digest()
        found = self[word] = int.from_bytes(digest, "little"), _stop_words().get(word, 0)
        return found


@cache
def _known_words() -> _KnownWords:
    return _KnownWords()


@cache
def _stop_words() -> dict[str, int]:
    """Every stop word known, with one bit for each language it belongs to."""
    found: dict[str, int] = {}
    for bit, language in enumerate(sorted(langs())):
        for phrase in sorted(stopwords(language)):
            for word in words(normalise(phrase)):
                found[word] = found.get(word, 0) | 1 << bit
    return found


def vectors(terms: Sequence[Terms], params: TermParams) -> Vectors:
    """TF-IDF rows of unit length (words and pairs of consecutive words) in the order of `terms`."""
    counts, keys = _counts(terms)
    if not len(keys):
        return Vectors(counts.astype(np.float32), keys)
    frequency = np.bincount(counts.indices, minlength=counts.shape[1])
    n_imagined = len(terms) + params.background_articles
    weigher = TfidfTransformer(sublinear_tf=True, norm=None).fit(counts)
    weigher.idf_ = _weights(frequency, keys, n_imagined, params)
    kept = weigher.idf_ > 0
    return Vectors(_unit(weigher.transform(counts).tocsr()[:, kept]).astype(np.float32), keys[kept])


def _weights(
    frequency: NDArray[np.int64], keys: NDArray[np.uint64], n_imagined: float, params: TermParams
) -> NDArray[np.float64]:
    """What each term counts: a power of its smooth inverse document frequency, 0 where it tells nothing."""
    weights = (np.log((1 + n_imagined) / (1 + frequency)) + 1) ** params.idf_power
    single = frequency < params.min_articles
    weights[single] *= np.sqrt(params.background_articles / n_imagined)
    weights[single & (keys >> np.uint64(32) > 0)] = 0
    weights[frequency > params.max_share * n_imagined] = 0
    return np.asarray(weights)


def _counts(terms: Sequence[Terms]) -> tuple[sparse.csr_matrix, NDArray[np.uint64]]:
    """How often each article has each term, and the key of each column."""
    lists = [_term_keys(one.hashes) for one in terms]
    lengths = np.array([len(keys) for keys in lists], dtype=np.int64)
    flat = np.concatenate([*lists, np.zeros(0, np.uint64)])
    keys, columns = np.unique(flat, return_inverse=True)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    counts = sparse.csr_matrix((np.ones(len(flat)), columns, starts), shape=(len(terms), len(keys)))
    counts.sum_duplicates()
    return counts, keys


def _term_keys(hashes: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """The words and the pairs of consecutive words, as one kind of key."""
    wide = hashes.astype(np.uint64)
    return np.concatenate([wide, wide[:-1] << np.uint64(32) | wide[1:]])


def _unit(rows: sparse.csr_matrix) -> sparse.csr_matrix:
    """The rows scaled to length 1; an empty row stays empty."""
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    return sparse.diags_array(1 / np.where(lengths > 0, lengths, 1)).tocsr() @ rows
