"""What the Webhook extension of FreshRSS sends, as articles.

By its own source, `xExtension-Webhook/extension.php` of FreshRSS/Extensions: the body is a template of the user's in
which placeholders like `__TITLE__` are replaced, one entry a request. Older versions take quotes out of what they put
in and escape nothing, so a backslash or a line break makes it no JSON; newer ones escape quotes and backslashes. It can
also be sent as a form. Its button for a test sends the template as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl

from dedup.article import MAX_ID_BYTES, digest_id, format_time
from worker.feeds.payload import present
from worker.web.problem import Refused

PREFIX: Final = "freshrss:"

_NAMES: Final = ("id", "title", "feed", "url", "content", "created", "date")
_FIELD: Final = re.compile(r'[{,]\s*"([A-Za-z_]\w{0,40})"\s*:\s*')
_END: Final = re.compile(r'"\s*(?:\}\s*)?$')
_ESCAPE: Final = re.compile(r'\\(["\\/])')
_PLACEHOLDER: Final = re.compile(r"__[A-Z_]+__")
_LATEST_SECONDS: Final = 4_102_444_800
_LONGEST: Final = 4_000_000


def articles(body: bytes) -> list[dict[str, object]]:
    """The article of a request; [] for a test. Raises `Refused` for what cannot be read."""
    fields = _fields(body)
    told = {name: str(fields[name]).strip() for name in _NAMES if isinstance(fields.get(name), str | int | float)}
    if told.get("url") == "__URL__" or told.get("title") == "__TITLE__":
        return []
    told = {name: value for name, value in told.items() if value and not _PLACEHOLDER.fullmatch(value)}
    if not told.get("id") and not told.get("url"):
        raise Refused(HTTPStatus.BAD_REQUEST, 'nothing to know the entry by: the template needs "url": "__URL__"')
    article = present(
        id=_id(told),
        url=told.get("url"),
        title=told.get("title"),
        html=told.get("content"),
        published_at=_date(told.get("created") or told.get("date", "")),
        source=told.get("feed"),
    )
    return [article]


def _fields(body: bytes) -> Mapping[str, Any]:
    text = body.decode("utf-8", errors="replace").strip().lstrip("\ufeff")
    if not text.startswith("{"):
        return dict(parse_qsl(text, max_num_fields=100)) if "=" in text else {}
    try:
        fields = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return _salvaged(text)
    return fields if isinstance(fields, dict) else {}


def _salvaged(text: str) -> dict[str, str]:
    """The fields of what is nearly JSON: each value goes on to the next name, or to the end."""
    marks = list(_FIELD.finditer(text[:_LONGEST]))
    found: dict[str, str] = {}
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    for mark, end in zip(marks, ends, strict=False):
        raw = text[mark.end() : end].strip()
        is_text = raw.startswith('"')
        found.setdefault(mark[1], _ESCAPE.sub(r"\1", _END.sub("", raw[1:])) if is_text else raw.rstrip("} \t\r\n"))
    return found


def _id(told: Mapping[str, str]) -> str:
    claimed = PREFIX + told.get("id", "")
    if claimed != PREFIX and len(claimed.encode()) <= MAX_ID_BYTES and claimed.isprintable():
        return claimed
    return PREFIX + digest_id(told.get("id") or told["url"])


def _date(text: str) -> str:
    """The date as it is, or of Unix seconds."""
    if text.isascii() and text.isdecimal() and int(text[:12]) < _LATEST_SECONDS:
        return format_time(int(text[:12]))
    return text
