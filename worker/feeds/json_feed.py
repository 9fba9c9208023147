"""JSON Feed 1 and 1.1 (jsonfeed.org/version/1.1) as article payloads."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from worker.feeds.error import FeedError
from worker.feeds.payload import Feed, article_id, host, present

_VERSION: Final = "https://jsonfeed.org/version/"
_MARK: Final = re.compile(rb'"version"\s{0,20}:\s{0,20}"https:(?:\\?/){2}jsonfeed\.org\\?/version\\?/')


def is_json_feed(body: bytes) -> bool:
    """True for one JSON object that calls itself a JSON Feed; cheap for everything else, however long."""
    if not _MARK.search(body):
        return False
    try:
        return _is_feed(json.loads(body))
    except (ValueError, RecursionError):
        return False


def read_json_feed(body: bytes, url: str, most_articles: int | None = None) -> Feed:
    """What a JSON Feed of at most so many articles says. Raises `FeedError` for any other JSON."""
    try:
        feed = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FeedError(url, f"neither a feed nor JSON that can be read: {str(error)[:200]}") from error
    if not _is_feed(feed):
        raise FeedError(url, f'JSON, but not a JSON Feed: that has a "version" beginning with {_VERSION}')
    articles = feed.get("items", [])
    if not isinstance(articles, list):
        raise FeedError(url, 'a JSON Feed whose "items" are not an array')
    if most_articles is not None and len(articles) > most_articles:
        raise FeedError(url, f"more than {most_articles:,} articles")
    payloads = (_payload(raw if isinstance(raw, dict) else {}, feed, url) for raw in articles)
    return Feed(" ".join(_string(feed.get("title")).split()), tuple(payloads))


def _is_feed(value: object) -> bool:
    return isinstance(value, dict) and str(value.get("version")).startswith(_VERSION)


def _payload(raw: dict[str, Any], feed: dict[str, Any], url: str) -> dict[str, object]:
    """One article. Values of a wrong type are passed on as they are: `parse_article` refuses them with a reason."""
    guid = str(raw["id"]).strip() if raw.get("id") is not None else ""
    link = raw.get("url") or raw.get("external_url")
    published_at = raw.get("date_published") or raw.get("date_modified")
    html, text = raw.get("content_html"), raw.get("content_text") or raw.get("summary")
    return {
        "id": article_id(url, guid or _string(link), f"{raw.get('title') or html or text}\n{published_at or ''}"),
        **present(
            url=link,
            title=raw.get("title"),
            published_at=published_at,
            source=_string(feed.get("title")) or host(url),
            language=raw.get("language") or feed.get("language"),
        ),
        **(present(html=html) or present(text=text)),
    }


def _string(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
