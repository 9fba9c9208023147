"""Compiled functions: what Python would give, wherever they are defined, and numba only where one is called."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dedup.compiled import compiled

ROOT = Path(__file__).parents[2]


@compiled
def _half(value: float) -> float:
    return value / 2


@compiled
def _halves(values: NDArray[np.float64], add: float) -> float:
    total = 0.0
    for value in values:
        total += _half(value) + add
    return total


def test_one_function_calls_another_and_sums_in_order() -> None:
    values = np.random.default_rng(1).random(1000)
    expected = 0.0
    for value in values.tolist():
        expected += value / 2 + 0.1
    assert _halves(values, 0.1) == expected
    assert _halves(values, add=0.1) == expected


def test_where_nothing_can_be_kept_it_is_compiled_all_the_same() -> None:
    defined: dict[str, object] = {}
    exec("def twice(number): return 2 * number", defined)  # noqa: S102
    twice = defined["twice"]
    assert callable(twice)
    assert compiled(twice)(21) == 42


def test_to_import_what_computes_does_not_load_numba() -> None:
    script = "import sys, worker.tasks; print(*{'numba', 'llvmlite'} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stdout.split(), answer.stderr) == (0, [], "")
