"""What comes in as an article, what is repaired, and what is rejected with article, field and reason."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest

from dedup.article import (
    MAX_ARTICLE_BYTES,
    Article,
    canonical_url,
    digest_id,
    format_time,
    parse_article,
    parse_time,
)
from dedup.errors import ArticleError, DedupError

JUNE_2 = datetime(2025, 6, 2, 13, 0, tzinfo=UTC).timestamp()


def short(value: object) -> str:
    """A name for a test's parameter, which may be megabytes long."""
    return "a huge number" if isinstance(value, int) and value > 10**18 else ascii(value)[:24]


def rejection(payload: bytes | str | Mapping[str, object], max_bytes: int = MAX_ARTICLE_BYTES) -> ArticleError:
    with pytest.raises(ArticleError) as caught:
        parse_article(payload, max_bytes)
    return caught.value


def titled(**fields: object) -> Article:
    return parse_article({"title": "Bridge opens", **fields})


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def test_every_field_is_read_from_bytes_text_or_the_object_itself() -> None:
    fields = {
        "id": "a-1",
        "url": "https://example.com/bridge",
        "title": "Bridge opens",
        "text": "The bridge opened.",
        "html": "<p>The bridge opened.",
        "published_at": "2025-06-02T13:00:00Z",
        "source": "Example Post",
        "language": "en-GB",
    }
    expected = Article(
        id="a-1",
        url="https://example.com/bridge",
        title="Bridge opens",
        text="The bridge opened.",
        html="<p>The bridge opened.",
        published_at=JUNE_2,
        source="Example Post",
        language="en-GB",
    )
    written = json.dumps(fields)
    assert parse_article(written) == parse_article(written.encode()) == parse_article(fields) == expected


def test_unknown_fields_and_fields_of_null_are_as_if_absent() -> None:
    article = titled(id="a", url=None, text=None, source=None, published_at=None, author={"name": ["x"]}, tags=[1])
    assert article == titled(id="a")


@pytest.mark.parametrize("field", ["title", "text", "html"])
def test_one_of_title_text_and_html_is_enough(field: str) -> None:
    assert getattr(parse_article({"id": "a", field: "words"}), field) == "words"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("title: x", "not JSON: Expecting value at character 1"),
        (b"\xef\xbb\xbf", "not JSON"),
        ('{"title": "x"} {"title": "y"}', "not JSON"),
        ('{"title": "x\ny"}', "not JSON"),
        (b'{"title": "\xff\xfe"}', "not UTF-8"),
        (b'{"title": "\xc3"}', "not UTF-8"),
        ("[" * 100_000, "nested too deeply"),
        ('{"title": ' * 100_000, "nested too deeply"),
        ("[]", "an array"),
        ('"title"', "a string"),
        ("17", "a number"),
        ("NaN", "a number"),
        ("true", "a boolean"),
        ("null", "null"),
    ],
    ids=short,
)
def test_what_is_no_json_object_is_rejected_as_a_payload(payload: str | bytes, reason: str) -> None:
    error = rejection(payload)
    assert (error.article_id, error.field) == (None, "payload")
    assert reason in error.reason


def test_deep_nesting_in_an_unknown_field_is_read_or_rejected_never_fatal() -> None:
    deep = '{"id": "a", "title": "x", "extra": ' + "[" * 100_000 + "]" * 100_000 + "}"
    assert rejection(deep).reason.endswith("nested too deeply")
    assert parse_article('{"id": "a", "title": "x", "extra": ' + "[" * 100 + "]" * 100 + "}").id == "a"


def test_a_byte_order_mark_before_the_bytes_does_no_harm() -> None:
    assert parse_article(b"\xef\xbb\xbf" + b'{"id": "a", "title": "x"}').title == "x"


def test_of_a_key_given_twice_the_last_counts() -> None:
    assert parse_article('{"id": "a", "title": "first", "title": "second"}').title == "second"


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "a"},
        {"id": "a", "url": "https://example.com", "source": "Example Post"},
        {"id": "a", "title": "", "text": None, "html": ""},
        {"id": "a", "title": " \t", "text": "\n\n", "html": "\u3000"},
        {"id": "a", "text": "\x00\x01"},
    ],
)
def test_an_article_without_any_text_is_rejected_by_name(fields: dict[str, object]) -> None:
    error = rejection(fields)
    assert (error.article_id, error.field) == ("a", "text")
    assert "no text at all" in error.reason


@pytest.mark.parametrize("field", ["url", "title", "text", "html", "source", "language"])
@pytest.mark.parametrize(
    ("value", "named"),
    [(17, "a number"), (float("nan"), "a number"), (True, "a boolean"), (["x"], "an array"), ({"x": "y"}, "an object")],
)
def test_a_field_of_a_wrong_type_is_rejected_and_named(field: str, value: object, named: str) -> None:
    error = rejection({"id": "a", "title": "x", "text": "y", field: value})
    assert (error.article_id, error.field) == ("a", field)
    assert error.reason == f"must be a string, is {named}"


def test_a_rejection_says_article_field_and_reason_in_one_line() -> None:
    assert str(rejection({"id": "a", "title": 1})) == "article a: title: must be a string, is a number"
    assert str(rejection({"title": 1})) == "article (no id): title: must be a string, is a number"
    assert isinstance(rejection("{"), DedupError)


def test_a_payload_of_just_max_bytes_passes_and_one_more_is_rejected_by_name() -> None:
    payload = json.dumps({"id": "long", "text": "ü" * 100}, ensure_ascii=False)
    size = len(payload.encode())
    assert parse_article(payload, size).id == parse_article(payload.encode(), size).id == "long"
    for given in (payload, payload.encode()):
        error = rejection(given, size - 1)
        assert (error.article_id, error.field) == ("long", "payload")
        assert f"{size} bytes" in error.reason
        assert f"max_article_bytes = {size - 1}" in error.reason


def test_more_than_eight_mebibytes_are_refused_unless_allowed() -> None:
    payload = json.dumps({"id": "long", "text": "a" * 8 * 1024 * 1024})
    assert rejection(payload).article_id == "long"
    assert parse_article(payload, 9 * 1024 * 1024).id == "long"


@pytest.mark.parametrize("payload", ["{" * 1000, b"\xff" * 1000, "[1]" + " " * 1000, "[" * 100_000], ids=short)
def test_a_payload_too_long_to_name_is_still_rejected_for_its_length(payload: str | bytes) -> None:
    error = rejection(payload, 100)
    assert (error.article_id, error.field) == (None, "payload")
    assert "max_article_bytes" in error.reason


def test_nul_and_other_control_characters_become_spaces_with_a_warning() -> None:
    article = parse_article(
        '{"id": "a", "text": "one\\u0000two\\u0007three\\ttab\\nline", "published_at": "2025-06-02"}'
    )
    assert article.text == "one two three\ttab\nline"
    assert article.warnings == ("text: 2 control characters replaced by spaces",)


def test_lone_surrogates_are_replaced_with_a_warning_and_pairs_are_letters() -> None:
    article = parse_article(b'{"id": "a", "title": "\\ud800 \\udc00 \\ud83d\\ude00", "published_at": "2025-06-02"}')
    assert article.title == "\ufffd \ufffd 😀"
    assert article.warnings == ("title: 2 lone surrogates replaced",)
    article.title.encode()


def test_line_breaks_in_url_source_and_language_become_spaces() -> None:
    article = titled(id="a", source=" Example\nPost\u0085", published_at="2025-06-02")
    assert article.source == "Example Post"
    assert article.warnings == ("source: 2 line breaks or control characters replaced by spaces",)


@pytest.mark.parametrize("language", ["english please", "e", "en-", "<b>", "12"])
def test_a_language_that_is_no_tag_is_ignored_with_a_warning(language: str) -> None:
    article = titled(id="a", language=language, published_at="2025-06-02")
    assert article.language == ""
    assert "not a BCP-47 tag" in article.warnings[0]


@pytest.mark.parametrize("language", ["en", "zh-Hant-TW", "pt_BR", "sr-Latn"])
def test_a_language_tag_is_kept_as_given(language: str) -> None:
    assert titled(id="a", language=language).language == language


@pytest.mark.parametrize(
    "claimed", ["1", "a" * 512, "ü" * 256, "feed:0123456789ab:urn:x/1?b=c d", " ", "شسي", "\u2028"], ids=short
)
def test_an_id_of_1_to_512_bytes_without_control_characters_is_kept(claimed: str) -> None:
    assert titled(id=claimed).id == claimed


@pytest.mark.parametrize(
    ("claimed", "reason"),
    [
        ("", "0 bytes long"),
        ("a" * 513, "513 bytes long"),
        ("ü" * 257, "514 bytes long"),
        ("a" * 10_240, "10,240 bytes long"),
        ("a\nb", "control character"),
        ("a\x00", "control character"),
        ("\x7f", "control character"),
        ("a\u0085b", "control character"),
        ("a\ud800", "lone surrogate"),
        (17, "must be a string, is a number: 17"),
        (1.5, "must be a string, is a number: 1.5"),
        (float("nan"), "must be a string, is a number"),
        (10**5000, "must be a string, is a number"),
        (True, "must be a string, is a boolean"),
        (["a"], "must be a string, is an array"),
        ({"a": "b"}, "must be a string, is an object"),
    ],
    ids=short,
)
def test_an_id_that_cannot_be_looked_up_is_rejected(claimed: object, reason: str) -> None:
    error = rejection({"id": claimed, "title": "x"})
    assert error.field == "id"
    assert reason in error.reason


def test_a_rejected_id_is_named_in_one_line_of_at_most_512_bytes() -> None:
    assert rejection({"id": "a\nb\x00", "title": "x"}).article_id == "a\ufffdb\ufffd"
    assert rejection({"id": "é" * 10_000, "title": "x"}).article_id == "é" * 256
    assert rejection({"id": "", "title": "x"}).article_id is None


def test_an_article_without_id_is_known_by_its_canonical_url() -> None:
    given = "HTTPS://Example.com:443/bridge?utm_source=feed&page=2&utm_campaign=x&fbclid=1#comments"
    article = titled(url=given)
    assert article.id == "https://example.com/bridge?page=2"
    assert article.url == given
    assert titled(url="https://example.com/bridge?page=2").id == article.id
    assert titled(url=given, id="mine").id == "mine"


def test_articles_that_differ_in_a_parameter_of_unknown_meaning_are_two() -> None:
    queries = ("", "?12", "?13", "?id=", "?uid=5", "?uid=6", "?cid=5", "?source=a", "?b=1&a=2", "?a=", "?gallery=1")
    assert len({canonical_url(f"https://example.com/story{query}") for query in queries}) == len(queries)
    assert canonical_url("https://example.com/?b=1&a=2") == canonical_url("https://EXAMPLE.com?a=2&b=1&gclid=3&_ga=x")


def test_a_url_too_long_for_an_id_is_known_by_its_hash() -> None:
    long = "https://example.com/" + "a" * 500
    assert len(titled(url=long[:512]).id) == 512
    article = titled(url=long + "?utm_source=x")
    assert article.id == digest_id(long)
    assert article.id.startswith("sha256:")
    assert len(article.id) == len("sha256:") + 32
    assert titled(url=long + "b").id != article.id


@pytest.mark.parametrize(
    "url", ["", "javascript:alert(1)", "ftp://example.com/a", "example.com", "http://[", "mailto:x"]
)
def test_what_is_no_web_address_gives_no_id(url: str) -> None:
    assert canonical_url(url) == titled(url=url).id == ""


@pytest.mark.parametrize(
    "text",
    [
        "2025-06-02T13:00:00Z",
        "2025-06-02t13:00:00z",
        "2025-06-02 13:00:00",
        "2025-06-02T13:00",
        "2025-06-02T16:00:00+03:00",
        "2025-06-02T13:00:00.000000Z",
        " 2025-06-02T13:00:00Z\n",
        "Mon, 02 Jun 2025 13:00:00 GMT",
        "Mon, 02 Jun 2025 13:00:00 +0000",
        "Mon, 2 Jun 2025 16:00:00 +0300",
        "02 Jun 2025 09:00:00 EDT",
        "Mon, 02 Jun 2025 13:00:00 -0000",
        "Mon, 02 Jun 2025 13:00:00",
    ],
)
def test_dates_of_rfc_3339_and_of_feeds_are_read_and_without_zone_they_are_utc(text: str) -> None:
    article = titled(id="a", published_at=text)
    assert article.published_at == JUNE_2
    assert article.warnings == ()


@pytest.mark.parametrize(
    ("text", "readable"),
    [
        ("1900-01-01T00:00:00Z", True),
        ("1899-12-31T23:59:59Z", False),
        ("1900-01-01T00:59:59+01:00", False),
        ("1899-12-31T23:30:00-01:00", True),
        ("2200-12-31T23:59:59Z", True),
        ("2201-01-01T00:00:00Z", False),
        ("2200-12-31T23:30:00-01:00", False),
    ],
)
def test_dates_count_from_1900_to_2200_in_utc(text: str, *, readable: bool) -> None:
    assert (parse_time(text) is not None) == readable


@pytest.mark.parametrize(
    "date",
    [
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-23:59",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Mon, 02 Jun 99999999999999999999 13:00:00 GMT",
        "Mon, 02 Jun 2025 13:00:00 +99999999999",
        "2025-02-30",
        "yesterday",
        "1748869200",
        "\ud800",
        "9" * 1_000_000,
        ", " * 100_000,
        1_748_869_200,
        float("nan"),
        float("inf"),
        True,
        ["2025-06-02"],
        {"year": 2025},
    ],
    ids=short,
)
def test_an_unreadable_date_makes_an_article_undated_with_a_warning(date: object) -> None:
    article = titled(id="a", published_at=date)
    assert article.published_at is None
    assert len(article.warnings) == 1
    assert article.warnings[0].startswith("published_at: ")
    assert "undated" in article.warnings[0]
    assert len(article.warnings[0]) < 400


def test_an_absent_date_is_told_as_a_warning() -> None:
    assert titled(id="a").warnings == titled(id="a", published_at="").warnings
    assert titled(id="a").warnings == ("published_at: absent, treated as undated",)


def test_times_are_written_in_utc_and_read_back() -> None:
    assert format_time(None) == ""
    assert format_time(JUNE_2) == "2025-06-02T13:00:00Z"
    assert format_time(JUNE_2 + 0.25) == "2025-06-02T13:00:00.250Z"
    assert parse_time(format_time(JUNE_2 + 0.25)) == JUNE_2 + 0.25


def test_hostile_fields_take_no_longer_than_their_size() -> None:
    """Each of these has 4 MB; the bound is a multiple of what ordinary text of that size takes here."""
    n = 4_000_000
    ordinary = seconds(lambda: parse_article(json.dumps({"id": "a", "text": "word " * (n // 5)})))
    for fields in (
        {"url": "https://example.com/" + "../" * (n // 3)},
        {"url": "https://example.com/?" + "a&" * (n // 2)},
        {"published_at": "1:" * (n // 2)},
        {"published_at": "(" * n},
        {"language": "a-" * (n // 2)},
        {"source": "\n" * n},
        {"text": "\ud800\x00" * (n // 8)},
    ):
        taken = seconds(lambda fields=fields: titled(id="a", **fields))  # type: ignore[misc]
        assert taken < 5 + 50 * ordinary, next(iter(fields))
