"""As much of the Redis protocol (RESP 2) as it takes to ask a server how it is and to tell it to stop."""

from __future__ import annotations

import socket
from types import TracebackType
from typing import Final, Self

from worker.embedded.errors import EmbeddedServerError

ANSWER_SECONDS: Final = 5.0
"""How long one answer may take. A script that runs longer than the server's own 5 s is answered with BUSY."""

_ALIVE_BUT: Final = ("LOADING", "BUSY")


class BusyError(EmbeddedServerError):
    """The server is alive but not ready to answer: its data is loading, or a script is running."""


class RefusedError(EmbeddedServerError):
    """The server answered with an error."""


class Connection:
    """One connection to a server's unix socket.

    Raises OSError where nobody listens, answers in time or stays on the line.
    """

    def __init__(self, socket_path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(ANSWER_SECONDS)
            self._socket.connect(socket_path)
            self._answers = self._socket.makefile("rb")
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._answers.close()
        self._socket.close()

    def ask(self, *words: str) -> list[bytes]:
        """The answer to a command, as its flat list of strings."""
        request = b"*%d\r\n" % len(words)
        for word in map(str.encode, words):
            request += b"$%d\r\n%b\r\n" % (len(word), word)
        self._socket.sendall(request)
        return self._read_answer()

    def _read_answer(self) -> list[bytes]:
        line = self._read_line()
        mark, rest = line[:1], line[1:]
        if mark == b"-":
            text = rest.decode(errors="replace")
            raise BusyError(text) if text.startswith(_ALIVE_BUT) else RefusedError(text)
        if mark == b"*":
            return [word for _ in range(int(rest)) for word in self._read_answer()]
        if mark == b"$":
            return [self._answers.read(int(rest) + 2)[:-2]]
        return [rest]

    def _read_line(self) -> bytes:
        line = self._answers.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionResetError("the server closed the connection")
        return line[:-2]


def connect(socket_path: str, password: str) -> Connection:
    """A connection that may speak: with the password ("" for none) given where the server wants one."""
    connection = Connection(socket_path)
    try:
        _log_in(connection, password)
    except BaseException:
        connection.__exit__(None, None, None)
        raise
    return connection


def _log_in(connection: Connection, password: str) -> None:
    try:
        connection.ask("PING")
    except RefusedError as refused:
        if not str(refused).startswith("NOAUTH"):
            raise
        connection.ask("AUTH", password)
        connection.ask("PING")
