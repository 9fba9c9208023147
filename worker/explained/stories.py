"""Why an article is in its story, and why two articles are in one story or in two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dedup.agreement import Agreement, Filled
from dedup.article import format_time
from dedup.belonging import Apart, Belonging, Cause, Joining, Likeness, Pair, RunnerUp, Score, Term
from worker.explained.reasons import cause, ordinal_value, why_in_story, why_pair
from worker.explained.spelling import Speller
from worker.service.explaining_stories import Home, PairExplanation, Standing, StoryExplanation


@dataclass(frozen=True, slots=True)
class Counted:
    """An ordinal that both sides tell with one noun (None: no kept text has the word)."""

    noun: str | None
    here: tuple[str, ...]
    there: tuple[str, ...]
    is_alike: bool


@dataclass(frozen=True, slots=True)
class Numbers:
    """What both sides tell with numbers beside one word."""

    here: tuple[str, ...]
    there: tuple[str, ...]
    is_alike: bool


@dataclass(frozen=True, slots=True)
class Weekdays:
    """The weekdays that each side tells of its own event."""

    here: tuple[str | None, ...]
    there: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class PointsBack:
    """Whether each side recalls what went before."""

    here: bool
    there: bool


@dataclass(frozen=True, slots=True)
class SharedCues:
    """The cues of two articles beside each other."""

    ordinals: tuple[Counted, ...]
    numbers: tuple[Numbers, ...]
    weekdays: Weekdays
    points_back: PointsBack


@dataclass(frozen=True, slots=True)
class SharedTerm:
    """A word or two in a row (None: no kept text has them), and its part of what two sides have in common."""

    term: str | None
    share: float


@dataclass(frozen=True, slots=True)
class Cut:
    """A mean similarity, what is `asked` of it, and what the merge pass made of it; see `dedup.belonging.Score`."""

    similarity: float
    asked: float
    kernel: float
    cohesion: float
    crowding: float
    score: float
    bar: float


@dataclass(frozen=True, slots=True)
class CoreTie:
    """The nearest article of its core, the similarity to it, and what makes a core."""

    nearest: str
    similarity: float
    bar: float


@dataclass(frozen=True, slots=True)
class Near:
    """An article beside another one; see `dedup.belonging.Likeness`."""

    id: str
    title: str
    published_at: str | None
    cosine: float
    similarity: float
    gap_days: float | None
    kernel: float
    n_shared_terms: int
    cues: SharedCues


@dataclass(frozen=True, slots=True)
class KeptApart:
    """Why two articles are in two stories; see `dedup.belonging.Apart`."""

    cause: Cause
    why: str
    stories: Cut
    n_families_here: int
    n_families_there: int
    words_here: tuple[str | None, ...]
    words_there: tuple[str | None, ...]
    ordinals: Counted | None


@dataclass(frozen=True, slots=True)
class Rival:
    """The other story that an article is most like; the first three are None where it has gone meanwhile."""

    story: str | None
    headline: str | None
    storyline: str | None
    rest: Cut
    nearest: Near
    terms: tuple[SharedTerm, ...]
    apart: KeptApart


@dataclass(frozen=True, slots=True)
class Place:
    """Where an article belongs; `number` is that of its story among the `n_stories` of its storyline, 0 for none.
    `told_by`: the representative of its family, which stands for it in the window.
    """

    id: str
    standing: Standing
    family: str
    story: str | None
    headline: str | None
    n_articles: int
    n_families: int
    storyline: str | None
    number: int
    n_stories: int
    told_by: str


@dataclass(frozen=True, slots=True)
class ExplainedStory(Place):
    """Why an article is in its story. `joining` is None, and no figure is there, unless it is in the window and a run
    has placed it; `core` unless a core holds it; `rest` where it is alone. `has_texts`: whether words of texts are
    known, or only of titles.
    """

    why: str
    joining: Joining | None = None
    core: CoreTie | None = None
    rest: Cut | None = None
    nearest: tuple[Near, ...] = ()
    terms: tuple[SharedTerm, ...] = ()
    runner_up: Rival | None = None
    has_texts: bool = True


@dataclass(frozen=True, slots=True)
class AsStoryline:
    """How alike two stories are as parts of one storyline, beside what is asked."""

    similarity: float
    bar: float
    n_shared_terms: int


@dataclass(frozen=True, slots=True)
class ExplainedPair:
    """Why two articles are in one story, or in two.

    `together`: the closest that they are in together. The figures are None where both are of one family, and unless
    both are in the window and a run has placed them; `joining` where they are in two stories, `apart` where in one.
    """

    together: Literal["family", "story", "storyline"] | None
    why: str
    here: Place
    there: Place
    cosine: float | None = None
    similarity: float | None = None
    gap_days: float | None = None
    kernel: float | None = None
    n_shared_terms: int | None = None
    cues: SharedCues | None = None
    terms: tuple[SharedTerm, ...] = ()
    joining: Joining | None = None
    apart: KeptApart | None = None
    storyline: AsStoryline | None = None
    has_texts: bool = True


def explained_story(found: StoryExplanation) -> ExplainedStory:
    """An article in its story."""
    place, why, own = _place(found.home), why_in_story(found), found.belonging
    told = {name: getattr(place, name) for name in Place.__slots__}
    if own is None:
        return ExplainedStory(**told, why=why)
    speller = Speller(found.words)
    return ExplainedStory(
        **told,
        why=why,
        joining=own.joining,
        core=_core(own, found),
        rest=_cut(own.score) if own.score is not None else None,
        nearest=tuple(_near(one, found, speller) for one in own.nearest),
        terms=_terms(own.terms, speller),
        runner_up=_rival(own.runner_up, found, speller) if own.runner_up is not None else None,
        has_texts=found.has_texts,
    )


def explained_pair(found: PairExplanation) -> ExplainedPair:
    """Two articles."""
    pair, speller = found.pair, Speller(found.words)
    together = found.together if found.together != "nothing" else None
    why, here, there = why_pair(found, speller), _place(found.homes[0]), _place(found.homes[1])
    if pair is None:
        return ExplainedPair(together, why, here, there)
    one = pair.likeness
    return ExplainedPair(
        together,
        why,
        here,
        there,
        cosine=round(one.cosine, 4),
        similarity=round(one.similarity, 4),
        gap_days=_days(one),
        kernel=round(one.kernel, 4),
        n_shared_terms=one.n_shared_terms,
        cues=_cues(one.agreement, speller),
        terms=_terms(pair.terms, speller),
        joining=pair.joining,
        apart=_apart(pair.apart, speller) if pair.apart is not None else None,
        storyline=_as_storyline(pair),
        has_texts=found.has_texts,
    )


def _place(home: Home) -> Place:
    story = home.story
    return Place(
        id=home.article_id,
        standing=home.standing,
        family=home.family,
        story=story.id if story else None,
        headline=story.headline if story else None,
        n_articles=story.n_articles if story else 0,
        n_families=story.n_families if story else 0,
        storyline=home.storyline or None,
        number=home.number,
        n_stories=home.n_stories,
        told_by=home.told_by,
    )


def _core(own: Belonging, found: StoryExplanation) -> CoreTie | None:
    if own.core is None:
        return None
    return CoreTie(found.named[own.core].article_id, round(own.core_similarity, 4), round(own.core_bar, 4))


def _cut(score: Score) -> Cut:
    return Cut(
        similarity=round(score.similarity, 4),
        asked=round(score.asked, 4),
        kernel=round(score.kernel, 4),
        cohesion=round(score.cohesion, 4),
        crowding=round(score.crowding, 4),
        score=round(score.total, 4),
        bar=score.bar,
    )


def _near(one: Likeness, found: StoryExplanation, speller: Speller) -> Near:
    named = found.named[one.there]
    return Near(
        id=named.article_id,
        title=named.title,
        published_at=format_time(named.published_at) or None,
        cosine=round(one.cosine, 4),
        similarity=round(one.similarity, 4),
        gap_days=_days(one),
        kernel=round(one.kernel, 4),
        n_shared_terms=one.n_shared_terms,
        cues=_cues(one.agreement, speller),
    )


def _days(one: Likeness) -> float | None:
    return None if one.gap_days is None else round(one.gap_days, 2)


def _cues(agreement: Agreement, speller: Speller) -> SharedCues:
    return SharedCues(
        ordinals=tuple(_counted(one, speller) for one in agreement.ordinals),
        numbers=tuple(_numbers(one, speller) for one in agreement.slots),
        weekdays=Weekdays(_words(agreement.weekdays_here, speller), _words(agreement.weekdays_there, speller)),
        points_back=PointsBack(agreement.points_back_here, agreement.points_back_there),
    )


def _counted(one: Filled, speller: Speller) -> Counted:
    here, there = (tuple(map(ordinal_value, side)) for side in (one.here, one.there))
    return Counted(speller.term(one.key), here, there, one.is_alike)


def _numbers(one: Filled, speller: Speller) -> Numbers:
    here, there = (tuple(speller.beside(one.key, [number]) for number in side) for side in (one.here, one.there))
    return Numbers(here, there, one.is_alike)


def _words(keys: Sequence[int], speller: Speller) -> tuple[str | None, ...]:
    return tuple(speller.term(one) for one in keys)


def _terms(terms: Sequence[Term], speller: Speller) -> tuple[SharedTerm, ...]:
    return tuple(SharedTerm(speller.term(one.key), round(one.share, 4)) for one in terms)


def _rival(rival: RunnerUp, found: StoryExplanation, speller: Speller) -> Rival:
    story = found.rival
    return Rival(
        story=story.id if story else None,
        headline=story.headline if story else None,
        storyline=story.storyline if story else None,
        rest=_cut(rival.score),
        nearest=_near(rival.nearest, found, speller),
        terms=_terms(rival.terms, speller),
        apart=_apart(rival.apart, speller),
    )


def _apart(apart: Apart, speller: Speller) -> KeptApart:
    return KeptApart(
        cause=apart.cause,
        why=cause(apart, speller),
        stories=_cut(apart.score),
        n_families_here=apart.n_here,
        n_families_there=apart.n_there,
        words_here=_words(apart.words_here, speller),
        words_there=_words(apart.words_there, speller),
        ordinals=_counted(apart.ordinals, speller) if apart.ordinals is not None else None,
    )


def _as_storyline(pair: Pair) -> AsStoryline:
    return AsStoryline(round(pair.storyline_similarity, 4), pair.storyline_bar, pair.n_shared)
