"""What an administrator or somebody at the host would try: each attack fails, waits for another, or shows."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.core.signing import BadSignature
from django.db import transaction
from django.test import Client
from django_q.conf import Conf
from django_q.models import OrmQ, Schedule
from django_q.signing import SignedPackage

from console.actions import (
    confirm_reset,
    confirm_role,
    create_person,
    propose_role,
    reset_password,
    set_own_password,
)
from console.kernel import audit, governance_journal, row_binding
from console.kernel.acts import Actor, signed_action
from console.kernel.authority import Act, Role
from console.kernel.errors import (
    GatehouseError,
    NotAllowed,
    PasswordNotOwn,
    SecondPersonNeeded,
    SigningNeedsPerson,
    WrongPassword,
)
from console.kernel.models import Person
from console.kernel.reauthentication import Reauthentication
from console.kernel.verification import verify_audit
from console.tests.people import PASSWORD, actor_with, person_with

pytestmark = pytest.mark.django_db
HOW = "known in person for years"


@signed_action(Act.SIGN_AS_REVIEWER, target="request:{request_id}")
def sign(*, actor: Actor, signed: Reauthentication, request_id: int) -> str:
    """What stands for a reviewer's signature here: the same gate, nothing behind it."""
    return f"signed request {request_id} by {signed.method}"


def ready(*roles: Role) -> Actor:
    """Somebody with these roles and a password of their own."""
    actor = actor_with(*roles)
    Person.objects.filter(pk=actor.person.pk).update(password_is_own=True)
    return actor


def refuses(refusal: type[GatehouseError], actor: Actor, password: str = PASSWORD) -> None:
    """Assert that this person signs nothing, for this reason."""
    with pytest.raises(refusal):
        sign(actor=actor, request_id=1, password=password)


@pytest.fixture
def mallory() -> Actor:
    """The only administrator, a superuser too, with bad intentions."""
    person = person_with(Role.ADMINISTRATOR, is_superuser=True)
    Person.objects.filter(pk=person.pk).update(password_is_own=True)
    return Actor(person=person, via="console")


def test_an_administrator_who_grants_themself_reviewer_signs_nothing(mallory: Actor) -> None:
    """The proposal waits; proposing it again, or confirming it, does not help."""
    grant = propose_role(actor=mallory, person_id=mallory.person.pk, role="reviewer", verified_how=HOW)

    refuses(NotAllowed, mallory)
    with pytest.raises(SecondPersonNeeded):
        confirm_role(actor=mallory, grant_id=grant.pk)
    refuses(NotAllowed, mallory)


def test_django_s_own_ways_to_authority_lead_nowhere(mallory: Actor) -> None:
    """Groups, permissions and the superuser flag decide nothing."""
    mallory.person.groups.add(Group.objects.create(name="reviewer"))
    mallory.person.user_permissions.set(Permission.objects.all())

    assert mallory.person.roles == {Role.ADMINISTRATOR}
    refuses(NotAllowed, mallory)


def test_an_administrator_who_resets_a_reviewers_password_gets_half_of_nothing(mallory: Actor) -> None:
    """Alone the reset does not take effect, and its half opens nothing before or after it does."""
    reviewer = ready(Role.REVIEWER)
    first = reset_password(actor=mallory, person_id=reviewer.person.pk)
    stolen = Actor(person=reviewer.person, via="console")

    refuses(WrongPassword, stolen, password=first.half)
    with pytest.raises(SecondPersonNeeded):
        confirm_reset(actor=mallory, reset_id=first.reset.pk)
    assert "signed" in sign(actor=reviewer, request_id=1, password=PASSWORD)

    confirm_reset(actor=ready(Role.SUPERVISOR), reset_id=first.reset.pk)
    answer = Client().post("/admin/login/", {"username": reviewer.person.username, "password": first.half})
    assert answer.wsgi_request.user.is_anonymous


def test_not_even_both_halves_sign(mallory: Actor) -> None:
    """What two people have seen is nobody's own; only the owner's next password signs, and setting it is on record."""
    reviewer = ready(Role.REVIEWER)
    first = reset_password(actor=mallory, person_id=reviewer.person.pk)
    second = confirm_reset(actor=ready(Role.SUPERVISOR), reset_id=first.reset.pk)

    refuses(PasswordNotOwn, reviewer, password=f"{first.half}-{second.half}")

    set_own_password(actor=reviewer, password="correct horse battery")
    assert "signed" in sign(actor=reviewer, request_id=1, password="correct horse battery")


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.SUPERVISOR, Role.REVIEWER])
def test_a_person_who_was_invented_helps_nobody(mallory: Actor, role: Role) -> None:
    """Neither as a second administrator nor as a supervisor who confirms, nor as a reviewer who signs."""
    made = create_person(actor=mallory, username="ghost", printed_name="Dr. Ghost")
    ghost = Actor(person=made.reset.person, via="console")
    role_of_ghost = propose_role(actor=mallory, person_id=ghost.person.pk, role=role.value, verified_how=HOW)
    own = propose_role(actor=mallory, person_id=mallory.person.pk, role="reviewer", verified_how=HOW)

    assert ghost.person.roles == frozenset()
    refuses(NotAllowed, ghost, password=made.half)
    for grant in (role_of_ghost, own):
        with pytest.raises(NotAllowed):
            confirm_role(actor=ghost, grant_id=grant.pk)
        with pytest.raises(SecondPersonNeeded):
            confirm_role(actor=mallory, grant_id=grant.pk)
    with pytest.raises(NotAllowed):
        confirm_reset(actor=ghost, reset_id=made.reset.pk)


def test_an_auditor_who_was_invented_still_only_reads(mallory: Actor) -> None:
    """The one role that counts at once gives nothing to sign or to confirm."""
    made = create_person(actor=mallory, username="ghost", printed_name="Dr. Ghost")
    propose_role(actor=mallory, person_id=made.reset.person.pk, role="auditor")
    ghost = Actor(person=made.reset.person, via="console")
    own = propose_role(actor=mallory, person_id=mallory.person.pk, role="reviewer", verified_how=HOW)

    with pytest.raises(NotAllowed):
        confirm_role(actor=ghost, grant_id=own.pk)
    refuses(NotAllowed, ghost)


def test_the_queue_keeps_no_schedules_and_takes_no_unsigned_task() -> None:
    """A schedule that somebody wrote into the table is never looked at; a task without our signature is not loaded."""
    Schedule.objects.create(func="os.system", args="'true'", name="backdoor")
    forged = OrmQ.objects.create(key="gatehouse", payload="bm90IHNpZ25lZA:forged")

    assert project.Q_CLUSTER["scheduler"] is False
    assert Conf.SCHEDULER is False
    with pytest.raises(BadSignature):
        SignedPackage.loads(forged.payload)


def test_a_task_signs_nothing() -> None:
    """It comes through no console, and whoever pretends that it does has no password to give."""
    reviewer = ready(Role.REVIEWER)

    refuses(SigningNeedsPerson, Actor(person=reviewer.person, via="command"))
    refuses(WrongPassword, reviewer, password="")


@pytest.fixture
def on_record(tmp_path: Path, settings: Any, mallory: Actor) -> Iterator[Actor]:
    """A reviewer whose rows are bound to a trail that is relayed."""
    settings.STORAGE = tmp_path
    reviewer = ready(Role.REVIEWER)
    row_binding.bind_existing()
    with transaction.atomic():
        grants = [grant for person in Person.objects.all() for grant in person.grants.all()]
        audit.record(actor=None, act="people.manage", object="", rows=[*Person.objects.all(), *grants])
    governance_journal.begin()
    yield reviewer
    governance_journal.close()


def test_a_password_set_from_the_shell_of_the_host_is_found(on_record: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Django's `changepassword` asks nobody and leaves no entry; the row then is not what the trail says."""
    monkeypatch.setattr("getpass.getpass", lambda prompt="": "a password of the attacker")
    assert verify_audit().is_sound

    call_command("changepassword", on_record.person.username, stdout=StringIO())

    assert any(f"kernel_person:{on_record.person.pk} was altered" in str(one) for one in verify_audit().findings)


def test_a_login_made_from_the_shell_of_the_host_reads_nothing_and_is_found(
    on_record: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`createsuperuser` gives no role."""
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "a password of the attacker")

    call_command("createsuperuser", interactive=False, username="root", email="", stdout=StringIO())

    root = Person.objects.get(username="root")
    client = Client()
    client.force_login(root, backend="django.contrib.auth.backends.ModelBackend")
    assert root.roles == frozenset()
    assert client.get("/admin/").status_code == 302
    assert any(f"kernel_person:{root.pk} was added" in str(one) for one in verify_audit().findings)
