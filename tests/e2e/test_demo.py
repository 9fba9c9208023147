"""`dedup demo` as a stranger meets it: an empty home, one command, and nothing left behind but the report."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

LONGEST_SECONDS = 180.0


@dataclass(frozen=True)
class Shown:
    """What the demonstration printed, and the folder it ran in."""

    code: int
    out: str
    err: str
    folder: Path

    def table(self, header: str) -> list[list[str]]:
        """The rows below the header that begins with this word."""
        lines = self.out.splitlines()
        start = next(i for i, line in enumerate(lines) if line.startswith(f"{header}\t"))
        rows = [line.split("\t") for line in lines[start + 1 :]]
        end = next((i for i, row in enumerate(rows) if len(row) == 1), len(rows))
        return rows[:end]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory, user_environ: Callable[[Path], dict[str, str]]) -> Shown:
    """One demonstration, in a folder of its own with an empty home and an empty place for temporary files."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / "tmp").mkdir()
    environ = user_environ(folder / "home") | {"TMPDIR": str(folder / "tmp")}
    command = [sys.executable, "-m", "worker.cli", "demo", "--report", "out.html"]
    ran = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False
    )
    return Shown(ran.returncode, ran.stdout, ran.stderr, folder)


def test_it_ends_well_and_says_what_it_does(shown: Shown) -> None:
    assert shown.code == 0, shown.err
    assert "Traceback" not in shown.err
    assert "24 articles and 1 revision of them pushed from seeds/articles.jsonl" in shown.err
    assert "24 articles, 18 families, 5 stories, 4 storylines" in shown.out


def test_the_two_rounds_are_two_stories_of_one_storyline(shown: Shown) -> None:
    stories = {row[0]: row for row in shown.table("story")}
    told = shown.out[shown.out.index("Storyline ") :]
    assert "has 2 stories, in order:" in told.splitlines()[0]
    line = told.split()[1]
    first, second = re.findall(r"^  (2025-\d\d-\d\d)T\S+  (\S+)  ", told, re.MULTILINE)
    assert (first[0], second[0]) == ("2025-05-16", "2025-06-02")
    assert {name for name, row in stories.items() if row[6] == line} == {first[1], second[1]}


def test_the_copies_are_families(shown: Shown) -> None:
    families: dict[str, set[str]] = {}
    for family, _kind, name, *_ in shown.table("family"):
        families.setdefault(family, set()).add(name)
    assert sorted(map(sorted, families.values())) == [
        ["seed-r1-broadcast", "seed-r1-broadcast-near"],
        ["seed-r1-wire", "seed-r1-wire-copy", "seed-r1-wire-near"],
        ["seed-r2-regional", "seed-r2-regional-near"],
        ["seed-r2-reprint", "seed-r2-wire", "seed-r2-wire-near"],
    ]
    kinds = {row[2]: row[1] for row in shown.table("family")}
    assert kinds["seed-r1-wire-copy"] == "copy"
    assert kinds["seed-r1-wire-near"] == "near-duplicate"
    assert kinds["seed-r2-reprint"] == "reprint"


def test_the_report_is_one_page_with_every_story(shown: Shown) -> None:
    page = (shown.folder / "out.html").read_text(encoding="utf-8")
    assert page.lower().startswith("<!doctype html>")
    assert all(row[0] in page for row in shown.table("story"))
    assert "<script" not in page
    assert f"Report: {shown.folder / 'out.html'}" in shown.out


def test_nothing_is_left_but_the_report(shown: Shown) -> None:
    assert list((shown.folder / "home").rglob("*")) == []
    assert list((shown.folder / "tmp").rglob("*")) == []
    assert sorted(path.name for path in shown.folder.iterdir()) == ["home", "out.html", "tmp"]


def test_no_process_of_it_is_left(shown: Shown) -> None:
    listed = subprocess.run(["ps", "-A", "-ww", "-o", "args="], capture_output=True, text=True, check=True).stdout
    assert [line for line in listed.splitlines() if str(shown.folder) in line] == []
    if Path("/proc/self/environ").exists():
        assert processes_that_name(shown.folder) == []


def processes_that_name(folder: Path) -> list[str]:
    """The processes whose environment has this folder in it: all that were started from one that lived there."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            environ = path.read_bytes()
        except OSError:
            continue
        if os.fsencode(folder) in environ:
            found.append(path.parent.name)
    return found
