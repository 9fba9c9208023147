"""The API of Miniflux: entries by what has changed, and their status.

Sources: miniflux.app/docs/api.html (Authentication; Get Entries; Get Entry; Update Entries status) and
internal/api/entry_handlers.go. What follows from them:

1. The key goes into the header `X-Auth-Token`.
2. `changed_after` (Miniflux 2.0.49) names entries that are new, whose content is new, or whose status is. Within that
   they are read by rising id, `after_entry_id`, so that a page more or less shifts nothing. The cursor is the latest
   `changed_at` of all that was read, less a minute: a transaction that takes longer is committed with its first moment.
3. `PUT /v1/entries` with `entry_ids` and `status` is answered by 204, and by 500 where none of the ids is there.
4. Nothing lists ids alone, so the status of each entry is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

from dedup.article import parse_time
from worker.feeds.account import Account, Ask, Item, Line, Page, Since, inside, line_of
from worker.feeds.error import StatusError, TooLargeError
from worker.feeds.fetch import Call
from worker.feeds.payload import host, present
from worker.feeds.secret import Secrets

GIVEN: Final = 100
"""Entries of one answer."""
_OVERLAP_SECONDS: Final = 60
_NOT_FOUND: Final = 404
_MOST_ENTRIES: Final = 1 << 63
_UNREAD: Final = "unread"


@dataclass(frozen=True, slots=True)
class _Cursor:
    """All that has changed after `since` (Unix seconds) up to the entry `after_id` has been read; `latest`: the last
    change in it.
    """

    since: float
    after_id: int = 0
    latest: float = 0.0

    @classmethod
    def read(cls, text: str, begin: float) -> _Cursor:
        return cls(**json.loads(text)) if text else cls(begin)

    def text(self) -> str:
        return json.dumps(asdict(self))

    def ended(self) -> _Cursor:
        """Where the next poll begins once all has been read."""
        return _Cursor(max(self.since, self.latest - _OVERLAP_SECONDS))


@dataclass(slots=True)
class Miniflux:
    """One conversation with an account."""

    account: Account
    secrets: Secrets
    ask: Ask
    lists_unread: ClassVar[bool] = False

    @property
    def _line(self) -> Line:
        return Line(self.account, self.ask)

    def check(self) -> None:
        self._get("/v1/me")

    def news(self, since: Since) -> Iterator[Page]:
        """Entries that are new or have changed, also by having been read. One too large to be read is passed over."""
        cursor, limit, passed = _Cursor.read(since.cursor, since.begin), GIVEN, 0
        while True:
            try:
                entries = self._changed(cursor, limit, passed)
            except TooLargeError:
                limit, passed = (limit // 2, passed) if limit > 1 else (1, passed + 1)
                continue
            is_last = len(entries) < limit
            cursor, passed = _after(cursor, entries), 0
            reached = cursor.ended() if is_last else cursor
            items = tuple(self._item(one) for one in entries if _is_of_now(one, since))
            yield Page(items, cursor=reached.text(), has_more=not is_last)
            if is_last:
                return

    def _changed(self, cursor: _Cursor, limit: int, passed: int) -> list[dict[str, Any]]:
        asked = {
            "changed_after": int(cursor.since), "after_entry_id": cursor.after_id, "order": "id", "direction": "asc",
            "limit": limit, "offset": passed,
        }  # fmt: skip
        path = "/v1/entries"
        entries = self._line.listed(self._get(f"{path}?{urlencode(asked)}"), "entries", path)
        known = [one for one in entries if type(one.get("id")) is int and 0 < one["id"] < _MOST_ENTRIES]
        if any(one["id"] <= cursor.after_id for one in known):
            raise self._line.odd(path, "of entries that were not asked for. Is this Miniflux 2.0.49 or later?")
        return known

    def states(self, item_ids: Sequence[str]) -> dict[str, bool]:
        found = {item_id: self._status(item_id) for item_id in item_ids}
        return {item_id: status == _UNREAD for item_id, status in found.items() if status}

    def mark(self, item_ids: Sequence[str], *, read: bool) -> None:
        body = {"entry_ids": [int(one) for one in item_ids], "status": "read" if read else _UNREAD}
        if item_ids:
            self._line.send("/v1/entries", self._call("PUT", json.dumps(body).encode()))

    def _status(self, item_id: str) -> str:
        try:
            return str(self._get(f"/v1/entries/{int(item_id)}").get("status"))
        except StatusError as error:
            if error.status == _NOT_FOUND:
                return ""
            raise

    def _item(self, entry: dict[str, Any]) -> Item:
        title, url = line_of(inside(entry, "feed", "title")), entry.get("url")
        feeds = (inside(entry, "feed", "feed_url"), title, inside(entry, "feed", "site_url"))
        category = line_of(inside(entry, "feed", "category", "title"))
        item_id = str(entry["id"])
        payload = {
            "id": self.account.article_id(item_id),
            **present(
                url=url,
                title=entry.get("title"),
                html=entry.get("content"),
                published_at=entry.get("published_at"),
                source=title or host(url if isinstance(url, str) else ""),
            ),
        }
        named = tuple(filter(None, map(line_of, feeds)))
        return Item(item_id, payload, named, (category,) if category else (), entry.get("status") != _UNREAD)

    def _get(self, path: str) -> dict[str, Any]:
        return self._line.read(path, self._call())

    def _call(self, method: str = "GET", body: bytes = b"") -> Call:
        key = ("X-Auth-Token", self.secrets.token_of(self.account.name))
        kinds = (("Content-Type", "application/json"),) if body else (("Accept", "application/json"),)
        return Call(method, (key, *kinds), body, is_secret=True)


def _is_of_now(entry: dict[str, Any], since: Since) -> bool:
    """False for an entry that came long ago, was never read here, and has changed by having been read by its user."""
    created = entry.get("created_at")
    came = parse_time(created) if isinstance(created, str) else None
    return came is None or came >= since.begin or since.is_known(str(entry["id"]))


def _after(cursor: _Cursor, entries: Sequence[dict[str, Any]]) -> _Cursor:
    changed = [parse_time(one["changed_at"]) or 0.0 for one in entries if isinstance(one.get("changed_at"), str)]
    ids = [one["id"] for one in entries]
    return replace(cursor, after_id=max([cursor.after_id, *ids]), latest=max([cursor.latest, *changed]))
