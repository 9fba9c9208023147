"""The service does what its description says, whatever the description allows to be sent, and never fails at it."""

from __future__ import annotations

import json

import httpx
import jsonschema
import pytest

from tests.integration.web_fuzz import fuzz
from tests.integration.world import clusterer, ingest, seed_lines
from worker.store.store import Store

NOW = 1_767_323_045.0


@pytest.fixture
def web(opened: httpx.Client, store: Store) -> httpx.Client:
    """The same, with the sample articles in its store."""
    ingest(store, *seed_lines())
    clusterer(store).run(NOW)
    return opened


def test_the_description_names_every_way_in_and_out(web: httpx.Client) -> None:
    schema = web.get("/openapi.json").json()
    assert {(method, path) for path, methods in schema["paths"].items() for method in methods} == {
        ("post", "/articles"), ("get", "/articles/{article_id}"), ("get", "/articles/{article_id}/explanation"),
        ("get", "/stories"), ("get", "/stories/{story_id}"), ("get", "/storylines/{storyline_id}"),
        ("get", "/families/{family_id}"), ("get", "/changes"), ("get", "/feeds/stories.atom"),
        ("get", "/feeds/stories.json"), ("post", "/hooks/miniflux"), ("post", "/hooks/freshrss"),
    }  # fmt: skip
    assert "HTTPValidationError" not in json.dumps(schema)


def test_nothing_that_the_description_allows_makes_the_service_fail(web: httpx.Client) -> None:
    sent = fuzz(web, n_examples=6)
    assert sent.failures == []
    assert sent.n > 12 * 6
    assert {200, 202, 404, 422} <= sent.statuses.keys()


def test_every_answer_has_the_shape_that_is_described(web: httpx.Client) -> None:
    own = web.get("/articles/seed-r2-wire-near").json()
    paths = [
        ("/articles/{article_id}", "/articles/seed-r2-wire-near"),
        ("/articles/{article_id}", "/articles/seed-r2-wire-near?whole=true"),
        ("/articles/{article_id}/explanation", "/articles/seed-r2-wire-near/explanation"),
        ("/articles/{article_id}/explanation", "/articles/seed-r2-wire-near/explanation?story=true"),
        ("/articles/{article_id}/explanation", "/articles/seed-r2-wire-near/explanation?other=seed-r1-wire"),
        ("/stories/{story_id}", f"/stories/{own['story']}"),
        ("/storylines/{storyline_id}", f"/storylines/{own['storyline']}"),
        ("/families/{family_id}", f"/families/{own['family']}"),
        ("/stories", "/stories"),
        ("/changes", "/changes"),
    ]
    schema = web.get("/openapi.json").json()
    for described, path in paths:
        answer = schema["paths"][described]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema.validate(web.get(path).json(), {**answer, "components": schema["components"]})
