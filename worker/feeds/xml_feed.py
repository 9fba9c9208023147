"""RSS 0.9x to 2.0, RDF and Atom as article payloads, read by feedparser.

A feed comes from a stranger, so feedparser sees less of it than it would take:

1. It is handed text that starts at the feed's root element. No DOCTYPE reaches an XML parser, so no entity can be
   declared, expanded or fetched, in whatever encoding it was hidden.
2. It is handed text, never a URL or a name: `feedparser.parse` opens both, bytes that name a file included.
3. Two of its methods take time with the square of their input and give nothing used here; they are left out
   (an author of 40,000 letters: 8 s; 20,000 categories of one article: 7 s).
4. It does not rewrite links inside HTML: that takes ten times as long as all the rest, and only the text is read.
   The links of the articles themselves are made absolute.
"""

from __future__ import annotations

import calendar
import io
import re
import time
import xml.sax
from typing import Any, Final
from urllib.parse import urljoin, urlsplit
from xml.sax.handler import feature_external_ges, feature_external_pes, feature_namespaces

from feedparser.api import LooseFeedParser, StrictFeedParser

from dedup.article import format_time
from dedup.text import html_to_text
from worker.feeds.error import FeedError
from worker.feeds.pace import period_seconds, ttl_seconds
from worker.feeds.payload import Feed, article_id, host, present

_TITLE_MARKUP: Final = re.compile(
    r"</?(?:a|abbr|b|big|br|cite|code|div|em|font|i|img|mark|p|q|s|small|span|strong|sub|sup|u)\b[^<>]*>"
    r"|&(?:#\d+|#x[\da-f]+|[a-z]\w*);",
    re.IGNORECASE,
)
_HTML_TYPES: Final = ("text/html", "application/xhtml+xml", "")


def read_xml_feed(text: str, url: str, base_url: str) -> Feed:
    """What a feed says.

    `text` starts at the root element; relative links are relative to `base_url`. Raises `FeedError` for other XML.
    """
    base = base_url if urlsplit(base_url).scheme in {"http", "https"} else ""
    try:
        reader = _parse(text, base)
    except Exception as error:  # feedparser's reader of broken XML lets errors of many kinds through
        raise FeedError(url, f"cannot be parsed: {type(error).__name__}: {str(error)[:200]}") from error
    if not reader.version:
        raise FeedError(url, "looks like RDF or another kind of XML, not a feed")
    is_atom, told = reader.version.startswith("atom"), reader.feeddata
    articles = tuple(_payload(raw, told, url, base, is_atom=is_atom) for raw in reader.entries)
    period = period_seconds(_string(told, "sy_updateperiod"), _string(told, "sy_updatefrequency"))
    return Feed(_title(told, is_atom=is_atom), articles, max(period, ttl_seconds(_string(told, "ttl"))))


class _Lean:
    """What both readers of feedparser do without (rule 3)."""

    def _add_tag(self, _term: object, _scheme: object, _label: object) -> None:
        """Categories are not read; feedparser only expects the list to be there."""
        self._get_context().setdefault("tags", [])  # type: ignore[attr-defined]

    def _sync_author_detail(self, key: str = "author") -> None:
        """Authors are not read."""


class _StrictReader(_Lean, StrictFeedParser):  # type: ignore[misc]
    """feedparser for well-formed XML."""


class _LooseReader(_Lean, LooseFeedParser):  # type: ignore[misc]
    """feedparser for XML that is not well-formed."""

    def handle_charref(self, ref: str) -> None:
        """A reference to a character that does not exist costs that character, not the feed."""
        try:
            super().handle_charref(ref)
        except (ValueError, OverflowError):
            self.handle_data("\ufffd")


def _parse(text: str, base_url: str) -> Any:
    """The reader, with what it found in its attributes `version`, `feeddata` and `entries`."""
    strict = _ready(_StrictReader(base_url, None, "utf-8"))
    sax = xml.sax.make_parser()  # noqa: S317 - rule 1 leaves nothing to expand
    sax.setFeature(feature_namespaces, True)
    sax.setFeature(feature_external_ges, False)
    sax.setFeature(feature_external_pes, False)
    sax.setContentHandler(strict)
    sax.setErrorHandler(strict)
    try:
        sax.parse(io.BytesIO(text.encode()))
    except xml.sax.SAXException:
        loose = _ready(_LooseReader(base_url, None, "utf-8", {}))
        loose.feed(text)
        return loose
    return strict


def _ready(reader: Any) -> Any:
    reader.resolve_relative_uris = False
    reader.sanitize_html = False
    reader.can_be_relative_uri = reader.can_be_relative_uri - {"id"}  # a guid is a name, and stays as it is given
    return reader


def _payload(raw: dict[str, Any], feed: dict[str, Any], url: str, base: str, *, is_atom: bool) -> dict[str, object]:
    field, content = _fullest(raw)
    title = _title(raw, is_atom=is_atom)
    link, published_at = _absolute(base, _string(raw, "link")), _published_at(raw)
    source = _title(_mapping(raw, "source"), is_atom=is_atom) or _title(feed, is_atom=is_atom)
    return {
        "id": article_id(url, _string(raw, "id") or link, f"{title or content}\n{published_at}"),
        **present(
            url=link,
            title=title,
            published_at=published_at,
            source=source or host(url),
            language=_language(raw, feed),
        ),
        **present(**{field: content}),
    }


# dict.get below, not raw.get: feedparser's dict answers one field by another, and warns of it. And no type is certain:
# elements of made-up names land among feedparser's own fields.


def _string(raw: dict[str, Any], name: str) -> str:
    value = dict.get(raw, name)
    return value.strip() if isinstance(value, str) else ""


def _absolute(base: str, link: str) -> str:
    """A link that may be a guid, which feedparser has not made absolute."""
    try:
        return urljoin(base, link) if link else ""
    except ValueError:
        return link


def _mapping(raw: dict[str, Any], name: str) -> dict[str, Any]:
    value = dict.get(raw, name)
    return value if isinstance(value, dict) else {}


def _contents(raw: dict[str, Any]) -> list[dict[str, Any]]:
    value = dict.get(raw, "content")
    return [content for content in value if isinstance(content, dict)] if isinstance(value, list) else []


def _title(raw: dict[str, Any], *, is_atom: bool) -> str:
    """A title as plain text: Atom says what it is, in RSS markup has to be recognised."""
    title = _string(raw, "title")
    is_literal = is_atom and _string(_mapping(raw, "title_detail"), "type") == "text/plain"
    if not is_literal and _TITLE_MARKUP.search(title):
        title = html_to_text(title)
    return " ".join(title.split())


def _fullest(raw: dict[str, Any]) -> tuple[str, str]:
    """The longest text there is of an article, after the name of its field (`html` or `text`).

    Not simply content before summary: feedparser takes the description of a picture for content.
    """
    summary = {"type": _string(_mapping(raw, "summary_detail"), "type"), "value": _string(raw, "summary")}
    texts = [
        ("html" if kind in _HTML_TYPES else "text", _string(offered, "value"))
        for offered in (*_contents(raw), summary)
        if (kind := _string(offered, "type")) in _HTML_TYPES or kind.startswith("text/")
    ]
    return max(texts, key=lambda text: len(text[1]), default=("html", ""))


def _published_at(raw: dict[str, Any]) -> str:
    """The time an article gives, RFC 3339 where it can be read, else as it stands."""
    for name in ("published", "updated", "created"):
        moment = dict.get(raw, f"{name}_parsed")
        if isinstance(moment, time.struct_time):
            try:
                return format_time(calendar.timegm(moment))
            except (ValueError, OverflowError, OSError):
                return _string(raw, name)
        if _string(raw, name):
            return _string(raw, name)
    return ""


def _language(raw: dict[str, Any], feed: dict[str, Any]) -> str:
    details = (*_contents(raw), _mapping(raw, "summary_detail"), _mapping(raw, "title_detail"))
    told = (_string(raw, "language"), *(_string(detail, "language") for detail in details), _string(feed, "language"))
    return next(filter(None, told), "").replace("_", "-")
