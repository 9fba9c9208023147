"""Why articles are where they are.

What needs the whole window has a process of its own, one at a time: it takes as long as a run and as much memory, and
look-ups go on meanwhile.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

# Loaded with the service and not by its first explanation, for which every look-up would have to wait.
import worker.explained.articles
import worker.service.explaining_stories  # noqa: F401
from worker.answers import Answer
from worker.client import Client, UnknownArticleError
from worker.settings import inherited
from worker.web.problem import Refused, later

PATIENCE_SECONDS: Final = 60.0


@dataclass(slots=True)
class Explanations:
    """Explanations of the service whose server is at `url`."""

    client: Client
    url: str
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _process: subprocess.Popen[bytes] | None = None

    def of_article(self, article_id: str, *, with_story: bool) -> Answer | None:
        """Why an article is in its family, and its story; None where it is not known."""
        if not with_story:
            found = self.client.explain(article_id, story=False)
            return dataclasses.asdict(found) if found is not None else None
        return self._by_command([article_id]) if self.client.lookup(article_id) is not None else None

    def of_pair(self, article_id: str, other_id: str) -> Answer:
        """Why two articles are in one story or in two. Raises `Refused` where one is not known."""
        for name in (article_id, other_id):
            if self.client.lookup(name) is None:
                raise Refused(HTTPStatus.NOT_FOUND, str(UnknownArticleError(name)))
        return self._by_command([article_id, other_id])

    def end(self) -> None:
        """Ends the one that is being made, if any."""
        if (process := self._process) is not None:
            process.kill()

    def _by_command(self, article_ids: Sequence[str]) -> Answer:
        """What `dedup explain --json` says. Raises `Refused` where another is being made, or this one takes long."""
        if not self._turn.acquire(blocking=False):
            raise later("another explanation of stories is being made")
        try:
            command = [sys.executable, "-m", "worker.cli", "explain", "--json", "--", *article_ids]
            self._process = subprocess.Popen(
                command, env=inherited() | {"REDIS_URL": self.url}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )  # fmt: skip
            return self._answer(self._process)
        finally:
            self._process = None
            self._turn.release()

    def _answer(self, process: subprocess.Popen[bytes]) -> Answer:
        try:
            told, _ = process.communicate(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired as error:
            process.kill()
            process.communicate()
            raise later(f"the explanation took more than {PATIENCE_SECONDS:g} seconds") from error
        if process.returncode:
            raise later("the explanation did not come to its end")
        answer: Answer = json.loads(told)
        return answer
