"""A storage of its own with a live journal, and clients with tokens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.kernel.authority import Role
from console.kernel.scopes import Scope
from console.tests.api_client import ApiClient, api_client
from console.tests.people import person_with
from ledger import Ledger, commands
from ledger.actions import close_live_ledger, live_ledger

CREDIT = 1_000_000
BOTH = (Scope.CREDITS_READ, Scope.CREDITS_WRITE)


@pytest.fixture(autouse=True)
def storage(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """An empty storage; the live ledger opened in it is closed at the end."""
    close_live_ledger()
    settings.STORAGE = tmp_path / "storage"
    settings.STORAGE.mkdir()
    yield settings.STORAGE
    close_live_ledger()


@pytest.fixture
def ledger() -> Ledger:
    """The live ledger."""
    return live_ledger()


@pytest.fixture
def ann(ledger: Ledger) -> str:
    """An agent with a hundred credits."""
    order = commands.CreateAgent(agent="ann", initial_micros=100 * CREDIT)
    ledger.execute(order, key="ann", actor="run:1:set-up", correlation="agent:ann")
    return "ann"


@pytest.fixture
def engineer(db: None) -> ApiClient:
    """A token of an engineer that reads and moves credits."""
    return api_client(person_with(Role.ENGINEER), *BOTH)
