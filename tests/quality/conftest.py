"""What was measured, shown as one table at the end of the run, whether or not a bound was missed."""

from __future__ import annotations

from typing import Any, Final

import pytest

from benchmarks.gold import AGREEMENT, Row

HEADER: Final = (
    f"{'set':<27} {'gold':<9} {'ids':<12} {'labels':>6} {'gold':>5} {'found':>5} {'P':>6} {'R':>6} {'figure':>6}"
    f" {'gate':>6} {'must':>5} {'aim':>5} {'usual':>6} {'recipe':>6} {'sweep':>5} {'s':>5}"
)


class Table:
    """Figures, a line each: of stories, and of near-duplicates."""

    def __init__(self) -> None:
        self.lines: dict[int, str] = {}
        self.near_duplicates: list[str] = []

    def add(self, place: int, row: Row, found: Any) -> None:
        """A row of gates.toml with what was measured."""
        counts = f"{'':>6} {'':>5} {'':>5} {'':>6} {'':>6}"
        if found.scores is not None:
            one = found.scores
            counts = f"{one.n_articles:>6} {one.n_gold_clusters:>5} {one.n_predicted_clusters:>5}"
            counts += f" {one.bcubed.precision:6.3f} {one.bcubed.recall:6.3f}"
        bar = _cell(row.gate, 6) if row.ceiling is None else f"<{_cell(row.ceiling, 5)}"
        self.lines[place] = (
            f"{row.set:<27} {row.gold:<9} {row.ids:<12} {counts} {_cell(found.value, 6)} {bar} {_cell(row.must, 5)}"
            f" {_cell(row.aim, 5)} {_cell(row.usual, 6)} {_cell(row.recipe, 6)} {_cell(row.sweep, 5)}"
            f" {found.seconds:5.1f}{_remark(row, found.remark)}"
        )


def _cell(value: float | None, width: int) -> str:
    if value is None:
        return " " * width
    return f"{value:>{width}}" if isinstance(value, int) else f"{value:{width}.3f}"


def _remark(row: Row, remark: str) -> str:
    told = [part for part in (row.figure if row.figure != AGREEMENT else "", remark) if part]
    return f"  {': '.join(told)}" if told else ""


_TABLE: Final = pytest.StashKey[Table]()


@pytest.fixture
def table(request: pytest.FixtureRequest) -> Table:
    return request.config.stash.setdefault(_TABLE, Table())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    kept = config.stash.get(_TABLE, None)
    if kept is not None and kept.lines:
        terminalreporter.section("Stories over the gold sets: B-cubed F1, or the figure named")
        for line in (HEADER, *(kept.lines[place] for place in sorted(kept.lines))):
            terminalreporter.write_line(line)
    if kept is not None and kept.near_duplicates:
        terminalreporter.section("Near-duplicates")
        for line in sorted(kept.near_duplicates):
            terminalreporter.write_line(line)
