"""What an installation starts with, and that planting it again changes nothing."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction

from console import seeds
from console.first_logins import create_first_logins
from console.kernel.models import AuditEntry, Person
from console.models import Phase, PhaseDependency

pytestmark = pytest.mark.django_db


def test_the_roadmap_has_its_phases_and_edges() -> None:
    """5a opens 6a and 7a, 7a opens 8a; the earlier phases are active with no release on record."""
    assert dict(Phase.objects.values_list("code", "state")) == {
        "1-5": "ACTIVE",
        "6-9": "ACTIVE",
        "10": "ACTIVE",
        "11-14": "ACTIVE",
        "5a": "BLOCKED",
        "6a": "BLOCKED",
        "7a": "BLOCKED",
        "8a": "BLOCKED",
    }
    assert {str(edge) for edge in PhaseDependency.objects.all()} == {"5a → 6a", "5a → 7a", "7a → 8a"}


def test_planting_again_changes_nothing() -> None:
    """Every migrate and every start plants; a phase that was changed since stays as it is."""
    Phase.objects.filter(code="5a").update(title="Changed by an engineer")
    before = list(Phase.objects.values()), list(PhaseDependency.objects.values()), AuditEntry.objects.count()

    call_command("migrate", verbosity=0, interactive=False)
    seeds.plant()

    assert (
        list(Phase.objects.values()),
        list(PhaseDependency.objects.values()),
        AuditEntry.objects.count(),
    ) == before


def test_a_phase_cannot_open_itself() -> None:
    """The database refuses what no roadmap can mean."""
    phase = Phase.objects.get(code="5a")

    with pytest.raises(IntegrityError, match="phase_does_not_open_itself"), transaction.atomic():
        PhaseDependency.objects.create(opener=phase, opened=phase)


def test_an_empty_storage_gets_one_login_per_role(tmp_path: Path) -> None:
    """Six people, each with one role that holds at once; `admin` is the only administrator and superuser."""
    logins = create_first_logins(storage=tmp_path)

    roles = {person.username: {role.value for role in person.roles} for person in Person.objects.all()}
    assert roles == {
        "engineer": {"engineer"},
        "tester": {"tester"},
        "reviewer": {"reviewer"},
        "supervisor": {"supervisor"},
        "auditor": {"auditor"},
        "admin": {"administrator"},
    }
    assert list(Person.objects.filter(is_superuser=True).values_list("username", flat=True)) == ["admin"]
    assert all(Person.objects.get(username=login.username).check_password(login.password) for login in logins)
    assert not Person.objects.filter(password_is_own=True).exists()
    assert AuditEntry.objects.filter(via="installation", after__contains="at installation").count() == 6


def test_the_passwords_are_random_and_kept_where_only_the_owner_reads(tmp_path: Path) -> None:
    """Mode 0600, one line per login, no two alike."""
    logins = create_first_logins(storage=tmp_path)

    kept = tmp_path / "first-login.txt"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert len({login.password for login in logins}) == len(logins)
    for login in logins:
        assert f"{login.username:<12}{login.password}\n" in kept.read_text()


def test_a_second_start_makes_no_login_and_leaves_the_file_alone(tmp_path: Path) -> None:
    """A person who exists, active or not, means that this is no first start."""
    create_first_logins(storage=tmp_path)
    Person.objects.update(is_active=False)
    kept = (tmp_path / "first-login.txt").read_text()

    assert create_first_logins(storage=tmp_path) == ()
    assert (tmp_path / "first-login.txt").read_text() == kept


def test_no_login_is_left_behind_when_its_password_could_not_be_kept(tmp_path: Path) -> None:
    """A login whose password nobody knows would lock everybody out."""
    with pytest.raises(FileNotFoundError):
        create_first_logins(storage=tmp_path / "missing")

    assert not Person.objects.exists()
