"""Runs a server, and stops it when the process that asked for it is gone.

A script of its own (`python -I -S watcher.py SERVER CONFIG`), so that it outlives its parent: standard input is a
pipe whose other end only the parent holds, and its end is the parent's end. Standard output takes the server's log.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import time

GRACE_SECONDS = 10
_ALLOCATION = "glibc.malloc.tcache_count=60000:glibc.malloc.mxfast=0:glibc.malloc.hugetlb=1"
"""What a thousand small writes free is kept for the next thousand, and not merged and split again: a fifth of the
server's time (median of seven runs each). And the kernel is asked for large pages, for keys lie anywhere in memory:
another tenth, a quarter in a server that has run for a while (in four turns of five runs each of what a drain asks
for). After a fork, what is written to is copied in small pages all the same. Other C libraries do not read it."""


def run(server: str, config: str) -> int:
    """Run the server until it ends; its exit code, or 128 and the number of the signal that ended it."""
    pid = os.fork()
    if pid == 0:
        _become(server, config)
    signal.signal(signal.SIGTERM, lambda _number, _frame: os.kill(pid, signal.SIGTERM))
    _thread.start_new_thread(_stop_at_end_of_input, (pid,))
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return code if code >= 0 else 128 - code


def _become(server: str, config: str) -> None:
    """Turn this process into the server: a session of its own, so that no ctrl-C at a terminal reaches it."""
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.putenv("LC_ALL", "C")  # a locale that does not exist on this machine keeps a server from starting
        os.putenv("GLIBC_TUNABLES", _ALLOCATION)
        os.execv(server, [server, config])
    except OSError as error:
        os.write(2, f"cannot run {server}: {error.strerror}\n".encode(errors="replace"))
    os._exit(127)


def _stop_at_end_of_input(pid: int) -> None:
    while os.read(0, 1):
        pass
    try:
        os.kill(pid, signal.SIGTERM)  # write and sync the append-only file, then exit
        time.sleep(GRACE_SECONDS)
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # it has ended, and with it this script is about to


if __name__ == "__main__":
    # Not sys.exit: the thread still reads, and nothing is left to be cleaned up.
    os._exit(run(*sys.argv[1:]))
