"""Articles made up on the spot, and the service worked by hand: pushing, draining and running in this process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from random import Random
from threading import Barrier, Thread
from typing import Final

from dedup.article import MAX_ARTICLE_BYTES
from dedup.pipeline import Params, fingerprint
from dedup.window import Window
from worker.service.clustering import Clusterer
from worker.service.draining import Flow, flow_through
from worker.service.ingest import Worker
from worker.service.retention import Expiry
from worker.store.connection import connect
from worker.store.store import Store, open_store

PARAMS: Final = Params()
HOUR: Final = 3_600.0
DAY: Final = 86_400.0
RETENTION: Final = 30 * DAY
SEEDS: Final = Path(__file__).parents[2] / "seeds" / "articles.jsonl"

Fields = dict[str, object]

_SYLLABLES: Final = (
    "ba", "ce", "di", "fo", "gu", "ha", "ki", "lo", "mu", "ne", "po", "ra", "si", "to", "vu", "wa", "xe", "yo", "zi",
    "qua", "stra", "plen",
)  # fmt: skip


def word(random: Random) -> str:
    return "".join(random.choice(_SYLLABLES) for _ in range(3))


def text(name: object, n_words: int = 120) -> str:
    """A text of its own for each name."""
    random = Random(f"text {name}")
    return " ".join(word(random) for _ in range(n_words))


def altered(original: str, name: object, n_changes: int = 1) -> str:
    """The text with a few words replaced, others for each name: a near-duplicate."""
    random = Random(f"change {name}")
    words = original.split()
    for place in random.sample(range(len(words)), n_changes):
        words[place] = word(random)
    return " ".join(words)


def linked() -> tuple[str, str, str]:
    """Three texts: the first and the last are near-duplicates of the one between them, and not of each other."""
    words = text("link", 74).split()
    left, middle, right = (" ".join(words[i : i + 60]) for i in (0, 7, 14))
    return left, middle, right


def article(article_id: str, body: str, **fields: object) -> Fields:
    """A dated article with a title of its own."""
    return {
        "id": article_id,
        "title": f"On {article_id}",
        "text": body,
        "source": "gazette.example",
        "published_at": "2026-01-02T03:04:05Z",
        **fields,
    }


def about(event: object, article_id: str, **fields: object) -> Fields:
    """An article in words of its own about an event: it shares the event's names with the others about it."""
    random = Random(f"telling {event} {article_id}")
    names = text(f"names of {event}", 30).split()
    words = names * 2 + [word(random) for _ in range(60)]
    random.shuffle(words)
    return article(article_id, " ".join(words), **{"title": " ".join(names[:6]), **fields})


def seed_lines() -> list[str]:
    """The sample articles, a line each."""
    return SEEDS.read_text(encoding="utf-8").splitlines()


def push(store: Store, articles: Iterable[Mapping[str, object] | str | bytes], at: float | None = None) -> None:
    """Puts articles into the inbox, as any client does; `at` (Unix seconds) makes them arrive then."""
    for one in articles:
        payload = one if isinstance(one, (str, bytes)) else json.dumps(one)
        store.connection.xadd(store.keys.inbox, {"json": payload}, id="*" if at is None else f"{int(at * 1000)}-*")


def worker(store: Store, max_bytes: int = MAX_ARTICLE_BYTES) -> Worker:
    return Worker(store, PARAMS, max_bytes, RETENTION)


def drain(
    store: Store,
    consumer: str = "hand",
    batch: int = 256,
    claim_seconds: float = 60,
    max_bytes: int = MAX_ARTICLE_BYTES,
) -> int:
    """Works on the inbox until it is empty; returns how many entries were dealt with."""
    store.index.claim(fingerprint(PARAMS))
    store.inbox.ensure()
    works = worker(store, max_bytes)

    def work(flow: Flow) -> int:
        n_done = 0
        while entries := store.inbox.take(consumer, batch, 32 * 1024 * 1024, claim_seconds):
            flow.put(works.read(entries))
            n_done += len(entries)
        return n_done

    return flow_through(works, work)


def ingest(store: Store, *articles: Mapping[str, object] | str, at: float | None = None) -> None:
    """Pushes and drains."""
    push(store, articles, at)
    drain(store)


def clusterer(
    store: Store,
    holder: str = "first",
    window_seconds: float = 14 * DAY,
    retention_seconds: float = RETENTION,
    storyline_seconds: float = 400 * DAY,
) -> Clusterer:
    return Clusterer(store, PARAMS, holder, window_seconds, retention_seconds, storyline_seconds)


def expiry(store: Store, retention_seconds: float = RETENTION, storyline_seconds: float = 400 * DAY) -> Expiry:
    return Expiry(store, PARAMS, retention_seconds, storyline_seconds)


def in_threads(url: str, n: int, work: Callable[[Store, int], object]) -> None:
    """Runs work in threads that begin at once, each with a connection of its own."""
    failures: list[BaseException] = []
    barrier = Barrier(n)

    def run(number: int) -> None:
        store = open_store(connect(url), "dedup:")
        try:
            barrier.wait()
            work(store, number)
        except BaseException as error:  # noqa: BLE001  # told below
            failures.append(error)
        finally:
            store.connection.close()

    threads = [Thread(target=run, args=(number,)) for number in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def families(store: Store) -> set[tuple[str, ...]]:
    """The partition of all articles into families, without the families' ids."""
    names = [name.decode() for name in store.connection.zrange(store.keys.families, 0, -1)]
    return {tuple(sorted(members)) for members in store.articles.family_members(names).values()}


def places(store: Store, article_ids: Sequence[str]) -> list[tuple[str, str, str]]:
    """Family, story and storyline of articles."""
    return [(one[0], one[1], one[2]) for one in store.articles.fields(article_ids, ["family", "story", "storyline"])]


def story_of(store: Store, article_id: str) -> str:
    return store.articles.fields([article_id], ["story"])[0][0]


def dump(store: Store, *but: str) -> dict[str, bytes]:
    """Every key with its value as the server serialises it, those named left out."""
    found = {}
    for key in store.connection.keys("*"):
        if key.decode() not in but:
            found[key.decode()] = store.connection.dump(key)
    return found


def assert_same_profiles(held: Window, fresh: Window) -> None:
    """That two windows hold the same profiles, and that these and no others stand on the shelf of each."""
    told = [
        {(line, story): one.to_bytes() for line, held in window.profiles.items() for story, one in held.items()}
        for window in (held, fresh)
    ]
    assert told[0] == told[1]
    for window in (held, fresh):
        shelf = window.shelf
        standing = {shelf.names[place]: shelf.profiles[place].to_bytes() for place in shelf.places.values()}
        assert standing == told[0]
