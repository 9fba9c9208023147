"""Connections that go to an address that was judged, and end by a deadline.

Every host is looked up once, all its addresses are judged, and the connection goes to one that was judged, so a second
DNS answer cannot lead elsewhere.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from typing import Any

import httpcore

from worker.feeds.address import Network, is_within, why_refused


class CheckedBackend(httpcore.NetworkBackend):
    """Connects only to addresses it has judged, and to nothing after the deadline (seconds of `time.monotonic`).

    `only_allowed`: to the networks of `allow` and to no others, public ones neither.
    """

    def __init__(self, allow: Sequence[Network], deadline: float, *, only_allowed: bool = False) -> None:
        self._allow = tuple(allow)
        self._deadline = deadline
        self._only_allowed = only_allowed
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
            if not kind and self._only_allowed and not is_within(ip_address(address), self._allow):
                kind = "a public address, to which a password is sent over https only"
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
