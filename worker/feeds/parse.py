"""From the bytes of a feed, of whatever format, to article payloads; what is no feed is told by what it looks like."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser

from worker.feeds.encoding import decode
from worker.feeds.error import FeedError
from worker.feeds.json_feed import is_json_feed, read_json_feed
from worker.feeds.payload import Feed
from worker.feeds.xml_feed import read_xml_feed

_BLANK: Final = b"\xef\xbb\xbf \t\r\n"
_ROOT: Final = re.compile(r"<(?:[a-z_][\w.-]*:)?(?:rss|feed|rdf)(?=[\s/>])", re.IGNORECASE)
_ARTICLE: Final = re.compile(r"<(?:[a-z_][\w.-]{0,40}:)?(?:item|entry)[\s/>]", re.IGNORECASE)
_FIRST_TAG: Final = re.compile(r"<([a-z_][\w.:-]*)", re.IGNORECASE)
_HTML: Final = re.compile(r"<(?:!doctype\s{1,20}html|html)\b", re.IGNORECASE)
_OWN_ENTITY: Final = re.compile(r"<!ENTITY\s+[^%\s]")
_FEED_TYPES: Final = ("rss+xml", "atom+xml", "feed+json")
_HEAD_LETTERS: Final = 100_000
_MAGIC: Final = (
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
)


def read_feed(body: bytes, url: str, *, base_url: str = "", content_type: str = "") -> list[dict[str, object]]:
    """The articles of a feed as payloads for `parse_article`, in the feed's order; [] for a feed without any.

    As `parse_feed` gives them, and raises.
    """
    return list(parse_feed(body, url, base_url=base_url, content_type=content_type).articles)


def parse_feed(
    body: bytes, url: str, *, base_url: str = "", content_type: str = "", most_articles: int | None = None
) -> Feed:
    """What a feed says, its articles as payloads for `parse_article`.

    `url` is the feed's own address (or file name): messages name it and article ids are made of it. `base_url` is what
    relative links are relative to, where that is another one (after a redirect). `content_type` is the HTTP header; its
    charset is heeded where the feed declares none. A guid that occurs twice gives two payloads of one id.
    Raises `FeedError` for what is no feed, or has more than `most_articles`: each costs some kilobytes while it is
    read, however short it is.
    """
    if not body.strip(_BLANK):
        raise FeedError(url, "empty, not a feed")
    if body.lstrip(_BLANK).startswith((b"{", b"[")):
        return read_json_feed(body, url, most_articles)
    for magic, kind in _MAGIC:
        if body.startswith(magic):
            raise FeedError(url, f"{kind}, not a feed")
    text = _from_root(decode(body, content_type), url)
    if most_articles is not None and sum(1 for _ in _ARTICLE.finditer(text)) > most_articles:
        raise FeedError(url, f"more than {most_articles:,} articles")
    return read_xml_feed(text, url, base_url or url)


def looks_like_feed(body: bytes) -> bool:
    """True for what `read_feed` is to read or to refuse (XML, HTML, JSON Feed), False for articles as JSON or JSONL."""
    start = body[:200].lstrip(_BLANK + b"\xff\xfe\x00")
    return start.startswith(b"<") or (start.startswith(b"{") and is_json_feed(body))


def _from_root(text: str, url: str) -> str:
    """The text from the root element of a feed on: what stands before it is neither needed nor trusted."""
    root = _ROOT.search(text)
    page = _HTML.search(text, 0, root.start() if root else len(text))
    if page:
        raise FeedError(url, _describe_page(text, url))
    if not root:
        raise FeedError(url, _describe_other(text))
    if _OWN_ENTITY.search(text, 0, root.start()):
        raise FeedError(url, "declares XML entities of its own, which are not expanded: refused")
    return text[root.start() :]


def _describe_other(text: str) -> str:
    first = _FIRST_TAG.search(text)
    if not first or not text.lstrip().startswith("<"):
        return "neither XML nor JSON, not a feed"
    if first[1].lower() == "opml":
        return "an OPML list of feeds, not a feed"
    return f"begins with <{first[1][:40]}>, which is no feed"


def _describe_page(page: str, url: str) -> str:
    feeds = _feeds_named_by(page, url)
    return "an HTML page, not a feed" + (f"; its feed may be at {' or '.join(feeds)}" if feeds else "")


def _feeds_named_by(page: str, url: str) -> list[str]:
    """The addresses of at most three feeds that an HTML page names as its own."""
    found = []
    # The head is enough, and the whole could take long: parsing takes time with the square of the nesting.
    for link in LexborHTMLParser(page[:_HEAD_LETTERS]).css("link[rel~=alternate][href]"):
        kind, href = (link.attributes.get(name) or "" for name in ("type", "href"))
        if kind.strip().lower().endswith(_FEED_TYPES):
            found.append(_absolute(url, href.strip()))
    return list(dict.fromkeys(filter(None, found)))[:3]


def _absolute(url: str, href: str) -> str:
    try:
        target = urljoin(url, href)
    except ValueError:
        return ""
    return target if target.isprintable() and len(target) <= 500 else ""
