"""Reasons in sentences: why an article is in its story, what keeps two apart, and what their cues say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from dedup.agreement import Agreement, Filled
from dedup.belonging import Apart, Likeness, Score
from dedup.correction import CorrectionKind
from dedup.cues import LAST_VALUE
from worker.explained.spelling import UNKNOWN, Speller
from worker.service.explaining_stories import PairExplanation, StoryExplanation

_MOST_CUES: Final = 4
"""Cues of one kind shown of two articles; JSON has all."""
_OTHERWISE: Final = (
    "the window as it is does not put it there: an earlier run or a correction did, or news is waiting for a run"
)
_CAUSES: Final = {
    "dates": "dates: one is dated, the other is not and does not clearly tell the dated one's story",
    "neighbours": "neighbours: alike on average, no two articles of them are: they share few terms or have nearer ones",
    "address": "the address of one of them, which names another day than its date",
    "form": "form: alike enough, but reports of one form, each about something else",
    "events": "events: alike enough, but two events of one kind, told apart by their own words",
    "outsider": "the rest: one of them is much less like the others of that story than these are like each other",
    "none": "nothing in the window as it is: news is waiting for a run, or a correction parts them",
}


def why_in_story(found: StoryExplanation) -> str:
    """In a sentence, why the article is in the story that it is in."""
    own = found.belonging
    if found.home.standing == "waiting":
        return "no run has placed it yet"
    if own is None:
        return "it is not in the window any more: its story stays as the last run with it left it"
    if own.core is not None:
        other = found.named[own.core].article_id
        return f"in one core with {other}: similarity {own.core_similarity:.2f} reaches {own.core_bar:.2f}"
    return {
        "core": "in one core with others of it",
        "merge": "joined the others in the merge pass",
        "address": "its own date is missing or doubted, and its address names the day of this story",
        "dated": "undated, it tells the facts of this story, which is dated",
        "alone": "alone: nothing else in the window is like it enough",
        "none": _OTHERWISE,
    }[own.joining]


def why_pair(found: PairExplanation, speller: Speller | None = None) -> str:
    """In a sentence, why two articles are in one story, or in two."""
    if found.corrected is not None:
        return _corrected(*found.corrected, is_one=found.together in {"family", "story"})
    if found.together == "family":
        return "of one family, and so of one story: dedup explain with one of them says why"
    for home in found.homes:
        if home.standing == "waiting":
            return f"no run has placed {home.article_id} yet"
        if home.standing == "outside":
            return f"{home.article_id} is not in the window any more: what runs saw of it is not kept"
    pair = found.pair
    if pair is not None and pair.apart is not None:
        return f"kept apart by {cause(pair.apart, speller or Speller(found.words))}"
    return {
        "core": "in one core",
        "merge": "joined in the merge pass, with what is like both",
        "address": "the date of one is missing or doubted, and its address names the day of the other's story",
        "dated": "one is undated and tells the facts of the other's story",
        "alone": "in one story",
        "none": "the window as it is does not join them: an earlier run or a correction did, or news waits for a run",
    }[pair.joining or "none" if pair is not None else "none"]


def _corrected(kind: CorrectionKind, chain: Sequence[str], *, is_one: bool) -> str:
    """What corrections say of two articles that are in one story by now, or in two."""
    is_direct = len(chain) == 2
    told = {
        ("link", True): f"joined by a correction: {chain[0]} and {chain[-1]} are linked",
        ("link", False): f"joined by corrections: {' - '.join(chain)} are linked",
        ("unlink", True): f"kept apart by a correction: {chain[0]} and {chain[-1]} are unlinked",
        ("unlink", False): (
            f"kept apart by corrections: {chain[0]} and {chain[-1]} are unlinked, and these two are linked with them"
        ),
    }[kind, is_direct]
    return told if is_one == (kind == "link") else f"{told}, from the next run on"


def cause(apart: Apart, speller: Speller) -> str:
    """What keeps two articles apart."""
    score = apart.score
    match apart.cause:
        case "time":
            return (
                f"time: a similarity of {score.similarity:.2f} would do, {score.asked:.2f} is asked, "
                f"but the days between leave {score.similarity * score.kernel:.2f}"
            )
        case "similarity":
            return f"likeness: a similarity of {score.similarity:.2f}, {score.asked:.2f} is asked"
        case "rounds":
            told = f": {filled_ordinal(apart.ordinals, speller)}" if apart.ordinals else ""
            return f"rounds: alike enough, but two rounds of one storyline{told}"
        case other:
            return _CAUSES[other]


def cut(score: Score) -> str:
    """A mean similarity beside the one that is asked."""
    left = f", {score.similarity * score.kernel:.2f} after the days between" if score.kernel < 0.995 else ""
    return f"{score.similarity:.2f} on average{left}; {score.asked:.2f} is asked"


def figures(one: Likeness) -> str:
    """The similarity of two articles, without and with the days between."""
    if one.gap_days is None:
        return f"{one.similarity:.2f}, not both dated"
    return f"{one.similarity:.2f}, {one.similarity * one.kernel:.2f} after {one.gap_days:.1f} days between"


def cues(agreement: Agreement, speller: Speller) -> str:
    """The cues of two articles in a line."""
    told = _ordinals(agreement.ordinals, speller) + _slots(agreement.slots, speller) + _weekdays(agreement, speller)
    here, there = agreement.points_back_here, agreement.points_back_there
    if here or there:
        told.append(f"points back {'in both' if here and there else 'here' if here else 'there'}")
    return "; ".join(told) or "none"


def _ordinals(ordinals: Sequence[Filled], speller: Speller) -> list[str]:
    """Each ordinal by the first of the nouns it may count."""
    first = {(one.here, one.there): one for one in reversed(ordinals)}
    return _shortened([filled_ordinal(one, speller) for one in ordinals if first[one.here, one.there] is one])


def filled_ordinal(one: Filled, speller: Speller) -> str:
    """What both sides count, and as which."""
    noun = speller.term(one.key) or UNKNOWN
    here, there = ("/".join(map(ordinal_value, side)) for side in (one.here, one.there))
    return f"{noun} {here} in both" if here == there else f"{noun} {here} here, {there} there"


def ordinal_value(value: int) -> str:
    """The value of an ordinal as it is told."""
    return "last" if value == LAST_VALUE else str(value)


def _slots(slots: Sequence[Filled], speller: Speller) -> list[str]:
    told = []
    for one in sorted(slots, key=lambda slot: slot.is_alike):
        common = sorted(set(one.here) & set(one.there))
        here, there = (speller.beside(one.key, side) for side in (one.here, one.there))
        told.append(f"{speller.beside(one.key, common)} in both" if common else f"{here} here, {there} there")
    return _shortened(told)


def _weekdays(agreement: Agreement, speller: Speller) -> list[str]:
    here, there = agreement.weekdays_here, agreement.weekdays_there
    if common := sorted(set(here) & set(there)):
        return [f"{speller.terms(common)} in both"]
    return [f"{speller.terms(here)} here, {speller.terms(there)} there"] if here and there else []


def _shortened(told: list[str]) -> list[str]:
    rest = len(told) - _MOST_CUES
    return [*told[:_MOST_CUES], f"{rest:,} more"] if rest > 0 else told
