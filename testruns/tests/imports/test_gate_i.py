"""Gate I: each rule turns red on the smallest planted fault, is green right inside, and never passes unmeasured."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from ledger import digest_of
from testruns.gates.judge import judge
from testruns.gates.measured import MeasuredExecution
from testruns.gates.outcomes import Judgement
from testruns.gates.policy import IMPORTS_DIGEST, InvalidPolicy, from_json, imports_policy
from testruns.gates.registry import GATES
from testruns.gates.rule import Severity
from testruns.gates.suite import IMPORTED_COVERAGE, IMPORTED_TESTS
from testruns.gates.verdicts import Verdict
from testruns.imports.cobertura import read_cobertura
from testruns.imports.junit import read_junit
from testruns.imports.numbers import rate_ppm_of, share_ppm
from testruns.plan import IMPORT_PROFILE, RunPlan
from testruns.recommendation import Recommendation, Recommended, recommend
from testruns.run_states import ExecutionState
from testruns.tests.imports.reports import coverage, passing, suite
from testruns.wording import spoken

PINNED = Path(__file__).with_name("imports-policy-1.json")


def of_hundred(failed: int) -> bytes:
    """A hundred cases of which so many failed."""
    cases = [f'<testcase name="{n}">{"<failure/>" if n < failed else ""}</testcase>' for n in range(100)]
    return suite("".join(cases))


def judged(junit: bytes | None, cobertura: bytes | None) -> tuple[Judgement, Recommendation]:
    """The judgement over what was brought, and the word."""
    judgement, advice = advised(junit, cobertura)
    return judgement, advice.word


def advised(junit: bytes | None, cobertura: bytes | None) -> tuple[Judgement, Recommended]:
    """The judgement over what was brought, and the advice."""
    read = {IMPORTED_TESTS: junit and read_junit(junit), IMPORTED_COVERAGE: cobertura and read_cobertura(cobertura)}
    executions = [
        MeasuredExecution(
            scenario=code,
            concurrency=1,
            state=ExecutionState.FINISHED,
            measurements={one.name: one for one in results.measurements},
        )
        for code, results in read.items()
        if results
    ]
    plan = RunPlan(profile=IMPORT_PROFILE, scenarios=tuple(one.scenario for one in executions), duration_seconds=0)
    policy = imports_policy()
    judgement = judge(policy=policy, executions=executions)
    return judgement, recommend(plan=plan, judgement=judgement, executions=executions, suite=policy.suite)


def verdicts(judgement: Judgement) -> Mapping[str, Verdict]:
    """Verdict by rule."""
    return {outcome.rule.code: outcome.verdict for outcome in judgement.rules}


ERROR = suite('<testcase name="a"/><testcase name="b"><error/></testcase>')
FAULTS = [
    ("I01", passing(1), coverage(1, 1), ERROR, coverage(1, 1)),
    ("I02", passing(1), coverage(1, 1), passing(0, skipped=1), coverage(1, 1)),
    ("I03", of_hundred(10), coverage(1, 1), of_hundred(11), coverage(1, 1)),
    ("I04", passing(1), coverage(95, 100), passing(1), coverage(94, 100)),
]


@pytest.mark.parametrize(("code", "sound", "covered", "faulty", "uncovered"), FAULTS)
def test_a_planted_fault_turns_its_rule_red_and_the_value_just_inside_is_green(
    code: str, sound: bytes, covered: bytes, faulty: bytes, uncovered: bytes
) -> None:
    """One finding per failed rule; a rule that is always red would say nothing."""
    green, word = judged(sound, covered)
    red, _word = judged(faulty, uncovered)

    assert (verdicts(green)[code], word, green.findings) == (Verdict.PASS, Recommendation.GO, ())
    assert verdicts(red)[code] is Verdict.FAIL
    assert [finding.rule_code for finding in red.findings].count(code) == 1


def test_every_rule_of_the_gate_has_its_planted_fault() -> None:
    """A new rule without one fails here."""
    assert [fault[0] for fault in FAULTS] == [rule.code for rule in GATES["I"].rules]


@pytest.mark.parametrize(
    "looks_green",
    [
        suite('<testcase name="a" result="Inconclusive"/>'),
        suite('<testcase name="a" status="warning"/>'),
        suite('<testcase name="a"/>', f'tests="{"9" * 26}" failures="1e3"'),
        suite('<testcase name="a"><properties><failure/></properties></testcase>'),
    ],
)
def test_a_file_that_looks_greener_than_it_is_stops_at_the_first_rule(looks_green: bytes) -> None:
    """An outcome in an unknown word or place, counters that nothing can be held against."""
    judgement, word = judged(looks_green, coverage(1, 1))

    assert (verdicts(judgement)["I01"], word) == (Verdict.FAIL, Recommendation.NO_GO)
    assert judgement.findings[0].rule_code == "I01"


def test_the_sentence_about_what_is_missing_names_what_failed_too() -> None:
    """Without coverage there is no verdict, and the reader still learns that no test passed."""
    _judgement, advice = advised(suite('<testcase name="a"><failure/></testcase>'), None)
    _judgement, sound = advised(passing(1), None)

    assert advice.word is sound.word is Recommendation.INCOMPLETE
    assert advice.text == (
        "Not enough was measured for a verdict: a coverage report (Cobertura) was not brought. "
        "Not everything that was measured holds: "
        "rule I03 failed (imported_tests measured 0 %, expected ≥ 90 %)."
    )
    assert advice.missing == sound.missing
    assert sound.text == ("Not enough was measured for a verdict: a coverage report (Cobertura) was not brought.")


def test_no_rate_is_ever_rounded_up_to_its_threshold() -> None:
    """89.99999 percent is not 90, and a claim of 0.9499999999 is not 95."""
    assert share_ppm(8_999_999, 10_000_000) == 899_999
    assert share_ppm(9, 10) == 900_000
    assert rate_ppm_of("0.9499999999") == 949_999


@pytest.mark.parametrize(
    ("junit", "covered", "word", "open_rules"),
    [
        (passing(1), None, Recommendation.INCOMPLETE, ["I04"]),
        (None, coverage(1, 1), Recommendation.INCOMPLETE, ["I01", "I02", "I03"]),
        (passing(1), coverage(0, 0), Recommendation.INCOMPLETE, ["I04"]),
        (passing(0, skipped=1), coverage(1, 1), Recommendation.NO_GO, ["I03"]),
        (ERROR, None, Recommendation.NO_GO, ["I04"]),
    ],
)
def test_what_was_not_measured_is_never_green(
    junit: bytes | None, covered: bytes | None, word: Recommendation, open_rules: list[str]
) -> None:
    """No file, a file without a line, a suite without a case that ran."""
    judgement, found = judged(junit, covered)

    assert found is word
    assert [code for code, verdict in verdicts(judgement).items() if verdict is Verdict.INCONCLUSIVE] == open_rules


def test_the_bytes_and_the_digest_of_the_policy_are_pinned() -> None:
    """Every threshold, source and severity. A change is a new policy."""
    assert imports_policy().canonical() == PINNED.read_bytes()
    assert imports_policy().digest == IMPORTS_DIGEST == digest_of(json.loads(PINNED.read_bytes()))
    assert from_json(PINNED.read_bytes()) == imports_policy()


def test_the_policy_has_the_thresholds_and_severities_of_the_decisions() -> None:
    """Errors 0 and cases run at least 1 are critical; pass rate 90 and coverage 95 percent are major."""
    found = [(rule.code, rule.expected, rule.severity) for rule in imports_policy().rules]

    assert found == [
        ("I01", "= 0 count", Severity.CRITICAL),
        ("I02", ">= 1 count", Severity.CRITICAL),
        ("I03", ">= 90 %", Severity.MAJOR),
        ("I04", ">= 95 %", Severity.MAJOR),
    ]


def test_a_changed_rule_cannot_pass_as_the_shipped_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loosening a threshold in the code stops the policy from loading."""
    gate = GATES["I"]
    looser = dataclasses.replace(gate.rules[2], threshold=gate.rules[2].threshold - 1)
    monkeypatch.setitem(GATES, "I", dataclasses.replace(gate, rules=(*gate.rules[:2], looser, gate.rules[3])))

    with pytest.raises(InvalidPolicy, match="imports 1"):
        imports_policy()


def test_the_finding_of_broken_tests_says_what_of_the_files_is_wrong() -> None:
    """Beside the number of errors: whoever reads it does not look for a broken test that there is not."""
    unreadable = suite('<testcase name="a"/>', 'tests="x" failures="y"')

    finding = judged(unreadable, coverage(1, 1))[0].findings[0]
    empty = judged(suite(""), coverage(1, 1))[0].findings[0]

    said = [spoken(template=one.what, params=one.what_params) for one in (finding, empty)]
    assert "counters that are no number, against which no case can be held: 2" in said[0]
    assert "files without a test case: 1" in said[1]
    assert "files without" not in said[0]
