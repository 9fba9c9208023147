"""Why an article is in its story and in no other, and why two articles are in one story or in two.

The window is clustered once more, and what its stages made of the articles is put beside the stories they are in by
what was told. Interface: `Seen.of` a window's tellings, then `belonging` of one article or `compare_two`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dedup.agreement import Agreement, Filled, compare_cues, compare_ordinals
from dedup.episode import find_parting
from dedup.graph import time_kernel
from dedup.groups import compare_groups
from dedup.pipeline import Background, Clustering, Params, Telling, cluster_window
from dedup.storyline import similarity

Cause = Literal["time", "similarity", "dates", "neighbours", "address", "form", "events", "outsider", "rounds", "none"]
"""What keeps two articles apart. `time`: they are alike enough, but published too many days apart; `similarity`: they
are not alike enough; `dates`: one is dated, the other is not and does not clearly tell the dated one's story;
`neighbours`: no two articles of their groups are neighbours in the graph; `address`: one of them has an address that
contradicts its date, by which the two were together; `form`, `events`, `rounds`: they were alike
enough, and are reports of one form, two events of one kind, or two rounds of one storyline; `outsider`: one of them is
much less like the others than these are; `none`: nothing does, in the present window."""

Joining = Literal["core", "merge", "address", "dated", "alone", "none"]
"""How an article came to others of its story: in one core of HDBSCAN, in the merge pass, as one whose address names
the day of the story while its own date is missing or contradicts it (`address`), as an undated article that tells the
facts of a dated story; `alone`: it has none; `none`: not by what the present window holds."""

N_NEAREST: Final = 5
N_TERMS: Final = 8
N_OWN_WORDS: Final = 5


@dataclass(frozen=True, slots=True)
class Term:
    """A term (its key as `terms.Vectors` has it) and its share of all that two sides have in common."""

    key: int
    share: float


@dataclass(frozen=True, slots=True)
class Likeness:
    """Two articles, by their places in the window.

    `cosine`: of their TF-IDF vectors. `similarity`: over the cosine expected of two articles of their lengths on one
    story. `gap_days`: None where either is undated. `kernel`: of these days, by which the similarity is multiplied.
    """

    here: int
    there: int
    cosine: float
    similarity: float
    gap_days: float | None
    kernel: float
    n_shared_terms: int
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class Score:
    """What the merge pass makes of two groups; see `groups.Factors`. `bar`: what the score has to reach."""

    similarity: float
    cohesion: float
    kernel: float
    crowding: float
    bar: float

    @property
    def timeless(self) -> float:
        """The score without the days between."""
        return self.similarity / self.cohesion * self.crowding

    @property
    def total(self) -> float:
        """What is held against the bar."""
        return self.timeless * self.kernel

    @property
    def asked(self) -> float:
        """The similarity from which the score reaches the bar, were it not for the days between."""
        return self.bar * self.cohesion / self.crowding


@dataclass(frozen=True, slots=True)
class Apart:
    """Why two articles are in two stories.

    `score`: of their two groups after the merge pass, of `n_here` and `n_there` articles. `words_here`, `words_there`:
    keys of the words that tell one story from the other, `ordinals` what both count otherwise.
    """

    cause: Cause
    score: Score
    n_here: int
    n_there: int
    words_here: tuple[int, ...]
    words_there: tuple[int, ...]
    ordinals: Filled | None


@dataclass(frozen=True, slots=True)
class RunnerUp:
    """The other story that an article is most like, days aside: `nearest` is its article there, `score` its own with
    the whole of it, `terms` what the two have in common.
    """

    story: int
    nearest: Likeness
    score: Score
    terms: tuple[Term, ...]
    apart: Apart


@dataclass(frozen=True, slots=True)
class Belonging:
    """An article in its story.

    `core`: the nearest article of its core that tells its story, None where there is none, and `core_similarity` what
    the two have for it, days included; `core_bar` what makes a core. `score`: its own with the rest of its story, None
    where it is alone. `terms`: what it has in common with the rest. `runner_up`: None where no other story shares a
    term.
    """

    place: int
    joining: Joining
    core: int | None
    core_similarity: float
    core_bar: float
    score: Score | None
    nearest: tuple[Likeness, ...]
    terms: tuple[Term, ...]
    runner_up: RunnerUp | None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two articles. `joining`: by what they are in one story, None where they are not; `apart`: why they are not, None
    where they are. `storyline_similarity`: of their stories as far as they are in the window, held against
    `storyline_bar`; `n_shared`: the terms of their profiles in common.
    """

    likeness: Likeness
    terms: tuple[Term, ...]
    joining: Joining | None
    apart: Apart | None
    storyline_similarity: float
    storyline_bar: float
    n_shared: int


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A window as its clustering sees it. `stories`: int64, shape (n,), the story each article is in by what was told,
    -1 where none was.
    """

    tellings: Sequence[Telling]
    clustering: Clustering
    stories: NDArray[np.int64]
    params: Params

    @classmethod
    def of(
        cls,
        tellings: Sequence[Telling],
        stories: NDArray[np.int64],
        params: Params,
        background: Background | None = None,
    ) -> Seen:
        """Clusters the window as it is weighed by a background, or by what it makes itself."""
        return cls(tellings, cluster_window(tellings, params, background), stories, params)

    @property
    def rows(self) -> sparse.csr_matrix:
        return self.clustering.vectors.rows

    def story_of(self, place: int) -> NDArray[np.int64]:
        """All articles of an article's story, itself included."""
        label = self.stories[place]
        return np.flatnonzero(self.stories == label) if label >= 0 else np.array([place])

    def similarities(self, place: int, others: NDArray[np.int64]) -> NDArray[np.float64]:
        """Of an article with others, days aside: float64, shape (len(others),)."""
        cosines = (self.rows[others] @ self.rows[[place]].T).toarray().ravel().astype(np.float64)
        expected = np.sqrt(self.clustering.reliability[place] * self.clustering.reliability[others])
        return np.asarray(cosines / expected)

    def score(self, here: NDArray[np.int64], there: NDArray[np.int64]) -> Score:
        """Of two groups of articles."""
        both = np.concatenate([here, there])
        labels = np.repeat(np.arange(2), [len(here), len(there)])
        return self._scores(labels, both, (np.array([0]), np.array([1])))[0]

    def scores(self, place: int, stories: NDArray[np.int64]) -> list[Score]:
        """Of one article with each of these stories, none of them its own."""
        inside = np.flatnonzero(np.isin(self.stories, stories))
        labels = np.concatenate([[0], 1 + np.searchsorted(stories, self.stories[inside])])
        pairs = np.zeros(len(stories), np.int64), 1 + np.arange(len(stories))
        return self._scores(labels, np.concatenate([[place], inside]), pairs)

    def _scores(
        self, labels: NDArray[np.int64], members: NDArray[np.int64], pairs: tuple[NDArray[np.int64], NDArray[np.int64]]
    ) -> list[Score]:
        seen, params = self.clustering, self.params.merge
        found = compare_groups(labels, pairs, self.rows[members], seen.reliability[members], seen.days[members], params)
        columns = (one.tolist() for one in (found.similarity, found.cohesion, found.kernel, found.crowding))
        return [
            Score(alike, cohesion, kernel, crowding, params.min_score)
            for alike, cohesion, kernel, crowding in zip(*columns, strict=True)
        ]


def belonging(seen: Seen, place: int) -> Belonging:
    """Why an article is in its story, and not in the one it is next most like."""
    story = seen.story_of(place)
    others = story[story != place]
    core, core_similarity = _nearest_of_core(seen, place, others)
    return Belonging(
        place=place,
        joining=_joining(seen, place, others),
        core=core,
        core_similarity=core_similarity,
        core_bar=1 / seen.params.cluster.max_distance - 1,
        score=seen.score(np.array([place]), others) if len(others) else None,
        nearest=tuple(compare_articles(seen, place, other) for other in _most_alike(seen, place, others)),
        terms=_common_terms(seen, place, others),
        runner_up=_runner_up(seen, place),
    )


def compare_two(seen: Seen, here: int, there: int) -> Pair:
    """Why two articles are in one story, or in two."""
    is_together = bool(seen.stories[here] == seen.stories[there] >= 0)
    mine, other = (seen.clustering.profile(seen.story_of(end).tolist(), seen.params) for end in (here, there))
    alike, n_shared = similarity(mine, other, seen.params.storyline)
    return Pair(
        likeness=compare_articles(seen, here, there),
        terms=_common_terms(seen, here, np.array([there])),
        joining=_joining(seen, here, np.array([there])) if is_together else None,
        apart=None if is_together else _apart(seen, here, there),
        storyline_similarity=alike,
        storyline_bar=seen.params.storyline.min_similarity,
        n_shared=n_shared,
    )


def compare_articles(seen: Seen, here: int, there: int) -> Likeness:
    """Two articles of the window."""
    rows, days = seen.rows, seen.clustering.days
    gap = float(abs(days[here] - days[there]))
    return Likeness(
        here=here,
        there=there,
        cosine=float((rows[[here]] @ rows[[there]].T).sum()),
        similarity=float(seen.similarities(here, np.array([there]))[0]),
        gap_days=gap if np.isfinite(gap) else None,
        kernel=float(time_kernel(np.array([gap]), seen.params.graph)[0]),
        n_shared_terms=len(np.intersect1d(rows[[here]].indices, rows[[there]].indices)),
        agreement=compare_cues(*(seen.clustering.articles.tales[i] for i in (here, there))),
    )


def _joining(seen: Seen, place: int, others: NDArray[np.int64]) -> Joining:
    if not len(others):
        return "alone"
    stages: tuple[tuple[Joining, NDArray[np.int64]], ...] = (
        ("core", seen.clustering.cores), ("merge", seen.clustering.merged), ("dated", seen.clustering.labels),
    )  # fmt: skip
    final = seen.clustering.labels
    mates = others[final[others] == final[place]]
    found: Joining = next((name for name, labels in stages if (labels[mates] == labels[place]).any()), "none")
    if found != "dated":
        return found
    days = seen.clustering.articles.days
    by_address = ~days.is_sure & np.isfinite(days.named)
    return "address" if by_address[place] or by_address[mates].all() else "dated"


def _nearest_of_core(seen: Seen, place: int, others: NDArray[np.int64]) -> tuple[int | None, float]:
    """The neighbour in the core that an article is most like, days included, and how much; none where those that made
    it part of the core have been told apart from it.
    """
    row = seen.clustering.graph[[place]].tocoo()
    inside = np.isin(row.col, others) & (seen.clustering.cores[row.col] == seen.clustering.cores[place])
    inside &= row.data <= seen.params.cluster.max_distance
    if not inside.any():
        return None, 0.0
    near, distances = row.col[inside], row.data[inside]
    best = int(np.lexsort((near, distances))[0])
    return int(near[best]), float(1 / distances[best] - 1)


def _most_alike(seen: Seen, place: int, others: NDArray[np.int64]) -> list[int]:
    if not len(others):
        return []
    ranked = np.lexsort((others, -seen.similarities(place, others)))
    return [int(one) for one in others[ranked[:N_NEAREST]]]


def _common_terms(seen: Seen, place: int, others: NDArray[np.int64]) -> tuple[Term, ...]:
    """What weighs most in the mean cosine of an article with others."""
    if not len(others):
        return ()
    total = sparse.csr_matrix(seen.rows[others].sum(axis=0))
    common = seen.rows[[place]].multiply(total).tocoo()
    weights = common.data.astype(np.float64)
    keys = seen.clustering.vectors.vocabulary.keys[common.col]
    ranked = np.lexsort((keys, -weights))[:N_TERMS]
    return tuple(Term(int(keys[i]), float(weights[i] / weights.sum())) for i in ranked if weights[i] > 0)


def _runner_up(seen: Seen, place: int) -> RunnerUp | None:
    everyone = np.arange(len(seen.stories))
    elsewhere = everyone[(seen.stories >= 0) & (seen.stories != seen.stories[place]) & (everyone != place)]
    alike = seen.similarities(place, elsewhere) if len(elsewhere) else np.zeros(0)
    stories = np.unique(seen.stories[elsewhere[alike > 0]])
    if not len(stories):
        return None
    scores = seen.scores(place, stories)
    best = int(np.argmax([one.timeless for one in scores]))
    members = np.flatnonzero(seen.stories == stories[best])
    nearest = _most_alike(seen, place, members)[0]
    return RunnerUp(
        story=int(stories[best]),
        nearest=compare_articles(seen, place, nearest),
        score=scores[best],
        terms=_common_terms(seen, place, members),
        apart=_apart(seen, place, nearest),
    )


def _apart(seen: Seen, here: int, there: int) -> Apart:
    made = seen.clustering
    sides = [seen.story_of(end) for end in (here, there)]
    groups = [np.flatnonzero(made.merged == made.merged[end]) for end in (here, there)]
    words = _own_words(seen, sides[0], sides[1])
    cause: Cause
    if made.labels[here] == made.labels[there]:
        cause, groups = "none", sides
    elif made.merged[here] == made.merged[there] and seen.clustering.articles.days.is_doubted[[here, there]].any():
        cause, groups = "address", sides
    elif made.merged[here] == made.merged[there]:
        parting = find_parting(groups[0], (here, there), made.cores, made.articles, seen.params.episode)
        cause, groups = parting.by, sides
        if parting.by == "events":
            words = _keys(seen, parting.signature[0]), _keys(seen, parting.signature[1])
    else:
        cause = _cause(seen, groups[0], groups[1])
    cues = [[seen.tellings[i].terms.cues for i in side.tolist()] for side in sides]
    return Apart(
        cause, seen.score(groups[0], groups[1]), len(groups[0]), len(groups[1]), *words, compare_ordinals(*cues)
    )


def _keys(seen: Seen, columns: Sequence[int]) -> tuple[int, ...]:
    return tuple(int(seen.clustering.vectors.vocabulary.keys[column]) for column in columns)


def _cause(seen: Seen, here: NDArray[np.int64], there: NDArray[np.int64]) -> Cause:
    """What kept two groups from being merged."""
    score = seen.score(here, there)
    if score.timeless < score.bar:
        return "similarity"
    if score.total < score.bar:
        return "time"
    is_dated = np.isfinite(seen.clustering.days[[here[0], there[0]]])
    return "dates" if is_dated[0] != is_dated[1] else "neighbours"


def _own_words(
    seen: Seen, here: NDArray[np.int64], there: NDArray[np.int64]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The words that weigh so much more in one story than in the other, the most telling first."""
    means = [np.asarray(seen.rows[side].mean(axis=0), np.float64).ravel() for side in (here, there)]
    keys = seen.clustering.vectors.vocabulary.keys
    more = np.where(seen.clustering.articles.words.is_word, means[0] - means[1], 0)
    ranked = np.lexsort((keys, -more))
    first, last = ranked[:N_OWN_WORDS], ranked[::-1][:N_OWN_WORDS]
    return tuple(int(keys[i]) for i in first if more[i] > 0), tuple(int(keys[i]) for i in last if more[i] < 0)
