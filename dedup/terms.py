"""What of an article's text clustering needs: the content words of its lead, as hashes, and their TF-IDF vectors.

Interface beside the plain one: `vectors` returns `Vectors`, the rows together with the term each column stands for.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dedup.cues import NAME, NO_CUES, NUMBER, Cues, CuesError, pack_cues
from dedup.errors import DedupError
from dedup.frequencies import NO_FREQUENCIES, Frequencies, pair_keys
from dedup.history import History
from dedup.lead import Leads
from dedup.shingle import packed_arrays, split, spread
from dedup.vocabulary import Vocabulary

_HEADER: Final = struct.Struct("<BH")
_VERSION: Final = 3
_SLOT_BITS: Final = 24


class TermsError(DedupError):
    """Bytes that are not one article's terms."""


@dataclass(frozen=True)
class TermParams:
    """How terms are read and weighed."""

    lead_words: int = 200
    """News is told in its lead; what follows is background that sister events share."""
    cue_words: int = 300
    """Words of an article that are read for cues: which round a text tells may be said further down. 0: nothing is read
    for clustering, of the title neither; near-duplicates are found all the same."""
    min_articles: int = 2
    """A pair of words of fewer articles is left out; a single word is kept, for it may be what a later story shares."""
    max_share: float = 0.5
    """A term in a larger share of the articles tells nothing apart..."""
    common_articles: int = 1000
    common_share: float = 0.02
    """... nor does one in more than so many articles and in a larger share than this: what a whole stream says. Without
    such terms the work on a window grows with the number of its articles, and not with their square."""
    idf_power: float = 1.5
    """Rare terms are names of this event, and say more than idf allows."""
    name_weight: float = 1.5
    """How much more a word counts that is written with a capital in so large a share of its articles as is named here:
    people, places, companies. A pair of words takes the geometric mean of its words."""
    name_share: float = 0.4
    background_articles: float = 50.0
    """Articles imagined beside the window that share no term with it, so that a few articles are weighed as they
    would be in a larger window: their common words stay evidence, and what only one of them says stays what sets
    it apart. A large window outweighs them, and there a term found once (a misspelling, a rare name) counts little.
    """
    least_articles: float = 300.0
    """So many more are imagined that the window is weighed as one of so many, at least: ten articles on one affair
    would else look as if what all of them say told nothing."""
    later_days: float = 14.0
    """An article of an archive is weighed by what had been told so many days after it, as if a window of so many days
    had passed over it. What becomes common years later was rare when it was news..."""
    least_told: int = 1000
    """... and by no less than the first so many articles: fewer do not tell a common word from a rare one."""


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """The content words of one article's lead, in order, by their stems, and its cues.

    `hashes`: uint32, shape (n_words,). `marks`: uint8, shape (n_words,), sums of `dedup.cues.NAME` and its like.
    """

    hashes: NDArray[np.uint32]
    marks: NDArray[np.uint8]
    cues: Cues

    @property
    def n_words(self) -> int:
        """How many content words the lead has."""
        return len(self.hashes)

    def to_bytes(self) -> bytes:
        """As `pack_terms` packs many."""
        return pack_terms([self])[0]

    @classmethod
    def from_bytes(cls, packed: bytes) -> Terms:
        """The terms that `pack_terms` packed. Raises `TermsError` for other bytes or another version."""
        if len(packed) < _HEADER.size:
            raise TermsError(f"terms of {len(packed)} bytes, expected at least {_HEADER.size}")
        version, n_words = _HEADER.unpack_from(packed)
        end = _HEADER.size + 4 * n_words
        if version != _VERSION or len(packed) < end + (n_words + 1) // 2:
            raise TermsError(f"terms of version {version} with {len(packed)} bytes, expected version {_VERSION}")
        paired = np.frombuffer(packed, np.uint8, (n_words + 1) // 2, end)
        marks = np.column_stack([paired & np.uint8(15), paired >> np.uint8(4)]).ravel()[:n_words]
        hashes = np.frombuffer(packed, "<u4", n_words, _HEADER.size).astype(np.uint32)
        try:
            return cls(hashes, marks, Cues.from_bytes(packed[end + (n_words + 1) // 2 :]))
        except CuesError as error:
            raise TermsError(f"terms of {len(packed)} bytes: {error}") from error


NO_TERMS: Final = Terms(np.zeros(0, np.uint32), np.zeros(0, np.uint8), NO_CUES)
"""Of an article that tells nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """TF-IDF `rows` (float32, shape (n_articles, n_terms)), and the terms that their columns stand for.

    `told`: of an archive, for each entry in how many articles its term had been by when its article was weighed, of the
    shape of `rows`; None of a window.
    """

    rows: sparse.csr_matrix
    vocabulary: Vocabulary
    told: sparse.csr_matrix | None = None


def pack_terms(terms: Sequence[Terms]) -> list[bytes]:
    """The terms of each article: three bytes of header, four and a half a word, and the cues."""
    hashes = packed_arrays([one.hashes for one in terms], "<u4")
    return [
        _HEADER.pack(_VERSION, one.n_words) + own + marks + cues
        for one, own, marks, cues in zip(
            terms, hashes, _paired([one.marks for one in terms]), pack_cues([one.cues for one in terms]), strict=True
        )
    ]


def _paired(marks: Sequence[NDArray[np.uint8]]) -> list[bytes]:
    """The marks of each article, those of two words in a byte."""
    odd = np.zeros(1, np.uint8)
    wide = np.concatenate([odd[:0], *(part for own in marks for part in (own, odd[: len(own) % 2]))])
    narrow = (wide[::2] | wide[1::2] << np.uint8(4)).tobytes()
    ends = list(accumulate((len(own) + 1) // 2 for own in marks))
    return [narrow[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def read_terms(leads: Leads, marks: NDArray[np.uint8], cues: Sequence[Cues], params: TermParams) -> list[Terms]:
    """The terms of each lead, of the marks of its words and its cues (`dedup.cues.read_cues`)."""
    rank = np.arange(len(leads.words)) - np.repeat(np.cumsum(leads.counts) - leads.counts, leads.counts)
    kept = ~leads.is_stop & (rank < params.lead_words)
    hashes = (leads.stems >> np.uint64(32)).astype(np.uint32)[kept]
    n_kept = np.diff(np.concatenate([[0], np.cumsum(kept)])[np.cumsum(leads.counts)], prepend=0)
    parts = split(hashes, n_kept), split(marks[kept], n_kept)
    return [Terms(own, own_marks, own_cues) for own, own_marks, own_cues in zip(*parts, cues, strict=True)]


def make_vocabulary(terms: Sequence[Terms], params: TermParams, before: Frequencies = NO_FREQUENCIES) -> Vocabulary:
    """The vocabulary of these articles.

    `before` are the document frequencies of what was told earlier: a term counts as if those articles were here, too.
    """
    said = _Said.of(terms)
    counts, columns = _counts(said, before, params)
    every = columns.vocabulary(said, counts, before, params)
    return every.at(every.is_kept(params.min_articles))


def vectors(terms: Sequence[Terms], params: TermParams, published_days: NDArray[np.float64] | None = None) -> Vectors:
    """TF-IDF rows of unit length (words and pairs of consecutive words) in the order of `terms`, and the vocabulary
    that they make.

    With `published_days` (nan where undated), the terms are those of an archive, and each article is weighed by what
    had been told by `later_days` after it, if not by `least_told`; nothing is told before an archive.
    """
    said = _Said.of(terms)
    counts, columns = _counts(said, NO_FREQUENCIES, params)
    history = None if published_days is None else History.of(published_days, params.later_days, params.least_told)
    if history is not None and not history.is_known:
        return _as_told(said, counts, columns, history, params)
    every = columns.vocabulary(said, counts, NO_FREQUENCIES, params)
    kept = every.is_kept(params.min_articles)
    vocabulary = every.at(kept)
    return Vectors(_weighed(counts[:, kept], term_weights(vocabulary, params)), vocabulary)


def _as_told(
    said: _Said, counts: sparse.csr_matrix, columns: _Columns, history: History, params: TermParams
) -> Vectors:
    """The rows of an archive, each weighed by what counts for it."""
    once = sparse.csr_matrix((np.ones(len(counts.data)), counts.indices, counts.indptr), shape=counts.shape)
    told, keys = history.summed(once), columns.keys
    weights = _weights(told.data, np.repeat(history.n_articles, np.diff(counts.indptr)), params)
    weights[(told.data < params.min_articles) & (keys[counts.indices] >> np.uint64(32) > 0)] = 0
    weights *= params.name_weight ** _name_shares(said, counts, columns, history, params)
    data = (np.log(counts.data) + 1) * weights
    rows = sparse.csr_matrix((data, counts.indices.copy(), counts.indptr.copy()), shape=counts.shape)
    told.data[weights == 0] = 0
    told.eliminate_zeros()
    rows.eliminate_zeros()
    every = columns.vocabulary(said, rows, NO_FREQUENCIES, params)
    kept = every.counts > 0
    rows = _unit(rows[:, kept]).astype(np.float32)
    rows.sort_indices()
    return Vectors(rows, every.at(kept), told[:, kept].astype(np.int32))


def _name_shares(
    said: _Said, counts: sparse.csr_matrix, columns: _Columns, history: History, params: TermParams
) -> NDArray[np.float64]:
    """How much of the term of each entry is a name, by what counts for its article: 1, or .5 for one word of two."""
    n_words, shape = len(said.words), (said.n_articles, len(said.words))
    named = (said.marks & np.uint8(NAME) > 0).astype(np.float64)
    marked, every = (
        history.summed(sparse.coo_matrix((data, (said.owners, said.places)), shape=shape).tocsr())
        for data in (named, np.ones(len(named)))
    )
    often = marked.data > params.name_share * every.data
    places = np.repeat(np.arange(said.n_articles), np.diff(every.indptr)) * n_words + every.indices
    owners = np.repeat(np.arange(said.n_articles), np.diff(counts.indptr)) * n_words
    words = np.arange(n_words)
    first, second = (np.concatenate([words, one])[counts.indices] for one in (columns.firsts, columns.seconds))
    one, other = (often[np.searchsorted(places, owners + word)] for word in (first, second))
    return np.asarray((one.astype(np.float64) + other) / 2)


def vectors_by(terms: Sequence[Terms], vocabulary: Vocabulary, params: TermParams) -> Vectors:
    """TF-IDF rows by a vocabulary made earlier: each row depends on its own terms alone, and is the very row of
    `vectors` where the article was among those that made the vocabulary.

    What the vocabulary does not have is in no column: a word is taken for one that no other article says, a pair of
    words for nothing.
    """
    said = _Said.of(terms)
    places, is_known = vocabulary.places(said.words.astype(np.uint64))
    known = is_known[said.places]
    rows, columns = [said.owners[known]], [places[said.places[known]]]
    together = np.flatnonzero(said.owners[1:] == said.owners[:-1])
    one, other = (said.words[said.places[place]] for place in (together, together + 1))
    places, is_known = vocabulary.places(pair_keys(one, other))
    rows.append(said.owners[together[is_known]])
    columns.append(places[is_known])
    counts = _added_up(np.concatenate(rows), np.concatenate(columns), (said.n_articles, len(vocabulary.keys)))
    alone = _added_up(said.owners[~known], said.places[~known], (said.n_articles, len(said.words)))
    alone.data = (_weights(np.ones(1, np.int64), vocabulary.n_articles, params) * (1 + np.log(alone.data))) ** 2
    unknown = np.asarray(alone.sum(axis=1)).ravel()
    return Vectors(_weighed(counts, term_weights(vocabulary, params), unknown), vocabulary)


def term_weights(vocabulary: Vocabulary, params: TermParams) -> NDArray[np.float64]:
    """What each term of a vocabulary counts, 0 where it tells nothing: float64, shape (n_terms,)."""
    weights = _weights(vocabulary.counts.astype(np.int64), vocabulary.n_articles, params)
    return weights * params.name_weight**vocabulary.names


def _weighed(
    counts: sparse.csr_matrix, weights: NDArray[np.float64], unknown: NDArray[np.float64] | None = None
) -> sparse.csr_matrix:
    """Rows of unit length of how often each term is said; `unknown` are squares that count for the lengths alone."""
    weighed = counts.astype(np.float64)
    weighed.data = (np.log(weighed.data) + 1) * weights[weighed.indices]
    weighed.eliminate_zeros()
    return _unit(weighed, unknown).astype(np.float32)


def _added_up(rows: NDArray[np.int64], columns: NDArray[np.int64], shape: tuple[int, int]) -> sparse.csr_matrix:
    """How often each column is named with each row."""
    counts = sparse.coo_matrix((np.ones(len(rows)), (rows, columns)), shape=shape).tocsr()
    counts.sort_indices()
    return counts


@dataclass(frozen=True, slots=True, eq=False)
class _Said:
    """The content words of many articles, one after the other: `words` are all there are (uint32, ascending), `places`
    says which each is, `marks` are theirs, and `owners` the articles that they are of.
    """

    words: NDArray[np.uint32]
    places: NDArray[np.int64]
    marks: NDArray[np.uint8]
    owners: NDArray[np.int64]
    n_articles: int

    @classmethod
    def of(cls, terms: Sequence[Terms]) -> _Said:
        hashes = np.concatenate([np.zeros(0, np.uint32), *(one.hashes for one in terms)])
        marks = np.concatenate([np.zeros(0, np.uint8), *(one.marks for one in terms)])
        words, places = np.unique(hashes, return_inverse=True)
        owners = np.repeat(np.arange(len(terms)), [one.n_words for one in terms])
        return cls(words, places.astype(np.int64), marks, owners, len(terms))


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """The terms that columns stand for: all `words`, and after them pairs of words by their places among these."""

    words: NDArray[np.uint32]
    firsts: NDArray[np.int64]
    seconds: NDArray[np.int64]

    @property
    def keys(self) -> NDArray[np.uint64]:
        pairs = pair_keys(self.words[self.firsts], self.words[self.seconds])
        return np.concatenate([self.words.astype(np.uint64), pairs])

    def vocabulary(self, said: _Said, counts: sparse.csr_matrix, before: Frequencies, params: TermParams) -> Vocabulary:
        """All of them, in as many articles as they have entries in `counts`, and in those told before."""
        keys = self.keys
        frequency = np.bincount(counts.indices, minlength=len(keys)) + before.of(keys)
        names, numbers = (self.marked(said, mark, share) for mark, share in ((NAME, params.name_share), (NUMBER, 0)))
        n_articles = said.n_articles + before.n_articles
        return Vocabulary(n_articles, keys, frequency.astype(np.uint32), names, numbers > 0)

    def marked(self, said: _Said, mark: int, share: float) -> NDArray[np.float64]:
        """How much of each term has this mark in more than this share of occurrences: 1, or .5 for one word of two."""
        counts = np.bincount(said.places, minlength=len(self.words))
        often = np.bincount(said.places, said.marks & np.uint8(mark) > 0, len(self.words)) > share * counts
        return np.concatenate([often.astype(float), (often[self.firsts].astype(float) + often[self.seconds]) / 2])


def _counts(said: _Said, before: Frequencies, params: TermParams) -> tuple[sparse.csr_matrix, _Columns]:
    """How often each article has each term, and what the columns stand for; of pairs those that may be said by enough
    articles, the earlier ones among them.
    """
    n_words = len(said.words)
    together = np.flatnonzero(said.owners[1:] == said.owners[:-1])
    pairs = said.places[together] * n_words + said.places[together + 1]
    shared = _may_be_repeated(pairs) if params.min_articles > 1 else np.ones(len(pairs), np.bool_)
    if before.n_articles:
        one, other = (said.words[said.places[place]] for place in (together, together + 1))
        shared |= before.of(pair_keys(one, other)) > 0
    told, which = np.unique(pairs[shared], return_inverse=True)
    columns = np.concatenate([said.places, n_words + which])
    rows = np.concatenate([said.owners, said.owners[together[shared]]])
    counts = _added_up(rows, columns, (said.n_articles, n_words + len(told)))
    return counts, _Columns(said.words, *np.divmod(told, max(1, n_words)))


def _may_be_repeated(pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of these numbers are there more than once, and a few others: most pairs of words are said once, and need
    not be sorted to know it.
    """
    slots = spread(pairs.astype(np.uint64), _SLOT_BITS)
    return np.asarray(np.bincount(slots, minlength=1)[slots] > 1)


def _weights(
    frequency: NDArray[np.int64], n_articles: int | NDArray[np.int64], params: TermParams
) -> NDArray[np.float64]:
    """What a term of so many of these articles counts, names aside: a power of its smooth inverse document frequency, 0
    where it tells nothing.
    """
    imagined = np.maximum(params.background_articles, params.least_articles - n_articles)
    n_imagined = n_articles + imagined
    weights = (np.log((1 + n_imagined) / (1 + frequency)) + 1) ** params.idf_power
    single = frequency < params.min_articles
    weights = np.where(single, weights * np.sqrt(imagined / n_imagined), weights)
    common = np.maximum(params.common_articles, params.common_share * n_articles)
    weights[frequency > np.minimum(params.max_share * n_imagined, common)] = 0
    return np.asarray(weights)


def _unit(rows: sparse.csr_matrix, unknown: NDArray[np.float64] | None = None) -> sparse.csr_matrix:
    """The rows scaled to length 1, with squares that count for lengths alone; an empty row stays empty."""
    squares = np.asarray(rows.multiply(rows).sum(axis=1)).ravel()
    lengths = np.sqrt(squares if unknown is None else squares + unknown)
    return sparse.diags_array(1 / np.where(lengths > 0, lengths, 1)).tocsr() @ rows
