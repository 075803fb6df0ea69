"""Who is told what: each thing once per person, however often and by however many it is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from console import actions
from console.kernel.acts import Actor
from console.kernel.authority import Role
from console.kernel.models import ApiToken, Person
from console.models import Condition, Notification, NotificationChoice, ReleaseRequest
from console.notifications import telling
from console.notifications.telling import tell
from console.notifications.waiting import what_waits_for
from console.release_states import Outcome, Word
from console.releases import Look
from console.releases.standing import end_of
from console.tests.api_client import token_for
from console.tests.browser.rows import make_judged_run, make_run
from console.tests.notifications.conftest import told, with_address
from console.tests.people import actor_with, person_with
from console.tests.releases.passing_time import expire, without_triggers
from console.tests.releases.people import (
    WHY,
    Team,
    attest,
    attest_execution,
    condition,
    decide,
    sign_three,
    signer,
)
from console.tests.releases.runs import SLOW, full_run
from testruns.actions import cancel_run
from testruns.models import Build, Run

pytestmark = pytest.mark.django_db


def of(request: ReleaseRequest, seat: str, withdrawn: int = 0) -> str:
    """The subject of a seat that waits."""
    return f"seat:{seat}:request:{request.pk}:{withdrawn}"


def test_what_waits_is_told_once_to_whom_it_waits_for(request_5a: ReleaseRequest, team: Team) -> None:
    """The first seat to engineers who may fill it; nobody else, and nothing more at the second and third look."""
    counts = [tell(), tell(), tell()]

    assert told(team.engineer, "waiting") == [of(request_5a, "ENGINEER")]
    assert told(team.tester, "waiting") == []
    assert counts[0] >= 1
    assert counts[1:] == [0, 0]


def test_the_list_on_home_and_the_notifications_are_of_the_same_things(request_5a: ReleaseRequest, team: Team) -> None:
    """Nobody is told of what home does not show, nor the other way round."""
    attest(request_5a, by=team.engineer)
    proposed = signer(Role.ADMINISTRATOR)
    actions.propose_role(actor=proposed, person_id=person_with().pk, role=Role.AUDITOR, verified_how="met in person")

    tell()

    for person in Person.objects.all():
        assert told(person, "waiting") == [one.subject for one in what_waits_for(person, look=Look(now=timezone.now()))]
    assert any(told(person, "waiting") for person in Person.objects.all())


def test_what_is_done_ends_and_what_waits_again_for_another_reason_is_told_again(
    request_5a: ReleaseRequest, team: Team
) -> None:
    """A signature that was withdrawn asks anew for it; the first notification stays ended."""
    tell()
    sign_off = attest(request_5a, by=team.engineer)
    tell()
    first = Notification.objects.get(person=team.engineer.person, kind="waiting")
    is_over = first.ended_at is not None

    actions.withdraw_sign_off(actor=team.engineer, sign_off_id=sign_off.pk, reason=WHY)
    tell()

    assert is_over
    assert told(team.engineer, "waiting") == [of(request_5a, "ENGINEER"), of(request_5a, "ENGINEER", 1)]


def test_what_ended_and_is_so_again_is_open_again_without_being_told(request_5a: ReleaseRequest, team: Team) -> None:
    """A role that was taken and given back brings back what waited, once."""
    person = with_address(team.engineer)
    tell()
    grant = person.grants.get()
    with without_triggers():
        type(grant).objects.filter(pk=grant.pk).update(ended_at=timezone.now(), ended_by=team.opener.person)
    tell()
    is_over = Notification.objects.get(person=person).ended_at is not None
    with without_triggers():
        type(grant).objects.filter(pk=grant.pk).update(ended_at=None, ended_by=None)
    count = tell()

    assert is_over
    assert count == 0
    assert Notification.objects.get(person=person).ended_at is None


def test_a_decision_is_told_to_who_signed_or_asked_but_not_to_who_decided(
    request_5a: ReleaseRequest, team: Team
) -> None:
    """Opener, engineer, tester, reviewer; the runner of the suite and the supervisor are told nothing."""
    sign_three(request_5a, team)
    decision = decide(request_5a, Word.GO, by=team.supervisor)

    tell()

    concerned = (team.opener, team.engineer, team.tester, team.reviewer)
    assert all(told(who, "decided") == [f"decision:{decision.pk}"] for who in concerned)
    assert told(team.supervisor, "decided") == told(team.runner, "decided") == []


def test_a_revocation_and_a_lapse_are_told(request_5a: ReleaseRequest, team: Team) -> None:
    """The revocation to all but who revoked; the lapse to everybody who signed, the supervisor too."""
    sign_three(request_5a, team, outcome=Outcome.CONDITIONAL)
    decision = decide(request_5a, Word.CONDITIONAL, by=team.supervisor, conditions=(condition(owner=team.engineer),))
    due, other = Condition.objects.get(), signer(Role.SUPERVISOR)
    tell(now=end_of(due.due_date) + timedelta(seconds=1))
    with_lapse = told(team.supervisor, "decided")
    revoked = actions.revoke_release(actor=other, decision_id=decision.pk, reason=WHY)
    tell()

    assert with_lapse == [f"lapse:request:{request_5a.pk}"]
    assert told(team.tester, "decided")[-1] == f"revocation:{revoked.pk}"
    assert told(other, "decided") == []


@pytest.mark.parametrize("by", ["opener", "supervisor"])
def test_a_withdrawn_request_is_told_to_all_but_who_withdrew_it(
    request_5a: ReleaseRequest, team: Team, by: str
) -> None:
    """Who did it knows it."""
    attest(request_5a, by=team.engineer)
    actions.withdraw_request(actor=getattr(team, by), request_id=request_5a.pk, reason=WHY)

    tell()

    subject = [f"withdrawn:request:{request_5a.pk}"]
    assert told(team.engineer, "decided") == subject
    assert told(team.opener, "decided") == ([] if by == "opener" else subject)


def test_a_request_whose_time_is_over_is_told_while_nobody_wrote_it_down(
    request_5a: ReleaseRequest, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time alone brings it about. What happened more than a month ago is told to nobody."""
    late = timezone.now() + timedelta(days=15)
    tell(now=late)
    first = told(team.opener, "decided")
    Notification.objects.all().delete()
    expire(request_5a)
    tell()

    assert first == [f"expired:request:{request_5a.pk}"]
    assert told(team.opener, "decided") == []


def test_an_answered_waiver_is_told_to_who_asked(team: Team, build: Build, runs: list[Run]) -> None:
    """Approved or denied; and one that is unanswered waits for others only."""
    full_run(by=team.runner, build=build, faults=SLOW)
    waiver = actions.request_waiver(
        actor=team.opener,
        phase="5a",
        build_id=build.pk,
        rule_code="E03",
        reason=WHY,
        expires_at=timezone.now() + timedelta(days=2),
    )
    tell()
    before = told(team.opener, "decided"), told(team.supervisor, "waiting")
    actions.answer_waiver(actor=team.supervisor, waiver_id=waiver.pk, is_approved=False, reason=WHY)
    tell()

    assert before == ([], [f"answer:waiver:{waiver.pk}"])
    assert told(team.opener, "decided") == [f"answer:waiver:{waiver.pk}"]


def test_a_request_that_runs_out_is_told_three_days_before(request_5a: ReleaseRequest, team: Team) -> None:
    """To its opener and to supervisors, once; not a moment before."""
    deadline = request_5a.deadline_at
    tell(now=deadline - timedelta(days=3, seconds=1))
    early = told(team.opener, "lapsing")
    for hours in (72, 40, 1):
        tell(now=deadline - timedelta(hours=hours))

    assert early == []
    assert told(team.opener, "lapsing") == told(team.supervisor, "lapsing") == [f"request:{request_5a.pk}"]
    assert told(team.tester, "lapsing") == []


def test_a_condition_and_a_release_that_run_out_are_told(request_5a: ReleaseRequest, team: Team) -> None:
    """The condition to its owner and supervisors, the end of the release to its opener and supervisors."""
    sign_three(request_5a, team, outcome=Outcome.CONDITIONAL)
    due = condition(owner=team.engineer, days=25)
    decision = decide(request_5a, Word.CONDITIONAL, by=team.supervisor, conditions=(due,))
    row = Condition.objects.get()
    assert decision.valid_until is not None
    tell()
    early = told(team.engineer, "lapsing"), told(team.opener, "lapsing")
    tell(now=timezone.now() + timedelta(days=24))
    until = Notification.objects.get(person=team.engineer.person, kind="lapsing").deadline_at

    assert early == ([], [])
    assert told(team.engineer, "lapsing") == told(team.supervisor, "lapsing") == [f"condition:{row.pk}"]
    assert until is not None
    assert until.date() == row.due_date + timedelta(days=1)
    with without_triggers():
        Condition.objects.update(due_date=(timezone.now() + timedelta(days=90)).date())
    tell(now=decision.valid_until - timedelta(days=2))
    assert told(team.opener, "lapsing") == [f"decision:{decision.pk}"]


def test_a_token_that_runs_out_is_told_unless_it_was_made_to_end_soon(team: Team) -> None:
    """A pipeline that stops one morning is the last way to learn of it."""
    now = timezone.now()
    for life in (60, 5):
        begin = now - timedelta(days=life - 2)
        token_for(team.tester.person, created_at=begin, expires_at=begin + timedelta(days=life))
    tell()

    assert told(team.tester, "lapsing") == [f"token:{ApiToken.objects.earliest('pk').pk}"]


def test_the_end_of_a_run_is_told_to_who_asked_for_it_each_time_it_ends() -> None:
    """A crashed scenario that is attempted again ends the run again."""
    person = person_with(Role.TESTER)
    run = make_judged_run(person=person, crashed=("credit_storm",), points=5)
    tell()
    first = told(person, "run")
    with without_triggers():
        Run.objects.filter(pk=run.pk).update(finished_at=timezone.now() + timedelta(seconds=5))
    tell()
    tell()

    assert len(first) == 1
    assert len(told(person, "run")) == 2
    row = Notification.objects.filter(person=person).earliest("pk")
    assert "not every scenario" in row.what["template"]
    assert row.why["template"]


def test_runs_of_tokens_are_told_only_to_who_chose_so() -> None:
    """A pipeline waits for its runs itself."""
    one, other = person_with(Role.TESTER), person_with(Role.TESTER)
    NotificationChoice.objects.create(person=other, tells_runs_of_tokens=True)
    for person in (one, other):
        make_judged_run(person=person, points=5, via="api")
    tell()

    assert told(one, "run") == []
    assert len(told(other, "run")) == 1


def test_a_cancelled_run_is_told_unless_its_owner_cancelled_it() -> None:
    """Who did it knows it."""
    owner, other = actor_with(Role.TESTER), actor_with(Role.SUPERVISOR)
    for actor in (owner, other):
        cancel_run(actor=actor, run_id=make_run(person=owner.person).pk)
    tell()

    assert len(told(owner, "run")) == 1
    assert Run.objects.count() == 2


def test_who_left_or_lost_every_role_is_told_nothing_more(request_5a: ReleaseRequest, team: Team) -> None:
    """And what they were told of ends, so that no e-mail of it is sent any more."""
    tell()
    administrator, _other = signer(Role.ADMINISTRATOR), signer(Role.ADMINISTRATOR)
    actions.deactivate_person(actor=administrator, person_id=team.engineer.person.pk, reason=WHY)
    attest(request_5a, by=_replacement())
    attest_execution(request_5a, by=team.tester)
    actions.withdraw_request(actor=team.opener, request_id=request_5a.pk, reason=WHY)
    tell()

    row = Notification.objects.get(person=team.engineer.person)
    assert row.ended_at is not None
    assert told(team.tester, "decided") == [f"withdrawn:request:{request_5a.pk}"]


def _replacement() -> Actor:
    return signer(Role.ENGINEER)


def test_an_e_mail_is_due_only_for_who_has_an_address_and_wants_this_kind(
    request_5a: ReleaseRequest, team: Team
) -> None:
    """In the inbox it stands for everybody."""
    people = [team.engineer, signer(Role.ENGINEER), signer(Role.ENGINEER)]
    for who in people[:2]:
        with_address(who)
    NotificationChoice.objects.create(person=people[1].person, mails_waiting=False)
    tell()

    rows = [Notification.objects.get(person=who.person, kind="waiting") for who in people]
    assert [row.mail_due_at is not None for row in rows] == [True, False, False]


def test_a_part_that_cannot_be_read_leaves_the_others_alone_and_ends_nothing(
    request_5a: ReleaseRequest, team: Team, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The next pass tries again."""
    tell()

    def broken(_people: Any, *, now: Any) -> Iterator[Any]:
        yield from ()
        raise OSError("the disk is gone")

    monkeypatch.setattr(telling, "_READ", dict(telling._READ) | {Notification.Kind.WAITING: broken})
    make_judged_run(person=team.runner.person, points=5)
    count = tell()

    assert count == 1
    assert "the disk is gone" in caplog.text
    assert Notification.objects.get(person=team.engineer.person, kind="waiting").ended_at is None


def test_old_notifications_go_unless_they_would_be_told_anew(request_5a: ReleaseRequest, team: Team) -> None:
    """Ninety days; what still waits stays, so that it is not told again."""
    make_judged_run(person=team.engineer.person, points=5)
    tell()
    Notification.objects.update(created_at=timezone.now() - timedelta(days=91))
    with without_triggers():
        Run.objects.update(finished_at=timezone.now() - timedelta(days=91))

    assert tell() == 0
    assert told(team.engineer, "run") == []
    assert told(team.engineer, "waiting") == [of(request_5a, "ENGINEER")]
