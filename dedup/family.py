"""Families: which texts are the same telling, and what each article is in its family.

A *content* is one normalised text, however many articles carry it. Contents are joined by verified edges, and
which contents form a family is a function of those edges alone, whatever the order in which they came:

1. An edge is two contents whose estimated Jaccard similarity reaches the bar for texts of their length.
2. Edges are taken by falling similarity, ties by content hash.
3. An edge joins the two families at its ends only if every member of both is at least half alike (J >= .5)
   to the content that would represent them together: no chain of weak links.
4. A family is represented by its content with the most words, ties by content hash.

Ids are by arrival. A family id stays with the group that holds most of the articles it named before; a group
that inherits several keeps the one founded first, and the others resolve to it; a group that inherits none is
named after its first article. A revised article counts only where nothing else speaks: it takes no id away
from those it leaves.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup.story import Kind


@dataclass(frozen=True, slots=True)
class FamilyParams:
    """`jaccard_threshold` is the bar for long texts: at .7 a pair shares four shingles in five.
    Short texts reach it by chance and by form, so the bar rises by `short_rise` towards no words at all,
    and falls off with `short_words` (at 20 words it is .82, at 100 words .72).
    """

    jaccard_threshold: float = 0.7
    short_rise: float = 0.2
    short_words: float = 40.0
    least_with_representative: float = 0.5


_PAIRS_PER_CALL: Final = 100_000
MAX_CONTENTS: Final = 512
"""Contents of one connected group that are still regrouped as a whole; past it, a new one joins by its best edge."""


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """One normalised text. `signature`: uint32, shape (num_perm,)."""

    number: int
    content_hash: bytes
    n_words: int
    signature: NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Edge:
    """Two contents, the smaller number first, of verified similarity."""

    one: int
    other: int
    jaccard: float


@dataclass(frozen=True, slots=True, order=True)
class Member:
    """An article as its family sees it, ordered by arrival. `family` is the id that named it before, "" if none did."""

    seen_at: tuple[int, int]
    article_id: str
    content: int
    family: str
    revised: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """A family after settlement: members in order of arrival, what each is, and who represents them."""

    family_id: str
    members: tuple[Member, ...]
    kinds: tuple[Kind, ...]
    representative: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """All families of a connected group of contents, and the ids that now resolve to another."""

    families: tuple[Settled, ...]
    aliases: Mapping[str, str]


def bar(n_words: NDArray[np.int64], params: FamilyParams) -> NDArray[np.float64]:
    """The least Jaccard similarity at which two texts are near-duplicates, by the length of the shorter."""
    return params.jaccard_threshold + params.short_rise * np.exp(-n_words / params.short_words)


def verify(content: Content, candidates: Sequence[Content], params: FamilyParams) -> list[Edge]:
    """The edges between a content and those found under its band keys."""
    others = [other for other in candidates if other.number != content.number]
    if not others:
        return []
    alike = _jaccard(content, others)
    shorter = np.minimum(content.n_words, np.array([other.n_words for other in others], np.int64))
    return [
        Edge(min(content.number, others[i].number), max(content.number, others[i].number), float(alike[i]))
        for i in np.flatnonzero(alike >= bar(shorter, params))
    ]


def edges_of_pairs(contents: Sequence[Content], pairs: NDArray[np.int64], params: FamilyParams) -> list[Edge]:
    """The edges among pairs of contents, given by their places in `contents`: int64, shape (n_pairs, 2)."""
    signatures = np.stack([content.signature for content in contents])
    n_words = np.array([content.n_words for content in contents], np.int64)
    edges: list[Edge] = []
    for start in range(0, len(pairs), _PAIRS_PER_CALL):
        one, other = pairs[start : start + _PAIRS_PER_CALL].T
        alike = (signatures[one] == signatures[other]).mean(axis=1)
        for i in np.flatnonzero(alike >= bar(np.minimum(n_words[one], n_words[other]), params)):
            ends = sorted((contents[one[i]].number, contents[other[i]].number))
            edges.append(Edge(ends[0], ends[1], float(alike[i])))
    return edges


def group(contents: Sequence[Content], edges: Iterable[Edge], params: FamilyParams) -> list[list[Content]]:
    """The families of connected contents (rules 2 to 4), each with its representative first."""
    known = {content.number: content for content in contents}
    groups = {number: [content] for number, content in known.items()}
    for edge in sorted((e for e in edges if e.one in known and e.other in known), key=_by_similarity(known)):
        one, other = groups[edge.one], groups[edge.other]
        if one is other:
            continue
        first, second = sorted((one, other), key=lambda members: _prominence(members[0]))
        if _jaccard(first[0], second).min() >= params.least_with_representative:
            first.extend(second)
            groups.update((content.number, first) for content in second)
    unique = {id(members): members for members in groups.values()}
    return sorted(unique.values(), key=lambda members: _prominence(members[0]))


def settle(groups: Sequence[Sequence[Content]], members: Iterable[Member], mint: Callable[[str], str]) -> Settlement:
    """Ids, kinds and representatives for groups of contents and the articles that carry them.

    `mint` names a new family after its first article.
    """
    place = {content.number: i for i, contents in enumerate(groups) for content in contents}
    rank = {content.number: k for contents in groups for k, content in enumerate(_by_prominence(contents))}
    articles: dict[int, list[Member]] = defaultdict(list)
    for member in sorted(members):
        articles[place[member.content]].append(member)
    kept, aliases = _inherit(articles)
    families = tuple(
        _settled(kept.get(i) or mint(present[0].article_id), present, rank) for i, present in sorted(articles.items())
    )
    return Settlement(families, aliases)


def _settled(family_id: str, present: list[Member], rank: Mapping[int, int]) -> Settled:
    representative = min(present, key=lambda member: (rank[member.content], member))
    contents: set[int] = set()
    kinds: list[Kind] = []
    for member in present:
        kinds.append("copy" if member.content in contents else "near-duplicate" if contents else "new")
        contents.add(member.content)
    return Settled(family_id, tuple(present), tuple(kinds), representative.article_id)


def _inherit(articles: Mapping[int, Sequence[Member]]) -> tuple[dict[int, str], dict[str, str]]:
    """Which group keeps which family id, and where the ids of groups that kept another one lead."""
    named: dict[str, list[tuple[Member, int]]] = defaultdict(list)
    for i, present in articles.items():
        for member in present:
            if member.family:
                named[member.family].append((member, i))
    heir = {family: _largest_part(holders) for family, holders in named.items()}
    founded = {family: min(holders)[0] for family, holders in named.items()}
    kept: dict[int, str] = {}
    for family in sorted(heir, key=lambda family: (founded[family], family)):
        kept.setdefault(heir[family], family)
    return kept, {family: kept[i] for family, i in heir.items() if kept[i] != family}


def _largest_part(holders: Sequence[tuple[Member, int]]) -> int:
    unrevised = Counter(i for member, i in holders if not member.revised)
    revised = Counter(i for member, i in holders if member.revised)
    first: dict[int, Member] = {}
    for member, i in sorted(holders):
        first.setdefault(i, member)
    return min(first, key=lambda i: (-unrevised[i], -revised[i], first[i]))


def _jaccard(content: Content, others: Sequence[Content]) -> NDArray[np.float64]:
    signatures = np.stack([other.signature for other in others])
    return np.asarray((signatures == content.signature).mean(axis=1))


def _prominence(content: Content) -> tuple[int, bytes]:
    return -content.n_words, content.content_hash


def _by_prominence(contents: Sequence[Content]) -> list[Content]:
    return sorted(contents, key=_prominence)


def _by_similarity(known: Mapping[int, Content]) -> Callable[[Edge], tuple[float, bytes, bytes]]:
    def key(edge: Edge) -> tuple[float, bytes, bytes]:
        ends = sorted((known[edge.one].content_hash, known[edge.other].content_hash))
        return -edge.jaccard, ends[0], ends[1]

    return key
