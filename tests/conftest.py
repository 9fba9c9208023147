"""What all tests have: gold sets where they are at hand, a real server, and property tests that no slow machine
can fail.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from dedup.pipeline import Params, fingerprint
from worker import embedded
from worker.store.connection import connect
from worker.store.store import Store, open_store

REPOSITORY = Path(__file__).parents[1]

settings.register_profile("any-machine", deadline=None, print_blob=True)
settings.load_profile("any-machine")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Begun in the background of a script, where processes are told not to heed ctrl-C and their children inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of gold sets and source documents that lies beside the repository, or where DEDUP_SHARED says."""
    folder = Path(os.environ.get("DEDUP_SHARED") or REPOSITORY.parent / "shared")
    if not folder.is_dir():
        pytest.skip(f"the folder of shared test data is absent: {folder} (DEDUP_SHARED names another)")
    return folder


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of this repository."""
    return REPOSITORY


def _server_programs() -> list[Path | None]:
    """The packaged server (None) and, where it is of version 7 or newer, the redis-server of PATH."""
    path = shutil.which("redis-server")
    if path is None:
        return [None]
    told = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    version = re.search(r"v=(\d+)", told)
    return [None, Path(path)] if version and int(version[1]) >= 7 else [None]


@pytest.fixture(scope="session", params=_server_programs(), ids=lambda program: "redis" if program else "packaged")
def live_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Server]:
    """An embedded server that lives as long as the tests. Use `server_url`, which finds it empty."""
    server = embedded.start(tmp_path_factory.mktemp("server"), binary=request.param)
    yield server
    server.stop()


@pytest.fixture
def server_url(live_server: embedded.Server) -> str:
    """The URL of a real server with nothing in it."""
    connection = connect(live_server.url)
    connection.flushall()
    connection.close()
    return live_server.url


@pytest.fixture
def store(server_url: str) -> Iterator[Store]:
    """An empty store on a real server, under the default prefix, of this version."""
    opened = open_store(connect(server_url), "dedup:")
    opened.index.claim(fingerprint(Params()))
    yield opened
    opened.connection.close()
