"""The application: routes, what goes wrong put into words, the description, and the guard around it all."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from worker.client import StoreError
from worker.web import shapes
from worker.web.backend import Backend
from worker.web.events import EventStreams
from worker.web.guard import Guard, rules_of
from worker.web.look_ups import look_ups
from worker.web.problem import Refused, answer_to, later
from worker.web.pushing import pushes
from worker.web.story_feeds import story_feeds

_LOG: Final = logging.getLogger("dedup.web")
_SUMMARY: Final = "Near-duplicate families, stories and storylines of a stream of news articles."
_PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    401: {"model": shapes.Problem, "description": "no or a wrong token"},
    422: {"model": shapes.Problem, "description": "a parameter that cannot be used"},
    503: {"model": shapes.Problem, "description": "the store cannot be reached, or too much at once: try again"},
}


def make_app(backend: Backend, streams: EventStreams) -> ASGIApp:
    """The service as an ASGI application."""
    app = FastAPI(
        title="story-dedup", summary=_SUMMARY, version="1", docs_url=None, redoc_url=None, redirect_slashes=False
    )
    app.include_router(look_ups(backend, streams), responses=_PROBLEMS)
    app.include_router(story_feeds(backend), responses=_PROBLEMS)
    app.include_router(pushes(backend), responses={422: _PROBLEMS[422]})
    for kind, tell in _TOLD.items():
        app.add_exception_handler(kind, tell)
    app.openapi = _described(app)  # type: ignore[method-assign]
    return Guard(app, rules_of(backend.settings))


def _described(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """The description with the tokens in it, which the guard and not the routes ask for."""
    describe = app.openapi

    def told() -> dict[str, Any]:
        schema = describe()
        parts = schema.setdefault("components", {})
        parts["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "query": {"type": "apiKey", "in": "query", "name": "token"},
            "signature": {"type": "apiKey", "in": "header", "name": "X-Miniflux-Signature"},
        }
        for path, methods in schema["paths"].items():
            ways: list[dict[str, list[str]]] = (
                [{"bearer": []}, {"query": []}] if path.startswith("/feeds/") else [{"bearer": []}]
            )
            for method, operation in methods.items():
                if not path.startswith("/hooks/"):
                    operation["security"] = ways if method == "post" else [*ways, {}]
        return schema

    return told


async def _tell_refused(_: Request, error: Exception) -> Response:
    return answer_to(error) if isinstance(error, Refused) else _unforeseen()


async def _tell_store(_: Request, error: Exception) -> Response:
    _LOG.error("the store: %s", error)
    return answer_to(later("the store cannot be reached"))


async def _tell_invalid(_: Request, error: Exception) -> Response:
    """Names each parameter and what is wrong with it, and repeats no value."""
    if not isinstance(error, RequestValidationError):
        return _unforeseen()
    wrong = "; ".join(f"{one['loc'][-1]}: {one['msg']}" for one in error.errors())
    return answer_to(Refused(HTTPStatus.UNPROCESSABLE_ENTITY, wrong))


async def _tell_http(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        return _unforeseen()
    status = HTTPStatus(error.status_code)
    return answer_to(Refused(status, status.phrase.lower(), headers=error.headers))


def _unforeseen() -> Response:
    return answer_to(Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "an error of this service"))


_TOLD: Final = {
    Refused: _tell_refused,
    StoreError: _tell_store,
    RequestValidationError: _tell_invalid,
    HTTPException: _tell_http,
}
