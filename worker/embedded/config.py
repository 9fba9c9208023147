"""What a server is told at its start: its configuration file, port and password."""

from __future__ import annotations

import os
import secrets
import socket
import string
from pathlib import Path
from typing import Final

from worker.embedded.errors import EmbeddedServerError
from worker.embedded.place import Place, write_private

LOOPBACK: Final = "127.0.0.1"

_PLAIN: Final = (string.ascii_letters + string.digits + "/._-").encode()
_ALWAYS: Final = """\
daemonize no
loglevel notice
logfile ""
save ""
appendonly yes
appendfsync everysec
auto-aof-rewrite-min-size 256mb
aof-load-truncated yes
maxmemory-policy noeviction
hash-max-listpack-value 512
hash-max-listpack-entries 512
zset-max-listpack-value 512
zset-max-listpack-entries 128
unixsocketperm 700
"""
"""The log goes to standard output, which is the log file. Rewriting an append-only file takes a core for seconds, and
reading 256 MB of it at a start takes two: smaller ones are left to grow. Values up to 512 bytes keep articles with
long ids in the compact encodings."""


def write_config(place: Place, socket_path: str, port: int | None) -> None:
    """Write the configuration of a server on this socket, and on this port of the loopback address where one is given.

    A server with a port gets a password, the same at every start.
    """
    lines = [_ALWAYS, f"dir {_quoted(place.home)}\n", f"unixsocket {_quoted(socket_path)}\n", f"port {port or 0}\n"]
    if port is not None:
        lines += [f"bind {LOOPBACK}\n", f"requirepass {_quoted(_password(place))}\n"]
    write_private(place.config, "".join(lines))


def choose_port(wanted: int) -> int:
    """The wanted port, or any free one for 0; raises where it is taken or not to be had."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, wanted))
        except (OSError, OverflowError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not between 0 and 65535"
            raise EmbeddedServerError(
                f"TCP port {wanted} on {LOOPBACK} cannot be used: {reason}; give another one, or 0 for any free one"
            ) from error
        port: int = probe.getsockname()[1]
        return port


def _password(place: Place) -> str:
    password = place.read_password()
    if not password:
        password = secrets.token_urlsafe(32)
        write_private(place.password_file, password + "\n")
    return password


def _quoted(value: str | Path) -> str:
    """A value as the configuration file wants it: any byte that is not plain as a hexadecimal escape."""
    escaped = (chr(byte) if byte in _PLAIN else f"\\x{byte:02x}" for byte in os.fsencode(value))
    return f'"{"".join(escaped)}"'
