"""Reports of periods, rendered three ways."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from worker.store.commit import Unit, commit
from worker.store.connection import Connection
from worker.store.forgotten import Forgotten
from worker.store.keys import Keys

_LATEST: Final = "latest"
_FINISHED: Final = "reported"
_RENDERED: Final = (":markdown", ":html")
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

    @property
    def forgotten(self) -> Forgotten:
        """How many articles have been forgotten."""
        return Forgotten(self.connection, self.keys)

    def put(self, kind: str, name: str, rendered: Rendered, n_forgotten: int) -> bool:
        """Keeps a report for as long as its kind is kept, also as the latest of its kind unless a later one is there.

        Names of periods sort as the periods do. `n_forgotten` is how many articles had been forgotten when it was
        begun; False, and nothing is kept, where another one has been since, for the report may tell of it.
        """
        unit = Unit()
        self.forgotten.expect(unit, n_forgotten)
        keys = [self.keys.report(kind, name)]
        if name >= self._noted(_LATEST, kind):
            keys.append(self.keys.latest_report(kind))
            unit.do("HSET", self.keys.private(_LATEST), kind, name)
        for key in keys:
            for suffix, text in (("", rendered.json), (":markdown", rendered.markdown), (":html", rendered.html)):
                unit.do("SET", key + suffix, text, "EX", KEPT_SECONDS[kind])
        return commit(self.connection, [unit])[0]

    def get(self, kind: str, name: str) -> Rendered | None:
        """A report that was kept, None where there is none; "latest" names the latest."""
        key = self.keys.latest_report(kind) if name == "latest" else self.keys.report(kind, name)
        texts = self.connection.mget([key, f"{key}:markdown", f"{key}:html"])
        return Rendered(*(text.decode() for text in texts)) if all(texts) else None

    def kept(self) -> list[str]:
        """The keys of all reports as JSON, the latest of each kind among them."""
        pattern = re.sub(r"([*?\[\]\\])", r"\\\1", f"{self.keys.prefix}report:") + "*"
        found = {key.decode() for key in self.connection.scan_iter(pattern, count=1_000)}
        return sorted(key for key in found if not key.endswith(_RENDERED))

    def read(self, key: str) -> bytes | None:
        """The JSON under a key of `kept`, None where it is gone."""
        found: bytes | None = self.connection.get(key)
        return found

    def replace(self, key: str, before: bytes, rendered: Rendered | None) -> bool:
        """Puts another report in the place of one that is still as it was, for the rest of its time; None: takes it
        away. False where it has changed.
        """
        unit = Unit()
        unit.expect("GET", key, reply=before)
        if rendered is None:
            unit.do("DEL", key, *(key + suffix for suffix in _RENDERED))
        else:
            for suffix, text in zip(("", *_RENDERED), (rendered.json, rendered.markdown, rendered.html), strict=True):
                unit.do("SET", key + suffix, text, "KEEPTTL")
        return commit(self.connection, [unit])[0]

    def last_finished(self, kind: str) -> str:
        """The name of the latest period whose final report has been made, "" where none has."""
        return self._noted(_FINISHED, kind)

    def finish(self, kind: str, name: str) -> None:
        """Notes that a period's final report has been made."""
        self.connection.hset(self.keys.private(_FINISHED), kind, name)

    def _noted(self, what: str, kind: str) -> str:
        name = self.connection.hget(self.keys.private(what), kind)
        return name.decode() if name else ""
