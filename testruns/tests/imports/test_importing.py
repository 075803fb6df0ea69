"""An import: exact bytes as evidence, a run that is judged at once and for good, and nothing of what is refused."""

from __future__ import annotations

import hashlib
import json

import pytest

from console.kernel.acts import Actor
from console.kernel.authority import Role
from console.kernel.errors import InvalidInput, NotAllowed
from console.kernel.models import AuditEntry
from console.tests.people import actor_with
from testruns.actions import (
    active_policy,
    attempt_again,
    cancel_run,
    plan_of,
    run_again,
    runs_of,
)
from testruns.actions.refusals import ImportedNotRun, NotToBeAttemptedAgain, RunOver
from testruns.actions.verifying import wrong_runs
from testruns.evidence import read
from testruns.gates.policy import IMPORTS_DIGEST
from testruns.imports.refusals import FileEmpty, NothingBrought, UnusableBuildName, UnusableCommit
from testruns.models import Build, Evidence, Run
from testruns.plan import InvalidPlan
from testruns.tests.imports.bringing import COMMIT, brought
from testruns.tests.imports.reports import NEVER_RAN, UNIT, coverage, passing

pytestmark = pytest.mark.django_db


@pytest.fixture
def tester() -> Actor:
    """Somebody who may bring results."""
    return actor_with(Role.TESTER)


def verdicts(run: Run) -> dict[str, str]:
    """Verdict by rule."""
    return dict(run.rule_results.values_list("code", "verdict"))


def test_a_real_suite_with_two_failures_is_judged_on_its_figures(tester: Actor) -> None:
    """72 of 74 is above the policy's 90 percent; without coverage the run is incomplete, and says so."""
    run = brought(tester, junit=UNIT)

    assert (run.state, run.is_frozen, run.recommendation) == ("JUDGED", True, "INCOMPLETE")
    assert verdicts(run) == {"I01": "PASS", "I02": "PASS", "I03": "PASS", "I04": "INCONCLUSIVE"}
    rule = run.rule_results.get(code="I03")
    assert (rule.actual, rule.expected, rule.unit) == ("97.2972", "90", "%")
    assert [text["params"]["report"]["template"] for text in run.missing] == ["a coverage report (Cobertura)"]


def test_a_real_suite_that_never_ran_is_no_go(tester: Actor) -> None:
    """Even with full coverage beside it."""
    run = brought(tester, junit=NEVER_RAN, coverage=coverage(10, 10))

    assert run.recommendation == "NO_GO"
    assert verdicts(run) == {"I01": "FAIL", "I02": "FAIL", "I03": "FAIL", "I04": "PASS"}
    assert list(run.gate_results.values_list("gate", "verdict", "worst_rule")) == [("I", "FAIL", "I01")]


@pytest.mark.parametrize(
    ("junit", "covered", "recommendation", "failed"),
    [
        (passing(10), 95, "GO", []),
        (passing(10), 94, "CONDITIONAL", ["I04"]),
        (UNIT, 100, "GO", []),
        (passing(0, skipped=3), 100, "NO_GO", ["I02"]),
    ],
)
def test_the_recommendation_is_that_of_the_rules(
    tester: Actor, junit: bytes, covered: int, recommendation: str, failed: list[str]
) -> None:
    """Nothing is called part of a suite; a missing major rule lets through with conditions, a critical one does not."""
    run = brought(tester, junit=junit, coverage=coverage(covered, 100))

    assert run.recommendation == recommendation
    assert [code for code, verdict in verdicts(run).items() if verdict == "FAIL"] == failed


def test_a_green_import_says_that_it_releases_nothing(tester: Actor) -> None:
    """The word GO alone would say too much."""
    run = brought(tester, junit=passing(3), coverage=coverage(1, 1))

    assert "By themselves they release nothing." in run.sentence


def test_coverage_alone_is_judged_as_what_it_is(tester: Actor) -> None:
    """The tests were not brought, so three rules have no answer."""
    run = brought(tester, coverage=coverage(1, 1))

    assert run.recommendation == "INCOMPLETE"
    assert verdicts(run) == {"I01": "INCONCLUSIVE", "I02": "INCONCLUSIVE", "I03": "INCONCLUSIVE", "I04": "PASS"}
    assert len(run.missing) == 1


def test_the_evidence_is_the_exact_bytes(tester: Actor) -> None:
    """By digest, bound to the run, named in its manifest."""
    run = brought(tester, junit=UNIT)

    binding = run.evidence.get(role="junit")
    attempt = run.executions.get().attempts.get()
    assert run.started_at
    assert attempt.finished_at
    assert run.started_at <= attempt.started_at <= attempt.finished_at
    assert read(binding.evidence_id) == UNIT
    assert binding.evidence_id == hashlib.sha256(UNIT).hexdigest()
    assert (binding.evidence.size, binding.evidence.media_type) == (len(UNIT), "application/xml")
    assert json.loads(run.manifest)["attempts"][0]["evidence"] == {"junit": binding.evidence_id}


def test_the_first_cases_that_did_not_pass_are_named(tester: Actor) -> None:
    """In the run, and so in what its manifest binds."""
    run = brought(tester, junit=UNIT)

    assert [one["outcome"] for one in run.environment["import"]["not_passed"]] == ["failure", "failure"]
    assert json.loads(run.manifest)["environment"] == run.environment


def test_the_same_file_twice_is_two_runs_on_one_piece_of_evidence(tester: Actor) -> None:
    """Repeating a request is the business of its key; bringing a file again is a new statement."""
    first, second = brought(tester, junit=UNIT), brought(tester, junit=UNIT)

    assert first.pk != second.pk
    assert first.build_id == second.build_id
    assert Evidence.objects.filter(media_type="application/xml").count() == 1


def test_the_same_file_for_two_builds_belongs_to_both(tester: Actor) -> None:
    """A name or a commit makes another build."""
    builds = {
        brought(tester, junit=UNIT).build_id,
        brought(tester, junit=UNIT, commit="f" * 40).build_id,
        brought(tester, junit=UNIT, build="other").build_id,
        brought(tester, junit=UNIT, commit="F" * 40).build_id,
    }

    assert len(builds) == 3


def test_results_for_the_commit_of_a_live_run_belong_to_its_build(tester: Actor) -> None:
    """And those that came before the source was seen are listed with it afterwards."""
    before = brought(tester, junit=UNIT)
    seen = Build.objects.create(name="shop", commit=COMMIT, tree_digest="d" * 64, is_clean=True)
    Build.objects.create(name="shop", commit=COMMIT, tree_digest="e" * 64, is_clean=False)

    after = brought(tester, junit=UNIT)

    assert after.build == seen
    assert set(runs_of(seen)) == {before, after}


def test_the_policy_of_live_runs_stays_what_it_was(tester: Actor) -> None:
    """Two shipped policies, each active for its own."""
    run = brought(tester, junit=UNIT)

    assert (run.policy.code, run.policy.number, run.policy.digest) == ("imports", 1, IMPORTS_DIGEST)
    assert (active_policy().code, active_policy().number) == ("shipped", 1)


def test_an_import_is_on_record_and_holds_under_verification(tester: Actor) -> None:
    """Who, what build, which evidence; and every row is that of the audit trail."""
    run = brought(tester, junit=UNIT)

    entry = AuditEntry.objects.get(act="results.import")
    assert (entry.actor, entry.object) == (tester.label, f"run:{run.pk}")
    assert json.loads(entry.after)["evidence"] == {"junit": hashlib.sha256(UNIT).hexdigest()}
    assert AuditEntry.objects.filter(act="run.judge", object=f"run:{run.pk}").count() == 1
    assert not list(wrong_runs())


def test_an_imported_run_is_no_full_run_and_cannot_be_run(tester: Actor) -> None:
    """It never decides a release, and there is nothing here to repeat, attempt or cancel."""
    run = brought(tester, junit=passing(3), coverage=coverage(1, 1))

    assert not plan_of(run).is_full_run(soak_seconds=0)
    with pytest.raises(InvalidPlan):
        plan_of(run).validate()
    with pytest.raises(ImportedNotRun):
        run_again(actor=tester, run_id=run.pk)
    with pytest.raises(RunOver):
        cancel_run(actor=tester, run_id=run.pk)
    with pytest.raises(NotToBeAttemptedAgain):
        attempt_again(actor=tester, execution_id=run.executions.get(position=1).pk)


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        ({"junit": b""}, FileEmpty),
        ({"junit": UNIT, "coverage": b""}, FileEmpty),
        ({}, NothingBrought),
        ({"junit": UNIT, "build": " "}, UnusableBuildName),
        ({"junit": UNIT, "build": "x" * 201}, UnusableBuildName),
        ({"junit": UNIT, "build": "two\nlines"}, UnusableBuildName),
        ({"junit": UNIT, "build": "hidden\u202e"}, UnusableBuildName),
        ({"junit": UNIT, "commit": ""}, UnusableCommit),
        ({"junit": UNIT, "commit": COMMIT[:12]}, UnusableCommit),
        ({"junit": UNIT, "commit": "main"}, UnusableCommit),
        ({"junit": UNIT, "commit": "g" * 40}, UnusableCommit),
    ],
)
def test_of_what_is_refused_only_the_audit_entry_stays(
    tester: Actor, asked: dict[str, bytes], refusal: type[InvalidInput]
) -> None:
    """Also of a good file that came with a bad one, a bad name or half a commit."""
    before = AuditEntry.objects.count()

    with pytest.raises(refusal):
        brought(tester, **asked)  # type: ignore[arg-type]  # names and files as a request has them

    entry = AuditEntry.objects.latest("index")
    assert AuditEntry.objects.count() == before + 1
    assert (entry.act, entry.outcome, entry.code) == ("results.import", "refused", refusal.code)
    assert (Run.objects.count(), Build.objects.count(), Evidence.objects.count()) == (0, 0, 0)


def test_nobody_without_the_role_brings_anything() -> None:
    """Their file is not even looked at."""
    with pytest.raises(NotAllowed):
        brought(actor_with(Role.REVIEWER, Role.AUDITOR, Role.ADMINISTRATOR), junit=b"\x00")

    assert AuditEntry.objects.latest("index").code == "not-allowed"
    assert Evidence.objects.count() == 0
