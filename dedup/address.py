"""The day that an article's address names.

Many sites write the day of publication into the address (/2031/05/12/, -2031-05-12, /2031/may/12/). It is evidence
beside the date a publisher gives, which may be missing or wrong.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final
from urllib.parse import urlsplit

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY: Final = re.compile(
    rf"(?<!\d)(?P<year>(?:19|20|21)\d\d)(?P<mark>[/_.-]?)(?P<month>0?[1-9]|1[0-2]|(?:{'|'.join(_MONTHS)})[a-z]*)(?P=mark)"
    r"(?P<day>0?[1-9]|[12]\d|3[01])(?!\d)",
    re.IGNORECASE,
)
"""Year, month and day, one mark or none between both."""
_EPOCH: Final = date(1970, 1, 1).toordinal()


def named_day(address: str) -> int | None:
    """The day that the path of an address names first, in days since 1970; None where it names none.

    Without marks between, month and day have two digits each. What is no day of the calendar names none.
    """
    for found in _DAY.finditer(_path(address)):
        year, month, day = found["year"], found["month"].lower(), found["day"]
        if not found["mark"] and (len(month), len(day)) != (2, 2):
            continue
        number = int(month) if month.isdigit() else _MONTHS.index(month[:3]) + 1
        try:
            return date(int(year), number, int(day)).toordinal() - _EPOCH
        except ValueError:
            continue
    return None


def _path(address: str) -> str:
    try:
        return urlsplit(address).path
    except ValueError:
        return ""
