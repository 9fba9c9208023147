"""The server's append-only file, where it keeps one: what was deleted is in it until it is written anew."""

from __future__ import annotations

import time
from typing import Final

from redis.exceptions import ResponseError

from worker.store.connection import Connection, StoreError, server_run

_POLL_SECONDS: Final = 0.02
_SYNC_POLL_SECONDS: Final = 0.002


def rewrite(connection: Connection) -> bool:
    """Has the append-only file written anew from what the server holds now, and waits until the old one is gone.

    False where the server keeps none. Raises `StoreError` where the server will not, or cannot.
    """
    while True:
        run = server_run(connection)
        about = _settled(connection)
        if not about["aof_enabled"]:
            return False
        if not _begun(connection):
            continue
        about = _settled(connection)
        if server_run(connection) == run:
            break
    if about["aof_last_bgrewrite_status"] != "ok":
        raise StoreError(
            "the server could not write its append-only file anew, and what was deleted is still in it: see the "
            "server's log, make room on its disk, and run the command again"
        )
    return True


def is_written(connection: Connection, run: str) -> bool:
    """Waits until what this run of the server has told is in its append-only file, if it keeps one.

    It nearly always is, but while a sync is under way writes wait for its end in the server's memory. False where
    the server is in another run by now, which may never have seen them.
    """
    while True:
        told = connection.info("server", "persistence")
        if told["run_id"] != run:
            return False
        if not (told.get("aof_pending_bio_fsync") and told.get("aof_buffer_length")):
            return True
        time.sleep(_SYNC_POLL_SECONDS)


def _begun(connection: Connection) -> bool:
    """Whether a rewrite has been begun, or waits for a snapshot; not while another one is under way, which may have
    begun before the last deletion.
    """
    try:
        connection.bgrewriteaof()
    except ResponseError as error:
        if "in progress" in str(error):
            return False
        raise StoreError(
            f"the server does not let its append-only file be written anew ({error}), and what was deleted is in it "
            "until that is done: have the server's operator run BGREWRITEAOF, and run the command again"
        ) from error
    return True


def _settled(connection: Connection) -> dict[str, object]:
    """What the server tells of its file once no rewrite is under way or due."""
    while True:
        about: dict[str, object] = connection.info("persistence")
        if not (about["aof_rewrite_in_progress"] or about["aof_rewrite_scheduled"]):
            return about
        time.sleep(_POLL_SECONDS)
