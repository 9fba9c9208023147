"""What is answered where a request cannot be done: a status, and in JSON what was wrong and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import JSONResponse

from dedup.errors import DedupError
from worker.answers import Answer

RETRY_SECONDS = 5


class Refused(DedupError):  # noqa: N818 - it is no fault
    """A request that is not done. `more` are fields of the answer besides `error`."""

    def __init__(
        self, status: HTTPStatus, message: str, *, more: Answer | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.more = more or {}
        self.headers = dict(headers or {})


def answer_to(refused: Refused) -> JSONResponse:
    """The answer of a request that is not done."""
    return JSONResponse({"error": str(refused), **refused.more}, refused.status, refused.headers)


def later(message: str, more: Answer | None = None) -> Refused:
    """What cannot be done now, and can in a few seconds."""
    return Refused(HTTPStatus.SERVICE_UNAVAILABLE, message, more=more, headers={"Retry-After": str(RETRY_SECONDS)})
