"""The recommendation: what the machine advises about a judged run, and in words why.

The first line of this table that applies decides (decisions.md, Rules of the shipped policy):
1 part of the suite: INCOMPLETE. 2 a critical rule FAIL, a blocking threshold passed, or three or more of the seeds' six
scenarios FAIL: NO_GO. 3 a scenario not finished, or a critical or major rule without an answer: INCOMPLETE. 4 a major
rule FAIL: CONDITIONAL. 5 GO. It is advice: the decision is a person's and a word of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol

from ledger import gettext_noop
from testruns.gates.measured import MeasuredExecution
from testruns.gates.outcomes import REASONS, Cause, Judgement, RuleOutcome, SourceReading
from testruns.gates.rule import Severity
from testruns.gates.suite import SEED_SCENARIOS, SUITE
from testruns.gates.verdicts import Verdict
from testruns.run_states import ExecutionState
from testruns.wording import spoken

FAILED_SCENARIOS_MAX: Final = 2
REASONS_SAID_MAX: Final = 4

Text = dict[str, Any]
"""A text as `testruns.wording` reads it: {"template", "params"}."""


class Recommendation(StrEnum):
    """The machine's advice."""

    GO = "GO"
    CONDITIONAL = "CONDITIONAL"
    NO_GO = "NO_GO"
    INCOMPLETE = "INCOMPLETE"

    @property
    def exit_code(self) -> int:
        """The exit code of commands that end with this advice (design.md 4)."""
        return _EXIT_CODES[self]


_EXIT_CODES: Final = {
    Recommendation.GO: 0,
    Recommendation.NO_GO: 1,
    Recommendation.INCOMPLETE: 3,
    Recommendation.CONDITIONAL: 6,
}

_SENTENCES: Final = {
    "part": gettext_noop("This run can release nothing, because it covers only part of the suite: %(reasons)s."),
    "no-go": gettext_noop("Do not release: %(reasons)s."),
    "missing": gettext_noop("Not enough was measured for a verdict: %(reasons)s."),
    "missing-imported": gettext_noop(
        "Not enough was measured for a verdict: %(reasons)s. Not everything that was measured holds: %(failed)s."
    ),
    "conditional": gettext_noop("No critical fault, but not everything holds: %(reasons)s."),
    "go": gettext_noop(
        "All %(rules)s deciding rules hold in all %(scenarios)s scenarios. Warnings to read: %(warnings)s."
    ),
    "go-imported": gettext_noop(
        "All %(rules)s deciding rules hold for these results from elsewhere. By themselves they release nothing."
    ),
}
_NOT_COVERED: Final = gettext_noop("%(count)s of %(total)s scenarios missing (%(scenarios)s)")
_NO_RULE: Final = gettext_noop("gate %(gate)s has no rule that decides")
_NO_GATE: Final = gettext_noop("the policy has no gate")
_UNANSWERED: Final = gettext_noop("rule %(code)s has no answer: %(reason)s")
_FAILED: Final = gettext_noop("rule %(code)s failed (%(reason)s)")
_BLOCKED: Final = gettext_noop("rule %(code)s is beyond its blocking threshold (%(reason)s)")
_SCENARIOS_FAILED: Final = gettext_noop("%(count)s of the seeds' %(total)s scenarios failed (%(scenarios)s)")
_MORE: Final = gettext_noop("%(count)s more")

# These causes say by themselves what is missing; the others are only understood beside the rule they stop.
_SELF_EXPLAINING: Final = frozenset(
    {
        Cause.TOO_SHORT,
        Cause.INJECTION_OFF,
        Cause.NOT_FINISHED,
        Cause.NOT_MEASURED,
        Cause.NOT_BROUGHT,
        Cause.WITHIN_WARMUP,
        Cause.HARDLY_WARM,
    }
)


class RequestedScenarios(Protocol):
    """What of a run's plan the recommendation needs (`testruns.plan.RunPlan` has it)."""

    @property
    def scenarios(self) -> tuple[str, ...]:
        """The codes of the requested scenarios."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recommended:
    """The advice, its sentence as template and parameters, and everything that is missing for an answer."""

    word: Recommendation
    sentence: str
    sentence_params: Mapping[str, Any]
    missing: tuple[Text, ...]

    @property
    def text(self) -> str:
        """The sentence in English."""
        return spoken(template=self.sentence, params=self.sentence_params)


def recommend(
    *,
    plan: RequestedScenarios,
    judgement: Judgement,
    executions: Sequence[MeasuredExecution],
    suite: Sequence[str] = SUITE,
) -> Recommended:
    """The advice about a judged run. executions: the ones that were judged. suite: what is whole, `Policy.suite`."""
    not_covered = _not_covered(plan=plan, executions=executions, suite=suite)
    missing = _missing(judgement=judgement, executions=executions, not_covered=not_covered)
    blocking = (*_blocking_rules(judgement.rules), *_failed_scenarios(judgement.scenarios))
    failed = _failures(judgement.rules, Severity.MAJOR)
    if not_covered:
        return _recommended(Recommendation.INCOMPLETE, "part", missing, missing)
    if blocking:
        return _recommended(Recommendation.NO_GO, "no-go", blocking, missing)
    if missing and failed and not suite:
        return _recommended(Recommendation.INCOMPLETE, "missing-imported", missing, missing, failed=_first(failed))
    if missing:
        return _recommended(Recommendation.INCOMPLETE, "missing", missing, missing)
    if failed:
        return _recommended(Recommendation.CONDITIONAL, "conditional", failed, missing)
    params = {
        "rules": sum(outcome.counts for outcome in judgement.rules),
        "scenarios": len(judgement.scenarios),
        "warnings": sum(outcome.warning_count for outcome in judgement.gates.values()),
    }
    sentence = _SENTENCES["go" if suite else "go-imported"]
    return Recommended(word=Recommendation.GO, sentence=sentence, sentence_params=params, missing=())


def _recommended(
    word: Recommendation, sentence: str, reasons: Sequence[Text], missing: tuple[Text, ...], **more: Any
) -> Recommended:
    params = {"reasons": _first(reasons), **more}
    return Recommended(word=word, sentence=_SENTENCES[sentence], sentence_params=params, missing=missing)


def _first(reasons: Sequence[Text]) -> list[Text]:
    """As many as a sentence says, and how many more there are."""
    said = list(reasons[:REASONS_SAID_MAX])
    if len(reasons) > REASONS_SAID_MAX:
        said.append(_text(_MORE, count=len(reasons) - REASONS_SAID_MAX))
    return said


def _not_covered(
    *, plan: RequestedScenarios, executions: Iterable[MeasuredExecution], suite: Sequence[str]
) -> tuple[str, ...]:
    """The scenarios of the suite this run has not got."""
    covered = set(plan.scenarios) & {execution.scenario for execution in executions}
    return tuple(scenario for scenario in suite if scenario not in covered)


def _missing(
    *, judgement: Judgement, executions: Iterable[MeasuredExecution], not_covered: Sequence[str]
) -> tuple[Text, ...]:
    """Everything without which no verdict is possible, each thing said once."""
    found = []
    if not_covered:
        found.append(_text(_NOT_COVERED, count=len(not_covered), total=len(SUITE), scenarios=", ".join(not_covered)))
    found += [
        _text(REASONS[Cause.NOT_FINISHED], scenario=execution.scenario, state=str(execution.state))
        for execution in executions
        if execution.state is not ExecutionState.FINISHED
    ]
    if not judgement.gates:
        found.append(_text(_NO_GATE))
    found += [_text(_NO_RULE, gate=gate.gate) for gate in judgement.gates.values() if gate.worst_rule is None]
    for outcome in judgement.rules:
        if outcome.counts and not _is_answered(outcome):
            found += _open_questions(outcome, not_covered=not_covered)
    return tuple({repr(text): text for text in found}.values())


def _is_answered(outcome: RuleOutcome) -> bool:
    """PASS and FAIL are answers. A waiver is one for a major rule; what is critical cannot be waived."""
    if outcome.verdict is Verdict.WAIVED:
        return outcome.rule.severity is not Severity.CRITICAL
    return outcome.verdict in (Verdict.PASS, Verdict.FAIL)


def _open_questions(outcome: RuleOutcome, *, not_covered: Sequence[str]) -> list[Text]:
    """Why a rule has no answer. What a scenario outside the run would have measured is already said by its name."""
    texts = []
    for reading in outcome.sources:
        is_said = reading.cause is Cause.NOT_REQUESTED and reading.scenario in not_covered
        if reading.verdict not in (Verdict.PASS, Verdict.FAIL) and not is_said:
            texts.append(_open_text(outcome, reading))
    if texts or not_covered:
        return texts
    return [_text(_UNANSWERED, code=outcome.rule.code, reason=_reason(outcome))]


def _open_text(outcome: RuleOutcome, reading: SourceReading) -> Text:
    params = dict(reading.params)
    if reading.cause not in _SELF_EXPLAINING:
        return _text(_UNANSWERED, code=outcome.rule.code, reason=_text(REASONS[reading.cause], **params))
    if reading.cause is not Cause.NOT_MEASURED:
        del params["measurement"]  # the same for every rule, and said once
    return _text(REASONS[reading.cause], **params)


def _blocking_rules(outcomes: Iterable[RuleOutcome]) -> tuple[Text, ...]:
    """The failed critical rules, then the major ones beyond their blocking threshold."""
    outcomes = tuple(outcomes)
    beyond = (outcome for outcome in outcomes if outcome.is_blocking and outcome.verdict is Verdict.FAIL)
    return (
        *_failures(outcomes, Severity.CRITICAL),
        *(_text(_BLOCKED, code=outcome.rule.code, reason=_reason(outcome)) for outcome in beyond),
    )


def _failures(outcomes: Iterable[RuleOutcome], severity: Severity) -> tuple[Text, ...]:
    return tuple(
        _text(_FAILED, code=outcome.rule.code, reason=_reason(outcome))
        for outcome in outcomes
        if outcome.rule.severity is severity and outcome.verdict is Verdict.FAIL
    )


def _failed_scenarios(scenarios: Mapping[str, Verdict]) -> tuple[Text, ...]:
    """One text when three or more of the seeds' six scenarios failed; the seventh does not count here."""
    names = [scenario for scenario in SEED_SCENARIOS if scenarios.get(scenario) is Verdict.FAIL]
    if len(names) <= FAILED_SCENARIOS_MAX:
        return ()
    return (_text(_SCENARIOS_FAILED, count=len(names), total=len(SEED_SCENARIOS), scenarios=", ".join(names)),)


def _reason(outcome: RuleOutcome) -> Text:
    return _text(outcome.reason, **outcome.reason_params)


def _text(template: str, /, **params: Any) -> Text:
    return {"template": template, "params": params}
