"""Which processes a service has."""

from __future__ import annotations

from pathlib import Path

from worker.settings import Settings
from worker.up import roles


def test_the_web_service_is_one_of_the_processes_unless_it_is_turned_off() -> None:
    always = ["ingest-1", "ingest-2", "cluster", "push", "feeds", "beat"]
    assert [role.name for role in roles(2, Settings(data_dir=Path("/nowhere")))] == [*always, "web"]
    assert [role.name for role in roles(2, Settings(data_dir=Path("/nowhere"), web=False))] == always
