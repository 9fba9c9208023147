"""Why an article is in its family: which article it matches, by which figures, and in what words.

The match of an article is the earlier one that it is most similar to, by the verified edges of the index; for the
first of a family it is the later one most similar to it. A copy matches the first article with its words.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dedup.containment import contained
from dedup.explain import Comparison, Source, compare
from dedup.family import Content, Edge, FamilyParams, bar, containment_bar
from dedup.minhash import NUM_PERM
from dedup.pipeline import Params, compared_parts
from dedup.story import Kind
from worker.store.inbox import StreamId
from worker.store.records import ArticleRecord
from worker.store.store import Store


@dataclass(frozen=True, slots=True)
class Match:
    """The article that an article matches.

    `kind`: how the two stand to each other. `came_earlier`: whether it arrived first. `jaccard`: their similarity as
    their signatures estimate it, with its `standard_error`. `containment`, `containment_of_match`: the share of each
    text that is in the other, estimated from samples of their shingles; None of texts too short for a sample.
    `reached`: `jaccard`, or for a reprint the containment of the shorter text; `bar`: what that has to be at their
    length. `is_edge`: whether it is; if not, others of the family link the two. `n_words`: of its text.
    """

    article_id: str
    kind: Kind
    came_earlier: bool
    jaccard: float
    standard_error: float
    containment: float | None
    containment_of_match: float | None
    reached: float
    bar: float
    is_edge: bool
    n_words: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """An article in its family. `match` is None where the family is it alone; `comparison` is None without a match, and
    where the texts are not kept. `n_words` are those that are compared; 0: none of it is.
    """

    article_id: str
    family: str
    kind: str
    representative: str
    n_articles: int
    revision: int
    n_words: int
    match: Match | None
    comparison: Comparison | None


@dataclass(frozen=True, slots=True, order=True)
class _Member:
    """An article of the family, ordered by arrival."""

    seen_at: StreamId
    article_id: str
    content: int


def explain(store: Store, params: Params, article_id: str, *, with_text: bool = True) -> Explanation | None:
    """The explanation of an article; None where it is not known. `with_text`: whether the texts are compared, too."""
    entry = store.articles.get(article_id)
    family = store.articles.get_family(entry.family) if entry is not None else None
    records = store.articles.records([*(family.articles if family else ()), article_id])
    if entry is None or article_id not in records:
        return None
    members = sorted(_member(name, packed) for name, packed in records.items())
    own = next(member for member in members if member.article_id == article_id)
    contents = store.index.contents(sorted({member.content for member in members}))
    known = _Family(own, members, contents, _edges(store, own.content))
    chosen = known.closest()
    return Explanation(
        article_id=article_id,
        family=entry.family,
        kind=entry.kind,
        representative=entry.representative,
        n_articles=len(members),
        revision=entry.revision,
        n_words=known.n_words(own),
        match=known.match(chosen, params.family) if chosen is not None else None,
        comparison=_compare(store, own, chosen) if chosen is not None and with_text else None,
    )


@dataclass(frozen=True, slots=True)
class _Family:
    """What is known of a family about one of its articles. `edges` are those of its content, by the other end."""

    own: _Member
    members: Sequence[_Member]
    contents: Mapping[int, Content]
    edges: Mapping[int, Edge]

    def closest(self) -> _Member | None:
        """The article that this one matches; None where it is alone."""
        others = [member for member in self.members if member != self.own]
        return min(others, key=self._distance, default=None)

    def n_words(self, member: _Member) -> int:
        return self.contents[member.content].n_words if member.content in self.contents else 0

    def match(self, other: _Member, params: FamilyParams) -> Match:
        edge = self.edges.get(other.content)
        is_copy = other.content == self.own.content
        reprinted = edge.containment if edge is not None else 0.0
        jaccard = 1.0 if is_copy else self._jaccard(other)
        shorter = min(self.n_words(self.own), self.n_words(other))
        return Match(
            article_id=other.article_id,
            kind="copy" if is_copy else "reprint" if reprinted else "near-duplicate",
            came_earlier=other < self.own,
            jaccard=jaccard,
            standard_error=math.sqrt(jaccard * (1 - jaccard) / NUM_PERM),
            containment=1.0 if is_copy else self._contained(self.own, other),
            containment_of_match=1.0 if is_copy else self._contained(other, self.own),
            reached=reprinted or jaccard,
            bar=(containment_bar if reprinted else bar)(shorter, params),
            is_edge=is_copy or edge is not None,
            n_words=self.n_words(other),
        )

    def _distance(self, other: _Member) -> tuple[int, tuple[float, float], _Member]:
        """What orders the others: those with a verified edge by its strength, earlier ones before later ones; copies
        that came later say nothing of why an article is in the family of others.
        """
        edge = self.edges.get(other.content)
        is_copy = other.content == self.own.content
        if is_copy and (other < self.own or self.own == self.members[0]):
            return 0, (-2.0, -2.0), other
        if edge is not None:
            jaccard, containment = edge.strength
            return (0 if other < self.own else 1), (-jaccard, -containment), other
        return (3 if is_copy else 2), (-self._jaccard(other), 0.0), other

    def _contained(self, one: _Member, other: _Member) -> float | None:
        """The share of one article's text that is in another's; None where nothing is sampled of it."""
        held, holder = self.contents.get(one.content), self.contents.get(other.content)
        if held is None or holder is None:
            return None
        share, n_sampled = contained(held.extract.sample, holder.extract.sample)
        return share if n_sampled else None

    def _jaccard(self, other: _Member) -> float:
        """The similarity of an article's text to this one's, by their signatures; 0 where one has gone meanwhile."""
        if other.content in self.edges:
            return self.edges[other.content].jaccard
        one, two = self.contents.get(self.own.content), self.contents.get(other.content)
        return float((one.signature == two.signature).mean()) if one is not None and two is not None else 0.0


def _member(article_id: str, packed: bytes) -> _Member:
    record = ArticleRecord.unpack(packed)
    return _Member(record.seen_at, article_id, record.content)


def _edges(store: Store, number: int) -> dict[int, Edge]:
    """The edges of a content, by what is at their other end."""
    state = store.index.states([number])[number]
    groups = store.index.groups([state.group]) if state is not None else {}
    found = (edge for group in groups.values() for edge in group.edges if number in (edge.one, edge.other))
    return {edge.other if edge.one == number else edge.one: edge for edge in found}


def _compare(store: Store, one: _Member, other: _Member) -> Comparison | None:
    """The texts compared; None where they are not kept."""
    texts = store.index.texts(sorted({one.content, other.content}))
    if one.content not in texts or other.content not in texts:
        return None
    titles = [title for (title,) in store.articles.fields([one.article_id, other.article_id], [], ["title"])]
    return compare(_source(titles[0], texts[one.content]), _source(titles[1], texts[other.content]))


def _source(title: str, body: str) -> Source:
    """A kept text as it is shown and as it is compared: a short body together with its title."""
    compared_title, compared_body = compared_parts(title, body)
    return Source(f"{title}\n{body}" if compared_title else body, f"{compared_title}\n{compared_body}")
