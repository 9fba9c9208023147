"""Whatever comes in: an article or a rejection that names what is wrong, and an id that can be looked up."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from hypothesis import example, given, settings
from hypothesis import strategies as st

from dedup.article import FIRST_YEAR, LAST_YEAR, Article, canonical_url, format_time, parse_article, parse_time
from dedup.errors import ArticleError
from dedup.text import html_to_text, identify, normalise, words

CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
FIELDS = ("id", "url", "title", "text", "html", "published_at", "source", "language")

anything = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)
"""Any text at all, lone surrogates included."""
urls = st.builds(
    "{}{}/{}?{}#{}".format,
    st.sampled_from(["http://", "https://", "HTTPS://www.", "//", ""]),
    st.sampled_from(["example.com", "example.com:443", "EXAMPLE.com:99999", "[::1", "xn--0", "ü.example", ""])
    | anything,
    anything | st.integers(0, 700).map(lambda n: "a" * n),
    anything | st.just("utm_source=x&b=1"),
    anything,
)
tags = (
    "<p> <p/class='a>b'> </p> <b> </b> <!-- --> <script> </script> < > &amp; ' \" = / <svg/> <table> <td> <html> "
    "<head> <body> <frameset> <template> </template> <textarea> <select> <math> word"
)
markup = st.lists(st.sampled_from([" ", *tags.split()]) | anything, max_size=20).map("".join)
dates = (
    st.datetimes().map(str)
    | st.from_regex(r"[A-Z][a-z]{2}, \d{1,2} Jun \d{1,4} [\d:.]{1,8} [+\-A-Z\d]{1,6}")
    | anything
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | anything,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(anything, inner, max_size=3),
    max_leaves=6,
)
plausible = st.fixed_dictionaries(
    {},
    optional={
        "id": anything | st.integers(0, 600).map(lambda n: "é" * n),
        "url": urls,
        "title": anything,
        "text": anything,
        "html": markup,
        "published_at": dates,
        "source": anything,
        "language": anything | st.sampled_from(["en", "pt-BR"]),
    },
)
objects = plausible | st.dictionaries(st.sampled_from(FIELDS) | anything, json_values, max_size=8)
bytes_like_json = st.builds(
    lambda text, cut, junk: text.encode()[:cut] + junk,
    objects.map(json.dumps),
    st.integers(0, 400),
    st.binary(max_size=10),
)


def check_rejection(error: ArticleError) -> None:
    assert error.field in {*FIELDS, "payload"}
    assert error.reason
    assert error.article_id is None or (error.article_id and not CONTROLS.search(error.article_id))
    str(error).encode()


def check(payload: bytes | str | Mapping[str, object]) -> Article | None:
    """Parse a payload and hold what must be true of whatever comes out; only `ArticleError` may be raised."""
    try:
        article = identify(parse_article(payload, max_bytes=10_000))
    except ArticleError as error:
        check_rejection(error)
        return None
    assert 1 <= len(article.id.encode()) <= 512
    assert not CONTROLS.search(article.id)
    for value in (article.url, article.title, article.text, article.html, article.source, article.language):
        value.encode()
        assert "\0" not in value
    assert article.title.strip() or article.text.strip() or article.html.strip()
    assert "\n" not in article.url + article.source + article.language
    for warning in article.warnings:
        warning.encode()
    return article


@settings(max_examples=300)
@given(objects)
@example({"id": 10**5000, "title": "x"})
@example({"id": -(10**5000), "title": "x"})
@example({"title": "x", "published_at": "Mon, 02 Jun 2025 1.2.3.4 +0000"})
def test_an_object_gives_an_article_or_a_rejection(fields: Mapping[str, object]) -> None:
    check(fields)


@settings(max_examples=100)
@given(json_values)
def test_any_json_gives_an_article_or_a_rejection(value: object) -> None:
    check(json.dumps(value))


@settings(max_examples=150)
@given(st.binary(max_size=60) | bytes_like_json)
def test_any_bytes_give_an_article_or_a_rejection(payload: bytes) -> None:
    check(payload)


@given(anything)
def test_any_text_gives_an_article_or_a_rejection(payload: str) -> None:
    check(payload)


@settings(max_examples=150)
@given(plausible)
def test_an_article_is_the_same_from_the_object_from_text_and_from_bytes(fields: Mapping[str, object]) -> None:
    written = json.dumps(fields)
    assert check(json.loads(written)) == check(written) == check(written.encode())


@given(anything.filter(str.strip), st.sampled_from(["title", "text"]))
def test_a_given_id_is_kept_or_rejected_never_changed(claimed: str, field: str) -> None:
    article = check({"id": claimed, field: "words"})
    assert article is None or article.id == claimed


@settings(max_examples=150)
@given(urls)
@example("https://a.b//")
@example('https://example.com\x1a"')
def test_a_canonical_url_is_its_own_canonical_url(url: str) -> None:
    once = canonical_url(url)
    assert canonical_url(once) == once


@settings(max_examples=200)
@given(dates)
def test_a_date_is_unreadable_or_in_range_and_can_be_written_and_read_again(text: str) -> None:
    seconds = parse_time(text)
    if seconds is not None:
        written = format_time(seconds)
        assert FIRST_YEAR <= int(written[:4]) <= LAST_YEAR + 1
        assert abs((parse_time(written) or 0) - seconds) < 0.001


@settings(max_examples=150)
@given(markup)
def test_any_html_gives_lines_of_text(html: str) -> None:
    text = html_to_text(html)
    assert all(line == line.strip() != "" for line in text.split("\n")) or text == ""


@settings(max_examples=100)
@given(
    st.lists(st.sampled_from(["<p{}>", "<div{}>", "</div>", "</p>", "<b{}>", "</b>", "<br{}/>", "word ", "<td{}>"])),
    st.sampled_from(["", " class=x", " id='a > b' hidden", ' title="<b>"', "\nhref=a/b ", " checked / x"]),
)
def test_attributes_are_no_text_and_change_none(parts: list[str], attributes: str) -> None:
    page = "".join(parts)
    assert html_to_text(page.replace("{}", attributes)) == html_to_text(page.replace("{}", ""))


@settings(max_examples=200)
@given(anything)
def test_words_of_a_text_beside_others_are_its_own(text: str) -> None:
    alone = words(normalise(text))
    assert words(normalise(f"{text}\nї end")) == [*alone, "ї", "end"]
    assert words(normalise(text.swapcase() if text.isascii() else text)) == alone


@given(st.integers(-2_208_988_800, 7_289_654_399))
def test_a_time_is_written_as_the_calendar_has_it(seconds: int) -> None:
    """From 1900 to 2200."""
    assert format_time(seconds) == datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
