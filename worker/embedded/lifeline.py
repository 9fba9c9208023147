"""What ties a server to the process that started it: the server lives no longer than that process."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from worker.embedded import locks, watcher
from worker.embedded.place import Place

_held: Final[set[Lifeline]] = set()


class Lifeline:
    """The starting process's end: the write end of the watcher's pipe, and the owner's lock."""

    def __init__(self, place: Place, binary: Path, server_lock: int) -> None:
        """Start the watcher, which starts the server; both inherit the server's lock. Raises OSError."""
        self._release = threading.Lock()
        read_end, write_end = os.pipe()
        self._descriptors = [write_end]
        _held.add(self)
        try:
            self._descriptors.append(locks.take_anew(place.owner_lock))
            self._watcher = _spawn(place, binary, read_end, server_lock)
        except BaseException:
            self.drop()
            raise
        finally:
            os.close(read_end)

    @property
    def is_held(self) -> bool:
        """Whether this process still holds its end: not after `release`, and not in a forked child."""
        return bool(self._descriptors)

    def watcher_lives(self) -> bool:
        """Whether the watcher, and with it the server, is still there."""
        return self._watcher.poll() is None

    def release(self) -> None:
        """Let go, so that the watcher stops the server, and wait until it has; again is allowed."""
        with self._release:
            self.drop()
            with suppress(subprocess.TimeoutExpired):
                self._watcher.wait(watcher.GRACE_SECONDS + 5)

    def drop(self) -> None:
        """Close this process's descriptors without waiting."""
        _held.discard(self)
        while self._descriptors:
            os.close(self._descriptors.pop())


def _spawn(place: Place, binary: Path, read_end: int, server_lock: int) -> subprocess.Popen[bytes]:
    descriptor = os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", watcher.__file__, binary, place.config],
            stdin=read_end,
            stdout=descriptor,
            stderr=descriptor,
            cwd=place.home,
            umask=0o077,
            pass_fds=(server_lock,),
            start_new_session=True,
        )
    finally:
        os.close(descriptor)


@atexit.register
def _release_all() -> None:
    """An orderly exit waits for its servers, so that the next start meets none that is about to stop."""
    for lifeline in list(_held):
        lifeline.release()


def _drop_all() -> None:
    for lifeline in list(_held):
        lifeline.drop()


# A forked child that kept the descriptors would keep the server alive when its parent is killed.
os.register_at_fork(after_in_child=_drop_all)
