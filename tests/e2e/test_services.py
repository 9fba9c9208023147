"""`dedup up` as it is used: real processes, reached by every way in and read by every way out."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
import redis
from celery import Celery

from worker import embedded
from worker.client import ArticleEntry, Client
from worker.settings import celery_url

pytestmark = pytest.mark.slow

Run = Callable[..., Any]
Environ = Callable[[Path], dict[str, str]]

START_SECONDS: Final = 90.0
STOP_SECONDS: Final = 20.0
FAMILY_SECONDS: Final = 2.0
STORY_SECONDS: Final = 10.0
PATIENCE_SECONDS: Final = 30.0

_numbers = count(1)


@dataclass(frozen=True)
class Service:
    """A running `dedup up`, and a client of it."""

    process: subprocess.Popen[bytes]
    data_dir: Path
    url: str
    client: Client


@contextmanager
def running(folder: Path, environ: dict[str, str]) -> Iterator[Service]:
    """A service that has taken in an article and given it a story; stopped at the end if it still runs."""
    data_dir = folder / "data"
    with (folder / "told").open("wb") as told:
        command = [sys.executable, "-m", "worker.cli", "up", "--workers", "1", "--data-dir", str(data_dir)]
        process = subprocess.Popen(command, env=environ | {"DEDUP_WEB": "0"}, stderr=told, start_new_session=True)
    try:
        wait_for(lambda: "service is up" in (folder / "told").read_text(), START_SECONDS)
        server = embedded.find(data_dir)
        assert server is not None
        with Client(server.url) as client:
            one = Service(process, data_dir, server.url, client)
            [first] = client.push([article("first")]).accepted
            wait_for(lambda: is_clustered(one, first), START_SECONDS)
            yield one
    finally:
        process.terminate()
        assert process.wait(STOP_SECONDS) == 0


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory, user_environ: Environ) -> Iterator[tuple[Service, Service]]:
    """Two services of one machine, each on its own data directory."""
    here, there = (tmp_path_factory.mktemp(name) for name in ("one", "other"))
    with running(here, user_environ(here)) as one, running(there, user_environ(there)) as other:
        yield one, other


@pytest.fixture
def service(services: tuple[Service, Service]) -> Service:
    return services[0]


def article(about: str, **fields: str) -> dict[str, str]:
    """An article that is like no other: its id is new, and so are most of its words."""
    number = next(_numbers)
    words = " ".join(f"{about.replace(' ', '')}{number}x{i}" for i in range(60))
    return {"id": f"{about}-{number}", "title": f"On {about}, part {number}", "text": words, **fields}


def found(service: Service, article_id: str) -> ArticleEntry:
    wait_for(lambda: service.client.lookup(article_id) is not None)
    entry = service.client.lookup(article_id)
    assert entry is not None
    return entry


def is_clustered(service: Service, *ids: str) -> bool:
    entries = [service.client.lookup(article_id) for article_id in ids]
    return all(entry is not None and entry.status == "clustered" for entry in entries)


def wait_for(holds: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> float:
    """Waits until it holds; returns how many seconds that took."""
    start = time.monotonic()
    while not holds():
        assert time.monotonic() - start < seconds, f"not within {seconds:g} s"
        time.sleep(0.02)
    return time.monotonic() - start


def test_two_services_of_one_machine_do_not_see_each_other(services: tuple[Service, Service]) -> None:
    one, other = services
    mine = one.client.push([article("mine") for _ in range(5)]).accepted
    theirs = other.client.push([article("theirs") for _ in range(5)]).accepted
    wait_for(lambda: is_clustered(one, *mine) and is_clustered(other, *theirs))
    for here, seen, unseen in ((one, mine, theirs), (other, theirs, mine)):
        assert [here.client.lookup(name) for name in unseen] == [None] * 5
        listed = {name for story in here.client.stories(1_000) for name in here.client.story_articles(story.id)}
        assert listed >= set(seen)
        assert not listed & set(unseen)


def test_a_second_service_on_a_data_directory_is_refused(service: Service, shell: Run) -> None:
    ran = shell("up", "--data-dir", service.data_dir)
    assert (ran.code, ran.out) == (1, "")
    [line] = ran.said
    assert line.startswith(f"dedup: a service is already running on {service.data_dir}: stop it, or choose another")
    assert service.process.poll() is None
    assert found(service, service.client.push([article("undisturbed")]).accepted[0]).kind == "new"


def test_an_article_added_to_the_stream_by_any_client_arrives(service: Service) -> None:
    one = article("stream", url="https://example.org/stream", source="Any Client")
    with redis.Redis.from_url(service.url, decode_responses=True) as connection:
        connection.xadd("dedup:inbox", {"json": json.dumps(one)})
        assert found(service, one["id"]).source == "Any Client"
        fields = connection.hgetall(f"dedup:article:{one['id']}")
    assert isinstance(fields, dict)
    assert fields["kind"] == "new"
    assert fields["representative"] == one["id"]


def test_articles_sent_by_a_celery_producer_arrive(service: Service) -> None:
    single, several = article("task"), [article("task"), article("task")]
    with Celery("producer", broker=celery_url(service.url)) as producer:
        producer.conf.broker_transport_options = {"global_keyprefix": "dedup:private:celery:"}
        producer.send_task("worker.tasks.push", args=[single], queue="push")
        producer.send_task("worker.tasks.push", args=[several], queue="push")
        producer.close()
    assert [found(service, one["id"]).kind for one in (single, *several)] == ["new"] * 3


def test_an_article_has_its_family_within_seconds_and_a_story_soon_after(service: Service) -> None:
    """The quicker of three, for another program may have the machine for a moment."""
    to_family, to_story = [], []
    for _ in range(3):
        [name] = service.client.push([article("quick")]).accepted
        to_family.append(wait_for(lambda name=name: service.client.lookup(name) is not None))  # type: ignore[misc]
        to_story.append(wait_for(lambda name=name: is_clustered(service, name)) + to_family[-1])  # type: ignore[misc]
    assert min(to_family) < FAMILY_SECONDS
    assert min(to_story) < STORY_SECONDS


def test_every_article_is_in_one_family_and_one_story_however_often_it_was_pushed(service: Service) -> None:
    several = [article("once") for _ in range(120)]
    copies = [{**one, "id": f"{one['id']}-copy"} for one in several[:40]]
    wanted = {one["id"] for one in (*several, *copies)}
    for _ in range(2):
        service.client.push([*several, *copies])
    service.client.push(copies)
    wait_for(lambda: is_clustered(service, *wanted))
    with redis.Redis.from_url(service.url, decode_responses=True) as connection:
        wait_for(lambda: connection.xlen("dedup:inbox") == 0)
        for what in ("family", "story"):
            keys = sorted(connection.scan_iter(f"dedup:{what}:*:articles"))
            members = Counter(name for key in keys for name in connection.zrange(key, 0, -1))
            assert {members[name] for name in wanted} == {1}
            sizes = {key: int(str(connection.hget(key.removesuffix(":articles"), "n_articles"))) for key in keys}
            assert sizes == {key: connection.zcard(key) for key in keys}
    entries = {name: service.client.lookup(name) for name in sorted(wanted)}
    kinds = Counter(entry.kind for entry in entries.values() if entry is not None)
    assert kinds == {"new": 120, "copy": 40}


def test_a_report_is_made_on_demand_by_a_running_service(service: Service, dedup: Run) -> None:
    one = article("report", source="The Reporter")
    copies = [one, *({**one, "id": f"{one['id']}-copy-{i}"} for i in range(9))]  # the largest story is told first
    service.client.push(copies)
    wait_for(lambda: is_clustered(service, *(copy["id"] for copy in copies)))
    ran = dedup("report", "--period", "hour", "--data-dir", service.data_dir)
    assert (ran.code, ran.err) == (0, "")
    assert one["title"] in ran.out
    assert json.loads(dedup("report", "--json", "--data-dir", service.data_dir).out)["period"]["kind"] == "day"


def test_a_running_service_is_used_and_not_another_server_started(service: Service, dedup: Run) -> None:
    ran = dedup("status", "--json", "--data-dir", service.data_dir)
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out)["articles"] >= 1


def test_changes_are_followed_as_they_happen(service: Service) -> None:
    command = [sys.executable, "-m", "worker.cli", "changes", "--follow", "--json", "--data-dir", str(service.data_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as following:
        try:
            told = lines_of(following)
            first = json.loads(told.get(timeout=PATIENCE_SECONDS))
            [name] = service.client.push([article("followed")]).accepted
            while name not in (change := json.loads(told.get(timeout=PATIENCE_SECONDS)))["articles"]:
                continue
            following.send_signal(signal.SIGINT)
            following.wait(STOP_SECONDS)
            assert following.stderr is not None
            assert following.stderr.read() == b""
        finally:
            following.kill()
    assert first["kind"] == "born"
    assert (change["kind"], change["n_articles"]) == ("born", 1)


def lines_of(process: subprocess.Popen[bytes]) -> queue.Queue[bytes]:
    """The lines of a process's standard output, as they come."""
    lines: queue.Queue[bytes] = queue.Queue()
    output = process.stdout
    assert output is not None

    def read() -> None:
        for line in output:
            lines.put(line)

    threading.Thread(target=read, daemon=True).start()
    return lines


def test_ctrl_c_ends_a_service_whole_and_what_it_knew_is_there_again(tmp_path: Path, dedup: Run) -> None:
    with running(tmp_path, dict(os.environ)) as one:
        [name] = one.client.push([article("lasting")]).accepted
        wait_for(lambda: is_clustered(one, name))
        processes = descendants(one.process.pid)
        assert len(processes) >= 6
        start = time.monotonic()
        os.killpg(one.process.pid, signal.SIGINT)
        assert one.process.wait(STOP_SECONDS) == 0
        assert time.monotonic() - start < STOP_SECONDS
    assert processes & set(living()) == set()
    assert embedded.find(one.data_dir) is None
    shown = dedup("show", name, "--json", "--data-dir", one.data_dir)
    assert json.loads(shown.out)["status"] == "clustered"


def living() -> dict[int, int]:
    """The parent of each process that has not ended."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listed.splitlines()]
    return {int(pid): int(parent) for pid, parent, state in rows if not state.startswith("Z")}


def descendants(pid: int) -> set[int]:
    parents = living()
    family = {pid}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return family
