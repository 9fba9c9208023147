"""Pushing: articles checked here, put into the inbox as they are. Needs neither Celery nor numpy."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from dedup.article import parse_article
from dedup.errors import ArticleError, DedupError
from dedup.text import identify
from worker.store.commit import Unit, commit
from worker.store.inbox import Inbox
from worker.store.rejected import Rejected

Payload = bytes | str | Mapping[str, object]

BATCH_ARTICLES: Final = 200
BATCH_BYTES: Final = 8 * 1024 * 1024


class InboxFullError(DedupError):
    """The inbox has no room. `accepted` are the ids that had gone in before."""

    def __init__(self, accepted: list[str], article_id: str, most: int) -> None:
        self.accepted = accepted
        super().__init__(
            f"the inbox is full (inbox_max = {most:,} articles waiting): {len(accepted):,} articles were accepted, "
            f"{article_id!r} and what follows it were not. Push them again later; is a worker running?"
        )


@dataclass(slots=True)
class Pushed:
    """What became of a push: the ids accepted, in order, and the articles rejected, each with field and reason.

    `rejected_at` are the places of the latter among all that were pushed, from 0 on.
    """

    accepted: list[str] = field(default_factory=list)
    rejected: list[ArticleError] = field(default_factory=list)
    rejected_at: list[int] = field(default_factory=list)

    def add(self, batch: Pushed) -> None:
        """Takes up what became of the batch that was pushed next."""
        n_before = len(self.accepted) + len(self.rejected)
        self.accepted += batch.accepted
        self.rejected += batch.rejected
        self.rejected_at += [n_before + place for place in batch.rejected_at]


def push_payloads(inbox: Inbox, rejected: Rejected, payloads: Iterable[Payload], max_bytes: int) -> Iterator[Pushed]:
    """Pushes articles in batches and says after each what became of it.

    What cannot be accepted is kept among the rejected, and the rest goes on. Raises `InboxFullError`.
    """
    waiting = iter(payloads)
    done: list[str] = []
    while batch := list(islice(waiting, BATCH_ARTICLES)):
        told = Pushed()
        accepted: list[tuple[str, bytes]] = []
        for place, payload in enumerate(batch):
            raw = _raw(payload)
            try:
                article = identify(parse_article(raw, max_bytes))
            except ArticleError as error:
                _keep(rejected, error, raw)
                told.rejected.append(error)
                told.rejected_at.append(place)
            else:
                accepted.append((article.id, raw))
        for part in _parts(accepted):
            n_taken = inbox.push([raw for _, raw in part])
            told.accepted += [article_id for article_id, _ in part[:n_taken]]
            if n_taken < len(part):
                raise InboxFullError(done + told.accepted, part[n_taken][0], inbox.max_waiting)
        done += told.accepted
        yield told


def split_payloads(body: bytes) -> Iterator[Payload]:
    """The payloads in a body: one JSON document (an article or an array of them), or one article a line."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        yield from (line for line in body.splitlines() if line.strip())
        return
    if isinstance(document, list):
        yield from (one if isinstance(one, dict) else json.dumps(one) for one in document)
    else:
        yield body


def _raw(payload: Payload) -> bytes:
    if isinstance(payload, bytes):
        return payload
    fields = dict(payload) if isinstance(payload, Mapping) else payload
    text = fields if isinstance(fields, str) else json.dumps(fields, ensure_ascii=False, default=str)
    return text.encode("utf-8", errors="surrogatepass")


def _keep(rejected: Rejected, error: ArticleError, raw: bytes) -> None:
    unit = Unit()
    rejected.add(unit, error, raw, time.time())
    commit(rejected.connection, [unit])


def _parts(accepted: list[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    """The batch in parts of a size that one call may carry."""
    part: list[tuple[str, bytes]] = []
    size = 0
    for article_id, raw in accepted:
        if part and size + len(raw) > BATCH_BYTES:
            yield part
            part, size = [], 0
        part.append((article_id, raw))
        size += len(raw)
    if part:
        yield part
