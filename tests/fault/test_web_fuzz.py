"""The web service is sent all that its description allows, and much that it does not, for a good while."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.web_fuzz import fuzz
from tests.integration.web_service import everything, serving
from tests.integration.world import clusterer, ingest, seed_lines
from worker.store.store import Store

N_EXAMPLES = 100
"""Of each route, and as many that are wrong."""

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600)]


def test_the_web_service_fails_at_nothing(store: Store, server_url: str, tmp_path: Path) -> None:
    ingest(store, *seed_lines())
    clusterer(store).run(1_767_323_045.0)
    with serving(server_url, tmp_path / "log", **everything()) as client:
        sent = fuzz(client, n_examples=N_EXAMPLES, seeded=2)
        assert client.get("/articles/seed-r1-wire").json()["status"] == "clustered"
    assert sent.failures == []
    assert sent.n > 12 * N_EXAMPLES
    assert "Traceback" not in (tmp_path / "log").read_text(encoding="utf-8")
