"""Properties: whatever is missing, broken or cut short, the word is never GO."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from testruns.gates.measured import MeasuredExecution, Measurement
from testruns.gates.policy import shipped_policy
from testruns.gates.rule import Kind, Severity
from testruns.gates.suite import SUITE
from testruns.gates.verdicts import Verdict
from testruns.recommendation import Recommendation
from testruns.run_states import ExecutionState
from testruns.tests.gates.builders import EVERYWHERE, Plan, advised, execution, judged, sound_run

COUNTING = [rule for rule in shipped_policy().rules if rule.severity is not Severity.WARNING]
SOURCES = [(rule, source) for rule in COUNTING for source in rule.sources]

scenarios = st.sampled_from(SUITE)
unfinished = st.sampled_from([state for state in ExecutionState if state is not ExecutionState.FINISHED])
figures = st.one_of(
    st.integers(-5, 2_000_000).map(Decimal),
    st.decimals(allow_nan=True, allow_infinity=True, places=4),
)


@given(chosen=st.sampled_from(SOURCES))
def test_one_missing_measurement_is_enough_to_withhold_go(chosen) -> None:  # type: ignore[no-untyped-def]
    """Any single measurement that a critical or major rule reads is necessary."""
    rule, source = chosen
    name = f"{source.measurement}_high" if rule.kind is Kind.MEMORY else source.measurement

    advice = advised(sound_run(execution(source.scenario, figures={name: None})))

    assert advice.word is Recommendation.INCOMPLETE
    assert advice.missing


@given(scenario=scenarios, state=unfinished)
def test_one_unfinished_scenario_is_enough_to_withhold_go(scenario: str, state: ExecutionState) -> None:
    """An execution in any state but FINISHED leaves the run without a verdict."""
    assert advised(sound_run(execution(scenario, state=state))).word is Recommendation.INCOMPLETE


@given(chosen=st.sets(scenarios))
def test_a_part_of_the_suite_never_goes(chosen: set[str]) -> None:
    """Only all seven scenarios can release something."""
    advice = advised([execution(scenario) for scenario in chosen], plan=Plan(scenarios=tuple(chosen)))

    assert (advice.word is Recommendation.GO) == (chosen == set(SUITE))


@given(data=st.data())
def test_go_means_that_every_deciding_rule_was_measured_and_held(data: st.DataObject) -> None:
    """Over arbitrary figures: GO only if each critical and major rule passed with a value from every scenario."""
    executions = [_arbitrary(scenario, data) for scenario in SUITE]

    if advised(executions).word is Recommendation.GO:
        for outcome in judged(executions).rules:
            if outcome.counts:
                assert outcome.verdict is Verdict.PASS
                assert outcome.actual is not None
                assert all(reading.value is not None for reading in outcome.sources)


@given(noise=st.integers(0, 1_000_000), data=st.data())
def test_noise_never_makes_a_verdict_worse_than_inconclusive_nor_a_word_better(noise: int, data: st.DataObject) -> None:
    """More noise turns FAIL of timing rules into INCONCLUSIVE and changes no PASS; it never leads to GO."""
    quiet = [_arbitrary(scenario, data) for scenario in SUITE]
    noisy = [_with_noise(one, noise) for one in quiet]

    for before, after in zip(judged(quiet).rules, judged(noisy).rules, strict=True):
        if before.verdict is not after.verdict:
            assert (before.rule.kind, before.verdict) == (Kind.TIMING, Verdict.FAIL)
            assert after.verdict is Verdict.INCONCLUSIVE
    if advised(quiet).word is not Recommendation.GO:
        assert advised(noisy).word is not Recommendation.GO


def _arbitrary(scenario: str, data: st.DataObject) -> MeasuredExecution:
    """A sound execution in which up to three figures are replaced by anything or taken away."""
    sound = execution(scenario, steal_ppm="0", foreign_load_ppm="0")
    measurements = dict(sound.measurements)
    names = sorted(set(measurements) - {"steal_ppm", "foreign_load_ppm"})
    for name in data.draw(st.lists(st.sampled_from(names), max_size=3)):
        value = data.draw(st.one_of(st.none(), figures))
        if value is None:
            measurements.pop(name, None)
        else:
            unit = sound.measurements[name].unit
            measurements[name] = Measurement(name=name, value=value, unit=unit)
    return dataclasses.replace(sound, measurements=measurements)


def _with_noise(quiet: MeasuredExecution, noise_ppm: int) -> MeasuredExecution:
    noisy = Measurement(name="steal_ppm", value=Decimal(noise_ppm), unit=EVERYWHERE["steal_ppm"][1])
    return dataclasses.replace(quiet, measurements={**quiet.measurements, "steal_ppm": noisy})
