"""What breaks the rules of feeds: Atom by RFC 4287, sections in brackets, and JSON Feed by its version 1.1."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from xml.etree import ElementTree as ET

from worker.web.story_feeds import ATOM

_IN: Final = f"{{{ATOM}}}"
_RFC3339: Final = re.compile(
    r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(Z|[+-]\d\d:\d\d)"
)
_IRI: Final = re.compile(r"[a-z][a-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
_WEB: Final = re.compile(r"https?://[^\s<>\"]+")
_MEDIA: Final = re.compile(r"[\w.+-]+/[\w.+-]+(;.*)?")

_ONE: Final = {"id", "title", "updated"}
_FEED: Final = {*_ONE, "generator", "icon", "logo", "rights", "subtitle"}
_ENTRY: Final = {*_ONE, "content", "published", "rights", "source", "summary"}
_MANY: Final = {"author", "category", "contributor", "link"}
_TEXTS: Final = ("title", "subtitle", "rights", "summary")

_FEED_STRINGS: Final = {"version", "title", "home_page_url", "feed_url", "description", "user_comment", "next_url",
                        "icon", "favicon", "language"}  # fmt: skip
_ITEM_STRINGS: Final = {"id", "url", "external_url", "title", "content_html", "content_text", "summary", "image",
                        "banner_image", "date_published", "date_modified", "language"}  # fmt: skip
_URLS: Final = {"home_page_url", "feed_url", "next_url", "icon", "favicon", "url", "external_url", "image",
                "banner_image", "avatar"}  # fmt: skip


def atom_faults(body: bytes) -> list[str]:
    """What breaks RFC 4287 in a feed."""
    feed = ET.fromstring(body)  # noqa: S314 - our own
    if feed.tag != f"{_IN}feed":
        return [f"the root is {feed.tag}"]
    entries = _named(feed, "entry")
    faults = [*_container_faults(feed, _FEED, {"entry", *_MANY})]
    for entry in entries:
        faults += _container_faults(entry, _ENTRY, _MANY)
        faults += _entry_faults(entry, has_author=bool(_named(feed, "author")))
    own = [one.get("rel") for one in _named(feed, "link")]
    faults += [] if own.count("self") == 1 else ["no link to itself [4.1.1]"]
    return faults + _repeated("entries of one id", [_text(entry, "id") for entry in entries])


def _container_faults(parent: ET.Element, once: set[str], many: set[str]) -> Iterator[str]:
    """What a feed and an entry have in common."""
    counts = Counter(_name(child) for child in parent)
    yield from (f"{name} {n} times [4.1]" for name, n in counts.items() if name in once and n > 1)
    yield from (f"{name} is not known here [4.1]" for name in counts if name not in once | many)
    yield from (f"no {name} [4.1]" for name in sorted(_ONE - counts.keys()))
    if not _IRI.fullmatch(_text(parent, "id")):
        yield f"id {_text(parent, 'id')!r} is no IRI [4.2.6]"
    for name in ("updated", "published"):
        yield from (f"{name} {one.text!r} [3.3]" for one in _named(parent, name) if not _is_date(one.text))
    for name in _TEXTS:
        for one in _named(parent, name):
            yield from _text_faults(one)
    for one in [*_named(parent, "author"), *_named(parent, "contributor")]:
        yield from _person_faults(one)
    yield from ("a category without term [4.2.2]" for one in _named(parent, "category") if not one.get("term"))
    yield from _link_faults(_named(parent, "link"))


def _entry_faults(entry: ET.Element, *, has_author: bool) -> Iterator[str]:
    contents = _named(entry, "content")
    if not contents and "alternate" not in [one.get("rel", "alternate") for one in _named(entry, "link")]:
        yield "neither content nor an alternate [4.1.2]"
    if not has_author and not _named(entry, "author"):
        yield "no author [4.1.2]"
    for one in contents:
        if one.get("src") is not None and (one.text or len(one)):
            yield "content with src is not empty [4.1.3.2]"
        yield from _text_faults(one)


def _text_faults(one: ET.Element) -> Iterator[str]:
    kind = one.get("type", "text")
    if kind not in {"text", "html", "xhtml"}:
        yield f"{_name(one)} of type {kind} [3.1.1]"
    if kind != "xhtml" and len(one):
        yield f"{_name(one)} has markup in it [3.1.1]"


def _person_faults(one: ET.Element) -> Iterator[str]:
    counts = Counter(map(_name, one))
    if counts["name"] != 1 or counts["uri"] > 1 or counts["email"] > 1 or not _text(one, "name"):
        yield f"{_name(one)} has not one name [3.2]"


def _link_faults(links: Sequence[ET.Element]) -> Iterator[str]:
    yield from (f"link to {one.get('href')!r} [4.2.7.1]" for one in links if not _IRI.fullmatch(one.get("href", "")))
    yield from (f"link of type {one.get('type')!r} [4.2.7.3]" for one in links
                if not _MEDIA.fullmatch(one.get("type", "text/html")))  # fmt: skip
    alternates = [(one.get("type"), one.get("hreflang")) for one in links if one.get("rel", "alternate") == "alternate"]
    yield from _repeated("alternates of one type and language [4.1.1]", alternates)


def json_feed_faults(document: Mapping[str, Any]) -> list[str]:
    """What breaks JSON Feed 1.1."""
    faults = [] if document.get("version") == "https://jsonfeed.org/version/1.1" else ["version"]
    faults += ["no title"] if "title" not in document else []
    faults += _object_faults(document, _FEED_STRINGS, {"authors", "expired", "hubs", "items"})
    items = document.get("items")
    if not isinstance(items, list):
        return [*faults, "no items"]
    for item in items:
        faults += _item_faults(item)
    return faults + _repeated("items of one id", [item.get("id") for item in items])


def _item_faults(item: Mapping[str, Any]) -> Iterator[str]:
    yield from _object_faults(item, _ITEM_STRINGS, {"authors", "tags", "attachments"})
    if not item.get("id"):
        yield "an item without id"
    if not item.get("content_html") and not item.get("content_text"):
        yield "neither content_html nor content_text"
    yield from (name for name in ("date_published", "date_modified") if name in item and not _is_date(item[name]))
    if not all(isinstance(tag, str) for tag in item.get("tags", [])):
        yield "tags"


def _object_faults(given: Mapping[str, Any], strings: set[str], others: set[str]) -> Iterator[str]:
    """What a feed and an item have in common."""
    yield from (f"{name} is no string" for name in strings & given.keys() if not isinstance(given[name], str))
    yield from (f"{name} is no address" for name in _URLS & given.keys() if not _WEB.fullmatch(str(given[name])))
    own = {name for name in given if name.startswith("_")}
    yield from (f"{name} is no object" for name in own if not isinstance(given[name], dict) or not name[1:].isalpha())
    yield from (f"{name} is not known" for name in given.keys() - strings - others - own)
    for author in given.get("authors", []):
        if not isinstance(author, dict) or not {"name", "url", "avatar"} & author.keys():
            yield "authors"


def _repeated(what: str, given: Sequence[object]) -> list[str]:
    return [what] if len(given) > len(set(given)) else []


def _named(parent: ET.Element, name: str) -> list[ET.Element]:
    return parent.findall(f"{_IN}{name}")


def _text(parent: ET.Element, name: str) -> str:
    return parent.findtext(f"{_IN}{name}") or ""


def _name(one: ET.Element) -> str:
    return one.tag.removeprefix(_IN)


def _is_date(text: object) -> bool:
    return isinstance(text, str) and _RFC3339.fullmatch(text) is not None
