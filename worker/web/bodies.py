"""Reading a request's body: whole, within a limit, and in time."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Final

from starlette.requests import ClientDisconnect, Request

from worker.web.problem import Refused

BODY_SECONDS: Final = 60.0

_DISCARDED: Final = 8
"""A body is read on to so many times the limit, and thrown away: who sends all before reading gets the answer, too."""


async def read_body(request: Request, most: int) -> bytes:
    """The body. Raises `Refused` for one of more than `most` bytes, and for a slow one."""
    body, size = bytearray(), 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size <= most:
                    body += part
                else:
                    body.clear()
                if size > _DISCARDED * most:
                    break
    except TimeoutError as error:
        raise Refused(HTTPStatus.REQUEST_TIMEOUT, f"the body took more than {BODY_SECONDS:g} seconds") from error
    except ClientDisconnect as error:
        raise Refused(HTTPStatus.BAD_REQUEST, "the body ended before its end") from error
    if size > most:
        raise Refused(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"more than {most:,} bytes, the limit that DEDUP_WEB_MAX_BYTES sets: push in smaller parts",
        )
    return bytes(body)
