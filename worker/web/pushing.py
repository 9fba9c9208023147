"""Pushing: articles into the inbox, and the hooks of feed readers."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from worker import answers
from worker.client import InboxFullError, Pushed, StoreError
from worker.store.pushing import Payload, split_payloads
from worker.web import freshrss, miniflux, shapes
from worker.web.backend import Backend
from worker.web.bodies import Bodies
from worker.web.guard import same
from worker.web.problem import Refused, later

MOST_ARTICLES: Final = 10_000
"""In one push: each that cannot be accepted takes a round trip to the store, and two bytes are enough for one."""

_PROBLEM: Final = {"model": shapes.Problem}
_ANSWERS: Final[dict[int | str, Any]] = {
    202: {"model": shapes.PushedShape, "description": "what is accepted is in the inbox; the rest says why not"},
    400: {"description": "no JSON, or not what is expected here"},
    401: {**_PROBLEM, "description": "no or a wrong token or signature"},
    403: {**_PROBLEM, "description": "no token is set for this"},
    413: {**_PROBLEM, "description": "too large"},
    503: {"model": shapes.HalfPushedShape, "description": "no room in the inbox, or no store: try again, all of it"},
}
_ARTICLE: Final = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("id", "url", "title", "text", "html", "published_at", "source",
                                                         "language")},
}  # fmt: skip
_ARTICLES: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"anyOf": [_ARTICLE, {"type": "array", "items": _ARTICLE}]}},
            "application/x-ndjson": {"schema": {"type": "string", "description": "one article a line"}},
        },
    }
}
_ANY_OBJECT: Final = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
}


def pushes(backend: Backend) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["push"])
    settings = backend.settings
    bodies = Bodies(settings.web_max_bytes)

    @router.post(
        "/articles", status_code=202, response_model=None, openapi_extra=_ARTICLES,
        responses=_ANSWERS | {415: {**_PROBLEM, "description": "not said to be JSON, or compressed"},
                              422: {"model": shapes.PushedShape, "description": "none was accepted"}},
    )  # fmt: skip
    async def push_articles(request: Request) -> Response:
        """Puts one article, an array of them, or one a line into the inbox."""
        async with bodies.read(request) as body:
            return await run_in_threadpool(_pushed, backend, _payloads(body))

    @router.post(
        "/hooks/miniflux", status_code=202, response_model=None, openapi_extra=_ANY_OBJECT,
        responses={**_ANSWERS},
    )  # fmt: skip
    async def take_from_miniflux(
        request: Request, x_miniflux_signature: Annotated[str, Header(description="HMAC-SHA256 of the body")] = ""
    ) -> Response:
        """What Miniflux sends of new and of saved entries."""
        if not settings.web_miniflux_secret:
            raise _closed("DEDUP_WEB_MINIFLUX_SECRET to the secret that Miniflux shows")
        async with bodies.read(request) as body:
            if not same(miniflux.signature(settings.web_miniflux_secret, body), x_miniflux_signature):
                raise Refused(HTTPStatus.UNAUTHORIZED, "X-Miniflux-Signature is not that of this body and the secret")
            return await run_in_threadpool(_pushed, backend, miniflux.articles(body))

    @router.post(
        "/hooks/freshrss", status_code=202, response_model=None, openapi_extra=_ANY_OBJECT,
        responses={**_ANSWERS},
    )  # fmt: skip
    async def take_from_freshrss(
        request: Request, token: Annotated[str, Query(description="DEDUP_WEB_FRESHRSS_TOKEN")] = ""
    ) -> Response:
        """What the Webhook extension of FreshRSS sends of a new entry, be it JSON or nearly so."""
        if not settings.web_freshrss_token:
            raise _closed("DEDUP_WEB_FRESHRSS_TOKEN to what the hook's address ends in: ?token=...")
        if not same(settings.web_freshrss_token, token):
            raise Refused(HTTPStatus.UNAUTHORIZED, "?token= is not DEDUP_WEB_FRESHRSS_TOKEN")
        async with bodies.read(request) as body:
            return await run_in_threadpool(_pushed, backend, freshrss.articles(body))

    return router


def _payloads(body: bytes) -> Iterable[Payload]:
    if not body.strip():
        raise Refused(HTTPStatus.BAD_REQUEST, "an empty body: send an article, an array of them, or one a line")
    payloads = list(split_payloads(body))
    if len(payloads) > MOST_ARTICLES:
        raise Refused(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {MOST_ARTICLES:,} articles: push in smaller parts"
        )
    return payloads


def _pushed(backend: Backend, payloads: Iterable[Payload]) -> Response:
    """Pushes, and says what became of it. Raises `Refused` where the rest has to wait."""
    told = Pushed()
    try:
        for batch in backend.client.push_each(payloads):
            told.add(batch)
    except InboxFullError as error:
        told.accepted = error.accepted
        raise later(f"the inbox is full: {len(told.accepted):,} went in", answers.pushed(told)) from error
    except StoreError as error:
        raise later("the store cannot be reached; to push all of it again is safe", answers.pushed(told)) from error
    return JSONResponse(answers.pushed(told), _status(told))


def _status(told: Pushed) -> HTTPStatus:
    if told.accepted or not told.rejected:
        return HTTPStatus.ACCEPTED
    is_garbage = all(one.field == "payload" for one in told.rejected)
    return HTTPStatus.BAD_REQUEST if is_garbage else HTTPStatus.UNPROCESSABLE_ENTITY


def _closed(what: str) -> Refused:
    return Refused(HTTPStatus.FORBIDDEN, f"this hook is closed: set {what}, and start again")
