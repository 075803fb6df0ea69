"""Two people change a phase and its checklist; requests keep what they were opened under."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from console import actions
from console.actions import PhaseEditing
from console.actions.refusals import (
    ChecklistRed,
    OwnPhaseEdit,
    PhaseEditAnswered,
    PhaseEditChangesNothing,
    PhaseEditWaits,
    PhaseInUse,
)
from console.eligibility import OwnPhase
from console.kernel.acts import Actor
from console.kernel.authority import Role
from console.kernel.errors import EvidenceChanged, GatehouseError, InvalidInput, NotFound
from console.kernel.models import AuditEntry
from console.kernel.row_digests import wrong_rows
from console.models import Phase, PhaseEdit, PhaseEditAnswer, ReleaseRequest
from console.phase_definition import Check
from console.release_states import Word
from console.releases import Look, check_request
from console.releases.definitions import definition_of, edges_in_force
from console.tests.people import give
from console.tests.releases.people import WHY, Team, decide, sign_three, signer
from testruns.models import Build, Run

pytestmark = pytest.mark.django_db


def editing(phase: str = "5a", **changes: Any) -> PhaseEditing:
    """What is in force, with changes."""
    now = definition_of(Phase.objects.get(code=phase))
    values = {name: getattr(now, name) for name in ("title", "description", "opened_by", "checks")}
    return PhaseEditing(**(values | changes))


def propose(by: Actor, phase: str = "5a", *, number: int = 1, **changes: Any) -> PhaseEdit:
    """Propose these changes."""
    return actions.propose_phase_edit(actor=by, phase=phase, number=number, editing=editing(phase, **changes))


def change(team: Team, phase: str = "5a", *, number: int = 1, **changes: Any) -> Phase:
    """Propose as one engineer and activate as another."""
    edit = propose(team.opener, phase, number=number, **changes)
    return actions.activate_phase_edit(actor=team.engineer, edit_id=edit.pk, digest=edit.digest)


def test_a_proposal_changes_nothing_until_another_person_activates_it(team: Team) -> None:
    """Then title, description, order and checks are what was proposed, on record with both people."""
    edit = propose(
        team.opener, "8a", title="Read side", description="Several instances", opened_by=["6a", "7a"], checks=[]
    )
    before = definition_of(Phase.objects.get(code="8a"))

    actions.activate_phase_edit(actor=team.supervisor, edit_id=edit.pk, digest=edit.digest)

    phase = Phase.objects.get(code="8a")
    assert (before.number, before.title) == (1, "Separate read side, several instances")
    assert (phase.number, phase.title, phase.description) == (2, "Read side", "Several instances")
    assert definition_of(phase).digest == edit.digest
    assert {edge for edge in edges_in_force() if edge[1] == "8a"} == {("6a", "8a"), ("7a", "8a")}
    acts = AuditEntry.objects.filter(object="phase:8a").values_list("act", "actor")
    assert list(acts.order_by("index")) == [
        ("phase.edit", team.opener.label),
        ("phase.activate", team.supervisor.label),
    ]


def test_a_dependency_that_ended_can_begin_again(team: Team) -> None:
    """Its row stays; nothing on the roadmap is ever deleted."""
    change(team, "6a", opened_by=[])
    assert ("5a", "6a") not in edges_in_force()

    change(team, "6a", number=2, opened_by=["5a"])

    assert ("5a", "6a") in edges_in_force()
    assert [one for one in wrong_rows() if one.row.startswith("console_")] == []


def test_nobody_activates_what_they_proposed(team: Team) -> None:
    """Not with every role either, and not past the action."""
    give(team.opener.person, *(set(Role) - {Role.ENGINEER}))
    edit = propose(team.opener, title="Alone")

    with pytest.raises(OwnPhaseEdit):
        actions.activate_phase_edit(actor=team.opener, edit_id=edit.pk, digest=edit.digest)
    with pytest.raises(DatabaseError, match="another person"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO console_phaseeditanswer (edit_id, is_activated, answered_by_id, at, reason) "
            "VALUES (%s, TRUE, %s, CURRENT_TIMESTAMP, '')",
            [edit.pk, team.opener.person.pk],
        )
    assert Phase.objects.get(code="5a").number == 1


def test_one_proposal_of_a_phase_waits_at_a_time(team: Team) -> None:
    """A double click returns the first one; anything else is refused until it is answered."""
    edit = propose(team.opener, title="First")

    assert propose(team.opener, title="First") == edit
    with pytest.raises(PhaseEditWaits):
        propose(team.opener, title="Second")
    with pytest.raises(PhaseEditWaits):
        propose(team.engineer, title="First")
    assert PhaseEdit.objects.count() == 1


def test_what_was_answered_is_answered(team: Team) -> None:
    """The same person's second click is harmless, another person's is refused; numbers are never used twice."""
    edit = propose(team.opener, title="New")
    actions.withdraw_phase_edit(actor=team.opener, edit_id=edit.pk, reason=WHY)
    with pytest.raises(PhaseEditAnswered):
        actions.activate_phase_edit(actor=team.engineer, edit_id=edit.pk, digest=edit.digest)
    with pytest.raises(PhaseEditAnswered):
        actions.withdraw_phase_edit(actor=team.engineer, edit_id=edit.pk, reason=WHY)

    again = propose(team.opener, title="New")
    for _ in range(2):
        actions.activate_phase_edit(actor=team.engineer, edit_id=again.pk, digest=again.digest)

    assert (edit.number, again.number) == (2, 3)
    assert PhaseEditAnswer.objects.filter(is_activated=True).count() == 1
    with pytest.raises(PhaseEditAnswered):
        actions.activate_phase_edit(actor=team.supervisor, edit_id=again.pk, digest=again.digest)


@pytest.mark.parametrize(
    ("refusal", "values"),
    [
        (NotFound, {"phase": "9z"}),
        (PhaseInUse, {"phase": "1-5"}),
        (EvidenceChanged, {"number": 2}),
        (PhaseEditChangesNothing, {}),
        (InvalidInput, {"editing": PhaseEditing(title=" ", description="", opened_by=(), checks=())}),
        (InvalidInput, {"editing": PhaseEditing(title="x", description="", opened_by=("8a",), checks=())}),
        (InvalidInput, {"editing": PhaseEditing(title="x", description="", opened_by=(), checks=("seats",))}),
    ],
    ids=["unknown", "in-use", "seen-another", "nothing", "no-title", "circle", "critical-check"],
)
def test_a_proposal_that_cannot_be_is_refused(
    team: Team, refusal: type[GatehouseError], values: dict[str, Any]
) -> None:
    """Critical checks cannot even be named."""
    given: dict[str, Any] = {"phase": "5a", "number": 1, "editing": editing()}

    with pytest.raises(refusal):
        actions.propose_phase_edit(actor=team.opener, **(given | values))

    assert not PhaseEdit.objects.exists()


def test_an_activation_names_what_was_seen(team: Team) -> None:
    """Another digest is refused."""
    edit = propose(team.opener, title="New")

    with pytest.raises(EvidenceChanged):
        actions.activate_phase_edit(actor=team.engineer, edit_id=edit.pk, digest="0" * 64)


def test_two_edits_that_make_a_circle_together_are_not_both_activated(team: Team) -> None:
    """Each was sound when it was proposed."""
    first = propose(team.opener, "6a", opened_by=["8a"])
    second = propose(team.opener, "8a", opened_by=["6a"])
    actions.activate_phase_edit(actor=team.engineer, edit_id=first.pk, digest=first.digest)

    with pytest.raises(InvalidInput, match="comes after it"):
        actions.activate_phase_edit(actor=team.engineer, edit_id=second.pk, digest=second.digest)

    assert ("6a", "8a") not in edges_in_force()


def test_a_request_keeps_the_definition_it_was_opened_under(request_5a: ReleaseRequest, team: Team) -> None:
    """Its digest is in the manifest; a check that is switched on later counts for the next request."""
    before = definition_of(Phase.objects.get(code="5a"))

    change(team, "6a", opened_by=[])
    change(team, checks=[Check.JOURNAL, Check.RUNNING_BUILD], opened_by=["6a"])

    assert json.loads(request_5a.manifest)["definition"]["digest"] == before.digest
    codes = [item.code for item in check_request(request_5a, look=Look(now=request_5a.opened_at)).items]
    assert "running-build" not in codes
    assert codes[-1] == "predecessor"
    sign_three(request_5a, team)
    assert decide(request_5a, Word.GO, by=team.supervisor).word == "GO"


def test_a_check_that_is_switched_on_stands_against_the_release(team: Team, build: Build, runs: list[Run]) -> None:
    """The build of the tests does not run here, so the console refuses to release it."""
    change(team, checks=[Check.JOURNAL, Check.RUNNING_BUILD])
    actions.verify_live_journal(actor=team.engineer)
    request = actions.open_request(actor=signer(Role.TESTER), phase="5a", build_id=build.pk)
    sign_three(request, team)

    with pytest.raises(ChecklistRed, match="Running build"):
        decide(request, Word.GO, by=team.supervisor)


def test_a_check_that_is_switched_off_asks_for_nothing(team: Team, build: Build, runs: list[Run]) -> None:
    """Nobody verified the live journal, and nobody has to."""
    change(team, checks=[])
    request = actions.open_request(actor=signer(Role.TESTER), phase="5a", build_id=build.pk)
    sign_three(request, team)

    assert decide(request, Word.GO, by=team.supervisor).word == "GO"


def test_who_edited_the_phase_does_not_decide_about_it(team: Team, build: Build, runs: list[Run]) -> None:
    """As with a policy: the editor of what is in force is excluded from reviewing and deciding."""
    editor = signer(Role.ENGINEER, Role.SUPERVISOR)
    edit = propose(editor, checks=[])
    actions.activate_phase_edit(actor=team.engineer, edit_id=edit.pk, digest=edit.digest)
    request = actions.open_request(actor=team.runner, phase="5a", build_id=build.pk)
    sign_three(request, team)

    with pytest.raises(OwnPhase):
        decide(request, Word.GO, by=editor)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE console_phase SET state = 'ACTIVE' WHERE code = '5a'",
        "UPDATE console_phase SET code = '5b' WHERE code = '5a'",
        "DELETE FROM console_phase WHERE code = '8a'",
        "DELETE FROM console_phasedependency",
        "INSERT OR REPLACE INTO console_phase SELECT * FROM console_phase",
        "INSERT OR REPLACE INTO console_phasedependency SELECT * FROM console_phasedependency",
    ],
)
def test_nobody_puts_a_phase_in_use_or_takes_one_away_by_sql(statement: str) -> None:
    """The roadmap changes by two people; the rest of a phase's row is bound to the audit chain."""
    with pytest.raises(DatabaseError, match="console_phase"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_definition_rewritten_by_sql_is_found() -> None:
    """No trigger stands against it, so the chain does."""
    Phase.objects.filter(code="7a").update(checks=[])

    phase = Phase.objects.get(code="7a")
    assert f"console_phase:{phase.pk}" in [one.row for one in wrong_rows() if one.what == "altered"]
