"""What was measured, shown as one table at the end of the run, whether or not a bound was missed."""

from __future__ import annotations

from typing import Final

import pytest

from dedup.metrics import Scores

HEADER: Final = (
    f"{'set':<24} {'gold':<9} {'level':<9} {'labels':>6} {'gold':>5} {'found':>6} {'P':>6} {'R':>6} {'F1':>6} "
    f"{'bound':>5} {'seconds':>7}"
)


class Table:
    """Figures, a line each: of stories, and of near-duplicates."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.near_duplicates: list[str] = []

    def add(self, name: str, field: str, level: str, found: Scores, bound: float | None, seconds: float) -> None:
        """B-cubed of the ids of a level against a gold field; `bound` is what F1 must reach."""
        b = found.bcubed
        self.lines.append(
            f"{name:<24} {field:<9} {level:<9} {found.n_articles:>6} {found.n_gold_clusters:>5} "
            f"{found.n_predicted_clusters:>6} {b.precision:6.3f} {b.recall:6.3f} {b.f1:6.3f} "
            f"{'' if bound is None else f'{bound:.2f}':>5} {seconds:7.1f}"
        )


_TABLE: Final = pytest.StashKey[Table]()


@pytest.fixture
def table(request: pytest.FixtureRequest) -> Table:
    return request.config.stash.setdefault(_TABLE, Table())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    kept = config.stash.get(_TABLE, None)
    if kept is not None and kept.lines:
        terminalreporter.section("B-cubed over the gold sets")
        for line in (HEADER, *sorted(kept.lines)):
            terminalreporter.write_line(line)
    if kept is not None and kept.near_duplicates:
        terminalreporter.section("Near-duplicates")
        for line in sorted(kept.near_duplicates):
            terminalreporter.write_line(line)
