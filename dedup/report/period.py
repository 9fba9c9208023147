"""The hours and days that reports are about, in a civil time zone.

Every instant belongs to exactly one period of each kind. A period begins when the clocks first show its name or,
where they jump over it, anything later, and ends where the next one begins:

1. A day on which the clocks change has 23 or 25 hours.
2. An hour that the clocks show twice is one period under its one name, two hours long.
3. An hour or day that the clocks leave out is no period.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from dedup.errors import DedupError

PeriodKind = Literal["hour", "day"]

_STEP: Final = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
_NAME: Final = {"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d"}
_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


class TimezoneError(DedupError):
    """A time zone that is not known here."""

    def __init__(self, timezone: str) -> None:
        self.timezone = timezone
        super().__init__(f"time zone {timezone!r} is not known: give an IANA name such as UTC or Europe/Istanbul")


@dataclass(frozen=True, slots=True)
class Period:
    """An hour or a day of a time zone.

    `name` is `2026-11-21T14` or `2026-11-21`; `start` and `end` are Unix seconds, `end` excluded;
    `timezone` is an IANA name.
    """

    kind: PeriodKind
    name: str
    start: float
    end: float
    timezone: str


def period_of(kind: PeriodKind, at: float, timezone: str) -> Period:
    """The period that contains `at` (Unix seconds). Raises `TimezoneError` for an unknown zone."""
    zone = _zone(timezone)
    second = math.floor(at)
    wall = _truncate(kind, datetime.fromtimestamp(second, zone).replace(tzinfo=None))
    # Where the clocks went back, a later hour or day may have begun already.
    while (end := _begin(wall + _STEP[kind], zone)) <= second:
        wall += _STEP[kind]
    return Period(kind, wall.strftime(_NAME[kind]), float(_begin(wall, zone)), float(end), timezone)


def previous(period: Period) -> Period:
    """The period of the same kind that ends where this one begins."""
    return period_of(period.kind, period.start - 1, period.timezone)


def local_time(at: float, timezone: str) -> str:
    """Unix seconds as `2026-11-21 14:05` of the zone's clocks."""
    return _clock(at, timezone).strftime("%Y-%m-%d %H:%M")


def describe_day(period: Period) -> str:
    """The day the period begins on, as `Saturday, 21 November 2026`: in English whatever the locale."""
    start = _clock(period.start, period.timezone)
    return f"{_WEEKDAYS[start.weekday()]}, {start.day} {_MONTHS[start.month - 1]} {start.year}"


def describe_hours(period: Period) -> str:
    """What the zone's clocks show at start and end, as `14:00-15:00` with an en dash; "" for a day."""
    if period.kind == "day":
        return ""
    start, end = (_clock(at, period.timezone).strftime("%H:%M") for at in (period.start, period.end))
    return f"{start}\N{EN DASH}{end}"


def _clock(at: float, timezone: str) -> datetime:
    return datetime.fromtimestamp(math.floor(at), _zone(timezone))


def _zone(timezone: str) -> ZoneInfo:
    try:
        return ZoneInfo(timezone)
    except (KeyError, ValueError, OSError) as error:
        raise TimezoneError(timezone) from error


def _truncate(kind: PeriodKind, wall: datetime) -> datetime:
    return wall.replace(minute=0, second=0, microsecond=0, hour=wall.hour if kind == "hour" else 0)


def _begin(wall: datetime, zone: ZoneInfo) -> int:
    """The first second (Unix) at which the zone's clocks show `wall` or later."""
    first = round(wall.replace(tzinfo=zone, fold=0).timestamp())
    second = round(wall.replace(tzinfo=zone, fold=1).timestamp())
    if first <= second:
        return first
    # The clocks never show `wall`: the second in which they jump over it lies between the two readings.
    return second + bisect_left(
        range(second, first), wall, key=lambda at: datetime.fromtimestamp(at, zone).replace(tzinfo=None)
    )
