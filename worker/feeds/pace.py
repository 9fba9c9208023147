"""When a feed is asked again: plain functions of what is known, without a clock.

1. A feed is polled every `normal_seconds`, or as seldom as it asks for: by Cache-Control or Expires, by the `ttl` of
   RSS, or by `sy:updatePeriod`. What it asks for counts up to a day.
2. A feed that fails is asked after the normal time, then after twice that, and so on, up to a day. What Retry-After
   says counts, too, where it is later, up to a day.
3. Each wait is longer by up to a tenth, always the same for one URL, so that feeds that were added together are not
   asked together for ever.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import Final

DAY_SECONDS: Final = 86_400.0
_MOST_DOUBLINGS: Final = 30
_SPREAD: Final = 0.1
_MAX_AGE: Final = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,12})", re.IGNORECASE)
_NOT_KEPT: Final = re.compile(r"(?:^|[\s,])no-(?:cache|store)(?:$|[\s,=])", re.IGNORECASE)
_PERIODS: Final = {
    "hourly": 3_600.0, "daily": DAY_SECONDS, "weekly": 7 * DAY_SECONDS, "monthly": 30 * DAY_SECONDS,
    "yearly": 365 * DAY_SECONDS,
}  # fmt: skip
"""Of the syndication module of RSS 1.0 (web.resource.org/rss/1.0/modules/syndication)."""


def wait_after_success(url: str, normal_seconds: float, asked_seconds: float) -> float:
    """Seconds until the next poll of a feed that was read; `asked_seconds` is how long it asks to be left alone."""
    return max(normal_seconds, min(asked_seconds, DAY_SECONDS)) * _longer(url)


def wait_after_failure(url: str, normal_seconds: float, n_failures: int, asked_seconds: float = 0.0) -> float:
    """Seconds until the next poll of a feed that has failed `n_failures` times in a row (1 or more).

    `asked_seconds` is what Retry-After says.
    """
    doubled = normal_seconds * 2.0 ** min(n_failures - 1, _MOST_DOUBLINGS)
    backed_off = min(doubled, max(normal_seconds, DAY_SECONDS))
    return max(backed_off, min(asked_seconds, DAY_SECONDS)) * _longer(url)


def fresh_seconds(headers: Mapping[str, str]) -> float:
    """How long an answer holds by its headers (names in lower case), by RFC 9111; 0 where they do not say."""
    control = headers.get("cache-control", "")
    if _NOT_KEPT.search(control):
        return 0.0
    found = _MAX_AGE.search(control)
    if found:
        age = headers.get("age", "")
        return max(0.0, float(found[1]) - (float(age) if age.isdecimal() and len(age) < 12 else 0.0))
    expires, date = _http_date(headers.get("expires", "")), _http_date(headers.get("date", ""))
    return max(0.0, expires - date) if expires is not None and date is not None else 0.0


def retry_after_seconds(header: str, now: float) -> float:
    """What Retry-After asks for: seconds, or a date (`now`: Unix seconds); 0 for what is neither."""
    if header.isdecimal() and header.isascii():
        return float(header[:12])
    at = _http_date(header)
    return max(0.0, at - now) if at is not None else 0.0


def ttl_seconds(ttl: str) -> float:
    """The minutes of an RSS `ttl` as seconds, 0 for what is no number."""
    return float(ttl) * 60 if ttl.isdecimal() and ttl.isascii() and len(ttl) < 10 else 0.0


def period_seconds(period: str, frequency: str) -> float:
    """`sy:updatePeriod` over `sy:updateFrequency` (how often in a period, 1 if absent), 0 where there is none."""
    times = int(frequency) if frequency.isdecimal() and frequency.isascii() and len(frequency) < 10 else 1
    return _PERIODS.get(period.lower(), 0.0) / max(1, times)


def _http_date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _longer(url: str) -> float:
    """Between 1 and 1.1, always the same for a URL."""
    return 1.0 + _SPREAD * int.from_bytes(sha256(url.encode(errors="replace")).digest()[:4], "big") / 2**32
