"""`dedup up`: the whole service as processes of one machine, for as long as this one lives.

1. One service a data directory.
2. Each process is in a group of its own and ends with this one, by whatever death: it waits at the end of a pipe that
   only this process holds open.
3. A process that dies is started again, after half a second the first time, then after a pause that grows to half a
   minute. So is the embedded server, at the same address and on the same data; the others wait for it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from dedup.errors import DedupError
from worker import embedded
from worker.settings import Settings

STOP_SECONDS: Final = 10.0
_CELERY: Final = ("celery", "-A", "worker.app")
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0
_STEADY_SECONDS: Final = 60.0
_BORROWED_SECONDS: Final = 60.0
_NICE: Final = 10
_REFUSED_SECONDS: Final = 0.12
"""Linux takes ten requests a second to change the priority of a session, of all users together."""


class UpError(DedupError):
    """The service cannot be started; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Role:
    """One process of the service: its name, and what `program` is told. `nice` ones give way."""

    name: str
    words: tuple[str, ...]
    nice: bool = False
    program: tuple[str, ...] = _CELERY


def roles(n_ingest: int, settings: Settings) -> list[Role]:
    """The processes of a service."""
    worker = ("worker", "--concurrency=1", "--loglevel=WARNING", "--without-gossip", "--without-mingle")
    ingest = [Role(f"ingest-{i + 1}", (*worker, "-Q", "ingest", "-n", f"ingest-{i + 1}@%h")) for i in range(n_ingest)]
    web = [Role("web", ("web",), program=("worker.cli",))] if settings.web else []
    return [
        *ingest,
        Role("cluster", (*worker, "-Q", "cluster,rebuild", "-n", "cluster@%h"), nice=True),
        Role("push", (*worker, "-Q", "push", "-n", "push@%h")),
        Role("feeds", (*worker, "-Q", "feeds,rebuild", "-n", "feeds@%h"), nice=True),
        Role("beat", ("beat", "--loglevel=WARNING", "-s", str(settings.data_dir / "beat"), "--pidfile=")),
        *web,
    ]


@dataclass(slots=True)
class Restarts:
    """When something that was started (`started_at`, by the monotonic clock) is to be started again."""

    started_at: float = field(default_factory=time.monotonic)
    pause: float = 0.0
    due_at: float | None = None

    def delay(self) -> float:
        """Sets when the next start is due, later each time unless it had run steadily; returns the pause."""
        now = time.monotonic()
        steady = now - self.started_at > _STEADY_SECONDS
        self.pause = _FIRST_PAUSE if steady or not self.pause else min(self.pause * 2, _LONGEST_PAUSE)
        self.due_at = now + self.pause
        return self.pause

    def is_due(self) -> bool:
        return self.due_at is not None and time.monotonic() >= self.due_at

    def done(self) -> None:
        """It has been started."""
        self.started_at, self.due_at = time.monotonic(), None


@dataclass(slots=True)
class Child:
    """A role's process."""

    role: Role
    process: subprocess.Popen[bytes]
    restarts: Restarts = field(default_factory=Restarts)


@dataclass(slots=True)
class Supervisor:
    """Starts the processes of a service, keeps them running, and ends them; `server` is the embedded one, if any."""

    settings: Settings
    url: str
    n_ingest: int
    tell: Callable[[str], None]
    environ: Mapping[str, str]
    server: embedded.Server | None = None
    children: list[Child] = field(default_factory=list)
    _server_restarts: Restarts = field(default_factory=Restarts)
    _alive: tuple[int, int] | None = None

    def start(self) -> None:
        """Starts every process."""
        self._alive = os.pipe()
        (self.settings.data_dir / "log").mkdir(parents=True, exist_ok=True)
        for role in roles(self.n_ingest, self.settings):
            self.children.append(Child(role, self._spawn(role)))

    def watch(self) -> None:
        """Starts again what has died; to be called again and again."""
        self._watch_server()
        for child in self.children:
            code = child.process.poll()
            if code is None:
                continue
            if child.restarts.due_at is None:
                pause = child.restarts.delay()
                log = self._log(child.role)
                self.tell(f"{child.role.name} ended with {code}; starting it again in {pause:g} s ({log} may tell why)")
            if child.restarts.is_due():
                _end_group(child)
                child.process = self._spawn(child.role)
                child.restarts.done()

    def _watch_server(self) -> None:
        if self.server is None or self.server.lives:
            return
        restarts = self._server_restarts
        if restarts.due_at is None:
            self.tell(f"the server ended; starting it again in {restarts.delay():g} s")
        if restarts.is_due():
            self.server.stop()
            try:
                server = embedded.start(self.settings.data_dir, tcp_port=self.server.port)
            except embedded.EmbeddedServerError as error:
                self.tell(f"{error}; trying again in {restarts.delay():g} s")
                return
            if server.started:  # else it is another command's, and ends with it
                self.server = server
                restarts.done()

    def stop(self) -> None:
        """Ends every process: asked first, then killed, each with its whole group; then the server."""
        for child in self.children:
            with contextlib.suppress(ProcessLookupError):
                child.process.send_signal(signal.SIGTERM)
        end = time.monotonic() + STOP_SECONDS
        for child in self.children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, end - time.monotonic()))
            _end_group(child)
            child.process.wait()
        self.children.clear()
        if self.server is not None:
            self.server.stop()
        if self._alive is not None:
            for descriptor in self._alive:
                os.close(descriptor)
            self._alive = None

    def _spawn(self, role: Role) -> subprocess.Popen[bytes]:
        if self._alive is None:
            raise UpError("the supervisor has not been started")
        command = [sys.executable, "-m", *role.program, *role.words]
        if role.nice and (nice := shutil.which("nice")):
            command = [nice, "-n", str(_NICE), *command]
        environ = dict(self.environ) | {
            "REDIS_URL": self.url,
            "DEDUP_PARENT_FD": str(self._alive[0]),
            "DEDUP_DATA_DIR": str(self.settings.data_dir),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        with self._log(role).open("ab") as log:
            process = subprocess.Popen(
                command, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, pass_fds=(self._alive[0],), cwd=self.settings.data_dir,
            )  # fmt: skip
        if role.nice:
            _give_way(process.pid)
        return process

    def _log(self, role: Role) -> Path:
        return self.settings.data_dir / "log" / f"{role.name}.log"


def _give_way(pid: int) -> None:
    """Has the session of a process give way to others. Linux shares processors among sessions first, where it groups by
    them (sched(7), the autogroup feature), and each of these processes has one of its own: then what `nice` says counts
    for nothing between two of them.
    """
    for _ in range(5):
        try:
            Path(f"/proc/{pid}/autogroup").write_text(str(_NICE))
        except BlockingIOError:
            time.sleep(_REFUSED_SECONDS)
        except OSError:
            return
        else:
            return


def _end_group(child: Child) -> None:
    """Kills what is left of a process and those it has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS refuses a group of dead processes
        os.killpg(child.process.pid, signal.SIGKILL)


@contextlib.contextmanager
def only_one(data_dir: Path) -> Iterator[None]:
    """Holds the data directory for one service."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock: IO[str] = (data_dir / "up.lock").open("a+")
    except OSError as error:
        raise UpError(
            f"cannot use the data directory {data_dir}: {error.strerror}. Choose another with --data-dir"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UpError(
                f"a service is already running on {data_dir}: stop it, or choose another directory with --data-dir"
            ) from error
        yield


@contextlib.contextmanager
def server_for(settings: Settings, tcp_port: int | None = None) -> Iterator[tuple[str, embedded.Server | None]]:
    """The server's URL, and the embedded server where it is one; what was started here is stopped at the end."""
    if settings.redis_url:
        yield settings.redis_url, None
        return
    server = embedded.start(settings.data_dir, tcp_port=tcp_port)
    try:
        yield server.url, server
    finally:
        server.stop()


@contextlib.contextmanager
def own_server(settings: Settings, tcp_port: int | None) -> Iterator[tuple[str, embedded.Server | None]]:
    """The same for a service, which needs a server that ends with it and not with a command that runs just now."""
    end = time.monotonic() + _BORROWED_SECONDS
    while True:
        with server_for(settings, tcp_port) as (url, server):
            if server is None or server.started:
                yield url, server
                return
        if time.monotonic() > end:
            raise UpError(
                f"another command holds the server of {settings.data_dir} (process {server.pid}): let it end first"
            )
        time.sleep(0.2)


def serve(
    settings: Settings, n_ingest: int, tcp_port: int | None, tell: Callable[[str], None], environ: Mapping[str, str]
) -> None:
    """Runs the service until SIGINT or SIGTERM."""
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    with only_one(settings.data_dir):
        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            with own_server(settings, tcp_port) as (url, server):
                supervisor = Supervisor(settings, url, n_ingest, tell, environ, server)
                try:
                    supervisor.start()
                    tell(f"service is up: {len(supervisor.children)} processes, logs in {settings.data_dir / 'log'}")
                    if server is not None:
                        tell(f"its server answers to: {server.cli_line}")
                    if settings.web:
                        tell(f"its web service listens on {settings.web_host}, port {settings.web_port or 'any'}")
                    while not stopping:
                        supervisor.watch()
                        time.sleep(0.2)
                    tell("stopping")
                finally:
                    supervisor.stop()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
