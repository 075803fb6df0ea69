"""A governance journal of a test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.kernel import governance_journal


@pytest.fixture
def trail(tmp_path: Path, settings: Any, db: None) -> Iterator[Path]:
    """A storage whose governance journal was begun; gives the journal's directory.

    It follows every commit. In a test that is one transaction nothing is ever committed: call `relay` there.
    """
    settings.STORAGE = tmp_path
    governance_journal.begin()
    yield governance_journal.directory()
    governance_journal.close()
