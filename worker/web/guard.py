"""Who may do what. Every request passes here first, and every answer leaves through here.

1. The Host must be one that the service is known by: a page that has its own name resolve to loopback gets nowhere.
2. An Origin that is not that very host and port is refused, and so is whatever a browser says that a page of another
   origin asks for, but for a link that a person follows. No answer allows another origin to read it.
3. All but GET and HEAD need the write token; without one set, nothing can be pushed. A hook has a secret of its own.
4. GET and HEAD need the read token where one is set; beyond loopback one must be set. The write token does, too. A
   story feed may be given the token in its query, for readers that can send no header.
5. Tokens are compared in constant time.
6. A POST that is no hook must say that it is JSON, which no form of a page can, and be sent uncompressed.
7. An error that nobody foresaw is answered without a word of it, and logged by its kind alone.
8. A HEAD is answered as the GET would be, without its body.
"""

from __future__ import annotations

import hmac
import logging
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from worker.settings import Settings
from worker.web.problem import Refused, answer_to

JSON_TYPES: Final = ("application/json", "application/x-ndjson", "application/jsonl")
LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "::1")
FEEDS: Final = "/feeds/"
HOOKS: Final = "/hooks/"

_LOG: Final = logging.getLogger("dedup.web")
_OWN_SITES: Final = ("same-origin", "none")
_UNFORESEEN: Final = Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "an error of this service")
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, slots=True)
class Rules:
    """What a request is judged by; "" is no token."""

    hosts: frozenset[str]
    write_token: str = field(repr=False)
    read_token: str = field(repr=False)


def rules_of(settings: Settings) -> Rules:
    """The rules of a deployment."""
    hosts = {*LOOPBACK_NAMES, settings.web_host, *settings.web_hosts}
    return Rules(frozenset(map(_named, hosts)), settings.web_token, settings.web_read_token)


class Guard:
    """The outermost layer of the service."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Judges a request, has it done, and logs it."""
        if scope["type"] != "http":
            return
        begun, status, is_head = time.perf_counter(), 0, scope["method"] == "HEAD"

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
                await send(message)
                if is_head:
                    await send({"type": "http.response.body"})
            elif not is_head:
                await send(message)

        try:
            judge(scope, self._rules)
            await self._app({**scope, "method": "GET"} if is_head else scope, receive, sent)
        except Refused as refused:
            await answer_to(refused)(scope, receive, sent)
        except Exception as error:  # noqa: BLE001 - rule 7
            _LOG.error("%s %s: %s", scope["method"], _path(scope), type(error).__name__)
            if not status:
                await answer_to(_UNFORESEEN)(scope, receive, sent)
        milliseconds = (time.perf_counter() - begun) * 1000
        _LOG.info("%s %s %d %.1f ms", scope["method"], _path(scope), status, milliseconds)


def judge(scope: Scope, rules: Rules) -> None:
    """Raises `Refused` for a request that may not be done."""
    headers = Headers(scope=scope)
    _judge_origin(headers, rules)
    path: str = scope["path"]
    if scope["method"] in {"GET", "HEAD"}:
        _judge_reading(path, scope["query_string"], headers, rules)
    elif not path.startswith(HOOKS):
        _judge_writing(headers, rules)


def same(one: str, other: str) -> bool:
    """Whether two secrets are the same, in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode(errors="surrogatepass"), other.encode(errors="surrogatepass"))


def _judge_origin(headers: Headers, rules: Rules) -> None:
    hosts = headers.getlist("host")
    if len(hosts) != 1 or _named(hosts[0]) not in rules.hosts:
        raise Refused(
            HTTPStatus.MISDIRECTED_REQUEST, "this host name is not one of the service; DEDUP_WEB_HOSTS lists others"
        )
    if any(origin.partition("//")[2].lower() != hosts[0].lower() for origin in headers.getlist("origin")):
        raise _of_other_origin()
    if headers.get("sec-fetch-site", "none") not in _OWN_SITES and not _is_followed_link(headers):
        raise _of_other_origin()


def _is_followed_link(headers: Headers) -> bool:
    """Whether a browser shows the answer by itself, with no page that could read it or time it."""
    return headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"


def _of_other_origin() -> Refused:
    return Refused(HTTPStatus.FORBIDDEN, "pages of other origins may neither read nor push")


def _judge_reading(path: str, query: bytes, headers: Headers, rules: Rules) -> None:
    if not rules.read_token:
        return
    shown = _bearer(headers)
    if not shown and path.startswith(FEEDS):
        shown = parse_qs(query.decode("latin-1")).get("token", [""])[-1]
    if not _is_one_of(shown, rules.read_token, rules.write_token):
        raise _unauthorized("a look-up needs the read token: Authorization: Bearer ...")


def _judge_writing(headers: Headers, rules: Rules) -> None:
    if not rules.write_token:
        raise Refused(
            HTTPStatus.FORBIDDEN, "nothing can be pushed, for no token is set: set DEDUP_WEB_TOKEN and start again"
        )
    if not _is_one_of(_bearer(headers), rules.write_token):
        raise _unauthorized("a push needs the token: Authorization: Bearer ...")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in JSON_TYPES:
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Content-Type must be one of {', '.join(JSON_TYPES)}")
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Refused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "a compressed body is not read: send it without Content-Encoding"
        )


def _is_one_of(shown: str, *tokens: str) -> bool:
    matches = [same(shown, token) for token in tokens if token]
    return any(matches)


def _bearer(headers: Headers) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _unauthorized(message: str) -> Refused:
    return Refused(HTTPStatus.UNAUTHORIZED, message, headers={"WWW-Authenticate": 'Bearer realm="story-dedup"'})


def _named(host: str) -> str:
    """A host as rules name it: without port and brackets, in lower case. "" where it is none."""
    if ":" in host and not host.startswith("[") and host.count(":") > 1:
        return host.lower()
    return _host_of(f"//{host}")


def _host_of(origin: str) -> str:
    try:
        return (urlsplit(origin).hostname or "").lower()
    except ValueError:
        return ""


def _path(scope: Scope) -> str:
    """The path as it was sent, fit for a log: its bytes are of ASCII, and a query is no part of it."""
    raw: bytes = scope.get("raw_path") or b""
    return raw.decode("ascii", errors="backslashreplace").encode("unicode_escape").decode("ascii")[:700]
