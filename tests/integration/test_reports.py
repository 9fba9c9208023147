"""Reports of the hour and the day, made from the live store and kept under the keys of the contract."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dedup.report import Period, PeriodKind, period_of, previous
from tests.integration.world import (
    DAY,
    HOUR,
    about,
    altered,
    article,
    clusterer,
    ingest,
    push,
    seed_lines,
    story_of,
)
from worker.service.reporting import SETTLING_SECONDS, Reporting
from worker.store.store import Store

SUFFIXES = ("", ":markdown", ":html")


def server_time(store: Store) -> float:
    seconds, microseconds = store.connection.time()
    return float(seconds + microseconds / 1e6)


def period_around(now: float, kind: PeriodKind = "hour", name: str = "2026-01-02T03") -> Period:
    """A period with this moment in its middle, so that no test is at its end."""
    return Period(kind, name, now - HOUR, now + HOUR, "UTC")


def read(store: Store, kind: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(store.connection.get(store.keys.report(kind, name)))
    return found


def test_a_report_counts_what_the_period_brought(store: Store) -> None:
    body = str(about("flood", "a")["text"])
    ingest(
        store, about("flood", "a", source="one"), article("copy", body, source="two"),
        article("near", altered(body, 1), source="one"), about("fire", "b", source=""), "no JSON",
    )  # fmt: skip
    now = server_time(store)
    clusterer(store).run(now)
    Reporting(store, "UTC").make(period_around(now), now)
    told = read(store, "hour", "2026-01-02T03")
    assert told["counts"] == {
        "n_articles": 4, "n_families": 2, "n_copies": 1, "n_rejected": 1, "n_sources": 2,
        "near_duplicate_ratio": 0.5, "n_moved": 0, "n_revised": 0,
    }  # fmt: skip
    assert told["n_born"] == 2
    assert {one["story"] for one in told["born"]} == {story_of(store, "a"), story_of(store, "b")}
    largest = told["largest"][0]
    assert (largest["story"], largest["n_articles"], largest["n_new_articles"]) == (story_of(store, "a"), 3, 3)
    assert (largest["sources"], largest["n_copies"], largest["n_near_duplicates"]) == (["one", "two"], 1, 1)
    assert (largest["n_families"], largest["near_duplicate_ratio"]) == (1, 0.6667)
    assert largest["first_published_at"] == "2026-01-02T03:04:05Z"
    assert told["generated_at"].endswith("Z")


def test_a_report_tells_what_grew_merged_and_ended(store: Store) -> None:
    now = server_time(store)
    holder = clusterer(store, window_seconds=DAY)
    ingest(store, *(about("flood", f"f{i}") for i in range(3)), *(about("fire", f"g{i}") for i in range(2)))
    holder.run(now)
    merged = story_of(store, "g0")
    ingest(store, *(about("flood", f"g{i}") for i in range(2)), about("flood", "f3"))
    holder.run(now + 1)
    holder.run(now + 2 * DAY)
    Reporting(store, "UTC").make(period_around(now), now)
    told = read(store, "hour", "2026-01-02T03")
    living = story_of(store, "f0")
    assert [(one["story"], one["merged_into"]) for one in told["merged"]] == [(merged, living)]
    assert [one["story"] for one in told["grown"]] in ([living], [])
    assert [one["story"] for one in told["ended"]] == [living]
    assert told["counts"]["n_revised"] == 2


def test_a_report_has_the_storyline_of_the_two_rounds_in_order(store: Store) -> None:
    ingest(store, *seed_lines())
    now = server_time(store)
    clusterer(store).run(now)
    Reporting(store, "UTC").make(period_around(now, "day", "2026-01-02"), now)
    lines = read(store, "day", "2026-01-02")["storylines"]
    [talks] = [line for line in lines if line["n_stories"] == 2]
    rounds = [story_of(store, "seed-r1-wire"), story_of(store, "seed-r2-wire")]
    assert [story["story"] for story in talks["stories"]] == rounds


def test_what_came_before_or_after_the_period_is_not_in_it(store: Store) -> None:
    ingest(store, about("flood", "a"))
    now = server_time(store)
    clusterer(store).run(now)
    for start in (now - 3 * HOUR, now + HOUR):
        Reporting(store, "UTC").make(Period("hour", "2026-01-02T03", start, start + HOUR, "UTC"), now)
        told = read(store, "hour", "2026-01-02T03")
        assert told["counts"]["n_articles"] == told["n_born"] == 0
        assert told["largest"] == []


def test_a_report_of_nothing_is_a_report(store: Store) -> None:
    now = server_time(store)
    Reporting(store, "UTC").make(period_around(now), now)
    assert read(store, "hour", "2026-01-02T03")["counts"]["n_articles"] == 0


@pytest.mark.parametrize(("kind", "name", "days"), [("hour", "2026-01-02T03", 7), ("day", "2026-01-02", 400)])
def test_a_report_is_kept_in_three_forms_and_as_the_latest(
    store: Store, kind: PeriodKind, name: str, days: int
) -> None:
    ingest(store, about("flood", "a", title="Rain <script>alert(1)</script>"))
    now = server_time(store)
    clusterer(store).run(now)
    Reporting(store, "UTC").make(period_around(now, kind, name), now)
    for key in (f"dedup:report:{kind}:{name}", f"dedup:report:latest:{kind}"):
        for suffix in SUFFIXES:
            assert days * DAY - 60 < store.connection.ttl(key + suffix) <= days * DAY
            assert b"<script>alert" not in store.connection.get(key + suffix)
        assert json.loads(store.connection.get(key))["period"]["name"] == name
        assert store.connection.get(key + ":markdown").startswith(b"#")
        assert store.connection.get(key + ":html").startswith(b"<!DOCTYPE html>")
    found = store.reports.get(kind, "latest")
    assert found == store.reports.get(kind, name)
    assert store.reports.get(kind, "2001-01-01") is None


def test_an_earlier_period_made_again_is_not_the_latest(store: Store) -> None:
    now = server_time(store)
    reporting = Reporting(store, "UTC")
    reporting.make(period_around(now, "day", "2026-01-02"), now)
    reporting.make(period_around(now, "day", "2026-01-01"), now)
    assert json.loads(store.connection.get("dedup:report:latest:day"))["period"]["name"] == "2026-01-02"


def test_each_period_that_ended_is_reported_once(store: Store) -> None:
    reporting = Reporting(store, "UTC")
    hour = period_of("hour", server_time(store), "UTC")
    settled = hour.end + SETTLING_SECONDS + 1
    day = previous(period_of("day", settled - SETTLING_SECONDS, "UTC"))
    assert reporting.make_due(settled) == [hour.name, day.name]
    assert reporting.make_due(settled + 60) == []
    assert {hour.name, day.name}.isdisjoint(reporting.make_due(hour.end + 30))
    later = reporting.make_due(hour.end + HOUR + SETTLING_SECONDS + 1)
    assert period_of("hour", hour.end, "UTC").name in later


def test_an_hour_is_reported_only_when_its_last_articles_had_time_to_settle(store: Store) -> None:
    reporting = Reporting(store, "UTC")
    hour = period_of("hour", server_time(store), "UTC")
    reporting.make_due(hour.end + SETTLING_SECONDS - 1)
    assert store.connection.get(store.keys.report("hour", hour.name)) is None
    reporting.make_due(hour.end + SETTLING_SECONDS)
    assert store.connection.get(store.keys.report("hour", hour.name)) is not None


def test_periods_are_those_of_the_time_zone(store: Store) -> None:
    now = server_time(store)
    push(store, [about("flood", "a")])
    settled = period_of("day", now, "Pacific/Kiritimati").end + SETTLING_SECONDS
    names = Reporting(store, "Pacific/Kiritimati").make_due(settled)
    assert names[-1] == period_of("day", now, "Pacific/Kiritimati").name
    assert read(store, "day", names[-1])["period"]["timezone"] == "Pacific/Kiritimati"
