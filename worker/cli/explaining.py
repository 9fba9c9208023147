"""`dedup explain`, and what `dedup show` says of it: which article one matches, by which figures, in what words.

What it says of stories is in `explaining_stories`. As JSON it is `worker.explained`.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence

from dedup.explain import Comparison, Passage
from dedup.pipeline import Params
from worker.answers import Answer
from worker.cli import correcting
from worker.cli.connected import opened_store, reached
from worker.cli.explaining_stories import pair_explanation, show_pair, show_story, story_explanation
from worker.cli.output import show_fields, show_json, show_table, show_text
from worker.client import UnknownArticleError
from worker.explained.articles import own_correction, why
from worker.service import explaining
from worker.service.explaining import Explanation, Match
from worker.store.corrections import Made


def explain(args: argparse.Namespace) -> int:
    """Why an article is in its family and in its story; of two articles, why they are in one story or in two."""
    if args.other_id is not None:
        return _explain_pair(args)
    if args.json:
        return _tell_json(args)
    with reached(args) as service:
        with opened_store(service) as store:
            found = explaining.explain(store, Params(), args.article_id)
        made = service.client.corrections(args.article_id)
        story = None if found is None or args.family else story_explanation(service, args.article_id)
    if found is None:
        raise UnknownArticleError(args.article_id)
    _show(found, made)
    if story is not None:
        show_story(story)
    return 0


def _tell_json(args: argparse.Namespace) -> int:
    with reached(args) as service:
        told = service.client.explain(args.article_id, story=not args.family)
    if told is None:
        raise UnknownArticleError(args.article_id)
    show_json(dataclasses.asdict(told))
    return 0


def _explain_pair(args: argparse.Namespace) -> int:
    with reached(args) as service:
        if args.json:
            show_json(dataclasses.asdict(service.client.explain_pair(args.article_id, args.other_id)))
        else:
            show_pair(pair_explanation(service, args.article_id, args.other_id))
    return 0


def brief(match: Answer | None) -> str:
    """The matched article in a line, "" where there is none."""
    if match is None:
        return ""
    return f"{match['id']} ({match['kind']}, {_estimate(match)})"


def _estimate(match: Answer) -> str:
    if match["kind"] == "copy":
        return "the same words"
    if match["kind"] == "reprint":
        return f"containment {match['reached']:.2f}"
    return f"similarity {match['estimated_jaccard']:.2f} ± {match['standard_error']:.2f}"


def _show(found: Explanation, made: Sequence[Made]) -> None:
    fields: dict[str, object] = {
        "id": found.article_id,
        "kind": found.kind,
        "family": found.family,
        "articles": found.n_articles,
        "representative": found.representative,
        "why": why(found, made),
    }
    if found.revision:
        fields["revision"] = f"{found.revision}: its latest text counts"
    if made:
        fields["corrections"] = correcting.brief(
            [dataclasses.asdict(own_correction(one, found.article_id)) for one in made]
        )
    if found.match is not None:
        fields |= _figures(found, found.match)
    show_fields(fields)
    if found.comparison is not None and found.match is not None:
        _show_passages(found.comparison, found.article_id, found.match.article_id)


def _figures(found: Explanation, match: Match) -> dict[str, object]:
    figures: dict[str, object] = {
        "matches": match.article_id,
        "words": f"{found.n_words:,} here, {match.n_words:,} in the match",
        "estimated similarity": f"{match.jaccard:.3f} ± {match.standard_error:.3f}",
    }
    if match.containment is not None and match.containment_of_match is not None:
        figures["estimated containment"] = _containments(match.containment, match.containment_of_match)
    exact = found.comparison
    if exact is None:
        return figures | {"exact similarity": "unknown: the texts are not kept (DEDUP_KEEP_TEXT)"}
    if not exact.is_whole:
        figures["compared"] = (
            f"the first {exact.n_words:,} words with the first {exact.n_words_of_other:,} of the match"
        )
    return figures | {
        "exact similarity": f"{exact.jaccard:.3f}",
        "exact containment": _containments(exact.containment, exact.containment_of_other),
    }


def _containments(containment: float, containment_of_match: float) -> str:
    return f"{containment:.3f} of it is in the match, {containment_of_match:.3f} of the match is in it"


def _show_passages(exact: Comparison, own_id: str, match_id: str) -> None:
    show_text("")
    show_table(
        "Shared passages, the longest", ("words", "shared passage"), [(one.n_words, _cut(one)) for one in exact.shared]
    )
    differs = [
        (name, one.n_words, _cut(one))
        for name, passages in ((own_id, exact.only_here), (match_id, exact.only_in_other))
        for one in passages
    ]
    if differs:
        show_text("")
        show_table("What differs, the longest", ("only in", "words", "passage of its own"), differs)


def _cut(passage: Passage) -> str:
    return f"{passage.text} ..." if passage.is_cut else passage.text
