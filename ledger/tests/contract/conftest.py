"""Where a journal of these tests is kept: each test runs once on every kind of disk."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.simulation import SimDisk
from ledger.tests.contract.places import Place
from ledger.tests.engine.conftest import home

__all__ = ["home"]


@pytest.fixture(params=["real disk", "simulated disk"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """An empty place for one journal."""
    if request.param == "real disk":
        yield Place(request.getfixturevalue("home"), None)
    else:
        yield Place(Path("/disk/events/credits"), SimDisk())
