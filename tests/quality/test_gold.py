"""The figures of the one default configuration over the gold sets, held to benchmarks/gates.toml."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any, Final

import pytest

from benchmarks.gold import AGREEMENT, MIXED, N_DRAWS, GoldSet, Row, forms, mixed, path_of, read_gates, read_set
from dedup.metrics import Scores, score
from dedup.pipeline import Placement, cluster_articles
from dedup.replay import Replayed, replay

pytestmark = [pytest.mark.quality, pytest.mark.timeout(900)]

ROWS: Final = read_gates()
UNDATED: Final = ", undated"
WITHOUT_ADDRESSES: Final = ", no addresses"
HAYSTACK: Final = "sources in basil-haystack"


class Clustered:
    """A set, what was made of it, and how long that took."""

    def __init__(self, gold: GoldSet) -> None:
        self.gold = gold
        start = time.process_time()
        self.placements: list[Placement] = cluster_articles(gold.articles)
        self.seconds = time.process_time() - start

    def ids(self, name: str) -> dict[str, str]:
        return _ids(self.placements, name)

    @cached_property
    def replayed(self) -> tuple[Replayed, float]:
        """The same day by day, and how long that took."""
        start = time.process_time()
        return replay(self.gold.articles), time.process_time() - start


class Sets:
    """Every set by its name in gates.toml, clustered once."""

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder = folder
        self._read: dict[str, GoldSet] = {}
        self._clustered: dict[str, Clustered] = {}

    def clustered(self, name: str) -> Clustered:
        if name not in self._clustered:
            self._clustered[name] = Clustered(self.read(name))
        return self._clustered[name]

    def read(self, name: str) -> GoldSet:
        if name not in self._read:
            self._read[name] = self._make(name)
        return self._read[name]

    def _make(self, name: str) -> GoldSet:
        if name.endswith(UNDATED):
            return self.read(name.removesuffix(UNDATED)).undated()
        if name.endswith(WITHOUT_ADDRESSES):
            return self.read(name.removesuffix(WITHOUT_ADDRESSES)).without_addresses()
        if name == "mixed":
            return mixed((one, self.read(one)) for one in MIXED)
        if name == HAYSTACK:
            return mixed((one, self.read(one)) for one in ("basil-haystack", "sources"))
        path = path_of(name, self._folder() if name != "samples" else Path())
        if not path.is_file():
            pytest.skip(f"the gold set {name} is absent: {path}")
        return read_set(path)


@dataclass(frozen=True)
class Measured:
    """A figure, the scores it was taken from where there are any, and the processor seconds of its clustering."""

    value: float
    scores: Scores | None = None
    seconds: float = 0.0
    remark: str = ""


@pytest.fixture(scope="module")
def sets(request: pytest.FixtureRequest) -> Sets:
    return Sets(lambda: request.getfixturevalue("shared"))


def _ids(placements: Any, name: str) -> dict[str, str]:
    return {one.article_id: getattr(one, name) for one in placements}


def agreement(row: Row, sets: Sets) -> Measured:
    whole, _, part = row.set.partition(": ")
    one = sets.clustered(whole)
    found = one.gold.scores(row.gold, one.ids(row.ids), f"{part}/" if part else "")
    return Measured(found.bcubed.f1, found, one.seconds)


def worst_with_one_left_out(row: Row, sets: Sets) -> Measured:
    gold = sets.read(row.set)
    rest = [Clustered(gold.without(i)) for i in range(len(gold.articles))]
    worst = min((one.gold.scores(row.gold, one.ids(row.ids)) for one in rest), key=lambda found: found.bcubed.f1)
    return Measured(worst.bcubed.f1, worst, sum(one.seconds for one in rest))


def same_as_alone(row: Row, sets: Sets) -> Measured:
    among, alone = sets.clustered(row.set), sets.clustered("sources")
    found = score({f"sources/{name}": one for name, one in alone.ids(row.ids).items()}, among.ids(row.ids))
    return Measured(found.bcubed.f1, found, among.seconds)


def lost(row: Row, sets: Sets, *, missing: bool) -> Measured:
    gold = sets.read(row.set)
    drawn = [Clustered(gold.spoiled(seed, missing=missing)) for seed in range(N_DRAWS)]
    scores = [one.gold.scores(row.gold, one.ids(row.ids)).bcubed.f1 for one in drawn]
    whole = agreement(row, sets).value
    remark = f"{whole:.3f} with all dates; draws {', '.join(f'{one:.3f}' for one in scores)}"
    return Measured(whole - fmean(scores), None, sum(one.seconds for one in drawn), remark)


def largest_form(row: Row, sets: Sets) -> Measured:
    one = sets.clustered(row.set)
    found = [(size, title, word) for size, title, word in forms(one.gold.articles, one.placements) if size >= 20]
    size, title, word = found[0] if found else (0, "", "")
    sizes = ", ".join(str(size) for size, _, _ in found[:6])
    return Measured(
        size, None, one.seconds, f"such stories: {sizes}; of {size}: {title!r}, commonest rare word {word!r}"
    )


def changed_without_a_word(row: Row, sets: Sets) -> Measured:
    replayed, seconds = sets.clustered(row.set).replayed
    told = {kind: 1000 * replayed.told.get(kind, 0) / replayed.n_articles for kind in ("moved", "split", "merged")}
    at_once = fmean(runs == 0 for runs, _ in replayed.waits)
    remark = f"{replayed.n_runs:,} runs; told of 1,000 articles: " + ", ".join(f"{n:.0f} {k}" for k, n in told.items())
    return Measured(
        len(replayed.unexplained), None, seconds, f"{remark}; {100 * at_once:.0f} % final at their first run"
    )


def same_as_one_window(row: Row, sets: Sets) -> Measured:
    one = sets.clustered(row.set)
    replayed, seconds = one.replayed
    found = score(one.ids(row.ids), _ids(replayed.placements, row.ids))
    return Measured(found.bcubed.f1, found, seconds)


def apart_from_one_window(row: Row, sets: Sets) -> Measured:
    one = sets.clustered(row.set)
    replayed, seconds = one.replayed
    found = one.gold.scores(row.gold, _ids(replayed.placements, row.ids))
    return Measured(abs(agreement(row, sets).value - found.bcubed.f1), found, seconds)


FIGURES: Final[Mapping[str, Callable[[Row, Sets], Measured]]] = {
    AGREEMENT: agreement,
    "worst with one left out": worst_with_one_left_out,
    "same as alone": same_as_alone,
    "lost where 20 % of dates are wrong": lambda row, sets: lost(row, sets, missing=False),
    "lost where 20 % of dates are missing": lambda row, sets: lost(row, sets, missing=True),
    "largest story of one form": largest_form,
    "replay: ids changed without a word": changed_without_a_word,
    "replay: same as one window": same_as_one_window,
    "replay: apart from one window on the gold": apart_from_one_window,
}


@pytest.mark.parametrize("place", range(len(ROWS)), ids=[f"{r.set}-{r.figure}-{r.gold}-{r.ids}" for r in ROWS])
def test_a_figure_is_as_good_as_its_gate(place: int, sets: Sets, table: Any) -> None:
    row = ROWS[place]
    found = FIGURES[row.figure](row, sets)
    table.add(place, row, found)
    assert row.passes(found.value), f"{row.set}, {row.figure}: {found.value:.4f}. {found.remark}"


def test_every_row_has_one_bar() -> None:
    assert [row for row in ROWS if (row.gate is None) == (row.ceiling is None)] == []
    assert {row.figure for row in ROWS} == set(FIGURES)


def test_every_set_but_the_plainest_is_better_than_no_clustering_at_all(sets: Sets) -> None:
    """Each article alone, or all in one, is what a broken figure looks like."""
    for name in ("rounds", "ecbplus", "basil"):
        found = sets.clustered(name).gold.scores("story", sets.clustered(name).ids("story_id"))
        assert 1 < found.n_predicted_clusters < found.n_articles
