"""Why an article is in its family: which article it matches, by which figures, in what words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dedup.article import format_time
from dedup.correction import CorrectionKind
from dedup.explain import Comparison, Passage
from dedup.story import Kind
from worker.explained.stories import ExplainedStory
from worker.service.explaining import Explanation, Match
from worker.store.corrections import Made


@dataclass(frozen=True, slots=True)
class MatchedArticle:
    """The article that an article matches; the figures are estimates, see `service.explaining.Match`."""

    id: str
    kind: Kind
    came: Literal["earlier", "later"]
    n_words: int
    estimated_jaccard: float
    standard_error: float
    estimated_containment: float | None
    estimated_containment_of_match: float | None
    reached: float
    bar: float


@dataclass(frozen=True, slots=True)
class ExactComparison:
    """Two texts compared word by word, see `dedup.explain.Comparison`."""

    jaccard: float
    containment: float
    containment_of_match: float
    n_words: int
    n_words_of_match: int
    is_whole: bool
    shared: tuple[Passage, ...]
    only_here: tuple[Passage, ...]
    only_in_match: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class OwnCorrection:
    """A correction as it is told of one of its articles."""

    kind: CorrectionKind
    other: str
    made_at: str


@dataclass(frozen=True, slots=True)
class ExplainedArticle:
    """Why an article is in its family, and in its story.

    `match` is None where it is alone; `exact` as well where the texts are not kept, or are not asked for; `story` where
    it is not asked for. `n_words` are those that are compared; 0: none of it is.
    """

    id: str
    family: str
    kind: str
    representative: str
    n_articles: int
    revision: int
    n_words: int
    why: str
    corrections: tuple[OwnCorrection, ...]
    match: MatchedArticle | None
    exact: ExactComparison | None
    story: ExplainedStory | None


def explained_article(found: Explanation, made: Sequence[Made], story: ExplainedStory | None) -> ExplainedArticle:
    """An explanation with the corrections of its article, and why it is in its story."""
    return ExplainedArticle(
        id=found.article_id,
        family=found.family,
        kind=found.kind,
        representative=found.representative,
        n_articles=found.n_articles,
        revision=found.revision,
        n_words=found.n_words,
        why=why(found, made),
        corrections=tuple(own_correction(one, found.article_id) for one in made),
        match=_matched(found.match) if found.match is not None else None,
        exact=_exact(found.comparison) if found.comparison is not None else None,
        story=story,
    )


def own_correction(made: Made, article_id: str) -> OwnCorrection:
    """A correction as it is told of one of its articles."""
    return OwnCorrection(made.correction.kind, made.correction.opposite(article_id), format_time(made.at))


def why(found: Explanation, made: Sequence[Made] = ()) -> str:
    """In a sentence, why the article is in the family that it is in; `made` are its corrections."""
    match = found.match
    if match is None:
        return _why_alone(found, is_unlinked=any(one.correction.kind == "unlink" for one in made))
    other = match.article_id if match.came_earlier else f"{match.article_id}, which came later"
    if match.kind == "copy":
        return f"the same words in the same order as {other}"
    if not match.is_edge:
        return f"other articles of the family link it with {other}"
    measure = "containment" if match.kind == "reprint" else "similarity"
    n_words = min(found.n_words, match.n_words)
    return (
        f"{match.kind} of {other}: {measure} {match.reached:.2f} reaches {match.bar:.2f}, the bar for {n_words:,} words"
    )


def _why_alone(found: Explanation, *, is_unlinked: bool) -> str:
    if not found.n_words:
        return "alone: it has no text to compare, only a title or boilerplate, and the same title is never enough"
    but = ", but for any that it is unlinked from" if is_unlinked else ""
    return f"alone: no other article that is kept is like it{but}"


def _matched(match: Match) -> MatchedArticle:
    return MatchedArticle(
        id=match.article_id,
        kind=match.kind,
        came="earlier" if match.came_earlier else "later",
        n_words=match.n_words,
        estimated_jaccard=round(match.jaccard, 4),
        standard_error=round(match.standard_error, 4),
        estimated_containment=_rounded(match.containment),
        estimated_containment_of_match=_rounded(match.containment_of_match),
        reached=round(match.reached, 4),
        bar=round(match.bar, 4),
    )


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def _exact(exact: Comparison) -> ExactComparison:
    return ExactComparison(
        jaccard=round(exact.jaccard, 4),
        containment=round(exact.containment, 4),
        containment_of_match=round(exact.containment_of_other, 4),
        n_words=exact.n_words,
        n_words_of_match=exact.n_words_of_other,
        is_whole=exact.is_whole,
        shared=exact.shared,
        only_here=exact.only_here,
        only_in_match=exact.only_in_other,
    )
