"""Reports of periods, rendered three ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from worker.store.commit import Unit, commit
from worker.store.connection import Connection
from worker.store.keys import Keys

_LATEST: Final = "latest"
_FINISHED: Final = "reported"
KEPT_SECONDS: Final = {"hour": 7 * 86_400, "day": 400 * 86_400}


@dataclass(frozen=True, slots=True)
class Rendered:
    """One report as JSON, Markdown and HTML."""

    json: str
    markdown: str
    html: str


@dataclass(frozen=True, slots=True)
class Reports:
    """Reports under one prefix."""

    connection: Connection
    keys: Keys

    def put(self, kind: str, name: str, rendered: Rendered) -> None:
        """Keeps a report for as long as its kind is kept, also as the latest of its kind unless a later one is there.

        Names of periods sort as the periods do.
        """
        unit = Unit()
        keys = [self.keys.report(kind, name)]
        if name >= self._noted(_LATEST, kind):
            keys.append(self.keys.latest_report(kind))
            unit.do("HSET", self.keys.private(_LATEST), kind, name)
        for key in keys:
            for suffix, text in (("", rendered.json), (":markdown", rendered.markdown), (":html", rendered.html)):
                unit.do("SET", key + suffix, text, "EX", KEPT_SECONDS[kind])
        commit(self.connection, [unit])

    def get(self, kind: str, name: str) -> Rendered | None:
        """A report that was kept, None where there is none; "latest" names the latest."""
        key = self.keys.latest_report(kind) if name == "latest" else self.keys.report(kind, name)
        texts = self.connection.mget([key, f"{key}:markdown", f"{key}:html"])
        return Rendered(*(text.decode() for text in texts)) if all(texts) else None

    def last_finished(self, kind: str) -> str:
        """The name of the latest period whose final report has been made, "" where none has."""
        return self._noted(_FINISHED, kind)

    def finish(self, kind: str, name: str) -> None:
        """Notes that a period's final report has been made."""
        self.connection.hset(self.keys.private(_FINISHED), kind, name)

    def _noted(self, what: str, kind: str) -> str:
        name = self.connection.hget(self.keys.private(what), kind)
        return name.decode() if name else ""
