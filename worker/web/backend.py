"""What the routes work with: a client of the service, the whole store, explanations, and the settings."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from worker.client import Client
from worker.settings import Settings
from worker.store.connection import connect, told
from worker.store.store import Store, open_store
from worker.web.explanations import Explanations


@dataclass(frozen=True, slots=True)
class Backend:
    """The service behind the web service. `url` is that of its server."""

    settings: Settings
    url: str
    client: Client
    store: Store
    explanations: Explanations

    def telling(self) -> contextlib.AbstractContextManager[None]:
        """Turns what goes wrong with the store inside the block into a `StoreError`."""
        return told(self.url)


@contextlib.contextmanager
def opened(settings: Settings, url: str) -> Iterator[Backend]:
    """The service at the URL of its server, for the length of the block."""
    store = open_store(connect(url), settings.prefix, settings.inbox_max)
    with (
        contextlib.closing(store.connection),
        Client(
            url,
            prefix=settings.prefix,
            inbox_max=settings.inbox_max,
            max_article_bytes=settings.max_article_bytes,
            window_days=settings.window_days,
        ) as client,
    ):
        yield Backend(settings, url, client, store, Explanations(client, url))
