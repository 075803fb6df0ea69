"""A disk that is really full, as people see it: which orders are taken, what is safe, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from console.kernel.authority import Role
from console.tests.people import person_with
from ledger import JournalFull, commands
from ledger.actions import close_live_ledger, live_ledger
from ledger.condition import live_condition
from ledger.tests.commands.calling import call
from ledger.tests.engine.test_failures import small_disk

__all__ = ["small_disk"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def ballast(small_disk: Path, settings: Any) -> Iterator[Path]:
    """What fills the small disk behind a live journal with one agent, until nothing more goes in."""
    close_live_ledger()
    settings.STORAGE = small_disk
    create("ann")
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="space"):
        while True:
            file.write(b"x" * 65536)
    yield ballast
    close_live_ledger()


def create(agent: str, *, count: int = 1) -> None:
    """So many agents."""
    for number in range(count):
        order = commands.CreateAgent(agent=f"{agent}-{number}")
        live_ledger().execute(order, key=f"{agent}-{number}", actor="user:1", correlation="x" * 200)


def test_a_full_disk_is_said_as_what_it_is_and_ends_by_itself(ballast: Path) -> None:
    """No page says that orders are still taken; the doctor says what is safe; with room again all is normal."""
    with pytest.raises(JournalFull):
        create("bob", count=20_000)
    client = Client()
    client.force_login(person_with(Role.AUDITOR))

    journal = client.get(reverse("admin:journal_events")).content.decode()
    approvals = client.get(reverse("admin:approvals")).content.decode()
    doctor = call("ledger", "doctor")
    ballast.unlink()
    create("eve")

    assert "The disk is full: the ledger takes no orders until there is room" in journal
    assert "orders are still taken" not in journal
    assert "The disk is full: nothing can be decided until there is room." in approvals
    assert "The disk is full: 100 percent are used and 0 bytes free" in doctor.out
    assert "100.0 % used, 0 bytes free" in doctor.out
    assert live_condition().takes_orders
