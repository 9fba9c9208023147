"""The secrets of accounts of feed readers: from the environment, or from a file that nobody else may read.

They are read when they are needed, kept in no key, put into no URL, and shown in no message.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from worker.feeds.error import FeedError

_MOST_BYTES: Final = 65_536
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_FIT_FOR_HEADER: Final = re.compile(r"[\x21-\x7e]{1,4096}")


class NoSecretError(FeedError):
    """There is no secret for an account, or none that can be read; `reason` says what to do."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """Secrets by accounts' names: those of `given` (the environment's) count before those of `file` ("." for none)."""

    given: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    file: Path = Path()

    def of(self, name: str) -> str:
        """The secret of an account. Raises `NoSecretError`."""
        found = dict(self.given).get(name) or dict(self._of_file(name)).get(name)
        if not found:
            raise NoSecretError(name, f"no secret for it: {_where(name)}")
        return found

    def token_of(self, name: str) -> str:
        """The same for a secret that is sent in a header as it is: an API key."""
        secret = self.of(name)
        if not fits_header(secret):
            raise NoSecretError(name, "its API key has spaces or letters beyond ASCII in it: it is another one")
        return secret

    def _of_file(self, name: str) -> Iterable[tuple[str, str]]:
        if self.file == Path():
            return []
        try:
            with self.file.open("rb") as opened:
                if os.fstat(opened.fileno()).st_mode & _OTHERS:
                    raise NoSecretError(name, f"{self.file} can be read by others: chmod 600 {self.file}")
                text = opened.read(_MOST_BYTES).decode()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8"
            raise NoSecretError(name, f"cannot read {self.file}: {reason}") from error
        lines = (line.partition("=") for line in text.splitlines() if not line.lstrip().startswith("#"))
        return [(name.strip(), secret.strip()) for name, _, secret in lines]


def fits_header(secret: str) -> bool:
    """Whether a secret can stand in a header: what cannot would be told in the error of who refuses it."""
    return _FIT_FOR_HEADER.fullmatch(secret) is not None


def how_to_mend(name: str) -> str:
    """What to do where the secret of an account is refused."""
    return f"{_where(name)}, then `dedup feeds poll {name}`"


def _where(name: str) -> str:
    return f"put the right {name}=... into DEDUP_READERS, or as a line into the file of DEDUP_READERS_FILE"
