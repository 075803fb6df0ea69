"""Fixtures of the command tests: a storage of its own for every test, and people with roles."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.kernel.acts import Actor
from console.kernel.authority import Role
from console.kernel.models import Person
from console.tests.people import give
from ledger import commands
from ledger.actions import close_live_ledger, live_ledger
from ledger.conf import live_journal


@pytest.fixture(autouse=True)
def storage(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """An empty storage; the live ledger opened in it is closed at the end."""
    close_live_ledger()
    settings.STORAGE = tmp_path / "storage"
    settings.STORAGE.mkdir()
    yield settings.STORAGE
    close_live_ledger()


@pytest.fixture
def live() -> Path:
    """A live journal with one agent that spent something."""
    ledger = live_ledger()
    ledger.execute(commands.CreateAgent(agent="ann"), key="a", actor="user:1", correlation="c")
    order = commands.Consume(agent="ann", amount_micros=5_000_000, reason="work")
    ledger.execute(order, key="b", actor="user:1", correlation="c")
    return live_journal()


def actor_named(name: str, role: Role) -> Actor:
    """A person with this login and role, at the command line."""
    person = Person.objects.create_user(username=name)
    give(person, role)
    return Actor(person=person, via="command")


@pytest.fixture
def engineer(db: None) -> Actor:
    """Emil, who may import and repair."""
    return actor_named("emil", Role.ENGINEER)


@pytest.fixture
def tester(db: None) -> Actor:
    """Tina, who may not."""
    return actor_named("tina", Role.TESTER)
