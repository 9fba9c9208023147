"""A web site on loopback that answers as a test says, and remembers what it was asked, and how many at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Answer:
    """What a path gives. `cut` bytes of the body are promised and not sent; `meanwhile` is called before it is sent."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    cut: int = 0
    meanwhile: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Asked:
    """One request: its path, its headers (names in lower case), when it began, and when it was answered."""

    path: str
    headers: Mapping[str, str]
    begun: float
    ended: float


class Site(ThreadingHTTPServer):
    """Answers by path; what it does not know is 404."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.answers: dict[str, Answer] = {}
        self.asked: list[Asked] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"

    def put(self, path: str, body: bytes = b"", status: int = 200, **headers: str) -> str:
        """Answers a path from now on (`Content_Type` is the header Content-Type); returns its URL."""
        self.answers[path] = Answer(body, status, {name.replace("_", "-"): value for name, value in headers.items()})
        return self.url(path)

    def paths(self) -> list[str]:
        return [one.path for one in self.asked]

    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing of clients that hang up, as they do here on purpose."""


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Site

    def do_GET(self) -> None:
        begun = time.monotonic()
        answer = self.server.answers.get(self.path, Answer(status=404))
        answer.meanwhile()
        time.sleep(answer.seconds)
        told = {name.lower(): value for name, value in self.headers.items()}
        etag = answer.headers.get("ETag")
        if etag and told.get("if-none-match") == etag:
            answer = Answer(status=304, headers=answer.headers)
        self.server.asked.append(Asked(self.path, told, begun, time.monotonic()))  # who has the answer may look at once
        with suppress(OSError):
            self._send(answer)

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 304:
            self.send_header("Content-Length", str(len(answer.body) + answer.cut))
        self.end_headers()
        self.wfile.write(answer.body)
        self.close_connection = self.close_connection or bool(answer.cut)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Silent."""


@contextmanager
def serving() -> Iterator[Site]:
    """A site for the length of the block."""
    with Site() as site:
        thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield site
        finally:
            site.shutdown()
            thread.join()


def rss(*articles: tuple[str, str], title: str = "The News", extra: str = "") -> bytes:
    """An RSS feed of articles given as guid and text, the latest first."""
    items = "".join(
        f"<item><guid isPermaLink='false'>{guid}</guid><title>On {guid}</title><description>{text}</description></item>"
        for guid, text in articles
    )
    return f"<rss version='2.0'><channel><title>{title}</title>{extra}{items}</channel></rss>".encode()
