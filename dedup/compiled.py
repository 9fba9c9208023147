"""Loops that no array operation expresses, compiled to machine code where they are written (numba).

What is compiled is kept beside its source, or in the user's cache where that cannot be written, or where
`NUMBA_CACHE_DIR` says; so it is compiled once for a machine and a version of the source, ten seconds for all. Where
there is no such place, every process compiles what it calls. numba itself takes a fifth of a second and 50 MB, so it is
loaded by the first call: processes that compute nothing do without.

A compiled function takes arrays and numbers; it may call others of its own file, not of another one, for what is kept
of it is only made anew when its own file changes. It sums in the order it is written in, as Python would: nothing is
reordered for speed, so its results are the same everywhere. Others may run while it does (it holds no lock).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, update_wrapper
from types import FunctionType
from typing import Generic, ParamSpec, TypeVar, cast

_Asked = ParamSpec("_Asked")
_Answer = TypeVar("_Answer")


class _Compiled(Generic[_Asked, _Answer]):
    """A function that is machine code from its first call on."""

    def __init__(self, function: Callable[_Asked, _Answer]) -> None:
        update_wrapper(self, function)
        self._function = cast("FunctionType", function)

    def __call__(self, *asked: _Asked.args, **named: _Asked.kwargs) -> _Answer:
        return self.machine_code(*asked, **named)

    @cached_property
    def machine_code(self) -> Callable[_Asked, _Answer]:
        """What numba makes of the function, with what it calls."""
        import numba

        source = self._function
        called = {name: source.__globals__.get(name) for name in source.__code__.co_names}
        made = {name: one.machine_code for name, one in called.items() if isinstance(one, _Compiled)}
        function = FunctionType(source.__code__, source.__globals__ | made, source.__name__, source.__defaults__)
        try:
            code = numba.njit(cache=True, nogil=True)(function)
        except RuntimeError:  # there is no place that can be written
            code = numba.njit(nogil=True)(function)
        return cast("Callable[_Asked, _Answer]", code)


def compiled(function: Callable[_Asked, _Answer]) -> Callable[_Asked, _Answer]:
    """The function as machine code, made when it is first called with arguments of such types."""
    return _Compiled(function)
