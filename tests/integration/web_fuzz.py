"""What a machine sends that has read the description of the web service: what it allows, and what it does not."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

import httpx
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from tests.integration.web_service import FRESHRSS_TOKEN, MINIFLUX_SECRET, WRITES
from worker.web.miniflux import signature

KINDS: Final = ("family", "story", "storyline")

_FAILED: Final = 500
_SECONDS: Final = 20


@dataclass(slots=True)
class Sent:
    """How many requests were sent, and those at which the service failed."""

    n: int = 0
    failures: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    known: Mapping[str, str] = field(default_factory=dict)


def known_ids(client: httpx.Client) -> dict[str, str]:
    """An id of each kind that can be looked up, by the name of the parameter."""
    for story in client.get("/stories").json():
        name = client.get(f"/stories/{story['id']}").json()["articles"][0]
        own = client.get(f"/articles/{quote(name, safe='')}").json()
        return {"article_id": name} | {f"{kind}_id": own[kind] for kind in KINDS}
    return {}


def fuzz(client: httpx.Client, n_examples: int, seeded: int = 1) -> Sent:
    """Sends so many requests to each route that are valid, and so many that are not.

    Every other one that needs an id is given one that is there, where there is any.
    """
    described: Any = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    sent = Sent(known=known_ids(client))
    with requests.Session() as session:
        session.trust_env = False
        for operation in (result.ok() for result in described.get_all_operations()):
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                cases = operation.as_strategy(generation_mode=mode)
                _send_all(session, str(client.base_url), cases, (n_examples, seeded), sent)
    return sent


def _send_all(session: requests.Session, base_url: str, cases: Any, how: tuple[int, int], sent: Sent) -> None:
    n_examples, seeded = how

    @seed(seeded)
    @settings(
        max_examples=n_examples, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(cases)
    def send(case: Any) -> None:
        if sent.n % 2:
            _use_known(case, sent.known)
        request = _with_secrets(session, case.as_transport_kwargs(base_url=base_url))
        answer = session.send(request, timeout=_SECONDS, allow_redirects=False)
        sent.n += 1
        sent.statuses[answer.status_code] += 1
        if answer.status_code >= _FAILED:
            sent.failures.append(f"{answer.status_code} {request.method} {request.url} {request.body!r:.200}")

    with contextlib.suppress(Unsatisfiable):  # there is nothing that could be wrong about an article's id
        send()


def _use_known(case: Any, known: Mapping[str, str]) -> None:
    for name in known.keys() & set(case.path_parameters or {}):
        case.path_parameters[name] = known[name]
    if case.path.endswith("/explanation"):  # of stories these take as long as a run: other tests have them
        case.query = {name: value for name, value in (case.query or {}).items() if name not in {"story", "other"}}


def _with_secrets(session: requests.Session, given: dict[str, Any]) -> requests.PreparedRequest:
    """The request with what gets it past the door: it is what is behind that is looked at."""
    path = given["url"].partition("/hooks/")[2]
    headers = {**given["headers"], **(WRITES if given["method"] == "POST" and not path else {})}
    if path.startswith("freshrss"):
        given["params"] = {**given.get("params", {}), "token": FRESHRSS_TOKEN}
    request = session.prepare_request(requests.Request(**{**given, "headers": headers}))
    if path.startswith("miniflux"):
        body = request.body or b""
        raw = body if isinstance(body, bytes) else str(body).encode()
        request.headers["X-Miniflux-Signature"] = signature(MINIFLUX_SECRET, raw)
    return request
