"""Stories as feeds, for any feed reader: Atom (RFC 4287) and JSON Feed 1.1, one entry a story."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from dedup.article import format_time
from worker.web.backend import Backend
from worker.web.look_ups import Chosen, Limit
from worker.web.told_story import ToldStory, told_stories

ATOM: Final = "http://www.w3.org/2005/Atom"
JSON_FEED: Final = "https://jsonfeed.org/version/1.1"

_ATOM_TYPE: Final = "application/atom+xml"
_JSON_TYPE: Final = "application/feed+json"
_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAME: Final = "story-dedup"


@dataclass(frozen=True, slots=True)
class Feed:
    """What a feed says of itself. `url` is its own address, without the token."""

    title: str
    url: str
    stories: Sequence[ToldStory]

    @property
    def updated_at(self) -> str:
        return format_time(max((one.story.updated_at for one in self.stories), default=0.0))


def story_feeds(backend: Backend) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["story feeds"])

    def made(request: Request, chosen: Chosen, most: int, render: Callable[[Feed], bytes], kind: str) -> Response:
        stories = told_stories(backend, chosen.stories(backend.client, most))
        return _answer(request, render(Feed(_title(chosen), _own_address(request), stories)), kind)

    @router.get("/feeds/stories.atom", response_model=None, responses=_described_as(_ATOM_TYPE, {"type": "string"}))
    def read_atom(request: Request, chosen: Annotated[Chosen, Depends()], limit: Limit = 50) -> Response:
        """The stories that changed last as an Atom feed; an update of a story updates its entry."""
        return made(request, chosen, limit, atom, _ATOM_TYPE)

    @router.get("/feeds/stories.json", response_model=None, responses=_described_as(_JSON_TYPE, {"type": "object"}))
    def read_json(request: Request, chosen: Annotated[Chosen, Depends()], limit: Limit = 50) -> Response:
        """The same as a JSON Feed."""
        return made(request, chosen, limit, json_feed, _JSON_TYPE)

    return router


def atom(feed: Feed) -> bytes:
    """The feed in Atom."""
    root = ET.Element("feed", xmlns=ATOM)
    _add(root, "id", feed.url)
    _add(root, "title", feed.title)
    _add(root, "updated", feed.updated_at)
    _add(root, "link", rel="self", type=_ATOM_TYPE, href=feed.url)
    _add(_add(root, "author"), "name", _NAME)
    _add(root, "generator", _NAME)
    for told in feed.stories:
        _add_entry(root, told)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _add_entry(root: ET.Element, told: ToldStory) -> None:
    entry = _add(root, "entry")
    _add(entry, "id", told.entry_id)
    _add(entry, "title", told.title)
    _add(entry, "published", told.published_at)
    _add(entry, "updated", told.updated_at)
    if told.url:
        _add(entry, "link", rel="alternate", type="text/html", href=told.url)
    for one in told.tellings:
        if one.url and one.url != told.url:
            _add(entry, "link", rel="related", href=one.url, title=one.source or one.title)
    _add(entry, "category", term=told.story.storyline, label="storyline")
    _add(entry, "content", told.html(), type="html")


def json_feed(feed: Feed) -> bytes:
    """The feed in JSON Feed."""
    document = {
        "version": JSON_FEED,
        "title": feed.title,
        "feed_url": feed.url,
        "authors": [{"name": _NAME}],
        "items": [_item(told) for told in feed.stories],
    }
    return json.dumps(document, ensure_ascii=False).encode()


def _item(told: ToldStory) -> dict[str, Any]:
    number, n_stories = told.place
    item: dict[str, Any] = {
        "id": told.entry_id,
        "title": told.title,
        "content_html": told.html(),
        "date_published": told.published_at,
        "date_modified": told.updated_at,
        "tags": [told.story.storyline],
        "_story": {
            "about": "https://jsonfeed.org/version/1.1#extensions-a-name-extensions-a",
            "id": told.story.id,
            "storyline": told.story.storyline,
            "place": number,
            "n_stories": n_stories,
            "n_articles": told.story.n_articles,
            "n_sources": told.story.n_sources,
        },
    }
    return item | ({"url": told.url} if told.url else {})


def _add(parent: ET.Element, name: str, text: str = "", **attributes: str) -> ET.Element:
    """A child element of clean text: some characters cannot stand in XML at all."""
    child = ET.SubElement(parent, name, {key: _NO_XML.sub("\ufffd", value) for key, value in attributes.items()})
    child.text = _NO_XML.sub("\ufffd", text) or None
    return child


def _title(chosen: Chosen) -> str:
    parts = [f"“{chosen.q}”" if chosen.q else "", f"told by {chosen.source}" if chosen.source else ""]
    return " ".join(["Stories", *filter(None, parts)])


def _own_address(request: Request) -> str:
    """The address as it was asked for, without the token: it goes into the feed, which a reader may pass on."""
    query = [(name, value) for name, value in request.query_params.multi_items() if name != "token"]
    return str(request.url.replace(query=urlencode(query)))


def _answer(request: Request, body: bytes, kind: str) -> Response:
    """The feed, or word that the reader has it as it is."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body, headers=headers, media_type=f"{kind}; charset=utf-8")


def _described_as(kind: str, schema: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    return {
        200: {"content": {kind: {"schema": schema}}},
        304: {"description": "as it was when If-None-Match was told"},
    }
