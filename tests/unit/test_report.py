"""The report: periods of a time zone, what a period's changes add up to, and renderings that trust nobody's text."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
from collections.abc import Callable, Sequence
from html import unescape
from itertools import pairwise
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from selectolax.lexbor import LexborHTMLParser, LexborNode

from dedup.article import parse_time
from dedup.errors import DedupError
from dedup.report import (
    Counts,
    Period,
    PeriodKind,
    Report,
    TimezoneError,
    Told,
    build,
    period_of,
    plain,
    previous,
    to_html,
    to_json,
    to_markdown,
)
from dedup.report.markdown import escape_markdown
from dedup.story import Change, ChangeKind, Story, Storyline

HOUR = 3600.0


def at(text: str) -> float:
    seconds = parse_time(text)
    assert seconds is not None
    return seconds


def instants(earliest: str, latest: str) -> st.SearchStrategy[float]:
    return st.integers(int(at(earliest)), int(at(latest))).map(float)


NOON = at("2026-11-21T12:00Z")
DAY = period_of("day", NOON, "UTC")


def story(story_id: str = "story:1", **fields: object) -> Story:
    made = Story(
        id=story_id,
        headline=f"Ferry talks in Lindholm, {story_id}",
        representative="a:1",
        n_articles=10,
        n_families=4,
        n_sources=3,
        first_published_at=NOON - HOUR,
        last_published_at=NOON,
        created_at=NOON,
        updated_at=NOON,
        storyline="line:1",
        status="open",
    )
    return dataclasses.replace(made, **fields)  # type: ignore[arg-type]


def told(member: Story, n_new_articles: int = 5, url: str = "", sources: tuple[str, ...] = ("Harbour Wire",)) -> Told:
    return Told(member, sources, n_new_articles, n_copies=2, n_near_duplicates=4, url=url)


def storyline(line_id: str = "line:1", headline: str = "Lindholm ferry talks", n_stories: int = 2) -> Storyline:
    return Storyline(line_id, headline, n_stories, n_articles=20, created_at=NOON, updated_at=NOON)


def change(
    kind: ChangeKind, story_id: str = "story:1", other: str = "", n_articles: int = 1, when: float = NOON
) -> Change:
    return Change(kind, story_id, other, "line:1", ("a:1",), n_articles, run=1, at=when)


def report(
    stories: Sequence[Told] = (),
    storylines: Sequence[tuple[Storyline, Sequence[Story]]] = (),
    changes: Sequence[Change] = (),
    counts: Counts | None = None,
    largest: int = 20,
) -> Report:
    shown = Counts(n_articles=20, n_families=12, n_copies=3, n_rejected=1, n_sources=5) if counts is None else counts
    return build(DAY, stories, storylines, changes, shown, NOON + 12 * HOUR, largest)


def full_report(text: str = "Ferry talks in Lindholm", url: str = "https://news.example/talks") -> Report:
    """A report in which every field that can come from a stranger is `text`."""
    hostile = story(text, headline=text, storyline=text)
    second = story("story:2", headline=text, status="ended")
    changes = [
        change("born", text),
        change("grew", text),
        change("merged", f"{text} old", text),
        change("split", "story:2", text),
        change("ended", "story:2"),
        change("moved", text, text),
        change("revised", text),
        change("linked", text, "story:2", 0),
        change("corrected", text, "story:2", 2),
    ]
    return report([told(hostile, url=url, sources=(text,))], [(storyline(text, text), [second, hostile])], changes)


def first(tree: LexborHTMLParser | LexborNode, selector: str) -> LexborNode:
    node = tree.css_first(selector)
    assert node is not None, f"no {selector} in the page"
    return node


def lines_of(rendering: str, containing: str) -> list[str]:
    return [line for line in rendering.splitlines() if containing in line]


class TestPeriod:
    def test_an_hour_and_a_day_are_half_open_and_named_by_the_clocks_of_the_zone(self) -> None:
        moment = at("2026-11-21T14:59:59.9Z")
        assert period_of("hour", moment, "UTC") == Period(
            "hour", "2026-11-21T14", at("2026-11-21T14:00Z"), at("2026-11-21T15:00Z"), "UTC"
        )
        assert period_of("day", moment, "Europe/Istanbul") == Period(
            "day", "2026-11-21", at("2026-11-20T21:00Z"), at("2026-11-21T21:00Z"), "Europe/Istanbul"
        )

    def test_the_end_of_a_period_belongs_to_the_next_one(self) -> None:
        hour = period_of("hour", NOON, "Asia/Kathmandu")
        assert period_of("hour", hour.end, "Asia/Kathmandu").start == hour.end
        assert period_of("hour", hour.end - 1e-6, "Asia/Kathmandu") == hour

    @pytest.mark.parametrize(
        ("timezone", "noon", "hours"),
        [
            ("Europe/Berlin", "2026-03-29T12:00+02:00", 23),
            ("Europe/Berlin", "2026-10-25T12:00+01:00", 25),
            ("America/New_York", "2026-03-08T12:00-04:00", 23),
            ("America/New_York", "2026-11-01T12:00-05:00", 25),
            ("Africa/Cairo", "2026-04-24T12:00+03:00", 23),
            ("Europe/Istanbul", "2026-03-29T12:00+03:00", 24),
            ("Europe/Istanbul", "2026-10-25T12:00+03:00", 24),
        ],
    )
    def test_a_day_is_as_long_as_its_clocks_make_it(self, timezone: str, noon: str, hours: int) -> None:
        day = period_of("day", at(noon), timezone)
        assert day.name == noon[:10]
        assert day.end - day.start == hours * HOUR

    @pytest.mark.parametrize(
        ("timezone", "first", "name"),
        [
            ("Europe/Berlin", "2026-10-25T02:30+02:00", "2026-10-25T02"),
            ("America/New_York", "2026-11-01T01:30-04:00", "2026-11-01T01"),
        ],
    )
    def test_an_hour_the_clocks_show_twice_is_one_period_of_two_hours(
        self, timezone: str, first: str, name: str
    ) -> None:
        hour = period_of("hour", at(first), timezone)
        assert hour == period_of("hour", at(first) + HOUR, timezone)
        assert (hour.name, hour.end - hour.start) == (name, 2 * HOUR)

    def test_an_hour_the_clocks_leave_out_is_no_period(self) -> None:
        after = period_of("hour", at("2026-03-29T03:10+02:00"), "Europe/Berlin")
        before = previous(after)
        assert (before.name, after.name) == ("2026-03-29T01", "2026-03-29T03")
        assert before.end == after.start

    def test_a_day_the_calendar_leaves_out_is_no_period(self) -> None:
        after = period_of("day", at("2011-12-31T12:00+14:00"), "Pacific/Apia")
        assert (previous(after).name, after.name) == ("2011-12-29", "2011-12-31")

    def test_an_hour_with_half_an_hour_shown_twice_is_an_hour_and_a_half(self) -> None:
        hour = period_of("hour", at("2026-04-05T01:45+10:30"), "Australia/Lord_Howe")
        assert (hour.name, hour.end - hour.start) == ("2026-04-05T01", 1.5 * HOUR)

    @given(
        kind=st.sampled_from(["hour", "day"]),
        moment=instants("2005-01-01T00:00Z", "2035-01-01T00:00Z")
        | st.sampled_from(["2026-10-25T01:00Z", "2026-03-29T01:00Z", "2009-11-01T02:31Z", "2011-12-30T10:00Z"]).map(at)
        | instants("2009-11-01T00:00Z", "2009-11-01T06:00Z")
        | instants("2026-10-25T00:00Z", "2026-10-25T06:00Z"),
        timezone=st.sampled_from(
            ["UTC", "Europe/Berlin", "America/New_York", "America/St_Johns", "Antarctica/Troll", "Pacific/Apia"]
        ),
    )
    def test_every_instant_is_in_one_period_and_periods_follow_without_gap(
        self, kind: PeriodKind, moment: float, timezone: str
    ) -> None:
        period = period_of(kind, moment, timezone)
        before, after = previous(period), period_of(kind, period.end, timezone)
        assert period.start <= moment < period.end
        assert period == period_of(kind, period.start, timezone) == period_of(kind, period.end - 1, timezone)
        assert before.end == period.start
        assert after.start == period.end
        assert before.name < period.name < after.name

    @pytest.mark.parametrize("timezone", ["Atlantis/Capital", "", "Europe", "../../etc/passwd", "/etc/localtime"])
    def test_an_unknown_time_zone_is_refused_by_name(self, timezone: str) -> None:
        with pytest.raises(TimezoneError, match=re.escape(repr(timezone))) as caught:
            period_of("day", NOON, timezone)
        assert isinstance(caught.value, DedupError)


class TestBuild:
    def test_near_duplicate_ratio_is_one_minus_families_over_articles(self) -> None:
        assert Counts(n_articles=20, n_families=12).near_duplicate_ratio == 0.4
        assert Counts(n_articles=3, n_families=1).near_duplicate_ratio == 0.6667
        assert Counts().near_duplicate_ratio == 0.0
        assert report([told(story(n_articles=10, n_families=4))]).largest[0].near_duplicate_ratio == 0.6

    def test_each_story_is_listed_once_a_kind_with_its_articles_added_up(self) -> None:
        grown = report(
            [told(story())],
            changes=[
                change("grew", n_articles=2, when=NOON),
                change("grew", "story:2", n_articles=4),
                change("grew", n_articles=3, when=NOON + 60),
            ],
        ).grown
        assert [(line.story, line.n_articles, line.at) for line in grown] == [
            ("story:1", 5, NOON + 60),
            ("story:2", 4, NOON),
        ]
        assert (grown[0].headline, grown[1].headline) == ("Ferry talks in Lindholm, story:1", "")

    def test_a_story_born_and_ended_in_one_period_is_in_both_lists(self) -> None:
        made = report(changes=[change("born"), change("ended")])
        assert [line.story for line in made.born] == [line.story for line in made.ended] == ["story:1"]

    def test_a_merge_names_the_story_that_survives_the_whole_period(self) -> None:
        made = report(
            [told(story("story:3"))],
            changes=[change("merged", "story:1", "story:2", 5), change("merged", "story:2", "story:3", 4)],
        )
        assert [(line.story, line.other) for line in made.merged] == [("story:1", "story:3"), ("story:2", "story:3")]
        assert made.merged[0].other_headline == "Ferry talks in Lindholm, story:3"

    def test_merges_that_name_each_other_still_end(self) -> None:
        made = report(changes=[change("merged", "story:1", "story:2"), change("merged", "story:2", "story:1")])
        assert [line.story for line in made.merged] == ["story:1", "story:2"]

    def test_a_split_names_the_story_it_came_from(self) -> None:
        made = report([told(story())], changes=[change("split", "story:9", "story:1", 3)])
        assert [(line.story, line.other, line.other_headline) for line in made.split] == [
            ("story:9", "story:1", "Ferry talks in Lindholm, story:1")
        ]

    def test_moved_and_revised_count_articles(self) -> None:
        made = report(
            changes=[change("moved", n_articles=3), change("moved", n_articles=2), change("revised", n_articles=4)]
        )
        assert (made.n_moved, made.n_revised) == (5, 4)

    def test_largest_stories_go_by_articles_in_the_period_then_total_then_id(self) -> None:
        stories = [
            told(story("b", n_articles=9), 2),
            told(story("a", n_articles=9), 2),
            told(story("c", n_articles=50), 2),
            told(story("d", n_articles=3), 3),
            told(story("e", n_articles=99), 0),
        ]
        assert [large.told.story.id for large in report(stories).largest] == ["d", "c", "a", "b"]
        assert [large.told.story.id for large in report(stories, largest=2).largest] == ["d", "c"]

    def test_only_storylines_with_a_changed_story_are_told_those_of_several_stories_first(self) -> None:
        storylines = [
            (storyline("line:alone", n_stories=1), [story("story:4")]),
            (storyline("line:quiet"), [story("story:5"), story("story:6")]),
            (storyline("line:long"), [story("story:2"), story("story:3")]),
        ]
        made = report(
            [told(story("story:4"), 9), told(story("story:3"), 1)],
            storylines,
            [change("born", "story:4"), change("grew", "story:3")],
        )
        assert [(line.storyline.id, line.changed) for line in made.storylines] == [
            ("line:long", ("story:3",)),
            ("line:alone", ("story:4",)),
        ]
        assert [member.id for member in made.storylines[0].stories] == ["story:2", "story:3"]


class TestJson:
    def test_it_holds_the_documented_fields_in_their_order(self) -> None:
        document = json.loads(to_json(full_report()))
        assert list(document) == [
            "period", "generated_at", "counts", "n_born", "born", "n_grown", "grown", "n_merged", "merged",
            "n_split", "split", "n_ended", "ended", "n_linked", "linked", "n_corrected", "corrected", "largest",
            "n_storylines", "storylines",
        ]  # fmt: skip
        assert document["period"] == {
            "kind": "day",
            "name": "2026-11-21",
            "start": "2026-11-21T00:00:00Z",
            "end": "2026-11-22T00:00:00Z",
            "timezone": "UTC",
        }
        assert document["generated_at"] == "2026-11-22T00:00:00Z"
        assert document["counts"] == {
            "n_articles": 20, "n_families": 12, "n_copies": 3, "n_rejected": 1, "n_sources": 5,
            "near_duplicate_ratio": 0.4, "n_moved": 1, "n_revised": 1,
        }  # fmt: skip
        assert document["merged"][0]["merged_into"] == "Ferry talks in Lindholm"
        assert document["split"][0]["split_from"] == "Ferry talks in Lindholm"
        assert document["linked"][0]["continues"] == document["corrected"][0]["apart_from"] == "story:2"
        assert document["corrected"][0]["apart_from_headline"] == "Ferry talks in Lindholm"
        assert document["largest"][0] == {
            "story": "Ferry talks in Lindholm",
            "headline": "Ferry talks in Lindholm",
            "url": "https://news.example/talks",
            "sources": ["Ferry talks in Lindholm"],
            "first_published_at": "2026-11-21T11:00:00Z",
            "last_published_at": "2026-11-21T12:00:00Z",
            "n_articles": 10, "n_new_articles": 5, "n_families": 4, "n_sources": 3, "n_copies": 2,
            "n_near_duplicates": 4, "near_duplicate_ratio": 0.6,
            "storyline": "Ferry talks in Lindholm",
            "status": "open",
        }  # fmt: skip
        assert [member["story"] for member in document["storylines"][0]["stories"]] == [
            "story:2",
            "Ferry talks in Lindholm",
        ]

    def test_text_stays_as_it_was_and_cannot_close_a_script_element(self) -> None:
        text = "</script><b>„Fährgespräche“\u202e | `x` \x1b[31m\n# end"
        rendered = to_json(full_report(text))
        assert json.loads(rendered)["largest"][0]["headline"] == text
        assert "<" not in rendered

    def test_a_lone_surrogate_is_replaced_so_that_the_document_is_utf_8(self) -> None:
        rendered = to_json(full_report("half \ud83d of a sign"))
        assert json.loads(rendered.encode())["largest"][0]["headline"] == "half \ufffd of a sign"

    def test_an_unknown_time_is_null(self) -> None:
        undated = story(first_published_at=None, last_published_at=None)
        document = json.loads(to_json(report([told(undated)])))
        assert document["largest"][0]["first_published_at"] is None


ATTACKS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style></title></bdi><svg/onload=alert(1)>",
    "<a href=javascript:alert(1)>read</a>",
    "<!-- --!><iframe srcdoc='<script>1</script>'>",
    "&lt;script&gt;",
    "<base href=//evil.example><meta http-equiv=refresh content='0;url=//evil.example'>",
]

PAGE_TAGS = {
    "html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section", "article", "div", "p",
    "h1", "h2", "h3", "ul", "ol", "li", "dl", "dt", "dd", "span", "strong", "bdi", "code", "time", "a", "svg", "rect",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip


class TestHtml:
    @pytest.mark.parametrize("attack", ATTACKS)
    def test_markup_in_any_field_is_only_text(self, attack: str) -> None:
        tree = LexborHTMLParser(to_html(full_report(attack, url=f"https://news.example/{attack}")))
        elements = [node for node in tree.css("*") if node.tag in PAGE_TAGS]
        assert len(elements) == len(tree.css("*"))
        assert not [name for node in elements for name in node.attributes if name.startswith("on") or name == "style"]
        assert first(tree, "article h3").text() == plain(attack)
        assert first(tree, "article .ids code").text() == plain(attack)

    @pytest.mark.parametrize("attack", ATTACKS)
    def test_hostile_text_leaves_the_structure_of_the_page_as_it_is(self, attack: str) -> None:
        def structure(rendered: str) -> list[str]:
            return [str(node.tag) for node in LexborHTMLParser(rendered).css("*")]

        assert structure(to_html(full_report(attack))) == structure(to_html(full_report("Ferry talks in Lindholm")))

    @pytest.mark.parametrize(
        "url",
        [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)//https://news.example/",
            "java\nscript:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            "//evil.example/x",
            "/local",
            "file:///etc/passwd",
            "https://bank.example@evil.example/",
            "https:///nowhere",
            "http://[::1",
            "https://news.example\\@evil.example/",
            "https://news.example/" + "a" * 3000,
            "",
        ],
    )
    def test_anything_but_a_web_address_is_no_link(self, url: str) -> None:
        assert LexborHTMLParser(to_html(full_report(url=url))).css("[href]") == []
        assert "](" not in to_markdown(full_report(url=url))

    @pytest.mark.parametrize(
        "url", ["https://news.example/a?b=1&c=2#d", 'http://news.example/"><script>', "https://нові.example/вісті"]
    )
    def test_a_web_address_becomes_the_link_of_the_headline(self, url: str) -> None:
        links = LexborHTMLParser(to_html(full_report(url=url))).css("[href]")
        assert len(links) == 1
        address = links[0].attributes["href"]
        assert address is not None
        assert urlsplit(address).scheme in {"http", "https"}
        assert re.fullmatch(r"[!#-;=?-\[\]_a-z~]+", address, re.IGNORECASE)
        assert links[0].attributes["rel"] == "noopener noreferrer nofollow"

    def test_the_page_loads_nothing_and_allows_its_own_style_only(self) -> None:
        tree = LexborHTMLParser(to_html(full_report()))
        assert tree.css("script, link, img, iframe, object, embed, form, [src], [style]") == []
        policy = first(tree, "meta[http-equiv=Content-Security-Policy]").attributes["content"]
        style = re.search(r"<style>(.*)</style>", to_html(full_report()), re.DOTALL)
        assert style is not None
        digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
        assert policy == (f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'")
        assert "url(" not in style[1]
        assert "@import" not in style[1]

    def test_language_charset_title_and_headings_are_in_order(self) -> None:
        tree = LexborHTMLParser(to_html(full_report()))
        assert first(tree, "html").attributes["lang"] == "en"
        assert first(tree, "head > *").attributes == {"charset": "utf-8"}
        assert first(tree, "title").text() == "Stories of Saturday, 21 November 2026"
        levels = [int(str(node.tag)[1]) for node in tree.css("h1, h2, h3")]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(later <= earlier + 1 for earlier, later in pairwise(levels))

    def test_tables_have_headers_and_ids_are_unique(self) -> None:
        tree = LexborHTMLParser(to_html(full_report()))
        ids = [node.attributes["id"] for node in tree.css("[id]")]
        assert len(ids) == len(set(ids))
        assert len(tree.css("table")) == 7
        assert {node.attributes["aria-labelledby"] for node in tree.css("[aria-labelledby]")} <= set(ids)
        assert all(table.css("thead th[scope=col]") for table in tree.css("table"))

    def test_bars_stay_inside_their_track(self) -> None:
        stories = [told(story(f"story:{n}", n_articles=n, n_families=1)) for n in (1, 7, 4000)]
        for bar in LexborHTMLParser(to_html(report(stories))).css(".bar"):
            widths = [float(str(rect.attributes["width"]).rstrip("%")) for rect in bar.css("rect")]
            assert all(width >= 0 for width in widths)
            assert sum(widths) <= 100.01

    def test_a_storyline_shows_its_stories_in_order_on_one_axis_of_time(self) -> None:
        earliest = story("story:1", first_published_at=NOON - 400 * HOUR, last_published_at=NOON - 380 * HOUR)
        undated = story("story:2", first_published_at=None, last_published_at=None)
        last = story("story:3", first_published_at=NOON, last_published_at=NOON)
        tree = LexborHTMLParser(
            to_html(report([], [(storyline(), [earliest, undated, last])], [change("grew", "story:3")]))
        )
        items = tree.css(".storyline li")
        assert [first(item, "code").text() for item in items] == ["story:1", "story:2", "story:3"]
        assert ["changed" in (item.attributes.get("class") or "") for item in items] == [False, False, True]
        spans = [rect.attributes for rect in tree.css(".span rect")]
        assert [(span["x"], span["width"]) for span in spans] == [("0.00%", "5.00%"), ("99.20%", "0.80%")]


INJECTIONS = [
    "# A heading",
    "- a list",
    "+ a list",
    "* a list",
    "> a quote",
    "1. a numbered list",
    "1986) a numbered list",
    "---",
    "===",
    "a | b | c",
    "`code` and ```fence```",
    "[read](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "<https://evil.example>",
    "<b>bold</b>",
    "**bold** __bold__ _it_ ~~gone~~",
    "line\n\n# heading\n- item",
    "&lt;b&gt; &amp; &#35;",
    "back\\slash\\",
    "[id]: https://evil.example",
    "trailing\\",
    "$x$ and a_b_c",
]


def commonmark() -> MarkdownIt:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"])


class TestMarkdown:
    @pytest.mark.parametrize("injection", INJECTIONS)
    def test_markup_is_shown_as_the_text_it_is_at_the_start_of_a_line(self, injection: str) -> None:
        rendered = commonmark().render(escape_markdown(plain(injection)))
        assert rendered.startswith("<p>")
        assert unescape(rendered.removeprefix("<p>").removesuffix("</p>\n")) == plain(injection)

    @given(st.text(st.characters(codec="utf-8") | st.sampled_from("#-+=>*_`|[]()<>!\\&~$:.1 \n\t@"), max_size=60))
    def test_no_text_at_all_makes_markup(self, text: str) -> None:
        rendered = commonmark().render(escape_markdown(plain(text)))
        shown = unescape(rendered.removeprefix("<p>").removesuffix("</p>\n")).replace("\u2060", "")
        if plain(text).replace("\u2060", ""):
            assert shown == plain(text).replace("\u2060", "")
        else:
            assert shown == ""

    @pytest.mark.parametrize("injection", [*INJECTIONS, *ATTACKS])
    def test_hostile_text_leaves_the_structure_of_the_document_as_it_is(self, injection: str) -> None:
        def structure(made: Report) -> list[str]:
            tokens = [
                token for block in commonmark().parse(to_markdown(made)) for token in [block, *(block.children or [])]
            ]
            return [token.type for token in tokens if token.type not in {"text", "text_special", "code_inline"}]

        assert structure(full_report(injection)) == structure(full_report("(talks)"))

    @pytest.mark.parametrize(
        ("text", "escaped"),
        [
            ("see http://evil.example", r"see http\://evil.example"),
            ("see www.evil.example", r"see www\.evil.example"),
            ("ask @someone or a@b.example", "ask @\u2060someone or a@\u2060b.example"),
        ],
    )
    def test_bare_addresses_and_mentions_are_not_picked_up_as_links(self, text: str, escaped: str) -> None:
        assert escape_markdown(text) == escaped

    def test_links_and_corrections_name_both_stories_and_each_pair_once(self) -> None:
        rendered = to_markdown(
            report(
                [told(story("story:2"))],
                changes=[
                    change("linked", "story:2", "story:1", 0),
                    change("corrected", "story:2", "", 2),
                    change("corrected", "story:2", "story:3", 2),
                    change("corrected", "story:2", "story:3", 2),
                ],
            )
        )
        assert (
            "- Ferry talks in Lindholm, story:2 `story:2` continues `story:1`, 2026-11-21 12:00"
            in rendered.splitlines()
        )
        assert [line.split(" ", 1)[1] for line in rendered.splitlines() if "articles, 2026" in line] == [
            "Ferry talks in Lindholm, story:2 `story:2` apart from `story:3`, 4 articles, 2026-11-21 12:00",
            "Ferry talks in Lindholm, story:2 `story:2`, 2 articles, 2026-11-21 12:00",
        ]

    def test_merges_and_splits_name_both_ids(self) -> None:
        rendered = to_markdown(
            report(
                [told(story("story:2"))],
                changes=[change("merged", "story:1", "story:2", 3), change("split", "story:4", "story:2", 1)],
            )
        )
        assert (
            "- Ferry talks in Lindholm, story:2 `story:1` merged into `story:2`, 3 articles, 2026-11-21 12:00"
            in rendered.splitlines()
        )
        assert "- (untitled) `story:4` split from `story:2`, 1 article, 2026-11-21 12:00" in rendered.splitlines()

    def test_times_are_those_of_the_period_s_zone(self) -> None:
        period = period_of("hour", NOON, "America/New_York")
        rendered = to_markdown(build(period, [told(story())], [], [], Counts(1, 1), NOON + HOUR))
        assert rendered.startswith("# Stories of Saturday, 21 November 2026, 07:00\N{EN DASH}08:00\n")
        assert "Times in America/New\\_York. Written 2026-11-21 08:00." in rendered
        assert "| 2026-11-21 06:00 | 2026-11-21 07:00 |" in rendered


class TestPlain:
    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("\x1b[31mred\x1b[0m alert", "red alert"),
            ("\x9b31mred", "red"),
            ("\x1b]0;owned\x07title", "title"),
            ("\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
            ("\x1bP$q\x1b\\x\x1b", "x"),
            ("\x1b\x1b[31mx", "x"),
            ("a\r\nb\tc\x85d\u2028e\x0bf", "a b c d e f"),
            ("bell\x07 back\x08space nul\x00 del\x7f", "bell backspace nul del"),
            ("safe\u202egpj.exe\u202c \u2066x\u2069 \u200e\u200f\u061cy", "safegpj.exe x y"),
            ("half \udc00 sign", "half \ufffd sign"),
            ("می‌خواهم 👩‍🚀", "می‌خواهم 👩‍🚀"),
            ("  \n ", ""),
        ],
    )
    def test_what_steers_a_terminal_or_turns_a_line_around_is_gone(self, text: str, shown: str) -> None:
        assert plain(text) == shown

    @given(st.text(st.characters() | st.sampled_from("\x1b\x9b[]m;\x07\\\u202e\n"), max_size=80))
    def test_the_result_is_one_printable_line_and_stays_as_it_is(self, text: str) -> None:
        shown = plain(text)
        assert not re.search("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]", shown)
        assert shown.encode().decode() == shown
        assert plain(shown) == shown

    @pytest.mark.timeout(20)
    def test_a_long_text_of_sequences_that_never_end_takes_no_time(self) -> None:
        assert plain("\x9b0" * 300_000 + "\x1b]" * 300_000 + "\x9d" * 300_000 + "end").endswith("]]end")

    @pytest.mark.parametrize("render", [to_html, to_markdown])
    def test_bidi_and_terminal_controls_reach_no_rendering(self, render: Callable[[Report], str]) -> None:
        rendered = render(full_report("a\u202eb\u2066c\u200fd\u061ce\x1b[31mf\x9b1mg\x00h\ud800"))
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]", rendered)
        assert "abcdefgh\ufffd" in rendered
        rendered.encode()


class TestRenderings:
    def test_an_empty_period_says_so_and_shows_no_empty_section(self) -> None:
        empty = report(counts=Counts())
        assert to_markdown(empty) == (
            "# Stories of Saturday, 21 November 2026\n\n"
            "Times in UTC. Written 2026-11-22 00:00.\n\n"
            "No articles in this period.\n"
        )
        tree = LexborHTMLParser(to_html(empty))
        assert first(tree, ".empty").text() == "No articles in this period."
        assert tree.css("h2, table, .card") == []
        assert json.loads(to_json(empty))["counts"]["near_duplicate_ratio"] == 0

    def test_a_period_without_articles_still_lists_what_ended_in_it_and_what_was_rejected(self) -> None:
        quiet = report(changes=[change("ended")], counts=Counts(n_rejected=2))
        for rendered in (to_markdown(quiet), to_html(quiet)):
            assert "No articles in this period." in rendered
            assert "story:1" in rendered
        assert "2 rejected" in to_markdown(quiet)
        assert "<strong>2</strong> rejected" in to_html(quiet)

    @pytest.mark.parametrize("headline", ["", "  \n", "\u202e"])
    def test_a_story_without_headline_is_untitled(self, headline: str) -> None:
        untitled = report([told(story(headline=headline), url="https://news.example/1")])
        assert "[(untitled)](https://news.example/1)" in to_markdown(untitled)
        assert first(LexborHTMLParser(to_html(untitled)), ".card h3").text() == "(untitled)"

    def test_an_undated_story_is_undated(self) -> None:
        undated = report([told(story(first_published_at=None, last_published_at=None))])
        assert "| undated | undated |" in to_markdown(undated)
        assert "undated" in first(LexborHTMLParser(to_html(undated)), ".card").text()

    def test_the_same_value_gives_the_same_bytes_whatever_the_order_it_came_in(self) -> None:
        stories = [told(story(f"story:{n}"), n % 3 + 1) for n in range(9)]
        changes = [change("born", f"story:{n}", n_articles=n % 3 + 1) for n in range(9)]
        one, other = report(stories, [], changes), report(stories[::-1], [], changes[::-1])
        for render in (to_json, to_markdown, to_html):
            assert render(one).encode() == render(one).encode() == render(other).encode()

    def test_a_large_period_is_bounded_and_counts_the_rest(self) -> None:
        stories = [told(story(f"story:{n}", headline="x" * 5000), sources=("s" * 500,) * 40) for n in range(500)]
        storylines = [(storyline(f"line:{n}"), [story(f"story:{n}-{m}") for m in range(60)]) for n in range(25)]
        changes = [change("born", f"story:{n}") for n in range(500)]
        changes += [change("grew", f"story:{n}-0") for n in range(25)]
        large = report(stories, storylines, changes)
        document = json.loads(to_json(large))
        assert (document["n_born"], len(document["born"]), len(document["largest"])) == (500, 50, 20)
        assert (document["n_storylines"], len(document["storylines"])) == (25, 20)
        assert len(document["storylines"][0]["stories"]) == 50
        tree = LexborHTMLParser(to_html(large))
        assert (len(tree.css("tr")), len(tree.css(".card")), len(tree.css(".storyline"))) == (51 + 26, 20, 20)
        for rendered in (to_markdown(large), to_html(large)):
            assert "and 450 more" in rendered
            assert "and 5 more" in rendered
            assert "10 earlier" in rendered
            assert "xxx\N{HORIZONTAL ELLIPSIS}" in rendered
            assert len(rendered) < 1_000_000

    def test_many_sources_are_cut_short_with_their_number(self) -> None:
        many = report([told(story(), sources=tuple(f"Source {n:02}" for n in range(12)))])
        assert "Source 04 and 7 more" in to_markdown(many)
        assert "Source 07 and 4 more" in first(LexborHTMLParser(to_html(many)), ".card").text()

    def test_key_figures_are_shown_with_the_near_duplicate_ratio(self) -> None:
        assert lines_of(to_markdown(report()), "near-duplicates") == [
            "**20** articles from 5 sources, **12** families, **40%** near-duplicates; 3 copies, 1 rejected."
        ]
        figures = LexborHTMLParser(to_html(report())).css(".figures dd")
        assert [figure.text() for figure in figures] == ["20", "12", "40%", "3", "5", "1"]
