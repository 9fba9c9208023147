"""An article as it comes in, and the only validator of one.

`parse_article` turns an untrusted payload into an `Article` or raises an `ArticleError` that names the
article, the field and the reason. What can be repaired without guessing is repaired and told in `warnings`.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Final
from urllib.parse import quote, urlsplit

from courlan import clean_url

from dedup.errors import ArticleError

MAX_ARTICLE_BYTES: Final = 8 * 1024 * 1024
MAX_ID_BYTES: Final = 512
FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2200


_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - in UTC, as all that is added to it
_DAY_SECONDS: Final = 86_400
_SECONDS: Final = tuple(f"{second:02}" for second in range(60))
_MINUTES: Final = tuple(f"{hour:02}:{minute}" for hour in range(24) for minute in _SECONDS)
"""How each minute of a day is written: two times are for each article."""
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_BODY_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_UNFIT_BYTES: Final = bytes(byte for byte in (*range(0x20), 0x7F) if byte not in b"\t\n\r")
_SURROGATES: Final = re.compile(r"[\ud800-\udfff]")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(?:[-_][A-Za-z0-9]{1,8})*")
_TRACKING: Final = re.compile(
    r"(?:utm|itm|ns|oly|vero)_\w+|(?:at|mtm|pk)_(?:campaign|content|keyword|kwd|medium|source)|mc_[ce]id|mkt_tok"
    r"|(?:dc|fbc|gc|twc|yc|ysc)lid|msclkid|igshid|gbraid|wbraid|_ga",
    re.IGNORECASE,
)
_KEPT_IN_QUERY: Final = "%!$&'()*+,;=:@/?[]|~"
_NOT_IN_URLS: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_MOST_CLEANINGS: Final = 8
_JSON_TYPES: Final = {
    bool: "a boolean", int: "a number", float: "a number", str: "a string",
    list: "an array", dict: "an object", type(None): "null",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Article:
    """One text from one source.

    `id` is "" where the pusher gave neither id nor usable URL: `dedup.text.identify` fills it from the
    text. `published_at` is Unix seconds, None where undated. Absent strings are "". `warnings` say what was
    repaired or ignored, one sentence each.
    """

    id: str
    url: str = ""
    title: str = ""
    text: str = ""
    html: str = ""
    published_at: float | None = None
    source: str = ""
    language: str = ""
    warnings: tuple[str, ...] = ()


def parse_article(payload: bytes | str | Mapping[str, object], max_bytes: int = MAX_ARTICLE_BYTES) -> Article:
    """The article a payload describes.

    `payload` is a UTF-8 JSON object as bytes or text (at most `max_bytes` bytes), or the object itself.
    Raises `ArticleError` for what cannot be accepted.
    """
    fields = payload if isinstance(payload, Mapping) else _decode(payload, max_bytes)
    article_id = _read_id(fields)
    warnings: list[str] = []
    strings = {name: _read_string(fields, name, article_id, warnings) for name in ("title", "text", "html")}
    if not any(value.strip() for value in strings.values()):
        raise ArticleError(article_id or None, "text", "no text at all: give at least one of title, text or html")
    url, source, language = (
        _one_line(_read_string(fields, name, article_id, warnings), name, warnings)
        for name in ("url", "source", "language")
    )
    if language and not _LANGUAGE.fullmatch(language):
        warnings.append(f"language: ignored, not a BCP-47 tag: {language[:40]!r}")
        language = ""
    published_at = _read_date(fields.get("published_at"), warnings)
    return Article(
        id=article_id or _id_of_url(url),
        url=url,
        published_at=published_at,
        source=source,
        language=language,
        warnings=tuple(warnings),
        **strings,
    )


def canonical_url(url: str) -> str:
    """The URL without tracking parameters, fragment and needless variation, or "" where it is no web address.

    Of the query nothing else is left out: two articles that differ in a parameter of unknown meaning stay two. What is
    canonical stays as it is: cleaning goes on until it changes nothing.
    """
    for _ in range(_MOST_CLEANINGS):
        cleaned = _clean(url)
        if cleaned == url:
            return url
        url = cleaned
    return ""


def _clean(url: str) -> str:
    """One step of `canonical_url`."""
    try:
        parts = urlsplit(_NOT_IN_URLS.sub("", url))
        if parts.scheme.lower() not in {"http", "https"}:
            return ""
        cleaned = urlsplit(clean_url(parts._replace(query="", fragment="").geturl()) or "")
    except ValueError:
        return ""
    if not cleaned.netloc:
        return ""
    fields = (f for f in parts.query.split("&") if f and not _TRACKING.fullmatch(f.partition("=")[0]))
    query = "&".join(sorted(quote(f, safe=_KEPT_IN_QUERY, errors="replace") for f in fields))
    return cleaned._replace(path=cleaned.path or "/" if query else cleaned.path, query=query, fragment="").geturl()


def format_time(seconds: float | None) -> str:
    """Unix seconds as RFC 3339 in UTC (milliseconds only where there are any); "" for None."""
    if seconds is None:
        return ""
    return format_milliseconds(round(round(seconds, 3) * 1000))


def format_milliseconds(milliseconds: int) -> str:
    """Unix milliseconds as `format_time` writes seconds."""
    whole, left = divmod(milliseconds, 1000)
    day, second = divmod(whole, _DAY_SECONDS)
    fraction = f".{left:03}" if left else ""
    return f"{_date(day)}T{_MINUTES[second // 60]}:{_SECONDS[second % 60]}{fraction}Z"


@lru_cache(1_024)
def _date(day: int) -> str:
    """The date so many days after the first of 1970."""
    return (_EPOCH + timedelta(days=day)).date().isoformat()


def parse_time(text: str) -> float | None:
    """Unix seconds of an RFC 3339 or RFC 822 date (no zone: UTC), None where unreadable or outside 1900-2200.

    To the millisecond, as `format_time` writes it.
    """
    moment = _iso(text) or _rfc822(text)
    if moment is None:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        moment = moment.astimezone(UTC)
    except (OverflowError, ValueError):
        return None
    return round(moment.timestamp(), 3) if FIRST_YEAR <= moment.year <= LAST_YEAR else None


def digest_id(content: str) -> str:
    """The id of an article that has only its content to be known by."""
    return "sha256:" + hashlib.sha256(content.encode(errors="replace")).hexdigest()[:32]


def _decode(payload: bytes | str, max_bytes: int) -> Mapping[str, object]:
    size = len(payload) if isinstance(payload, bytes) else len(payload.encode(errors="surrogatepass"))
    if size > max_bytes:
        raise ArticleError(
            claimed_id(payload), "payload", f"{size:,} bytes, more than max_article_bytes = {max_bytes:,}"
        )
    try:
        fields = json.loads(payload)
    except UnicodeDecodeError as error:
        raise ArticleError(None, "payload", f"not UTF-8: {error.reason} at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise ArticleError(None, "payload", f"not JSON: {error.msg} at character {error.pos + 1:,}") from error
    except ValueError as error:
        raise ArticleError(None, "payload", f"not JSON: {str(error)[:200]}") from error
    except RecursionError as error:
        raise ArticleError(None, "payload", "not JSON that can be read: nested too deeply") from error
    if not isinstance(fields, dict):
        raise ArticleError(None, "payload", f"not a JSON object but {_json_type(fields)}")
    return fields


def claimed_id(payload: bytes | str) -> str | None:
    """The id that a payload gives, fit for a message; None where none can be read."""
    try:
        fields = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    claimed = fields.get("id") if isinstance(fields, dict) else None
    return _printable(claimed) if isinstance(claimed, str) and claimed else None


def _printable(claimed: str) -> str:
    """A claimed id made fit for a message: one line of at most 512 bytes."""
    clean = _SURROGATES.sub("\ufffd", _CONTROLS.sub("\ufffd", claimed))
    return clean.encode()[:MAX_ID_BYTES].decode(errors="ignore")


def _json_type(value: object) -> str:
    return _JSON_TYPES.get(type(value), type(value).__name__)


def _read_id(fields: Mapping[str, object]) -> str:
    claimed = fields.get("id")
    if claimed is None:
        return ""
    if not isinstance(claimed, str):
        shown = f": {claimed}" if isinstance(claimed, (int, float)) and abs(claimed) < 1 << 64 else ""
        raise ArticleError(None, "id", f"must be a string, is {_json_type(claimed)}{shown}")
    if _SURROGATES.search(claimed):
        raise ArticleError(_printable(claimed), "id", "has a lone surrogate, which is not UTF-8")
    if not 1 <= len(claimed.encode()) <= MAX_ID_BYTES:
        size = len(claimed.encode())
        raise ArticleError(_printable(claimed) or None, "id", f"{size:,} bytes long, must be 1 to {MAX_ID_BYTES}")
    if _CONTROLS.search(claimed):
        raise ArticleError(_printable(claimed), "id", "has a control character (a newline, tab, NUL or their like)")
    return claimed


def _read_string(fields: Mapping[str, object], name: str, article_id: str, warnings: list[str]) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ArticleError(article_id or None, name, f"must be a string, is {_json_type(value)}")
    if _is_fit(value):
        return value
    clean, n_surrogates = _SURROGATES.subn("\ufffd", value)
    clean, n_controls = _BODY_CONTROLS.subn(" ", clean)
    if n_surrogates:
        warnings.append(f"{name}: {n_surrogates} lone surrogates replaced")
    if n_controls:
        warnings.append(f"{name}: {n_controls} control characters replaced by spaces")
    return clean


def _is_fit(value: str) -> bool:
    """Whether a string has no control characters but those of lines, and no lone surrogates."""
    try:
        encoded = value.encode()
    except UnicodeEncodeError:
        return False
    return len(encoded.translate(None, _UNFIT_BYTES)) == len(encoded)


def _one_line(value: str, name: str, warnings: list[str]) -> str:
    clean, n_controls = _CONTROLS.subn(" ", value)
    if n_controls:
        warnings.append(f"{name}: {n_controls} line breaks or control characters replaced by spaces")
    return clean.strip()


def _read_date(value: object, warnings: list[str]) -> float | None:
    if value is None or value == "":
        warnings.append("published_at: absent, treated as undated")
        return None
    if not isinstance(value, str):
        warnings.append(f"published_at: must be a string, is {_json_type(value)}; treated as undated")
        return None
    seconds = parse_time(value)
    if seconds is None:
        warnings.append(
            f"published_at: unreadable or outside {FIRST_YEAR}-{LAST_YEAR}, treated as undated: {value[:40]!r}"
        )
    return seconds


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(unicodedata.normalize("NFKC", text).strip().upper())
    except ValueError:
        return None


def _rfc822(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _id_of_url(url: str) -> str:
    canonical = canonical_url(url)
    if not canonical:
        return ""
    fits = len(canonical.encode(errors="replace")) <= MAX_ID_BYTES and not _CONTROLS.search(canonical)
    return canonical if fits else digest_id(canonical)
