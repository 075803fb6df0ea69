"""The sign-off screens in a real Chromium: sound in every pair of width, theme and language, in every stage."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from console import actions
from console.kernel.acts import Actor
from console.models import Certificate, Condition, ReleaseRequest, Waiver
from console.release_states import ClosingRule, ConditionKind, Outcome, Word
from console.review_content import ReviewFinding, Risk, RiskState
from console.tests.browser.conftest import sign_in_as
from console.tests.browser.looks import defects_of, in_every_language
from console.tests.releases.people import (
    Team,
    attest,
    attest_execution,
    condition,
    decide,
    sign_review,
    write_review,
)
from console.tests.releases.runs import SLOW, full_run
from testruns.gates.rule import Severity
from testruns.models import Build, Run

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
OpenPage = Callable[..., Any]
NAMES = {
    "engineer": "Erika Engel",
    "tester": "Tomás Tellez",
    "reviewer": "Renate Reuter",
    "supervisor": "Samuel Sand",
    "runner": "Ruth Runge",
    "opener": "Olaf Ohlsen",
}


@pytest.fixture
def named_team(team: Team) -> Team:
    """The team under names as people have them."""
    for role, name in NAMES.items():
        person = getattr(team, role).person
        person.printed_name = name
        person.save(update_fields=["printed_name"])
    return team


@pytest.fixture
def red_and_green(named_team: Team, build: Build) -> list[Run]:
    """A red full run, two green ones after it."""
    red = full_run(by=named_team.runner, build=build, faults=SLOW)
    return [red, *(full_run(by=named_team.runner, build=build) for _ in range(2))]


class Tour:
    """One window going from page to page as different people, collecting what is wrong."""

    def __init__(self, open_page: OpenPage, *, language: str) -> None:
        self.page, self.language = open_page(None, "/admin/login/", language=language), language
        self.root = self.page.url.split("/admin/")[0]
        self.defects: list[str] = []

    def see(self, who: Actor, address: str, name: str) -> None:
        """Open a page as somebody, keep every defect."""
        sign_in_as(self.page, who.person, self.root)
        self.page.problems.clear()
        self.page.goto(f"{self.root}/admin/{address}")
        self.defects += defects_of(self.page, language=self.language, name=name)


@in_every_language
def test_every_page_is_sound_in_every_stage_of_a_release(
    open_page: OpenPage,
    named_team: Team,
    build: Build,
    red_and_green: list[Run],
    language: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From nothing requested to a lapsed release: no message, no sideways scroll, no finding of axe."""
    tour, team = Tour(open_page, language=language), named_team
    tour.see(team.engineer, "", "home-unrequested")
    tour.see(team.opener, "releases/phase/5a/request/", "preview")
    tour.see(team.engineer, "releases/waivers/", "waivers-none")
    actions.verify_live_journal(actor=team.engineer)
    waiver = _asked_waiver(team, build)
    request = actions.open_request(actor=team.opener, phase="5a", build_id=build.pk)
    own = f"releases/request/{request.pk}/"
    tour.see(team.tester, "releases/builds/", "builds")

    tour.see(team.engineer, own, "request-open")
    tour.see(team.runner, own, "request-as-runner")
    tour.see(team.engineer, f"{own}sign/engineer/", "sign-engineer")
    tour.see(team.reviewer, f"releases/waiver/{waiver.pk}/", "waiver")
    tour.see(team.reviewer, f"{own}review/", "review-new")
    _signed_by_three(request, team)
    tour.see(team.reviewer, f"releases/review/{request.reviews.get().pk}/", "review")
    tour.see(team.supervisor, "", "home-waiting")
    tour.see(team.supervisor, f"{own}decide/", "decide")
    _decided_conditional(request, team)
    tour.see(team.supervisor, own, "request-conditional")
    tour.see(team.engineer, f"releases/condition/{Condition.objects.earliest('pk').pk}/", "condition")
    tour.see(team.engineer, f"releases/decision/{Certificate.objects.get().decision_id}/certificate/", "certificate")
    tour.see(team.supervisor, "releases/phase/5a/", "phase-conditional")
    tour.see(team.engineer, "releases/", "releases")
    tour.see(team.engineer, f"releases/build/{build.commit}/", "build-conditional")
    tour.see(team.engineer, "releases/phase/6a/", "phase-6a")
    _proposed_definition(team)
    tour.see(team.supervisor, "releases/phase/8a/definition/", "definition-proposed")
    tour.see(team.engineer, "releases/phase/7a/definition/", "definition-form")
    tour.see(team.engineer, "own/time-zone/", "time-zone")
    later = timezone.now() + timedelta(days=9)
    monkeypatch.setattr(timezone, "now", lambda: later)
    tour.see(team.supervisor, "", "home-lapsed")
    tour.see(team.supervisor, own, "request-lapsed")

    assert not tour.defects, "\n".join(tour.defects)


def _asked_waiver(team: Team, build: Build) -> Waiver:
    return actions.request_waiver(
        actor=team.opener,
        phase="5a",
        build_id=build.pk,
        rule_code="E03",
        reason="The disk of this machine is replaced next week.",
        expires_at=timezone.now() + timedelta(days=5),
    )


def _proposed_definition(team: Team) -> None:
    editing = actions.PhaseEditing(
        title="Separate read side", description="Several instances.", opened_by=["6a", "7a"], checks=["no-waivers"]
    )
    actions.propose_phase_edit(actor=team.opener, phase="8a", number=1, editing=editing)


def _signed_by_three(request: ReleaseRequest, team: Team) -> None:
    attest(request, by=team.engineer)
    attest_execution(request, by=team.tester)
    finding = ReviewFinding(
        severity=Severity.WARNING,
        text="The 99th percentile doubles while the journal seals a segment.",
        where="testruns/scenarios/load_reality.py:120",
        root_cause="The seal is synced in the same thread.",
        impact="Visible in dashboards, below every threshold.",
        mitigation="Seal in the background.",
        owner="Erika Engel",
    )
    risk = Risk(text="The soak was on one machine only.", state=RiskState.MITIGATED)
    write_review(request, by=team.reviewer, outcome=Outcome.CONDITIONAL, findings=(finding,), risks=(risk,))
    actions.comment(actor=team.tester, request_id=request.pk, text="The red run was on a shared machine.")
    first = request.comments.get().pk
    actions.comment(actor=team.reviewer, request_id=request.pk, text="Confirmed, see my answer.", reply_to=first)
    sign_review(request, by=team.reviewer)


def _decided_conditional(request: ReleaseRequest, team: Team) -> None:
    conditions = (
        condition(
            owner=team.engineer, text="Re-test within 7 days, closed by a GO run", closing_rule=ClosingRule.GO_RUN
        ),
        condition(owner=team.tester, text="Write the runbook for a full disk", kind=ConditionKind.BEFORE_USE, days=2),
    )
    decide(request, Word.CONDITIONAL, by=team.supervisor, conditions=conditions)
