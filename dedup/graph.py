"""The sparse graph of articles that may be on one story: how far apart any two are that share terms.

Interface: `neighbour_graph` of a window; or step by step, so that a window can move: `Index.of` its articles,
`index.without` those that left it, `index.appended` of those that come, `find_pairs` of all articles with those from a
number on, `strongest` of the pairs found so far and the new ones, and `graph_of` what is left. Both ways give the same
graph, if an article that has lost one of `max_neighbours` is taken out and comes anew:

1. A pair's similarity is a function of its two rows, lengths and days; it does not matter with which others, and in
   which order, they are compared.
2. Of an article's pairs the `max_neighbours` of the greatest similarity are kept; ties go to the article published
   first (undated ones last), then to the lower number. So the strongest of all pairs are the strongest among those kept
   so far and the new ones.
3. A pair is in the graph if either article keeps it and they share `min_shared_terms`.

No two articles are compared that share common words only: a row is cut in a head of rare terms and a rest, and where
the lengths of two rests (Cauchy and Schwarz) are too small for what is asked at the days between them, the products of
the heads say which pairs have to be computed (the bound of Bayardo, Ma and Srikant, Scaling up all pairs similarity
search, 2007, for rests on both sides).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dedup.compiled import compiled
from dedup.products import Rows

_SEGMENT_ROWS: Final = (256, 2048)
"""Rows of a segment, the fewest and the most: as many as there are in one standard deviation of the time kernel, so
that most segments are too far apart to be compared; sums over so many columns stay in a core's own cache."""
_LEAST_FREQUENT: Final = 16
"""Articles that a term of the shortest heads has at most; every next level doubles that."""
_LONG_RESTS: Final = 0.02
"""Rows whose rests may be too long for any bound; they are compared by all terms, in segments of their own."""
_SLACK: Final = 1e-4
"""More than heads computed in single precision are off by."""
_NEVER: Final = 1e-100
"""A time kernel at which nothing is similar."""
_MOST_SMALL: Final = 32
"""Segments of fewer rows than the fewest that there may be before they are put together."""
_PAIRS_HELD: Final = 4_000_000
"""Pairs found from which on they are thinned to the strongest."""


@dataclass(frozen=True)
class GraphParams:
    """What makes two articles neighbours."""

    sigma_days: float = 2.0
    """Standard deviation of the time kernel: outlets tell one event within days, rounds come weeks apart."""
    noise_words: float = 300.0
    """Content words of an article that are not about its event; see `reliability`."""
    min_similarity: float = 0.25
    """Corrected similarity under which two articles share nothing that counts."""
    min_shared_terms: int = 4
    """Articles that share fewer terms (a word is one, a pair of words another) are alike by accident. In short texts
    and small windows, where no frequency tells a common word from a telling one, it takes two words to be so."""
    max_neighbours: int = 30
    """Most neighbours an article brings into the graph."""
    min_words: float = 5.0
    """Articles shorter than this are corrected as if they had so many words."""


def reliability(n_words: NDArray[np.float64], params: GraphParams) -> NDArray[np.float64]:
    """The cosine expected of two articles of this length on one story: L / (L + L0)."""
    length = np.maximum(n_words, params.min_words)
    return length / (length + params.noise_words)


def time_kernel(gap_days: NDArray[np.float64], params: GraphParams) -> NDArray[np.float64]:
    """A Gaussian on the days between two publications; 1 where either is undated (nan)."""
    return np.exp(-(np.nan_to_num(gap_days) ** 2) / (2 * params.sigma_days**2))


def neighbour_graph(
    rows: sparse.csr_matrix, n_words: NDArray[np.float64], published_days: NDArray[np.float64], params: GraphParams
) -> sparse.csr_matrix:
    """Distances in (0, 1) between neighbours: symmetric, float64, shape (n, n); no entry means distance 1.

    `rows` are unit TF-IDF rows, `n_words` the content words behind them, `published_days` days since any
    epoch, nan where undated. Distance is 1 / (1 + similarity).
    """
    return graph_of(find_pairs(Index.of(rows, n_words, published_days, params)), len(published_days))


def same_kind(graph: sparse.csr_matrix, published_days: NDArray[np.float64]) -> sparse.csr_matrix:
    """The graph without the edges between dated and undated articles.

    An undated article is near in time to all, and would tie articles together that are weeks apart.
    """
    dated = np.isfinite(published_days)
    kept = np.repeat(dated, np.diff(graph.indptr)) == dated[graph.indices]
    ends = np.concatenate([np.zeros(1, graph.indptr.dtype), np.cumsum(kept, dtype=graph.indptr.dtype)])
    return sparse.csr_matrix((graph.data[kept], graph.indices[kept], ends[graph.indptr]), shape=graph.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Articles by number with others that are similar to them, each pair in both directions unless thinned.

    `left`, `right`: int32; `similarity`: float64, after the kernel; `is_enough`: bool, they share enough terms. All of
    shape (n_pairs,).
    """

    left: NDArray[np.int32]
    right: NDArray[np.int32]
    similarity: NDArray[np.float64]
    is_enough: NDArray[np.bool_]

    @classmethod
    def of(cls, parts: list[Pairs]) -> Pairs:
        """All of these."""
        empty = np.zeros(0, np.int32)
        every = [cls(empty, empty, np.zeros(0), np.zeros(0, np.bool_)), *parts]
        return cls(
            np.concatenate([one.left for one in every]),
            np.concatenate([one.right for one in every]),
            np.concatenate([one.similarity for one in every]),
            np.concatenate([one.is_enough for one in every]),
        )

    def at(self, places: NDArray[np.int64] | NDArray[np.bool_]) -> Pairs:
        """Those at these places."""
        return Pairs(self.left[places], self.right[places], self.similarity[places], self.is_enough[places])

    def mirrored(self) -> Pairs:
        """The same the other way round."""
        return Pairs(self.right, self.left, self.similarity, self.is_enough)


@dataclass(frozen=True, slots=True, eq=False)
class _Segment:
    """Some rows of an index, near in time: `numbers` (int64) and `days` of the articles, their `rows` with the rarest
    terms first, up to each cut (float32), and how long each row is from each cut on: float64, shape (n_rows, n_cuts).
    """

    numbers: NDArray[np.int64]
    days: NDArray[np.float64]
    rows: sparse.csr_matrix
    rests: NDArray[np.float64]

    @property
    def longest(self) -> NDArray[np.float64]:
        """The longest rest at each cut."""
        return np.asarray(self.rests.max(axis=0))

    def gap(self, other: _Segment) -> float:
        """The fewest days between an article here and one there; 0 if any is undated."""
        gap = max(other.days.min() - self.days.max(), self.days.min() - other.days.max(), 0.0)
        return 0.0 if np.isnan(gap) else float(gap)


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """Articles by number, laid out so that those similar to others are found.

    `rows`: theirs, which an index shares with the one that it was made of, so only the last of several can be appended
    to; `scales`: what they are multiplied with, one over the roots of the reliabilities. `places`: for each term its
    place in the order of rising frequency, as it was when the index was made; `cuts`: places at which rows are cut into
    head and rest, 0 first, `levels` (int8) the last cut that is not after a term's place, `base` the one of `cuts` at
    which few rests are long. `is_here`: which articles have not left.
    """

    rows: Rows
    scales: NDArray[np.float64]
    days: NDArray[np.float64]
    params: GraphParams
    places: NDArray[np.int32]
    levels: NDArray[np.int8]
    cuts: NDArray[np.int64]
    base: int
    segments: tuple[_Segment, ...]
    is_here: NDArray[np.bool_]

    @classmethod
    def of(
        cls, rows: sparse.csr_matrix, n_words: NDArray[np.float64], days: NDArray[np.float64], params: GraphParams
    ) -> Index:
        """That of articles numbered from 0; the arguments are those of `neighbour_graph`."""
        frequency = np.bincount(rows.indices, minlength=rows.shape[1])
        return cls.empty(frequency, params).appended(rows, n_words, days)

    @classmethod
    def empty(cls, frequency: NDArray[np.int64], params: GraphParams) -> Index:
        """One without articles, for terms of which about so many articles have each: int64, shape (n_terms,)."""
        n_terms = len(frequency)
        order = np.argsort(frequency, kind="stable")
        places = np.empty(n_terms, np.int32)
        places[order] = np.arange(n_terms, dtype=np.int32)
        levels = _LEAST_FREQUENT << np.arange(32, dtype=np.int64)
        inner = {*np.searchsorted(frequency[order], levels, side="right").tolist()} - {0, n_terms}
        cuts = np.array([0, *sorted(inner), n_terms])
        levels = np.searchsorted(cuts[1:-1], places, side="right").astype(np.int8)
        nothing = Rows.of(sparse.csr_matrix((0, n_terms), dtype=np.float32))
        return cls(nothing, np.zeros(0), np.zeros(0), params, places, levels, cuts, 0, (), np.zeros(0, np.bool_))

    def appended(self, rows: sparse.csr_matrix, n_words: NDArray[np.float64], days: NDArray[np.float64]) -> Index:
        """The index with more articles, numbered on, whose rows have the same columns."""
        ordered, first = rows if rows.has_sorted_indices else rows.sorted_indices(), len(self.days)
        self.rows.append(ordered)
        scales = reliability(n_words, self.params) ** -0.5
        placed, rests = self.placed(ordered, scales)
        grown = replace(
            self,
            scales=np.concatenate([self.scales, scales]),
            days=np.concatenate([self.days, days]),
            is_here=np.concatenate([self.is_here, np.ones(len(days), np.bool_)]),
            base=self.base if first else self._base(rests),
        )
        fresh = _segments(grown, np.arange(first, first + len(days)), placed, rests)
        return replace(grown, segments=(*self.segments, *fresh))

    def _base(self, rests: NDArray[np.float64]) -> int:
        """The cut at which few of these rests are long."""
        is_long = rests >= _most_rest(self.params)
        return int(np.argmax(is_long.sum(axis=0) <= _LONG_RESTS * len(rests)))

    def without(self, numbers: NDArray[np.int64]) -> Index:
        """The index where these articles are found no more; the others keep their numbers."""
        is_here = self.is_here.copy()
        is_here[numbers] = False
        return replace(self, is_here=is_here)

    def tidied(self) -> Index:
        """The same with small segments put together, where there are many of them."""
        small = [len(one.numbers) < _SEGMENT_ROWS[0] for one in self.segments]
        if sum(small) < _MOST_SMALL:
            return self
        kept = [one for one, is_small in zip(self.segments, small, strict=True) if not is_small]
        loose = np.concatenate([one.numbers for one, is_small in zip(self.segments, small, strict=True) if is_small])
        return self.segmented(np.sort(loose[self.is_here[loose]]), kept)

    def segmented(self, numbers: NDArray[np.int64], segments: Sequence[_Segment]) -> Index:
        """The index with these segments, and after them those that these articles make."""
        fresh = _segments(self, numbers, *self.placed(self.rows.at(numbers), self.scales[numbers]))
        return replace(self, segments=(*segments, *fresh))

    def placed(
        self, rows: sparse.csr_matrix, scales: NDArray[np.float64]
    ) -> tuple[sparse.csr_matrix, NDArray[np.float64]]:
        """Rows as a `_Segment` has them, and their rests."""
        data, indices, rests = _placed(
            rows.data, rows.indices, rows.indptr, scales, self.places, self.levels, len(self.cuts)
        )
        return sparse.csr_matrix((data, indices, rows.indptr), shape=rows.shape), rests


def find_pairs(index: Index, since: int = 0) -> Pairs:
    """The strongest pairs in which at least one article has a number from `since` on."""
    found = Pairs.of([])
    waiting: list[Pairs] = []
    fresh = [i for i, segment in enumerate(index.segments) if segment.numbers.max() >= since]
    for i in fresh:
        columns = index.segments[i].rows.T.tocsr()
        parts = [_likely(segment, index.segments[i], columns, index) for segment in index.segments[: i + 1]]
        one, other = (np.concatenate(side) for side in zip(*parts, strict=True))
        here = index.is_here[one] & index.is_here[other]
        one, other = one[here], other[here]
        order = np.argsort(other, kind="stable")
        pairs = _similar(other[order], one[order], index)
        waiting += [pairs, pairs.mirrored()]
        if sum(len(one.left) for one in waiting) > _PAIRS_HELD:
            found, waiting = strongest(Pairs.of([found, *waiting]), index), []
    return strongest(Pairs.of([found, *waiting]), index)


def strongest(pairs: Pairs, index: Index) -> Pairs:
    """Of each article's pairs the strongest `max_neighbours` (rule 2), in the order given."""
    rank = np.empty(len(index.days), np.int64)
    rank[np.argsort(index.days, kind="stable")] = np.arange(len(index.days))
    ranks, most = rank[pairs.right], index.params.max_neighbours
    return pairs.at(_are_strongest(pairs.left, pairs.similarity, ranks, len(rank), most))


@compiled
def _are_strongest(
    left: NDArray[np.int32], similarity: NDArray[np.float64], rank: NDArray[np.int64], n_articles: int, most: int
) -> NDArray[np.bool_]:
    """Which pairs are among the `most` of their left article with the greatest similarity, and then the lowest rank."""
    strong, n_strong = np.empty((n_articles, most), np.int64), np.zeros(n_articles, np.int64)
    for pair in range(len(left)):
        own, place = strong[left[pair]], n_strong[left[pair]]
        while place > 0:
            other = own[place - 1]
            if similarity[pair] < similarity[other] or (
                similarity[pair] == similarity[other] and rank[pair] > rank[other]
            ):
                break
            if place < most:
                own[place] = other
            place -= 1
        if place < most:
            own[place] = pair
            n_strong[left[pair]] = min(n_strong[left[pair]] + 1, most)
    kept = np.zeros(len(left), np.bool_)
    for article in range(n_articles):
        kept[strong[article, : n_strong[article]]] = True
    return kept


def graph_of(pairs: Pairs, n: int) -> sparse.csr_matrix:
    """The graph of n articles that these pairs make, as `neighbour_graph` has it."""
    told = pairs.at(pairs.is_enough)
    graph = sparse.csr_matrix((told.similarity, (told.left, told.right)), shape=(n, n))
    graph = graph.maximum(graph.T).tocsr()
    graph.data = 1 / (1 + graph.data)
    graph.sort_indices()
    return graph


def _segments(
    index: Index, numbers: NDArray[np.int64], placed: sparse.csr_matrix, rests: NDArray[np.float64]
) -> list[_Segment]:
    """Those that articles of an index make, given their rows with the rarest terms first, and the rests of these."""
    days = index.days[numbers]
    is_dated = np.isfinite(days)
    is_long = rests[:, index.base] >= _most_rest(index.params)
    groups = [np.flatnonzero(is_dated & ~is_long), np.flatnonzero(is_dated & is_long), np.flatnonzero(~is_dated)]
    n_rows = _segment_rows(days[is_dated], index.params)
    return [
        _Segment(numbers[part], days[part], placed[part], rests[part])
        for group in groups
        for ordered in (group[np.argsort(days[group], kind="stable")],)
        for part in np.split(ordered, range(n_rows, len(ordered), n_rows))
        if len(part)
    ]


def _segment_rows(days: NDArray[np.float64], params: GraphParams) -> int:
    """How many rows a segment of articles of these days has."""
    fewest, most = _SEGMENT_ROWS
    span = float(np.ptp(days)) if len(days) else 0.0
    return int(min(max(fewest, len(days) * params.sigma_days / max(span, params.sigma_days)), most))


def _most_rest(params: GraphParams) -> float:
    """The length of rests at which a pair of articles of one day may be similar by their rests alone."""
    return float(np.sqrt(params.min_similarity)) - _SLACK


@compiled
def _placed(
    data: NDArray[np.float32],
    indices: NDArray[np.int32],
    ends: NDArray[np.int32],
    scales: NDArray[np.float64],
    places: NDArray[np.int32],
    levels: NDArray[np.int8],
    n_cuts: int,
) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.float64]]:
    """Entries of scaled rows by level, with the places of their terms, and how long the rows are from each cut on."""
    placed, found = np.zeros(len(data), np.float32), np.zeros(len(data), np.int32)
    rests = np.zeros((len(scales), n_cuts))
    for row in range(len(scales)):
        starts, squares = np.zeros(n_cuts, np.int64), np.zeros(n_cuts)
        for entry in range(ends[row], ends[row + 1]):
            starts[levels[indices[entry]] + 1] += 1
        starts[0] = ends[row]
        for level in range(1, n_cuts):
            starts[level] += starts[level - 1]
        for entry in range(ends[row], ends[row + 1]):
            level = levels[indices[entry]]
            value = np.float32(data[entry] * scales[row])
            placed[starts[level]], found[starts[level]] = value, places[indices[entry]]
            starts[level] += 1
            squares[level] += np.float64(value) * np.float64(value)
        total = 0.0
        for level in range(n_cuts - 1, -1, -1):
            total += squares[level]
            rests[row, level] = np.sqrt(total)
    return placed, found, rests


def _likely(
    left: _Segment, right: _Segment, columns: sparse.csr_matrix, index: Index
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The numbers of those pairs of two segments that may be similar, each pair once; `columns` are the rows of the
    right one, transposed.
    """
    params = index.params
    asked = params.min_similarity / max(float(time_kernel(np.array(left.gap(right)), params)), _NEVER) - _SLACK
    if left.longest[0] * right.longest[0] < asked:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    pairs, most = _meeting(
        _Side(left.rows.data, left.rows.indices, left.rows.indptr, left.rests),
        _Side(columns.data, columns.indices, columns.indptr, right.rests),
        right.longest,
        index.cuts,
        asked,
        left is right,
    )
    rows, cols = pairs.T
    near = (most + _SLACK) * time_kernel(left.days[rows] - right.days[cols], params) >= params.min_similarity
    return left.numbers[rows[near]], right.numbers[cols[near]]


class _Side(NamedTuple):
    """The rows of a segment, or their columns, and the rests of the rows, as a `_Segment` has them."""

    data: NDArray[np.float32]
    indices: NDArray[np.int32]
    ends: NDArray[np.int32]
    rests: NDArray[np.float64]


@compiled
def _level(rests: NDArray[np.float64], longest: NDArray[np.float64], asked: float) -> int:
    """The first cut from which on a row is too short to be as similar to others, as long as that, as is asked."""
    level = 0
    while level + 1 < len(rests) and rests[level] * longest[level] >= asked:
        level += 1
    return level


@compiled
def _meeting(
    rows: _Side,
    columns: _Side,
    longest: NDArray[np.float64],
    cuts: NDArray[np.int64],
    asked: float,
    is_same: bool,
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Places of pairs of rows of two segments whose product may be `asked`: int32, shape (n_pairs, 2), and how much it
    is at most. Each row is cut where its own rest is short enough for the `longest` ones of the other segment; in its
    own segment it meets only those after it.
    """
    n_others = len(columns.rests)
    sums, starts = np.zeros(n_others, np.float32), columns.ends.copy() if is_same else columns.ends
    pairs, most, n_found = np.zeros((n_others, 2), np.int32), np.zeros(n_others), 0
    for row in range(len(rows.rests)):
        level = _level(rows.rests[row], longest, asked)
        for entry in range(rows.ends[row], rows.ends[row + 1]):
            place, value = rows.indices[entry], rows.data[entry]
            if place >= cuts[level]:
                break
            while is_same and starts[place] < columns.ends[place + 1] and columns.indices[starts[place]] <= row:
                starts[place] += 1
            for met in range(starts[place], columns.ends[place + 1]):
                sums[columns.indices[met]] += value * columns.data[met]
        if n_found + n_others > len(pairs):
            pairs, most = np.concatenate((pairs, pairs)), np.concatenate((most, most))
        least = asked - rows.rests[row, level] * longest[level]
        for other in range(n_others):
            if sums[other] >= least:
                pairs[n_found, 0], pairs[n_found, 1] = row, other
                most[n_found] = sums[other] + rows.rests[row, level] * columns.rests[other, level]
                n_found += 1
            sums[other] = 0
    return pairs[:n_found], most[:n_found]


def _similar(one: NDArray[np.int64], other: NDArray[np.int64], index: Index) -> Pairs:
    """Those of these pairs that are similar."""
    params = index.params
    products, n_shared = index.rows.products_and_shared(one, other)
    scales = index.scales[one] * index.scales[other]
    similarity = products * scales * time_kernel(index.days[one] - index.days[other], params)
    pairs = Pairs(one.astype(np.int32), other.astype(np.int32), similarity, n_shared >= params.min_shared_terms)
    return pairs.at(similarity >= params.min_similarity)
