"""Families: which texts are the same telling, and what each article is in its family.

A *content* is one normalised text, however many articles carry it. Contents are joined by verified edges, and
which contents form a family is a function of those edges alone, whatever the order in which they came:

1. An edge is two contents whose estimated Jaccard similarity reaches the bar for texts of their length, or of which the
   shorter is contained in the longer, by the bar for its length: a reprint.
2. Edges are taken by falling similarity, near-duplicates before reprints, ties by content hash.
3. An edge joins the two families at its ends only if one content can stand for all of both: each other one is at least
   half like it (J >= .5) or contains it (C >= .8). So there is no chain of weak links, and a page with two texts in it
   does not make one of them.
4. That content is the core of the family: of those that stood for the two families the longer one if it can, else the
   other, else the longest of all that can (asked in families of up to 32 contents); ties by content hash.
5. Articles that are kept apart by hand (`dedup.correction`) are in no family together, copies neither: one text is then
   divided into several contents, and an edge joins no two families of which a member of one is apart from a member of
   the other. What is tied by hand or by family counts as one there, so that no two families contradict a correction.

The representative of a family is an article of the source with the highest priority where priorities are set, else of
its core, else of its longest content; of several the first to arrive.

Ids are by arrival. A family id stays with the group that holds most of the articles it named before; a group
that inherits several keeps the one founded first, and the others resolve to it; a group that inherits none is
named after its first article. A revised article counts only where nothing else speaks: it takes no id away
from those it leaves.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.containment import NOTHING, Extract, contained
from dedup.correction import Ties, divide
from dedup.story import Kind


@dataclass(frozen=True, slots=True)
class FamilyParams:
    """`jaccard_threshold` is the bar for long texts: at .6 a pair shares three shingles in four.
    Short texts reach it by chance and by form, so the bar rises by `short_rise` towards no words at all,
    and falls off with `short_words` (at 20 words it is .78, at 100 words .62).
    """

    jaccard_threshold: float = 0.6
    short_rise: float = 0.3
    short_words: float = 40.0
    least_with_core: float = 0.5
    containment_threshold: float = 0.82
    """What a text of containment .9 nearly always reaches when it is estimated."""
    containment_rise: float = 0.15
    """How far the bar for containment rises towards no words at all; at 60 words it is .85."""
    least_share: float = 0.15
    """A text that is a smaller part of the other is quoted in it, or one of many on the page."""
    least_sampled: int = 8
    """Sampled shingles on which a containment is judged."""
    contains_core: float = 0.8
    source_priority: tuple[str, ...] = ()
    """Sources whose articles represent families before all others, the first one first; case does not matter."""


MOST_ASKED: Final = 32
"""Contents of two families that are all asked whether they can stand for both."""
_FEW: Final = 12
"""Signatures that are compared one by one in less time than it takes to lay them together."""
_PART_BITS: Final = 32
"""Where the number of a part stands in its content's number: a text's own number has fewer bits."""
MAX_CONTENTS: Final = 512
"""Contents of one connected group that are still regrouped as a whole; past it, a new one joins by its best edge."""


class Content(NamedTuple):
    """One normalised text. `signature`: uint16, shape (num_perm,), the low half of each MinHash value, by which two
    texts are alike by chance in one place of 65,536. `extract` is what containment is judged by.
    """

    number: int
    content_hash: bytes
    n_words: int
    signature: NDArray[np.uint16]
    extract: Extract = NOTHING

    def part(self, k: int) -> Content:
        """The kth of the contents that this text is divided into; itself for 0, and the others in order after it."""
        if not k:
            return self
        content_hash = self.content_hash + k.to_bytes(4, "big")
        return Content(self.number | k << _PART_BITS, content_hash, self.n_words, self.signature, self.extract)


class Edge(NamedTuple):
    """Two contents, the smaller number first, of verified similarity. `containment` of the shorter in the longer is
    given where that makes the edge: 0 for near-duplicates.
    """

    one: int
    other: int
    jaccard: float
    containment: float = 0.0

    @property
    def strength(self) -> tuple[float, float]:
        """What edges are ordered by: near-duplicates by their similarity, then reprints by theirs."""
        return (0.0, self.containment) if self.containment else (self.jaccard, 0.0)


class Member(NamedTuple):
    """An article as its family sees it, ordered by arrival. `family` is the id that named it before, "" if none did,
    `source` is by `source_key`.
    """

    seen_at: tuple[int, int]
    article_id: str
    content: int
    family: str
    revised: bool = False
    source: int = 0


class Settled(NamedTuple):
    """A family after settlement: members in order of arrival, what each is, and who represents them."""

    family_id: str
    members: tuple[Member, ...]
    kinds: tuple[Kind, ...]
    representative: str


class Settlement(NamedTuple):
    """All families of a connected group of contents, and the ids that now resolve to another."""

    families: tuple[Settled, ...]
    aliases: Mapping[str, str]


def text_number(number: int) -> int:
    """The number of the text that a content is, or is a part of."""
    return number & ((1 << _PART_BITS) - 1)


@lru_cache(4_096)
def source_key(source: str) -> int:
    """Four bytes by which a source is known, however its name is spelt in upper and lower case."""
    return int.from_bytes(blake2b(source.strip().casefold().encode(errors="replace"), digest_size=4).digest(), "little")


def bar(n_words: int, params: FamilyParams) -> float:
    """The least Jaccard similarity at which two texts are near-duplicates, by the length of the shorter."""
    return params.jaccard_threshold + params.short_rise * math.exp(-n_words / params.short_words)


def containment_bar(n_words: int, params: FamilyParams) -> float:
    """The least containment at which a text is a reprint, by its length."""
    return params.containment_threshold + params.containment_rise * math.exp(-n_words / params.short_words)


def verify(content: Content, candidates: Sequence[Content], params: FamilyParams) -> list[Edge]:
    """The edges between a content and those found under its keys."""
    others = [other for other in candidates if other.number != content.number]
    edges, unlike = [], []
    for other, alike in zip(others, _jaccard(content, others), strict=True):
        if alike >= bar(min(content.n_words, other.n_words), params):
            edges.append(_edge(content, other, alike))
        else:
            unlike.append((other, alike))
    for other, alike in unlike:
        short, long = sorted((content, other), key=lambda one: (one.n_words, one.content_hash))
        if share := _reprinted(short, long, params):
            edges.append(_edge(short, long, alike, share))
    return edges


def _edge(one: Content, other: Content, jaccard: float, containment: float = 0.0) -> Edge:
    first, second = sorted((one.number, other.number))
    return Edge(first, second, jaccard, containment)


def _reprinted(short: Content, long: Content, params: FamilyParams) -> float:
    """The containment of one content in another if that makes it a reprint, else 0."""
    if short.n_words < params.least_share * long.n_words:
        return 0.0
    share = _containment(short, long, params)
    return share if share >= containment_bar(short.n_words, params) else 0.0


def edges_of_pairs(contents: Sequence[Content], pairs: NDArray[np.int64], params: FamilyParams) -> list[Edge]:
    """The edges among pairs of contents, given by their places in `contents`: int64, shape (n_pairs, 2)."""
    found: dict[int, list[int]] = defaultdict(list)
    for one, other in pairs.tolist():
        found[one].append(other)
    return [
        edge
        for one in sorted(found)
        for edge in verify(contents[one], [contents[other] for other in found[one]], params)
    ]


@dataclass(frozen=True, slots=True)
class Divided:
    """Contents as corrections divide them. `edges` are those of all parts, `content_of` has for each article the number
    of the part, or of the whole text, that it carries.
    """

    contents: list[Content]
    edges: list[Edge]
    content_of: Mapping[str, int]


def divide_contents(
    contents: Iterable[Content], carried: Mapping[int, Sequence[str]], edges: Iterable[Edge], ties: Ties
) -> Divided:
    """Texts of which some articles are kept apart, as several contents each.

    `carried` are the articles of each text by its number, `ties` what corrections make of articles; afterwards contents
    are tied to the articles they stand for.
    """
    parts: dict[int, list[Content]] = {}
    content_of: dict[str, int] = {}
    for content in sorted(contents, key=lambda one: one.content_hash):
        divided = divide(carried[content.number], ties)
        parts[content.number] = [content.part(k) for k in range(len(divided))]
        for part, article_ids in zip(parts[content.number], divided, strict=True):
            ties.join(part.number, article_ids[0])
            content_of |= dict.fromkeys(article_ids, part.number)
    joined = [
        _edge(one, other, edge.jaccard, edge.containment)
        for edge in edges
        for one in parts.get(edge.one, ())
        for other in parts.get(edge.other, ())
    ]
    return Divided([part for divided in parts.values() for part in divided], joined, content_of)


def group(
    contents: Sequence[Content], edges: Iterable[Edge], params: FamilyParams, ties: Ties | None = None
) -> list[list[Content]]:
    """The families of connected contents (rules 2 to 5), each with its core first, then by length.

    `ties` say, by the numbers of contents, which are to be apart; the families found are tied in it.
    """
    if len(contents) == 1:
        return [list(contents)]
    if len(contents) == 2 and ties is None:
        return _pair(contents, edges, params)
    known = {content.number: content for content in contents}
    groups = {number: [content] for number, content in known.items()}
    inside = [edge for edge in edges if edge.one in known and edge.other in known]
    for edge in sorted(inside, key=_by_similarity(known)) if len(inside) > 1 else inside:
        one, other = groups[edge.one], groups[edge.other]
        if one is other:
            continue
        if (core := _core(one, other, params)) and (ties is None or ties.join(edge.one, edge.other)):
            joined = [core, *(content for content in (*one, *other) if content is not core)]
            groups.update((content.number, joined) for content in joined)
    unique = {id(members): members for members in groups.values()}
    ordered = ([members[0], *sorted(members[1:], key=_prominence)] for members in unique.values())
    return sorted(ordered, key=lambda members: _prominence(members[0]))


def _pair(contents: Sequence[Content], edges: Iterable[Edge], params: FamilyParams) -> list[list[Content]]:
    """The families of two contents: most groups have no more."""
    long, short = sorted(contents, key=_prominence)
    ends = {long.number, short.number}
    is_joined = any(edge.one in ends and edge.other in ends for edge in edges)
    core = _core([long], [short], params) if is_joined else None
    return [[long], [short]] if core is None else [[core, short if core is long else long]]


def _core(one: Sequence[Content], other: Sequence[Content], params: FamilyParams) -> Content | None:
    """What can stand for two families together, each with its own core first."""
    both = sorted((one[0], other[0]), key=_prominence)
    if len(one) + len(other) <= MOST_ASKED:
        both += sorted((*one[1:], *other[1:]), key=_prominence)
    return next((core for core in both if _stands_for(core, [*one, *other], params)), None)


def _stands_for(core: Content, contents: Sequence[Content], params: FamilyParams) -> bool:
    """Whether each of these contents is half like the core, or contains it."""
    others = [content for content in contents if content is not core]
    for other, alike in zip(others, _jaccard(core, others), strict=True):
        if alike < params.least_with_core and not _contains(other, core, params):
            return False
    return True


def _contains(content: Content, core: Content, params: FamilyParams) -> bool:
    return _containment(core, content, params) >= params.contains_core


def _containment(one: Content, other: Content, params: FamilyParams) -> float:
    """The share of a content that is in another; 0 where too little of it is sampled to judge."""
    share, n_sampled = contained(one.extract.sample, other.extract.sample)
    return share if n_sampled >= params.least_sampled else 0.0


def reprints(groups: Sequence[Sequence[Content]], edges: Sequence[Edge]) -> set[int]:
    """The contents that are in their families by containment alone."""
    if not any(edge.containment for edge in edges):
        return set()
    place = {content.number: i for i, contents in enumerate(groups) for content in contents}
    inside = [edge for edge in edges if place.get(edge.one, -1) == place.get(edge.other, -2)]
    near = {number for edge in inside if not edge.containment for number in (edge.one, edge.other)}
    return {number for edge in inside if edge.containment for number in (edge.one, edge.other)} - near


def settle(
    groups: Sequence[Sequence[Content]],
    members: Iterable[Member],
    mint: Callable[[str], str],
    reprinted: Collection[int] = (),
    source_priority: Sequence[str] = (),
) -> Settlement:
    """Ids, kinds and representatives for groups of contents, each with its core first, and the articles carrying them.

    `mint` names a new family after its first article; `reprinted` are contents in their family by containment alone.
    """
    priority = {source_key(source): i for i, source in enumerate(source_priority)}
    articles = _by_group(groups, sorted(members))
    kept, aliases = _inherit(articles)
    families = tuple(
        Settled(
            kept.get(i) or mint(present[0].article_id),
            tuple(present),
            _kinds(present, reprinted),
            _representative(groups[i], present, priority),
        )
        for i, present in sorted(articles.items())
    )
    return Settlement(families, aliases)


def _by_group(groups: Sequence[Sequence[Content]], members: list[Member]) -> dict[int, list[Member]]:
    """The articles of each group, by its place."""
    if members and len(groups) == 1:
        return {0: members}
    place = {content.number: i for i, contents in enumerate(groups) for content in contents}
    articles: dict[int, list[Member]] = defaultdict(list)
    for member in members:
        articles[place[member.content]].append(member)
    return articles


def _representative(contents: Sequence[Content], present: Sequence[Member], priority: Mapping[int, int]) -> str:
    """Of a family with its core first, and its articles in order of arrival; `priority` is by source, least first."""
    if len(present) == 1:
        return present[0].article_id
    rank = {content.number: k for k, content in enumerate(contents)}
    last = len(priority)
    return min(present, key=lambda one: (priority.get(one.source, last), rank[one.content])).article_id


def _kinds(present: Sequence[Member], reprinted: Collection[int]) -> tuple[Kind, ...]:
    """What each article of a family is, in order of arrival."""
    contents: set[int] = set()
    kinds: list[Kind] = []
    for member in present:
        is_copy, is_reprint = member.content in contents, member.content in reprinted
        kinds.append("copy" if is_copy else "new" if not contents else "reprint" if is_reprint else "near-duplicate")
        contents.add(member.content)
    return tuple(kinds)


def _inherit(articles: Mapping[int, Sequence[Member]]) -> tuple[dict[int, str], dict[str, str]]:
    """Which group keeps which family id, and where the ids of groups that kept another one lead."""
    names = {member.family for present in articles.values() for member in present if member.family}
    if not names or len(names) == len(articles) == 1:
        return dict(zip(articles, names, strict=False)), {}
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
    if len({i for _, i in holders}) == 1:
        return holders[0][1]
    unrevised = Counter(i for member, i in holders if not member.revised)
    revised = Counter(i for member, i in holders if member.revised)
    first: dict[int, Member] = {}
    for member, i in sorted(holders):
        first.setdefault(i, member)
    return min(first, key=lambda i: (-unrevised[i], -revised[i], first[i]))


def _jaccard(content: Content, others: Sequence[Content]) -> list[float]:
    """The estimated similarity of a content to others."""
    own = content.signature
    if len(others) <= _FEW:
        return [int(np.count_nonzero(other.signature == own)) / len(own) for other in others]
    equal = np.stack([other.signature for other in others]) == own
    return [n / len(own) for n in np.count_nonzero(equal, axis=1).tolist()]


def _prominence(content: Content) -> tuple[int, bytes]:
    return -content.n_words, content.content_hash


def _by_similarity(known: Mapping[int, Content]) -> Callable[[Edge], tuple[float, float, bytes, bytes]]:
    def key(edge: Edge) -> tuple[float, float, bytes, bytes]:
        ends = sorted((known[edge.one].content_hash, known[edge.other].content_hash))
        jaccard, containment = edge.strength
        return -jaccard, -containment, ends[0], ends[1]

    return key
