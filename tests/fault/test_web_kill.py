"""The web service is killed while it takes articles in: what it had accepted is there, and to push again is safe."""

from __future__ import annotations

import json
import random
import threading
import time
from functools import partial
from pathlib import Path
from typing import Final

import httpx
import pytest

from benchmarks.service import wait_for
from tests.integration.web_service import WRITES, everything, serving, started
from tests.integration.world import article, drain, text
from worker.store.store import Store

N_KILLS: Final = 6
N_PUSHERS: Final = 4

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600)]


class Pusher(threading.Thread):
    """Pushes one article after the other until nobody answers; `asked` and `accepted` are their ids."""

    def __init__(self, address: str, name: str) -> None:
        super().__init__(daemon=True)
        self.address = address
        self.asked: list[str] = []
        self.accepted: list[str] = []
        self.name = name

    def run(self) -> None:
        with httpx.Client(base_url=self.address, timeout=60, trust_env=False) as client:
            while True:
                name = f"{self.name}-{len(self.asked)}"
                self.asked.append(name)
                try:
                    answer = client.post("/articles", content=body(name), headers=WRITES)
                except httpx.TransportError:
                    return
                self.accepted += answer.json()["accepted"]


def all_answered(pushers: list[Pusher]) -> bool:
    return all(one.accepted for one in pushers)


def body(name: str) -> bytes:
    return json.dumps(article(name, text(name, 40))).encode()


def test_nothing_that_was_accepted_is_lost_and_what_was_not_answered_can_be_pushed_again(
    store: Store, server_url: str, tmp_path: Path
) -> None:
    pauses = random.Random(1)
    pushers: list[Pusher] = []
    for kill in range(N_KILLS):
        with started(server_url, tmp_path / "log", **everything()) as (process, address):
            own = [Pusher(address, f"{kill}-{i}") for i in range(N_PUSHERS)]
            for one in own:
                one.start()
            wait_for(partial(all_answered, own), 60, "every pusher has been answered")
            time.sleep(pauses.uniform(0, 0.3))
            process.kill()
            for one in own:
                one.join(60)
                assert not one.is_alive()
            pushers += own
    accepted = {name for one in pushers for name in one.accepted}
    asked = {name for one in pushers for name in one.asked}
    assert len(asked - accepted) == N_KILLS * N_PUSHERS
    waiting = [json.loads(payload)["id"] for _, payload in store.inbox.scan()]
    assert accepted <= set(waiting) <= asked
    assert len(waiting) == len(set(waiting))
    with serving(server_url, tmp_path / "log", **everything()) as client:
        for name in sorted(asked):
            assert client.post("/articles", content=body(name), headers=WRITES).json()["accepted"] == [name]
    drain(store)
    assert set(store.articles.seen_between(0, time.time())) == asked
    assert {revision for (revision,) in store.articles.fields(sorted(asked), ["revision"])} == {"0"}
    assert store.articles.count() == (len(asked), len(asked))
