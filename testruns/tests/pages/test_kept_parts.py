"""The dear parts of a run's page are kept under all they are made from: never made twice, and never out of date."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from console.kernel import live
from console.kernel.models import Person
from console.tests.browser.rows import make_running_run, sample_points
from testruns.actions.leases import touch_run
from testruns.evidence import store
from testruns.models import Attempt, Measurement, Run, RunEvidence, ScenarioExecution
from testruns.run_states import ExecutionState

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]

Browse = Callable[[str], Client]


@pytest.fixture(autouse=True)
def _nobody_is_given_what_was_made_a_moment_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each question here is about a page that is made anew."""
    monkeypatch.setattr(live, "SHARED_SECONDS", 0.0)


@pytest.fixture
def run(tester: Person) -> Run:
    """A run whose first scenario is done and whose second one has nine samples."""
    return make_running_run(person=tester)


@pytest.fixture
def active(run: Run) -> ScenarioExecution:
    """What is being executed."""
    return run.executions.get(state=ExecutionState.RUNNING.value)


def page_of(client: Client, run: Run, **headers: str) -> str:
    """The changing part of its page, made anew: the version has moved."""
    touch_run(run_id=run.pk)
    return client.get(
        f"/admin/testruns/run/{run.pk}/live/?token=0", headers={"HX-Request": "true", **headers}
    ).content.decode()


def test_a_new_version_reads_the_same_rows_and_draws_nothing_that_was_drawn(
    browse: Browse, run: Run, active: ScenarioExecution
) -> None:
    """Drawing takes the policy, whose content is asked for by nothing else."""
    client = browse("auditor")
    asked = []
    for _ in range(3):
        with CaptureQueriesContext(connection) as captured:
            page_of(client, run)
        asked.append([query["sql"] for query in captured])

    assert [any("gatepolicy" in sql and '"content"' in sql for sql in one) for one in asked] == [True, False, False]
    assert len(asked[1]) == len(asked[2])


def test_samples_that_came_since_are_drawn(browse: Browse, run: Run, active: ScenarioExecution) -> None:
    """The last moment of the table beside the chart is that of the last sample."""
    client = browse("auditor")
    before = page_of(client, run)

    ScenarioExecution.objects.filter(pk=active.pk).update(samples=sample_points(31, every_ms=1000))

    after = page_of(client, run)
    assert ['"xs": [1.0, 2.0' in page for page in (before, after)] == [True, True]
    assert ["30.0, 31.0]" in page for page in (before, after)] == [False, True]


def test_a_measurement_that_came_since_stands_in_the_table(browse: Browse, run: Run, active: ScenarioExecution) -> None:
    """While its attempt is still going on."""
    client, attempt = browse("auditor"), Attempt.objects.get(execution=active)
    Measurement.objects.create(attempt=attempt, name="operations", value="7001", unit="count")
    before = page_of(client, run)

    Measurement.objects.create(attempt=attempt, name="max_reward", value="7002", unit="count")

    after = page_of(client, run)
    assert [[figure in page for figure in ("7,001", "7,002")] for page in (before, after)] == [
        [True, False],
        [True, True],
    ]


def test_evidence_that_came_since_is_listed(browse: Browse, run: Run, active: ScenarioExecution) -> None:
    """With its digest."""
    client, attempt = browse("auditor"), Attempt.objects.get(execution=active)
    before = page_of(client, run)
    samples = store(content=b"{}\n", media_type="application/jsonl")

    RunEvidence.objects.create(run=run, execution=active, attempt=attempt, role="samples", evidence=samples)

    after = page_of(client, run)
    assert [samples.pk in page for page in (before, after)] == [False, True]


def test_a_reader_of_another_language_is_given_none_of_it(browse: Browse, run: Run) -> None:
    """Headings, helps and charts are made once for each language."""
    english = page_of(browse("auditor"), run)
    german = page_of(browse("auditor"), run, **{"Accept-Language": "de"})

    for text in ("What it says", "As a table", "Download"):
        assert text in english
        assert f">{text}<" not in german
