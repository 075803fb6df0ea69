"""Signing: every refusal with its code, and that it leaves nothing but an audit entry."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone, translation

from console import actions
from console.actions.refusals import (
    ChangedMeanwhile,
    EvidenceAltered,
    NotWithdrawable,
    NotYours,
    RequestExpired,
    RequestOver,
    ReviewIncomplete,
    ReviewSigned,
)
from console.eligibility import OwnPolicy, OwnRequest, OwnRun, OwnWaiver, SamePerson, SeatNotYet, SeatTaken
from console.kernel.acts import Actor
from console.kernel.authority import Role
from console.kernel.errors import (
    EvidenceChanged,
    GatehouseError,
    InvalidInput,
    NotAllowed,
    NotFound,
    PasswordNotOwn,
    PersonInactive,
    SigningNeedsPerson,
    WrongPassword,
)
from console.kernel.models import AuditEntry, Person
from console.models import ReleaseRequest, Review, SignOff, SignOffWithdrawal
from console.release_states import Outcome, Seat, Word
from console.releases import standing_sign_offs
from console.review_content import ReviewDraft
from console.tests.people import give
from console.tests.releases.passing_time import expire, without_triggers
from console.tests.releases.people import (
    WHY,
    Team,
    attest,
    attest_execution,
    decide,
    sign_review,
    sign_three,
    signer,
    write_review,
)
from console.tests.releases.runs import full_run
from testruns.evidence import path_of
from testruns.models import GatePolicy, RuleResult, Run, RunEvidence

pytestmark = pytest.mark.django_db

Sign = Callable[[ReleaseRequest, Actor, dict[str, Any]], object]
SIGN: dict[Seat, Sign] = {
    Seat.ENGINEER: lambda request, actor, changes: attest(request, by=actor, **changes),
    Seat.TESTER: lambda request, actor, changes: attest_execution(request, by=actor, **changes),
    Seat.REVIEWER: lambda request, actor, changes: sign_review(request, by=actor, **changes),
    Seat.SUPERVISOR: lambda request, actor, changes: decide(request, Word.GO, by=actor, **changes),
}
ROLES = {Seat.ENGINEER: Role.ENGINEER, Seat.TESTER: Role.TESTER, Seat.REVIEWER: Role.REVIEWER}
ROLES[Seat.SUPERVISOR] = Role.SUPERVISOR


def refused(request: ReleaseRequest, seat: Seat, actor: Actor, **changes: Any) -> GatehouseError:
    """The refusal of a signature; nothing but its audit entry is left behind."""
    before = (SignOff.objects.count(), Review.objects.filter(signed_at__isnull=False).count(), request_row(request))
    entries = AuditEntry.objects.count()
    with pytest.raises(GatehouseError) as caught:
        SIGN[seat](request, actor, changes)
    after = (SignOff.objects.count(), Review.objects.filter(signed_at__isnull=False).count(), request_row(request))
    last = AuditEntry.objects.order_by("-index")[0]
    assert after == before
    assert AuditEntry.objects.count() == entries + 1
    assert (last.outcome, last.code, last.object) == ("refused", caught.value.code, f"request:{request.pk}")
    return caught.value


def request_row(request: ReleaseRequest) -> dict[str, Any]:
    return dict(ReleaseRequest.objects.filter(pk=request.pk).values().get())


def sign_before(request: ReleaseRequest, seat: Seat, team: Team) -> None:
    """Everything that comes before this seat is signed; the reviewer has a draft."""
    if seat is not Seat.ENGINEER:
        attest(request, by=team.engineer)
    if seat in (Seat.REVIEWER, Seat.SUPERVISOR):
        attest_execution(request, by=team.tester)
        write_review(request, by=team.reviewer)
    if seat is Seat.SUPERVISOR:
        sign_review(request, by=team.reviewer)


def drafted(request: ReleaseRequest, seat: Seat, actor: Actor) -> None:
    """A reviewer signs what they wrote, so there must be something."""
    if seat is Seat.REVIEWER:
        write_review(request, by=actor)


def of(team: Team, seat: Seat) -> Actor:
    actor: Actor = getattr(team, seat.value.lower())
    return actor


@pytest.mark.parametrize("seat", list(Seat))
def test_what_is_wrong_with_the_signer_is_refused_at_every_seat(
    request_5a: ReleaseRequest, team: Team, seat: Seat
) -> None:
    """Wrong password, a door without a person, a password others know, no role, superuser or not, deactivated."""
    sign_before(request_5a, seat, team)
    actor = of(team, seat)
    token = dataclasses.replace(actor, via="api")
    stranger = signer(*(set(Role) - {ROLES[seat]}), is_superuser=True)

    assert isinstance(refused(request_5a, seat, actor, password="guess"), WrongPassword)
    assert isinstance(refused(request_5a, seat, token), SigningNeedsPerson)
    assert isinstance(refused(request_5a, seat, stranger), NotAllowed)
    Person.objects.filter(pk=actor.person.pk).update(password_is_own=False)
    assert isinstance(refused(request_5a, seat, actor), PasswordNotOwn)
    Person.objects.filter(pk=actor.person.pk).update(password_is_own=True, is_active=False)
    assert isinstance(refused(request_5a, seat, actor), PersonInactive)


@pytest.mark.parametrize("seat", list(Seat))
def test_what_is_wrong_with_the_request_is_refused_at_every_seat(
    request_5a: ReleaseRequest, team: Team, seat: Seat
) -> None:
    """Another digest than the one seen, a meaning not chosen, an unknown zone, expired, and no such request."""
    sign_before(request_5a, seat, team)
    actor = of(team, seat)
    nowhere = ReleaseRequest(pk=999_999, manifest_digest=request_5a.manifest_digest)

    changed = refused(request_5a, seat, actor, manifest_digest="0" * 64)
    assert isinstance(changed, EvidenceChanged)
    assert changed.params == {"seen": "0" * 12, "current": request_5a.manifest_digest[:12]}
    assert isinstance(refused(request_5a, seat, actor, meaning=""), InvalidInput)
    assert isinstance(refused(request_5a, seat, actor, zone="Mars/Olympus"), InvalidInput)
    expire(request_5a)
    assert isinstance(refused(request_5a, seat, actor), RequestExpired)
    with pytest.raises(NotFound):
        SIGN[seat](nowhere, actor, {})


@pytest.mark.parametrize("seat", list(Seat))
def test_the_same_person_fills_no_second_seat(request_5a: ReleaseRequest, team: Team, seat: Seat) -> None:
    """Whatever roles somebody holds."""
    sign_before(request_5a, seat, team)
    taken = [one for one in Seat if one in standing_sign_offs(request_5a)]
    for other in taken:
        give(of(team, other).person, ROLES[seat])
        drafted(request_5a, seat, of(team, other))

        assert isinstance(refused(request_5a, seat, of(team, other)), SamePerson)


@pytest.mark.parametrize("seat", [Seat.REVIEWER, Seat.SUPERVISOR])
def test_nobody_reviews_or_decides_about_their_own_work(request_5a: ReleaseRequest, team: Team, seat: Seat) -> None:
    """Who requested a run in the evidence, and who opened the request."""
    sign_before(request_5a, seat, team)
    for actor, refusal in ((team.runner, OwnRun), (team.opener, OwnRequest)):
        give(actor.person, ROLES[seat])
        drafted(request_5a, seat, actor)

        assert isinstance(refused(request_5a, seat, actor), refusal)


@pytest.mark.parametrize("seat", [Seat.REVIEWER, Seat.SUPERVISOR])
def test_a_run_that_only_is_listed_excludes_as_well(team: Team, runs: list[Run], seat: Seat) -> None:
    """A smoke run of one's own is in the evidence too."""
    own = signer(ROLES[seat], Role.TESTER)
    full_run(by=own, profile="smoke", soak_seconds=5)
    actions.verify_live_journal(actor=team.engineer)
    request = actions.open_request(actor=team.opener, phase="5a", build_id=runs[0].build_id)
    sign_before(request, seat, team)
    drafted(request, seat, own)

    assert isinstance(refused(request, seat, own), OwnRun)


@pytest.mark.parametrize("seat", [Seat.REVIEWER, Seat.SUPERVISOR])
def test_who_edited_the_policy_judges_nothing_under_it(request_5a: ReleaseRequest, team: Team, seat: Seat) -> None:
    """The last editor of the policy the evidence was judged under."""
    editor = signer(ROLES[seat])
    with without_triggers():
        GatePolicy.objects.filter(pk=request_5a.policy_id).update(edited_by=editor.person)
    sign_before(request_5a, seat, team)
    drafted(request_5a, seat, editor)

    assert isinstance(refused(request_5a, seat, editor), OwnPolicy)


def test_own_runs_keep_nobody_from_attesting_them(request_5a: ReleaseRequest, team: Team) -> None:
    """Engineer and tester sign for what they did."""
    assert attest(request_5a, by=team.opener).seat == Seat.ENGINEER.value
    assert attest_execution(request_5a, by=team.runner).seat == Seat.TESTER.value


@pytest.mark.parametrize("seat", [Seat.TESTER, Seat.REVIEWER, Seat.SUPERVISOR])
def test_seats_are_signed_in_their_order(request_5a: ReleaseRequest, team: Team, seat: Seat) -> None:
    """The refusal names the seat that is missing."""
    write_review(request_5a, by=team.reviewer)

    assert isinstance(refused(request_5a, seat, of(team, seat)), SeatNotYet)


@pytest.mark.parametrize("seat", [Seat.ENGINEER, Seat.TESTER, Seat.REVIEWER])
def test_a_seat_is_signed_once(request_5a: ReleaseRequest, team: Team, seat: Seat) -> None:
    """The same signature again is the first one; another person finds the seat taken."""
    sign_three(request_5a, team)
    first = standing_sign_offs(request_5a)[seat]
    second = signer(ROLES[seat])
    drafted(request_5a, seat, second)

    again = SIGN[seat](request_5a, of(team, seat), {"review_digest": first.review_digest} if first.review else {})

    assert again == first
    assert isinstance(refused(request_5a, seat, second), SeatTaken)


def test_a_signature_names_person_meaning_time_and_zone(request_5a: ReleaseRequest, team: Team) -> None:
    """As 21 CFR 11.50 asks; the name is the one printed then, whatever it becomes."""
    sign_off = attest(request_5a, by=team.engineer, zone="America/New_York", reason="I wrote the store")
    Person.objects.filter(pk=team.engineer.person.pk).update(printed_name="Somebody Else")

    content = json.loads(SignOff.objects.get(pk=sign_off.pk).content)

    assert content["printed_name"] == str(team.engineer.person) == sign_off.printed_name
    assert (content["meaning"], content["zone"]) == ("authorship", "America/New_York")
    assert (content["method"], content["role"], content["seat"]) == ("password", "engineer", "ENGINEER")
    assert content["signed_at"].endswith("Z")
    assert content["authenticated_at"] <= content["signed_at"]


def test_a_seat_is_signed_again_after_a_withdrawal(request_5a: ReleaseRequest, team: Team) -> None:
    """The withdrawal is a record of its own; the first signature stays as it was."""
    first = attest(request_5a, by=team.engineer)

    actions.withdraw_sign_off(actor=team.engineer, sign_off_id=first.pk, reason=WHY)
    second = attest(request_5a, by=team.opener)

    assert (first.number, second.number) == (1, 2)
    assert standing_sign_offs(request_5a) == {Seat.ENGINEER: second}
    assert SignOff.objects.filter(pk=first.pk, withdrawal__reason=WHY).exists()


def test_a_withdrawn_seat_stands_against_the_decision(request_5a: ReleaseRequest, team: Team) -> None:
    """Three signatures stand when the supervisor signs, or there is no release."""
    sign_three(request_5a, team)
    actions.withdraw_sign_off(actor=team.tester, sign_off_id=standing_sign_offs(request_5a)[Seat.TESTER].pk, reason=WHY)

    assert isinstance(refused(request_5a, Seat.SUPERVISOR, team.supervisor), SeatNotYet)


def test_who_may_not_withdraw_a_sign_off(request_5a: ReleaseRequest, team: Team) -> None:
    """Not another person, not twice, not a decision, not without a reason, not after the decision."""
    first = attest(request_5a, by=team.engineer)
    with pytest.raises(NotYours):
        actions.withdraw_sign_off(actor=team.opener, sign_off_id=first.pk, reason=WHY)
    with pytest.raises(InvalidInput):
        actions.withdraw_sign_off(actor=team.engineer, sign_off_id=first.pk, reason="no")
    with pytest.raises(NotFound):
        actions.withdraw_sign_off(actor=team.engineer, sign_off_id=999_999, reason=WHY)
    actions.withdraw_sign_off(actor=team.engineer, sign_off_id=first.pk, reason=WHY)
    with pytest.raises(NotWithdrawable):
        actions.withdraw_sign_off(actor=team.engineer, sign_off_id=first.pk, reason=WHY)
    second = attest(request_5a, by=team.engineer)
    give(team.supervisor.person, Role.TESTER)
    decision = decide(request_5a, Word.NO_GO, by=team.supervisor)
    with pytest.raises(NotWithdrawable):
        actions.withdraw_sign_off(actor=team.supervisor, sign_off_id=decision.sign_off_id, reason=WHY)
    with pytest.raises(RequestOver):
        actions.withdraw_sign_off(actor=team.engineer, sign_off_id=second.pk, reason=WHY)

    assert SignOffWithdrawal.objects.count() == 1


def test_an_altered_result_is_not_signed(request_5a: ReleaseRequest, team: Team) -> None:
    """Somebody took the triggers away and made a number nicer; the run's manifest no longer follows from its rows."""
    with without_triggers():
        RuleResult.objects.filter(run__bound_in__request=request_5a, code="E03").update(actual="1")

    assert isinstance(refused(request_5a, Seat.ENGINEER, team.engineer), EvidenceAltered)


@pytest.mark.parametrize("what", ["manifest", "run", "file", "gone"])
def test_altered_evidence_stops_the_decision(request_5a: ReleaseRequest, team: Team, what: str) -> None:
    """The manifest's own text, the manifest of a run, a file of evidence, or no file at all."""
    sign_three(request_5a, team)
    path = path_of(RunEvidence.objects.filter(run__bound_in__request=request_5a).values_list("evidence", flat=True)[0])
    with without_triggers():
        if what == "manifest":
            ReleaseRequest.objects.filter(pk=request_5a.pk).update(manifest=request_5a.manifest + " ")
        elif what == "run":
            Run.objects.filter(bound_in__request=request_5a).update(manifest="{}")
        path.chmod(0o644)
        if what == "file":
            path.write_bytes(b"prettier")
        elif what == "gone":
            path.unlink()

    refusal = refused(request_5a, Seat.SUPERVISOR, team.supervisor)
    assert isinstance(refusal, EvidenceAltered)
    assert all(".." not in said for said in (str(refusal), refusal.said(gettext_of("de"))))


def gettext_of(language: str) -> Any:
    """How a door says things in this language."""

    def said(text: str) -> str:
        with translation.override(language):
            return translation.gettext(text)

    return said


def test_a_review_is_signed_as_it_was_seen(request_5a: ReleaseRequest, team: Team) -> None:
    """Another draft than the one on the page is refused; so is somebody without a draft."""
    sign_before(request_5a, Seat.REVIEWER, team)
    other = signer(Role.REVIEWER)

    assert isinstance(refused(request_5a, Seat.REVIEWER, team.reviewer, review_digest="0" * 64), EvidenceChanged)
    assert isinstance(refused(request_5a, Seat.REVIEWER, other), NotFound)


def test_an_incomplete_review_is_not_signed(request_5a: ReleaseRequest, team: Team) -> None:
    """A draft may miss anything; a signed review nothing."""
    attest(request_5a, by=team.engineer)
    attest_execution(request_5a, by=team.tester)
    write_review(request_5a, by=team.reviewer, readiness=None)

    assert isinstance(refused(request_5a, Seat.REVIEWER, team.reviewer), ReviewIncomplete)


def test_a_signed_review_changes_no_more(request_5a: ReleaseRequest, team: Team) -> None:
    """Writing on makes a new draft; an attachment to the signed one is refused."""
    sign_three(request_5a, team)
    signed = standing_sign_offs(request_5a)[Seat.REVIEWER].review
    assert signed is not None

    draft = write_review(request_5a, by=team.reviewer, outcome=Outcome.REJECT)

    assert draft.pk != signed.pk
    with pytest.raises(ReviewSigned):
        actions.attach(actor=team.reviewer, review_id=signed.pk, name="later.txt", content=b"more")


def test_saving_a_review_twice_is_one_draft(request_5a: ReleaseRequest, team: Team) -> None:
    """A no-op save changes nothing; a second tab with an older version is told so."""
    first = write_review(request_5a, by=team.reviewer)
    again = write_review(request_5a, by=team.reviewer)
    other = write_review(request_5a, by=team.reviewer, scope="something else")

    assert (first.pk, first.version, first.digest) == (again.pk, again.version, again.digest)
    assert (other.pk, other.version) == (first.pk, first.version + 1)
    with pytest.raises(ChangedMeanwhile):
        actions.save_review(
            actor=team.reviewer, request_id=request_5a.pk, content=ReviewDraft(scope="x"), version=first.version
        )


def test_attachments_are_bound_into_the_review(request_5a: ReleaseRequest, team: Team) -> None:
    """By digest; the same file twice is one; a name is not taken over."""
    draft = write_review(request_5a, by=team.reviewer)

    row = actions.attach(actor=team.reviewer, review_id=draft.pk, name="notes.txt", content=b"what I saw")
    again = actions.attach(actor=team.reviewer, review_id=draft.pk, name="notes.txt", content=b"what I saw")

    bound = Review.objects.get(pk=draft.pk)
    assert row == again
    assert json.loads(bound.content)["attachments"] == [{"name": "notes.txt", "digest": row.evidence_id}]
    assert bound.digest != draft.digest
    with pytest.raises(InvalidInput):
        actions.attach(actor=team.reviewer, review_id=draft.pk, name="notes.txt", content=b"something else")


@pytest.mark.parametrize(
    ("name", "content"), [("", b"x"), ("a" * 201, b"x"), ("../etc/passwd", b"x"), ("empty", b""), ("a\0b", b"x")]
)
def test_what_cannot_be_attached(request_5a: ReleaseRequest, team: Team, name: str, content: bytes) -> None:
    """Nameless, too long, a path, or nothing."""
    draft = write_review(request_5a, by=team.reviewer)

    with pytest.raises(InvalidInput):
        actions.attach(actor=team.reviewer, review_id=draft.pk, name=name, content=content)


def test_a_draft_belongs_to_its_reviewer(request_5a: ReleaseRequest, team: Team) -> None:
    """Another reviewer attaches nothing to it."""
    draft = write_review(request_5a, by=team.reviewer)

    with pytest.raises(NotYours):
        actions.attach(actor=signer(Role.REVIEWER), review_id=draft.pk, name="a.txt", content=b"x")
    with pytest.raises(NotFound):
        actions.attach(actor=team.reviewer, review_id=999_999, name="a.txt", content=b"x")


def test_comments_make_a_thread(request_5a: ReleaseRequest, team: Team) -> None:
    """Everybody who takes part speaks; an answer belongs to the same request."""
    first = actions.comment(actor=team.reviewer, request_id=request_5a.pk, text="Why is the margin so small?")
    answer = actions.comment(
        actor=team.engineer, request_id=request_5a.pk, text="The disk was shared.", reply_to=first.pk
    )

    assert answer.reply_to == first
    with pytest.raises(InvalidInput):
        actions.comment(actor=team.engineer, request_id=request_5a.pk, text="   ")
    with pytest.raises(NotFound):
        actions.comment(actor=team.engineer, request_id=request_5a.pk, text="to whom?", reply_to=999_999)


def test_the_database_itself_refuses_a_second_seat_for_one_person(request_5a: ReleaseRequest, team: Team) -> None:
    """Somebody writes the row by hand: distinct people is a trigger as well."""
    first = attest(request_5a, by=team.engineer)
    values = SignOff.objects.filter(pk=first.pk).values().get() | {"id": None, "seat": "TESTER", "digest": "1" * 64}

    with pytest.raises(Exception, match="distinct people"), transaction.atomic():
        SignOff.objects.create(**values)


def test_who_asked_for_a_waiver_neither_reviews_nor_decides(team: Team, runs: list[Run]) -> None:
    """The requester of a waiver the evidence rests on."""
    asker = signer(Role.TESTER, Role.REVIEWER)
    waiver = actions.request_waiver(
        actor=asker,
        phase="5a",
        build_id=runs[0].build_id,
        rule_code="E03",
        reason=WHY,
        expires_at=timezone.now() + timedelta(days=3),
    )
    actions.answer_waiver(actor=team.supervisor, waiver_id=waiver.pk, is_approved=True, reason=WHY)
    actions.verify_live_journal(actor=team.engineer)
    request = actions.open_request(actor=team.opener, phase="5a", build_id=runs[0].build_id)
    sign_before(request, Seat.REVIEWER, team)
    write_review(request, by=asker)

    assert isinstance(refused(request, Seat.REVIEWER, asker), OwnWaiver)
