"""Ending with the process that started this one, by whatever death it ends."""

from __future__ import annotations

import os
import signal
import threading


def end_with(descriptor: int) -> None:
    """Ends this process once the pipe that this descriptor reads from is closed at its other end; -1: never."""
    if descriptor >= 0:
        threading.Thread(target=_wait, args=(descriptor,), name="parent", daemon=True).start()


def _wait(descriptor: int) -> None:
    while os.read(descriptor, 1):
        continue
    os.kill(os.getpid(), signal.SIGKILL)
