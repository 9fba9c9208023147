"""Which stories continue each other: compact profiles of stories, and their linking into storylines.

A profile outlives the window, so a round finds its storyline after its predecessor has left. Interface: `profile` makes
one of a story's rows, a `Shelf` holds those that stand, and `link_stories` returns for each new story the place on the
shelf of one whose storyline it continues, or `len(shelf) + g` for the g-th newly founded one.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from dedup.compiled import compiled
from dedup.errors import DedupError
from dedup.products import Rows

_HEADER: Final = struct.Struct("<BBIfff")
_VERSION: Final = 2
_PAIR_MIX: Final = np.uint64(0x9E3779B1)
_BLOCK_ROWS: Final = 256
_STORIES_AT_ONCE: Final = 2048
"""Stories whose terms are added up at once, so that their sums take some MB."""
_LARGEST: Final = 2000
"""Profiles grouped at once, for the matrix of their similarities is dense; larger sets are first cut finer."""
_FINER: Final = 0.02


class ProfileError(DedupError):
    """Bytes that are not a story's profile."""


@dataclass(frozen=True)
class StorylineParams:
    """When one story continues another."""

    n_terms: int = 128
    """Terms kept of a story: five bytes each, 658 bytes in all."""
    min_similarity: float = 0.048
    """Cosine, times the root of both reliabilities, from which two stories continue each other: of a story of a few
    short articles little is known, so it must show more to be linked."""
    min_shared_terms: int = 4
    """Stories that share fewer terms are alike by accident: a place, a person, a day of the week."""
    sigma_days: float = 120.0
    """Standard deviation of the time between stories of one storyline: rounds come weeks or months apart."""


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """What one story (or storyline) is about.

    `terms` are hashes (uint32, ascending) and `weights` their shares of a unit vector in steps of 1/255 (uint8),
    both of shape (n_terms,). `reliability` is the cosine expected of two such stories on one subject, 0 to 1. Days
    count from any one epoch; nan where undated.
    """

    terms: NDArray[np.uint32]
    weights: NDArray[np.uint8]
    n_articles: int
    reliability: float
    first_day: float
    last_day: float

    def to_bytes(self) -> bytes:
        """18 bytes of header and five a term."""
        header = _HEADER.pack(
            _VERSION, len(self.terms), self.n_articles, self.reliability, self.first_day, self.last_day
        )
        return header + self.terms.astype("<u4").tobytes() + self.weights.tobytes()

    @classmethod
    def from_bytes(cls, packed: bytes) -> Profile:
        """The profile that `to_bytes` packed. Raises `ProfileError` for other bytes or another version."""
        if len(packed) < _HEADER.size:
            raise ProfileError(f"a profile of {len(packed)} bytes, expected at least {_HEADER.size}")
        version, n_terms, n_articles, reliability, first, last = _HEADER.unpack_from(packed)
        if version != _VERSION or len(packed) != _HEADER.size + 5 * n_terms:
            raise ProfileError(f"a profile of version {version} with {len(packed)} bytes, expected version {_VERSION}")
        terms = np.frombuffer(packed, "<u4", n_terms, _HEADER.size).astype(np.uint32)
        weights = np.frombuffer(packed, np.uint8, n_terms, _HEADER.size + 4 * n_terms).copy()
        return cls(terms, weights, n_articles, reliability, first, last)


def profile(
    rows: sparse.csr_matrix,
    keys: NDArray[np.uint64],
    reliability: NDArray[np.float64],
    published_days: NDArray[np.float64],
    params: StorylineParams,
) -> Profile:
    """The profile of the story whose articles have these TF-IDF rows.

    `keys` are the term keys of the columns (`terms.Vectors.keys`); `reliability` is the expected cosine of each
    article with another of its length on the same story (`graph.reliability`), which grows with their number by
    the Spearman-Brown formula.
    """
    return profiles([np.arange(rows.shape[0])], rows, keys, reliability, published_days, params)[0]


def profiles(
    stories: Sequence[NDArray[np.int64]],
    rows: sparse.csr_matrix,
    keys: NDArray[np.uint64],
    reliability: NDArray[np.float64],
    published_days: NDArray[np.float64],
    params: StorylineParams,
) -> list[Profile]:
    """The profile of each story, given by the rows of its articles; the rest as in `profile`."""
    found: list[Profile] = []
    for start in range(0, len(stories), _STORIES_AT_ONCE):
        part = stories[start : start + _STORIES_AT_ONCE]
        starts = np.cumsum([0, *(len(own) for own in part)])
        members = sparse.csr_matrix(
            (np.ones(starts[-1]), np.concatenate(part), starts), shape=(len(part), rows.shape[0])
        )
        centres = (members @ rows).tocsr()
        folded = _fold(keys[centres.indices])
        for i, own in enumerate(part):
            here = slice(centres.indptr[i], centres.indptr[i + 1])
            terms, weights = _heaviest(folded[here], centres.data[here], params.n_terms)
            found.append(_profile(terms, weights, reliability[own], published_days[own]))
    return found


def _profile(
    terms: NDArray[np.uint32],
    weights: NDArray[np.uint8],
    reliability: NDArray[np.float64],
    published_days: NDArray[np.float64],
) -> Profile:
    n_articles, mean = len(reliability), float(np.mean(reliability))
    dated = published_days[np.isfinite(published_days)]
    return Profile(
        terms, weights, n_articles, _narrow(n_articles * mean / (1 + (n_articles - 1) * mean)),
        _narrow(float(dated.min())) if len(dated) else math.nan,
        _narrow(float(dated.max())) if len(dated) else math.nan,
    )  # fmt: skip


@dataclass(slots=True, eq=False)
class Shelf:
    """Profiles of stories that stand in storylines, laid out so that new ones are held against those alone that share
    terms with them.

    `profiles` by place, with their `names`: storyline and story; `places` of those that have not been taken away.
    `terms` and `weights` of all profiles follow each other, those of place i up to `ends[i]`; `factors` are what its
    weights are multiplied with.
    """

    profiles: list[Profile] = field(default_factory=list)
    names: list[tuple[str, str]] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    terms: NDArray[np.uint32] = field(default_factory=lambda: np.zeros(0, np.uint32))
    weights: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    ends: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    factors: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def __len__(self) -> int:
        """How many places there are, empty ones included."""
        return len(self.profiles)

    @classmethod
    def of(cls, profiles: Sequence[Profile]) -> Shelf:
        """These, in their order."""
        shelf = cls()
        shelf.put({str(i): ("", one) for i, one in enumerate(profiles)})
        return shelf

    def put(self, told: Mapping[str, tuple[str, Profile]]) -> None:
        """Has these stories, each with its storyline and its profile, stand as they are told here."""
        self._append({story: one for story, one in told.items() if not self._stands(story, one)})
        if len(self.places) < len(self) // 2:
            standing = {story: (self.names[place][0], self.profiles[place]) for story, place in self.places.items()}
            self._clear()
            self._append(standing)

    def drop(self, stories: Iterable[str]) -> None:
        """Takes stories away, if they stand."""
        for story in stories:
            self.places.pop(story, None)

    def _stands(self, story: str, told: tuple[str, Profile]) -> bool:
        place = self.places.get(story)
        return place is not None and (self.names[place][0], self.profiles[place]) == told

    def rows(self, found: NDArray[np.uint32]) -> sparse.csr_matrix:
        """The profiles over these terms, which are sorted; places that are empty have no entries."""
        is_here = np.zeros(len(self), np.bool_)
        is_here[list(self.places.values())] = True
        entries, columns, starts = _find_terms(self.terms, self.ends, is_here, found, *_by_low_bits(found))
        scaled = self.weights[entries] * np.repeat(self.factors, np.diff(starts))
        return sparse.csr_matrix((scaled, columns, starts), shape=(len(self), len(found)))

    def _append(self, told: Mapping[str, tuple[str, Profile]]) -> None:
        fresh = [one for _, one in told.values()]
        self.places.update(zip(told, range(len(self), len(self) + len(told)), strict=True))
        self.names += [(line, story) for story, (line, _) in told.items()]
        self.profiles += fresh
        ends = len(self.terms) + np.cumsum([len(one.terms) for one in fresh], dtype=np.int64)
        self.ends = np.concatenate([self.ends, ends])
        self.terms = np.concatenate([self.terms, *(one.terms for one in fresh)])
        self.weights = np.concatenate([self.weights, *(one.weights for one in fresh)])
        self.factors = np.concatenate([self.factors, _factors(fresh)])

    def _clear(self) -> None:
        empty = Shelf()
        for name in self.__slots__:
            setattr(self, name, getattr(empty, name))


def link_stories(new: Sequence[Profile], shelf: Shelf, params: StorylineParams) -> NDArray[np.int64]:
    """For each new story the place of a standing one whose storyline it continues, or of one it founds.

    int64, shape (len(new),); values from len(shelf) on are new storylines, numbered in order of first member.
    Standing storylines are never joined with each other. Stories are grouped by average linkage, so one common
    place or person is not enough; the grouping does not depend on the order in which stories are given, but where two
    new ones have the very same profile.
    """
    labels = np.full(len(new), -1, dtype=np.int64)
    if not new:
        return labels
    components = [_ranked(members, new, shelf) for members in _components(new, shelf, params)]
    for ranked, similarity in zip(components, _similarities(components, new, shelf, params), strict=True):
        _group(ranked, similarity, [_at(place, new, shelf).n_articles for place in ranked], len(shelf), labels, params)
    return _number_new(labels, len(shelf))


def similarity(one: Profile, other: Profile, params: StorylineParams) -> tuple[float, int]:
    """What is held against `min_similarity` of two stories, and how many terms they share."""
    rows = _matrix([one, other])[0]
    n_shared = len(np.intersect1d(one.terms, other.terms))
    return float((rows[:1] @ rows[1:].T).sum() * _closeness([one], [other], params)[0, 0]), n_shared


def _narrow(value: float) -> float:
    """The value as it comes back from four bytes."""
    return float(np.float32(value))


def _fold(keys: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """Term keys as 32-bit hashes: words keep theirs, pairs get one of their own."""
    high, low = keys >> np.uint64(32), keys & np.uint64(0xFFFFFFFF)
    return ((high * _PAIR_MIX ^ low) & np.uint64(0xFFFFFFFF)).astype(np.uint32)


def _heaviest(
    terms: NDArray[np.uint32], weights: NDArray[np.float64], n_terms: int
) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """The terms that weigh most (ties: the smaller hash), ascending, and their shares of a unit vector."""
    best = np.lexsort((terms, -weights))[:n_terms]
    best = best[weights[best] > 0]
    best = best[np.argsort(terms[best], kind="stable")]
    length = float(np.sqrt((weights[best].astype(np.float64) ** 2).sum())) or 1.0
    return terms[best], np.rint(weights[best] / length * 255).astype(np.uint8)


def _factors(profiles: Sequence[Profile]) -> NDArray[np.float64]:
    """What the weights of each profile are multiplied with, so that its row is as long as the root of its reliability:
    float64, shape (n_profiles,).
    """
    owner = np.repeat(np.arange(len(profiles)), [len(one.terms) for one in profiles])
    weights = np.concatenate([np.zeros(0), *(one.weights for one in profiles)])
    norms = np.sqrt(np.bincount(owner, weights**2, len(profiles)))
    return np.sqrt([one.reliability for one in profiles]) / np.where(norms > 0, norms, 1.0)


def _matrix(profiles: Sequence[Profile]) -> tuple[sparse.csr_matrix, NDArray[np.uint32]]:
    """Rows of profiles over all of their terms, and these."""
    starts = np.concatenate([[0], np.cumsum([len(one.terms) for one in profiles])])
    owner = np.repeat(np.arange(len(profiles)), np.diff(starts))
    found, columns = np.unique(np.concatenate([one.terms for one in profiles]), return_inverse=True)
    scaled = np.concatenate([one.weights for one in profiles]) * _factors(profiles)[owner]
    return sparse.csr_matrix((scaled, columns, starts), shape=(len(profiles), len(found))), found


def _by_low_bits(found: NDArray[np.uint32]) -> tuple[NDArray[np.int32], NDArray[np.int32], np.uint32]:
    """Terms by their last bits: their places (int32), one list after the other; where each list begins, and the last
    one ends (int32); and which bits these are.
    """
    mask = np.uint32((1 << max(len(found), 2).bit_length() + 2) - 1)
    bits = found & mask
    starts = np.concatenate([[0], np.cumsum(np.bincount(bits, minlength=int(mask) + 1))])
    return np.argsort(bits, kind="stable").astype(np.int32), starts.astype(np.int32), mask


@compiled
def _find_terms(
    terms: NDArray[np.uint32],
    ends: NDArray[np.int64],
    is_here: NDArray[np.bool_],
    found: NDArray[np.uint32],
    places: NDArray[np.int32],
    starts: NDArray[np.int32],
    mask: np.uint32,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """Of rows of terms, one after the other, those entries that are among the terms `found`, with the places of these,
    and where each row of them ends. `is_here`: which rows are looked through; the rest as `_by_low_bits` gives it.
    """
    entries, columns = np.zeros(len(terms), np.int64), np.zeros(len(terms), np.int32)
    found_ends, n, first = np.zeros(len(ends) + 1, np.int64), 0, 0
    for row in range(len(ends)):
        for entry in range(first, ends[row] if is_here[row] else first):
            bits = terms[entry] & mask
            for place in places[starts[bits] : starts[bits + 1]]:
                if found[place] == terms[entry]:
                    entries[n], columns[n] = entry, place
                    n += 1
        first, found_ends[row + 1] = ends[row], n
    return entries[:n], columns[:n], found_ends


def _closeness(left: Sequence[Profile], right: Sequence[Profile], params: StorylineParams) -> NDArray[np.float64]:
    """Gaussian of the days between the spans of any two profiles, shape (len(left), len(right))."""
    gap = np.maximum(
        np.array([one.first_day for one in left])[:, None] - np.array([one.last_day for one in right])[None, :],
        np.array([one.first_day for one in right])[None, :] - np.array([one.last_day for one in left])[:, None],
    )
    return np.asarray(np.exp(-(np.maximum(np.nan_to_num(gap), 0) ** 2) / (2 * params.sigma_days**2)))


def _components(new: Sequence[Profile], shelf: Shelf, params: StorylineParams) -> list[NDArray[np.int64]]:
    """The sets of profiles linked by a chain of similar pairs, each with a new story in it and of bearable size; new
    ones are numbered after those on the shelf.
    """
    left, right, similarity = _links(new, shelf, params)
    found: list[NDArray[np.int64]] = []
    n_standing, n = len(shelf), len(shelf) + len(new)
    members, cut = np.arange(n_standing, n), params.min_similarity
    while len(members):
        strong = similarity >= cut
        graph = sparse.csr_matrix((similarity[strong], (left[strong], right[strong])), shape=(n, n))
        component = csgraph.connected_components(graph, directed=False)[1].astype(np.int64)
        small = np.bincount(component)[component] <= _LARGEST
        found += _members(component, members[small[members]])
        members, cut = members[~small[members]], cut + _FINER
    return found


def _members(component: NDArray[np.int64], of: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The whole component of each of these, once."""
    used = np.unique(component[of])
    order = np.argsort(component, kind="stable")
    starts, stops = np.searchsorted(component[order], used), np.searchsorted(component[order], used, side="right")
    return [order[start:stop] for start, stop in zip(starts, stops, strict=True)]


def _links(
    new: Sequence[Profile], shelf: Shelf, params: StorylineParams
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Each new profile, every other one it is similar to, and how similar they are."""
    rows, found = _matrix(new)
    columns = sparse.vstack([shelf.rows(found), rows]).T.tocsr()
    links = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))]
    for start in range(0, len(new), _BLOCK_ROWS):
        product = (rows[start : start + _BLOCK_ROWS] @ columns).tocoo()
        kept, first = product.data >= params.min_similarity, len(shelf) + start
        links.append(
            (product.row[kept].astype(np.int64) + first, product.col[kept].astype(np.int64), product.data[kept])
        )
    left, right, similarity = (np.concatenate(parts) for parts in zip(*links, strict=True))
    return left, right, similarity


def _at(place: int, new: Sequence[Profile], shelf: Shelf) -> Profile:
    """The profile at a place on the shelf, or of a new story after it."""
    return shelf.profiles[place] if place < len(shelf) else new[place - len(shelf)]


def _ranked(members: NDArray[np.int64], new: Sequence[Profile], shelf: Shelf) -> list[int]:
    """The places of these in an order that does not depend on how they were given, those on the shelf first."""
    n_standing = len(shelf)
    old = [(shelf.profiles[i].to_bytes(), shelf.names[i], i) for i in members[members < n_standing].tolist()]
    come = [(new[i - n_standing].to_bytes(), i) for i in members[members >= n_standing].tolist()]
    return [ranks[-1] for ranks in (*sorted(old), *sorted(come))]


def _similarities(
    components: Sequence[Sequence[int]], new: Sequence[Profile], shelf: Shelf, params: StorylineParams
) -> Iterator[NDArray[np.float64]]:
    """How similar the profiles of each component are to each other, 0 where they share too few terms: float64, shape
    (n, n) each, and 0 of each with itself.
    """
    chosen = [[_at(place, new, shelf) for place in places] for places in components]
    rows, first = Rows.of(_matrix([one for own in chosen for one in own])[0]), 0
    for own in chosen:
        n = len(own)
        left, right = np.tril_indices(n, -1)
        products, n_shared = rows.products_and_shared(first + left, first + right)
        found = np.zeros((n, n))
        found[left, right] = found[right, left] = np.where(n_shared >= params.min_shared_terms, products, 0.0)
        yield found * _closeness(own, own, params)
        first += n


def _group(
    ranked: Sequence[int],
    similarity: NDArray[np.float64],
    n_articles: Sequence[int],
    n_standing: int,
    labels: NDArray[np.int64],
    params: StorylineParams,
) -> None:
    """Write into `labels` the storyline of each new story of one component."""
    groups = _average_linkage(similarity, np.array(n_articles, np.float64), params.min_similarity)
    n_old = sum(place < n_standing for place in ranked)
    for place in range(n_old, len(ranked)):
        mates = np.flatnonzero(groups == groups[place])
        earlier = mates[mates < n_old]
        if len(earlier):
            labels[ranked[place] - n_standing] = ranked[int(earlier[np.argmax(similarity[place, earlier])])]
        else:
            labels[ranked[place] - n_standing] = -2 - min(ranked[mate] - n_standing for mate in mates.tolist())


def _average_linkage(similarity: NDArray[np.float64], n_articles: NDArray[np.float64], cut: float) -> NDArray[np.int64]:
    """Groups of stories whose articles are on average as similar as `cut`: int64, shape (n,).

    Average linkage over articles, of which all of one story are taken to be like its profile: what is left of an event
    after weeks are many stories of one article, and they must not outvote the large ones.
    """
    n = len(similarity)
    mean = (similarity + similarity.T) / 2
    np.fill_diagonal(mean, -1.0)
    sizes, labels = n_articles.astype(np.float64), np.arange(n)
    best = mean.argmax(axis=1)
    while n > 1:
        one = int(mean[np.arange(n), best].argmax())
        other = int(best[one])
        if mean[one, other] < cut:
            break
        one, other = min(one, other), max(one, other)
        joined = (mean[one] * sizes[one] + mean[other] * sizes[other]) / (sizes[one] + sizes[other])
        mean[one], mean[:, one] = joined, joined
        mean[one, one] = mean[other] = mean[:, other] = -1.0
        sizes[one] += sizes[other]
        labels[labels == other] = one
        stale = np.flatnonzero((best == one) | (best == other) | (np.arange(n) == one))
        best[stale] = mean[stale].argmax(axis=1)
        closer = mean[:, one] > mean[np.arange(n), best]
        best[closer] = one
    return labels.astype(np.int64)


def _number_new(labels: NDArray[np.int64], n_standing: int) -> NDArray[np.int64]:
    """Founders' marks (-2 - first member) replaced by n_standing, n_standing + 1 ... in order of first member."""
    marks = np.unique(-2 - labels[labels < 0])
    numbered = labels.copy()
    numbered[labels < 0] = n_standing + np.searchsorted(marks, -2 - labels[labels < 0])
    return numbered
