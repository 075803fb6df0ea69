"""Runs as a request lists them: what is frozen is read once, and nobody is ever shown what was true before."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from console.releases.evidence import ListedRun, listed
from console.tests.browser.rows import finish_run, make_judged_run, make_running_run
from console.tests.releases.people import Team
from testruns.models import Build, Run

pytestmark = pytest.mark.django_db


def line_of(run: Run) -> ListedRun:
    """The run as it is listed now."""
    return next(one for one in listed(Run.objects.order_by("-pk")) if one.pk == run.pk)


def test_a_frozen_run_is_read_once_and_its_number_and_digest_ever_after(runs: list[Run]) -> None:
    """A build may have a thousand; their rows lie behind manifests of 60 KB each."""
    first = listed(Run.objects.order_by("-pk"))

    with CaptureQueriesContext(connection) as asked:
        again = listed(Run.objects.order_by("-pk"))

    assert again == first
    assert [one.pk for one in first] == sorted((run.pk for run in runs), reverse=True)
    assert not any("scenarios" in query["sql"] for query in asked)


def test_a_run_is_listed_as_it_is_now_until_it_is_frozen(team: Team) -> None:
    """What still runs is read every time: its end is seen at the next look."""
    run = make_running_run(person=team.runner.person)
    before = line_of(run)

    finish_run(run)

    assert (before.state, before.recommendation) == ("RUNNING", None)
    assert (line_of(run).state, line_of(run).recommendation) == ("JUDGED", "INCOMPLETE")


def test_a_provisional_run_that_is_frozen_later_is_listed_anew(team: Team) -> None:
    """An unfinished run has a recommendation, but a further attempt may change it."""
    run = make_judged_run(person=team.runner.person, crashed=("credit_storm",))
    before = line_of(run)

    Run.objects.filter(pk=run.pk).update(recommendation="NO_GO")

    assert before.recommendation == "INCOMPLETE"
    assert line_of(run).recommendation == "NO_GO"


def test_a_person_who_is_called_otherwise_now_is_listed_so(team: Team, runs: list[Run], build: Build) -> None:
    """The run is frozen, the name is not."""
    before = line_of(runs[0])
    person = team.runner.person
    person.printed_name = "Ruth Runge-Ranke"
    person.save(update_fields=["printed_name"])

    assert before.requested_by != "Ruth Runge-Ranke"
    assert line_of(runs[0]).requested_by == "Ruth Runge-Ranke"
