"""What of an article's text clustering needs: the content words of its lead, as hashes, and their TF-IDF vectors.

Interface beside the plain one: `vectors` returns `Vectors`, the rows together with the term each column stands for.
"""

from __future__ import annotations

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
from dedup.shingle import KnownWords, split, word_hashes
from dedup.text import normalise

_HEADER: Final = struct.Struct("<BH")
_VERSION: Final = 1
_IN_NUMBER: Final = re.compile(r"[.,:](?=\d)(?<=\d.)(?:(?<=[.,])(?=\d{3}(?!\d))|())")
"""A mark between digits; with a group where it is no mark of thousands."""
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


def read_terms(titles: Sequence[str], bodies: Sequence[str], params: TermParams) -> list[Terms]:
    """The terms of articles of these titles and bodies, each of which `dedup.text.normalise` has been through."""
    texts = [f"{title}\n{_after(title, body)}" for title, body in zip(titles, bodies, strict=True)]
    leads = _leads(texts, params.lead_words)
    counts = np.array([len(lead) for lead in leads], np.int64)
    flat = np.concatenate([*leads, np.zeros(0, np.uint64)])
    kept = ~_are_stop(flat, counts)
    hashes = (flat >> np.uint64(32)).astype(np.uint32)
    return [Terms(own[own_kept]) for own, own_kept in zip(split(hashes, counts), split(kept, counts), strict=True)]


def _after(title: str, body: str) -> str:
    """The body without the title that many feeds put at its head."""
    return body[len(title) :] if title and body.startswith(title) else body


def _leads(texts: Sequence[str], n_words: int) -> list[NDArray[np.uint64]]:
    """The hashes of the first words of each text; 1,000 and 6.4 are one word each."""
    leads: list[NDArray[np.uint64]] = [np.zeros(0, np.uint64)] * len(texts)
    waiting = list(range(len(texts)))
    for letters in _LETTERS_PER_WORD:
        n_read = n_words * letters
        hashes, counts = word_hashes([_IN_NUMBER.sub(_joined, texts[i][:n_read]) for i in waiting])
        for i, own in zip(waiting, split(hashes, counts), strict=True):
            leads[i] = own[:n_words]
        short = (counts <= n_words).tolist()
        waiting = [i for i, is_short in zip(waiting, short, strict=True) if is_short and len(texts[i]) > n_read]
    return leads


def _joined(mark: re.Match[str]) -> str:
    """What a mark in a number becomes, so that the number is one word however it is grouped."""
    return "" if mark[1] is None else "p"


def _are_stop(words: NDArray[np.uint64], counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which words are stop words of their text's language, or of one that has a third as many of them in the text.

    `words` are those of all texts, `counts` how many are of each. The text's language is the one with most stop words
    in it; its next of kin complete short lists (Ukrainian's by Russian's and Bulgarian's), while words that are stop
    words elsewhere only (German "war") stay.
    """
    is_stop = np.zeros(len(words), np.bool_)
    known, languages_of = _stop_words()
    places, entries = known.find(words)
    if not len(places):
        return is_stop
    languages = languages_of[entries]
    text = np.repeat(np.arange(len(counts)), counts)[places]
    bits = np.unpackbits(languages.view(np.uint8).reshape(-1, 8), axis=1, bitorder="little")
    starts = np.unique(text, return_index=True)[1]
    found = np.add.reduceat(bits, starts, axis=0, dtype=np.uint32)
    spoken = 3 * found >= found.max(axis=1, keepdims=True)
    masks = np.packbits(spoken, axis=1, bitorder="little").view("<u8").ravel()
    is_stop[places] = languages & np.repeat(masks, np.diff([*starts, len(text)])) != 0
    return is_stop


@cache
def _stop_words() -> tuple[KnownWords, NDArray[np.uint64]]:
    """All stop words known, and the languages of each, one bit a language."""
    found: dict[int, int] = {}
    for bit, language in enumerate(sorted(langs())):
        hashes, _ = word_hashes([normalise(phrase) for phrase in sorted(stopwords(language))])
        for word in hashes.tolist():
            found[word] = found.get(word, 0) | 1 << bit
    known = KnownWords.of(np.array(list(found), np.uint64), table_bits=18)
    return known, np.array([found[word] for word in known.hashes.tolist()], "<u8")


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
