"""What tests of runs stand on: people with roles, a storage of their own, and runs as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from console.kernel.acts import Actor
from console.kernel.authority import Role
from console.kernel.models import Person
from console.tests.people import give
from testruns.actions import active_policy
from testruns.models import Build, Run, ScenarioExecution

SUITE = ("credit_storm", "approval_race", "load_reality")

MakeActor = Callable[[str], Actor]
MakeRun = Callable[..., Run]


@pytest.fixture
def storage(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """A storage of its own for files; rows stay in the test database."""
    settings.STORAGE = tmp_path
    yield tmp_path


@pytest.fixture
def make_actor(db: None) -> MakeActor:
    """A person who holds one role, at the console."""

    def make(role: str) -> Actor:
        person = Person.objects.create_user(username=f"{role}-{Person.objects.count()}", printed_name=role.title())
        give(person, Role(role))
        return Actor(person=person, via="console")

    return make


@pytest.fixture
def tester(make_actor: MakeActor) -> Actor:
    """Somebody who may request, cancel and attempt again."""
    return make_actor("tester")


@pytest.fixture
def make_run(tester: Actor, storage: Path) -> MakeRun:
    """A queued run as rows, without a message in the queue."""

    def make(*, scenarios: tuple[str, ...] = SUITE, driver: str = "", **changes: Any) -> Run:
        build, _ = Build.objects.get_or_create(name="gatehouse", commit="c" * 40, tree_digest="d" * 64, is_clean=True)
        values: dict[str, Any] = {
            "build": build,
            "policy": active_policy(),
            "requested_by": tester.person,
            "via": "console",
            "driver": driver,
            "profile": "own",
            "scenarios": list(scenarios),
            "concurrency": [5],
            "duration_seconds": 3,
            "seed": 7,
            "retry_injection": True,
            "karma_available": False,
            "anomaly_injection": True,
            "planned_seconds": 3 * len(scenarios),
            "environment": {"machine": {"cores": 2}},
        }
        run = Run.objects.create(**{**values, **changes})
        for position, scenario in enumerate(scenarios, start=1):
            ScenarioExecution.objects.create(
                run=run, position=position, scenario=scenario, concurrency=5, planned_seconds=3, disk_bytes=2**20
            )
        return run

    return make
