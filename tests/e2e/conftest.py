"""The command as its users have it: in this process, in one of its own, and away from everybody's data and settings."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from worker.cli import main

REPOSITORY = Path(__file__).parents[2]
PATIENCE_SECONDS = 100.0
SHARED = "DEDUP_SHARED"
"""Where the tests find data that are not part of the repository."""


@dataclass(frozen=True)
class Ran:
    """What a command left: its exit code, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> list[str]:
        """The lines on standard error, but for the one that tells of the server started meanwhile."""
        return [line for line in self.err.splitlines() if "was started for this command alone" not in line]


Environ = Callable[[Path], dict[str, str]]


@pytest.fixture(scope="session")
def user_environ() -> Environ:
    """Gives the environment of a user whose home is this directory and who has set nothing."""
    return _environ


def _environ(home: Path) -> dict[str, str]:
    home.mkdir(exist_ok=True)
    mine = ("DEDUP_", "REDIS_URL", "XDG_DATA_HOME")
    environ = {name: value for name, value in os.environ.items() if name == SHARED or not name.startswith(mine)}
    return environ | {"HOME": str(home), "PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": ""}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, and an environment without settings, for every test."""
    folder = tmp_path / "home"
    environ = _environ(folder)
    for name in os.environ.keys() - environ.keys():
        monkeypatch.delenv(name)
    for name in ("HOME", "PYTHONPATH", "PYTHONUNBUFFERED"):
        monkeypatch.setenv(name, environ[name])
    return folder


@pytest.fixture
def dedup(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """The command in this process. What it raises, and does not tell its user in words, fails the test."""

    def run(*words: object) -> Ran:
        capsys.readouterr()
        try:
            code: Any = main([str(word) for word in words])
        except SystemExit as end:
            code = end.code
        told = capsys.readouterr()
        return Ran(code, told.out, told.err)

    return run


@pytest.fixture
def shell() -> Callable[..., Ran]:
    """The command in a process of its own: `before` are the words of what starts it, `given` is its standard input."""

    def run(*words: object, given: bytes = b"", before: tuple[str, ...] = (), **environ: str) -> Ran:
        ended = subprocess.run(
            [*before, sys.executable, "-m", "worker.cli", *map(str, words)],
            input=given, env={**os.environ, **environ}, capture_output=True, timeout=PATIENCE_SECONDS, check=False,
        )  # fmt: skip
        return Ran(ended.returncode, ended.stdout.decode(), ended.stderr.decode())

    return run
