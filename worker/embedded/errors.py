"""What can be wrong with the embedded server."""

from __future__ import annotations

from dedup.errors import DedupError


class EmbeddedServerError(DedupError):
    """The embedded server cannot be started, found or reached; says with which path or port, and what to do."""
