"""A plugin for the `reader` library (reader.readthedocs.io, Guide and API reference: plugins, update hooks, tags).

    from reader import make_reader

    reader = make_reader("db.sqlite", plugins=["worker.reader_plugin"])
    reader.update_feeds()

What comes or changes while feeds are updated is pushed to the server that REDIS_URL names. An entry is tagged when it
is stored, and pushed, with others, when its feed has been updated; the tag goes once the server has it. So nothing is
lost where the server is away: `reader` raises the error once all feeds are updated, and the next update, of whatever
feed, pushes it. (One moment is left: `reader` stores an entry before it tells of it, and a process that is killed in
between has not tagged it.)

`init_with` gives a plugin with a client of its own. Importing this needs neither Celery nor numpy, nor `reader`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from dedup.article import MAX_ID_BYTES, digest_id
from worker.client import Client
from worker.feeds import feed_id
from worker.settings import load

if TYPE_CHECKING:
    from reader import Entry, EntryUpdateStatus, Reader

PUSHED_AT_ONCE: Final = 200
_TAG: Final = "story-dedup"
_DEFAULT_URL: Final = "redis://localhost:6379/0"


def init_reader(reader: Reader) -> None:
    """The plugin as `reader` loads it by this module's name: pushes to the service of the environment's settings."""
    settings = load()
    client = Client(
        settings.redis_url or _DEFAULT_URL, prefix=settings.prefix, inbox_max=settings.inbox_max,
        max_article_bytes=settings.max_article_bytes,
    )  # fmt: skip
    init_with(client)(reader)


def init_with(client: Client) -> Callable[[Reader], None]:
    """A plugin that pushes by a client."""

    def init(reader: Reader) -> None:
        tag = reader.make_plugin_reserved_name(_TAG)

        def note(reader: Reader, entry: Any, _status: EntryUpdateStatus) -> None:
            reader.set_tag(entry, tag)

        def push(reader: Reader, _feed: str = "") -> None:
            push_tagged(reader, client, tag)

        reader.after_entry_update_hooks.append(note)
        reader.after_feed_update_hooks.append(push)
        reader.after_feeds_update_hooks.append(push)

    return init


def push_tagged(reader: Reader, client: Client, tag: str) -> int:
    """Pushes the entries that have a tag, and takes it away; returns how many there were.

    Entries that cannot be accepted are kept in `rejected`. Raises `StoreError` and `InboxFullError`; what had gone in
    before is pushed again then, which changes nothing.
    """
    n_pushed = 0
    while batch := list(islice(reader.get_entries(tags=[tag]), PUSHED_AT_ONCE)):
        client.push(map(payload, batch))
        for entry in batch:
            reader.delete_tag(entry, tag, missing_ok=True)
        n_pushed += len(batch)
    return n_pushed


def payload(entry: Entry) -> dict[str, object]:
    """What is pushed of an entry; its id is `reader:<12 hex digits of its first feed's URL>:<its id>`."""
    return {"id": article_id(entry), **dict(_fields(entry))}


def article_id(entry: Entry) -> str:
    """The id under which an entry can be looked up. It stays when its feed moves."""
    prefix = f"reader:{feed_id(entry.original_feed_url)}:"
    fits = entry.id.isprintable() and len((prefix + entry.id).encode()) <= MAX_ID_BYTES
    return prefix + (entry.id if fits else digest_id(entry.id))


def _fields(entry: Entry) -> Iterator[tuple[str, object]]:
    published, content = entry.published or entry.updated, entry.get_content()
    told = {
        "url": entry.link,
        "title": entry.title,
        "published_at": published.isoformat() if published else None,
        "source": entry.feed.resolved_title or entry.feed.url,
    }
    yield from ((name, value) for name, value in told.items() if value)
    if content is not None:
        yield ("html" if content.is_html else "text"), content.value
        if content.language:
            yield "language", content.language
