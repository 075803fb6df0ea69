"""A storage with a live journal, people, and processes that see the rows of the test."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from django.utils import timezone

from console.kernel.acts import Actor
from console.kernel.authority import Role
from ledger import commands
from ledger.actions import live_ledger
from ledger.conf import live_journal
from ledger.tests.approvals.conftest import make_actor, storage
from ledger.verifying.standing import Standing
from ledger.verifying.starting import carry_out, place_of

__all__ = ["make_actor", "storage"]

AGENTS = 3


@pytest.fixture
def journal(storage: Path) -> Path:
    """The live journal, with three agents."""
    for number in range(AGENTS):
        create = commands.CreateAgent(agent=f"a-{number}", initial_micros=5_000_000)
        live_ledger().execute(create, key=f"k-{number}", actor="user:1", correlation="set-up")
    return live_journal()


@pytest.fixture
def engineer(make_actor: Callable[[Role], Actor]) -> Actor:
    """Somebody whose verification counts for releases."""
    return make_actor(Role.ENGINEER)


def damage(journal: Path) -> None:
    """Another amount in a record that is durable."""
    segment = next((journal / "segments").glob("*.jsonl"))
    segment.write_bytes(segment.read_bytes().replace(b'"amount_micros":5000000', b'"amount_micros":5000001', 1))


def verify_here(journal: Path, *, records_for: Sequence[int | None] = (None,), is_live: bool = True) -> Standing:
    """In this process, for the persons of these numbers one after the other; None is somebody who only reads."""
    place = place_of(journal)
    held = [place.begin(at=timezone.now().isoformat(), by="Ada", records_for=person) for person in records_for]
    carry_out(journal, place=place, is_live=is_live)
    assert held[0] is not None
    os.close(held[0])
    return place.standing()
