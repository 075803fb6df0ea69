"""What was judged is held against the audit trail: an edit of any of its rows by SQL is found and named."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection, transaction

from console.kernel import triggers
from console.kernel.acts import Actor
from console.kernel.verification import verify_audit
from console.tests.browser.rows import make_judged_run, make_running_run
from testruns.actions import freeze_run, is_altered
from testruns.actions.verifying import digests_of, wrong_runs
from testruns.models import Run

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(tester: Actor, storage: Path) -> Run:
    """A frozen run with results, findings and evidence."""
    return make_judged_run(person=tester.person, faults={"credit_storm": {"double_charges": "3"}})


def execute(statement: str) -> None:
    """Run SQL as someone would who has the database in their hands: the triggers dropped first."""
    triggers.drop()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def found() -> list[str]:
    """The sentences."""
    return [str(one) for one in wrong_runs()]


def test_a_judged_run_is_what_the_trail_says(run: Run) -> None:
    """Every table is covered, also those whose rows stand in no manifest."""
    assert found() == []
    assert not is_altered(run_id=run.pk)
    assert len(set(digests_of(run.pk).values())) == 10


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("UPDATE testruns_run SET recommendation = 'GO'", "testruns_run"),
        ("UPDATE testruns_run SET requested_by_id = NULL", "testruns_run"),
        ("UPDATE testruns_gateresult SET verdict = 'PASS'", "testruns_gateresult"),
        ("UPDATE testruns_run SET requested_at = '2026-13-45 00:00:00'", "testruns_run"),
        ("UPDATE testruns_ruleresult SET margin = '9'", "testruns_ruleresult"),
        ("UPDATE testruns_ruleresult SET margin = x'ff'", "testruns_ruleresult"),
        ("UPDATE testruns_measurement SET value = '0' WHERE name = 'double_charges'", "testruns_measurement"),
        ("UPDATE testruns_finding SET what = 'all is well'", "testruns_finding"),
        ("UPDATE testruns_scenarioexecution SET verdict = 'PASS'", "testruns_scenarioexecution"),
        ("UPDATE testruns_attempt SET error = 'no'", "testruns_attempt"),
        ("UPDATE testruns_runevidence SET role = 'stderr'", "testruns_runevidence"),
        ("UPDATE testruns_build SET is_clean = FALSE", "testruns_build"),
        ("UPDATE testruns_evidence SET media_type = 'text/html'", "testruns_evidence"),
        ("DELETE FROM testruns_finding", "testruns_finding"),
    ],
)
def test_an_edit_of_what_was_judged_is_named(run: Run, statement: str, table: str) -> None:
    """The run and the table."""
    execute(statement)

    assert found() == [f"run {run.pk} was altered past the audit trail, in: {table}"]
    assert is_altered(run_id=run.pk)


def test_verify_audit_asks_for_it(run: Run) -> None:
    """It is one of the findings of the whole."""
    execute("UPDATE testruns_gateresult SET verdict = 'PASS'")

    assert any(f"run {run.pk} was altered" in str(one) for one in verify_audit().findings)


def test_a_run_that_is_gone_or_came_from_nowhere_is_named(run: Run, tester: Actor) -> None:
    """Its number moved to one that the trail has never heard of."""
    triggers.drop()
    with transaction.atomic(), connection.constraint_checks_disabled(), connection.cursor() as cursor:
        cursor.execute("PRAGMA defer_foreign_keys = ON")
        for table in ("scenarioexecution", "gateresult", "ruleresult", "finding", "runevidence"):
            cursor.execute(f"UPDATE testruns_{table} SET run_id = 4711")
        cursor.execute("UPDATE testruns_run SET id = 4711")

    assert sorted(found()) == [
        f"run {run.pk} was removed past the audit trail",
        "run 4711 was added past the audit trail",
    ]


def test_a_run_that_is_not_frozen_may_change(tester: Actor, storage: Path) -> None:
    """While it works, and while a scenario of it may be attempted again."""
    make_running_run(person=tester.person)
    unfinished = make_judged_run(person=tester.person, crashed=("credit_storm",))
    Run.objects.filter(pk=unfinished.pk).update(version=99)

    assert found() == []


def test_a_run_that_was_frozen_unfinished_is_held_as_it_was_then(tester: Actor, storage: Path) -> None:
    """The entry of the freezing counts, which came last."""
    unfinished = make_judged_run(person=tester.person, crashed=("credit_storm",))
    freeze_run(run_id=unfinished.pk)
    assert found() == []

    execute("UPDATE testruns_attempt SET state = 'FINISHED'")

    assert found() == [f"run {unfinished.pk} was altered past the audit trail, in: testruns_attempt"]
