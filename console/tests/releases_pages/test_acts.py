"""What the sign-off screens do with a POST: the act, or the exact reason why not, and never more than one effect."""

from __future__ import annotations

from typing import Any

import pytest

from console import actions
from console.kernel.acts import Actor
from console.kernel.authority import Role
from console.kernel.models import AuditEntry
from console.models import Decision, ReleaseRequest, Review, SignOff
from console.release_states import Outcome, Word
from console.tests.people import PASSWORD, give
from console.tests.releases.people import Team, attest, attest_execution, sign_three, signer, write_review
from console.tests.releases.runs import WRONG, full_run
from console.tests.releases_pages.conftest import Visit
from testruns.models import Build

WHY = "because it has to be so"


def signature(request: ReleaseRequest, **changes: Any) -> dict[str, Any]:
    """What the signing box of the engineer sends."""
    sent = {"manifest_digest": request.manifest_digest, "meaning": "authorship", "password": PASSWORD, "zone": "UTC"}
    return sent | changes


def decision(request: ReleaseRequest, word: Word, **changes: Any) -> dict[str, Any]:
    """What the decision box sends, without any condition."""
    rows = {"conditions-TOTAL_FORMS": "0", "conditions-INITIAL_FORMS": "0"}
    sent = {"manifest_digest": request.manifest_digest, "word": word.value, "password": PASSWORD, "zone": "UTC"}
    return sent | rows | {"reason": "" if word is Word.GO else WHY} | changes


def of(request: ReleaseRequest, rest: str = "") -> str:
    """An address below a request."""
    return f"/admin/releases/request/{request.pk}/{rest}"


def text_of(response: Any) -> str:
    """The page as text."""
    return str(response.content.decode())


def test_signing_writes_one_sign_off_and_goes_to_the_request(
    request_5a: ReleaseRequest, team: Team, visit: Visit
) -> None:
    """The zone, the meaning and the digest seen are those of the form; a second press changes nothing."""
    client = visit(team.engineer)

    first = client.post(of(request_5a, "sign/engineer/"), signature(request_5a, zone="Europe/Berlin"))
    second = client.post(of(request_5a, "sign/engineer/"), signature(request_5a, zone="Europe/Berlin"))

    sign_off = SignOff.objects.get()
    assert (first.status_code, first.headers["Location"]) == (302, of(request_5a))
    assert (second.status_code, second.headers["Location"]) == (302, of(request_5a))
    assert (sign_off.zone, sign_off.meaning, sign_off.person_id) == (
        "Europe/Berlin",
        "authorship",
        team.engineer.person.pk,
    )


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({"password": "wrong"}, 403, "wrong"),
        ({"password": ""}, 422, "Enter your password."),
        ({"meaning": ""}, 422, "Choose what your signature means."),
        ({"meaning": "approval"}, 422, "Select a valid choice"),
        ({"zone": "Middle/Earth"}, 409, "time zone"),
    ],
)
def test_a_refused_signature_is_explained_beside_the_form(
    request_5a: ReleaseRequest, team: Team, visit: Visit, changes: dict[str, str], status: int, reason: str
) -> None:
    """Nothing is signed, the reason stands on the page, and the password never comes back in it."""
    response = visit(team.engineer).post(of(request_5a, "sign/engineer/"), signature(request_5a, **changes))

    assert response.status_code == status
    assert reason in text_of(response)
    assert 'role="alert"' in text_of(response)
    assert PASSWORD not in text_of(response)
    assert not SignOff.objects.exists()


def test_nothing_is_chosen_beforehand_in_a_signing_box(request_5a: ReleaseRequest, team: Team, visit: Visit) -> None:
    """Neither the meaning of a signature nor a decision."""
    sign_three(request_5a, team)
    boxes = [
        visit(team.runner).get(of(request_5a, "sign/tester/")),
        visit(team.supervisor).get(of(request_5a, "decide/")),
    ]

    assert ["checked" in text_of(box) for box in boxes] == [False, False]


def test_evidence_other_than_what_was_seen_answers_412_and_says_what_to_do(
    request_5a: ReleaseRequest, team: Team, visit: Visit
) -> None:
    """Both digests are named; nothing is signed; the way back leads to the page as it is now."""
    client = visit(team.engineer)

    response = client.post(of(request_5a, "sign/engineer/"), signature(request_5a, manifest_digest="0" * 64))

    assert response.status_code == 412
    assert "000000000000" in text_of(response)
    assert request_5a.manifest_digest[:12] in text_of(response)
    assert f'href="{of(request_5a, "sign/engineer/")}"' in text_of(response)
    assert not SignOff.objects.exists()


def test_a_review_that_changed_since_it_was_seen_answers_412(
    request_5a: ReleaseRequest, team: Team, visit: Visit
) -> None:
    """The reviewer changed the draft in another tab."""
    attest(request_5a, by=team.engineer)
    attest_execution(request_5a, by=team.tester)
    seen = write_review(request_5a, by=team.reviewer).digest
    write_review(request_5a, by=team.reviewer, readiness=3)

    sent = signature(request_5a, meaning="review", review_digest=seen)
    response = visit(team.reviewer).post(of(request_5a, "sign/reviewer/"), sent)

    assert response.status_code == 412
    assert Review.objects.get().signed_at is None


@pytest.mark.parametrize(
    ("who", "reason"),
    [
        ("runner", "You requested a run in this evidence"),
        ("opener", "You opened this release request"),
        ("engineer", "You have already signed this release"),
    ],
)
def test_who_may_not_decide_reads_the_exact_reason(
    request_5a: ReleaseRequest, team: Team, visit: Visit, who: str, reason: str
) -> None:
    """Own run, own request, a seat already filled: named on the page, and again when a form is forged."""
    sign_three(request_5a, team)
    person: Actor = getattr(team, who)
    give(person.person, Role.SUPERVISOR)
    client = visit(person)

    page = client.get(of(request_5a, "decide/"))
    forged = client.post(of(request_5a, "decide/"), decision(request_5a, Word.GO))

    assert reason in text_of(page)
    assert (forged.status_code, reason in text_of(forged)) == (409, True)
    assert not Decision.objects.exists()


def test_a_superuser_without_the_role_reads_that_being_one_is_no_role(
    request_5a: ReleaseRequest, team: Team, visit: Visit
) -> None:
    """On the request, and when the decision is forged."""
    sign_three(request_5a, team)
    client = visit(signer(Role.ADMINISTRATOR, is_superuser=True))

    page = client.get(of(request_5a))
    forged = client.post(of(request_5a, "decide/"), decision(request_5a, Word.GO))

    assert "Being an administrator is not one." in text_of(page)
    assert (forged.status_code, "supervisor" in text_of(forged)) == (403, True)
    assert not Decision.objects.exists()


def test_a_decision_that_says_more_than_the_machine_is_refused_with_the_reason(
    team: Team, build: Build, visit: Visit
) -> None:
    """On a red run GO is disabled on the page with why, and a forged form is refused."""
    for _ in range(2):
        full_run(by=team.runner, build=build, faults=WRONG)
    actions.verify_live_journal(actor=team.engineer)
    request = actions.open_request(actor=team.opener, phase="5a", build_id=build.pk)
    sign_three(request, team)
    client = visit(team.supervisor)

    page = text_of(client.get(of(request, "decide/")))
    forged = client.post(of(request, "decide/"), decision(request, Word.GO))
    refusal = client.post(of(request, "decide/"), decision(request, Word.NO_GO))

    assert "people may say less, never more" in page
    assert forged.status_code == 409
    assert (refusal.status_code, Decision.objects.get().word) == (302, "NO_GO")


def test_no_go_needs_a_reason_and_the_form_keeps_what_was_said(
    request_5a: ReleaseRequest, team: Team, visit: Visit
) -> None:
    """The word stays chosen and the short reason stays in its field."""
    response = visit(team.supervisor).post(of(request_5a, "decide/"), decision(request_5a, Word.NO_GO, reason="no"))

    assert response.status_code == 409
    assert "10 characters" in text_of(response)
    assert 'value="NO_GO" required checked' in text_of(response)
    assert not Decision.objects.exists()


def test_conditional_with_a_condition_without_owner_is_marked_at_the_field(
    request_5a: ReleaseRequest, team: Team, visit: Visit
) -> None:
    """And another row can be added without losing any."""
    sign_three(request_5a, team, outcome=Outcome.CONDITIONAL)
    row = {
        "conditions-TOTAL_FORMS": "1",
        "conditions-0-text": "watch it for a week",
        "conditions-0-kind": "AFTER_USE",
        "conditions-0-closing_rule": "EVIDENCE",
    }
    client = visit(team.supervisor)

    refused = client.post(of(request_5a, "decide/"), decision(request_5a, Word.CONDITIONAL, **row))
    longer = client.post(of(request_5a, "decide/"), decision(request_5a, Word.CONDITIONAL, more="conditions", **row))

    assert refused.status_code == 422
    assert "Choose who owns it." in text_of(refused)
    assert longer.status_code == 200
    assert "watch it for a week" in text_of(longer)
    assert 'name="conditions-1-text"' in text_of(longer)
    assert not Decision.objects.exists()


def test_every_look_at_a_signing_page_is_on_record_once(request_5a: ReleaseRequest, team: Team, visit: Visit) -> None:
    """Who was shown which manifest for which seat; the request page itself leaves no trace."""
    client = visit(team.engineer)
    client.get(of(request_5a))
    client.get(of(request_5a, "sign/engineer/"))
    client.get(of(request_5a, "decide/"))

    views = AuditEntry.objects.filter(act="signing_page.viewed").order_by("index")
    assert [(view.object, view.actor) for view in views] == [
        (f"request:{request_5a.pk}", team.engineer.label),
        (f"request:{request_5a.pk}", team.engineer.label),
    ]
    assert ["ENGINEER" in views[0].after, "SUPERVISOR" in views[1].after] == [True, True]
    assert request_5a.manifest_digest in views[0].after


def test_a_reviewer_without_a_draft_is_led_to_write_one(request_5a: ReleaseRequest, team: Team, visit: Visit) -> None:
    """The signing page of the reviewer shows a review or leads to it."""
    response = visit(team.reviewer).get(of(request_5a, "sign/reviewer/"))

    assert (response.status_code, response.headers["Location"]) == (302, of(request_5a, "review/"))


@pytest.mark.parametrize(
    ("who", "reason"),
    [("runner", "You requested a run in this evidence"), ("opener", "You opened this release request"), ("fresh", "")],
)
def test_who_could_not_sign_a_review_reads_why_before_writing_one(
    request_5a: ReleaseRequest, team: Team, visit: Visit, who: str, reason: str
) -> None:
    """Own run and own request are said on the form; that engineer and tester have not signed yet is no hindrance."""
    person = signer(Role.REVIEWER) if who == "fresh" else getattr(team, who)
    if who != "fresh":
        give(person.person, Role.REVIEWER)

    page = text_of(visit(person).get(of(request_5a, "review/")))

    assert reason in page
    assert ('id="why-save"' in page) == bool(reason)


def test_the_next_request_says_what_changed_since_i_last_signed(
    request_5a: ReleaseRequest, team: Team, build: Build, visit: Visit
) -> None:
    """In words: the new run; nobody who has not signed before is told of a signature of theirs."""
    attest(request_5a, by=team.engineer)
    actions.withdraw_request(actor=team.opener, request_id=request_5a.pk, reason=WHY)
    newest = full_run(by=team.runner, build=build)
    request = actions.open_request(actor=team.opener, phase="5a", build_id=build.pk)

    mine, others = (text_of(visit(who).get(of(request))) for who in (team.engineer, team.tester))

    assert "What changed since I last signed" in mine
    assert f"Run #{newest.pk} is new" in mine
    assert "What changed since I last signed" not in others
    assert "What changed since the last request" in others


@pytest.mark.parametrize(("role", "is_warned"), [(Role.SUPERVISOR, True), (Role.TESTER, False)])
def test_the_form_that_requests_a_run_warns_of_the_seat_it_costs(
    db: None, visit: Visit, role: Role, is_warned: bool
) -> None:
    """A supervisor who requests a run cannot decide on it; a tester loses nothing."""
    page = text_of(visit(signer(role)).get("/admin/testruns/run/request/"))

    assert ("Whoever requests a run cannot be Supervisor" in page) is is_warned


def test_two_runs_of_one_seed_are_no_go_however_green_they_are(team: Team, build: Build, visit: Visit) -> None:
    """The strip says the word that binds and why, before the request opens, on its page and in the signing box."""
    for _ in range(2):
        full_run(by=team.runner, build=build, seed=7)
    why = "have the same seed"

    preview = text_of(visit(team.opener).get(f"/admin/releases/phase/5a/request/?build={build.pk}"))
    request = actions.open_request(actor=team.opener, phase="5a", build_id=build.pk)
    pages = [
        text_of(visit(who).get(of(request, rest)))
        for who, rest in ((team.opener, ""), (team.engineer, "sign/engineer/"))
    ]

    for page in (preview, *pages):
        verdict = page.partition("The machine recommends: ")[2]
        assert verdict.startswith("INCOMPLETE")
        assert why in verdict.partition("The deciding runs alone say GO.")[0]
