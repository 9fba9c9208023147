"""Reading a request's body: whole, within a limit, in time, and not too many at once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.requests import ClientDisconnect, Request

from worker.web.problem import Refused, later

BODY_SECONDS: Final = 60.0
HELD: Final = 8
"""All bodies that are being read or dealt with may have so many times the limit of one: of a hook it is known only when
its body is there whether the sender knows the secret.
"""

_DISCARDED: Final = 8
"""A body is read on to so many times the limit, and thrown away: who sends all before reading gets the answer, too."""


@dataclass(slots=True)
class Bodies:
    """The bodies of the requests of one service, each of at most `most` bytes; `n_held` bytes are held now."""

    most: int
    n_held: int = 0

    @contextlib.asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytes]:
        """The body, for the length of the block. Raises `Refused` for one that is too large or slow."""
        body = bytearray()
        try:
            await self._fill_in_time(body, request)
            yield bytes(body)
        finally:
            self.n_held -= len(body)

    async def _fill_in_time(self, body: bytearray, request: Request) -> None:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                await self._fill(body, request)
        except TimeoutError as error:
            raise Refused(HTTPStatus.REQUEST_TIMEOUT, f"the body took more than {BODY_SECONDS:g} seconds") from error
        except ClientDisconnect as error:
            raise Refused(HTTPStatus.BAD_REQUEST, "the body ended before its end") from error

    async def _fill(self, body: bytearray, request: Request) -> None:
        size = 0
        async for part in request.stream():
            size += len(part)
            if size > _DISCARDED * self.most:
                break
            if size > self.most:
                self.n_held -= len(body)
                body.clear()
            elif self.n_held + len(part) > HELD * self.most:
                raise later("too much is being sent at once")
            else:
                self.n_held += len(part)
                body += part
        if size > self.most:
            raise Refused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"more than {self.most:,} bytes, the limit that DEDUP_WEB_MAX_BYTES sets: push in smaller parts",
            )
