"""What `dedup explain` says of an article's story, and of two articles, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dedup.agreement import Agreement, Filled
from dedup.article import format_time
from dedup.belonging import Apart, Belonging, Likeness, RunnerUp, Score, Term
from worker.cli.reasons import cause, ordinal_value, why_in_story, why_pair
from worker.cli.spelling import Speller
from worker.service.explaining_stories import Home, PairExplanation, StoryExplanation


def told_story(found: StoryExplanation) -> dict[str, Any]:
    """An article in its story, as JSON says it."""
    speller, own = Speller(found.words), found.belonging
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


def told_pair(found: PairExplanation) -> dict[str, Any]:
    """Two articles, as JSON says it."""
    pair, speller = found.pair, Speller(found.words)
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
            "similarity": round(pair.storyline_similarity, 4),
            "bar": pair.storyline_bar,
            "n_shared_terms": pair.n_shared,
        },
        "has_texts": found.has_texts,
    }


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


def _told_likeness(one: Likeness, found: StoryExplanation, speller: Speller) -> dict[str, Any]:
    named = found.named[one.there]
    return {
        "id": named.article_id,
        "title": named.title,
        "published_at": format_time(named.published_at) or None,
        **_told_figures(one, speller),
    }


def _told_figures(one: Likeness, speller: Speller) -> dict[str, Any]:
    return {
        "cosine": round(one.cosine, 4),
        "similarity": round(one.similarity, 4),
        "gap_days": None if one.gap_days is None else round(one.gap_days, 2),
        "kernel": round(one.kernel, 4),
        "n_shared_terms": one.n_shared_terms,
        "cues": _told_cues(one.agreement, speller),
    }


def _told_cues(agreement: Agreement, speller: Speller) -> dict[str, Any]:
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


def _told_ordinal(one: Filled | None, speller: Speller) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "noun": speller.term(one.key),
        "here": [ordinal_value(value) for value in one.here],
        "there": [ordinal_value(value) for value in one.there],
        "is_alike": one.is_alike,
    }


def _told_terms(terms: Sequence[Term], speller: Speller) -> list[dict[str, Any]]:
    return [{"term": speller.term(one.key), "share": round(one.share, 4)} for one in terms]


def _told_runner_up(rival: RunnerUp | None, found: StoryExplanation, speller: Speller) -> dict[str, Any] | None:
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


def _told_apart(apart: Apart | None, speller: Speller) -> dict[str, Any] | None:
    if apart is None:
        return None
    return {
        "cause": apart.cause,
        "why": cause(apart, speller),
        "stories": _told_score(apart.score),
        "n_families_here": apart.n_here,
        "n_families_there": apart.n_there,
        "words_here": [speller.term(one) for one in apart.words_here],
        "words_there": [speller.term(one) for one in apart.words_there],
        "ordinals": _told_ordinal(apart.ordinals, speller),
    }
