"""What the benchmark of a live service makes of its articles and figures."""

from __future__ import annotations

from itertools import islice

from benchmarks.live import make_stream, spread


def test_the_stream_has_ids_of_twenty_bytes_and_no_answers_in_it() -> None:
    shown = list(islice(make_stream(500, 500), 200))
    assert {len(one["id"]) for one in shown} == {20}
    assert len({one["id"] for one in shown}) == 200
    assert {name for one in shown for name in one} == {"id", "title", "text", "published_at", "source", "language"}


def test_a_spread_tells_what_half_and_nineteen_in_twenty_took_at_most() -> None:
    took = spread([float(i) for i in range(100, 0, -1)])
    assert (took.p50, took.p95, took.most) == (51.0, 96.0, 100.0)
    assert spread([2.0]).p95 == 2.0
