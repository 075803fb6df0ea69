"""How the builds of one commit stand: read together with how the phases stand whatever the build, and the same."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from console import actions
from console.models import Phase, ReleaseRequest
from console.release_states import RequestState, Word
from console.releases import Look, standing_of_phase
from console.releases.board import lapses
from console.releases.builds import phases_of
from console.tests.releases.passing_time import make_overdue
from console.tests.releases.people import WHY, Team, condition, decide, sign_three
from console.tests.releases.runs import clean_build
from testruns.models import Build

pytestmark = pytest.mark.django_db


@pytest.fixture
def other() -> Build:
    """Another build, which nothing ran on."""
    return clean_build(tree="99")


def states(build: Build) -> dict[str, RequestState | None]:
    """How a build stands in each phase, which is the same whether the phases are read at once or one by one."""
    now = timezone.now()
    together = {one.standing.phase.code: one.standing for one in phases_of((build,), now=now)}
    for phase in Phase.objects.filter(code__in=together):
        assert together[phase.code] == standing_of_phase(phase, now=now, builds=[build])
    return {code: standing.state for code, standing in together.items()}


def test_a_build_keeps_what_became_of_its_request_when_another_build_is_asked_for(
    request_5a: ReleaseRequest, team: Team, build: Build, other: Build
) -> None:
    """Its own request was withdrawn, and is no longer the newest of the phase."""
    actions.withdraw_request(actor=team.opener, request_id=request_5a.pk, reason=WHY)
    newer = actions.open_request(actor=team.opener, phase="5a", build_id=other.pk)

    assert states(build)["5a"] is RequestState.WITHDRAWN
    assert states(other)["5a"] is RequestState.OPEN

    actions.withdraw_request(actor=team.opener, request_id=newer.pk, reason=WHY)
    look = Look(now=timezone.now(), builds=[build])
    standing = look.standing(Phase.objects.get(code="5a"))
    assert standing.request == newer, "the newest of all says how the phase stands"


def test_open_conditions_are_those_of_the_phase_s_release(
    request_5a: ReleaseRequest, team: Team, build: Build, other: Build
) -> None:
    """They are said of every build; only the released one stands by them, until one is overdue."""
    sign_three(request_5a, team)
    decision = decide(request_5a, Word.CONDITIONAL, by=team.supervisor, conditions=[condition(owner=team.engineer)])
    now, phase = timezone.now(), Phase.objects.get(code="5a")

    assert Look(now=now, builds=[other]).open_conditions(phase) == tuple(decision.conditions.all())
    assert states(build)["5a"] is RequestState.CONDITIONAL
    assert states(other)["5a"] is None
    assert not lapses(now=now)

    look = Look(now=now)
    assert look.conditional_requests == (request_5a,)
    with CaptureQueriesContext(connection) as asked:
        assert look.open_requests == ()
    assert len(asked) == 0, "of a release nobody asks for its conditions to say that it is not open"

    make_overdue(decision.conditions.get())
    assert states(build)["5a"] is RequestState.LAPSED
    assert [one.request for one in lapses(now=timezone.now())] == [request_5a.pk]
