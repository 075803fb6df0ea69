"""The JSON report: the fields of the seeds, exact figures, null for what was not measured."""

from __future__ import annotations

import json

import pytest

from testruns.gates.suite import SUITE
from testruns.models import Run
from testruns.reports import render
from testruns.run_states import ExecutionState
from testruns.tests.gates.builders import execution, sound_run
from testruns.tests.reports.conftest import ENVIRONMENT, OPENED, MakeJudged

FIELDS = {
    "format",
    "run",
    "state",
    "provisional",
    "timestamp",
    "generated_at",
    "branch",
    "commit",
    "build",
    "tester",
    "via",
    "test_config",
    "overall_status",
    "recommendation",
    "missing",
    "policy",
    "gates",
    "rules",
    "scenarios",
    "units",
    "findings",
    "environment",
    "opened",
    "evidence",
    "manifest_digest",
    "audit_chain",
    "sign_offs",
}


@pytest.fixture
def sound(make_judged: MakeJudged) -> Run:
    """A full run in which everything holds."""
    return make_judged(sound_run())


def test_the_fields_are_stable(sound: Run) -> None:
    """Fields are only ever added; a program that reads this report keeps working."""
    report = json.loads(render(run=sound, kind="json"))

    assert set(report) == FIELDS
    assert (report["overall_status"], report["provisional"], report["state"]) == ("GO", False, "JUDGED")
    assert report["recommendation"].startswith("All 33 deciding rules hold in all 7 scenarios.")
    assert (report["branch"], report["commit"]) == ("main", sound.build.commit)
    assert report["test_config"]["seed"] == 42
    assert report["environment"] == ENVIRONMENT
    assert report["opened"] == {kind: sorted(names) for kind, names in OPENED.items()}
    assert report["manifest_digest"] == sound.manifest_digest
    assert [row["status"] for row in report["sign_offs"]] == ["PENDING"] * 4


def test_a_scenario_has_the_fields_of_the_seeds(sound: Run) -> None:
    """name, status, duration, throughput, p95_latency, errors, metrics, invariants_passed; exact digits in metrics."""
    report = json.loads(render(run=sound, kind="json"))

    storm = next(each for each in report["scenarios"] if each["code"] == "credit_storm")
    assert (storm["status"], storm["duration"], storm["throughput"], storm["p95_latency"]) == ("PASS", 12.345, 900, 80)
    assert storm["errors"] is None
    assert storm["invariants_passed"] is True
    assert storm["metrics"]["p95_us"] == {"value": "80000", "unit": "us"}
    assert storm["journal_head"] == {"seq": 1201, "hash": "ab" * 32}
    assert report["units"]["p95_latency"] == "ms"


def test_gates_and_rules_are_complete(sound: Run) -> None:
    """Five gates and all 38 rules, each with every source."""
    report = json.loads(render(run=sound, kind="json"))

    assert {code: gate["verdict"] for code, gate in report["gates"].items()} == dict.fromkeys("ABCDE", "PASS")
    assert len(report["rules"]) == 38
    first = report["rules"][0]
    assert (first["code"], first["expected"], first["actual"], first["margin"]) == ("A01", "0", "0", "0")
    assert [source["scenario"] for source in first["sources"]] == list(SUITE)
    assert first["sources"][0]["reason"] == "credit_storm measured 0, expected = 0"


def test_sentences_follow_the_language_and_words_do_not(sound: Run) -> None:
    """Programs compare words, people read sentences."""
    german = json.loads(render(run=sound, kind="json", language="de"))

    assert german["overall_status"] == "GO"
    assert german["recommendation"].startswith("Alle 33 entscheidenden Regeln")
    assert german["gates"]["A"] == {"title": "Ereignis-Integrität", "verdict": "PASS", "worst_rule": "A01"}


def test_what_was_not_measured_is_null(make_judged: MakeJudged) -> None:
    """No figure is invented: no commit, no branch, no opened files, no p95, no actual value."""
    run = make_judged(
        sound_run(execution("load_reality", p95_us=None, errors=None)),
        opened=None,
        environment={},
        requested_by=None,
    )
    run.build.commit = ""

    report = json.loads(render(run=run, kind="json"))

    soak = next(each for each in report["scenarios"] if each["code"] == "load_reality")
    assert (soak["p95_latency"], soak["errors"], soak["throughput"]) == (None, None, None)
    assert (report["branch"], report["commit"], report["opened"], report["tester"]) == (None, None, None, None)
    rule = next(each for each in report["rules"] if each["code"] == "E03")
    assert (rule["actual"], rule["margin"], rule["verdict"]) == (None, None, "INCONCLUSIVE")
    assert report["missing"] == ["load_reality did not report p95_us", "load_reality did not report errors"]


def test_a_number_json_does_not_have_is_null(make_judged: MakeJudged) -> None:
    """NaN would make the whole file unreadable for most programs; its digits stay in the metrics."""
    run = make_judged(sound_run(execution("load_reality", errors="NaN")))

    report = json.loads(render(run=run, kind="json"), parse_constant=pytest.fail)

    soak = next(each for each in report["scenarios"] if each["code"] == "load_reality")
    assert soak["errors"] is None
    assert soak["metrics"]["errors"]["value"] == "NaN"


@pytest.mark.parametrize(
    ("changed", "passed"),
    [
        (execution("credit_storm", drift_micros_max="1"), False),
        (execution("credit_storm", drift_micros_max=None), None),
        (execution("credit_storm", state=ExecutionState.ERRORED), None),
        (execution("credit_storm", p95_us="900000"), True),
    ],
)
def test_invariants_passed_only_when_all_of_them_were_measured_and_held(  # type: ignore[no-untyped-def]
    make_judged: MakeJudged, changed, passed: bool | None
) -> None:
    """False for a broken invariant, null for an open one, true never by default."""
    report = json.loads(render(run=make_judged(sound_run(changed)), kind="json"))

    by_code = {each["code"]: each["invariants_passed"] for each in report["scenarios"]}
    assert by_code["credit_storm"] is passed
    assert by_code["ml_chaos"] is True


def test_an_unfinished_run_is_marked_provisional(make_judged: MakeJudged) -> None:
    """It has a report and a recommendation, which can still change."""
    run = make_judged(sound_run(execution("ml_chaos", state=ExecutionState.ERRORED)))

    report = json.loads(render(run=run, kind="json"))

    assert (report["provisional"], report["state"], report["overall_status"]) == (True, "UNFINISHED", "INCOMPLETE")


def test_evidence_is_named_by_its_digest(make_judged: MakeJudged) -> None:
    """Each file with scenario, attempt, role, size and SHA-256."""
    run = make_judged(sound_run(), errors={"ml_chaos": ("", b"a warning\n")})

    evidence = json.loads(render(run=run, kind="json"))["evidence"]

    assert [(each["scenario"], each["attempt"], each["role"], each["size"]) for each in evidence] == [
        ("ml_chaos", 1, "stderr", 10)
    ]
    assert len(evidence[0]["digest"]) == 64
