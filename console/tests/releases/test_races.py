"""Two people in the same second: real threads on the database file, and always exactly one effect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest

from console import actions
from console.actions.refusals import OpenAlready, OtherDecision
from console.eligibility import SeatTaken
from console.kernel.audit import verify_chain
from console.kernel.authority import Role
from console.kernel.errors import GatehouseError
from console.models import BoundRun, Certificate, Decision, ReleaseRequest, SignOff
from console.release_states import RequestState, Seat, Word
from console.releases import standing_sign_offs
from console.tests.racing import at_once
from console.tests.releases.people import Team, attest, attest_execution, decide, make_team, sign_three, signer
from console.tests.releases.runs import clean_build, full_run

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 200
Act = Callable[[], Any]


def race(*acts: Act) -> list[Any]:
    """Let every act run in a thread of its own, all at once; what each returned, or its refusal."""
    return race_again_and_again(*acts, rounds=1)


def race_again_and_again(*acts: Act, rounds: int) -> list[Any]:
    """As `race`, each thread so many times in a row."""
    answers = at_once([partial(_again, act, rounds) for act in acts])
    return [outcome for outcomes in answers for outcome in outcomes]


def _again(act: Act, rounds: int) -> list[Any]:
    return [_outcome(act) for _ in range(rounds)]


def _outcome(act: Act) -> Any:
    try:
        return act()
    except GatehouseError as refusal:
        return type(refusal)


def ready(team: Team) -> ReleaseRequest:
    """An open request that engineer, tester and reviewer have signed."""
    for _ in range(2):
        full_run(by=team.runner)
    actions.verify_live_journal(actor=team.engineer)
    request = actions.open_request(actor=team.opener, phase="5a", build_id=clean_build().pk)
    sign_three(request, team)
    return request


def repeated(outcomes: Sequence[Any]) -> Counter[Any]:
    """How often each outcome came; rows by their key."""
    return Counter(one if isinstance(one, type) else one.pk for one in outcomes)


def test_the_same_decision_200_times_from_two_threads_is_one_decision() -> None:
    """Two browsers of one supervisor: both always get the one decision there is."""
    team = make_team()
    request = ready(team)

    outcomes = race_again_and_again(*[lambda: decide(request, Word.GO, by=team.supervisor)] * 2, rounds=ROUNDS // 2)

    decision = Decision.objects.get()
    assert repeated(outcomes) == {decision.pk: ROUNDS}
    assert (SignOff.objects.filter(seat="SUPERVISOR").count(), Certificate.objects.count()) == (1, 1)
    assert verify_chain().is_sound


def test_two_supervisors_who_disagree_make_one_decision() -> None:
    """Whoever came first decided; the other is told so."""
    team, other = make_team(), make_team()
    request = ready(team)

    outcomes = race(
        lambda: decide(request, Word.GO, by=team.supervisor), lambda: decide(request, Word.NO_GO, by=other.supervisor)
    )

    decision = Decision.objects.get()
    request.refresh_from_db()
    assert repeated(outcomes) == {decision.pk: 1, OtherDecision: 1}
    assert request.state == decision.word
    assert Certificate.objects.count() == (decision.word == "GO")


def test_two_people_on_one_seat_leave_one_signature() -> None:
    """The second finds it taken."""
    team = make_team()
    for _ in range(2):
        full_run(by=team.runner)
    request = actions.open_request(actor=team.opener, phase="5a", build_id=clean_build().pk)

    outcomes = race(*[lambda by=by: attest(request, by=by) for by in (team.engineer, team.opener)])

    assert repeated(outcomes) == {SignOff.objects.get().pk: 1, SeatTaken: 1}


def test_one_person_on_two_seats_at_once_gets_one() -> None:
    """With both roles, both forms open and both buttons pressed."""
    team, both = make_team(), signer(Role.ENGINEER, Role.TESTER)
    for _ in range(2):
        full_run(by=team.runner)
    request = actions.open_request(actor=team.opener, phase="5a", build_id=clean_build().pk)
    outcomes = race(lambda: attest(request, by=both), lambda: attest_execution(request, by=both))

    assert sum(isinstance(one, SignOff) for one in outcomes) == 1
    assert set(standing_sign_offs(request)) == {Seat.ENGINEER}


def test_two_people_opening_the_same_phase_open_one_request() -> None:
    """With one manifest, and every run bound once."""
    team = make_team()
    for _ in range(2):
        full_run(by=team.runner)
    build = clean_build()

    outcomes = race(
        *[
            lambda by=by: actions.open_request(actor=by, phase="5a", build_id=build.pk)
            for by in (team.opener, team.engineer, team.tester)
        ]
    )

    request = ReleaseRequest.objects.get()
    assert repeated(outcomes) == {request.pk: 1, OpenAlready: 2}
    assert (request.state, BoundRun.objects.count()) == (RequestState.OPEN.value, 2)


def test_a_signature_and_its_withdrawal_do_not_slip_past_a_decision() -> None:
    """Either the seat was withdrawn before and nothing is released, or after and it stays."""
    team = make_team()
    request = ready(team)
    sign_off = standing_sign_offs(request)[Seat.TESTER]

    race(
        lambda: decide(request, Word.GO, by=team.supervisor),
        lambda: actions.withdraw_sign_off(actor=team.tester, sign_off_id=sign_off.pk, reason="I looked once more"),
    )

    is_withdrawn = Seat.TESTER not in standing_sign_offs(request)
    assert Decision.objects.exists() is not is_withdrawn
