"""A disk that is really full, as people see it: which orders are taken, what is safe, and what to do."""

from __future__ import annotations

import os
import subprocess
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
from ledger.condition import disk_room, live_condition
from ledger.engine.limits import FULL_PERCENT, RESUME_PERCENT
from ledger.tests.commands.calling import call
from ledger.tests.engine.test_failures import small_disk

__all__ = ["small_disk"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def ballast(small_disk: Path, settings: Any) -> Iterator[Path]:
    """What fills the small disk behind a live journal with one agent, until nothing more goes in."""
    close_live_ledger()
    subprocess.run(["mount", "-o", "remount,size=80m", str(small_disk)], check=True)
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


def use(ballast: Path, percent: int) -> None:
    """Make the ballast so large that this much of the disk is used."""
    disk = os.statvfs(ballast.parent)
    wanted = disk.f_blocks * disk.f_frsize * percent // 100
    used = (disk.f_blocks - disk.f_bavail) * disk.f_frsize
    os.truncate(ballast, ballast.stat().st_size + wanted - used)
    with ballast.open("r+b", buffering=0) as file:
        file.write(b"x" * ballast.stat().st_size)
    assert RESUME_PERCENT < disk_room().used_percent < FULL_PERCENT


def say() -> tuple[bool, bool, str]:
    """Whether page and metrics say that no order is taken, and what health says of the disk."""
    client = Client()
    client.force_login(person_with(Role.AUDITOR))
    page = client.get(reverse("admin:journal_events")).content.decode()
    metrics = Client().get("/metrics").content.decode()
    health = Client().get("/api/health").json()["checks"]["disk"]["status"]
    is_said = "The disk is full: the ledger takes no orders until there is room" in page
    assert is_said != ("The journal is degraded; orders are still taken" in page)
    return is_said, "gatehouse_storage_write_blocked 1.0" in metrics, health


def test_between_the_two_marks_it_is_said_what_the_journal_does(ballast: Path) -> None:
    """One that met the full disk goes on refusing at 92 percent; one that was opened then takes orders there."""
    with pytest.raises(JournalFull):
        create("bob", count=20_000)
    use(ballast, 92)

    refusing = say()
    with pytest.raises(JournalFull):
        create("eve")
    close_live_ledger()
    taking = say()
    create("eve")

    assert refusing == (True, True, "failed")
    assert taking == (False, False, "degraded")


def test_what_is_filled_ahead_takes_orders_on_a_full_disk_and_nobody_says_otherwise(ballast: Path) -> None:
    """The journal meets the full disk when it needs room, not before."""
    said = say()

    create("eve")

    assert disk_room().used_percent == 100
    assert said == (False, False, "degraded")
