"""Much of everything: 1,000 judged runs, 50 release requests, a run with the samples of 30 minutes, a live journal."""

from __future__ import annotations

from copy import copy
from pathlib import Path
from typing import NamedTuple

import pytest
from django.utils import timezone

from console import actions
from console.actions.keys import create_signing_key
from console.kernel.acts import Actor
from console.kernel.models import Person
from console.models import ReleaseRequest
from console.release_states import Word
from console.tests.browser.conftest import chromium, ledger_with_events, make_person, open_page, storage, tester
from console.tests.browser.rows import COMMIT, make_judged_run
from console.tests.releases.people import WHY, Team, decide, make_team, sign_three
from console.tests.releases.runs import full_run
from ledger import Ledger
from testruns.models import Build, Run

__all__ = ["chromium", "ledger_with_events", "make_person", "open_page", "storage", "tester"]

RUNS = 1_000
RUNS_MADE = 30
REQUESTS = 50


class Scale(NamedTuple):
    """What the pages are asked beside: the person who looks, a 30-minute run, and requests that rest on every run.

    decided: of phase 5a, released by it. open: of phase 6a, which is next.
    """

    team: Team
    run: Run
    decided: ReleaseRequest
    open: ReleaseRequest

    @property
    def reader(self) -> Person:
        """A supervisor: the most is offered to them."""
        return self.team.supervisor.person


@pytest.fixture
def scale(db: None, storage: Path, ledger_with_events: Ledger) -> Scale:
    """On one build: its pages have the most to read. What pages open of runs is made by the product itself; most of the
    thousand are copies of a row, which is all that is read of them. 5a is decided before those: nobody can sign over
    copies, for every manifest is made anew from its rows before a signature.
    """
    create_signing_key()
    team = make_team()
    run = make_judged_run(person=team.runner.person, soak_seconds=1800, profile="full", seed=7)
    build = Build.objects.get(commit=COMMIT)
    _make_runs(team, build)
    actions.verify_live_journal(actor=team.engineer)
    decided = _opened(team.opener, build)
    sign_three(decided, team)
    decide(decided, Word.GO, by=team.supervisor)
    copies = [copy(run) for _ in range(RUNS - 1 - 2 * RUNS_MADE)]
    for one in copies:
        one.pk, one.requested_at = None, timezone.now()
    Run.objects.bulk_create(copies)
    _make_runs(team, build)
    for _ in range(REQUESTS - 2):
        request = _opened(team.opener, build, phase="6a")
        actions.withdraw_request(actor=team.opener, request_id=request.pk, reason=WHY)
    return Scale(team=team, run=run, decided=decided, open=_opened(team.opener, build, phase="6a"))


def _make_runs(team: Team, build: Build) -> None:
    for _ in range(RUNS_MADE):
        full_run(by=team.runner, build=build)


def _opened(by: Actor, build: Build, *, phase: str = "5a") -> ReleaseRequest:
    return actions.open_request(actor=by, phase=phase, build_id=build.pk)
