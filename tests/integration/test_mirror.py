"""The buckets that each worker holds in memory say what the server holds, whatever others do meanwhile."""

from __future__ import annotations

import pytest

from dedup.article import Article
from dedup.pipeline import Prepared, prepare
from tests.integration.world import PARAMS, altered, text
from worker.store import mirror
from worker.store.commit import Unit, commit
from worker.store.index import Admission
from worker.store.store import Store, open_store


def prepared(*bodies: str) -> list[Prepared]:
    """Articles with these texts, each under an id made of its first words."""
    return prepare([Article("-".join(body.split()[:5]), title="t", text=body) for body in bodies], PARAMS)


def beside(store: Store) -> Store:
    """The same server as another worker sees it."""
    return open_store(store.connection, "dedup:")


def candidates(admission: Admission) -> list[tuple[int, ...]]:
    return [one.candidates for one in admission.articles]


def numbers(admission: Admission) -> list[int]:
    return [one.number for one in admission.articles]


def variants(name: str, n: int) -> list[str]:
    return [text(name), *(altered(text(name), seed) for seed in range(1, n))]


def test_a_worker_that_begins_finds_what_others_have_admitted(store: Store) -> None:
    one, other, third = variants("a", 3)
    first = store.index.admit(prepared(one, text("b")))
    assert candidates(beside(store).index.admit(prepared(other, third))) == [
        (numbers(first)[0],),
        (numbers(first)[0], 3),
    ]


def test_what_another_admits_between_look_up_and_admission_is_found(store: Store) -> None:
    one, other, third = variants("a", 3)
    store.index.admit(prepared(text("b")))
    batch = prepared(other, text("c"))
    found = store.index.look_up(batch)
    assert found.known == [(), ()]
    beside(store).index.admit(prepared(one))
    assert candidates(store.index.admit_found(batch, found)) == [(2,), ()]
    assert candidates(store.index.admit(prepared(third))) == [(2, 3)]


def test_a_text_that_another_admits_first_is_found_by_what_comes_later(store: Store) -> None:
    one, other, _ = variants("a", 3)
    batch = prepared(one, text("b"))
    found = store.index.look_up(batch)
    beside(store).index.admit(prepared(one))
    assert numbers(store.index.admit_found(batch, found)) == [1, 2]
    assert candidates(store.index.admit(prepared(other))) == [(1,)]


def test_a_worker_that_has_missed_much_reads_it_first(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other, third = variants("a", 3)
    batch = prepared(other)
    found = store.index.look_up(batch)
    elsewhere = beside(store).index
    elsewhere.admit(prepared(one, *(text(f"b{i}") for i in range(9))))
    monkeypatch.setattr(mirror, "MOST_MISSED", 4)
    monkeypatch.setattr("worker.store.index.MOST_MISSED", 4)
    assert candidates(store.index.admit_found(batch, found)) == [(1,)]
    assert candidates(elsewhere.admit(prepared(third))) == [(1, 11)]


def test_another_beginning_of_the_numbers_is_another_index(store: Store) -> None:
    one, other, _ = variants("a", 3)
    store.index.admit(prepared(one))
    store.connection.flushall()
    elsewhere = beside(store).index
    elsewhere.admit(prepared(text("b"), text("c")))
    assert candidates(store.index.admit(prepared(other))) == [()]
    store.connection.flushall()
    assert numbers(store.index.admit(prepared(one))) == [1]


def test_another_run_of_the_server_is_another_index(store: Store) -> None:
    one, other, _ = variants("a", 3)
    store.index.admit(prepared(one))
    store.index.mirror.server = "0" * 40
    store.index.mirror.known_to = 0
    assert candidates(store.index.admit(prepared(other))) == [(1,)]


def test_contents_that_are_gone_are_no_candidates_and_are_dropped_in_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other, third = variants("a", 3)
    first = store.index.admit(prepared(one, text("b")))
    unit = Unit()
    store.index.drop_content(unit, first.contents[1])
    commit(store.connection, [unit])
    assert candidates(store.index.admit(prepared(other))) == [()]
    monkeypatch.setattr(store.index.mirror, "_dropped_at", 0)
    assert candidates(store.index.admit(prepared(third))) == [(3,)]
    assert store.index.mirror.find([prepared(one)[0].keys]) == [(3, 4)]
