"""The frame around actions: authority, one transaction, one audit entry for a refusal."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from console.kernel import audit
from console.kernel.acts import Actor, action
from console.kernel.authority import Act, Role
from console.kernel.errors import NotAllowed, PersonInactive, WrongState
from console.kernel.models import AuditEntry, Person, RoleGrant
from console.models import Phase
from console.tests.people import actor_with, person_with
from ledger import Conflict

pytestmark = pytest.mark.django_db


@action(Act.REQUEST_RUN, target="phase:{code}")
def rename_phase(*, actor: Actor, code: str, title: str, refusal: Exception | None = None) -> Phase:
    """An action of these tests: changes a row, writes its entry, and then refuses when it is told to."""
    phase = Phase.objects.get(code=code)
    phase.title = title
    phase.save()
    audit.record(actor=actor, act=Act.REQUEST_RUN, object=f"phase:{code}", after={"title": title})
    if refusal is not None:
        raise refusal
    return phase


def test_an_allowed_act_takes_effect_and_leaves_its_entry() -> None:
    """The change and its audit entry come together."""
    actor = actor_with(Role.TESTER)

    rename_phase(actor=actor, code="5a", title="Renamed")

    entry = AuditEntry.objects.get(act="run.request")
    assert Phase.objects.get(code="5a").title == "Renamed"
    assert (entry.actor, entry.object, entry.outcome) == (actor.label, "phase:5a", "done")


def test_a_person_without_the_role_is_refused_and_the_refusal_is_the_only_trace() -> None:
    """Nothing changes, and exactly one entry says who was refused what, and why."""
    actor = actor_with(Role.AUDITOR)
    before = AuditEntry.objects.count()

    with pytest.raises(NotAllowed, match="engineer, tester, supervisor"):
        rename_phase(actor=actor, code="5a", title="Renamed")

    entry = AuditEntry.objects.latest("index")
    assert Phase.objects.get(code="5a").title != "Renamed"
    assert AuditEntry.objects.count() == before + 1
    assert (entry.actor, entry.act, entry.object) == (actor.label, "run.request", "phase:5a")
    assert (entry.outcome, entry.code) == ("refused", "not-allowed")


@pytest.mark.parametrize(
    "refusal", [WrongState(what="5a", state="ACTIVE"), Conflict(stream="s", current=2, expected=1)]
)
def test_a_refusal_from_inside_rolls_back_the_change_and_its_entry(refusal: Exception) -> None:
    """What the action had already written, its own audit entry included, is gone; one refusal stays."""
    actor = actor_with(Role.TESTER)
    before = AuditEntry.objects.count()

    with pytest.raises(type(refusal)):
        rename_phase(actor=actor, code="5a", title="Renamed", refusal=refusal)

    assert Phase.objects.get(code="5a").title != "Renamed"
    assert AuditEntry.objects.count() == before + 1
    assert AuditEntry.objects.latest("index").outcome == "refused"


def test_a_refusal_keeps_its_sentence() -> None:
    """An auditor reads what the person was told."""
    with pytest.raises(WrongState):
        rename_phase(
            actor=actor_with(Role.TESTER), code="5a", title="x", refusal=WrongState(what="Phase 5a", state="ACTIVE")
        )

    assert "Phase 5a is ACTIVE" in json.loads(AuditEntry.objects.latest("index").after)["message"]


def test_a_superuser_without_the_role_is_refused() -> None:
    """Being a superuser is not a way round the table."""
    actor = Actor(person=person_with(Role.ADMINISTRATOR, is_superuser=True), via="console")

    with pytest.raises(NotAllowed):
        rename_phase(actor=actor, code="5a", title="Renamed")


def test_a_deactivated_person_is_refused_even_with_an_old_session() -> None:
    """The database is asked at every act, not the person object that the session once loaded."""
    actor = actor_with(Role.TESTER)
    Person.objects.filter(pk=actor.person.pk).update(is_active=False)

    with pytest.raises(PersonInactive):
        rename_phase(actor=actor, code="5a", title="Renamed")

    assert AuditEntry.objects.latest("index").code == "person-inactive"


def test_a_role_taken_away_counts_at_the_next_act() -> None:
    """Authority is what the grants say now."""
    actor = actor_with(Role.TESTER)
    RoleGrant.objects.filter(person=actor.person).update(ended_at=timezone.now(), ended_by=actor.person)

    with pytest.raises(NotAllowed):
        rename_phase(actor=actor, code="5a", title="Renamed")


def test_a_refused_act_within_another_leaves_one_entry_in_all() -> None:
    """When the outer act is refused because of the inner one, the refusal is told once."""

    @action(Act.CANCEL_RUN, target="phase:{code}")
    def rename_twice(*, actor: Actor, code: str) -> None:
        rename_phase(actor=actor, code=code, title="first")
        rename_phase(actor=actor, code=code, title="second", refusal=WrongState(what=code, state="x"))

    before = AuditEntry.objects.count()

    with pytest.raises(WrongState):
        rename_twice(actor=actor_with(Role.TESTER), code="5a")

    assert AuditEntry.objects.count() == before + 1
    assert AuditEntry.objects.latest("index").act == "run.cancel"


def test_a_mistake_of_the_program_rolls_back_and_is_not_dressed_as_a_refusal() -> None:
    """An unexpected error passes through, without a change and without an entry."""
    before = AuditEntry.objects.count()

    with pytest.raises(ZeroDivisionError):
        rename_phase(actor=actor_with(Role.TESTER), code="5a", title="Renamed", refusal=ZeroDivisionError())

    assert Phase.objects.get(code="5a").title != "Renamed"
    assert AuditEntry.objects.count() == before
