"""The benchmark of a live service, in small: all that it times has happened, and all that it weighs is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.live import N_NEW, N_WAVES, TEXT, measure

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_runs_pushes_and_bytes_are_measured_on_a_real_service(tmp_path: Path) -> None:
    shown = measure(tmp_path / "data", 600, seconds=3.0, rate=50.0, n_by_url=300)
    assert (shown.first.n, [ran.n for ran in shown.runs]) == (600, [N_NEW] * N_WAVES)
    assert all(ran.seconds > 0 and ran.cpu_seconds > 0 for ran in (shown.first, *shown.runs, shown.taken_over))
    held = shown.held
    assert held.n == 150
    assert 0 < held.family.p50 <= held.family.p95 <= held.family.most <= held.story.most
    assert held.n_runs >= 1
    assert 0 < held.per_second <= 51  # less where others keep the machine busy
    assert min(held.server_cores, held.worker_cores, held.sender_cores) > 0
    for kept in (shown.kept, shown.by_url):
        assert {"article", "story", TEXT} <= {one.kind for one in kept.kinds}
        assert 0 < kept.texts < kept.without_texts
        assert sum(one.bytes_each for one in kept.kinds) == pytest.approx(kept.each, rel=0.5)
    assert shown.by_url.without_texts > shown.kept.without_texts
