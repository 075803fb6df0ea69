"""Fixtures of the credit tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.tests.credits.orders import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """An empty ledger in a directory of its own."""
    desk = Desk(tmp_path / "journal")
    yield desk
    desk.ledger.close()
