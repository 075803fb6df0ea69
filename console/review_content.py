"""What a review says: its parts, what makes it complete, and the table of requirements filled from the rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from console.release_states import ClosingRule, ConditionKind, Outcome
from ledger import gettext_noop
from testruns.gates.registry import all_rules
from testruns.gates.rule import Severity

READINESS_MAX: Final = 10
RETEST_DAYS: Final = 7
TEXT_LENGTH_MAX: Final = 5000
PARTS_MAX: Final = 100
RETEST: Final = gettext_noop("Re-test within 7 days, closed by a GO run")
"""The condition that is proposed for every CONDITIONAL."""


class FindingStatus(StrEnum):
    """Whether a review finding still asks for something; an open critical or major one blocks GO."""

    OPEN = "open"
    CLOSED = "closed"


class RiskState(StrEnum):
    """What became of a risk."""

    ELIMINATED = "ELIMINATED"
    MITIGATED = "MITIGATED"
    OPEN = "OPEN"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewFinding:
    """Something the reviewer found. where: a link to evidence, or file and line."""

    severity: Severity
    text: str
    where: str = ""
    root_cause: str = ""
    impact: str = ""
    mitigation: str = ""
    owner: str = ""
    status: FindingStatus = FindingStatus.OPEN


@dataclass(frozen=True, kw_only=True, slots=True)
class Risk:
    """A risk of releasing, and what became of it."""

    text: str
    state: RiskState


@dataclass(frozen=True, kw_only=True, slots=True)
class RunAnswer:
    """What the reviewer says about a full run that is red or unfinished."""

    run: int
    answer: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ProposedCondition:
    """A condition the reviewer proposes; the supervisor gives it owner and date. due_days: from the decision on."""

    text: str
    kind: ConditionKind = ConditionKind.AFTER_USE
    due_days: int = RETEST_DAYS
    closing_rule: ClosingRule = ClosingRule.EVIDENCE


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewDraft:
    """A review as its reviewer has it so far. readiness: 0 to 10, None while unsaid; outcome likewise."""

    scope: str
    criteria: str = ""
    findings: tuple[ReviewFinding, ...] = ()
    risks: tuple[Risk, ...] = ()
    run_answers: tuple[RunAnswer, ...] = ()
    readiness: int | None = None
    proposed_conditions: tuple[ProposedCondition, ...] = ()
    outcome: Outcome | None = None

    def as_json(self) -> dict[str, Any]:
        """The parts as JSON values, as the row of a review keeps them."""
        plain = asdict(self)
        lists = ("findings", "risks", "run_answers", "proposed_conditions")
        outcome = self.outcome.value if self.outcome else ""
        return plain | {name: [_plain(one) for one in plain[name]] for name in lists} | {"outcome": outcome}


def retest() -> ProposedCondition:
    """The proposed condition that a GO run within seven days closes."""
    return ProposedCondition(text=RETEST, closing_rule=ClosingRule.GO_RUN)


def problems_of(draft: ReviewDraft) -> Iterator[tuple[str, str]]:
    """Field and reason of everything a draft cannot even be saved with."""
    lists: dict[str, Sequence[Any]] = {
        "findings": draft.findings,
        "risks": draft.risks,
        "run_answers": draft.run_answers,
        "proposed_conditions": draft.proposed_conditions,
    }
    for name, parts in lists.items():
        if len(parts) > PARTS_MAX:
            yield name, gettext_noop("too many")
        if any(len(text) > TEXT_LENGTH_MAX or "\0" in text for part in parts for text in _texts(part)):
            yield name, gettext_noop("a text is too long")
        if any(not getattr(part, "text", "x").strip() for part in parts):
            yield name, gettext_noop("a text is empty")
    if max(len(draft.scope), len(draft.criteria)) > TEXT_LENGTH_MAX or "\0" in draft.scope + draft.criteria:
        yield "scope", gettext_noop("a text is too long")
    if draft.readiness is not None and not 0 <= draft.readiness <= READINESS_MAX:
        yield "readiness", gettext_noop("0 to 10")
    if any(condition.due_days < 0 for condition in draft.proposed_conditions):
        yield "proposed_conditions", gettext_noop("the days until it is due are negative")


def missing_of(content: Mapping[str, Any], *, to_answer: Sequence[int]) -> str | None:
    """What a saved review lacks to be signed, the first thing; None when it is complete. to_answer: numbers of runs."""
    answered = {answer["run"] for answer in content["run_answers"] if answer["answer"].strip()}
    if not content["scope"].strip():
        return gettext_noop("it does not say what was reviewed")
    if content["readiness"] is None:
        return gettext_noop("it does not say how ready the build is, from 0 to 10")
    if not content["outcome"]:
        return gettext_noop("it has no outcome")
    if not answered.issuperset(to_answer):
        return gettext_noop("it does not answer every red or unfinished full run")
    if content["outcome"] == Outcome.CONDITIONAL.value and not content["proposed_conditions"]:
        return gettext_noop("its outcome is conditional, and it proposes no condition")
    return None


def requirements_of(manifest: Mapping[str, Any]) -> list[dict[str, str]]:
    """Requirement, target, actual and gap of every rule in the manifest, in the order of their codes.

    target: operator and threshold with its unit. gap: the margin, a share of the threshold, positive towards good.
    """
    rules = all_rules()
    return [
        {
            "code": code,
            "requirement": rules[code].question if code in rules else code,
            "target": f"{rule['operator']} {rule['expected']}",
            "actual": rule["actual"],
            "gap": rule["margin"],
            "unit": rule["unit"],
            "verdict": rule["verdict"],
        }
        for code, rule in sorted(manifest["rules"].items())
    ]


def _plain(part: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.value if isinstance(value, StrEnum) else value for name, value in part.items()}


def _texts(part: Any) -> Iterator[str]:
    return (value for value in asdict(part).values() if isinstance(value, str))
