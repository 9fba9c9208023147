"""One GET of a web address that a stranger may have chosen.

The rules: http and https only, also after a redirect; every host is looked up once, all its addresses are judged, and
the connection goes to an address that was judged, so a second DNS answer cannot lead elsewhere; TLS is verified for the
name, not the address; no proxy, no cookie, no password; one deadline over everything, the look-up and all redirects
included; bytes are counted as they come off the wire and again as they are unpacked.
"""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from typing import Any, Final

import httpcore
import httpx

from worker.feeds.address import Network, why_refused
from worker.feeds.error import FeedError

_ACCEPT: Final = b", ".join(
    (
        b"application/rss+xml, application/atom+xml, application/feed+json",
        b"application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5",
    )
)
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_GZIP_WINDOW: Final = 31
_PASSWORD: Final = re.compile(r"//[^/?#]*@")
_NO_ANSWER: Final = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Where a fetch gives up.

    `max_bytes` holds for the body as sent and as unpacked (the largest news feeds known are under 5 MB);
    `timeout_seconds` is wall clock over the whole exchange, redirects included.
    """

    max_bytes: int = 32 * 1024 * 1024
    timeout_seconds: float = 30.0
    max_redirects: int = 5


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came back: the URL it came from after redirects, the Content-Type header ("" if none), the unpacked body."""

    url: str
    content_type: str
    body: bytes


DEFAULT_LIMITS: Final = FetchLimits()


def fetch(url: str, *, allow: Sequence[Network] = (), limits: FetchLimits = DEFAULT_LIMITS) -> Fetched:
    """The body behind a web address.

    Addresses that are not public are refused unless a network of `allow` holds them. Raises `FeedError`, which names
    the URL, for everything that goes wrong: address, name, connection, certificate, status, size, time.
    """
    first = hop = _web_url(url.strip(), _shown(url))
    backend = _CheckedBackend(allow, time.monotonic() + limits.timeout_seconds)
    with httpcore.ConnectionPool(network_backend=backend) as pool:
        for _ in range(limits.max_redirects + 1):
            origin = str(first) if hop == first else f"{first} (redirected to {hop})"
            answer = _get(pool, hop, origin, limits)
            if isinstance(answer, Fetched):
                return answer
            hop = _web_url(answer, origin, hop)
    raise FeedError(str(first), f"redirected more than {limits.max_redirects} times")


class _CheckedBackend(httpcore.NetworkBackend):
    """Connects only to addresses it has judged, and to nothing after the deadline (seconds of `time.monotonic`)."""

    def __init__(self, allow: Sequence[Network], deadline: float) -> None:
        self._allow = tuple(allow)
        self._deadline = deadline
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline stands for every timeout
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = _look_up(host, port, _left(self._deadline, httpcore.ConnectTimeout))
        self._judge(host, addresses)
        failure: Exception = httpcore.ConnectError(f"the host {host} has no address")
        for n_tried, address in enumerate(addresses):
            share = _left(self._deadline, httpcore.ConnectTimeout) / (len(addresses) - n_tried)
            try:
                stream = self._sockets.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _TimedStream(stream, self._deadline)
        raise failure

    def _judge(self, host: str, addresses: list[str]) -> None:
        """Refuse a host for any one of its addresses: a name that mixes public and private ones is an attack."""
        for address in addresses:
            kind = why_refused(ip_address(address), self._allow)
            if kind:
                raise httpcore.ConnectError(f"refused: {host} is {f'{address}, ' if address != host else ''}{kind}")


class _TimedStream(httpcore.NetworkStream):
    """A stream on which every operation ends by the deadline (seconds of `time.monotonic`)."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - see connect_tcp
        return self._stream.read(max_bytes, _left(self._deadline, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - see connect_tcp
        self._stream.write(buffer, _left(self._deadline, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - see connect_tcp
    ) -> httpcore.NetworkStream:
        seconds = _left(self._deadline, httpcore.ConnectTimeout)
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, seconds), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(deadline: float, late: type[httpcore.TimeoutException]) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise late
    return seconds


def _look_up(host: str, port: int, timeout_seconds: float) -> list[str]:
    """The addresses of a host, in the resolver's order.

    In a thread, because the system's resolver knows no timeout; as a daemon, so that a stuck one holds up no exit.
    """
    answers: SimpleQueue[list[str] | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put(list(dict.fromkeys(str(socket_address[0]) for *_, socket_address in found)))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=ask, name="feed-look-up", daemon=True).start()
    try:
        answer = answers.get(timeout=timeout_seconds)
    except Empty:
        raise httpcore.ConnectTimeout from None
    if isinstance(answer, Exception):
        raise httpcore.ConnectError(f"the host {host} cannot be found: {answer}") from answer
    return answer


def _web_url(url: str, origin: str, base: httpx.URL | None = None) -> httpx.URL:
    try:
        parsed = base.join(url) if base else httpx.URL(url)
        parsed = parsed.copy_with(fragment=None)
    except (httpx.InvalidURL, ValueError) as error:
        raise FeedError(origin, f"{_shown(url)} is no web address: {error}") from error
    if parsed.userinfo:
        raise FeedError(origin, "a user name or password in the URL is not accepted")
    if parsed.scheme not in {"http", "https"}:
        raise FeedError(origin, f"only http and https are fetched, not {parsed.scheme or 'an address without scheme'}")
    if not parsed.host:
        raise FeedError(origin, "the URL names no host")
    if "%" in parsed.host or (parsed.port or 0) > 0xFFFF:
        raise FeedError(origin, "the URL names no possible host or port")
    return parsed


def _shown(url: str) -> str:
    """A URL fit for a message: on one line, without a password, not endless."""
    clean = "".join(character if character.isprintable() else "\ufffd" for character in url.strip())
    return _PASSWORD.sub("//...@", clean)[:500]


def _get(pool: httpcore.ConnectionPool, url: httpx.URL, origin: str, limits: FetchLimits) -> Fetched | str:
    """The answer of one hop: what was fetched, or where a redirect points."""
    target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    try:
        with pool.stream("GET", target, headers=_headers(url)) as response:
            if response.status in _REDIRECTS and _header(response, b"location"):
                return _header(response, b"location")
            if not httpx.codes.is_success(response.status):
                raise FeedError(origin, f"the server answered {_status(response.status)}")
            body = _read_body(response, origin, limits.max_bytes)
            return Fetched(str(url), _header(response, b"content-type"), body)
    except httpcore.TimeoutException as error:
        raise FeedError(origin, f"no complete answer within {limits.timeout_seconds:g} seconds") from error
    except _NO_ANSWER as error:
        raise FeedError(origin, str(error) or "the connection broke") from error


def _headers(url: httpx.URL) -> list[tuple[bytes, bytes]]:
    return [
        (b"Host", url.netloc),
        (b"User-Agent", _user_agent()),
        (b"Accept", _ACCEPT),
        (b"Accept-Encoding", b"gzip"),
    ]


def _user_agent() -> bytes:
    try:
        return f"story-dedup/{version('story-dedup')}".encode()
    except PackageNotFoundError:
        return b"story-dedup/uninstalled"


def _header(response: httpcore.Response, name: bytes) -> str:
    found = (value for key, value in response.headers if key.lower() == name)
    return next(found, b"").decode("utf-8", "replace").strip()


def _status(code: int) -> str:
    return f"{code} {httpx.codes.get_reason_phrase(code)}".strip()


def _read_body(response: httpcore.Response, origin: str, max_bytes: int) -> bytes:
    unpack, is_complete = _unpacker(_header(response, b"content-encoding").lower(), origin)
    body = bytearray()
    n_sent = 0
    for chunk in response.iter_stream():
        n_sent += len(chunk)
        try:
            body += unpack(chunk, max_bytes + 1 - len(body))
        except zlib.error as error:
            raise FeedError(origin, f"the body is not the gzip data it claims to be: {error}") from error
        if n_sent > max_bytes or len(body) > max_bytes:
            raise FeedError(origin, f"larger than {max_bytes:,} bytes")
    if n_sent and not is_complete():
        raise FeedError(origin, "the body ends in the middle of its gzip data")
    return bytes(body)


def _unpacker(encoding: str, origin: str) -> tuple[Callable[[bytes, int], bytes], Callable[[], bool]]:
    """How to unpack a chunk to at most so many bytes, and whether what was unpacked is whole."""
    if encoding in {"", "identity"}:
        return (lambda chunk, _room: chunk), (lambda: True)
    if encoding not in {"gzip", "x-gzip"}:
        raise FeedError(origin, f"the server packed the body as {encoding[:40]!r}, which was not asked for")
    member = zlib.decompressobj(_GZIP_WINDOW)
    return member.decompress, (lambda: member.eof)
