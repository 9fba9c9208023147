"""A real service for the length of a measurement or a test: `dedup up` on a directory of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from benchmarks.processes import Process, remaining, tree
from worker import embedded

ROOT: Final = Path(__file__).parents[1]
START_SECONDS: Final = 30.0
END_SECONDS: Final = 20.0

T = TypeVar("T")


class ServiceError(Exception):
    """The service did not do what it should; the message has what it told last."""


@dataclass(slots=True)
class Service:
    """`dedup up` and its processes; `n_killed` counts the kills."""

    up: subprocess.Popen[bytes]
    data_dir: Path
    log: Path
    url: str = ""
    n_killed: int = 0

    def role(self, name: str) -> Process | None:
        """The main process of a role (`ingest-1`, `cluster`, `push`, `beat`), None where it is dead."""
        sought = "celery -A worker.app beat" if name == "beat" else f"-n {name}@"
        return next((one for one in tree(self.up.pid) if one.parent == self.up.pid and sought in one.command), None)

    def pids(self, name: str) -> list[int]:
        """The processes of a role, none where it is dead."""
        role = self.role(name)
        return [process.pid for process in tree(role.pid)] if role is not None else []

    def kill(self, name: str) -> None:
        """SIGKILL for a role's whole process group; one that is dead is waited for."""
        os.killpg(wait_for(lambda: self.role(name), 60, f"{name} runs").pid, signal.SIGKILL)
        self.n_killed += 1

    def kill_server(self) -> None:
        """SIGKILL for the server alone."""
        server = wait_for(lambda: embedded.find(self.data_dir), START_SECONDS, "the server answers")
        os.kill(server.pid, signal.SIGKILL)
        self.n_killed += 1

    def told(self) -> str:
        """What the command has written to standard error."""
        return self.log.read_text(errors="replace")


def wait_for(look: Callable[[], T | None], seconds: float, what: str, every: float = 0.05) -> T:
    """The first thing that is found, looked for again and again; raises `ServiceError` after so many seconds."""
    end = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > end:
            raise ServiceError(f"not after {seconds:g} s: {what}")
        time.sleep(every)
    return found


def begin(data_dir: Path, n_ingest: int = 2, environ: dict[str, str] | None = None) -> Service:
    """Starts `dedup up`, without the web service unless `environ` says otherwise; it need not be ready yet."""
    log = data_dir.with_name(data_dir.name + ".log")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DEDUP_", "REDIS_URL"))}
    with log.open("wb") as out:
        up = subprocess.Popen(
            [sys.executable, "-m", "worker.cli", "up", "--data-dir", str(data_dir), "--workers", str(n_ingest)],
            env=clean | {"PYTHONPATH": str(ROOT), "DEDUP_WEB": "0"} | (environ or {}), cwd=ROOT,
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    return Service(up, data_dir, log)


def await_ready(service: Service) -> None:
    """Waits until the command says that the service is up."""
    wait_for(
        lambda: "service is up" in service.told() or service.up.poll() is not None, START_SECONDS, "the service is up"
    )
    server = embedded.find(service.data_dir)
    if server is None or service.up.poll() is not None:
        raise ServiceError(f"the service did not start: {service.told()}")
    service.url = server.url


@contextlib.contextmanager
def running(data_dir: Path, n_ingest: int = 2, environ: dict[str, str] | None = None) -> Iterator[Service]:
    """A service for the length of the block; raises `ServiceError` where a process of it is left at the end."""
    service = begin(data_dir, n_ingest, environ)
    pids: set[int] = set()
    try:
        await_ready(service)
        yield service
    finally:
        pids |= {process.pid for process in tree(service.up.pid)}
        service.up.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            service.up.wait(END_SECONDS)
        service.up.kill()
        service.up.wait()
        left = remaining(pids, 5)
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
    if left:
        raise ServiceError(f"left behind: {[process.command for process in left]}")
