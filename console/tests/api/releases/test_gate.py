"""The gate that pipelines ask: open for exactly the released build, and otherwise saying who can do what about it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from console import actions
from console.models import Certificate, ReleaseRequest
from console.release_states import ConditionKind, Outcome, Word
from console.tests.api_client import ApiClient
from console.tests.releases.passing_time import make_overdue, outlive, without_triggers
from console.tests.releases.people import WHY, Team, condition, decide, sign_three
from console.tests.releases.runs import full_run
from testruns.models import Build, Run

pytestmark = pytest.mark.django_db
OTHER = "a" * 40


def gate(reader: ApiClient, commit: str, phase: str = "5a") -> Any:
    """Status and document of the answer."""
    answer = reader.read(f"phases/{phase}/gate/", {"commit": commit})
    return answer.status_code, answer.json()


def left(document: Any) -> dict[str, Any]:
    """The blockers by their code."""
    return {one["code"]: one for one in document["blockers"]}


def test_the_gate_opens_for_the_released_build(reader: ApiClient, request_5a: ReleaseRequest, team: Team) -> None:
    """200 with decision, validity and the digest of the certificate, and nothing that is left."""
    sign_three(request_5a, team)
    decision = decide(request_5a, Word.GO, by=team.supervisor)

    status, found = gate(reader, request_5a.build.commit)

    assert status == 200
    assert (found["decision"], found["exit_code"], found["conditions"]) == ("GO", 0, [])
    assert found["build"]["commit"] == request_5a.build.commit
    assert datetime.fromisoformat(found["valid_until"]) == decision.valid_until
    assert found["certificate"]["digest"] == Certificate.objects.get().digest


def test_another_build_stays_before_a_closed_gate(reader: ApiClient, request_5a: ReleaseRequest, team: Team) -> None:
    """Nobody ran it: it says so, and which build is released."""
    sign_three(request_5a, team)
    decide(request_5a, Word.GO, by=team.supervisor)

    status, found = gate(reader, OTHER)

    assert (status, found["code"], found["exit_code"]) == (409, "build-not-released", 3)
    assert found["released"]["commit"] == request_5a.build.commit
    assert list(left(found)) == ["runs", "request"]
    assert left(found)["runs"]["act"] == "run.request"
    assert str(team.runner.person) in left(found)["runs"]["people"]


def test_a_build_without_a_request_says_what_is_missing(reader: ApiClient, team: Team, runs: list[Run]) -> None:
    """The live journal was never verified, and nobody opened a request; each with its act and who may do it."""
    status, found = gate(reader, runs[0].build.commit)

    assert (status, found["exit_code"]) == (409, 3)
    assert "state" not in found
    assert {code: one["act"] for code, one in left(found).items()} == {
        "journal": "journal.verify",
        "request": "request.open",
    }


def test_an_open_request_says_who_signs_until_when(reader: ApiClient, request_5a: ReleaseRequest, team: Team) -> None:
    """Four seats, four acts, by name; with the deadline of the request. Exit code 5: waiting for people."""
    status, found = gate(reader, request_5a.build.commit)

    assert (status, found["state"], found["exit_code"]) == (409, "OPEN", 5)
    assert {code: one["act"] for code, one in left(found).items()} == {
        "seat-engineer": "request.attest",
        "seat-tester": "request.sign_as_tester",
        "seat-reviewer": "request.sign_as_reviewer",
        "seat-supervisor": "request.decide",
    }
    assert left(found)["seat-reviewer"]["people"] == [str(team.reviewer.person)]
    assert left(found)["seat-reviewer"]["until"] == request_5a.deadline_at.isoformat().replace("+00:00", "Z")


def test_only_the_decision_is_left_when_three_have_signed(
    reader: ApiClient, request_5a: ReleaseRequest, team: Team
) -> None:
    """Who has signed is not asked for again."""
    sign_three(request_5a, team)

    _, found = gate(reader, request_5a.build.commit)

    assert list(left(found)) == ["seat-supervisor"]


def test_a_conditional_release_opens_with_its_conditions(
    reader: ApiClient, request_5a: ReleaseRequest, team: Team
) -> None:
    """After-use conditions leave the gate open; the exit code tells it from a GO."""
    sign_three(request_5a, team, outcome=Outcome.CONDITIONAL)
    decide(request_5a, Word.CONDITIONAL, by=team.supervisor, conditions=(condition(owner=team.engineer),))

    status, found = gate(reader, request_5a.build.commit)

    assert (status, found["decision"], found["exit_code"]) == (200, "CONDITIONAL", 6)
    assert [(one["id"], one["owner"], one["is_closed"]) for one in found["conditions"]] == [
        ("C1", str(team.engineer.person), False)
    ]


def test_a_condition_before_use_keeps_the_gate_closed(
    reader: ApiClient, request_5a: ReleaseRequest, team: Team
) -> None:
    """Its owner can clear it, by its due date; then a supervisor confirms."""
    sign_three(request_5a, team, outcome=Outcome.CONDITIONAL)
    before = condition(owner=team.engineer, kind=ConditionKind.BEFORE_USE)
    decide(request_5a, Word.CONDITIONAL, by=team.supervisor, conditions=(before,))

    status, found = gate(reader, request_5a.build.commit)

    assert (status, found["exit_code"]) == (409, 6)
    assert left(found)["condition-1"]["act"] == "condition.close"
    assert left(found)["condition-1"]["people"] == [str(team.engineer.person)]
    assert left(found)["condition-1"]["until"] > before.due_date.isoformat()


@pytest.mark.parametrize("end", ["overdue", "over", "revoked"])
def test_a_release_that_ended_closes_the_gate(
    reader: ApiClient, request_5a: ReleaseRequest, team: Team, end: str
) -> None:
    """Lapsed by a condition or by its dates, or revoked: closed at once, with exit code 1."""
    sign_three(request_5a, team, outcome=Outcome.CONDITIONAL)
    decision = decide(request_5a, Word.CONDITIONAL, by=team.supervisor, conditions=(condition(owner=team.engineer),))
    if end == "overdue":
        make_overdue(decision.conditions.get())
    elif end == "over":
        outlive(decision)
    else:
        actions.revoke_release(actor=team.supervisor, decision_id=decision.pk, reason=WHY)

    status, found = gate(reader, request_5a.build.commit)

    assert (status, found["exit_code"]) == (409, 1)
    assert found["state"] == ("REVOKED" if end == "revoked" else "LAPSED")
    assert "request" in left(found)


def test_rows_without_a_certificate_open_nothing(reader: ApiClient, request_5a: ReleaseRequest, team: Team) -> None:
    """Who can write rows cannot sign: the gate reads the signed statement and compares it with the rows."""
    sign_three(request_5a, team)
    decide(request_5a, Word.GO, by=team.supervisor)
    with without_triggers():
        Build.objects.filter(pk=request_5a.build_id).update(commit=OTHER)

    status, found = gate(reader, OTHER)

    assert (status, found["code"]) == (409, "certificate-damaged")


def test_a_changed_envelope_opens_nothing(reader: ApiClient, request_5a: ReleaseRequest, team: Team) -> None:
    """One changed byte in the signed statement."""
    sign_three(request_5a, team)
    decide(request_5a, Word.GO, by=team.supervisor)
    envelope = Certificate.objects.get().envelope
    with without_triggers():
        Certificate.objects.update(envelope=envelope.replace('"payload":"ey', '"payload":"eX', 1))

    status, found = gate(reader, request_5a.build.commit)

    assert (status, found["code"]) == (409, "certificate-damaged")


def test_a_red_run_of_the_same_commit_stays_in_sight(reader: ApiClient, team: Team, build: Build) -> None:
    """A tree that was changed has the commit too; it is not what could be released."""
    changed = Build.objects.create(name=build.name, commit=build.commit, tree_digest="e5" * 32, is_clean=False)
    full_run(by=team.runner, build=changed)

    _, found = gate(reader, build.commit)

    assert "build" not in left(found)
    assert left(found)["runs"]["act"] == "run.request"


@pytest.mark.parametrize(
    "commit",
    ["", "4f1d2c9ab07e", "g" * 40, "4F1D2C", "a" * 65, "4f1d2c9ab07e6655d3a1f09b8c7e6d5c4b3a2918' OR 1=1 --", "%"],
)
def test_what_is_no_whole_commit_is_refused(reader: ApiClient, build: Build, commit: str) -> None:
    """The beginning of a released commit can be forged, so a gate does not take it, and says what it takes."""
    status, found = gate(reader, commit)

    assert (status, found["code"]) == (400, "commit-not-whole")
    assert "a whole commit of 40 or 64 hexadecimal digits" in found["detail"]
    assert found["errors"][0]["parameter"] == "commit"


def test_a_gate_is_asked_about_one_commit_of_one_phase(reader: ApiClient) -> None:
    """No commit, two commits: 400. No such phase: 404."""
    assert reader.read("phases/5a/gate/").json()["code"] == "invalid-parameter"
    assert reader.get(f"/api/v1/phases/5a/gate/?commit={OTHER}&commit={OTHER}").status_code == 400
    assert gate(reader, OTHER, phase="9z")[0] == 404


def test_a_phase_in_use_has_no_release_to_show(reader: ApiClient) -> None:
    """It was there before releases were: nothing proves anything about this build."""
    active = reader.read("phases/").json()["results"][0]

    status, found = gate(reader, OTHER, phase=active["phase"])

    assert active["is_in_use"]
    assert (status, found["exit_code"], found["blockers"]) == (409, 3, [])


def test_the_gate_says_the_same_in_german(reader: ApiClient, request_5a: ReleaseRequest) -> None:
    """For people: texts follow Accept-Language; codes and acts never do."""
    query = {"commit": request_5a.build.commit}

    german = reader.read("phases/5a/gate/", query, headers={"Accept-Language": "de"}).json()
    english = reader.read("phases/5a/gate/", query).json()

    assert german["code"] == english["code"] == "build-not-released"
    assert german["meaning"] != english["meaning"]
    assert [one["act"] for one in german["blockers"]] == [one["act"] for one in english["blockers"]]
