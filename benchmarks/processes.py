"""The processes of this machine, as `ps` and the kernel tell of them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """One live process: its id, its parent's, its group's, and its command line."""

    pid: int
    parent: int
    group: int
    command: str


def processes() -> dict[int, Process]:
    """Every live process by id; those that have ended and wait for their parents are not told of."""
    told = subprocess.run(
        ["ps", "-axww", "-o", "pid=,ppid=,pgid=,stat=,args="],  # noqa: S607 - from PATH, as on every system
        capture_output=True, text=True, check=True, errors="replace",
    ).stdout  # fmt: skip
    rows = (line.split(None, 4) for line in told.splitlines())
    return {
        int(row[0]): Process(int(row[0]), int(row[1]), int(row[2]), row[4])
        for row in rows
        if len(row) == 5 and not row[3].startswith("Z")
    }


def tree(root: int) -> list[Process]:
    """A process and all that descend from it."""
    known = processes()
    found = [known[root]] if root in known else []
    for process in found:
        found += [one for one in known.values() if one.parent == process.pid]
    return found


def remaining(pids: Iterable[int], seconds: float) -> list[Process]:
    """Those of these processes that have not ended after so many seconds."""
    wanted, end = set(pids), time.monotonic() + seconds
    while True:
        left = [process for pid, process in processes().items() if pid in wanted]
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.1)


def cpu_seconds(pids: Iterable[int]) -> float:
    """Processor time of these processes so far; 0 where the kernel does not tell it in /proc."""
    total = 0
    for pid in pids:
        status = Path(f"/proc/{pid}/stat")
        if status.exists():
            fields = status.read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def stopped(pids: Iterable[int]) -> Iterator[None]:
    """Halts processes for the length of the block; they may be killed in it."""
    halted = list(pids)
    for pid in halted:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in halted:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
