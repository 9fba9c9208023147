"""Several pieces of work in one thread, in turns: while one waits for the server, another one goes on.

Threads of their own would wait for the interpreter as much as for the server: whoever has an answer waits until the
one that computes is interrupted, and is interrupted itself in the middle of what others wait for. Here only round trips
have threads. Work is left where it waits or says that it may be left; of what can go on, the lowest rank goes first.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from heapq import heappop, heappush
from itertools import count
from queue import SimpleQueue
from typing import Final, ParamSpec, TypeVar, cast

from greenlet import getcurrent, greenlet

MOST_TRIPS: Final = 4
"""Round trips under way at once."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Turns:
    """Works that take turns in the thread that calls `run`."""

    def __init__(self) -> None:
        self.hub = getcurrent()
        self._ready: list[tuple[int, int, _Work]] = []
        self._answered: SimpleQueue[_Work] = SimpleQueue()
        self._order, self._n_unfinished = count(), 0
        self._trips = ThreadPoolExecutor(MOST_TRIPS, "trip")

    def run(self, rank: int, work: Callable[_P, _T], *args: _P.args, **options: _P.kwargs) -> _T:
        """Does work, and all that is started meanwhile; returns what it returned, or raises what it raised."""
        with self._trips:
            outcome = self.start(rank, work, *args, **options)
            while self._n_unfinished:
                self._next().switch()
        return outcome.result()

    def start(self, rank: int, work: Callable[_P, _T], *args: _P.args, **options: _P.kwargs) -> Future[_T]:
        """Has work done, from when it is its turn."""
        outcome: Future[_T] = Future()

        def done() -> None:
            try:
                outcome.set_result(work(*args, **options))
            except Exception as error:  # noqa: BLE001 - whoever wants the outcome is told
                outcome.set_exception(error)
            self._n_unfinished -= 1

        self._n_unfinished += 1
        self._put(_Work(self, rank, done))
        return outcome

    def result(self, outcome: Future[_T]) -> _T:
        """What work or a round trip has come to; others go on until it has."""
        if not outcome.done():
            work = cast(_Work, getcurrent())
            outcome.add_done_callback(lambda _: self._answered.put(work))
            self.hub.switch()
        return outcome.result()

    def trip(self, call: Callable[[], _T]) -> _T:
        """What a call returns that waits; others go on meanwhile."""
        return self.result(self._trips.submit(call))

    def give_way(self, work: _Work) -> None:
        """Lets those go on that can, and have a lower rank than this work."""
        if self._ready or not self._answered.empty():
            self._put(work)
            self.hub.switch()

    def _put(self, work: _Work) -> None:
        heappush(self._ready, (work.rank, next(self._order), work))

    def _next(self) -> _Work:
        while not self._ready or not self._answered.empty():
            self._put(self._answered.get())
        return heappop(self._ready)[2]


class _Work(greenlet):
    """A piece of work, and whose turns it takes."""

    def __init__(self, turns: Turns, rank: int, run: Callable[[], None]) -> None:
        super().__init__(run, turns.hub)
        self.turns, self.rank = turns, rank


def aside(call: Callable[_P, _T], *args: _P.args, **options: _P.kwargs) -> _T:
    """What a call returns that waits, for a server or for time to pass: other work of this thread goes on meanwhile, if
    it is done in turns.
    """
    work = getcurrent()
    return work.turns.trip(lambda: call(*args, **options)) if isinstance(work, _Work) else call(*args, **options)


def give_way() -> None:
    """Lets work of a lower rank go on, if this is done in turns and some can."""
    work = getcurrent()
    if isinstance(work, _Work):
        work.turns.give_way(work)
