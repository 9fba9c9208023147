"""A report is read back from its JSON whole, and told without the words of one article."""

from __future__ import annotations

import dataclasses
import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.report import (
    Gone,
    Present,
    Redaction,
    Report,
    ReportError,
    build,
    from_json,
    period_of,
    to_html,
    to_json,
    to_markdown,
)
from dedup.report.value import Counts, Told
from dedup.story import Change, ChangeKind, Story, Storyline

NOON = 1_795_262_400.0
WORDS = st.text(max_size=12)
TIMES = st.none() | st.floats(NOON - 1e6, NOON + 1e6)
KINDS: tuple[ChangeKind, ...] = get_args(ChangeKind)
NOTHING = Present()


def story(story_id: str, headline: str, storyline: str = "l", at: float | None = NOON) -> Story:
    return Story(story_id, headline, "a", 3, 2, 1, at, at, NOON, NOON, storyline, "open")


def made(stories: list[Story], changes: list[Change], url: str = "", sources: tuple[str, ...] = ()) -> Report:
    lines: dict[str, list[Story]] = {}
    for one in stories:
        lines.setdefault(one.storyline, []).append(one)
    told = [Told(one, tuple(sorted(set(sources))), 2, 1, 1, url) for one in stories]
    named = [(Storyline(line, of[0].headline, len(of), 3 * len(of), NOON, NOON), of) for line, of in lines.items()]
    return build(period_of("day", NOON, "Europe/Istanbul"), told, named, changes, Counts(9, 8, 1, 2, 3), NOON + 1.5)


def change(kind: ChangeKind, story_id: str, other: str = "", n: int = 1) -> Change:
    return Change(kind, story_id, other, "l", ("a",), n, 1, NOON)


def redacted(report: Report, gone: Gone, **now: Present) -> Report:
    return Redaction(gone, lambda name: now.get(name, NOTHING), lambda _: "The line now").apply(report)


STORIES = st.lists(st.builds(story, WORDS, WORDS, WORDS, TIMES), max_size=8, unique_by=lambda one: one.id)
CHANGES = st.lists(st.builds(change, st.sampled_from(KINDS), WORDS, WORDS, st.integers(0, 200)), max_size=8)


@given(STORIES, CHANGES, WORDS, st.lists(WORDS, max_size=3))
def test_a_report_that_is_read_back_renders_to_the_same_bytes(
    stories: list[Story], changes: list[Change], url: str, sources: list[str]
) -> None:
    report = from_json(to_json(made(stories, changes, url, tuple(sources))))
    again = from_json(to_json(report))
    assert again == report
    for render in (to_json, to_markdown, to_html):
        assert render(report) == render(made(stories, changes, url, tuple(sources)))


def test_what_a_document_only_counts_is_counted_again() -> None:
    many = [story(f"s{i}", f"Headline {i}", f"l{i % 25}" if i < 50 else "l") for i in range(120)]
    report = made(many, [change("born", one.id) for one in many])
    for render in (to_json, to_markdown, to_html):
        assert render(from_json(to_json(report))) == render(report)
    assert "and 70 more" in to_markdown(report)
    assert "20 earlier" in to_markdown(report)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"period": 5}', "[" * 100_000])
def test_what_is_no_report_is_refused(text: str) -> None:
    with pytest.raises(ReportError, match="this is no report"):
        from_json(text)


def test_a_report_of_another_shape_is_refused() -> None:
    told = json.loads(to_json(made([story("s", "H")], [])))
    del told["largest"][0]["url"]
    with pytest.raises(ReportError):
        from_json(json.dumps(told))


GONE = Gone("Its title", "https://its.example/", "Its source")


def test_its_words_give_way_to_those_of_the_story_as_it_is_now() -> None:
    report = made(
        [story("s", "Its title"), story("t", "Another", "m")],
        [change("born", "s"), change("merged", "old", "s"), change("grew", "t")],
        "https://its.example/",
        ("Its source", "Wire"),
    )
    now = Present("Now", "https://now.example/", frozenset({"Now"}), frozenset({"https://now.example/"}))
    told = redacted(report, GONE, s=now)
    assert [(one.headline, one.other_headline) for one in (*told.born, *told.merged)] == [("Now", ""), ("", "Now")]
    assert [one.told.story.headline for one in told.largest] == ["Now", ""]
    assert [one.told.url for one in told.largest] == ["https://now.example/", ""]
    assert {one.told.sources for one in told.largest} == {("Wire",)}
    assert [one.storyline.headline for one in told.storylines] == ["The line now", "Another"]
    assert told.counts == report.counts
    for render in (to_json, to_markdown, to_html):
        assert "Its" not in render(told)


def test_words_that_another_article_of_the_story_has_too_stay() -> None:
    report = made([story("s", "Its title")], [change("born", "s")], "https://its.example/", ("Its source",))
    now = Present("Now", "", frozenset({"Its title"}), frozenset({"https://its.example/"}), frozenset({"Its source"}))
    assert redacted(report, GONE, s=now) == report


def test_a_headline_of_its_words_in_a_story_it_was_never_in_goes_unless_that_has_them() -> None:
    report = made([story("s", "Its title"), story("t", "Its title", "m")], [])
    told = redacted(report, GONE, t=Present("Its title", titles=frozenset({"Its title"})))
    assert {one.told.story.id: one.told.story.headline for one in told.largest} == {"s": "", "t": "Its title"}


def test_of_a_revised_article_every_word_goes_that_nobody_accounts_for_in_the_stories_it_was_in() -> None:
    happened = [change("born", "s"), change("born", "t")]
    report = made([story("s", "Once"), story("t", "Once", "m")], happened, "https://once.example/", ("Once",))
    revised = dataclasses.replace(GONE, stories=frozenset({"s"}), storylines=frozenset({"l"}))
    told = redacted(report, revised, s=Present("Now"))
    assert [(one.told.story.headline, one.told.url, one.told.sources) for one in told.largest] == [
        ("Now", "", ()),
        ("Once", "https://once.example/", ("Once",)),
    ]
    assert [one.storyline.headline for one in told.storylines] == ["The line now", "Once"]


@given(STORIES, CHANGES)
def test_a_report_that_has_none_of_its_words_stays_as_it_is(stories: list[Story], changes: list[Change]) -> None:
    report = made(stories, changes)
    assert redacted(report, Gone("A title nobody has", "https://nobody.example/", "Nobody at all")) == report
