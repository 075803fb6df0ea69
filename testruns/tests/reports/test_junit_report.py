"""JUnit XML: every gate and every rule is a case that CI systems count as it was judged."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring

from testruns.gates.registry import all_rules
from testruns.models import RuleResult, Run
from testruns.release_context import ReleaseContext, Waived
from testruns.reports import build_report, render
from testruns.reports.junit_report import MESSAGE_LENGTH_MAX, TEXT_LENGTH_MAX, junit_of, legal
from testruns.run_states import ExecutionState
from testruns.tests.gates.builders import execution, sound_run
from testruns.tests.reports.conftest import MakeJudged

URL = "https://gatehouse.example/admin/testruns/run/3/"
SUITES_ATTRIBUTES = {"name", "tests", "failures", "errors", "time"}
SUITE_ATTRIBUTES = {*SUITES_ATTRIBUTES, "skipped", "timestamp"}
CASE_ATTRIBUTES = {"classname", "name", "time"}
GATES = 5
LIVE_RULES = [code for code in all_rules() if code[0] in "ABCDE"]


def parsed(content: bytes) -> Element:
    """The document, held to the dialect that strict readers take, with counters that are true."""
    root: Element = fromstring(content, forbid_dtd=True)
    assert (root.tag, set(root.attrib)) == ("testsuites", SUITES_ATTRIBUTES)
    seen = set()
    for suite in root:
        assert (suite.tag, suite[0].tag) == ("testsuite", "properties")
        assert set(suite.attrib) <= SUITE_ATTRIBUTES
        for case in suite[1:]:
            assert (case.tag, set(case.attrib)) == ("testcase", CASE_ATTRIBUTES)
            assert [child.tag for child in case] in (["failure"], ["error"], ["skipped", "system-out"], ["system-out"])
            assert re.fullmatch(r"\d+\.\d{3}", case.get("time", ""))
            seen.add((case.get("classname"), case.get("name")))
        assert_counters(suite, suite)
    assert len(seen) == len(root.findall(".//testcase")), "a reader counts only the first of two equal cases"
    assert_counters(root, root)
    return root


def assert_counters(element: Element, within: Element) -> None:
    """What a counter claims is there."""
    for name, path in (("tests", ".//testcase"), ("failures", ".//failure"), ("errors", ".//error")):
        assert int(element.get(name, "-1")) == len(within.findall(path)), name
    if element.tag == "testsuite":
        assert int(element.get("skipped", "-1")) == len(within.findall(".//skipped"))


def outcomes(root: Element) -> Counter[str]:
    """How many cases came out how."""
    return Counter(case[0].tag for case in root.iter("testcase"))


def case_of(root: Element, code: str) -> Element:
    """The case of a rule or a gate by its code."""
    (found,) = (case for case in root.iter("testcase") if str(case.get("name")).startswith(f"{code} "))
    return found


def read(run: Run, *, language: str = "en") -> Element:
    """The report as the product renders it."""
    return parsed(render(run=run, kind="junit", language=language, run_url=URL))


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_sound_run_has_a_passed_case_for_every_gate_and_rule(make_judged: MakeJudged, language: str) -> None:
    """Passed ones are there too, and say what was measured."""
    root = read(make_judged(sound_run()), language=language)

    assert outcomes(root) == {"system-out": GATES + len(LIVE_RULES)}
    assert [suite.get("tests") for suite in root] == [
        str(1 + sum(code.startswith(gate) for code in LIVE_RULES)) for gate in "ABCDE"
    ]
    assert "A01 PASS" in str(case_of(root, "A01")[0].text)


def test_properties_bind_the_report_to_what_was_judged(make_judged: MakeJudged) -> None:
    """Manifest, policy and address stand in every suite; no attribute beyond the common ones."""
    run = make_judged(sound_run())

    for suite in read(run):
        properties = {one.get("name"): one.get("value") for one in suite[0]}
        assert properties["manifest_sha256"] == run.manifest_digest
        assert properties["policy_digest"] == run.policy.digest
        assert (properties["run_url"], properties["commit"]) == (URL, run.build.commit)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp", ""))


def test_a_failed_rule_fails_with_its_gate(make_judged: MakeJudged) -> None:
    """The line that says it stands in the message and in the text: some readers show only one."""
    root = read(make_judged(sound_run(execution("credit_storm", double_charges="3"))))

    assert outcomes(root) == {"failure": 2, "system-out": GATES + len(LIVE_RULES) - 2}
    for code in ("A", "A01"):
        failure = case_of(root, code)[0]
        assert (failure.tag, failure.get("type")) == ("failure", "gate")
        assert str(failure.text).startswith(str(failure.get("message")))
        assert "A01 FAIL: measured 3, expected = 0" in str(failure.text)


def test_a_failed_warning_passes_and_says_so(make_judged: MakeJudged) -> None:
    """It decides nothing, so no pipeline turns red by it."""
    root = read(make_judged(sound_run(execution("approval_race", decision_p95_us="200000"))))

    assert outcomes(root) == {"system-out": GATES + len(LIVE_RULES)}
    assert str(case_of(root, "C04")[0].text).startswith("A warning, which decides nothing: C04 FAIL")


def test_too_short_a_soak_is_an_error_and_never_skipped(make_judged: MakeJudged) -> None:
    """What was not measured never passes."""
    root = read(make_judged(sound_run(execution("load_reality", duration_seconds="30")), duration_seconds=30))

    duration = case_of(root, "E02")[0]
    assert (duration.tag, duration.get("type")) == ("error", "INCONCLUSIVE")
    assert "1,770 s of soak missing" in str(duration.text)
    assert not list(root.iter("skipped"))


@pytest.mark.parametrize("state", [ExecutionState.ERRORED, ExecutionState.ABANDONED, ExecutionState.CANCELLED])
def test_a_scenario_that_did_not_finish_leaves_errors(make_judged: MakeJudged, state: ExecutionState) -> None:
    """A crash is ERROR; a lost worker is another fault than a figure that is missing, and says so."""
    types = {ExecutionState.ERRORED: "ERROR", ExecutionState.ABANDONED: "ABANDONED"}

    reward = case_of(read(make_judged(sound_run(execution("synergy_anti_gaming", state=state)))), "B04")[0]

    assert (reward.tag, reward.get("type")) == ("error", types.get(state, "INCONCLUSIVE"))


def test_a_waived_rule_is_skipped_with_its_waiver(make_judged: MakeJudged) -> None:
    """Number, end and person; the gate that only it kept from passing is skipped too; the phase opens the classname."""
    run = make_judged(sound_run(execution("approval_race", audit_missing="3")))
    waived = Waived(number=12, until=datetime(2026, 4, 1, tzinfo=UTC), by="Susan Supervisor")
    context = ReleaseContext(phase="5a", waivers={"C03": waived})

    root = parsed(junit_of(report=build_report(run=run), language="en", run_url=URL, context=context))

    assert outcomes(root) == {"skipped": 2, "system-out": GATES + len(LIVE_RULES) - 2}
    for code in ("C", "C03"):
        assert case_of(root, code)[0].get("message") == "waived W-12 until 2026-04-01 by Susan Supervisor"
    assert {case.get("classname") for case in root.iter("testcase")} == {f"5a.gatehouse.{gate}" for gate in "ABCDE"}


def test_a_waiver_does_not_reach_correctness(make_judged: MakeJudged) -> None:
    """A critical rule fails whatever anybody signed."""
    run = make_judged(sound_run(execution("credit_storm", double_charges="3")))
    waived = Waived(number=1, until=datetime(2026, 4, 1, tzinfo=UTC), by="Nobody")

    root = parsed(
        junit_of(
            report=build_report(run=run),
            language="en",
            run_url="",
            context=ReleaseContext(waivers={"A01": waived}),
        )
    )

    assert outcomes(root)["failure"] == 2


def test_texts_that_xml_cannot_hold_are_cleaned_and_long_ones_cut(make_judged: MakeJudged) -> None:
    """Whatever a child printed, the file can be read; where the whole stands is said."""
    run = make_judged(sound_run(execution("credit_storm", double_charges="3")))
    hostile = "\x00\x1b[31m\ud800\ufffe]]><failure/>&amp; " + "x" * 2 * TEXT_LENGTH_MAX
    report = build_report(run=run)
    broken = next(rule for rule in report.rules if rule.code == "A01")
    broken.reason, broken.reason_params, broken.unit = "%(what)s", {"what": hostile}, hostile

    root = parsed(junit_of(report=report, language="en", run_url=URL, context=ReleaseContext()))

    failure = case_of(root, "A01")[0]
    assert len(str(failure.get("message"))) <= MESSAGE_LENGTH_MAX
    assert len(str(failure.text)) <= TEXT_LENGTH_MAX + len(URL) + 10
    assert str(failure.text).endswith(URL)
    assert "[31m" in str(failure.text)
    assert "]]><failure/>" in str(failure.text)


def test_legal_text_keeps_every_sign_that_xml_knows() -> None:
    """Only what XML 1.0 excludes goes."""
    assert legal("a\t\n\rä€😀\x00\x08\x0b\x1f\ufffe\uffff\udfff") == "a\t\n\rä€😀"


def test_a_sweep_has_one_case_per_rule(make_judged: MakeJudged) -> None:
    """A rule is judged once, over all levels."""
    run = make_judged(sound_run(execution("credit_storm"), execution("credit_storm", concurrency=300)))

    assert sum(outcomes(read(run)).values()) == GATES + RuleResult.objects.filter(run=run).count()
