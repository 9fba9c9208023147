"""What all tests have: gold sets where they are at hand, and property tests that no slow machine can fail."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

REPOSITORY = Path(__file__).parents[1]

settings.register_profile("any-machine", deadline=None, print_blob=True)
settings.load_profile("any-machine")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of gold sets and source documents that lies beside the repository, or where DEDUP_SHARED says."""
    folder = Path(os.environ.get("DEDUP_SHARED") or REPOSITORY.parent / "shared")
    if not folder.is_dir():
        pytest.skip(f"the folder of shared test data is absent: {folder} (DEDUP_SHARED names another)")
    return folder


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of this repository."""
    return REPOSITORY
