"""Listening: the socket, the server around the application, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Final

import uvicorn

from dedup.errors import DedupError
from worker.settings import Settings
from worker.web.application import make_app
from worker.web.backend import opened
from worker.web.events import EventStreams
from worker.web.explanations import Explanations

_STOP_SECONDS: Final = 5
_MOST_AT_ONCE: Final = 512
_BACKLOG: Final = 256


class WebError(DedupError):
    """The web service cannot be started; the message says why and what to do."""


def serve(settings: Settings, url: str, tell: Callable[[str], None]) -> None:
    """Serves HTTP until SIGINT or SIGTERM. `url` is that of the service's server. Raises `WebError`."""
    if not settings.web_read_token and not _is_loopback(settings.web_host):
        raise WebError(
            f"{settings.web_host} is beyond loopback, where a look-up needs a token: set DEDUP_WEB_READ_TOKEN"
        )
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    streams = EventStreams()
    with _listening(settings.web_host, settings.web_port) as listener, opened(settings, url) as backend:
        config = uvicorn.Config(
            make_app(backend, streams), log_config=None, log_level="warning", access_log=False, server_header=False,
            lifespan="off", ws="none", timeout_graceful_shutdown=_STOP_SECONDS, limit_concurrency=_MOST_AT_ONCE,
        )  # fmt: skip
        tell(f"serving http://{_shown(settings.web_host)}:{listener.getsockname()[1]}")
        with _heeding_signals():
            asyncio.run(_Server(config, streams, backend.explanations).serve([listener]))


class _Server(uvicorn.Server):
    """A server that ends the streams of changes, and an explanation that is being made, when it ends."""

    def __init__(self, config: uvicorn.Config, streams: EventStreams, explanations: Explanations) -> None:
        super().__init__(config)
        self._streams = streams
        self._explanations = explanations

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends what would not end by itself in time, then the rest."""
        self._streams.ending.set()
        self._explanations.end()
        await super().shutdown(sockets)


@contextlib.contextmanager
def _heeding_signals() -> Iterator[None]:
    """For the length of the block, signals to end do no more than the server makes of them: it sends them on."""
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Only where it is told the protocol, asyncio turns Nagle's algorithm off; else an answer's body waits 40 ms for the
    # acknowledgement of its head.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(_BACKLOG)
        except OSError as error:
            raise WebError(
                f"cannot listen on {host}:{port}: {error.strerror}. Choose another with --port or DEDUP_WEB_PORT"
            ) from error
        yield listener


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
