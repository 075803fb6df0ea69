"""Logins and passwords: nobody alone holds a password of somebody else, and no username comes twice."""

from __future__ import annotations

import json

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from console.actions import (
    confirm_reset,
    create_person,
    deactivate_person,
    reactivate_person,
    reset_password,
    withdraw_reset,
)
from console.kernel.acts import Actor
from console.kernel.authority import Role
from console.kernel.errors import InvalidInput, NotAllowed, NotFound, PasswordNotOwn, SecondPersonNeeded, WrongState
from console.kernel.models import AuditEntry, PasswordReset, Person
from console.tests.people import PASSWORD, actor_with, person_with

pytestmark = pytest.mark.django_db


def ready(*roles: Role) -> Actor:
    """Somebody with these roles and a password of their own."""
    actor = actor_with(*roles)
    Person.objects.filter(pk=actor.person.pk).update(password_is_own=True)
    return actor


@pytest.fixture
def administrator() -> Actor:
    """The only administrator."""
    return ready(Role.ADMINISTRATOR)


@pytest.fixture
def supervisor() -> Actor:
    """Who confirms while there is one administrator."""
    return ready(Role.SUPERVISOR)


def test_a_new_person_signs_in_with_both_halves(administrator: Actor, supervisor: Actor) -> None:
    """One from the administrator, one from the second person; alone each opens nothing."""
    first = create_person(actor=administrator, username="rita", printed_name="Rita R.")
    person = first.reset.person
    assert not person.has_usable_password()

    second = confirm_reset(actor=supervisor, reset_id=first.reset.pk)

    person.refresh_from_db()
    assert person.check_password(f"{first.half}-{second.half}")
    assert not person.check_password(first.half)
    assert not person.check_password(second.half)
    assert not person.password_is_own
    assert person.roles == frozenset()


def test_a_new_person_can_do_nothing_yet(administrator: Actor) -> None:
    """No role, no password, not even reading."""
    person = create_person(actor=administrator, username="rita", printed_name="Rita R.").reset.person
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")

    assert client.get("/admin/").status_code == 302


@pytest.mark.parametrize("taken", ["rita", "Rita", "RITA "])
def test_a_username_is_never_used_twice(administrator: Actor, taken: str) -> None:
    """Not in other letters, and not after its owner has left."""
    person = create_person(actor=administrator, username="rita", printed_name="Rita R.").reset.person
    deactivate_person(actor=administrator, person_id=person.pk, reason="has left the company")

    with pytest.raises(InvalidInput, match="for ever"):
        create_person(actor=administrator, username=taken, printed_name="Another Rita")


def test_the_database_keeps_a_username_with_its_person() -> None:
    """Renaming somebody would put one name under another's signatures."""
    person = person_with(Role.TESTER)

    with pytest.raises(IntegrityError, match="for ever"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE kernel_person SET username = 'new' WHERE id = %s", [person.pk])


@pytest.mark.parametrize(
    ("username", "printed_name"), [("", "Rita R."), ("rita r", "Rita R."), ("rita", ""), ("rita", "  ")]
)
def test_a_login_needs_a_username_and_a_full_name(administrator: Actor, username: str, printed_name: str) -> None:
    """The printed name stands in every signature."""
    with pytest.raises(InvalidInput):
        create_person(actor=administrator, username=username, printed_name=printed_name)


def test_until_it_is_confirmed_the_old_password_holds(administrator: Actor) -> None:
    """A proposal changes nothing."""
    person = person_with(Role.REVIEWER)

    reset_password(actor=administrator, person_id=person.pk)

    person.refresh_from_db()
    assert person.check_password(PASSWORD)


def test_a_confirmed_reset_ends_the_sessions_of_its_owner(administrator: Actor, supervisor: Actor) -> None:
    """Whoever sat in one is asked for the new password."""
    person = person_with(Role.REVIEWER)
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    reset = reset_password(actor=administrator, person_id=person.pk).reset

    confirm_reset(actor=supervisor, reset_id=reset.pk)

    assert client.get("/admin/").status_code == 302


def test_no_half_is_kept_anywhere(administrator: Actor, supervisor: Actor) -> None:
    """Neither in the row nor in the chain."""
    first = reset_password(actor=administrator, person_id=person_with(Role.REVIEWER).pk)
    second = confirm_reset(actor=supervisor, reset_id=first.reset.pk)

    kept = json.dumps(list(PasswordReset.objects.values("seed"))) + "".join(
        AuditEntry.objects.values_list("after", flat=True)
    )
    assert first.half not in kept
    assert second.half not in kept


def test_the_proposer_and_the_owner_do_not_confirm_a_reset(administrator: Actor) -> None:
    """Neither of them is a second person."""
    owner = ready(Role.SUPERVISOR)
    reset = reset_password(actor=administrator, person_id=owner.person.pk).reset

    for actor in (administrator, owner):
        with pytest.raises(SecondPersonNeeded):
            confirm_reset(actor=actor, reset_id=reset.pk)


def test_a_first_password_confirms_no_reset(administrator: Actor) -> None:
    """The confirmer's own password must be nobody else's."""
    reset = reset_password(actor=administrator, person_id=person_with(Role.REVIEWER).pk).reset

    with pytest.raises(PasswordNotOwn):
        confirm_reset(actor=actor_with(Role.SUPERVISOR), reset_id=reset.pk)


def test_a_reset_is_confirmed_once_and_not_after_it_was_withdrawn(administrator: Actor, supervisor: Actor) -> None:
    """Only a waiting one takes effect."""
    person = person_with(Role.REVIEWER)
    withdrawn = reset_password(actor=administrator, person_id=person.pk).reset
    withdraw_reset(actor=administrator, reset_id=withdrawn.pk)
    with pytest.raises(WrongState):
        confirm_reset(actor=supervisor, reset_id=withdrawn.pk)

    reset = reset_password(actor=administrator, person_id=person.pk).reset
    confirm_reset(actor=supervisor, reset_id=reset.pk)
    with pytest.raises(WrongState):
        confirm_reset(actor=supervisor, reset_id=reset.pk)
    with pytest.raises(WrongState):
        withdraw_reset(actor=administrator, reset_id=reset.pk)


def test_one_reset_of_a_person_waits_at_a_time(administrator: Actor) -> None:
    """Two halves of different resets would fit nothing."""
    person = person_with(Role.REVIEWER)
    reset_password(actor=administrator, person_id=person.pk)

    with pytest.raises(WrongState):
        reset_password(actor=administrator, person_id=person.pk)


def test_whoever_is_not_there_is_not_reset(administrator: Actor) -> None:
    """Neither somebody unknown nor somebody who left."""
    person = person_with()
    deactivate_person(actor=administrator, person_id=person.pk, reason="has left the company")

    with pytest.raises(WrongState):
        reset_password(actor=administrator, person_id=person.pk)
    with pytest.raises(NotFound):
        reset_password(actor=administrator, person_id=10_000)
    with pytest.raises(NotFound):
        confirm_reset(actor=administrator, reset_id=10_000)


def test_deactivating_takes_back_a_reset_that_waits(administrator: Actor, supervisor: Actor) -> None:
    """It would otherwise take effect on the return."""
    person = person_with(Role.REVIEWER)
    reset = reset_password(actor=administrator, person_id=person.pk).reset
    deactivate_person(actor=administrator, person_id=person.pk, reason="has left the company")
    reactivate_person(actor=administrator, person_id=person.pk, reason="has come back to us")

    with pytest.raises(WrongState):
        confirm_reset(actor=supervisor, reset_id=reset.pk)


def test_leaving_and_coming_back_take_a_reason_and_the_right_state(administrator: Actor) -> None:
    """Both are on record with it."""
    person = person_with(Role.TESTER)
    with pytest.raises(InvalidInput):
        deactivate_person(actor=administrator, person_id=person.pk, reason="left")
    with pytest.raises(WrongState):
        reactivate_person(actor=administrator, person_id=person.pk, reason="has come back to us")

    deactivate_person(actor=administrator, person_id=person.pk, reason="has left the company")

    with pytest.raises(WrongState):
        deactivate_person(actor=administrator, person_id=person.pk, reason="has left the company")
    entry = AuditEntry.objects.get(act="people.deactivate", outcome="done")
    assert json.loads(entry.after)["reason"] == "has left the company"
    assert json.loads(entry.before) == {"roles": ["tester"]}


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_only_administrators_manage_logins(role: Role) -> None:
    """Everybody else is refused by the table."""
    actor, person = ready(role), person_with()

    with pytest.raises(NotAllowed):
        create_person(actor=actor, username="rita", printed_name="Rita R.")
    with pytest.raises(NotAllowed):
        reset_password(actor=actor, person_id=person.pk)
    with pytest.raises(NotAllowed):
        deactivate_person(actor=actor, person_id=person.pk, reason="has left the company")
    with pytest.raises(NotAllowed):
        reactivate_person(actor=actor, person_id=person.pk, reason="has come back to us")


@pytest.mark.parametrize("is_first_of_two", [True, False])
def test_what_is_done_alone_is_marked_while_there_is_one_administrator(
    administrator: Actor, is_first_of_two: bool
) -> None:
    """With a second administrator somebody could have looked over the shoulder."""
    if is_first_of_two:
        ready(Role.ADMINISTRATOR)
    person = person_with()

    deactivate_person(actor=administrator, person_id=person.pk, reason="has left the company")

    entry = AuditEntry.objects.get(act="people.deactivate")
    assert json.loads(entry.after)["alone"] is not is_first_of_two


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM kernel_passwordreset WHERE id = {reset}",
        "UPDATE kernel_passwordreset SET seed = 'mine' WHERE id = {reset}",
        "UPDATE kernel_passwordreset SET proposed_by_id = {other} WHERE id = {reset}",
        "UPDATE kernel_passwordreset SET confirmed_by_id = proposed_by_id, confirmed_at = proposed_at",
    ],
)
def test_the_database_keeps_how_a_reset_came_about(administrator: Actor, supervisor: Actor, statement: str) -> None:
    """Raw SQL changes neither its seed nor its people."""
    reset = reset_password(actor=administrator, person_id=person_with(Role.REVIEWER).pk).reset

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(reset=reset.pk, other=supervisor.person.pk))
