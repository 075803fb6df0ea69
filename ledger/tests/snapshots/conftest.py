"""A credit ledger of several sealed segments with three snapshots, made once; each test works on a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ledger.credits.snapshots import take_snapshot
from ledger.tests.credits.orders import Desk
from ledger.tests.snapshots.reopening import SNAPSHOTS


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four stretches of orders with a seal and a snapshot behind the first three; the fourth is the tail."""
    desk = Desk(tmp_path_factory.mktemp("snapshots") / "journal", segment_bytes=16 * 1024)
    for agent in ("ann", "bob", "cat"):
        desk.open_account(agent)
    for stretch in range(SNAPSHOTS + 1):
        for number in range(20):
            desk.consume("ann" if number % 3 else "bob", 1 + number, key=f"spent-{stretch}-{number}")
        if stretch < SNAPSHOTS:
            desk.ledger.journal.seal()
            assert take_snapshot(path=desk.path).is_new
    desk.ledger.close()
    return desk.path


@pytest.fixture
def home(shared_home: Path, tmp_path: Path) -> Path:
    """A copy to work on."""
    return Path(shutil.copytree(shared_home, tmp_path / "journal"))
