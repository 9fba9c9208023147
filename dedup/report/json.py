"""The report as a JSON document."""

from __future__ import annotations

import json
import re
from typing import Final

from dedup.article import format_time
from dedup.report.value import MAX_LISTED, MAX_STORYLINES, Report, StoryChange, StorylineTold, StoryTold
from dedup.story import Story

RELATION: Final = {"merged": "merged_into", "split": "split_from", "linked": "continues", "corrected": "apart_from"}
"""The fields that have the other story of a change."""
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def to_json(report: Report) -> str:
    r"""The report as one JSON object, its keys always in this order; times are RFC 3339 in UTC, null where unknown.

    `period` {`kind`, `name`, `start`, `end` (excluded), `timezone`}; `generated_at`; `counts` {`n_articles`,
    `n_families`, `n_copies`, `n_rejected`, `n_sources`, `near_duplicate_ratio`, `n_moved`, `n_revised`}.

    `n_born`, `born`, and so on for `grown`, `merged`, `split`, `ended`, `linked`, `corrected`: how many stories, and
    the 50 with most articles as {`story`, `headline`, `n_articles`, `at`}; `merged` has also `merged_into`, `split`
    `split_from`, `linked` `continues` and `corrected` `apart_from` ("" where one story is meant), each with its
    `..._headline`.

    `largest`: stories as {`story`, `headline`, `url`, `sources`, `first_published_at`, `last_published_at`,
    `n_articles`, `n_new_articles` (seen in the period), `n_families`, `n_sources`, `n_copies`, `n_near_duplicates`,
    `near_duplicate_ratio`, `storyline`, `status`}.

    `n_storylines`, `storylines`: the first 20 as {`storyline`, `headline`, `n_stories`, `n_articles`, `stories`}, the
    last 50 stories in order of first article as {`story`, `headline`, `n_articles`, `first_published_at`,
    `last_published_at`, `status`, `changed` (in the period)}.

    Text is as the articles have it, markup and all: escape it where it is shown. `<` is written as `\u003c`, so that
    the document can stand inside an HTML page.
    """
    document: dict[str, object] = {
        "period": {
            "kind": report.period.kind,
            "name": report.period.name,
            "start": format_time(report.period.start),
            "end": format_time(report.period.end),
            "timezone": report.period.timezone,
        },
        "generated_at": format_time(report.generated_at),
        "counts": _counts(report),
    }
    for name, changes in report.changes():
        document[f"n_{name}"] = len(changes)
        document[name] = [_change(name, change) for change in changes[:MAX_LISTED]]
    document["largest"] = [_large_story(told) for told in report.largest]
    document["n_storylines"] = len(report.storylines)
    document["storylines"] = [_storyline(told) for told in report.storylines[:MAX_STORYLINES]]
    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
    return _SURROGATE.sub("\ufffd", text.replace("<", "\\u003c")) + "\n"


def _counts(report: Report) -> dict[str, object]:
    counts = report.counts
    return {
        "n_articles": counts.n_articles,
        "n_families": counts.n_families,
        "n_copies": counts.n_copies,
        "n_rejected": counts.n_rejected,
        "n_sources": counts.n_sources,
        "near_duplicate_ratio": counts.near_duplicate_ratio,
        "n_moved": report.n_moved,
        "n_revised": report.n_revised,
    }


def _change(name: str, change: StoryChange) -> dict[str, object]:
    fields: dict[str, object] = {"story": change.story, "headline": change.headline}
    relation = RELATION.get(name)
    if relation:
        fields |= {relation: change.other, f"{relation}_headline": change.other_headline}
    return fields | {"n_articles": change.n_articles, "at": format_time(change.at)}


def _large_story(large: StoryTold) -> dict[str, object]:
    told, story = large.told, large.told.story
    return {
        "story": story.id,
        "headline": story.headline,
        "url": told.url,
        "sources": list(told.sources),
        "first_published_at": _time(story.first_published_at),
        "last_published_at": _time(story.last_published_at),
        "n_articles": story.n_articles,
        "n_new_articles": told.n_new_articles,
        "n_families": story.n_families,
        "n_sources": story.n_sources,
        "n_copies": told.n_copies,
        "n_near_duplicates": told.n_near_duplicates,
        "near_duplicate_ratio": large.near_duplicate_ratio,
        "storyline": story.storyline,
        "status": story.status,
    }


def _storyline(told: StorylineTold) -> dict[str, object]:
    return {
        "storyline": told.storyline.id,
        "headline": told.storyline.headline,
        "n_stories": told.storyline.n_stories,
        "n_articles": told.storyline.n_articles,
        "stories": [_storyline_story(story, changed=story.id in told.changed) for story in told.stories[-MAX_LISTED:]],
    }


def _storyline_story(story: Story, *, changed: bool) -> dict[str, object]:
    return {
        "story": story.id,
        "headline": story.headline,
        "n_articles": story.n_articles,
        "first_published_at": _time(story.first_published_at),
        "last_published_at": _time(story.last_published_at),
        "status": story.status,
        "changed": changed,
    }


def _time(at: float | None) -> str | None:
    return None if at is None else format_time(at)
