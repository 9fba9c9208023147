"""The clustering of a window that moves: what came is compared with what is there, and only what that touches is
clustered anew.

Interface: `Living.of` a window as it is, then `follow` it from run to run, and read `labels`. They are what
`pipeline.cluster_window` finds among the same articles by the same background, up to ties that their order decides:

1. An article's vector depends on its own terms and the background; so only what came, or tells something else than
   before, is weighed and compared.
2. HDBSCAN finds cores anew only where an article or an edge came to or went from a set of close articles.
3. Cores are merged anew only where a chain of likely merges connects them with one that is new or has other
   neighbours, and of those groups that they made before the scores are known.
4. A story is asked anew whether it is several only if it has other articles, or other cores.
5. An article without a sure date is given to a dated story anew where it, an edge of it, or a dated neighbour of it
   changed, or, if its address contradicts its date, any story of the day that this names came, changed or left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Sized
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import filterfalse
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from dedup.cluster import cluster_graph, in_order, near
from dedup.episode import Articles, Days, Likeness, find_homes, tell_apart
from dedup.graph import Index, Pairs, find_pairs, graph_of, same_kind, strongest
from dedup.groups import Earlier, Scored, compare_groups, distinct
from dedup.kept import Head, Part, heads_of, pack_rows, serials_of, told_then
from dedup.known import Known
from dedup.pipeline import (
    Background,
    Params,
    Telling,
    count_words,
    describe,
    merge_articles,
    weigh,
)

ALWAYS_RENEWED: Final = 2_000
"""Families in a window up to which each run makes the background anew: so few say little of what is common, and a run
over them takes a second."""
MOST_MOVED: Final = 0.5
"""Families that may come and leave before a larger window's background is made anew, as a share of those that it was
made of. Where a third of 5,837 articles is not in the background, B-cubed is .929 (of that third .936), where six in
ten are not .925 (of these .927), beside .924 with all of them in it."""


def is_large(families: Sized) -> bool:
    """Whether a window of these families keeps its background from run to run."""
    return len(families) > ALWAYS_RENEWED


@dataclass(slots=True)
class Numbered:
    """Groups of articles that keep their numbers while they keep their articles: `of` says in which each article is
    (int64, -1 for none). `n`: how many numbers were given; `broken` says of which groups an article has left.
    """

    of: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    n: int = 0
    broken: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(1, np.bool_))

    @classmethod
    def as_kept(cls, of: NDArray[np.int64]) -> Numbered:
        """Groups as they were."""
        n = int(of.max(initial=-1)) + 1
        return cls(of.copy(), n, np.zeros(n + 1, np.bool_))

    def extend(self, n_articles: int) -> None:
        """Makes room for so many more articles."""
        self.of = np.concatenate([self.of, np.full(n_articles, -1)])

    def drop(self, articles: NDArray[np.int64]) -> None:
        """Takes articles out of their groups."""
        self.broken[self.of[articles]] = True
        self.of[articles] = -1

    def put(self, articles: NDArray[np.int64], found: NDArray[np.int64]) -> NDArray[np.int64]:
        """Groups these articles as `found` says (0..k-1). A group that has the very articles of one before is that one.
        The numbers of all others, which are new: int64.
        """
        before = self.of[articles]
        n_before = np.bincount(before + 1, minlength=self.n + 1)[1:]
        n_found, firsts = np.bincount(found), np.unique(found, return_index=True)[1]
        old = before[firsts]
        is_same = (old >= 0) & ~self.broken[old] & (np.bincount(found, before != old[found], len(old)) == 0)
        is_same[is_same] &= n_before[old[is_same]] == n_found[is_same]
        numbers = np.where(is_same, old, self.n + np.cumsum(~is_same) - 1)
        self.of[articles] = numbers[found]
        self.n += int(np.count_nonzero(~is_same))
        self.broken = np.zeros(self.n + 1, np.bool_)
        return np.asarray(numbers[~is_same])


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """How a living window came to be what it is from what it was: `left` are the families that went, `first` the number
    of the first that came, `found` the pairs of these with each other and with those before, `changed` the numbers of
    those in the window that have other places than before, or had none.
    """

    left: Sequence[str]
    first: int
    found: Pairs
    changed: NDArray[np.int64]


@dataclass(slots=True)
class Living:
    """A window's articles by number, in the order in which they came, those that left included.

    `articles` and `index`: what they tell. `pairs` and `graph`: who is like whom. `cores`: the groups that HDBSCAN
    found, `ties` their scores for the merge pass, `chain` which of them hang together by these, and `known` what
    groups of them scored. `stories`: what the merge pass made of them. `events` and `labels`: which events they tell,
    before and after undated articles are given to dated stories; the same number says the same event, and nothing else.
    `likeness`: how like undated articles are to events. `names`: of the families by number;
    `numbers` and `tellings`: of those that are in the window, told as of the last step, and `is_current` says whether
    there was one; `serials`: what each is known by where it is kept, rising
    with the numbers, int64. `n_moved`: how many came and left since the background was made. `step`: the last one.
    """

    params: Params
    background: Background
    articles: Articles
    index: Index
    pairs: Pairs
    graph: sparse.csr_matrix
    names: list[str] = field(default_factory=list)
    serials: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    numbers: dict[str, int] = field(default_factory=dict)
    tellings: dict[str, Telling] = field(default_factory=dict)
    cores: Numbered = field(default_factory=Numbered)
    ties: Scored = field(default_factory=lambda: Scored.of_all([]))
    chain: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    known: Known = field(default_factory=Known)
    stories: Numbered = field(default_factory=Numbered)
    likeness: Known = field(default_factory=Known)
    events: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    labels: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    n_moved: int = 0
    is_current: bool = False
    step: Step = field(default_factory=lambda: Step((), 0, Pairs.of([]), np.zeros(0, np.int64)))

    @classmethod
    def empty(cls, background: Background, params: Params) -> Living:
        """That of a window without families."""
        nobody = describe([], weigh([], params, background), params, background.weigher)
        index = Index.empty(background.vocabulary.counts.astype(np.int64), params.graph)
        return cls(params, background, nobody, index, Pairs.of([]), sparse.csr_matrix((0, 0)))

    @classmethod
    def of(cls, families: Mapping[str, Telling], background: Background, params: Params) -> Living:
        """That of these families, in their order."""
        living = cls.empty(background, params)
        living.follow(families.keys(), families)
        living.n_moved = 0
        return living

    def connect(self, heads: Mapping[str, Head], pairs: Pairs, families: Mapping[str, Telling]) -> None:
        """Fills an empty one with families of which the neighbours are known; `families` as of now. One that is not
        among them, or tells something else now, stands there without what it told, and goes with the next step.
        """
        self._add(told_then(heads, families))
        self.serials = serials_of(heads.values())
        self._connect(pairs)

    def resume(self, places: NDArray[np.int64], n_moved: int) -> None:
        """Puts the articles of one that was only connected into the places where they were; so many families had come
        and left.
        """
        self.cores, self.stories = Numbered.as_kept(places[:, 0]), Numbered.as_kept(places[:, 1])
        self.events, self.labels = places[:, 2].copy(), places[:, 3].copy()
        self._tie(self._apart(), self.index.is_here, np.unique(self.cores.of))
        self.n_moved = n_moved

    def split(self, n_articles: int) -> list[Part]:
        """Finds the cores of one that was only connected; its articles in parts of about so many, each of which can be
        merged and told apart by itself.
        """
        everyone, apart = self.index.is_here, self._apart()
        self._tie(apart, everyone, self._find_cores(apart, everyone))
        chain = self.chain[self.cores.of]
        order = np.argsort(chain, kind="stable")
        ends = np.flatnonzero(np.diff(chain[order], append=-1)) + 1
        cuts = np.unique(np.searchsorted(ends, np.arange(n_articles, len(order), n_articles)))
        return [self._part_of(np.sort(own)) for own in np.split(order, ends[cuts]) if len(own)]

    def _part_of(self, articles: NDArray[np.int64]) -> Part:
        is_own = np.zeros(self.cores.n, np.bool_)
        is_own[self.cores.of[articles]] = True
        ties = self.ties.at(is_own[self.ties.left] & is_own[self.ties.right])
        return Part(self.serials[articles], self.cores.of[articles], ties)

    def settle(self) -> None:
        """Gives articles without a sure date to dated stories, where all others have been told apart."""
        self._bring_home(self.index.is_here, self.index.is_here)

    def _apart(self) -> sparse.csr_matrix:
        """The graph without edges between dated and undated articles."""
        return same_kind(self.graph, self.articles.published_days)

    def asked(self, names: AbstractSet[str], touched: AbstractSet[str]) -> AbstractSet[str]:
        """Of families that are the window now those that are new to it, or may tell something else than before, where
        these were touched since the last step.
        """
        return {*filterfalse(self.tellings.__contains__, names), *(touched & names)} if self.is_current else names

    def follow(self, names: AbstractSet[str], told: Mapping[str, Telling]) -> None:
        """Makes these the families of the window. `told`: what those tell that are `asked`; the new ones are numbered
        in its order.
        """
        left, n_came = self._moves(names, told)
        first, found, before = len(self.names), Pairs.of([]), self.places()
        if left or n_came:
            robbed = {name: self.tellings[name] for name in self._robbed(self.place(left))}
            self._drop([*left, *robbed])
            self._add(robbed | {name: one for name, one in told.items() if name not in self.tellings})
            found = find_pairs(self.index, first)
            touched = self._connect(found)
            self._cluster(touched)
            self.index = self.index.tidied()
        self.tellings.update(told)  # what was read anew and says the same is held once
        self.is_current = True
        self.n_moved += len(left) + n_came
        gone = [name for name in left if name not in self.tellings]
        self.step = Step(gone, first, found, self._changed(before))

    def places(self) -> NDArray[np.int64]:
        """Core, story, event and label of each article by number: int64, shape (n, 4)."""
        return np.column_stack([self.cores.of, self.stories.of, self.events, self.labels])

    def fresh_rows(self) -> dict[str, bytes]:
        """What is to be kept of the families that came with the last step."""
        first, names = self.step.first, self.names[self.step.first :]
        heads = heads_of([self.tellings[name] for name in names], self.serials[first:].tolist())
        return dict(zip(names, pack_rows(heads, self.serials, first, self.step.found), strict=True))

    def _changed(self, before: NDArray[np.int64]) -> NDArray[np.int64]:
        """The articles in the window that are in other places than these."""
        changed, now = self.index.is_here.copy(), self.places()
        changed[: len(before)] &= (now[: len(before)] != before).any(axis=1)
        return np.flatnonzero(changed)

    @property
    def is_worn(self) -> bool:
        """Whether so many families are others that the background is to be made anew."""
        return self._wears(self.n_moved)

    def is_worn_by(self, names: AbstractSet[str], told: Mapping[str, Telling]) -> bool:
        """Whether it will be worn when it has followed these."""
        left, n_came = self._moves(names, told)
        return self._wears(self.n_moved + len(left) + n_came)

    def _wears(self, n_moved: int) -> bool:
        return n_moved > MOST_MOVED * self.background.weigher.n_articles

    def _moves(self, names: AbstractSet[str], told: Mapping[str, Telling]) -> tuple[list[str], int]:
        """The families that leave, where these are the window, and how many come; one that tells something else does
        both.
        """
        left = list(filterfalse(names.__contains__, self.tellings))
        known = ((name, one, self.tellings[name]) for name, one in told.items() if name in self.tellings)
        left += [name for name, one, before in known if one is not before and not _is_same(one, before)]
        return left, len(names) - (len(self.tellings) - len(left))

    def place(self, names: Iterable[str]) -> NDArray[np.int64]:
        """The numbers of these families: int64."""
        return np.fromiter(map(self.numbers.__getitem__, names), np.int64)

    def _robbed(self, left: NDArray[np.int64]) -> list[str]:
        """The families that lose one of as many neighbours as are kept: others that were too many take its place."""
        leaves = np.zeros(len(self.names), np.bool_)
        leaves[left] = True
        n_kept = np.bincount(self.pairs.left, minlength=1)
        losing = np.unique(self.pairs.left[leaves[self.pairs.right] & ~leaves[self.pairs.left]])
        losing = losing[n_kept[losing] >= self.params.graph.max_neighbours]
        return [self.names[number] for number in losing.tolist()]

    def _drop(self, names: Sequence[str]) -> None:
        numbers = self.place(names)
        self.index = self.index.without(numbers)
        here = self.index.is_here
        self.pairs = self.pairs.at(here[self.pairs.left] & here[self.pairs.right])
        self.cores.drop(numbers)
        self.stories.drop(numbers)
        for name in names:
            del self.numbers[name], self.tellings[name]

    def _add(self, families: Mapping[str, Telling]) -> None:
        told, first, n = list(families.values()), len(self.names), len(families)
        found = weigh(told, self.params, self.background)
        fresh = describe(told, found, self.params, self.background.weigher)
        self.index = self.index.appended(found.rows, count_words(told), fresh.published_days)
        self.articles = self.articles.joined(fresh)
        self.names += families
        self.serials = np.concatenate([self.serials, int(self.serials.max(initial=-1)) + 1 + np.arange(n)])
        self.numbers.update(zip(families, range(first, first + n), strict=True))
        self.tellings.update(families)
        self.cores.extend(n)
        self.stories.extend(n)
        self.events, self.labels = (np.concatenate([one, np.full(n, -1)]) for one in (self.events, self.labels))

    def _connect(self, found: Pairs) -> NDArray[np.bool_]:
        """Makes these pairs part of the graph; which articles an article or an edge came to or went from."""
        before, n = self.graph, len(self.names)
        n_before = before.shape[0]
        asked = np.zeros(n, np.bool_)
        asked[found.left] = True
        is_asked = asked[self.pairs.left]
        chosen = strongest(Pairs.of([self.pairs.at(is_asked), found]), self.index)
        self.pairs = Pairs.of([self.pairs.at(~is_asked), chosen])
        self.graph = graph_of(self.pairs, n)
        before.resize((n, n))
        touched = np.zeros(n, np.bool_)
        touched[(before != self.graph).tocoo().row] = True
        touched[n_before:] = True
        return touched & self.index.is_here

    def _cluster(self, touched: NDArray[np.bool_]) -> None:
        """Clusters anew what these articles, and edges of theirs, may change."""
        apart = self._apart()
        fresh = self._find_cores(apart, touched)
        merging = np.flatnonzero(self._among(self.cores, self._tie(apart, touched, fresh)))
        cores, own = in_order(self.cores.of[merging]), self.articles.at(merging)
        merged = merge_articles(cores, _part(apart, merging), own, self.params, self._earlier(merging, cores))
        self.known.settle()
        made = self.stories.put(merging, merged)
        stories = np.unique(self.stories.of[self._among(self.cores, fresh)])
        changed = self._among(self.stories, np.union1d(made, stories))
        self._tell_apart(np.flatnonzero(changed))
        self._bring_home(changed, touched)

    def _among(self, groups: Numbered, chosen: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which articles of the window are in these groups."""
        return np.isin(groups.of, chosen) & self.index.is_here

    def _find_cores(self, apart: sparse.csr_matrix, touched: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Has HDBSCAN find the cores of articles close to those touched; the new ones."""
        close = near(apart, self.params.cluster.max_distance)
        component = csgraph.connected_components(close, directed=False)[1]
        chosen = np.flatnonzero(np.isin(component, component[touched]) & self.index.is_here)
        return self.cores.put(chosen, cluster_graph(_part(apart, chosen), self.params.cluster))

    def _tie(self, apart: sparse.csr_matrix, touched: NDArray[np.bool_], fresh: NDArray[np.int64]) -> NDArray[np.int64]:
        """Scores cores that are new, or have become neighbours; the cores in chains that this may change."""
        before, cores, edges = self.chain, self.cores.of, apart.tocoo()
        asked = np.zeros(self.cores.n, np.bool_)
        asked[cores[touched]] = asked[fresh] = True
        concerned = asked[cores[edges.row]]
        left, right = distinct(cores[edges.row[concerned]], cores[edges.col[concerned]])
        is_gone = np.ones(self.cores.n + 1, np.bool_)
        is_gone[cores] = False  # where articles have none, the last
        asked |= is_gone[:-1]
        concerned = asked[self.ties.left] | asked[self.ties.right]
        known = self.ties.at(concerned)
        stays, is_new = _are_in(known.left, known.right, left, right), ~_are_in(left, right, known.left, known.right)
        gone, come = known.at(~stays), self._score(left[is_new], right[is_new])
        self.ties = Scored.of_all([self.ties.at(~concerned), known.at(stays), come])
        self.chain = self.ties.chains(self.cores.n, self.params.merge)
        gone = gone.at(before[gone.left] == before[gone.right])
        come = come.at(self.chain[come.left] == self.chain[come.right])
        changed = np.concatenate([fresh, gone.left, gone.right, come.left, come.right])
        return np.flatnonzero(np.isin(self.chain, self.chain[changed]))

    def _earlier(self, articles: NDArray[np.int64], labels: NDArray[np.int64]) -> Earlier:
        """What is known of the cores of these articles, under other labels."""
        named, numbers = np.full(self.cores.n, -1), np.zeros(int(labels.max(initial=-1)) + 1, np.int64)
        named[self.cores.of[articles]] = labels
        numbers[labels] = self.cores.of[articles]
        left, right = named[self.ties.left], named[self.ties.right]
        ties = Scored(left, right, self.ties.scores).at((left >= 0) & (right >= 0))
        return Earlier(ties, numbers, self.known)

    def _score(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> Scored:
        """These pairs of cores with their scores for the merge pass."""
        chosen = np.flatnonzero(self._among(self.cores, np.concatenate([left, right])))
        numbers, labels = np.unique(self.cores.of[chosen], return_inverse=True)
        own, pairs = self.articles.at(chosen), (np.searchsorted(numbers, left), np.searchsorted(numbers, right))
        found = compare_groups(labels, pairs, own.words.rows, own.reliability, own.published_days, self.params.merge)
        return Scored(left, right, found.score)

    def _tell_apart(self, chosen: NDArray[np.int64]) -> None:
        """Asks stories, whole ones, whether they are several."""
        merged, cores = in_order(self.stories.of[chosen]), in_order(self.cores.of[chosen])
        divided = tell_apart(merged, cores, self.articles.at(chosen), self.params.episode)
        self.events[chosen] = int(self.events.max(initial=-1)) + 1 + divided
        self.labels[chosen] = self.events[chosen]

    def _bring_home(self, changed: NDArray[np.bool_], touched: NDArray[np.bool_]) -> None:
        """Gives articles without a sure date to dated stories anew, where any of them changed."""
        days, here = self.articles.days, self.index.is_here
        sure, edges = days.is_sure & here, self.graph.tocoo()
        across = ~days.is_sure[edges.row] & sure[edges.col]
        unsure, neighbour = edges.row[across], edges.col[across]
        asking = (changed | touched) & ~days.is_sure
        asking[unsure[changed[neighbour]]] = True
        left = ~here & (self.labels >= 0)
        asking |= days.is_doubted & here & days.is_near(changed & sure | left & days.is_sure)
        self.labels[left] = -1
        of_its_day = sure & days.are_near(asking & days.is_doubted)
        asked = asking[unsure]
        beside = np.column_stack([unsure[asked], self.events[neighbour[asked]]])
        stories = np.union1d(self._likely_homes(beside, days), self.events[of_its_day])
        chosen = np.flatnonzero(asking | np.isin(self.events, stories) & sure)
        own, graph = self.articles.at(chosen), _part(self.graph, chosen)
        likeness = Likeness(chosen, self.likeness)
        self.labels[chosen] = find_homes(self.events[chosen], graph, own, likeness)
        self.likeness.settle()

    def _likely_homes(self, beside: NDArray[np.int64], days: Days) -> NDArray[np.int64]:
        """Of articles and the stories of their neighbours those stories that may take one of them."""
        pairs = np.unique(beside, axis=0)
        likeness = Likeness(np.arange(len(self.names)), self.likeness)
        is_likely = days.is_told[pairs[:, 0]] | likeness.may_be(pairs, self.params.episode.round)
        return np.asarray(pairs[is_likely, 1])


def _is_same(one: Telling, other: Telling) -> bool:
    """Whether two tellings say the same."""
    return one.published_at == other.published_at and one.terms.to_bytes() == other.terms.to_bytes()


def _part(graph: sparse.csr_matrix, chosen: NDArray[np.int64]) -> sparse.csr_matrix:
    """The graph of these articles alone."""
    return graph[chosen][:, chosen].tocsr()


def _are_in(
    left: NDArray[np.int64], right: NDArray[np.int64], lefts: NDArray[np.int64], rights: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which pairs are among others, the lower number of each first."""
    return np.isin(left << 32 | right, lefts << 32 | rights)
