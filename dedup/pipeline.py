"""The order of the stages: the only module that knows it."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from dedup.address import named_day
from dedup.article import Article
from dedup.boilerplate import suspects, without_boilerplate
from dedup.cluster import ClusterParams, cluster_graph, in_order, merge_stories
from dedup.containment import Extract, anchor_keys, extract
from dedup.cues import Tale, read_cues
from dedup.episode import Articles, Days, EpisodeParams, Weigher, Words, find_homes, tell_apart
from dedup.family import (
    Content,
    Edge,
    FamilyParams,
    Member,
    Settled,
    edges_of_pairs,
    group,
    reprints,
    settle,
    source_key,
)
from dedup.frequencies import NO_FREQUENCIES, Frequencies
from dedup.graph import GraphParams, neighbour_graph, reliability, same_kind
from dedup.groups import Earlier, MergeParams
from dedup.identity import Placed, decide, mint
from dedup.lead import read_leads
from dedup.lsh import LshParams, band_keys, pairs_in_common
from dedup.minhash import batches, sign
from dedup.shingle import Shingles, shingle, spans, split
from dedup.storyline import Profile, Shelf, StorylineParams, link_stories, profiles
from dedup.terms import TermParams, Terms, Vectors, make_vocabulary, read_terms, vectors, vectors_by
from dedup.text import body_text, normalise, words
from dedup.vocabulary import Vocabulary

DAY_SECONDS: Final = 86_400
SHORT_BODY_WORDS: Final = 20
"""A body of fewer words ("Read more", a teaser) is compared together with its title."""
_LONG_WORD: Final = 20
"""Letters; a text of more than this for each word of a short body is surely no short body."""


Done = Callable[[str], None]
"""Hears the name of each stage when it is done."""

_PROBE: Final = Article(
    "probe",
    url="https://ferries.example/2031/05/12/service-resumes",
    title="Ferry service to the islands resumes after 17 days",
    text="The third round of talks in Vessin ended on Friday with 214 seats, two weeks after the second. "
    + " ".join(
        f"On day {day} the harbour master counted {1_000 + 37 * day:,} passengers, 4.{day} metres of swell, “no” boats;"
        f" das Schiff № {day} fuhr nicht, пором стояв у порту, feribot beklüyor, 渡轮停航 {day} 天."
        for day in range(1, 13)
    )
    + "\nSign up for our newsletter.",
)
"""Words of several scripts, numbers, cues and a notice, more than enough for anchors and a sample."""
_INFLECTED_PROBE: Final = Article(
    "inflected-probe",
    title="Fährverkehr zu den Inseln läuft nach 17 Tagen wieder",
    text="Die dritte Runde der Gespräche in Vessin ist am Freitag zu Ende gegangen, zwei Wochen nach der zweiten. "
    "Nach den Gesprächen sagte der Hafenmeister, dass die Fähren der Inselstadt auch an den Wochenenden fahren.",
)
"""One whose words are read by their stems."""


def unheard(_: str) -> None:
    """Nobody asks how far it is."""


@dataclass(frozen=True, slots=True)
class Params:
    """The parameters of all stages."""

    lsh: LshParams = field(default_factory=LshParams)
    family: FamilyParams = field(default_factory=FamilyParams)
    terms: TermParams = field(default_factory=TermParams)
    graph: GraphParams = field(default_factory=GraphParams)
    cluster: ClusterParams = field(default_factory=ClusterParams)
    merge: MergeParams = field(default_factory=MergeParams)
    episode: EpisodeParams = field(default_factory=EpisodeParams)
    storyline: StorylineParams = field(default_factory=StorylineParams)


class Prepared(NamedTuple):
    """An article with all that can be computed from it alone.

    `body`: its plain text. `signature`: uint16, shape (num_perm,), the low half of each MinHash value. `keys`: uint64,
    shape (n_keys,), under which texts like it are found: those of its bands, then those of its anchors; shape (0,) for
    an article that has a title only, or besides it what every page of its site says, and so is nobody's
    near-duplicate: the same title is never enough.
    """

    article: Article
    body: str
    content_hash: bytes
    n_words: int
    signature: NDArray[np.uint16]
    extract: Extract
    keys: NDArray[np.uint64]
    terms: Terms

    def content(self, number: int) -> Content:
        return Content(number, self.content_hash, self.n_words, self.signature, self.extract)


def prepare(articles: Sequence[Article], params: Params) -> list[Prepared]:
    """Text, shingles, signature, keys and terms of each article."""
    return [one for part in preparing(articles, params) for one in part]


def preparing(articles: Sequence[Article], params: Params) -> Iterator[list[Prepared]]:
    """The same, some articles at a time, in order."""
    titles = [normalise(article.title) for article in articles]
    plain = [body_text(article) for article in articles]
    n_done = 0
    for batch in batches([normalise(body) for body in plain]):
        part = slice(n_done, n_done := n_done + len(batch))
        yield _prepare(articles[part], plain[part], titles[part], batch, params)


def _prepare(
    articles: Sequence[Article], plain: Sequence[str], titles: Sequence[str], bodies: Sequence[str], params: Params
) -> list[Prepared]:
    """A batch of articles, with their normalised titles and bodies."""
    told, shingles = _without_boilerplate(titles, bodies)
    hashes = shingles.content_hashes()
    signatures = sign(shingles).astype(np.uint16)
    extracts = extract(shingles)
    keys = content_keys(signatures, extracts, params.lsh)
    terms = _read_terms(articles, titles, told, plain, params.terms)
    n_words = shingles.n_words.tolist()
    return [
        Prepared(
            article,
            plain[i],
            hashes[i] if n_words[i] else _own_hash(article.id, titles[i]),
            n_words[i],
            signatures[i],
            extracts[i],
            keys[i] if n_words[i] else np.empty(0, np.uint64),
            terms[i],
        )
        for i, article in enumerate(articles)
    ]


def _read_terms(
    articles: Sequence[Article], titles: Sequence[str], told: Sequence[str], plain: Sequence[str], params: TermParams
) -> Sequence[Terms]:
    """What is read of articles for clustering."""
    if not params.cue_words:
        return [_nothing_read()] * len(titles)
    leads = read_leads(titles, told, params.cue_words)
    read, marks = read_cues(leads, plain)
    days = [named_day(one.url) for one in articles]
    cues = [own if day is None else dataclasses.replace(own, day=day) for own, day in zip(read, days, strict=True)]
    return read_terms(leads, marks, cues, params)


@cache
def _nothing_read() -> Terms:
    """The terms of an article without words."""
    [nothing] = _read_terms([_PROBE], [""], [""], [""], TermParams(lead_words=1, cue_words=1))
    return nothing


@cache
def fingerprint(params: Params) -> str:
    """Names how texts are read: it changes with whatever changes hashes, signatures, keys or terms of the probe texts.

    What was kept under one fingerprint must not be compared with what is made under another.
    """
    made = b""
    for one in prepare([_PROBE, _INFLECTED_PROBE], params):
        arrays = one.signature, one.keys, one.extract.sample
        made += one.content_hash + b"".join(array.astype("<u8").tobytes() for array in arrays) + one.terms.to_bytes()
    return hashlib.blake2b(made, digest_size=8).hexdigest()


def content_keys(
    signatures: NDArray[np.uint16], extracts: Sequence[Extract], lsh: LshParams
) -> list[NDArray[np.uint64]]:
    """All keys of each content: uint64, shape (n_bands + n_anchors,)."""
    anchors = anchor_keys(np.concatenate([np.empty(0, np.uint32), *(one.anchors for one in extracts)]))
    counts = lsh.bands + np.array([len(one.anchors) for one in extracts], np.int64)
    keys = np.empty(int(counts.sum()), np.uint64)
    is_band = np.zeros(len(keys), np.bool_)
    is_band[spans(np.cumsum(counts) - counts, np.full(len(extracts), lsh.bands))] = True
    keys[is_band] = band_keys(signatures, lsh).ravel()
    keys[~is_band] = anchors
    return split(keys, counts)


def _without_boilerplate(titles: Sequence[str], bodies: Sequence[str]) -> tuple[list[str], Shingles]:
    """The bodies without boilerplate, and the shingles of what is compared of each article."""
    shingles = shingle([_compared(title, body) for title, body in zip(titles, bodies, strict=True)])
    told = list(bodies)
    for i in suspects(shingles.words, shingles.n_words):
        told[i] = without_boilerplate(bodies[i])
    changed = [i for i, (before, after) in enumerate(zip(bodies, told, strict=True)) if before != after]
    if changed:
        shingles = shingles.replaced(changed, shingle([_compared(titles[i], told[i]) for i in changed]))
    return told, shingles


def _compared(title: str, body: str) -> str:
    """By what an article is compared with others, of its normalised title and body; "" where it has no body."""
    if len(body) > SHORT_BODY_WORDS * _LONG_WORD:
        return body
    n_words = len(words(body))
    return body if n_words >= SHORT_BODY_WORDS or not n_words else f"{title}\n{body}"


def compared_parts(title: str, body: str) -> tuple[str, str]:
    """By what an article is compared with others, of its plain title and body: the normalised title, "" where the body
    is not too short without it, and the normalised body without boilerplate.
    """
    normalised = normalise(title)
    (told,), _ = _without_boilerplate([normalised], [normalise(body)])
    return "" if _compared(normalised, told) == told else normalised, told


def _own_hash(article_id: str, title: str) -> bytes:
    """A content hash that no other article has, and that changes with the title."""
    return hashlib.blake2b(f"{article_id}\n{title}".encode(), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class Telling:
    """What of a family enters clustering: the terms of its representative, and when it was published (Unix seconds
    or None).
    """

    terms: Terms
    published_at: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """By what the articles of a window are weighed: the vocabulary and the facts of a window as it was, and of what was
    told before it.
    """

    vocabulary: Vocabulary
    weigher: Weigher

    @classmethod
    def of(cls, tellings: Sequence[Telling], params: Params, before: Frequencies = NO_FREQUENCIES) -> Background:
        """That of this window; `before` are the document frequencies of what was told earlier."""
        vocabulary = make_vocabulary([telling.terms for telling in tellings], params.terms, before)
        return cls(vocabulary, Weigher.of([tale_of(telling) for telling in tellings], params.episode.round))


@dataclass(frozen=True, slots=True, eq=False)
class Clustering:
    """One clustering of one window: a label for each telling (int64, 0..k-1 in order of first member), and what led to
    it. `graph`: the neighbours, dated and undated alike; `cores` and `merged`: the labels after HDBSCAN and after the
    merge pass; `articles`: by which like events were told apart.
    """

    labels: NDArray[np.int64]
    vectors: Vectors
    graph: sparse.csr_matrix
    cores: NDArray[np.int64]
    merged: NDArray[np.int64]
    articles: Articles

    @property
    def reliability(self) -> NDArray[np.float64]:
        return self.articles.reliability

    @property
    def days(self) -> NDArray[np.float64]:
        return self.articles.published_days

    def profile(self, members: Sequence[int], params: Params) -> Profile:
        """The profile of the story that these tellings make."""
        return story_profiles(self.articles, self.vectors.vocabulary, [members], params)[0]


def cluster_window(
    tellings: Sequence[Telling],
    params: Params,
    background: Background | None = None,
    done: Done = unheard,
    *,
    is_archive: bool = False,
) -> Clustering:
    """Which tellings are about one event, weighed by a background; without one, by what these tellings make, those of
    an archive as they were told. `done` hears of each stage.
    """
    found = weigh(tellings, params, background, is_archive=is_archive)
    done("vectors")
    weigher = background.weigher if background else None
    articles = describe(tellings, found, params, weigher)
    graph = neighbour_graph(found.rows, count_words(tellings), articles.published_days, params.graph)
    done("graph")
    apart = same_kind(graph, articles.published_days)
    cores = cluster_graph(apart, params.cluster)
    done("HDBSCAN")
    merged = merge_articles(cores, apart, articles, params)
    done("merge pass")
    labels = find_homes(tell_apart(merged, cores, articles, params.episode), graph, articles)
    done("telling apart")
    return Clustering(in_order(labels), found, graph, cores, merged, articles)


def weigh(
    tellings: Sequence[Telling], params: Params, background: Background | None = None, *, is_archive: bool = False
) -> Vectors:
    """The TF-IDF vectors of tellings."""
    terms = [telling.terms for telling in tellings]
    if background:
        return vectors_by(terms, background.vocabulary, params.terms)
    return vectors(terms, params.terms, published_days=published_days(tellings) if is_archive else None)


def published_days(tellings: Sequence[Telling]) -> NDArray[np.float64]:
    """When tellings were published, in days since 1970, nan where undated: float64, shape (n,)."""
    times = [math.nan if one.published_at is None else one.published_at for one in tellings]
    return np.array(times, np.float64) / DAY_SECONDS


def count_words(tellings: Sequence[Telling]) -> NDArray[np.float64]:
    """How many content words each telling has: float64, shape (n,)."""
    return np.array([telling.terms.n_words for telling in tellings], np.float64)


def describe(tellings: Sequence[Telling], found: Vectors, params: Params, weigher: Weigher | None = None) -> Articles:
    """Tellings as like events are told apart by; `weigher` weighs their facts, or else one is made of them."""
    vocabulary = found.vocabulary
    tales = [tale_of(telling) for telling in tellings]
    days = Days.of(published_days(tellings), tales, params.episode.round)
    if weigher is None and not days.is_sure.all():
        weigher = Weigher.of(tales, params.episode.round)
    words = Words(found.rows, vocabulary.is_fact, vocabulary.is_word, vocabulary.counts.astype(np.int64), found.told)
    return Articles(words, reliability(count_words(tellings), params.graph), days, tales, weigher)


def tale_of(telling: Telling) -> Tale:
    """What a telling says of its event."""
    return Tale(telling.terms.hashes, telling.terms.marks, telling.terms.cues)


def merge_articles(
    cores: NDArray[np.int64],
    apart: sparse.csr_matrix,
    articles: Articles,
    params: Params,
    earlier: Earlier | None = None,
) -> NDArray[np.int64]:
    """The merge pass over the cores of these articles; `apart` has no edges between dated and undated ones, and the
    rest as in `merge_stories`.
    """
    rows, days = articles.words.rows, articles.published_days
    return merge_stories(cores, apart, rows, articles.reliability, days, params.merge, earlier)


def story_profiles(
    articles: Articles, vocabulary: Vocabulary, stories: Sequence[Sequence[int]], params: Params
) -> list[Profile]:
    """The profile of each story, given by its articles."""
    chosen, rows = [np.asarray(members) for members in stories], articles.words.rows
    return profiles(chosen, rows, vocabulary.keys, articles.reliability, articles.published_days, params.storyline)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where one article of an archive belongs."""

    article_id: str
    family_id: str
    story_id: str
    storyline_id: str


def cluster_articles(
    articles: Sequence[Article], params: Params | None = None, done: Done = unheard
) -> list[Placement]:
    """Families, stories and storylines of an archive, as one window whose order is the order of arrival.

    One placement an article, in the order given; an article given again is a revision, and all its placements are
    its last one. `done` hears of each stage.
    """
    chosen = params or Params()
    latest = {article.id: article for article in articles}
    families, tellings = _tellings(list(latest.values()), chosen, done)
    family_of = {member.article_id: settled.family_id for settled in families for member in settled.members}
    story_of, storyline_of = _find_stories(families, tellings, chosen, done)
    return [
        Placement(article.id, family, story_of[family], storyline_of[story_of[family]])
        for article in articles
        for family in (family_of[article.id],)
    ]


def _tellings(articles: Sequence[Article], params: Params, done: Done) -> tuple[list[Settled], list[Telling]]:
    """The families of articles in order of arrival, and what of each enters clustering: nothing else is held on to."""
    prepared = prepare(articles, params)
    done("prepare")
    families = find_families(prepared, params)
    by_id = {one.article.id: one for one in prepared}
    chosen = (by_id[settled.representative] for settled in families)
    tellings = [Telling(one.terms, one.article.published_at) for one in chosen]
    done("families")
    return families, tellings


def find_families(prepared: Sequence[Prepared], params: Params) -> list[Settled]:
    """The families of articles in order of arrival."""
    numbers: dict[bytes, int] = {}
    members = [
        Member(
            (i, 0),
            article.id,
            numbers.setdefault(one.content_hash, len(numbers)),
            "",
            False,
            source_key(article.source),
        )
        for i, one in enumerate(prepared)
        for article in (one.article,)
    ]
    first = {member.content: i for i, member in reversed(list(enumerate(members)))}
    contents = [prepared[first[number]].content(number) for number in range(len(numbers))]
    settled: list[Settled] = []
    taken: set[str] = set()
    carried: dict[int, list[Member]] = defaultdict(list)
    for member in members:
        carried[member.content].append(member)
    for connected, edges in _connected(contents, [prepared[first[c.number]].keys for c in contents], params):
        groups = group(connected, edges, params.family)
        settlement = settle(
            groups,
            [member for content in connected for member in carried[content.number]],
            lambda founder: mint("family", founder, taken.__contains__),
            reprints(groups, edges),
            params.family.source_priority,
        )
        taken.update(one.family_id for one in settlement.families)
        settled += settlement.families
    return sorted(settled, key=lambda one: one.members[0])


def _connected(
    contents: Sequence[Content], keys: Sequence[NDArray[np.uint64]], params: Params
) -> Iterator[tuple[list[Content], list[Edge]]]:
    """The contents in sets connected by verified edges, and the edges of each set."""
    if not contents:
        return
    found = pairs_in_common(keys)
    edges = edges_of_pairs(contents, found, params.family)
    ends = np.array([(edge.one, edge.other) for edge in edges], np.int64).reshape(-1, 2)
    links = sparse.coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(contents),) * 2)
    component = csgraph.connected_components(links, directed=False)[1].tolist()
    sets: dict[int, list[Content]] = defaultdict(list)
    for content in contents:
        sets[component[content.number]].append(content)
    edges_of: dict[int, list[Edge]] = defaultdict(list)
    for edge in edges:
        edges_of[component[edge.one]].append(edge)
    for name, members in sets.items():
        yield members, edges_of[name]


def _find_stories(
    families: Sequence[Settled], tellings: Sequence[Telling], params: Params, done: Done
) -> tuple[dict[str, str], dict[str, str]]:
    """The story of each family, and the storyline of each story."""
    if not families:
        return {}, {}
    clustering = cluster_window(tellings, params, done=done, is_archive=True)
    clusters: dict[int, list[int]] = defaultdict(list)
    for i, label in enumerate(clustering.labels.tolist()):
        clusters[label].append(i)
    outcome = decide(
        [_placed(settled) for settled in families],
        [[families[i].family_id for i in members] for members in clusters.values()],
        {},
    )
    done("identity")
    position = {settled.family_id: i for i, settled in enumerate(families)}
    story_of = {family: story.story_id for story in outcome.stories for family in story.families}
    members = [[position[f] for f in story.families] for story in outcome.stories]
    told = story_profiles(clustering.articles, clustering.vectors.vocabulary, members, params)
    founders: dict[int, str] = {}
    taken: set[str] = set()
    storyline_of: dict[str, str] = {}
    for story, line in zip(outcome.stories, link_stories(told, Shelf(), params.storyline).tolist(), strict=True):
        if line not in founders:
            founding = families[position[story.families[0]]].members[0].article_id
            founders[line] = mint("storyline", founding, taken.__contains__)
            taken.add(founders[line])
        storyline_of[story.story_id] = founders[line]
    done("storylines")
    return story_of, storyline_of


def _placed(settled: Settled) -> Placed:
    return Placed(
        family=settled.family_id,
        articles=tuple(member.article_id for member in settled.members),
        seen_at=tuple(member.seen_at[0] for member in settled.members),
        story="",
        stories=("",) * len(settled.members),
    )
