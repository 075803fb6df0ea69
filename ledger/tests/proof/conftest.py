"""One sound journal with checkpoints for the whole module; whoever damages something damages a copy."""

from pathlib import Path

import pytest

from ledger.tests.proof.journals import EVENTS, copy_of, grow, take


@pytest.fixture(scope="session")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed journal of several segments with checkpoints at events of three different segments."""
    home = tmp_path_factory.mktemp("signed") / "credits"
    for number in range(3):
        grow(home, EVENTS // 3, start=number * EVENTS // 3)
        take(home)
    return home


@pytest.fixture
def home(signed: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return copy_of(signed, tmp_path / "credits")
