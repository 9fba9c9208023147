"""What `dedup explain` says of an article's story, and of two articles, for a reader."""

from __future__ import annotations

import time
from collections.abc import Sequence

from dedup.belonging import Belonging, Pair, RunnerUp, Term
from dedup.pipeline import Params
from dedup.story import Story
from worker.cli.connected import Reached, opened_store
from worker.cli.output import show_fields, show_table, show_text
from worker.client import UnknownArticleError
from worker.explained.reasons import cause, cues, cut, figures, filled_ordinal, why_in_story, why_pair
from worker.explained.spelling import UNKNOWN, Speller
from worker.service import explaining_stories
from worker.service.explaining_stories import Home, PairExplanation, StoryExplanation


def story_explanation(service: Reached, article_id: str) -> StoryExplanation | None:
    """An article in its story; None where it is not known."""
    with opened_store(service) as store:
        return explaining_stories.explain_story(
            store, Params(), article_id, service.settings.window_seconds, time.time()
        )


def pair_explanation(service: Reached, here: str, there: str) -> PairExplanation:
    """Two articles. Raises `UnknownArticleError` where one is not known."""
    with opened_store(service) as store:
        found = explaining_stories.explain_pair(
            store, Params(), (here, there), service.settings.window_seconds, time.time()
        )
    if isinstance(found, str):
        raise UnknownArticleError(found)
    return found


def show_story(found: StoryExplanation) -> None:
    """An article in its story, for a reader."""
    home, own, speller = found.home, found.belonging, Speller(found.words)
    fields: dict[str, object] = {"story": _title_of(home.story) if home.story else "none yet"}
    if home.story is not None:
        fields["articles in it"] = f"{home.story.n_articles:,} in {home.story.n_families:,} families"
        fields["storyline"] = f"{home.storyline}: story {home.number} of {home.n_stories}"
    if home.told_by != home.article_id:
        fields["told by"] = f"{home.told_by}, the representative of its family"
    fields["why in this story"] = why_in_story(found)
    if own is not None and own.score is not None:
        fields["similarity to the rest"] = cut(own.score)
    if own is not None and own.runner_up is not None:
        fields |= _runner_up_fields(own.runner_up, found, speller)
    if own is not None and not found.has_texts:
        fields["words"] = "of titles only: the texts are not kept (DEDUP_KEEP_TEXT)"
    show_text("")
    show_fields(fields)
    if own is not None:
        _show_nearest(own, found, speller)
        _show_terms("Terms that tie it to its story", own.terms, speller)


def _runner_up_fields(rival: RunnerUp, found: StoryExplanation, speller: Speller) -> dict[str, object]:
    nearest = found.named[rival.nearest.there].article_id
    return {
        "runner-up": _title_of(found.rival) if found.rival else "a story that has gone meanwhile",
        "nearest there": f"{nearest} ({figures(rival.nearest)})",
        "similarity to it": cut(rival.score),
        "kept apart by": cause(rival.apart, speller),
        "words here": speller.terms(rival.apart.words_here),
        "words there": speller.terms(rival.apart.words_there),
    }


def _show_nearest(own: Belonging, found: StoryExplanation, speller: Speller) -> None:
    if not own.nearest:
        return
    show_text("")
    rows = [
        (
            found.named[one.there].article_id,
            f"{one.cosine:.3f}",
            f"{one.similarity:.2f}",
            "undated" if one.gap_days is None else f"{one.gap_days:.1f}",
            cues(one.agreement, speller),
        )
        for one in own.nearest
    ]
    show_table("Nearest in its story", ("nearest in its story", "cosine", "similarity", "days apart", "cues"), rows)


def _show_terms(title: str, terms: Sequence[Term], speller: Speller) -> None:
    if not terms:
        return
    show_text("")
    rows = [(speller.term(one.key) or UNKNOWN, f"{one.share:.3f}") for one in terms]
    show_table(title, (title[:1].lower() + title[1:], "share"), rows)


def show_pair(found: PairExplanation) -> None:
    """Two articles, for a reader."""
    pair, speller = found.pair, Speller(found.words)
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


def _pair_fields(pair: Pair, speller: Speller) -> dict[str, object]:
    likeness = pair.likeness
    fields: dict[str, object] = {
        "cosine": f"{likeness.cosine:.3f}",
        "similarity": figures(likeness),
        "cues": cues(likeness.agreement, speller),
    }
    if pair.apart is None:
        return fields
    if pair.apart.ordinals is not None:
        fields["counted"] = filled_ordinal(pair.apart.ordinals, speller)
    reaches = "reaches" if pair.storyline_similarity >= pair.storyline_bar else "does not reach"
    return fields | {
        "similarity of stories": cut(pair.apart.score),
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
