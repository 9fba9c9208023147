"""A real service whose processes are killed while they work: nothing is lost, nothing is there twice."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import redis

from benchmarks.articles import make_payloads
from benchmarks.ingest import measure
from benchmarks.processes import remaining, tree
from benchmarks.service import Service, await_ready, begin, running, wait_for
from tests.integration.recount import recount
from worker import embedded
from worker.client import Client, StoreError
from worker.store.connection import connect
from worker.store.store import Store, open_store

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600)]

N_ARTICLES = 20_000
N_EMPTY_TASKS = 3_000
LEAST_RATIO = 1.2
"""The aim is 2, on two cores that nobody else uses; on two that others kept busy it was 1.6 to 2.5."""
N_KILLS = 10
PATIENCE_SECONDS = 240.0
REST_SECONDS = 15.0
"""Several times what lies between two nudges of the cluster worker."""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path / "data") as service:
        yield service


def store_of(service: Service) -> Store:
    return open_store(connect(service.url), "dedup:")


def push_all(client: Client, payloads: list[bytes]) -> list[str]:
    """Pushes until it is told that all is accepted, as a pusher should; ids in order."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return client.push(payloads).accepted
        except StoreError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def await_stories(store: Store, n: int) -> None:
    """Waits until n articles can be read, nothing waits any more, and each of them has its story."""

    def all_have_a_story() -> bool:
        ids = store.articles.seen_between(0, time.time())
        return len(ids) >= n and {status for (status,) in store.articles.fields(ids, ["status"])} == {"clustered"}

    wait_for(lambda: not store.inbox.n_waiting(), PATIENCE_SECONDS, "the inbox is empty", every=0.3)
    wait_for(lambda: not store.news.waiting(), PATIENCE_SECONDS, "all news is dealt with", every=0.3)
    wait_for(all_have_a_story, PATIENCE_SECONDS, "every article has its story", every=0.5)
    await_rest(store)


def await_rest(store: Store) -> None:
    """Waits until no run has been made for a while: one that has grown a window is followed by its clustering anew,
    which ends in a run without news.
    """
    seen = -1, time.monotonic()

    def is_at_rest() -> bool:
        nonlocal seen
        number = store.runs.number()
        if number != seen[0] or store.rebuild.plan() is not None or store.news.waiting():
            seen = number, time.monotonic()
        return time.monotonic() - seen[1] > REST_SECONDS

    wait_for(is_at_rest, PATIENCE_SECONDS, "no run is made any more", every=0.3)


def check_whole(store: Store, ids: Iterable[str]) -> None:
    """Each article is there exactly once: among the articles, in families, in stories, and in every count."""
    wanted = sorted(ids)
    assert sorted(store.articles.seen_between(0, time.time())) == wanted
    rows = dict(zip(wanted, store.articles.fields(wanted, ["family", "story", "kind"], ["url"]), strict=True))
    family_of = {article_id: row[0] for article_id, row in rows.items()}
    families = store.articles.family_members(sorted(set(family_of.values())))
    check_partition({name: set(members) for name, members in families.items()}, family_of)
    assert store.articles.count() == (len(wanted), len(families))
    pipeline = store.connection.pipeline(transaction=False)
    for name in families:
        pipeline.hget(store.keys.family(name), "n_articles")
    assert [int(n) for n in pipeline.execute()] == [len(members) for members in families.values()]
    assert Counter(row[2] for row in rows.values())["new"] == len(families)
    story_of = {article_id: row[1] for article_id, row in rows.items()}
    stories = store.stories.get(store.stories.all_ids())
    check_partition({name: set(store.stories.articles(name)) for name in stories}, story_of)
    assert {name: story.n_articles for name, story in stories.items()} == Counter(story_of.values())
    assert sum(story.n_families for story in stories.values()) == len(families)
    lines = store.stories.get_storylines({story.storyline for story in stories.values()})
    assert sum(line.n_articles for line in lines.values()) == len(wanted)
    assert sum(line.n_stories for line in lines.values()) == len(stories)
    assert store.inbox.n_waiting() == store.rejected.size() == 0
    recount(store)


def check_partition(sets: dict[str, set[str]], place_of: dict[str, str]) -> None:
    """The sets hold each article once, in the place that the article itself tells."""
    assert sum(map(len, sets.values())) == len(place_of)
    assert {member: name for name, members in sets.items() for member in members} == place_of


def test_twenty_thousand_articles_are_taken_in_faster_than_tasks_that_do_nothing_are_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = measure(tmp_path / "data", N_ARTICLES, N_EMPTY_TASKS)
    with capsys.disabled():
        print(  # noqa: T201 - the figure that this run is for
            f"\n{N_ARTICLES:,} articles into a running service with two workers: {shown.live.per_second:,.0f}/s, "
            f"with the inbox filled beforehand {shown.filled.per_second:,.0f}/s; one empty Celery task an article: "
            f"{shown.noop_live.per_second:,.0f}/s, {shown.noop_filled.per_second:,.0f}/s with the queue filled"
        )
    assert shown.ratio >= LEAST_RATIO


def test_nothing_is_lost_or_doubled_when_workers_and_the_server_are_killed(service: Service) -> None:
    chance = random.Random(20_000)
    payloads = make_payloads(N_ARTICLES, seed=7)
    accepted: list[str] = []
    is_killing = threading.Event()
    is_killing.set()

    def push() -> None:
        with Client(service.url) as client:
            for start in range(0, N_ARTICLES, 500):
                accepted.extend(push_all(client, payloads[start : start + 500]))
                while is_killing.is_set() and len(accepted) > (service.n_killed + 1) * N_ARTICLES / (N_KILLS + 1):
                    time.sleep(0.05)

    pusher = threading.Thread(target=push)
    pusher.start()
    server_dies_after = chance.randrange(3, 8)
    for i in range(N_KILLS):
        time.sleep(chance.uniform(0.3, 1.5))
        service.kill(f"ingest-{1 + i % 2}")
        if i == server_dies_after:
            time.sleep(chance.uniform(0.0, 1.0))
            service.kill_server()
    is_killing.clear()
    pusher.join(PATIENCE_SECONDS)
    assert len(accepted) == len(set(accepted)) == N_ARTICLES
    store = store_of(service)
    await_stories(store, N_ARTICLES)
    check_whole(store, accepted)


def test_a_push_that_was_acknowledged_outlives_the_server(tmp_path: Path) -> None:
    chance = random.Random(5)
    payloads = make_payloads(3_000, seed=5)
    for turn in range(6):
        server = embedded.start(tmp_path / str(turn))
        stop = threading.Event()
        noise = threading.Thread(target=write_until, args=(server.url, stop))
        noise.start()
        accepted: list[str] = []
        with Client(server.url) as client:
            end = time.monotonic() + chance.uniform(1.0, 2.0)
            while time.monotonic() < end:
                accepted += client.push(payloads[len(accepted) : len(accepted) + 10]).accepted
        os.kill(server.pid, signal.SIGKILL)
        stop.set()
        noise.join()
        server.stop()
        again = embedded.start(tmp_path / str(turn))
        assert open_store(connect(again.url), "dedup:").inbox.n_waiting() >= len(accepted) > 0
        again.stop()


def write_until(url: str, stop: threading.Event) -> None:
    """Keeps a server's disk busy until told to stop, or the server is gone."""
    connection = connect(url)
    while not stop.is_set():
        try:
            connection.set("noise", os.urandom(200_000))
        except redis.RedisError:
            return


def test_the_next_worker_takes_over_from_a_cluster_worker_that_was_killed(service: Service) -> None:
    store = store_of(service)
    ids = push_all(Client(service.url), make_payloads(3_000, seed=9))
    wait_for(lambda: store.connection.exists(store.keys.private("lease")), PATIENCE_SECONDS, "a run has begun")
    service.kill("cluster")
    await_stories(store, len(ids))
    check_whole(store, ids)


def test_beat_is_started_again_and_its_work_goes_on(service: Service) -> None:
    store = store_of(service)
    service.kill("beat")
    ids = push_all(Client(service.url), make_payloads(50, seed=10))
    await_stories(store, len(ids))
    assert "beat ended with -9; starting it again" in service.told()


def test_no_process_outlives_a_supervisor_that_was_killed(tmp_path: Path) -> None:
    service = begin(tmp_path / "data")
    await_ready(service)
    push_all(Client(service.url), make_payloads(500, seed=11))
    pids = [process.pid for process in tree(service.up.pid)]
    assert len(pids) >= 8
    service.up.kill()
    service.up.wait()
    assert remaining(pids, 15) == []
