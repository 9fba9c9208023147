"""`dedup link`, `unlink` and `corrections`: what they say, that they hold, and where they are shown."""

from __future__ import annotations

import json
import re
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

SEEDS = Path(__file__).parents[2] / "seeds" / "articles.jsonl"
WIRE, COPY, ANALYSIS, SECOND = "seed-r1-wire", "seed-r1-wire-copy", "seed-r1-analysis", "seed-r2-wire"


@pytest.fixture
def worked(tmp_path: Path) -> Path:
    """A data directory with the sample articles, in their stories."""
    folder = tmp_path / "data"
    run(folder, SEEDS.read_bytes().splitlines())
    return folder


def run(folder: Path, articles: list[Any] | None = None) -> None:
    """What a service does meanwhile: takes in these articles, and clusters."""
    server = embedded.start(folder)
    try:
        parts = make_runtime(replace(Settings(), data_dir=folder), server.url)
        with Client(server.url) as client:
            client.push(articles or [])
        drain(parts.store, parts.params, "only", 15, 1 << 20, 86_400)
        parts.clusterer.run(float(parts.store.connection.time()[0]))
        parts.clusterer.release()
        parts.store.connection.close()
    finally:
        server.stop()


def shown(dedup: Run, folder: Path, article_id: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(dedup("show", article_id, "--data-dir", folder, "--json").out)
    return told


def test_a_correction_is_made_with_the_next_run_shown_and_taken_back(dedup: Run, worked: Path) -> None:
    ran = dedup("unlink", WIRE, ANALYSIS, "--data-dir", worked)
    assert (ran.code, ran.said) == (
        0, ["dedup: unlinked: they are in no story and no family together from the next run on"],
    )  # fmt: skip
    assert re.search(r"^unlink +made$", ran.out, re.MULTILINE)
    before = shown(dedup, worked, WIRE)["story"]
    assert shown(dedup, worked, ANALYSIS)["story"] == before
    assert json.loads(dedup("status", "--data-dir", worked, "--json").out)["waiting_for_a_run"] is True
    run(worked)
    wire, analysis = (shown(dedup, worked, name) for name in (WIRE, ANALYSIS))
    assert wire["story"] != analysis["story"]
    assert [(one["kind"], one["other"]) for one in wire["corrections"]] == [("unlink", ANALYSIS)]
    assert dedup("unlink", ANALYSIS, WIRE, "--undo", "--data-dir", worked).code == 0
    run(worked)
    assert {shown(dedup, worked, name)["story"] for name in (WIRE, ANALYSIS)} == {before}
    assert shown(dedup, worked, WIRE)["corrections"] == []


def test_copies_are_split_and_it_is_explained(dedup: Run, worked: Path) -> None:
    assert dedup("unlink", WIRE, COPY, "--data-dir", worked).code == 0
    run(worked)
    assert shown(dedup, worked, WIRE)["family"] != shown(dedup, worked, COPY)["family"]
    explained = dedup("explain", COPY, "--data-dir", worked).out
    assert re.search(rf"^corrections +unlinked from {WIRE}$", explained, re.MULTILINE)
    told = json.loads(dedup("explain", COPY, "--data-dir", worked, "--json").out)
    assert [(one["kind"], one["other"]) for one in told["corrections"]] == [("unlink", WIRE)]
    alone = [one for one in (WIRE, COPY) if shown(dedup, worked, one)["match"] is None]
    for name in alone:
        assert "but for any that it is unlinked from" in dedup("explain", name, "--data-dir", worked).out
    assert alone != []
    text = dedup("show", WIRE, "--data-dir", worked).out
    assert re.search(rf"^corrections +unlinked from {COPY}$", text, re.MULTILINE)


def test_corrections_are_told_among_the_changes_and_in_the_report(dedup: Run, worked: Path) -> None:
    assert dedup("link", WIRE, SECOND, "--data-dir", worked).code == 0
    run(worked)
    lines = dedup("changes", "--data-dir", worked).out.splitlines()
    story = shown(dedup, worked, WIRE)["story"]
    assert shown(dedup, worked, SECOND)["story"] == story
    assert lines[-1].split(" ", 1)[1] == f"corrected {story}, 2: {WIRE} {SECOND}"
    report = json.loads(dedup("report", "--data-dir", worked, "--json").out)
    assert [(one["story"], one["n_articles"]) for one in report["corrected"]] == [(story, 2)]
    assert "### Corrected: 1" in dedup("report", "--data-dir", worked).out


def test_the_corrections_that_stand_are_listed(dedup: Run, worked: Path) -> None:
    assert json.loads(dedup("corrections", "--data-dir", worked, "--json").out) == []
    dedup("link", SECOND, WIRE, "--data-dir", worked)
    dedup("unlink", ANALYSIS, WIRE, "--data-dir", worked)
    listed = json.loads(dedup("corrections", "--data-dir", worked, "--json").out)
    assert [(one["kind"], one["articles"]) for one in listed] == [
        ("link", [WIRE, SECOND]),
        ("unlink", [ANALYSIS, WIRE]),
    ]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", one["made_at"]) for one in listed)
    [_, *rows] = dedup("corrections", ANALYSIS, "--data-dir", worked).out.splitlines()
    assert [row.split("\t")[:3] for row in rows] == [["unlink", ANALYSIS, WIRE]]


def test_a_contradiction_is_refused_with_its_chain(dedup: Run, worked: Path) -> None:
    dedup("link", WIRE, COPY, "--data-dir", worked)
    dedup("link", COPY, SECOND, "--data-dir", worked)
    ran = dedup("unlink", WIRE, SECOND, "--data-dir", worked)
    assert (ran.code, ran.out) == (1, "")
    [said] = ran.said
    assert said == (
        f"dedup: '{WIRE}' and '{SECOND}' cannot be unlinked, for they are linked: {WIRE} - {COPY} - {SECOND}. "
        "Take a link of these back first"
    )
    assert json.loads(dedup("link", WIRE, COPY, "--data-dir", worked, "--json").out)["outcome"] == "stands"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("link", WIRE, "nobody"), "no article 'nobody' is known: not pushed, not worked on yet, or expired"),
        (("unlink", WIRE, WIRE), f"'{WIRE}' is named twice: a correction is about two articles"),
        (
            ("link", WIRE, SECOND, "--undo"),
            f"no link of '{WIRE}' and '{SECOND}' stands: never made, taken back, or gone with one of the articles",
        ),
    ],
)
def test_what_cannot_be_done_is_said(dedup: Run, worked: Path, words: tuple[str, ...], said: str) -> None:
    ran = dedup(*words, "--data-dir", worked)
    assert (ran.code, ran.out, ran.said) == (1, "", [f"dedup: {said}"])


def test_one_article_is_wrong_usage(dedup: Run, worked: Path) -> None:
    assert dedup("link", WIRE, "--data-dir", worked).code == 2
