"""Turns: one thread computes, round trips go on aside, the lowest rank goes first, and every outcome is told."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.store.turns import Turns, aside, give_way

STEPS = st.lists(st.sampled_from(["aside", "give way", "start", "fail aside"]), max_size=6)


def test_work_of_the_lowest_rank_goes_first_where_others_give_way() -> None:
    turns, told = Turns(), list[str]()

    def tell(name: str) -> Callable[[], None]:
        return lambda: told.append(name)

    def main() -> None:
        turns.start(2, tell("reading"))
        turns.start(0, tell("settling"))
        turns.start(1, tell("of the same rank"))
        told.append("begun")
        give_way()
        told.append("went on")

    turns.run(1, main)
    assert told == ["begun", "settling", "of the same rank", "went on", "reading"]


def test_others_go_on_while_one_waits() -> None:
    turns, given_now, told = Turns(), threading.Event(), list[str]()

    def other() -> None:
        told.append("other")
        given_now.set()

    def main() -> bool:
        turns.start(9, other)
        told.append("waits")
        answered = aside(given_now.wait, timeout=30)
        told.append("answered")
        return answered

    assert turns.run(0, main) is True
    assert told == ["waits", "other", "answered"]


def test_an_answer_is_taken_up_before_work_of_a_higher_rank() -> None:
    turns, told, answer = Turns(), list[str](), threading.Event()

    def first() -> None:
        aside(answer.wait, 30)
        told.append("answered")

    def second() -> None:
        told.append("computes")
        give_way()
        answer.set()
        while "answered" not in told:
            give_way()
        told.append("computes on")

    def main() -> None:
        turns.start(0, first)
        turns.start(5, second)

    turns.run(3, main)
    assert told == ["computes", "answered", "computes on"]


def test_what_goes_wrong_is_told_to_whoever_waits_and_ends_nothing_else() -> None:
    turns, told = Turns(), list[str]()

    def main() -> None:
        outcome: Future[float] = turns.start(0, lambda: aside(lambda: 1 / 0))
        turns.start(8, lambda: told.append("ends"))
        with pytest.raises(ZeroDivisionError):
            turns.result(outcome)
        raise LookupError("of its own")

    with pytest.raises(LookupError, match="of its own"):
        turns.run(1, main)
    assert told == ["ends"]


def test_what_ends_the_process_is_not_kept_for_an_outcome() -> None:
    def end() -> None:
        raise SystemExit(3)

    turns = Turns()
    with pytest.raises(SystemExit):
        turns.run(1, lambda: turns.result(turns.start(0, end)))


def test_without_turns_a_call_is_made_in_place() -> None:
    give_way()
    assert aside(threading.get_ident) == threading.get_ident()


@given(st.lists(st.tuples(st.integers(0, 3), STEPS), min_size=1, max_size=5))
def test_whatever_works_do_each_ends_once_and_one_computes_at_a_time(works: list[tuple[int, list[str]]]) -> None:
    turns, ended, computing = Turns(), list[Any](), list[Any]()
    here = threading.get_ident()

    def left(call: Callable[[], Any]) -> Any:
        assert computing.pop() is not None
        try:
            return call()
        finally:
            assert (computing, threading.get_ident()) == ([], here)
            computing.append(call)

    def work(name: Any, steps: list[str]) -> Any:
        assert (computing, threading.get_ident()) == ([], here)
        computing.append(name)
        started = []
        for i, step in enumerate(steps):
            if step == "aside":
                assert left(lambda: aside(threading.get_ident)) != here
            elif step == "fail aside":
                with pytest.raises(KeyError):
                    left(lambda: aside(dict[str, int]().__getitem__, "none"))
            elif step == "give way":
                left(give_way)
            else:
                started.append(((name, i), turns.start(i % 4, work, (name, i), ["aside", "give way"])))
        for inner, outcome in started:
            assert left(partial(turns.result, outcome)) == inner
        computing.pop()
        ended.append(name)
        return name

    def main() -> list[Any]:
        return [outcome for i, (rank, steps) in enumerate(works) for outcome in [turns.start(rank, work, i, steps)]]

    outcomes = turns.run(0, main)
    assert [outcome.result() for outcome in outcomes] == [*range(len(works))]
    n_inner = sum(steps.count("start") for _, steps in works)
    assert len(ended) == len(set(ended)) == len(works) + n_inner
