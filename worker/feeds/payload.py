"""What every format of feed has in common: the id an article gets, and fields left out where there is nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from dedup.article import MAX_ID_BYTES, digest_id

_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Feed:
    """What a feed says: its title ("" for none), its articles as payloads in its order, and how many seconds it asks to
    be left alone (0: it does not say).
    """

    title: str
    articles: tuple[dict[str, object], ...]
    asked_seconds: float = 0.0


def feed_id(url: str) -> str:
    """12 hex digits for a feed's URL."""
    return sha256(url.encode(errors="replace")).hexdigest()[:12]


def article_id(url: str, guid: str, otherwise: str) -> str:
    """`feed:<12 hex digits of the feed's URL>:<guid>`.

    A guid too long for an id or with control characters is replaced by its hash; no guid by the hash of `otherwise`.
    """
    prefix = f"feed:{feed_id(url)}:"
    if not guid:
        return prefix + digest_id(otherwise)
    fits = not has_controls(guid) and len((prefix + guid).encode()) <= MAX_ID_BYTES
    return prefix + (guid if fits else digest_id(guid))


def has_controls(text: str) -> bool:
    """Whether a text has characters that no id may have."""
    return _CONTROLS.search(text) is not None


def present(**fields: object) -> dict[str, object]:
    """The fields that hold something."""
    return {name: value for name, value in fields.items() if value}


def host(url: str) -> str:
    """The host of a web address, "" where it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
