"""The way of who owns the shell: an administrator's act like any other, and a second person confirms it."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from console import actions
from console.kernel.acts import Actor
from console.kernel.authority import Role
from console.kernel.first_password import whole
from console.kernel.models import AuditEntry, PasswordReset, Person, RoleGrant
from console.tests.people import PASSWORD, person_with

pytestmark = pytest.mark.django_db


def people(*arguments: str) -> str:
    """What the command prints."""
    out = io.StringIO()
    call_command("people", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def admin() -> Person:
    """The only administrator."""
    return person_with(Role.ADMINISTRATOR, is_superuser=True)


@pytest.fixture
def supervisor() -> Actor:
    """Who confirms while there is one administrator."""
    person = person_with(Role.SUPERVISOR)
    person.password_is_own = True
    person.save(update_fields=["password_is_own"])
    return Actor(person=person, via="console")


def test_the_last_administrator_gets_back_in_by_two_people(admin: Person, supervisor: Actor) -> None:
    """The shell prints one half, who confirms sees the other; until then the old password holds."""
    printed = people("reset-password", admin.username, "--as", admin.username)
    reset = PasswordReset.objects.get()
    admin.refresh_from_db()
    assert admin.check_password(PASSWORD)

    second = actions.confirm_reset(actor=supervisor, reset_id=reset.pk)

    admin.refresh_from_db()
    assert admin.check_password(whole(seed=reset.seed))
    assert second.half not in printed
    assert not admin.password_is_own
    entry = AuditEntry.objects.get(act="people.reset_password")
    assert (entry.via, entry.actor) == ("command", f"user:{admin.pk}")


def test_another_administrator_takes_the_place_of_one_who_is_gone(admin: Person, supervisor: Actor) -> None:
    """The role counts once a supervisor has confirmed it in the console."""
    heir = person_with(Role.TESTER)

    people("propose-role", heir.username, "administrator", "--as", admin.username, "--verified-how", "passport, seen")
    assert Role.ADMINISTRATOR not in heir.roles
    actions.confirm_role(actor=supervisor, grant_id=RoleGrant.objects.get(person=heir, role="administrator").pk)

    assert Role.ADMINISTRATOR in heir.roles


def test_nobody_else_acts_by_the_shell(admin: Person) -> None:
    """Whose name is given must hold the role; the refusal is on record."""
    tester = person_with(Role.TESTER)

    with pytest.raises(CommandError, match="administrator"):
        people("reset-password", admin.username, "--as", tester.username)
    with pytest.raises(CommandError, match="no person nobody"):
        people("reset-password", "nobody", "--as", admin.username)

    assert not PasswordReset.objects.exists()
    assert AuditEntry.objects.filter(act="people.reset_password", outcome="refused", via="command").count() == 1
