"""When a feed is asked again: as often as usual, as seldom as it asks for, and ever later while it fails."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.feeds import pace

URL = "https://news.example/feed.xml"
DAY = 86_400.0
NORMAL = 900.0


def test_a_feed_that_asks_for_nothing_is_polled_at_the_normal_pace() -> None:
    assert NORMAL <= pace.wait_after_success(URL, NORMAL, 0) <= 1.1 * NORMAL


def test_a_feed_is_left_alone_for_as_long_as_it_asks_for_but_no_more_than_a_day() -> None:
    assert 3_600 <= pace.wait_after_success(URL, NORMAL, 3_600) <= 1.1 * 3_600
    assert DAY <= pace.wait_after_success(URL, NORMAL, 365 * DAY) <= 1.1 * DAY
    assert pace.wait_after_success(URL, 2 * DAY, 0) >= 2 * DAY


def test_a_feed_cannot_ask_to_be_polled_more_often() -> None:
    assert pace.wait_after_success(URL, NORMAL, 1) >= NORMAL


def test_a_feed_that_fails_is_asked_after_twice_the_time_each_time_up_to_a_day() -> None:
    waits = [pace.wait_after_failure(URL, NORMAL, n) for n in range(1, 12)]
    assert NORMAL <= waits[0] <= 1.1 * NORMAL
    assert waits[1:7] == pytest.approx([2 * wait for wait in waits[:6]])
    assert waits[-1] == waits[-2]
    assert DAY <= waits[-1] <= 1.1 * DAY
    assert pace.wait_after_failure(URL, NORMAL, 100_000) == waits[-1]


def test_retry_after_counts_where_it_is_later_and_up_to_a_day() -> None:
    assert pace.wait_after_failure(URL, NORMAL, 1, 7_200) >= 7_200
    assert pace.wait_after_failure(URL, NORMAL, 5, 60) == pace.wait_after_failure(URL, NORMAL, 5)
    assert pace.wait_after_failure(URL, NORMAL, 1, 1e12) <= 1.1 * DAY


@given(st.text(max_size=80), st.integers(1, 50), st.floats(1, 1e6), st.floats(0, 1e9))
def test_waits_differ_between_urls_never_between_polls_and_by_a_tenth_at_most(
    url: str, n: int, normal: float, asked: float
) -> None:
    assert pace.wait_after_failure(url, normal, n, asked) == pace.wait_after_failure(url, normal, n, asked)
    success, least = pace.wait_after_success(url, normal, asked), max(normal, min(asked, DAY))
    assert least <= success <= 1.1 * least


def test_feeds_that_were_added_together_drift_apart() -> None:
    waits = {pace.wait_after_success(f"https://news.example/{i}", NORMAL, 0) for i in range(100)}
    assert len(waits) == 100
    assert max(waits) - min(waits) > 0.08 * NORMAL


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"cache-control": "max-age=3600"}, 3_600),
        ({"cache-control": 'public, Max-Age="600", stale-while-revalidate=10', "age": "100"}, 500),
        ({"cache-control": "max-age=60", "age": "100"}, 0),
        ({"cache-control": "max-age=60", "age": "-1"}, 60),
        ({"cache-control": "s-maxage=60"}, 0),
        ({"cache-control": "no-cache, max-age=60"}, 0),
        ({"cache-control": "no-store"}, 0),
        ({"cache-control": "max-age=never"}, 0),
        ({"expires": "Sun, 22 Nov 2026 10:00:00 GMT", "date": "Sun, 22 Nov 2026 09:30:00 GMT"}, 1_800),
        ({"expires": "Sun, 22 Nov 2026 09:00:00 GMT", "date": "Sun, 22 Nov 2026 09:30:00 GMT"}, 0),
        ({"expires": "0", "date": "Sun, 22 Nov 2026 09:30:00 GMT"}, 0),
        ({"expires": "Sun, 22 Nov 2026 10:00:00 GMT"}, 0),
        ({"cache-control": "max-age=5", "expires": "Sun, 22 Nov 2026 10:00:00 GMT"}, 5),
    ],
)
def test_how_long_an_answer_holds_is_what_its_headers_say(headers: dict[str, str], seconds: float) -> None:
    assert pace.fresh_seconds(headers) == seconds


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120), ("0", 0), ("", 0), ("soon", 0), ("-5", 0), ("1.5", 0), ("²", 0),
        ("Sun, 22 Nov 2026 10:00:00 GMT", 60), ("Sun, 22 Nov 2026 09:00:00 GMT", 0), ("9" * 30, 999_999_999_999),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(header: str, seconds: float) -> None:
    assert pace.retry_after_seconds(header, 1_795_341_540.0) == seconds


@pytest.mark.parametrize(("ttl", "seconds"), [("60", 3_600), ("0", 0), ("", 0), ("hour", 0), ("-1", 0), ("9" * 40, 0)])
def test_a_ttl_is_minutes(ttl: str, seconds: float) -> None:
    assert pace.ttl_seconds(ttl) == seconds


@pytest.mark.parametrize(
    ("period", "frequency", "seconds"),
    [("hourly", "", 3_600), ("hourly", "2", 1_800), ("Daily", "1", DAY), ("weekly", "0", 7 * DAY), ("never", "1", 0),
     ("", "", 0), ("daily", "x", DAY)],
)  # fmt: skip
def test_an_update_period_is_divided_by_its_frequency(period: str, frequency: str, seconds: float) -> None:
    assert pace.period_seconds(period, frequency) == seconds


@given(st.text(max_size=40), st.text(max_size=40), st.floats(0, 4e9))
def test_whatever_a_stranger_writes_gives_a_number_of_seconds(one: str, other: str, now: float) -> None:
    told = [
        pace.fresh_seconds({"cache-control": one, "age": other, "expires": one, "date": other}),
        pace.retry_after_seconds(one, now),
        pace.ttl_seconds(one),
        pace.period_seconds(one, other),
    ]
    assert all(0 <= seconds < 1e13 for seconds in told)
