"""Pages of releases ask the database a number of times that does not grow with runs, requests, people and comments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from copy import copy
from itertools import pairwise, product
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from console import actions
from console.kernel.authority import Role
from console.models import ReleaseRequest
from console.release_states import RequestState
from console.tests.people import person_with
from console.tests.releases.people import WHY, Team, attest
from console.tests.releases.runs import full_run
from console.tests.releases_pages.conftest import Visit
from testruns.actions import overlay_of
from testruns.actions.overlaying import FROZEN_MAX
from testruns.models import Build, RuleResult, Run, ScenarioExecution
from testruns.run_states import RunState

PREVIEW = "/admin/releases/phase/5a/request/"
PAGES = ("/admin/", "/admin/releases/", "/admin/releases/phase/5a/", "/admin/releases/request/{request}/")


@pytest.mark.parametrize("page", PAGES)
def test_the_number_of_queries_does_not_grow_with_what_there_is(
    request_5a: ReleaseRequest, team: Team, build: Build, visit: Visit, page: str
) -> None:
    """Three more people per role, ten comments, two more runs and two more requests later it is the same number."""
    client = visit(team.supervisor)
    before = _queries(client, page.format(request=request_5a.pk))

    newest = _more_of_everything(request_5a, team, build)

    assert before > 0
    assert _queries(client, page.format(request=newest.pk)) <= before + ALLOWED.get(page, 0)


ALLOWED = {
    "/admin/releases/request/{request}/": 2,  # the request before it, to say what has changed
}


@pytest.mark.parametrize("page", ["/admin/", "/admin/releases/", "/admin/releases/phase/5a/", PREVIEW])
def test_sixty_more_runs_of_a_build_cost_no_query_more(
    request_5a: ReleaseRequest, team: Team, build: Build, visit: Visit, page: str
) -> None:
    """They are read as lines, in one query; only those that decide are read whole."""
    actions.withdraw_request(actor=team.opener, request_id=request_5a.pk, reason=WHY)
    client = visit(team.supervisor)
    before = _queries(client, page)

    _copy_run(Run.objects.earliest("pk"), count=60)
    for _ in range(2):
        full_run(by=team.runner, build=build)

    assert _queries(client, page) <= before
    if page == PREVIEW:
        assert "62 runs are new, #" in client.get(page).content.decode()


def test_the_runs_of_a_moment_ago_are_not_read_again_however_many_were_read_before(team: Team, build: Build) -> None:
    """Whatever number of them is kept: what was read last stays, so that no page pays for them now and then."""
    runs = _judged_copies(full_run(by=team.runner, build=build), count=FROZEN_MAX + 1)

    for before, one in pairwise(runs):
        overlay_of(runs=[before, one], waived=())

        with CaptureQueriesContext(connection) as asked:
            overlay_of(runs=[before, one], waived=())
        assert len(asked) == 0


@pytest.mark.parametrize("page", ["/admin/releases/", "/admin/releases/phase/5a/", "/admin/releases/build/{commit}/"])
def test_what_a_page_rests_on_is_asked_once(
    request_5a: ReleaseRequest, team: Team, build: Build, visit: Visit, page: str
) -> None:
    """Phases, checklists and what is left rest on the same people, signatures and standings: they look once."""
    attest(request_5a, by=team.engineer)
    client, address = visit(team.supervisor), page.format(commit=build.commit)
    client.get(address)  # caches of the process are filled

    with CaptureQueriesContext(connection) as asked:
        client.get(address)

    twice = [sql for sql, count in Counter(one["sql"] for one in asked).items() if count > 1]
    assert [table for table in LOOKED_AT if any(f'FROM "{table}"' in sql for sql in twice)] == []


LOOKED_AT = (
    "console_phase",
    "console_phasedependency",
    "console_signoff",
    "console_liveverification",
    "kernel_rolegrant",
)


@pytest.mark.parametrize("by", ["phase", "build"])
def test_requests_are_found_without_reading_past_their_manifests(request_5a: ReleaseRequest, by: str) -> None:
    """Those of a phase or a build with their states come from an index: a manifest of a thousand runs is a megabyte."""
    found = ReleaseRequest.objects.filter(**{by: getattr(request_5a, by)}).exclude(state=RequestState.OPEN.value)

    assert f"COVERING INDEX request_by_{by}" in found.order_by().values("pk", "state").explain()


def _judged_copies(run: Run, *, count: int) -> list[Run]:
    """More of the same with their results, frozen when these are there."""
    bound = {"state": run.state, "frozen_at": run.frozen_at}
    copies = [copy(run) for _ in range(count)]
    for one in copies:
        one.pk, one.state, one.frozen_at = None, RunState.RUNNING.value, None
    Run.objects.bulk_create(copies)
    RuleResult.objects.bulk_create(_for_each(copies, RuleResult.objects.filter(run=run)))
    ScenarioExecution.objects.bulk_create(_for_each(copies, ScenarioExecution.objects.filter(run=run)))
    made = Run.objects.filter(pk__in=[one.pk for one in copies]).select_related("policy").order_by("pk")
    made.update(**bound)
    return list(made.all())


def _for_each(runs: list[Run], rows: Iterable[Any]) -> list[Any]:
    """These rows of a run once more for each of those."""
    found = []
    for row, run in product(rows, runs):
        one = copy(row)
        one.pk, one.run = None, run
        found.append(one)
    return found


def _copy_run(run: Run, *, count: int) -> None:
    """More of the same, as rows."""
    copies = [copy(run) for _ in range(count)]
    for one in copies:
        one.pk = None
    Run.objects.bulk_create(copies)


def _queries(client: object, address: str) -> int:
    client.get(address)  # type: ignore[attr-defined]  # caches of the process are filled
    with CaptureQueriesContext(
        connection,
    ) as asked:
        client.get(address)  # type: ignore[attr-defined]
    return len(asked)


def _more_of_everything(request: ReleaseRequest, team: Team, build: Build) -> ReleaseRequest:
    for role in (Role.ENGINEER, Role.TESTER, Role.REVIEWER, Role.SUPERVISOR) * 3:
        person_with(role)
    for _ in range(2):
        attest(request, by=team.engineer)
        actions.withdraw_request(actor=team.opener, request_id=request.pk, reason=WHY)
        full_run(by=team.runner, build=build)
        request = actions.open_request(actor=team.opener, phase="5a", build_id=build.pk)
    for number in range(10):
        actions.comment(actor=team.tester, request_id=request.pk, text=f"comment {number}")
    return request
