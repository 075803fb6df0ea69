"""A run that counts and cannot be read: the checklist says so, and nothing is opened or decided on it."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from console import actions
from console.checklist import Item
from console.kernel.models import AuditEntry
from console.models import ReleaseRequest
from console.release_states import Word
from console.releases import Look
from console.releases.board import phase_board
from console.releases.builds import phases_of
from console.tests.damaging import damage
from console.tests.releases.people import Team, decide, sign_three
from testruns.actions import RunUnreadable
from testruns.models import Build, Run

pytestmark = pytest.mark.django_db

DAMAGES = [
    ("run", "state", "GONE"),
    ("run", "scenarios", "{"),
    ("run", "recommendation", "GONE"),
    ("ruleresult", "verdict", "GONE"),
    ("ruleresult", "actual", "x"),
    ("ruleresult", "sources", "[1]"),
    ("scenarioexecution", "state", "GONE"),
]


def checklist() -> tuple[Item, ...]:
    """What the first page says of phase 5a."""
    return next(line for line in phase_board(look=Look(now=timezone.now())) if line.phase.code == "5a").checklist


@pytest.mark.parametrize(("table", "column", "value"), DAMAGES)
def test_a_run_that_cannot_be_read_is_what_blocks_a_phase(
    team: Team, build: Build, runs: list[Run], table: str, column: str, value: str
) -> None:
    """On the first page and on that of the build; who opens a request on it is refused, on record."""
    damage(table, column, value, run=runs[0])

    (item,) = checklist()
    left = {one.code: one for one in phases_of((build,), now=timezone.now())[0].left}
    with pytest.raises(RunUnreadable, match=f"run #{runs[0].pk} cannot be read"):
        actions.open_request(actor=team.opener, phase="5a", build_id=build.pk)

    assert (item.is_green, item.link, item.blocks) == (
        False,
        f"run:{runs[0].pk}",
        frozenset({Word.GO, Word.CONDITIONAL}),
    )
    assert left["runs"].why == item.why
    assert AuditEntry.objects.filter(outcome="refused", code="run-unreadable").count() == 1


def test_a_run_of_an_open_request_that_cannot_be_read_lets_nobody_decide(
    request_5a: ReleaseRequest, team: Team, runs: list[Run]
) -> None:
    """Whoever signed before."""
    sign_three(request_5a, team)
    damage("ruleresult", "verdict", "GONE", run=runs[1])

    client = Client()
    client.force_login(team.supervisor.person, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(f"/admin/releases/request/{request_5a.pk}/")

    assert [item.link for item in checklist()] == [f"run:{runs[1].pk}"]
    assert (page.status_code, f"Run {runs[1].pk} cannot be shown" in page.content.decode()) == (500, True)
    with pytest.raises(RunUnreadable):
        decide(request_5a, Word.GO, by=team.supervisor)
