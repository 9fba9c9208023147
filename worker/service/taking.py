"""Taking articles from a feed or a reader: what is new or changed goes into the inbox, the rest is known already."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from worker.store.feed_memory import Seen, digest
from worker.store.pushing import InboxFullError, push_payloads
from worker.store.store import Store


@dataclass(frozen=True, slots=True)
class Sifted:
    """Articles beside what is known: those that are new or changed, and the digests of all, by id."""

    news: Mapping[str, bytes]
    digests: Mapping[str, tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken: how many articles went in, how many could not, what is known of them now, the latest first, and
    why it stopped ("" where it did not). `refused` are the ids of those that could not.
    """

    pushed: int = 0
    rejected: int = 0
    seen: Seen = field(default_factory=dict)
    full: str = ""
    refused: tuple[str, ...] = ()


def sift(payloads: Iterable[Mapping[str, object]], before: Seen) -> Sifted:
    """Tells which articles are new or changed, in their order; each has an id of its own."""
    raws = {str(payload["id"]): _raw(payload) for payload in payloads}
    digests = {name: (digest(name.encode()), digest(raw)) for name, raw in raws.items()}
    news = {name: raw for name, raw in raws.items() if before.get(digests[name][0]) != digests[name][1]}
    return Sifted(news, digests)


def take(store: Store, sifted: Sifted, max_article_bytes: int) -> Taken:
    """Pushes the articles that are new or changed."""
    n_pushed, refused, full, missing = 0, [], "", set[str]()
    try:
        for batch in push_payloads(store.inbox, store.rejected, sifted.news.values(), max_article_bytes):
            n_pushed += len(batch.accepted)
            refused += batch.rejected
    except InboxFullError as error:
        missing = sifted.news.keys() - set(error.accepted)
        n_pushed, full = len(error.accepted), "the inbox is full: the rest of its articles follow"
    known = [told for name, told in sifted.digests.items() if name not in missing]
    names = tuple(error.article_id for error in refused if error.article_id)
    return Taken(n_pushed, len(refused), dict(reversed(known)), full, names)


def _raw(payload: Mapping[str, object]) -> bytes:
    return json.dumps(payload, ensure_ascii=False, default=str).encode(errors="surrogatepass")
