"""Policies: content-addressed, pinned, and refused when their content cannot be one."""

from __future__ import annotations

import dataclasses
import json
from decimal import Decimal
from pathlib import Path

import pytest

from ledger import digest_of
from testruns.gates import policy as policies
from testruns.gates.judge import judge
from testruns.gates.policy import SHIPPED_DIGEST, InvalidPolicy, PolicyValues, from_json, shipped_policy
from testruns.gates.registry import GATES
from testruns.gates.rule import Severity
from testruns.gates.verdicts import Verdict
from testruns.tests.gates.builders import execution, outcome_of, sound_run

PINNED = Path(__file__).with_name("policy-1.json")


def test_the_bytes_of_policy_1_are_pinned() -> None:
    """Every threshold, source and severity of the shipped policy, byte for byte. A change is a new policy."""
    assert shipped_policy().canonical() == PINNED.read_bytes()


def test_the_digest_of_policy_1_is_pinned_in_the_code() -> None:
    """The digest in the code is that of the pinned bytes."""
    assert shipped_policy().digest == SHIPPED_DIGEST == digest_of(json.loads(PINNED.read_bytes()))


def test_policy_1_holds_the_values_of_the_decisions() -> None:
    """Soak, warm-up, rate and the days of releases, requests and waivers."""
    values = shipped_policy().values

    assert (values.soak_seconds, values.warmup_seconds, values.offered_rate) == (1800, 300, 100)
    assert (values.release_validity_days, values.request_deadline_days) == (30, 14)
    assert (values.waiver_days_max, values.run_age_days, values.deciding_runs) == (14, 7, 2)


def test_policy_1_has_the_severities_of_the_decisions() -> None:
    """Which rules are critical, major and warnings."""
    by_severity = {severity: [] for severity in Severity}  # type: dict[Severity, list[str]]
    for rule in shipped_policy().rules:
        by_severity[rule.severity].append(rule.code)

    assert by_severity[Severity.CRITICAL] == [
        *(f"A0{number}" for number in range(1, 10)),
        *("B01", "B02", "B03", "B04", "B05", "C01", "C02", "D01", "D02", "E01"),
    ]
    assert by_severity[Severity.MAJOR] == [
        *("B06", "C03", "D03", "D04", "D05", "D06", "D07", "D08", "D09", "D10", "E02", "E03", "E04", "E05")
    ]
    assert by_severity[Severity.WARNING] == ["C04", "D11", "E06", "E07", "E08"]


def test_a_changed_rule_cannot_pass_as_policy_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loosening a threshold in the code stops the shipped policy from loading."""
    gate = GATES["C"]
    looser = dataclasses.replace(gate.rules[3], threshold=Decimal(200))
    monkeypatch.setitem(GATES, "C", dataclasses.replace(gate, rules=(*gate.rules[:3], looser)))

    with pytest.raises(InvalidPolicy, match="a new policy with a new number"):
        shipped_policy()


def test_correcting_a_text_does_not_change_the_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Questions and help belong to the code of a rule, not to the policy."""
    gate = GATES["C"]
    clearer = dataclasses.replace(gate.rules[3], help="Clearer.")
    monkeypatch.setitem(GATES, "C", dataclasses.replace(gate, rules=(*gate.rules[:3], clearer)))

    assert shipped_policy().digest == SHIPPED_DIGEST


@pytest.mark.parametrize("stored", [shipped_policy().canonical(), shipped_policy().canonical().decode(), None])
def test_a_stored_policy_comes_back_as_it_was(stored: bytes | str | None) -> None:
    """Bytes, text and plain values give the same policy with the same digest."""
    policy = from_json(shipped_policy().as_json() if stored is None else stored)

    assert policy == shipped_policy()
    assert policy.digest == SHIPPED_DIGEST


def test_a_stored_policy_judges_by_its_own_thresholds() -> None:
    """The thresholds of the row count, not those of the code."""
    strict = from_json(shipped_policy().variant(code="strict", number=1, thresholds={"E03": Decimal(10)}).canonical())

    judgement = judge(policy=strict, executions=sound_run())

    assert outcome_of(judgement, "E03").verdict is Verdict.FAIL


def test_a_shorter_soak_in_a_variant_moves_the_rule_that_asks_for_it() -> None:
    """Release tests activate a policy with a soak of 3 s, no warm-up and a wide memory threshold."""
    short = shipped_policy().variant(
        code="short", number=7, thresholds={"E04": Decimal(1000)}, soak_seconds=3, warmup_seconds=0
    )

    judgement = judge(policy=short, executions=sound_run(execution("load_reality", duration_seconds="3")))

    assert outcome_of(judgement, "E02").verdict is Verdict.PASS
    assert (short.code, short.number, short.values.warmup_seconds) == ("short", 7, 0)
    assert short.digest != SHIPPED_DIGEST


def test_a_variant_of_an_unknown_rule_is_refused() -> None:
    """A threshold for a rule that does not exist is a mistake, not a wish."""
    with pytest.raises(InvalidPolicy, match="no such rule: Z99"):
        shipped_policy().variant(code="odd", number=1, thresholds={"Z99": Decimal(1)})


@pytest.mark.parametrize("value", [-1, 1.5, "3", None, True])
def test_a_value_that_is_no_whole_number_is_refused(value: object) -> None:
    """A policy holds whole numbers only, so that its bytes are exact."""
    with pytest.raises(InvalidPolicy, match="soak_seconds"):
        PolicyValues(soak_seconds=value)  # type: ignore[arg-type]


def test_a_policy_whose_soak_and_duration_rule_disagree_is_refused() -> None:
    """One truth for the length of the soak."""
    with pytest.raises(InvalidPolicy, match="E02 asks for 1800 s"):
        dataclasses.replace(shipped_policy(), values=PolicyValues(soak_seconds=30))


def test_a_policy_with_a_rule_twice_or_of_a_foreign_gate_is_refused() -> None:
    """Each rule once, and only of gates the policy answers."""
    policy = shipped_policy()

    with pytest.raises(InvalidPolicy, match="twice"):
        dataclasses.replace(policy, rules=(*policy.rules, policy.rules[0]))
    with pytest.raises(InvalidPolicy, match="gate E is not part"):
        dataclasses.replace(policy, gates=("A", "B", "C", "D"))


def _changed(**changes: object) -> dict[str, object]:
    plain = shipped_policy().as_json()
    plain["rules"][0].update(changes)
    return plain


@pytest.mark.parametrize(
    "content",
    [
        b"",
        "{",
        "[]",
        "null",
        "{}",
        b"\xff\xfe",
        {**shipped_policy().as_json(), "values": {"soak": 3}},
        {**shipped_policy().as_json(), "rules": [{}]},
        _changed(code="Z01"),
        _changed(operator="~"),
        _changed(threshold="many"),
        _changed(severity="fatal"),
        _changed(sources=["no_dot"]),
        _changed(sources=[]),
        _changed(blocking="x"),
        _changed(needs="luck"),
    ],
)
def test_content_that_is_no_policy_is_refused(content: str | bytes | dict) -> None:  # type: ignore[type-arg]
    """A damaged or foreign row never judges anything."""
    with pytest.raises(InvalidPolicy):
        from_json(content)


def test_the_modules_of_the_policy_need_no_django() -> None:
    """What is pinned here is read without a web framework around it."""
    assert "django" not in Path(policies.__file__).read_text()
