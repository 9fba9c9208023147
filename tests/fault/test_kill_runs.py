"""A holder of the lease that is killed over and over while it works on a run: readers see what was before or what is
after it, never a mix, and in the end what one sees that was never killed.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from multiprocessing.synchronize import Event
from pathlib import Path
from random import Random

import pytest

from benchmarks.news import make_news
from dedup.correction import Correction
from tests.integration.recount import recount
from tests.integration.world import Fields, altered, clusterer, ingest
from worker import embedded
from worker.service.clustering import Clusterer
from worker.service.correcting import correct
from worker.store.connection import connect
from worker.store.store import Store, open_store

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600)]

N_WINDOW = 2_500
N_NEW = 50
N_WAVES = 6
N_KILLS = 5
"""Of one run, at random moments; then one more as soon as it has been committed."""
WAVE_SECONDS = 60.0
PATIENCE_SECONDS = 120.0
GOLD = ("story", "storyline", "edit_of")

Told = dict[str, object]


@pytest.fixture
def killed(tmp_path: Path) -> Iterator[tuple[Store, str]]:
    """A store whose clusterers are killed, and its server's URL."""
    with opened(tmp_path / "killed") as found:
        yield found


@pytest.fixture
def spared(tmp_path: Path) -> Iterator[Store]:
    """A store whose clusterer is left alone."""
    with opened(tmp_path / "spared") as (store, _):
        yield store


@contextlib.contextmanager
def opened(data_dir: Path) -> Iterator[tuple[Store, str]]:
    server = embedded.start(data_dir)
    try:
        store = open_store(connect(server.url), "dedup:")
        yield store, server.url
        store.connection.close()
    finally:
        server.stop()


def run_all(one: Clusterer, now: float) -> None:
    """Runs until all news is dealt with."""
    while one.store.news.waiting():
        one.run(now)


def hold_and_run(url: str, now: float, begins: Event) -> None:
    """A process that becomes the holder and runs."""
    store = open_store(connect(url), "dedup:")
    store.connection.ping()
    begins.set()
    run_all(clusterer(store, f"holder {os.getpid()}"), now)
    store.connection.close()


@contextlib.contextmanager
def holder(store: Store, url: str, now: float) -> Iterator[multiprocessing.process.BaseProcess]:
    """Such a process, just about to begin; its lease is over when the block ends."""
    spawn = multiprocessing.get_context("spawn")
    begins = spawn.Event()
    process = spawn.Process(target=hold_and_run, args=(url, now, begins))
    process.start()
    assert begins.wait(PATIENCE_SECONDS)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid or 0, signal.SIGKILL)
        process.join(PATIENCE_SECONDS)
        claims = store.connection.keys(store.keys.private("rebuild:claim:*"))
        store.connection.delete(store.keys.private("lease"), *claims)  # as when they run out


def told(store: Store) -> Told:
    """All that readers can see, changes without their entry ids."""
    names = [name for name in store.connection.scan_iter("dedup:*", count=1_000) if b":private:" not in name]
    kinds = _replies(store, names, lambda pipeline, name: pipeline.type(name))
    read = {
        b"hash": lambda pipeline, name: pipeline.hgetall(name),
        b"zset": lambda pipeline, name: pipeline.zrange(name, 0, -1, withscores=True),
        b"stream": lambda pipeline, name: pipeline.xrange(name),
        b"string": lambda pipeline, name: pipeline.get(name),
    }
    found: Told = {}
    for kind, reading in read.items():
        chosen = [name for name, own in zip(names, kinds, strict=True) if own == kind]
        found |= {name.decode(): value for name, value in zip(chosen, _replies(store, chosen, reading), strict=True)}
    changes: object = found.get(store.keys.changes, [])
    assert isinstance(changes, list)
    found[store.keys.changes] = [fields for _, fields in changes]
    return found


def _replies(store: Store, names: list[bytes], command: Callable[..., object]) -> list[object]:
    pipeline = store.connection.pipeline(transaction=False)
    for name in names:
        command(pipeline, name)
    replies: list[object] = pipeline.execute()
    return replies


def differing(seen: Told, wanted: Told) -> list[str]:
    return sorted(key for key in seen.keys() | wanted.keys() if seen.get(key) != wanted.get(key))


def waves() -> Iterator[list[Fields]]:
    """What arrives before each run: a window, then new articles, each time with a revision of an earlier one."""
    made = make_news(N_WINDOW + N_WAVES * N_NEW)
    news: Iterator[Fields] = ({name: one[name] for name in one if name not in GOLD} for one in made)
    first = list(islice(news, N_WINDOW))
    yield first
    for number in range(1, N_WAVES):
        revised = first[100 * number]
        yield [*islice(news, N_NEW), revised | {"text": altered(str(revised["text"]), number, n_changes=40)}]


def unlink(stores: list[Store]) -> None:
    """Says of two articles of one story that they are of two."""
    shown = stores[0]
    story = max(shown.stories.all_ids(), key=lambda name: (len(shown.stories.articles(name)), name))
    one, *_, other = shown.stories.articles(story)
    for store in stores:
        assert correct(store.connection, store.keys, Correction("unlink", *sorted((one, other))))


def commits_before_its_death(store: Store, url: str, now: float, seconds: float) -> bool:
    """Whether a holder has committed its run that is killed once it has, or after so many seconds."""
    n_runs = store.runs.number()
    with holder(store, url, now):
        end = time.monotonic() + seconds
        while time.monotonic() < end and store.runs.number() == n_runs:
            time.sleep(0.001)
    return store.runs.number() > n_runs


def test_a_run_whose_holders_are_killed_over_and_over_is_there_whole_or_not_at_all_and_told_once(
    killed: tuple[Store, str], spared: Store
) -> None:
    store, url = killed
    chance, outcomes, begun, longest = Random(7), Counter[bool](), float(int(time.time()) - 3_600), 0.0
    steady = clusterer(spared, "steady")
    for number, wave in enumerate(waves()):
        now = begun + WAVE_SECONDS * number
        for one in (store, spared):
            ingest(one, *wave, at=now - WAVE_SECONDS / 2)
        if number == N_WAVES // 2:
            unlink([store, spared])
        before, since = told(store), time.monotonic()
        run_all(steady, now)
        longest, after = max(longest, time.monotonic() - since), told(spared)
        assert differing(before, after) != []
        for seconds in [*(chance.uniform(0, 1.2 * longest) for _ in range(N_KILLS)), PATIENCE_SECONDS]:
            is_done = commits_before_its_death(store, url, now, seconds)
            outcomes[is_done] += 1
            assert differing(told(store), after if is_done else before) == []
            if is_done:
                break
        recount(store)
    assert outcomes[True] == N_WAVES
    assert outcomes[False] >= N_WAVES
