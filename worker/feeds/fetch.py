"""One request to a web address that a stranger may have chosen: a GET, or what the API of a feed reader wants.

The rules: http and https only, also after a redirect; the connection goes to an address that was judged (`network`);
TLS is verified for the name, not the address; no proxy, no cookie, no password in a URL; what has a secret in it goes
to the one address it is for, is redirected nowhere, and travels by https outside the networks allowed; one deadline
over everything, the look-up and all redirects included; bytes are counted as they come off the wire and again as they
are unpacked; what a server gave to know its answer again is told to that URL alone.
"""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import httpcore
import httpx

from worker.feeds.address import Network
from worker.feeds.error import FeedError, StatusError, TooLargeError
from worker.feeds.network import CheckedBackend

_ACCEPT: Final = (
    "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5"
)
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_PERMANENT: Final = frozenset({301, 308})
_NOT_MODIFIED: Final = 304
_GZIP_WINDOW: Final = 31
_PASSWORD: Final = re.compile(r"//[^/?#]*@")
_NO_ANSWER: Final = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)
_VALIDATOR: Final = re.compile(r"[\x20-\x7e]{1,500}")


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
class Validators:
    """What a server gave with an answer to know it again: the headers ETag and Last-Modified ("" for none), and the
    URL that gave them, which alone is told them.
    """

    url: str = ""
    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked of a URL: the method, the headers beside the usual ones, and the body that is sent.

    `is_secret`: a password, a key or a token is in it.
    """

    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    is_secret: bool = False


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came back.

    `url`: where it came from after redirects. `content_type`: the header ("" if none). `body`: unpacked, b"" where
    `is_unchanged` (the server answered 304). `moved_to`: where the redirects that are permanent led, "" for none.
    `headers`: those that say how long the answer holds, names in lower case.
    """

    url: str
    content_type: str
    body: bytes
    is_unchanged: bool = False
    moved_to: str = ""
    validators: Validators = Validators()
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Redirect:
    target: str
    is_permanent: bool


DEFAULT_LIMITS: Final = FetchLimits()
GET: Final = Call()
_FRESHNESS: Final = ("cache-control", "age", "expires", "date")


def fetch(
    url: str,
    *,
    allow: Sequence[Network] = (),
    limits: FetchLimits = DEFAULT_LIMITS,
    known: Validators | None = None,
    visit: Callable[[str], None] = lambda _host: None,
    call: Call = GET,
) -> Fetched:
    """The body behind a web address, or what it answers to another `call`.

    Addresses that are not public are refused unless a network of `allow` holds them. With `known`, the server may
    answer that nothing has changed. `visit` is told each host before it is connected to, redirects included; what it
    raises ends the fetch. Raises `FeedError`, which names the URL, for everything that goes wrong: address, name,
    connection, certificate, size, time; and `StatusError` for what is no success.
    """
    first = hop = _web_url(url.strip(), _shown(url))
    moved_to, is_permanent = "", True
    only_allowed = call.is_secret and first.scheme == "http"
    backend = CheckedBackend(allow, time.monotonic() + limits.timeout_seconds, only_allowed=only_allowed)
    with httpcore.ConnectionPool(network_backend=backend) as pool:
        for _ in range(limits.max_redirects + 1):
            origin = str(first) if hop == first else f"{first} (redirected to {hop})"
            visit(hop.raw_host.decode("ascii"))
            told = known if known and known.url == str(hop) else None
            answer = _ask(pool, hop, origin, limits, call, told)
            if isinstance(answer, Fetched):
                return replace(answer, moved_to=moved_to)
            if call.method != "GET" or call.is_secret:
                raise FeedError(origin, f"redirected to {_shown(answer.target)}, where this is not sent: name that one")
            hop = _web_url(answer.target, origin, hop)
            is_permanent = is_permanent and answer.is_permanent
            moved_to = str(hop) if is_permanent else moved_to
    raise FeedError(str(first), f"redirected more than {limits.max_redirects} times")


def web_address(url: str) -> str:
    """A web address in the one spelling that it is fetched by. Raises `FeedError` for what can be none."""
    return str(_web_url(url.strip(), _shown(url)))


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


def _ask(
    pool: httpcore.ConnectionPool,
    url: httpx.URL,
    origin: str,
    limits: FetchLimits,
    call: Call,
    known: Validators | None,
) -> Fetched | _Redirect:
    """The answer of one hop: what was fetched, or where a redirect points."""
    target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    try:
        headers, body_sent = _headers(url, call, known), call.body or None
        with pool.stream(call.method, target, headers=headers, content=body_sent) as response:
            if response.status in _REDIRECTS and _header(response, b"location"):
                return _Redirect(_header(response, b"location"), response.status in _PERMANENT)
            is_unchanged = known is not None and response.status == _NOT_MODIFIED
            if not is_unchanged and not httpx.codes.is_success(response.status):
                said = f"the server answered {_status(response.status)}"
                raise StatusError(origin, said, response.status, _header(response, b"retry-after"))
            body = b"" if is_unchanged else _read_body(response, origin, limits.max_bytes)
            return _fetched(str(url), response, body, known if is_unchanged else None)
    except httpcore.TimeoutException as error:
        raise FeedError(origin, f"no complete answer within {limits.timeout_seconds:g} seconds") from error
    except _NO_ANSWER as error:
        raise FeedError(origin, str(error) or "the connection broke") from error


def _fetched(url: str, response: httpcore.Response, body: bytes, known: Validators | None) -> Fetched:
    """What a response says; `known` where it says that nothing has changed since."""
    headers = tuple((name, _header(response, name.encode())) for name in _FRESHNESS)
    return Fetched(
        url,
        _header(response, b"content-type"),
        body,
        known is not None,
        validators=known or Validators(url, _validator(response, b"etag"), _validator(response, b"last-modified")),
        headers=tuple((name, value) for name, value in headers if value),
    )


def _validator(response: httpcore.Response, name: bytes) -> str:
    """A header that is to be sent back as it is, "" where it is not fit for that."""
    value = _header(response, name)
    return value if _VALIDATOR.fullmatch(value) else ""


def _headers(url: httpx.URL, call: Call, known: Validators | None) -> list[tuple[bytes, bytes]]:
    headers = [(b"Host", url.netloc), (b"User-Agent", _user_agent()), (b"Accept-Encoding", b"gzip")]
    headers += [(name.encode(), value.encode()) for name, value in call.headers or (("Accept", _ACCEPT),)]
    if known and known.etag:
        headers.append((b"If-None-Match", known.etag.encode()))
    if known and known.last_modified:
        headers.append((b"If-Modified-Since", known.last_modified.encode()))
    return headers


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
            raise TooLargeError(origin, f"larger than {max_bytes:,} bytes")
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
