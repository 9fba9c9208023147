"""Reading input: files, compressed or not, and standard input, with errors that name them."""

from __future__ import annotations

import gzip
import sys
import zlib
from pathlib import Path

from dedup.errors import DedupError

_GZIP_MAGIC = b"\x1f\x8b"


class InputError(DedupError):
    """Input that cannot be read; the message names it."""


def read_bytes(source: str) -> bytes:
    """All of a file, or of standard input for "-"; gzip is undone."""
    try:
        raw = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        return gzip.decompress(raw) if raw.startswith(_GZIP_MAGIC) else raw
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"cannot read {'standard input' if source == '-' else source}: {reason}") from error


def read_lines(source: str) -> list[bytes]:
    """The lines of a file that are not blank."""
    return [line for line in read_bytes(source).split(b"\n") if line.strip()]
