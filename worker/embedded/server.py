"""Find a data directory's live server, start one, stop it."""

from __future__ import annotations

import os
import shlex
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

from worker.embedded import locks, wire
from worker.embedded.binary import check_binary, find_binary
from worker.embedded.config import LOOPBACK, choose_port, write_config
from worker.embedded.errors import EmbeddedServerError
from worker.embedded.lifeline import Lifeline
from worker.embedded.place import Place, explained
from worker.embedded.watcher import GRACE_SECONDS

SILENCE_SECONDS: Final = 60.0
"""How long a server may give no sign of life. One that says it is loading its data is waited for longer."""

_POLL_SECONDS: Final = 0.01
_LOG_LINES: Final = 12


@dataclass(frozen=True, slots=True)
class Server:
    """A live server of a data directory.

    `url` is what redis-py takes, and holds the password where there is one. `port` is None where the server listens
    on its unix socket only. `started` is true for the one who started it: it ends with that process at the latest.
    """

    url: str = field(repr=False)
    socket_path: str
    port: int | None
    pid: int
    data_dir: Path
    started: bool
    _lifeline: Lifeline | None = field(default=None, repr=False, compare=False)

    @property
    def lives(self) -> bool:
        """Whether the server that this process started is still there, and tied to this process."""
        return self._lifeline is not None and self._lifeline.is_held and self._lifeline.watcher_lives()

    @property
    def cli_line(self) -> str:
        """The shell line that opens redis-cli on this server; a password is read from its file."""
        if self.port is None:
            return f"redis-cli -s {shlex.quote(self.socket_path)}"
        password_file = shlex.quote(str(Place(self.data_dir).password_file))
        return f'REDISCLI_AUTH="$(cat {password_file})" redis-cli -p {self.port}'

    def stop(self) -> None:
        """Shut the server down, its data saved, and wait until it is gone.

        Does nothing on a server that this process has not started, and nothing the second time.
        """
        if self._lifeline is None or not self._lifeline.is_held:
            return
        place = Place(self.data_dir)
        if self._lifeline.watcher_lives():  # then the server on the socket is this one
            _shut_down(self, place)
        self._lifeline.release()
        _end_unwatched(self, place)
        place.sweep_if_free()


def find(data_dir: Path) -> Server | None:
    """The data directory's live server, or None; one that is still loading its data is waited for.

    What a dead server has left behind is ignored and removed. A server whose starter is gone is not live: it is shut
    down. Raises `EmbeddedServerError` where a server lives and does not answer.
    """
    place = Place.of(data_dir)
    with explained(place):
        server = _await_answer(place, lambda: locks.is_held(place.server_lock))
        if server is None:
            place.sweep_if_free()
        return server


def start(
    data_dir: Path, *, tcp_port: int | None = None, binary: Path | None = None, runtime_dir: Path | None = None
) -> Server:
    """The data directory's live server, or a new one once there is none, ready to serve.

    With `tcp_port` it listens on that port of the loopback address too, on any free one for 0. `binary` is the
    server program (default: the packaged one, else one of PATH); `runtime_dir` a directory for the sockets of data
    directories with long paths (default: the directory for temporary files). Raises `EmbeddedServerError`.
    """
    place = Place.of(data_dir)
    with explained(place):
        place.prepare()
    give_up_at = time.monotonic() + SILENCE_SECONDS
    while time.monotonic() < give_up_at:
        server = find(place.data_dir)
        if server is not None:
            return _with_port(server, tcp_port)
        with explained(place):
            lock = locks.take(place.server_lock)
        if lock is None:  # another process was faster: its server is the one to find
            time.sleep(_POLL_SECONDS)
            continue
        try:
            return _launch(place, lock, tcp_port, binary, runtime_dir)
        finally:
            os.close(lock)
    raise EmbeddedServerError(f"{place.server_lock} is held by a process that starts no server; end that process")


def _launch(place: Place, lock: int, tcp_port: int | None, binary: Path | None, runtime_dir: Path | None) -> Server:
    """Start a server, under the server's lock."""
    program = find_binary() if binary is None else check_binary(binary)
    port = None if tcp_port is None else choose_port(tcp_port)
    with explained(place):
        write_config(place, place.renew_socket(runtime_dir), port)
        log_start = place.log.stat().st_size if place.log.exists() else 0
        lifeline = Lifeline(place, program, lock)
    server = None
    try:
        server = _await_answer(place, lifeline.watcher_lives, lifeline)
    finally:
        if server is None:
            lifeline.release()
    if server is None:
        raise EmbeddedServerError(_death_notice(place, program, log_start))
    return server


def _await_answer(place: Place, is_there: Callable[[], bool], lifeline: Lifeline | None = None) -> Server | None:
    """The server as soon as it answers; None once it is not there any more."""
    give_up_at = time.monotonic() + SILENCE_SECONDS
    while is_there():
        try:
            return _meet(place, lifeline)
        except wire.BusyError:
            give_up_at = time.monotonic() + SILENCE_SECONDS
        except wire.RefusedError as error:
            raise EmbeddedServerError(
                f"the server of {place.data_dir} refuses to answer at {place.socket_link} ({error}); "
                f"if its password was changed, put it into {place.password_file}, else end that server"
            ) from error
        except OSError as error:
            if time.monotonic() > give_up_at:
                raise EmbeddedServerError(
                    f"the server of {place.data_dir} has not answered at {place.socket_link} for {SILENCE_SECONDS:.0f} "
                    f"seconds ({error}); see {place.log}, and end the server if it hangs"
                ) from error
        time.sleep(_POLL_SECONDS)
    return None


def _meet(place: Place, lifeline: Lifeline | None) -> Server:
    """Speak to the server; raises OSError where it is not to be used, `BusyError` while it is loading."""
    socket_path, password = place.socket_path(), place.read_password()
    with wire.connect(socket_path, password) as connection:
        _, directory = connection.ask("CONFIG", "GET", "dir")
        if not Path(os.fsdecode(directory)).samefile(place.home):
            raise ConnectionRefusedError(f"a server of {os.fsdecode(directory)} listens there")
        if not locks.is_held(place.owner_lock):
            connection.ask("SHUTDOWN")
        facts = _facts(connection)
    port = int(facts[b"tcp_port"]) or None
    url = f"unix://{quote(os.fsencode(socket_path))}" if port is None else f"redis://:{password}@{LOOPBACK}:{port}/0"
    return Server(url, socket_path, port, int(facts[b"process_id"]), place.data_dir, lifeline is not None, lifeline)


def _with_port(server: Server, tcp_port: int | None) -> Server:
    """The server itself, if it listens where it is wanted."""
    if tcp_port is None or (server.port is not None and tcp_port in {0, server.port}):
        return server
    where = "no TCP port" if server.port is None else f"TCP port {server.port}"
    raise EmbeddedServerError(
        f"the server of {server.data_dir} (process {server.pid}) is running already, on {where}, "
        f"not on TCP port {tcp_port or '(any)'}; stop it first, or do without"
    )


def _death_notice(place: Place, program: Path, log_start: int) -> str:
    with place.log.open("rb") as log:
        log.seek(log_start)
        last = log.read().decode(errors="replace").splitlines()[-_LOG_LINES:]
    return f"{program} ended before it could serve {place.data_dir}; the last lines of {place.log}:\n" + "\n".join(last)


def _facts(connection: wire.Connection) -> dict[bytes, bytes]:
    [told] = connection.ask("INFO", "server")
    return dict(line.split(b":", 1) for line in told.split(b"\r\n") if b":" in line)


def _shut_down(server: Server, place: Place) -> None:
    """Ask for an orderly end, if there is anyone to ask."""
    with suppress(OSError, EmbeddedServerError), wire.connect(server.socket_path, place.read_password()) as connection:
        connection.ask("SHUTDOWN")


def _end_unwatched(server: Server, place: Place) -> None:
    """End a server whose watcher was killed; any other server on its socket tells another process id."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if _process_id(server, place) != server.pid:
            return
        with suppress(ProcessLookupError):
            os.kill(server.pid, number)
        give_up_at = time.monotonic() + GRACE_SECONDS
        while locks.is_held(place.server_lock) and time.monotonic() < give_up_at:
            time.sleep(_POLL_SECONDS)


def _process_id(server: Server, place: Place) -> int | None:
    with suppress(OSError, EmbeddedServerError), wire.connect(server.socket_path, place.read_password()) as connection:
        return int(_facts(connection)[b"process_id"])
    return None
