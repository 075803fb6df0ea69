"""A storage of its own, people with roles, and approvals that wait in a real live journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from console.kernel.acts import Actor
from console.kernel.authority import Role
from console.kernel.models import Person, RoleGrant
from ledger import Ledger, OsEnv, commands
from ledger.actions import close_live_ledger, live_ledger
from ledger.conf import live_journal

MakeActor = Callable[[Role], Actor]
Ask = Callable[..., str]


@pytest.fixture(autouse=True)
def storage(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """An empty storage; the live ledger opened in it is closed at the end."""
    close_live_ledger()
    settings.STORAGE = tmp_path / "storage"
    settings.STORAGE.mkdir()
    yield settings.STORAGE
    close_live_ledger()


@pytest.fixture
def make_actor(db: None) -> MakeActor:
    """A person with one role, at the console."""

    def make(role: Role) -> Actor:
        number = Person.objects.count()
        person = Person.objects.create_user(
            username=f"{role}-{number}", printed_name=f"{role.title()} {number}", is_staff=True
        )
        give_role(person, role)
        return Actor(person=person, via="console")

    return make


def give_role(person: Person, role: Role) -> None:
    """The role, as if from the installation on."""
    now = timezone.now()
    RoleGrant.objects.create(person=person, role=role.value, proposed_at=now, confirmed_at=now)


@pytest.fixture
def reviewer(make_actor: MakeActor) -> Actor:
    """Somebody who may approve and deny."""
    return make_actor(Role.REVIEWER)


@pytest.fixture
def supervisor(make_actor: MakeActor) -> Actor:
    """Another one."""
    return make_actor(Role.SUPERVISOR)


@pytest.fixture
def ledger() -> Ledger:
    """The live ledger."""
    return live_ledger()


class ThreeDaysAgo(OsEnv):
    """The real machine with a clock that is three days and an hour slow."""

    def wall_micros(self) -> int:
        return super().wall_micros() - 73 * 3600 * 1_000_000


def request_approval(
    ledger: Ledger,
    name: str,
    *,
    risk: str = "MEDIUM",
    requester: str = "agent-7",
    by: str = "run:1:set-up",
    context: str = "500 credits for the migration",
) -> str:
    """Ask in this journal; returns the name of the request."""
    order = commands.RequestApproval(
        request=name,
        action_type="credit_adjustment",
        risk_level=risk,
        context=context,
        requester=requester,
        amount_micros=500_000_000,
    )
    ledger.execute(order, key=f"ask-{name}", actor=by, correlation="mission-9")
    return name


@pytest.fixture
def ask(ledger: Ledger) -> Ask:
    """Request an approval in the live journal; returns its name."""

    def request(name: str = "r-1", **values: str) -> str:
        return request_approval(ledger, name, **values)

    return request


@pytest.fixture
def overdue() -> str:
    """A request of three days ago, which nobody decided in its 24 hours."""
    past = Ledger.open(path=live_journal(), env=ThreeDaysAgo())
    name = request_approval(past, "r-late")
    past.close()
    return name
