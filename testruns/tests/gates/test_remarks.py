"""Remarks: a machine that was busy with other things is said, whatever the rules found."""

from __future__ import annotations

import pytest

from testruns.gates.remarks import NOISE
from testruns.gates.suite import SUITE
from testruns.gates.verdicts import Verdict
from testruns.tests.gates.builders import execution, judged, sound_run
from testruns.wording import spoken


def test_foreign_load_above_the_limit_is_a_warning_although_every_rule_holds() -> None:
    """It names scenario and level, what was measured, and what the policy allows."""
    busy = execution("load_reality", foreign_load_ppm="448939", steal_ppm="0")

    judgement = judged(sound_run(busy))

    (remark,) = judgement.findings
    assert (remark.rule_code, str(remark.severity)) == (NOISE, "warning")
    assert spoken(template=remark.what, params=remark.what_params) == (
        "The machine had more to do than this run. The policy allows 5 % of steal and 25 % of foreign load; "
        "measured were: load_reality (50): steal 0 %, foreign load 44.9 %"
    )
    assert {outcome.verdict for outcome in judgement.rules} == {Verdict.PASS}


@pytest.mark.parametrize("noise", [{"steal_ppm": "50001"}, {"foreign_load_ppm": "250001"}])
def test_one_remark_names_every_execution_that_was_disturbed(noise: dict[str, str]) -> None:
    """Steal and foreign load alike, and only the disturbed ones."""
    executions = sound_run(
        execution("credit_storm", figures=noise), execution("credit_storm", concurrency=300, figures=noise)
    )

    (remark,) = judged(executions).findings

    named = [(each["params"]["scenario"], each["params"]["concurrency"]) for each in remark.what_params["executions"]]
    assert named == [("credit_storm", 50), ("credit_storm", 300)]


def test_noise_up_to_the_limit_and_noise_nobody_measured_are_no_remark() -> None:
    """The limit itself is allowed, and what was not measured is no reproach."""
    at_limit = [execution(scenario, steal_ppm="50000", foreign_load_ppm="250000") for scenario in SUITE]
    unmeasured = [execution(scenario, steal_ppm=None, foreign_load_ppm=None) for scenario in SUITE]

    assert judged(at_limit).findings == judged(unmeasured).findings == ()


def test_a_remark_stands_behind_the_findings_of_rules() -> None:
    """What failed is read first; noise that was measured on one side only says so of the other."""
    executions = sound_run(execution("credit_storm", double_charges="1", steal_ppm="80000", foreign_load_ppm=None))

    first, remark = judged(executions).findings

    assert (first.rule_code, remark.rule_code) == ("A01", NOISE)
    assert "steal 8 %, foreign load not measured" in spoken(template=remark.what, params=remark.what_params)
