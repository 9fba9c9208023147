"""`dedup forget`: what it says, what it takes, and that a running service goes on beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from worker import embedded
from worker.client import Client
from worker.service.draining import drain
from worker.service.runtime import make_runtime
from worker.settings import Settings

Run = Callable[..., Any]

MARKER = "zyxmarker"
TEXT = "The harbour master closed the northern quay after the storm had torn two moorings loose, and sent word to all. "
NOTHING = {"waiting": 0, "rejected": 0, "changes": 0, "reports": 0}


@pytest.fixture
def worked(tmp_path: Path) -> Path:
    """A data directory with three articles in one story, and one of the same id as the first that waits."""
    folder = tmp_path / "data"
    server = embedded.start(folder)
    try:
        parts = make_runtime(replace(Settings(), data_dir=folder), server.url)
        with Client(server.url) as client:
            client.push([
                {"id": f"{MARKER}-id", "title": f"{MARKER} title", "text": f"{TEXT * 3} {MARKER}", "source": MARKER},
                {"id": "near", "title": "Quay", "text": TEXT * 3}, {"id": "copy", "title": "Quay", "text": TEXT * 3},
            ])  # fmt: skip
            drain(parts.store, parts.params, "only", 15, 1 << 20, 86_400)
            parts.clusterer.run(float(parts.store.connection.time()[0]))
            parts.clusterer.release()
            client.push([{"id": f"{MARKER}-id", "text": f"waits {MARKER}"}])
        parts.store.connection.close()
    finally:
        server.stop()
    return folder


def files_with_marker(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and MARKER.encode() in path.read_bytes()]


def test_an_article_is_forgotten_without_a_service_and_no_file_has_it_then(dedup: Run, worked: Path) -> None:
    assert dedup("report", "--data-dir", worked).code == 0
    assert files_with_marker(worked) != []
    ran = dedup("forget", f"{MARKER}-id", "--data-dir", worked, "--json")
    assert (ran.code, ran.said) == (0, [])
    told = json.loads(ran.out)
    assert list(told) == ["id", "article", "waiting", "rejected", "changes", "reports", "rewritten"]
    assert (told["id"], told["article"], told["waiting"], told["rewritten"]) == (f"{MARKER}-id", True, 1, True)
    assert files_with_marker(worked) == []
    assert MARKER not in dedup("report", "--name", "latest", "--format", "html", "--data-dir", worked).out
    shown = dedup("show", f"{MARKER}-id", "--data-dir", worked)
    assert (shown.code, shown.out) == (1, "")
    left = json.loads(dedup("show", "copy", "--data-dir", worked, "--json").out)
    assert [one["id"] for one in left["family_articles"]] == ["near", "copy"]
    assert json.loads(dedup("status", "--data-dir", worked, "--json").out)["waiting_in_inbox"] == 0


def test_what_went_is_told_line_by_line(dedup: Run, worked: Path) -> None:
    ran = dedup("forget", "near", "--data-dir", worked)
    assert (ran.code, ran.said) == (0, [])
    assert dict(line.split(maxsplit=1) for line in ran.out.splitlines()) == {
        "id": "near", "article": "yes", "waiting": "0", "rejected": "0", "changes": "1", "reports": "0",
        "rewritten": "yes",
    }  # fmt: skip


def test_an_id_without_a_trace_is_said_to_be_unknown(dedup: Run, worked: Path) -> None:
    ran = dedup("forget", "nobody", "--data-dir", worked)
    assert (ran.code, ran.out) == (1, "")
    assert ran.said == ["dedup: no trace of an article 'nobody': never pushed, or expired"]


def test_a_rejected_copy_alone_is_forgotten_too(dedup: Run, worked: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"id": "bad", "text": 5}\n')
    assert dedup("push", bad, "--data-dir", worked).code == 1
    told = json.loads(dedup("forget", "bad", "--data-dir", worked, "--json").out)
    assert told == {"id": "bad", "article": False, **NOTHING, "rejected": 1, "rewritten": True}
    assert dedup("forget", "bad", "--data-dir", worked).code == 1


def test_a_server_without_an_append_only_file_is_told_of(
    dedup: Run, worked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = embedded.start(worked)
    try:
        parts = make_runtime(Settings(), server.url)
        parts.store.connection.config_set("appendonly", "no")
        parts.store.connection.close()
        monkeypatch.setenv("REDIS_URL", server.url)
        ran = dedup("forget", "near", "--json")
    finally:
        server.stop()
    assert (ran.code, json.loads(ran.out)["rewritten"]) == (0, False)
    [line] = ran.said
    assert line.startswith("dedup: the server keeps no append-only file; a snapshot that it wrote before")
