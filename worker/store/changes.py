"""The stream of changes: what happened to stories, in order, each once, resumable from any entry still kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, get_args

from dedup.article import format_time, parse_time
from dedup.story import Change, ChangeKind
from worker.store.commit import Unit
from worker.store.connection import Connection
from worker.store.keys import Keys
from worker.store.streams import rebuild

KEPT_SECONDS: Final = 30 * 86_400
_READ_TOGETHER: Final = 5_000
_KINDS: Final[Mapping[str, ChangeKind]] = {kind: kind for kind in get_args(ChangeKind)}


@dataclass(frozen=True, slots=True)
class Changes:
    """The stream under one prefix."""

    connection: Connection
    keys: Keys

    def add(self, unit: Unit, change: Change) -> None:
        """Adds a change to a unit."""
        unit.do(
            "XADD", self.keys.changes, "*",
            "kind", change.kind, "story", change.story, "other", change.other, "storyline", change.storyline,
            "articles", _listed(change.articles), "n_articles", change.n_articles,
            "run", change.run, "at", format_time(change.at),
        )  # fmt: skip

    def after(self, entry_id: str, most: int) -> list[tuple[str, Change]]:
        """Changes after an entry ("0" for all that are kept), oldest first, with their entry ids."""
        entries = self.connection.xrange(self.keys.changes, f"({entry_id}" if entry_id != "0" else "-", count=most)
        return [(name.decode(), _change(fields)) for name, fields in entries]

    def wait(self, entry_id: str, seconds: float, most: int) -> list[tuple[str, Change]]:
        """The same, waiting up to some seconds for the first."""
        read = self.connection.xread({self.keys.changes: entry_id}, count=most, block=max(1, int(seconds * 1000)))
        return [(name.decode(), _change(fields)) for _, entries in _streams(read) for name, fields in entries]

    def between(self, start: float, end: float) -> list[Change]:
        """Changes of a span of time (Unix seconds, end exclusive), oldest first."""
        entries = self.connection.xrange(self.keys.changes, int(start * 1000), int(end * 1000) - 1)
        return [_change(fields) for _, fields in entries]

    def naming(self, article_id: str) -> list[tuple[str, Change]]:
        """The changes that list an article, oldest first, with their entry ids."""
        found: list[tuple[str, Change]] = []
        last = "0"
        while part := self.after(last, _READ_TOGETHER):
            found += [(name, change) for name, change in part if article_id in change.articles]
            last = part[-1][0]
        return found

    def forget(self, article_id: str, stays: Callable[[Change], bool]) -> int:
        """Takes an article out of the changes that list it, each under its entry id; returns how many.

        One that lists nothing else then goes, unless it `stays`.
        """
        n_done, naming = 0, self.naming(article_id)
        while True:
            amendments = [word for name, change in naming for word in _amendment(name, change, article_id, stays)]
            n_done += rebuild(self.connection, self.keys, self.keys.changes, amendments)
            naming = self.naming(article_id)
            if not naming:
                return n_done

    def last_id(self) -> str:
        """The id of the latest entry, "0" where there is none."""
        latest = self.connection.xrevrange(self.keys.changes, count=1)
        return latest[0][0].decode() if latest else "0"

    def trim(self, now: float) -> None:
        """Drops what is older than thirty days."""
        self.connection.xtrim(self.keys.changes, minid=int((now - KEPT_SECONDS) * 1000), approximate=False)


def _amendment(
    name: str, change: Change, article_id: str, stays: Callable[[Change], bool]
) -> tuple[str, str, str, int]:
    left = tuple(one for one in change.articles if one != article_id)
    fresh = replace(change, articles=left, n_articles=change.n_articles - 1)
    told = _listed(left) if left or stays(fresh) else ""
    return name, _listed(change.articles), told, fresh.n_articles


def _listed(article_ids: tuple[str, ...]) -> str:
    return json.dumps(article_ids, ensure_ascii=False)


def _change(fields: Mapping[bytes, bytes]) -> Change:
    told = {name.decode(): value.decode() for name, value in fields.items()}
    return Change(
        kind=_KINDS[told["kind"]],
        story=told["story"],
        other=told["other"],
        storyline=told["storyline"],
        articles=tuple(json.loads(told["articles"])),
        n_articles=int(told["n_articles"]),
        run=int(told["run"]),
        at=parse_time(told["at"]) or 0.0,
    )


def _streams(read: object) -> list[tuple[bytes, list[tuple[bytes, dict[bytes, bytes]]]]]:
    """Replies to XREAD: pairs in the older protocol, a mapping with nested lists in the newer one."""
    if not read:
        return []
    if isinstance(read, dict):
        return [(name, [entry for part in parts for entry in part]) for name, parts in read.items()]
    return list(read)  # type: ignore[call-overload, no-any-return]
