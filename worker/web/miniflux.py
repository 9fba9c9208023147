"""What Miniflux sends to a webhook, as articles.

By its own source, `internal/integration/webhook/webhook.go`: an event `new_entries` has a feed and its entries, an
event `save_entry` has one entry with its feed in it; `X-Miniflux-Signature` is the HMAC-SHA256 of the body under the
secret of the integration, in hex. It waits ten seconds for the answer, and sends nothing a second time.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from worker.feeds.payload import present
from worker.web.problem import Refused

PREFIX: Final = "miniflux:"


def signature(secret: str, body: bytes) -> str:
    """What `X-Miniflux-Signature` is to be."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def articles(body: bytes) -> list[dict[str, object]]:
    """The articles of an event; [] for an event that has none. Raises `Refused` for what is no event."""
    try:
        event = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(HTTPStatus.BAD_REQUEST, "not JSON") from error
    if not isinstance(event, dict) or not isinstance(event.get("event_type"), str):
        raise Refused(HTTPStatus.BAD_REQUEST, "no event of Miniflux: event_type is missing")
    return [_article(entry, feed) for entry, feed in _entries(event)]


def _entries(event: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Each entry of an event with its feed."""
    match event["event_type"]:
        case "new_entries":
            entries = event.get("entries")
            for entry in entries if isinstance(entries, list) else []:
                yield _object(entry), _object(event.get("feed"))
        case "save_entry":
            entry = _object(event.get("entry"))
            yield entry, _object(entry.get("feed"))


def _article(entry: Mapping[str, Any], feed: Mapping[str, Any]) -> dict[str, object]:
    number = entry.get("id")
    if isinstance(number, bool) or not isinstance(number, int):
        raise Refused(HTTPStatus.BAD_REQUEST, "no event of Miniflux: an entry has no id")
    return {
        "id": f"{PREFIX}{number}",
        **present(
            url=entry.get("url"),
            title=entry.get("title"),
            html=entry.get("content"),
            published_at=entry.get("published_at"),
            source=feed.get("title"),
        ),
    }


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
