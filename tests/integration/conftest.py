"""The web service that several files of tests ask."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.integration.web_service import everything, serving
from worker import embedded
from worker.store.store import Store


@pytest.fixture(scope="module")
def opened(live_server: embedded.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A service on loopback with a write token and both hooks."""
    with serving(live_server.url, tmp_path_factory.mktemp("opened") / "log", **everything()) as client:
        yield client


@pytest.fixture
def web(opened: httpx.Client, store: Store) -> httpx.Client:
    """The same, with nothing in its store."""
    assert store.connection.ping()
    return opened
