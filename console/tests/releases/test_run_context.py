"""What releases say about a run for its JUnit report: the phase that rests on it, and the waivers valid in it."""

from __future__ import annotations

from datetime import timedelta

from defusedxml.ElementTree import fromstring
from django.utils import timezone

from console import actions
from console.releases.run_context import context_of
from console.tests.releases.people import Team
from console.tests.releases.runs import SLOW, full_run
from testruns.models import Build, Run
from testruns.release_context import ReleaseContext
from testruns.reports import render

WHY = "The slow disk is replaced on Monday."


def test_a_run_no_request_rests_on_is_of_no_phase(runs: list[Run]) -> None:
    """Its classnames begin with what was judged."""
    assert context_of(runs[0]) == ReleaseContext()
    assert b'classname="gatehouse.A"' in render(run=runs[0], kind="junit")


def test_a_run_a_request_rests_on_has_its_phase_and_its_waivers(team: Team, build: Build) -> None:
    """The rule that failed is skipped with the waiver's number, end and person; the run itself stays as judged."""
    run, _ = (full_run(by=team.runner, faults=SLOW) for _ in range(2))
    actions.verify_live_journal(actor=team.engineer)
    until = timezone.now() + timedelta(days=3)
    waiver = actions.request_waiver(
        actor=team.engineer, phase="5a", build_id=build.pk, rule_code="E03", reason=WHY, expires_at=until
    )
    actions.answer_waiver(actor=team.supervisor, waiver_id=waiver.pk, is_approved=True, reason=WHY)
    actions.open_request(actor=team.opener, phase="5a", build_id=build.pk)

    root = fromstring(render(run=run, kind="junit"))

    skipped = {case.get("name", "")[:3] for case in root.iter("testcase") if case.find("skipped") is not None}
    assert skipped == {"E L", "E03"}
    message = next(root.iter("skipped")).get("message")
    assert message == f"waived W-{waiver.pk} until {until:%Y-%m-%d} by {team.supervisor.person}"
    assert {case.get("classname") for case in root.iter("testcase")} == {f"5a.gatehouse.{gate}" for gate in "ABCDE"}
    assert run.rule_results.get(code="E03").verdict == "FAIL"
