"""OPML: the feeds that a reader was subscribed to (opml.org/spec2.opml).

Read with the care of `xml_feed`: no DOCTYPE reaches the XML parser. A bare `&`, which many readers write into URLs, is
taken as itself.
"""

from __future__ import annotations

import html
import io
import re
import xml.sax
from dataclasses import dataclass
from typing import Final
from xml.sax.handler import ContentHandler, feature_external_ges, feature_external_pes

from worker.feeds.encoding import decode
from worker.feeds.error import FeedError
from worker.feeds.fetch import web_address

_ROOT: Final = re.compile(r"<opml(?=[\s/>])", re.IGNORECASE)
_OTHER_ROOT: Final = re.compile(r"<(?:html|rss|feed|rdf:rdf)(?=[\s/>])", re.IGNORECASE)
_BARE_AMPERSAND: Final = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[\da-fA-F]{1,6});)")
_MOST_NAME_LETTERS: Final = 200
_MARKUP_TYPES: Final = frozenset({"rss", "atom", "rdf", "feed", "jsonfeed", "json"})


@dataclass(frozen=True, slots=True)
class Outline:
    """A feed of an OPML list: `category` is the names of the outlines around it, joined by " / " ("" for none)."""

    url: str
    title: str
    category: str


@dataclass(frozen=True, slots=True)
class BadOutline:
    """An outline that names a feed which cannot be subscribed to: its name or URL, and what is wrong."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Opml:
    """What an OPML document lists, in its order."""

    feeds: tuple[Outline, ...]
    bad: tuple[BadOutline, ...]


def is_opml(body: bytes) -> bool:
    """True for what calls itself OPML before it calls itself anything else."""
    head = decode(body[:100_000])
    root, other = _ROOT.search(head), _OTHER_ROOT.search(head)
    return root is not None and (other is None or root.start() < other.start())


def read_opml(body: bytes, origin: str, content_type: str = "") -> Opml:
    """The feeds of an OPML document; outlines that cannot be subscribed to are told by name, and the rest goes on.

    Raises `FeedError` for what is no OPML.
    """
    text = decode(body, content_type)
    root = _ROOT.search(text)
    if root is None:
        raise FeedError(origin, "no OPML list of feeds")
    reader = _Reader()
    parser = xml.sax.make_parser()  # noqa: S317 - no DOCTYPE is left, so there is nothing to expand
    parser.setFeature(feature_external_ges, False)
    parser.setFeature(feature_external_pes, False)
    parser.setContentHandler(reader)
    try:
        parser.parse(io.BytesIO(_BARE_AMPERSAND.sub("&amp;", text[root.start() :]).encode(errors="replace")))
    except xml.sax.SAXException as error:
        raise FeedError(origin, f"OPML that cannot be parsed: {str(error)[:200]}") from error
    return Opml(tuple(reader.feeds), tuple(reader.bad))


class _Reader(ContentHandler):
    """Walks the outlines; `_path` has the name of each that is open, "" for one that is a feed itself."""

    def __init__(self) -> None:
        super().__init__()
        self.feeds: list[Outline] = []
        self.bad: list[BadOutline] = []
        self._path: list[str] = []

    def startElement(self, name: str, attrs: xml.sax.xmlreader.AttributesImpl) -> None:  # noqa: N802 - the library's
        if name.lower() != "outline":
            return
        given = {key.lower(): value.strip() for key, value in attrs.items()}
        label = _name(given.get("title") or given.get("text", ""))
        is_feed = "xmlurl" in given or given.get("type", "").lower() in _MARKUP_TYPES
        if is_feed:
            self._take(given.get("xmlurl", ""), label, _name(given.get("category", "")))
        self._path.append("" if is_feed else label)

    def endElement(self, name: str) -> None:  # noqa: N802 - the library's
        if name.lower() == "outline":
            self._path.pop()

    def _take(self, url: str, label: str, own_category: str) -> None:
        if not url:
            self.bad.append(BadOutline(label or "(no name)", "no xmlUrl"))
            return
        category = _name(" / ".join(filter(None, self._path))) or own_category
        try:
            self.feeds.append(Outline(web_address(url), label, category))
        except FeedError as error:
            self.bad.append(BadOutline(label or error.origin, error.reason))


def _name(text: str) -> str:
    """A name on one line; many readers escape it twice."""
    return " ".join(html.unescape(text).split())[:_MOST_NAME_LETTERS]
