"""Loops that no array operation expresses, compiled to machine code where they are written (numba).

What is compiled is kept beside its source, or in the user's cache where that cannot be written, or where
`NUMBA_CACHE_DIR` says; so it is compiled once for a machine and a version of the source, in a second or so. Where there
is no such place, every process compiles what it calls.

A compiled function takes arrays and numbers, and sums in the order it is written in, as Python would: nothing is
reordered for speed, so its results are the same everywhere. Others may run while it does (it holds no lock).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

_Asked = ParamSpec("_Asked")
_Answer = TypeVar("_Answer")


def compiled(function: Callable[_Asked, _Answer]) -> Callable[_Asked, _Answer]:
    """The function as machine code, made when it is first called with arguments of such types."""
    try:
        made = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # there is no place that can be written
        made = numba.njit(nogil=True)(function)
    return cast("Callable[_Asked, _Answer]", made)
