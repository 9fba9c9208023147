"""`dedup up` ends as it should: all of it, in time, with its data kept; and goes on when its server dies."""

from __future__ import annotations

import signal
import socket
import time
from pathlib import Path

import httpx
import pytest

from benchmarks.articles import make_payloads
from benchmarks.processes import remaining, tree
from benchmarks.service import await_ready, begin, running, wait_for
from worker import embedded
from worker.client import Client

AUTOGROUP = Path("/proc/self/autogroup")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def push_and_await(client: Client, payloads: list[bytes]) -> list[str]:
    """Pushes, and waits until every article can be read."""
    ids = client.push(payloads).accepted
    wait_for(lambda: all(client.lookup(name) for name in ids), 90, "every article can be read", every=0.3)
    return ids


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything_in_time_and_the_data_is_there_at_the_next_start(
    number: signal.Signals, tmp_path: Path
) -> None:
    service = begin(tmp_path / "data")
    await_ready(service)
    with Client(service.url) as client:
        ids = push_and_await(client, make_payloads(300))
    pids = [process.pid for process in tree(service.up.pid)]
    begun = time.monotonic()
    service.up.send_signal(number)
    assert service.up.wait(30) == 0
    assert time.monotonic() - begun < 20
    assert remaining(pids, 1) == []
    with running(tmp_path / "data") as again, Client(again.url) as client:
        assert all(client.lookup(name) for name in ids)


def test_a_signal_while_the_service_is_starting_leaves_nothing(tmp_path: Path) -> None:
    for seconds in (0.5, 1.5, 3.0):
        service = begin(tmp_path / "data")
        time.sleep(seconds)
        pids = [process.pid for process in tree(service.up.pid)]
        service.up.terminate()
        service.up.wait(20)
        assert remaining(pids, 5) == []
    assert embedded.find(tmp_path / "data") is None


def test_a_server_that_died_is_back_at_the_same_address_with_its_data(tmp_path: Path) -> None:
    with running(tmp_path / "data") as service, Client(service.url) as client:
        before = push_and_await(client, make_payloads(100))
        service.kill_server()
        push_and_await(client, make_payloads(100, seed=2))
        assert all(client.lookup(name) for name in before)
        assert service.told().count("the server ended; starting it again") == 1


@pytest.mark.skipif(
    not (AUTOGROUP.exists() and AUTOGROUP.read_text()), reason="the kernel does not group processes by session"
)
def test_who_clusters_gives_way_to_who_takes_articles_in(tmp_path: Path) -> None:
    told = {}
    with running(tmp_path / "data") as service:
        for name in ("ingest-1", "cluster"):
            process = service.role(name)
            assert process is not None
            told[name] = Path(f"/proc/{process.pid}/autogroup").read_text().split()[-1]
    assert told == {"ingest-1": "0", "cluster": "10"}


def test_the_web_service_is_part_of_it_and_ends_with_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
    settings = {"DEDUP_WEB": "1", "DEDUP_WEB_PORT": port, "DEDUP_WEB_TOKEN": "write-token-of-the-tests"}
    service = begin(tmp_path / "data", environ=settings)
    await_ready(service)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as web:

        def answers(path: str) -> bool:
            try:
                return web.get(path).status_code == httpx.codes.OK
            except httpx.TransportError:
                return False

        wait_for(lambda: answers("/stories"), 60, "the web service answers", every=0.3)
        headers = {"Authorization": "Bearer write-token-of-the-tests"}
        pushed = web.post("/articles", json={"id": "web:1", "text": "The ferry sails again."}, headers=headers)
        assert pushed.json()["accepted"] == ["web:1"]
        wait_for(lambda: answers("/articles/web:1"), 60, "the article can be read", every=0.3)
    pids = [process.pid for process in tree(service.up.pid)]
    service.up.kill()
    service.up.wait(20)
    assert remaining(pids, 20) == []
