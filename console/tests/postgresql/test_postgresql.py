"""PostgreSQL as the console's own database: the same promises, kept by a real server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest

from console.tests.postgresql.conftest import ROOT, Python

SAME_TESTS = (
    "console/tests/api/test_idempotency.py",
    "console/tests/kernel/test_triggers.py",
    "console/tests/kernel/test_audit.py",
    "console/tests/kernel/test_governance_journal.py",
    "console/tests/kernel/test_signing.py",
    "console/tests/kernel/test_verify_audit.py",
    "console/tests/people_and_roles/test_roles.py",
    "ledger/tests/approvals/test_deciding.py",
    "testruns/tests/policies/test_policy_drafts.py",
    "testruns/tests/policies/test_policy_races.py",
    "testruns/tests/runs/test_evidence.py",
    "testruns/tests/runs/test_judging.py",
)
IN_THE_WORDS_OF_SQLITE = (  # REPLACE, and triggers dropped by name alone; what they ask is asked below
    "console/tests/kernel/test_audit.py::test_the_database_refuses_to_change_the_chain",
    "console/tests/kernel/test_triggers.py::test_a_missing_trigger_is_named",
    "console/tests/kernel/test_triggers.py::test_a_weakened_trigger_is_named_although_its_name_is_there",
    "console/tests/kernel/test_triggers.py::test_installing_restores_what_is_missing_or_altered",
)
TRIGGER = "kernel_auditentry_refuse_update"


FIRST_LOGINS = """
import django; django.setup()
from django.conf import settings
from console.first_logins import create_first_logins
create_first_logins(storage=settings.STORAGE)
"""
TAMPER_AND_RESTORE = """
import django, sys; django.setup()
from django.db import connection
from console.kernel import triggers

def said():
    try:
        triggers.verify()
    except triggers.TriggersDamaged as damage:
        return str(damage).split(". Find out")[0]
    return "sound"

print(said())
for statement in sys.argv[1:]:
    connection.cursor().execute(statement)
    print(said())
    triggers.install()
    print(said())
"""


@pytest.fixture
def sql(migrated: dict[str, str]) -> Iterator[psycopg.Connection]:
    """Somebody who writes SQL, each statement by itself."""
    with psycopg.connect(migrated["DATABASE_URL"], autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def output(python: Python) -> str:
    """What the smallest real run prints: one scenario, executed by a child process, judged."""
    python("-c", FIRST_LOGINS)
    words = ("--scenario", "approval_race", "--concurrency", "5", "--as", "tester")
    return python("manage.py", "run_live_tests", *words, code=3)


@pytest.mark.timeout(600)
def test_what_sqlite_is_tested_for_holds_on_postgresql(server: str, migrated: dict[str, str]) -> None:
    """The suites of rows that must not change and of a run's life, unchanged, on the other database."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--ds=console.tests.postgresql_settings"]
        + [word for name in IN_THE_WORDS_OF_SQLITE for word in ("--deselect", name)]
        + list(SAME_TESTS),
        cwd=ROOT,
        env=migrated | {"GATEHOUSE_TEST_DATABASE_URL": server},
        capture_output=True,
        text=True,
        timeout=500,
    )

    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert int(done.stdout.rpartition(" passed")[0].split()[-1]) > 50


def test_a_run_lives_its_whole_life_in_postgresql(output: str, sql: psycopg.Connection) -> None:
    """Requested, executed by a real child, judged, frozen; every table of it has its rows, and none can be changed."""
    state = sql.execute("SELECT id, state, recommendation, frozen_at IS NOT NULL FROM testruns_run").fetchall()
    counted = {
        table: sql.execute(f"SELECT count(*) FROM testruns_{table}").fetchone()
        for table in ("scenarioexecution", "ruleresult", "gateresult", "runevidence", "measurement")
    }

    assert output.splitlines()[-1] == "INCOMPLETE"
    assert state == [(1, "JUDGED", "INCOMPLETE", True)]
    assert all(count is not None and count[0] for count in counted.values())
    for statement in (
        "UPDATE testruns_run SET recommendation = 'GO'",
        "DELETE FROM testruns_ruleresult",
        "UPDATE testruns_ruleresult SET verdict = 'PASS'",
        "UPDATE testruns_measurement SET value = '0'",
    ):
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
            sql.execute(statement)


@pytest.mark.usefixtures("output")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE kernel_auditentry SET outcome = 'done'",
        "DELETE FROM kernel_auditentry",
        'INSERT INTO kernel_auditentry SELECT "index" + 5, at, actor, actor_name, via, act, object, outcome, code, '
        "before, after, hash, previous_hash FROM kernel_auditentry LIMIT 1",
    ],
)
def test_the_audit_chain_refuses_every_change_by_sql(sql: psycopg.Connection, statement: str) -> None:
    """Nothing is rewritten, nothing taken out, nothing put in beside the end."""
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        sql.execute(statement)


def test_a_trigger_that_was_taken_away_or_weakened_is_named_and_put_back(python: Python) -> None:
    """Each way PostgreSQL offers to get round one."""
    tampering = {
        f"DROP TRIGGER {TRIGGER} ON kernel_auditentry": "missing",
        f"ALTER TABLE kernel_auditentry DISABLE TRIGGER {TRIGGER}": "altered",
        f"CREATE OR REPLACE FUNCTION {TRIGGER}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'": (
            "altered"
        ),
    }

    said = python("-c", TAMPER_AND_RESTORE, *tampering).splitlines()

    assert said[::2] == ["sound"] * 4
    assert [line.rpartition(": ")[2] for line in said[1::2]] == [f"{TRIGGER} is {word}" for word in tampering.values()]
