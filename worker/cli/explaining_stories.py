"""What `dedup explain` says of an article's story, and of two articles: in sentences and tables, and as JSON."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dedup.agreement import Agreement, Filled
from dedup.article import format_time
from dedup.belonging import Apart, Belonging, Likeness, Pair, RunnerUp, Score, Term
from dedup.cues import LAST_VALUE, beside
from dedup.pipeline import Params
from dedup.story import Story
from worker.cli.connected import Reached, unknown_article
from worker.cli.output import show_fields, show_table, show_text
from worker.service import explaining_stories
from worker.service.explaining_stories import Home, PairExplanation, StoryExplanation
from worker.store.connection import connect
from worker.store.store import open_store

_MOST_CUES: Final = 4
"""Cues of one kind shown of two articles; JSON has all."""
_UNKNOWN: Final = "?"
"""Stands for a word that no kept text has."""


def story_explanation(service: Reached, article_id: str) -> StoryExplanation | None:
    """An article in its story; None where it is not known."""
    store = open_store(connect(service.url), service.settings.prefix)
    with contextlib.closing(store.connection):
        return explaining_stories.explain_story(
            store, Params(), article_id, service.settings.window_seconds, time.time()
        )


def pair_explanation(service: Reached, here: str, there: str) -> PairExplanation:
    """Two articles. Raises `UnknownIdError` where one is not known."""
    store = open_store(connect(service.url), service.settings.prefix)
    with contextlib.closing(store.connection):
        found = explaining_stories.explain_pair(
            store, Params(), (here, there), service.settings.window_seconds, time.time()
        )
    if isinstance(found, str):
        raise unknown_article(found)
    return found


@dataclass(frozen=True, slots=True)
class _Speller:
    """Hashes to the words of the kept texts."""

    words: Mapping[int, str]

    def term(self, key: int) -> str | None:
        """A word, or two in a row; None if a text that has it is not kept."""
        parts = [self.words.get(part) for part in ((key >> 32, key & 0xFFFFFFFF) if key >> 32 else (key,))]
        return None if None in parts else " ".join(part or "" for part in parts)

    def terms(self, keys: Iterable[int]) -> str:
        return ", ".join(self.term(key) or _UNKNOWN for key in keys)

    def beside(self, context: int, numbers: Iterable[int]) -> str:
        """Numbers with the word beside them."""
        told = "/".join(self.words.get(one, _UNKNOWN) for one in numbers)
        found = beside(context, self.words)
        if found is None:
            return f"{told} {_UNKNOWN}"
        word = self.words[found[0]]
        return f"{told} {word}" if found[1] else f"{word} {told}"


def told_story(found: StoryExplanation) -> dict[str, Any]:
    """An article in its story, as JSON says it."""
    speller, own = _Speller(found.words), found.belonging
    told = _told_home(found.home) | {"told_by": found.home.told_by, "why": why_in_story(found)}
    if own is None:
        return told
    return told | {
        "joining": own.joining,
        "core": _told_core(own, found),
        "rest": _told_score(own.score),
        "nearest": [_told_likeness(one, found, speller) for one in own.nearest],
        "terms": _told_terms(own.terms, speller),
        "runner_up": _told_runner_up(own.runner_up, found, speller),
        "has_texts": found.has_texts,
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
        "dated": "undated, it tells the facts of this story, which is dated",
        "alone": "alone: nothing else in the window is like it enough",
        "none": _OTHERWISE,
    }[own.joining]


_OTHERWISE: Final = (
    "the window as it is does not put it there: an earlier run or a correction did, or news is waiting for a run"
)


def show_story(found: StoryExplanation) -> None:
    """An article in its story, for a reader."""
    home, own, speller = found.home, found.belonging, _Speller(found.words)
    fields: dict[str, object] = {"story": _title_of(home.story) if home.story else "none yet"}
    if home.story is not None:
        fields["articles in it"] = f"{home.story.n_articles:,} in {home.story.n_families:,} families"
        fields["storyline"] = f"{home.storyline}: story {home.number} of {home.n_stories}"
    if home.told_by != home.article_id:
        fields["told by"] = f"{home.told_by}, the representative of its family"
    fields["why in this story"] = why_in_story(found)
    if own is not None and own.score is not None:
        fields["similarity to the rest"] = _cut(own.score)
    if own is not None and own.runner_up is not None:
        fields |= _runner_up_fields(own.runner_up, found, speller)
    if own is not None and not found.has_texts:
        fields["words"] = "of titles only: the texts are not kept (DEDUP_KEEP_TEXT)"
    show_text("")
    show_fields(fields)
    if own is not None:
        _show_nearest(own, found, speller)
        _show_terms("Terms that tie it to its story", own.terms, speller)


def _runner_up_fields(rival: RunnerUp, found: StoryExplanation, speller: _Speller) -> dict[str, object]:
    nearest = found.named[rival.nearest.there].article_id
    return {
        "runner-up": _title_of(found.rival) if found.rival else "a story that has gone meanwhile",
        "nearest there": f"{nearest} ({_likeness(rival.nearest)})",
        "similarity to it": _cut(rival.score),
        "kept apart by": _cause(rival.apart, speller),
        "words here": speller.terms(rival.apart.words_here),
        "words there": speller.terms(rival.apart.words_there),
    }


def _show_nearest(own: Belonging, found: StoryExplanation, speller: _Speller) -> None:
    if not own.nearest:
        return
    show_text("")
    rows = [
        (
            found.named[one.there].article_id,
            f"{one.cosine:.3f}",
            f"{one.similarity:.2f}",
            "undated" if one.gap_days is None else f"{one.gap_days:.1f}",
            _cues(one.agreement, speller),
        )
        for one in own.nearest
    ]
    show_table("Nearest in its story", ("nearest in its story", "cosine", "similarity", "days apart", "cues"), rows)


def _show_terms(title: str, terms: Sequence[Term], speller: _Speller) -> None:
    if not terms:
        return
    show_text("")
    rows = [(speller.term(one.key) or _UNKNOWN, f"{one.share:.3f}") for one in terms]
    show_table(title, (title[:1].lower() + title[1:], "share"), rows)


def told_pair(found: PairExplanation) -> dict[str, Any]:
    """Two articles, as JSON says it."""
    pair, speller = found.pair, _Speller(found.words)
    told: dict[str, Any] = {
        "together": found.together if found.together != "nothing" else None,
        "why": why_pair(found, speller),
        "here": _told_home(found.homes[0]) | {"told_by": found.homes[0].told_by},
        "there": _told_home(found.homes[1]) | {"told_by": found.homes[1].told_by},
    }
    if pair is None:
        return told
    return told | {
        **_told_figures(pair.likeness, speller),
        "terms": _told_terms(pair.terms, speller),
        "joining": pair.joining,
        "apart": _told_apart(pair.apart, speller),
        "storyline": {
            "similarity": round(pair.storyline_similarity, 4), "bar": pair.storyline_bar, "n_shared_terms": pair.n_shared,
        },
        "has_texts": found.has_texts,
    }  # fmt: skip


def why_pair(found: PairExplanation, speller: _Speller | None = None) -> str:
    """In a sentence, why two articles are in one story, or in two."""
    if found.together == "family":
        return "of one family, and so of one story: dedup explain with one of them says why"
    for home in found.homes:
        if home.standing == "waiting":
            return f"no run has placed {home.article_id} yet"
        if home.standing == "outside":
            return f"{home.article_id} is not in the window any more: what runs saw of it is not kept"
    pair = found.pair
    if pair is not None and pair.apart is not None:
        return f"kept apart by {_cause(pair.apart, speller or _Speller(found.words))}"
    return {
        "core": "in one core",
        "merge": "joined in the merge pass, with what is like both",
        "dated": "one is undated and tells the facts of the other's story",
        "alone": "in one story",
        "none": "the window as it is does not join them: an earlier run or a correction did, or news waits for a run",
    }[pair.joining or "none" if pair is not None else "none"]


def show_pair(found: PairExplanation) -> None:
    """Two articles, for a reader."""
    pair, speller = found.pair, _Speller(found.words)
    here, there = found.homes
    fields: dict[str, object] = {"here": _place(here), "there": _place(there)}
    fields["together in"] = found.together if found.together != "nothing" else "nothing"
    fields["why"] = why_pair(found, speller)
    if pair is not None:
        fields |= _pair_fields(pair, speller)
        if not found.has_texts:
            fields["words"] = "of titles only: the texts are not kept (DEDUP_KEEP_TEXT)"
    show_fields(fields)
    if pair is not None:
        _show_terms("Terms in common", pair.terms, speller)


def _pair_fields(pair: Pair, speller: _Speller) -> dict[str, object]:
    likeness = pair.likeness
    fields: dict[str, object] = {
        "cosine": f"{likeness.cosine:.3f}",
        "similarity": _likeness(likeness),
        "cues": _cues(likeness.agreement, speller),
    }
    if pair.apart is None:
        return fields
    if pair.apart.ordinals is not None:
        fields["counted"] = _filled_ordinal(pair.apart.ordinals, speller)
    reaches = "reaches" if pair.storyline_similarity >= pair.storyline_bar else "does not reach"
    return fields | {
        "similarity of stories": _cut(pair.apart.score),
        "words here": speller.terms(pair.apart.words_here),
        "words there": speller.terms(pair.apart.words_there),
        "as a storyline": f"similarity {pair.storyline_similarity:.3f} {reaches} {pair.storyline_bar:.3f}",
    }


def _place(home: Home) -> str:
    told_by = f", told by {home.told_by}" if home.told_by != home.article_id else ""
    story = f"story {_title_of(home.story)}" if home.story else "no story yet"
    return f"{home.article_id}{told_by}: {story}"


def _title_of(story: Story) -> str:
    return f"{story.id} {story.headline}"


def _likeness(one: Likeness) -> str:
    if one.gap_days is None:
        return f"{one.similarity:.2f}, not both dated"
    return f"{one.similarity:.2f}, {one.similarity * one.kernel:.2f} after {one.gap_days:.1f} days between"


def _cut(score: Score) -> str:
    """A mean similarity beside the one that is asked."""
    left = f", {score.similarity * score.kernel:.2f} after the days between" if score.kernel < 0.995 else ""
    return f"{score.similarity:.2f} on average{left}; {score.asked:.2f} is asked"


def _cause(apart: Apart, speller: _Speller) -> str:
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
            told = f": {_filled_ordinal(apart.ordinals, speller)}" if apart.ordinals else ""
            return f"rounds: alike enough, but two rounds of one storyline{told}"
        case cause:
            return _CAUSES[cause]


_CAUSES: Final = {
    "dates": "dates: one is dated, the other is not and does not clearly tell the dated one's story",
    "neighbours": "neighbours: alike on average, but no two of their articles are alike enough",
    "form": "form: alike enough, but reports of one form, each about something else",
    "events": "events: alike enough, but two events of one kind, told apart by their own words",
    "none": "nothing in the window as it is: news is waiting for a run, or a correction parts them",
}


def _cues(agreement: Agreement, speller: _Speller) -> str:
    """The cues of two articles in a line."""
    told = _ordinals(agreement.ordinals, speller) + _slots(agreement.slots, speller) + _weekdays(agreement, speller)
    for text, here, there in (("points back", agreement.points_back_here, agreement.points_back_there),):
        if here or there:
            told.append(f"{text} {'in both' if here and there else 'here' if here else 'there'}")
    return "; ".join(told) or "none"


def _ordinals(ordinals: Sequence[Filled], speller: _Speller) -> list[str]:
    """Each ordinal by the first of the nouns it may count."""
    first = {(one.here, one.there): one for one in reversed(ordinals)}
    return _shortened([_filled_ordinal(one, speller) for one in ordinals if first[one.here, one.there] is one])


def _filled_ordinal(one: Filled, speller: _Speller) -> str:
    noun = speller.term(one.key) or _UNKNOWN
    here, there = ("/".join(_value(value) for value in side) for side in (one.here, one.there))
    return f"{noun} {here} in both" if here == there else f"{noun} {here} here, {there} there"


def _value(value: int) -> str:
    return "last" if value == LAST_VALUE else str(value)


def _slots(slots: Sequence[Filled], speller: _Speller) -> list[str]:
    told = []
    for one in sorted(slots, key=lambda slot: slot.is_alike):
        common = sorted(set(one.here) & set(one.there))
        here, there = (speller.beside(one.key, side) for side in (one.here, one.there))
        told.append(f"{speller.beside(one.key, common)} in both" if common else f"{here} here, {there} there")
    return _shortened(told)


def _weekdays(agreement: Agreement, speller: _Speller) -> list[str]:
    here, there = agreement.weekdays_here, agreement.weekdays_there
    if common := sorted(set(here) & set(there)):
        return [f"{speller.terms(common)} in both"]
    return [f"{speller.terms(here)} here, {speller.terms(there)} there"] if here and there else []


def _shortened(told: list[str]) -> list[str]:
    rest = len(told) - _MOST_CUES
    return [*told[:_MOST_CUES], f"{rest:,} more"] if rest > 0 else told


def _told_home(home: Home) -> dict[str, Any]:
    story = home.story
    return {
        "id": home.article_id,
        "standing": home.standing,
        "family": home.family,
        "story": story.id if story else None,
        "headline": story.headline if story else None,
        "n_articles": story.n_articles if story else 0,
        "n_families": story.n_families if story else 0,
        "storyline": home.storyline or None,
        "number": home.number,
        "n_stories": home.n_stories,
    }


def _told_core(own: Belonging, found: StoryExplanation) -> dict[str, Any] | None:
    if own.core is None:
        return None
    return {
        "nearest": found.named[own.core].article_id,
        "similarity": round(own.core_similarity, 4),
        "bar": round(own.core_bar, 4),
    }


def _told_score(score: Score | None) -> dict[str, float] | None:
    if score is None:
        return None
    return {
        "similarity": round(score.similarity, 4),
        "asked": round(score.asked, 4),
        "kernel": round(score.kernel, 4),
        "cohesion": round(score.cohesion, 4),
        "crowding": round(score.crowding, 4),
        "score": round(score.total, 4),
        "bar": score.bar,
    }


def _told_likeness(one: Likeness, found: StoryExplanation, speller: _Speller) -> dict[str, Any]:
    named = found.named[one.there]
    return {
        "id": named.article_id,
        "title": named.title,
        "published_at": format_time(named.published_at) or None,
        **_told_figures(one, speller),
    }


def _told_figures(one: Likeness, speller: _Speller) -> dict[str, Any]:
    return {
        "cosine": round(one.cosine, 4),
        "similarity": round(one.similarity, 4),
        "gap_days": None if one.gap_days is None else round(one.gap_days, 2),
        "kernel": round(one.kernel, 4),
        "n_shared_terms": one.n_shared_terms,
        "cues": _told_cues(one.agreement, speller),
    }


def _told_cues(agreement: Agreement, speller: _Speller) -> dict[str, Any]:
    return {
        "ordinals": [_told_ordinal(one, speller) for one in agreement.ordinals],
        "numbers": [
            {
                "here": [speller.beside(one.key, [number]) for number in one.here],
                "there": [speller.beside(one.key, [number]) for number in one.there],
                "is_alike": one.is_alike,
            }
            for one in agreement.slots
        ],
        "weekdays": {
            "here": [speller.term(one) for one in agreement.weekdays_here],
            "there": [speller.term(one) for one in agreement.weekdays_there],
        },
        "points_back": {"here": agreement.points_back_here, "there": agreement.points_back_there},
    }


def _told_ordinal(one: Filled | None, speller: _Speller) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "noun": speller.term(one.key),
        "here": [_value(value) for value in one.here],
        "there": [_value(value) for value in one.there],
        "is_alike": one.is_alike,
    }


def _told_terms(terms: Sequence[Term], speller: _Speller) -> list[dict[str, Any]]:
    return [{"term": speller.term(one.key), "share": round(one.share, 4)} for one in terms]


def _told_runner_up(rival: RunnerUp | None, found: StoryExplanation, speller: _Speller) -> dict[str, Any] | None:
    if rival is None:
        return None
    return {
        "story": found.rival.id if found.rival else None,
        "headline": found.rival.headline if found.rival else None,
        "storyline": found.rival.storyline if found.rival else None,
        "rest": _told_score(rival.score),
        "nearest": _told_likeness(rival.nearest, found, speller),
        "terms": _told_terms(rival.terms, speller),
        "apart": _told_apart(rival.apart, speller),
    }


def _told_apart(apart: Apart | None, speller: _Speller) -> dict[str, Any] | None:
    if apart is None:
        return None
    return {
        "cause": apart.cause,
        "why": _cause(apart, speller),
        "stories": _told_score(apart.score),
        "n_families_here": apart.n_here,
        "n_families_there": apart.n_there,
        "words_here": [speller.term(one) for one in apart.words_here],
        "words_there": [speller.term(one) for one in apart.words_there],
        "ordinals": _told_ordinal(apart.ordinals, speller),
    }
