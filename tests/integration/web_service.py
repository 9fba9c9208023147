"""The web service as a process of its own, on a free port, with settings of its own and nobody else's."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx

TOKEN: Final = "write-token-of-the-tests"
READ_TOKEN: Final = "read-token-of-the-tests"
MINIFLUX_SECRET: Final = "miniflux-secret-of-tests"
FRESHRSS_TOKEN: Final = "freshrss-token-of-tests"
WRITES: Final = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
PATIENCE_SECONDS: Final = 60.0

_ROOT: Final = Path(__file__).parents[2]


@contextlib.contextmanager
def started(url: str, log: Path, **settings: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """`dedup web` in front of the server at this URL, and its address; what the process says goes to `log`."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("DEDUP_", "REDIS_URL"))}
    environ |= {"REDIS_URL": url, "PYTHONPATH": str(_ROOT), "HOME": str(log.parent), **settings}
    command = [sys.executable, "-m", "worker.cli", "web", "--port", "0"]
    with log.open("wb") as out, subprocess.Popen(command, env=environ, stdout=out, stderr=out) as process:
        try:
            yield process, _address(process, log)
        finally:
            process.terminate()
            process.wait(20)


@contextlib.contextmanager
def serving(url: str, log: Path, **settings: str) -> Iterator[httpx.Client]:
    """A client of the same."""
    with (
        started(url, log, **settings) as (_, address),
        httpx.Client(base_url=address, timeout=30, trust_env=False) as client,
    ):
        yield client


def everything() -> dict[str, str]:
    """Settings under which all of it is open to who has the secrets."""
    return {
        "DEDUP_WEB_TOKEN": TOKEN,
        "DEDUP_WEB_MINIFLUX_SECRET": MINIFLUX_SECRET,
        "DEDUP_WEB_FRESHRSS_TOKEN": FRESHRSS_TOKEN,
        "DEDUP_WEB_MAX_BYTES": "1000000",
        "DEDUP_MAX_ARTICLE_BYTES": "200000",
    }


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        if found := re.search(r"serving (http://\S+)", log.read_text(encoding="utf-8")):
            return found[1]
        assert process.poll() is None, log.read_text(encoding="utf-8")
        time.sleep(0.05)
    raise AssertionError(log.read_text(encoding="utf-8"))
