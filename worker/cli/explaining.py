"""`dedup explain`, and what `dedup show` says of it: which article one matches, by which figures, in what words.

What it says of stories is in `explaining_stories` and `explaining_json`.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Sequence
from typing import Any

from dedup.explain import Comparison, Passage
from dedup.pipeline import Params
from worker.cli import correcting
from worker.cli.connected import Reached, reached, unknown_article
from worker.cli.explaining_json import told_pair, told_story
from worker.cli.explaining_stories import pair_explanation, show_pair, show_story, story_explanation
from worker.cli.output import show_fields, show_json, show_table, show_text
from worker.service import explaining
from worker.service.explaining import Explanation, Match
from worker.store.connection import connect
from worker.store.corrections import Made
from worker.store.store import open_store


def explain(args: argparse.Namespace) -> int:
    """Why an article is in its family and in its story; of two articles, why they are in one story or in two."""
    if args.other_id is not None:
        return _explain_pair(args)
    with reached(args) as service:
        found = explanation(service, args.article_id, with_text=True)
        made = service.client.corrections(args.article_id)
        story = None if found is None or args.family else story_explanation(service, args.article_id)
    if found is None:
        raise unknown_article(args.article_id)
    if args.json:
        show_json(told(found, made) | ({"story": told_story(story)} if story is not None else {}))
    else:
        _show(found, made)
        if story is not None:
            show_story(story)
    return 0


def _explain_pair(args: argparse.Namespace) -> int:
    with reached(args) as service:
        found = pair_explanation(service, args.article_id, args.other_id)
    if args.json:
        show_json(told_pair(found))
    else:
        show_pair(found)
    return 0


def explanation(service: Reached, article_id: str, *, with_text: bool) -> Explanation | None:
    """The explanation of an article; None where it is not known."""
    store = open_store(connect(service.url), service.settings.prefix)
    with contextlib.closing(store.connection):
        return explaining.explain(store, Params(), article_id, with_text=with_text)


def told(found: Explanation, made: Sequence[Made]) -> dict[str, Any]:
    """An explanation, and the corrections of the article, as JSON says them."""
    return {
        "id": found.article_id,
        "family": found.family,
        "kind": found.kind,
        "representative": found.representative,
        "n_articles": found.n_articles,
        "revision": found.revision,
        "n_words": found.n_words,
        "why": why(found, made),
        "corrections": [correcting.of_article(one, found.article_id) for one in made],
        "match": told_match(found.match),
        "exact": _told_comparison(found.comparison),
    }


def told_match(match: Match | None) -> dict[str, Any] | None:
    """The matched article with the estimated figures, as JSON says it."""
    if match is None:
        return None
    return {
        "id": match.article_id,
        "kind": match.kind,
        "came": "earlier" if match.came_earlier else "later",
        "n_words": match.n_words,
        "estimated_jaccard": round(match.jaccard, 4),
        "standard_error": round(match.standard_error, 4),
        "estimated_containment": _rounded(match.containment),
        "estimated_containment_of_match": _rounded(match.containment_of_match),
        "reached": round(match.reached, 4),
        "bar": round(match.bar, 4),
    }


def brief(match: Match | None) -> str:
    """The matched article in a line, "" where there is none."""
    if match is None:
        return ""
    return f"{match.article_id} ({match.kind}, {_estimate(match)})"


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


def _estimate(match: Match) -> str:
    if match.kind == "copy":
        return "the same words"
    if match.kind == "reprint":
        return f"containment {match.reached:.2f}"
    return f"similarity {match.jaccard:.2f} ± {match.standard_error:.2f}"


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def _told_comparison(exact: Comparison | None) -> dict[str, Any] | None:
    if exact is None:
        return None
    return {
        "jaccard": round(exact.jaccard, 4),
        "containment": round(exact.containment, 4),
        "containment_of_match": round(exact.containment_of_other, 4),
        "n_words": exact.n_words,
        "n_words_of_match": exact.n_words_of_other,
        "is_whole": exact.is_whole,
        "shared": [_told_passage(one) for one in exact.shared],
        "only_here": [_told_passage(one) for one in exact.only_here],
        "only_in_match": [_told_passage(one) for one in exact.only_in_other],
    }


def _told_passage(passage: Passage) -> dict[str, Any]:
    return {"text": passage.text, "n_words": passage.n_words, "is_cut": passage.is_cut}


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
        fields["corrections"] = correcting.brief(made, found.article_id)
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
