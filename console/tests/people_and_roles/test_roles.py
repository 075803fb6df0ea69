"""Giving and taking roles: a second person confirms, and until then nothing counts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from console.actions import confirm_role, deactivate_person, propose_role, reactivate_person, take_role
from console.kernel.acts import Actor
from console.kernel.authority import Role
from console.kernel.errors import (
    GatehouseError,
    InvalidInput,
    NotAllowed,
    NotFound,
    PasswordNotOwn,
    SecondPersonNeeded,
    WrongState,
)
from console.kernel.migrations import __name__ as migrations
from console.kernel.models import AuditEntry, Person, RoleGrant
from console.tests.people import actor_with, give, person_with

pytestmark = pytest.mark.django_db
HOW = "passport seen at the desk"


def ready(*roles: Role) -> Actor:
    """Somebody with these roles and a password of their own."""
    actor = actor_with(*roles)
    Person.objects.filter(pk=actor.person.pk).update(password_is_own=True)
    return actor


def proposed(by: Actor, person: Person, role: Role = Role.REVIEWER) -> RoleGrant:
    """A proposal that waits."""
    return propose_role(actor=by, person_id=person.pk, role=role.value, verified_how=HOW)


@pytest.fixture
def administrator() -> Actor:
    """The first of two administrators."""
    return ready(Role.ADMINISTRATOR)


@pytest.fixture
def second() -> Actor:
    """The second of two administrators."""
    return ready(Role.ADMINISTRATOR)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.AUDITOR])
def test_a_role_counts_only_when_a_second_person_confirmed_it(administrator: Actor, second: Actor, role: Role) -> None:
    """Every role that may do anything, the administrator's included: one could otherwise invent the other."""
    person = person_with()
    grant = proposed(administrator, person, role)
    assert person.roles == frozenset()

    confirm_role(actor=second, grant_id=grant.pk)

    assert person.roles == {role}
    acts = AuditEntry.objects.filter(object=f"person:{person.pk}").order_by("index").values_list("act", "actor")
    assert list(acts) == [("people.propose_role", administrator.label), ("people.confirm_role", second.label)]


def test_an_auditor_reads_at_once_and_it_is_marked(administrator: Actor) -> None:
    """Who only reads decides nothing; that it was done alone stands in the chain and with the role."""
    person = person_with()

    grant = propose_role(actor=administrator, person_id=person.pk, role="auditor")

    assert person.roles == {Role.AUDITOR}
    assert grant.was_done_alone
    assert json.loads(AuditEntry.objects.latest("index").after)["alone"] is True


def test_the_proposer_does_not_confirm(administrator: Actor) -> None:
    """The only administrator neither, although nobody else could."""
    grant = proposed(administrator, person_with())

    with pytest.raises(SecondPersonNeeded, match="you proposed it yourself"):
        confirm_role(actor=administrator, grant_id=grant.pk)


def test_nobody_confirms_their_own_role(administrator: Actor, second: Actor) -> None:
    """Not even when another administrator proposed it."""
    grant = proposed(administrator, second.person)

    with pytest.raises(SecondPersonNeeded, match="it is about you"):
        confirm_role(actor=second, grant_id=grant.pk)


def test_a_supervisor_confirms_while_there_is_one_administrator(administrator: Actor) -> None:
    """A fresh installation is able to act."""
    grant = proposed(administrator, person_with())

    confirm_role(actor=ready(Role.SUPERVISOR), grant_id=grant.pk)

    assert grant.person.roles == {Role.REVIEWER}


def test_with_two_administrators_a_supervisor_no_longer_confirms(administrator: Actor, second: Actor) -> None:
    """Then the other administrator does."""
    grant = proposed(administrator, person_with())

    with pytest.raises(SecondPersonNeeded, match="there is another administrator"):
        confirm_role(actor=ready(Role.SUPERVISOR), grant_id=grant.pk)


def test_a_password_that_somebody_else_chose_confirms_nothing(administrator: Actor) -> None:
    """Whoever installed the console has seen the supervisor's first password."""
    grant = proposed(administrator, person_with())

    with pytest.raises(PasswordNotOwn):
        confirm_role(actor=actor_with(Role.SUPERVISOR), grant_id=grant.pk)

    assert grant.person.roles == frozenset()


@pytest.mark.parametrize("role", [Role.ENGINEER, Role.TESTER, Role.REVIEWER, Role.AUDITOR])
def test_nobody_else_confirms(administrator: Actor, role: Role) -> None:
    """Administrators and supervisors alone."""
    grant = proposed(administrator, person_with())

    with pytest.raises(NotAllowed):
        confirm_role(actor=ready(role), grant_id=grant.pk)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_only_administrators_propose_and_take(role: Role) -> None:
    """A supervisor decides about releases, not about people."""
    person = person_with(Role.TESTER)

    with pytest.raises(NotAllowed):
        proposed(ready(role), person)
    with pytest.raises(NotAllowed):
        take_role(actor=ready(role), grant_id=person.grants.get().pk, reason="has left the team")


def test_a_confirmation_counts_once(administrator: Actor, second: Actor) -> None:
    """The second click of a double click is told so."""
    grant = proposed(administrator, person_with())
    confirm_role(actor=second, grant_id=grant.pk)

    with pytest.raises(WrongState):
        confirm_role(actor=second, grant_id=grant.pk)


def test_a_role_that_was_taken_is_gone_at_once_and_stays_on_record(administrator: Actor, second: Actor) -> None:
    """The row keeps who gave and who took it."""
    grant = proposed(administrator, person_with())
    confirm_role(actor=second, grant_id=grant.pk)

    take_role(actor=administrator, grant_id=grant.pk, reason="has left the team")

    grant.refresh_from_db()
    assert grant.person.roles == frozenset()
    assert (grant.proposed_by, grant.confirmed_by, grant.ended_by) == (
        administrator.person,
        second.person,
        administrator.person,
    )


def test_a_proposal_that_was_taken_back_can_no_longer_be_confirmed(administrator: Actor, second: Actor) -> None:
    """And the role can be proposed anew."""
    grant = proposed(administrator, person_with())
    take_role(actor=administrator, grant_id=grant.pk, reason="named the wrong person")

    with pytest.raises(WrongState):
        confirm_role(actor=second, grant_id=grant.pk)
    assert proposed(administrator, grant.person).is_open


def test_the_last_administrator_stays(administrator: Actor) -> None:
    """Without one nobody could manage people ever again."""
    grant = administrator.person.grants.get()

    with pytest.raises(WrongState, match="the only administrator"):
        take_role(actor=administrator, grant_id=grant.pk, reason="I am leaving today")
    with pytest.raises(WrongState, match="the only administrator"):
        deactivate_person(actor=administrator, person_id=administrator.person.pk, reason="I am leaving today")


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"role": "emperor"}, InvalidInput),
        ({"verified_how": "seen"}, InvalidInput),
        ({"person_id": 10_000}, NotFound),
    ],
)
def test_a_proposal_needs_a_person_a_role_and_how_they_are_known(
    administrator: Actor, changes: dict[str, object], refusal: type[GatehouseError]
) -> None:
    """Who verified the identity, and how, is on record before a signing role is granted."""
    person = person_with()
    arguments: dict[str, Any] = {"person_id": person.pk, "role": "reviewer", "verified_how": HOW}

    with pytest.raises(refusal):
        propose_role(actor=administrator, **(arguments | changes))

    assert not RoleGrant.objects.filter(person=person).exists()


def test_a_role_is_not_proposed_twice_nor_to_somebody_who_left(administrator: Actor) -> None:
    """One proposal or one standing grant of a role at a time."""
    person = person_with()
    proposed(administrator, person)
    with pytest.raises(WrongState):
        proposed(administrator, person)

    deactivate_person(actor=administrator, person_id=person.pk, reason="has left the company")
    with pytest.raises(WrongState):
        proposed(administrator, person, Role.TESTER)


def test_whoever_left_comes_back_without_roles(administrator: Actor, second: Actor) -> None:
    """Deactivation ends every role and proposal; each is given anew."""
    person = person_with(Role.REVIEWER, Role.TESTER)
    waiting = proposed(administrator, person, Role.ENGINEER)

    deactivate_person(actor=administrator, person_id=person.pk, reason="has left the company")
    reactivate_person(actor=second, person_id=person.pk, reason="has come back to us")

    waiting.refresh_from_db()
    assert person.roles == frozenset()
    assert not waiting.is_open


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM kernel_rolegrant WHERE id = {grant}",
        "UPDATE kernel_rolegrant SET role = 'supervisor' WHERE id = {grant}",
        "UPDATE kernel_rolegrant SET person_id = {other} WHERE id = {grant}",
        "UPDATE kernel_rolegrant SET confirmed_by_id = {other} WHERE id = {grant}",
        "UPDATE kernel_rolegrant SET confirmed_at = NULL, confirmed_by_id = NULL WHERE id = {grant}",
    ],
)
def test_the_database_keeps_how_a_role_came_about(administrator: Actor, second: Actor, statement: str) -> None:
    """Raw SQL changes neither the role nor the people behind it."""
    grant = proposed(administrator, person_with())
    confirm_role(actor=second, grant_id=grant.pk)

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(grant=grant.pk, other=administrator.person.pk))


@pytest.mark.parametrize("confirmer", ["proposer", "owner"])
def test_the_database_refuses_a_confirmation_by_the_wrong_person(administrator: Actor, confirmer: str) -> None:
    """A row that says so cannot be written, whatever code wrote it."""
    grant = proposed(administrator, person_with())
    by = grant.proposed_by if confirmer == "proposer" else grant.person

    with pytest.raises(IntegrityError, match="second_person"), transaction.atomic():
        RoleGrant.objects.filter(pk=grant.pk).update(confirmed_by=by, confirmed_at=timezone.now())


def test_roles_that_were_groups_hold_as_at_installation() -> None:
    """An older database brings its people along; the groups are gone, so that no role is in two places."""
    person = person_with()
    person.groups.add(Group.objects.create(name="reviewer"), Group.objects.create(name="friends"))
    migration = __import__(f"{migrations}.0004_roles_of_groups_become_grants", fromlist=["x"])

    migration.grant_roles_of_groups(apps, None)

    assert person.roles == {Role.REVIEWER}
    assert person.grants.get().proposed_by is None
    assert list(Group.objects.values_list("name", flat=True)) == ["friends"]


def test_several_roles_add_up(administrator: Actor) -> None:
    """A person may hold more than one; the seats of one release still take distinct people."""
    person = person_with(Role.TESTER)
    give(person, Role.ENGINEER)

    assert person.roles == {Role.TESTER, Role.ENGINEER}
