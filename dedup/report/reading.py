"""The report that a JSON document tells of, as far as renderings show it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from dedup.article import parse_time
from dedup.errors import DedupError
from dedup.report.json import RELATION
from dedup.report.period import Period
from dedup.report.value import MAX_LISTED, Counts, Report, StoryChange, StorylineTold, StoryTold, Told
from dedup.story import Story, Storyline

_UNLISTED_STORY: Final = Story("", "", "", 0, 0, 0, None, None, 0.0, 0.0, "", "ended")
_UNLISTED_CHANGE: Final = StoryChange("", "", "", "", 0, 0.0)
_UNLISTED_LINE: Final = StorylineTold(Storyline("", "", 0, 0, 0.0, 0.0), (), ())

_Listed = TypeVar("_Listed")


class ReportError(DedupError):
    """A document that is no report, or one of another version."""


def from_json(text: str | bytes) -> Report:
    """The report that `to_json` wrote. It renders to the same bytes in every form.

    What the document only counts (past the 50 changes, the 20 storylines or the last 50 stories of one that it lists)
    is there as blanks, so that it is counted again. What no rendering shows is blank, too. Raises `ReportError`.
    """
    try:
        return _report(json.loads(text))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ReportError(f"this is no report: {error!r}") from error


def _report(told: Mapping[str, Any]) -> Report:
    period, counts = told["period"], told["counts"]
    return Report(
        period=Period(
            period["kind"], period["name"], _known(period["start"]), _known(period["end"]), period["timezone"]
        ),
        generated_at=_known(told["generated_at"]),
        counts=Counts(
            counts["n_articles"], counts["n_families"], counts["n_copies"], counts["n_rejected"], counts["n_sources"]
        ),
        born=_changes("born", told),
        grown=_changes("grown", told),
        merged=_changes("merged", told),
        split=_changes("split", told),
        ended=_changes("ended", told),
        linked=_changes("linked", told),
        corrected=_changes("corrected", told),
        n_moved=counts["n_moved"],
        n_revised=counts["n_revised"],
        largest=tuple(_large_story(one) for one in told["largest"]),
        storylines=_filled([_storyline(one) for one in told["storylines"]], told["n_storylines"], _UNLISTED_LINE),
    )


def _changes(name: str, told: Mapping[str, Any]) -> tuple[StoryChange, ...]:
    relation = RELATION.get(name, "")
    listed = [
        StoryChange(
            story=one["story"],
            headline=one["headline"],
            other=one[relation] if relation else "",
            other_headline=one[f"{relation}_headline"] if relation else "",
            n_articles=one["n_articles"],
            at=_known(one["at"]),
        )
        for one in told[name]
    ]
    return _filled(listed, told[f"n_{name}"], _UNLISTED_CHANGE)


def _large_story(told: Mapping[str, Any]) -> StoryTold:
    story = Story(
        id=told["story"],
        headline=told["headline"],
        representative="",
        n_articles=told["n_articles"],
        n_families=told["n_families"],
        n_sources=told["n_sources"],
        first_published_at=_time(told["first_published_at"]),
        last_published_at=_time(told["last_published_at"]),
        created_at=0.0,
        updated_at=0.0,
        storyline=told["storyline"],
        status=told["status"],
    )
    sources = tuple(str(one) for one in told["sources"])
    of_story = Told(
        story, sources, told["n_new_articles"], told["n_copies"], told["n_near_duplicates"], told["url"]
    )  # fmt: skip
    return StoryTold(of_story, told["near_duplicate_ratio"])


def _storyline(told: Mapping[str, Any]) -> StorylineTold:
    stories = [_story_in_line(one, told["storyline"]) for one in told["stories"]]
    n_earlier = max(0, told["n_stories"] - len(stories)) if len(stories) == MAX_LISTED else 0
    return StorylineTold(
        Storyline(told["storyline"], told["headline"], told["n_stories"], told["n_articles"], 0.0, 0.0),
        (*[_UNLISTED_STORY] * n_earlier, *stories),
        tuple(one["story"] for one in told["stories"] if one["changed"]),
    )


def _story_in_line(told: Mapping[str, Any], storyline: str) -> Story:
    return Story(
        id=told["story"],
        headline=told["headline"],
        representative="",
        n_articles=told["n_articles"],
        n_families=0,
        n_sources=0,
        first_published_at=_time(told["first_published_at"]),
        last_published_at=_time(told["last_published_at"]),
        created_at=0.0,
        updated_at=0.0,
        storyline=storyline,
        status=told["status"],
    )


def _filled(listed: Sequence[_Listed], n: int, blank: _Listed) -> tuple[_Listed, ...]:
    return (*listed, *[blank] * (n - len(listed)))


def _known(text: str) -> float:
    at = parse_time(text)
    if at is None:
        raise ValueError(f"{text!r} is no time")
    return at


def _time(text: str | None) -> float | None:
    return None if text is None else parse_time(text)
