"""Changes as server-sent events: each with the id to resume after, which a browser or client sends back by itself."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from starlette.concurrency import run_in_threadpool

from dedup.errors import DedupError
from worker import answers
from worker.client import Client
from worker.web.problem import later

EVENT_STREAM: Final = "text/event-stream"
MOST_STREAMS: Final = 64

_ASK_SECONDS: Final = 0.5
_SILENCE_SECONDS: Final = 15.0
_TOGETHER: Final = 100


@dataclass(slots=True)
class EventStreams:
    """Those that are open: each asks the store twice a second, so there is an end to their number."""

    n_open: int = 0
    ending: asyncio.Event = field(default_factory=asyncio.Event)

    def follow(self, client: Client, after: str) -> AsyncIterator[str]:
        """The changes after an entry, and those to come, until the reader goes or the service ends."""
        if self.n_open >= MOST_STREAMS:
            raise later(f"{MOST_STREAMS} streams of changes are open already")
        return self._events(client, after)

    async def _events(self, client: Client, after: str) -> AsyncIterator[str]:
        self.n_open += 1
        try:
            yield ": changes\n\n"
            last, told_at = after, time.monotonic()
            while not self.ending.is_set():
                try:
                    found = await run_in_threadpool(client.changes, last, _TOGETHER)
                except DedupError:
                    return  # the reader comes back by itself, and resumes
                for entry_id, change in found:
                    last = entry_id
                    answer = json.dumps(answers.change(last, change), ensure_ascii=False)
                    yield f"id: {last}\nevent: {change.kind}\ndata: {answer}\n\n"
                if found:
                    told_at = time.monotonic()
                    continue
                if time.monotonic() - told_at > _SILENCE_SECONDS:
                    told_at = time.monotonic()
                    yield ":\n\n"
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.ending.wait(), _ASK_SECONDS)
        finally:
            self.n_open -= 1
