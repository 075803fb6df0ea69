"""Rules and gates: what they may be, how a margin is counted, and that every one of them explains itself."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from decimal import Decimal

import pytest

from testruns.gates.registry import GATES, CodeTaken, Gate, all_rules, register
from testruns.gates.rule import Kind, Operator, Rule, Severity, Source
from testruns.gates.suite import SEED_SCENARIOS, SUITE
from testruns.gates.verdicts import Verdict, worst
from testruns.imports.specs import IMPORTED_REPORTS
from testruns.scenarios import SCENARIOS
from testruns.units import converted


def _rule(**changes: object) -> Rule:
    values: dict[str, object] = {
        "code": "Q01",
        "question": "?",
        "help": "?",
        "impact": "?",
        "where": "?",
        "sources": (Source("credit_storm", "errors"),),
        "operator": Operator.LESS,
        "threshold": Decimal(10),
        "unit": "count",
        "severity": Severity.MAJOR,
    }
    return Rule(**{**values, **changes})  # type: ignore[arg-type]


def test_verdicts_are_ordered_from_best_to_worst() -> None:
    """PASS < WAIVED < INCONCLUSIVE < ERROR < FAIL (governance.md 1)."""
    assert sorted(Verdict, key=lambda verdict: verdict.rank) == ["PASS", "WAIVED", "INCONCLUSIVE", "ERROR", "FAIL"]


def test_the_worst_of_nothing_is_inconclusive() -> None:
    """Nothing asked is not everything answered."""
    assert worst([]) is Verdict.INCONCLUSIVE
    assert worst([Verdict.PASS, Verdict.ERROR, Verdict.INCONCLUSIVE]) is Verdict.ERROR


@pytest.mark.parametrize(
    ("operator", "below", "at", "above"),
    [
        (Operator.LESS, True, False, False),
        (Operator.AT_MOST, True, True, False),
        (Operator.EQUAL, False, True, False),
        (Operator.AT_LEAST, False, True, True),
        (Operator.MORE, False, False, True),
    ],
)
def test_operators_hold_where_they_should(operator: Operator, below: bool, at: bool, above: bool) -> None:
    """Below, at and above the threshold."""
    held = [operator.holds(value=Decimal(value), threshold=Decimal(10)) for value in (9, 10, 11)]

    assert held == [below, at, above]


@pytest.mark.parametrize("value", ["-2999999999999999999999699999.5000", "9" * 30 + "." + "9" * 20])
def test_a_figure_of_absurd_length_has_a_margin_too(value: str) -> None:
    """It is judged like any other; a digit more must not stop the judge."""
    assert all_rules()["E03"].margin(value=Decimal(value)).is_finite()


@pytest.mark.parametrize(
    ("operator", "threshold", "value", "margin"),
    [
        (Operator.LESS, "500", "125", "0.75"),
        (Operator.LESS, "500", "500", "0"),
        (Operator.LESS, "500", "750", "-0.5"),
        (Operator.LESS, "500", "500.0000001", "0"),
        (Operator.AT_MOST, "0.7", "0.61", "0.128571"),
        (Operator.AT_LEAST, "1800", "30", "-0.983333"),
        (Operator.AT_LEAST, "1", "12", "11"),
        (Operator.MORE, "100", "150", "0.5"),
        (Operator.EQUAL, "1", "1", "0"),
        (Operator.EQUAL, "1", "3", "-2"),
        (Operator.EQUAL, "0", "0", "0"),
        (Operator.EQUAL, "0", "4", "-4"),
        (Operator.EQUAL, "0", "-4", "-4"),
    ],
)
def test_the_margin_is_a_share_of_the_threshold_towards_good(
    operator: Operator, threshold: str, value: str, margin: str
) -> None:
    """(threshold - actual) / threshold; for a threshold of 0, minus the distance."""
    rule = _rule(operator=operator, threshold=Decimal(threshold))

    assert rule.margin(value=Decimal(value)) == Decimal(margin)
    assert not str(rule.margin(value=Decimal(value))).startswith("-0.000000")


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "Q1"},
        {"code": "q01"},
        {"code": "Q001"},
        {"sources": ()},
        {"blocking": Decimal(20), "severity": Severity.WARNING},
        {"blocking": Decimal(20), "severity": Severity.CRITICAL},
        {"blocking": Decimal(20), "operator": Operator.MORE},
        {"kind": Kind.MEMORY, "operator": Operator.AT_LEAST},
    ],
)
def test_a_rule_that_could_not_be_judged_is_refused(changes: dict[str, object]) -> None:
    """A wrong code, no source, a blocking threshold where none makes sense."""
    with pytest.raises(ValueError, match="rule"):
        _rule(**changes)


def test_a_rule_says_what_it_expects() -> None:
    """Operator, threshold and unit in one line."""
    assert all_rules()["E03"].expected == "< 500 ms"


def test_a_gate_code_taken_twice_stops_the_import() -> None:
    """Results are stored under the code for ever, so it can mean one thing only."""
    with pytest.raises(CodeTaken, match="gate A"):
        register(dataclasses.replace(GATES["A"]))


def test_a_rule_code_taken_twice_stops_the_import() -> None:
    """Within a gate as well; and the gate is not half registered."""
    with pytest.raises(CodeTaken, match="rule Q01"):
        register(Gate(code="Q", title="?", help="?", rules=(_rule(), _rule())))
    assert "Q" not in GATES


def test_a_rule_of_another_gate_is_refused() -> None:
    """The letter of a rule is that of its gate."""
    with pytest.raises(ValueError, match="does not belong"):
        register(Gate(code="R", title="?", help="?", rules=(_rule(),)))


def test_the_gates_are_registered_in_their_order() -> None:
    """Gates A to E of live runs and gate I of imports by their files, with every rule of theirs."""
    assert list(GATES) == ["A", "B", "C", "D", "E", "I"]
    assert list(all_rules()) == [rule.code for gate in GATES.values() for rule in gate.rules]


@pytest.mark.parametrize("rule", all_rules().values(), ids=lambda rule: rule.code)
def test_every_rule_explains_itself(rule: Rule) -> None:
    """A question, what it asks and why, what a failure means and where to look: sentences, not labels."""
    assert rule.question.endswith("?")
    for text in (rule.help, rule.impact, rule.where):
        assert text.endswith(".")
        assert len(text.split()) > 2
        assert "%" not in text.replace(" %", "")


@pytest.mark.parametrize("gate", GATES.values(), ids=lambda gate: gate.code)
def test_every_gate_explains_itself(gate: Gate) -> None:
    """A title and what it protects."""
    assert gate.title
    assert len(gate.help) > 80


def test_the_suite_is_that_of_the_scenarios() -> None:
    """The names the gates count by are the names the scenarios registered, in their order."""
    assert tuple(SCENARIOS) == SUITE
    assert SUITE[:6] == SEED_SCENARIOS


@pytest.mark.parametrize(
    ("scenario", "measurement", "unit"),
    [(*source, rule.unit) for rule in all_rules().values() if rule.kind is not Kind.MEMORY for source in rule.sources],
)
def test_every_source_of_a_rule_is_a_measurement_of_its_scenario(scenario: str, measurement: str, unit: str) -> None:
    """The scenario declares the measurement, in a unit the rule understands."""
    known = SCENARIOS.get(scenario) or IMPORTED_REPORTS[scenario]
    declared = next(spec for spec in known.measures if spec.name == measurement)

    assert converted(value=Decimal(1), measured_in=declared.unit, asked_in=unit) is not None


@pytest.mark.parametrize("suffix", ["_low", "", "_high"])
def test_the_trend_and_its_interval_are_measurements_of_the_soak(suffix: str) -> None:
    """All three figures of the memory trend are declared in the unit of the rule."""
    assert SCENARIOS["load_reality"].spec_of(f"memory_slope{suffix}").unit == all_rules()["E04"].unit


def test_units_convert_exactly_or_not_at_all() -> None:
    """Microseconds, millionths, and nothing guessed."""
    assert converted(value=Decimal(1500), measured_in="us", asked_in="ms") == Decimal("1.5")
    assert converted(value=Decimal(299_999), measured_in="ppm", asked_in="share") == Decimal("0.299999")
    assert converted(value=Decimal(10_001), measured_in="ppm", asked_in="%") == Decimal("1.0001")
    assert converted(value=Decimal(7), measured_in="s", asked_in="s") == 7
    assert converted(value=Decimal(7), measured_in="s", asked_in="ms") is None


def test_judging_needs_no_django() -> None:
    """Rules, judge, recommendation, trend and manifest load in a process that never imports Django."""
    program = (
        "import sys, testruns.gates.judge, testruns.gates.policy, testruns.recommendation, testruns.trend, "
        "testruns.manifest, testruns.run_states; sys.exit('django' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
