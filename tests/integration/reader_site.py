"""A feed reader on loopback, which speaks the interfaces of FreshRSS and Miniflux as these document them.

FreshRSS: docs/en/developers/06_GoogleReader_API.md and p/api/greader.php. Miniflux: internal/googlereader/README.md,
miniflux.app/docs/api.html, internal/api/entry_handlers.go. Status codes, headers, bodies and orders are theirs, also
where they differ from each other; so are their refusals.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

Flavour = Literal["freshrss", "miniflux"]

USER = "alice"
PASSWORD = "Abcdef 123456&="
KEY = "sLm0-TzFNnJ7pY_x9uq="
DIGEST = sha1(b"salt alice", usedforsecurity=False).hexdigest()
AUTH = f"{USER}/{DIGEST}"
LONG = "tag:google.com,2005:reader/item/"
READ = "user/-/state/com.google/read"


@dataclass
class Entry:
    """An article of the reader. Times are Unix seconds."""

    id: int
    title: str
    html: str
    feed: int = 52
    published: int = 1_767_323_045
    is_read: bool = False
    changed: float = 0.0
    created: float = field(default_factory=time.time)
    is_removed: bool = False


@dataclass(frozen=True)
class Feed:
    """A feed that the reader is subscribed to."""

    title: str
    url: str
    category: str


@dataclass(frozen=True)
class Fault:
    """What is answered instead: `cut` bytes of the proper answer are promised and not sent, or it comes late; with a
    status, nothing of it is. `after`: the reader has done what it was told before. `meanwhile` is called first.
    """

    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    cut: int = 0
    seconds: float = 0.0
    after: bool = False
    meanwhile: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: dict[str, list[str]]
    form: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes


Answer = tuple[int, dict[str, str], bytes]


class ReaderSite(ThreadingHTTPServer):
    """A reader with one user. `faults` are used up, the first first, by requests to paths that end so."""

    daemon_threads = True

    def __init__(self, flavour: Flavour) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.flavour = flavour
        self.entries: dict[int, Entry] = {}
        self.feeds = {
            52: Feed("The Gazette", "https://gazette.example/feed.xml", "News"),
            53: Feed("The Post & Mail", "https://post.example/rss?a=1&b=2", "Local"),
        }
        self.faults: list[tuple[str, Fault]] = []
        self.asked: list[Asked] = []
        self.password, self.key = PASSWORD, KEY
        self.lock = threading.Lock()
        self.last_change = time.time()

    @property
    def root(self) -> str:
        """The address that is given on the command line."""
        return f"http://127.0.0.1:{self.server_port}"

    def add(self, entry_id: int, html: str, title: str = "", **fields: Any) -> int:
        """An article that has just come; `changed` as the last."""
        self.entries[entry_id] = Entry(entry_id, title or f"On {entry_id}", html, **fields)
        self.touch(entry_id)
        return entry_id

    def touch(self, *entry_ids: int) -> None:
        """Miniflux notes when an entry was changed, in whatever."""
        for one in entry_ids:
            self.last_change = max(self.last_change + 0.001, time.time())
            self.entries[one].changed = self.last_change

    def read(self, *entry_ids: int, read: bool = True) -> None:
        """What the user does."""
        for one in entry_ids:
            self.entries[one].is_read = read
        self.touch(*entry_ids)

    def unread_ids(self) -> list[int]:
        return sorted(one.id for one in self.entries.values() if not one.is_read and not one.is_removed)

    def fail(self, path: str, times: int = 1, **fault: Any) -> None:
        self.faults += [(path, Fault(**fault))] * times

    def paths(self, method: str = "") -> list[str]:
        return [one.path for one in self.asked if not method or one.method == method]

    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing of clients that hang up."""

    def fault(self, path: str) -> Fault | None:
        with self.lock:
            for i, (end, fault) in enumerate(self.faults):
                if path.endswith(end):
                    del self.faults[i]
                    return fault
        return None


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ReaderSite

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        is_form = headers.get("content-type") == "application/x-www-form-urlencoded"
        form = parse_qsl(body.decode(), keep_blank_values=True) if is_form else []
        asked = Asked(self.command, unquote(parts.path), parse_qs(parts.query), form, headers, body)
        fault = self.server.fault(asked.path) or Fault()
        fault.meanwhile()
        time.sleep(fault.seconds)
        status, told, answer = _answer(self.server, asked) if not fault.status or fault.after else (0, {}, b"")
        self.server.asked.append(asked)
        if fault.status:
            status, told, answer = fault.status, dict(fault.headers), fault.body or b""
        elif fault.body is not None:
            answer = fault.body
        with suppress(OSError):
            self._send(status, told, answer[: len(answer) - fault.cut], fault.cut)

    def _send(self, status: int, headers: dict[str, str], body: bytes, cut: int) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body) + cut))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = self.close_connection or bool(cut)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Silent."""


def _answer(site: ReaderSite, asked: Asked) -> Answer:
    with site.lock:
        if asked.path.startswith("/v1/") and site.flavour == "miniflux":
            return _miniflux_api(site, asked)
        root = "/api/greader.php" if site.flavour == "freshrss" else ""
        if not asked.path.startswith(root):
            return 404, {}, b""
        return (_freshrss if site.flavour == "freshrss" else _miniflux_greader)(site, asked, asked.path[len(root) :])


# FreshRSS, by its file greader.php


def _freshrss(site: ReaderSite, asked: Asked, path: str) -> Answer:  # noqa: PLR0911 - an answer a path
    form = dict(asked.form)
    if path == "/accounts/ClientLogin":
        if (form.get("Email"), form.get("Passwd")) != (USER, site.password):
            return _unauthorized()
        return 200, _plain(), f"SID={AUTH}\nLSID=null\nAuth={AUTH}\n".encode()
    if asked.headers.get("authorization") != f"GoogleLogin auth={AUTH}":
        return _unauthorized()
    match path.removeprefix("/reader/api/0"):
        case "/token":
            return 200, _plain(), f"{DIGEST:Z<57}\n".encode()
        case "/subscription/list":
            return _subscriptions(site, asked, "user/-/label/")
        case "/stream/items/ids" if asked.method == "GET":
            return _freshrss_ids(site, asked.query)
        case "/stream/items/contents" if asked.method == "POST" and "i" in form:
            ids = [_freshrss_id(value) for name, value in asked.form if name == "i"]
            found = [site.entries[one] for one in ids if one in site.entries and not site.entries[one].is_removed]
            return _json({
                "id": "user/-/state/com.google/reading-list", "updated": int(time.time()),
                "items": [_freshrss_item(site, one) for one in found],
            })  # fmt: skip
        case "/edit-tag" if asked.method == "POST":
            if form.get("T", "").strip() not in {"", "x", f"{DIGEST:Z<57}"}:
                return _unauthorized()
            _edit(site, [_freshrss_id(value) for name, value in asked.form if name == "i"], asked.form)
            return 200, _plain(), b"OK"
    return 400, _plain(), b"Bad Request!"


def _freshrss_id(name: str) -> int:
    """Decimal, or the hexadecimal digits after the last slash."""
    return int(name) if name.isdecimal() and name[0] != "0" else int(name.rpartition("/")[2], 16)


def _freshrss_ids(site: ReaderSite, query: dict[str, list[str]]) -> Answer:
    """By the time of arrival, which the id is; the continuation is the last id, and is sent once more and dropped."""
    given = {name: values[-1] for name, values in query.items()}
    n, continuation = int(given.get("n", 20)), given.get("c", "")
    since = int(given.get("ot", 0)) * 1_000_000
    ids = sorted(
        (
            one.id
            for one in site.entries.values()
            if one.id >= since and not one.is_removed and not (given.get("xt") == READ and one.is_read)
        ),
        reverse=given.get("r") != "o",
    )
    ids = [one for one in ids if one <= int(continuation)][: n + 1][1:] if continuation else ids[:n]
    told: dict[str, Any] = {"itemRefs": [{"id": str(one)} for one in ids]}
    if len(ids) >= n:
        told["continuation"] = str(ids[-1])
    return _json(told)


def _freshrss_item(site: ReaderSite, entry: Entry) -> dict[str, Any]:
    feed = site.feeds[entry.feed]
    categories = ["user/-/state/com.google/reading-list", f"user/-/label/{feed.category}"]
    return {
        "id": f"{LONG}{entry.id:016x}",
        "crawlTimeMsec": str(entry.id)[:-3],
        "timestampUsec": str(entry.id),
        "published": entry.published,
        "title": entry.title,
        "summary": {"content": entry.html},
        "alternate": [{"href": f"https://news.example/{entry.id}"}],
        "categories": [*categories, READ] if entry.is_read else categories,
        "origin": {"streamId": f"feed/{entry.feed}", "title": feed.title},
    }


def _unauthorized() -> Answer:
    return 401, _plain() | {"Google-Bad-Token": "true"}, b"Unauthorized!"


# Miniflux, by the README of its package googlereader


def _miniflux_greader(site: ReaderSite, asked: Asked, path: str) -> Answer:  # noqa: PLR0911 - an answer a path
    form = dict(asked.form)
    if path == "/accounts/ClientLogin" and asked.method == "POST":
        if (form.get("Email"), form.get("Passwd")) != (USER, site.password):
            return _json({"error_message": "access unauthorized"}, 401)
        return 200, _plain(), f"SID={AUTH}\nLSID={AUTH}\nAuth={AUTH}\n".encode()
    is_known = (
        form.get("T") == AUTH
        if asked.method == "POST"
        else asked.headers.get("authorization") == f"GoogleLogin auth={AUTH}"
    )
    if not is_known:
        return 401, _plain() | {"X-Reader-Google-Bad-Token": "true"}, b"Unauthorized"
    match path.removeprefix("/reader/api/0"):
        case "/token":
            return 200, _plain(), AUTH.encode()
        case "/subscription/list":
            return _subscriptions(site, asked, "user/1/label/")
        case "/stream/items/ids":
            return _miniflux_ids(site, asked.query)
        case "/stream/items/contents" if asked.method == "POST":
            return _miniflux_contents(site, asked)
        case "/edit-tag" if asked.method == "POST":
            if not any(name in {"a", "r"} for name, _ in asked.form):
                return _json({"error_message": "add or/and remove tags should be supplied"}, 500)
            _edit(site, [_miniflux_id(value) for name, value in asked.form if name == "i"], asked.form)
            return 200, _plain(), b"OK"
    return _json([])


def _miniflux_id(name: str) -> int:
    return int(name.removeprefix(LONG), 16)


def _miniflux_ids(site: ReaderSite, query: dict[str, list[str]]) -> Answer:
    """By the time of publication; the continuation is an offset."""
    given = {name: values[-1] for name, values in query.items()}
    if given.get("output") != "json":
        return _json({"error_message": "only json output is supported"}, 400)
    offset = int(given.get("c", 0))
    found = sorted(
        (
            one
            for one in site.entries.values()
            if one.published > int(given.get("ot", 0))
            and not one.is_removed
            and not (given.get("xt") == READ and one.is_read)
        ),
        key=lambda one: (one.published, one.id),
        reverse=given.get("r") != "o",
    )
    page = found[offset : offset + int(given["n"])] if "n" in given else found[offset:]
    told: dict[str, Any] = {"itemRefs": [{"id": str(one.id)} for one in page]}
    if offset + len(page) < len(found):
        told["continuation"] = str(offset + len(page))
    return _json(told)


def _miniflux_contents(site: ReaderSite, asked: Asked) -> Answer:
    if ("output", "json") not in asked.form:
        return _json({"error_message": "googlereader: only json output is supported"}, 400)
    ids = [_miniflux_id(value) for name, value in asked.form if name == "i"]
    found = [one for one in site.entries.values() if one.id in ids and not one.is_removed]
    if not found:
        return _json({"error_message": f"googlereader: no items returned from the database for item IDs: {ids}"}, 400)
    return _json({
        "direction": "ltr", "id": "user/-/state/com.google/reading-list", "title": "Reading List",
        "self": [{"href": f"{site.root}/reader/api/0/stream/items/contents"}], "updated": int(time.time()),
        "author": USER, "items": [_miniflux_item(site, one) for one in found],
    })  # fmt: skip


def _miniflux_item(site: ReaderSite, entry: Entry) -> dict[str, Any]:
    feed = site.feeds[entry.feed]
    categories = ["user/1/state/com.google/reading-list", f"user/1/label/{feed.category}"]
    url, content = f"https://news.example/{entry.id}", {"direction": "ltr", "content": entry.html}
    return {
        "id": f"{LONG}{entry.id:016x}",
        "categories": [*categories, "user/1/state/com.google/read"] if entry.is_read else categories,
        "title": entry.title,
        "crawlTimeMsec": "1710000000123",
        "timestampUsec": f"{entry.published}000000",
        "published": entry.published,
        "updated": int(entry.changed),
        "author": "",
        "alternate": [{"href": url, "type": "text/html"}],
        "summary": content,
        "content": content,
        "origin": {"streamId": f"feed/{entry.feed}", "title": feed.title, "htmlUrl": "https://gazette.example/"},
        "enclosure": [],
        "canonical": [{"href": url}],
    }


# Miniflux, by its own API reference


def _miniflux_api(site: ReaderSite, asked: Asked) -> Answer:
    if asked.headers.get("x-auth-token") != site.key:
        return _json({"error_message": "access unauthorized"}, 401)
    if asked.path == "/v1/me":
        return _json({"id": 1, "username": USER, "is_admin": False})
    if asked.path == "/v1/entries" and asked.method == "PUT":
        return _update(site, json.loads(asked.body))
    if asked.path == "/v1/entries":
        return _json(_entries(site, asked.query))
    found = site.entries.get(int(asked.path.removeprefix("/v1/entries/")))
    if found is None or found.is_removed:
        return _json({"error_message": "resource not found"}, 404)
    return _json(_entry(site, found))


def _entries(site: ReaderSite, query: dict[str, list[str]]) -> dict[str, Any]:
    given = {name: values[-1] for name, values in query.items()}
    found = [
        one
        for one in site.entries.values()
        if one.changed > int(given.get("changed_after", 0))
        and one.id > int(given.get("after_entry_id", 0))
        and not one.is_removed
    ]
    found.sort(key=lambda one: one.id if given.get("order") == "id" else one.published)
    if given.get("direction", "asc") == "desc":
        found.reverse()
    start = int(given.get("offset", 0))
    page = found[start : start + int(given.get("limit", 100))]
    return {"total": len(found), "entries": [_entry(site, one) for one in page]}


def _entry(site: ReaderSite, entry: Entry) -> dict[str, Any]:
    feed = site.feeds[entry.feed]
    return {
        "id": entry.id, "user_id": 1, "feed_id": entry.feed, "status": "read" if entry.is_read else "unread",
        "hash": f"{entry.id:064x}", "title": entry.title, "url": f"https://news.example/{entry.id}",
        "comments_url": "", "published_at": _rfc3339(entry.published), "created_at": _rfc3339(entry.created),
        "changed_at": _rfc3339(entry.changed), "content": entry.html, "author": "", "share_code": "",
        "starred": False, "reading_time": 1, "enclosures": None, "tags": [],
        "feed": {
            "id": entry.feed, "user_id": 1, "feed_url": feed.url, "site_url": "https://gazette.example/",
            "title": feed.title, "checked_at": _rfc3339(entry.published),
            "category": {"id": 22, "title": feed.category, "user_id": 1, "hide_globally": False},
        },
    }  # fmt: skip


def _update(site: ReaderSite, told: dict[str, Any]) -> Answer:
    if not told["entry_ids"] or told["status"] not in {"read", "unread", "removed"}:
        return _json({"error_message": "The list of entry IDs is empty"}, 400)
    known = [one for one in told["entry_ids"] if one in site.entries and not site.entries[one].is_removed]
    if not known:
        return _json({"error_message": "store: nothing has been updated"}, 500)
    site.read(*known, read=told["status"] == "read")
    return 204, {}, b""


# What both have


def _subscriptions(site: ReaderSite, asked: Asked, label: str) -> Answer:
    if asked.query.get("output") != ["json"]:
        return 501, _plain(), b"Not Implemented!"
    return _json({
        "subscriptions": [
            {
                "id": f"feed/{number}", "title": feed.title,
                "categories": [{"id": f"{label}{feed.category}", "label": feed.category, "type": "folder"}],
                "url": feed.url, "htmlUrl": "https://gazette.example/", "iconUrl": "",
            }
            for number, feed in site.feeds.items()
        ]
    })  # fmt: skip


def _edit(site: ReaderSite, ids: Sequence[int], form: Sequence[tuple[str, str]]) -> None:
    known = [one for one in ids if one in site.entries and not site.entries[one].is_removed]
    if ("a", READ) in form:
        site.read(*known)
    if ("r", READ) in form:
        site.read(*known, read=False)


def _plain() -> dict[str, str]:
    return {"Content-Type": "text/plain; charset=UTF-8"}


def _json(told: object, status: int = 200) -> Answer:
    body = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    return status, {"Content-Type": "application/json; charset=UTF-8"}, body


def _rfc3339(seconds: float) -> str:
    whole = int(seconds)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{int((seconds - whole) * 1e6):06d}Z"


@contextmanager
def reading(flavour: Flavour) -> Iterator[ReaderSite]:
    """A reader for the length of the block."""
    with ReaderSite(flavour) as site:
        thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield site
        finally:
            site.shutdown()
            thread.join()
