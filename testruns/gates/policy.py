"""Gate policies: the versioned, content-addressed list of rules and values a run is judged under.

Policy 1 ("shipped") is made of the registered gates A to E and judges live runs; policy 1 of "imports" is made of gate
I and judges results from elsewhere. Their digests are pinned below, so a changed threshold, source or severity cannot
slip in under the same name. To ship a changed rule, raise the number and pin the new digest.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from ledger import canonical_bytes, digest_of
from testruns.gates.registry import GATES, all_rules
from testruns.gates.rule import Injection, Kind, Operator, Rule, Severity, Source
from testruns.gates.suite import SUITE

SHIPPED_CODE: Final = "shipped"
SHIPPED_NUMBER: Final = 1
SHIPPED_GATES: Final = ("A", "B", "C", "D", "E")
SHIPPED_DIGEST: Final = "4065c8cc3fa655e61a6684477eb23393b62e30394a99ff07e1b2f48f21219268"

IMPORTS_CODE: Final = "imports"
IMPORTS_NUMBER: Final = 1
IMPORTS_GATES: Final = ("I",)
IMPORTS_DIGEST: Final = "c9b243ee7d96e918804505af7ef1040c08bf093df5a14b1272c236b3b486dbae"


class InvalidPolicy(ValueError):
    """The content of a policy cannot be used: which part, and why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyValues:
    """The figures of a policy that are not thresholds of a rule. All whole numbers; units in the names.

    steal_ppm_max, foreign_load_ppm_max: above these the machine counts as too noisy to fail a timing rule (share of
    processor time taken by the hypervisor, and by processes that are not part of the run).
    confidence_ppm: of the interval of the memory trend. deciding_runs: newest full runs in a row a release rests on.
    """

    soak_seconds: int = 1800
    warmup_seconds: int = 300
    offered_rate: int = 100
    confidence_ppm: int = 950_000
    steal_ppm_max: int = 50_000
    foreign_load_ppm_max: int = 250_000
    run_age_days: int = 7
    deciding_runs: int = 2
    release_validity_days: int = 30
    request_deadline_days: int = 14
    waiver_days_max: int = 14

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if type(value) is not int or value < 0:
                raise InvalidPolicy(f"policy value {field.name}: {value!r} is not a whole number of 0 or more")


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A policy: code, number, the gates it answers, its values and its rules."""

    code: str
    number: int
    gates: tuple[str, ...]
    values: PolicyValues
    rules: tuple[Rule, ...]

    def __post_init__(self) -> None:
        codes = [rule.code for rule in self.rules]
        if len(set(codes)) != len(codes):
            raise InvalidPolicy("a rule stands in the policy twice")
        for rule in self.rules:
            if rule.gate not in self.gates:
                raise InvalidPolicy(f"rule {rule.code}: gate {rule.gate} is not part of the policy")
            if rule.kind is Kind.DURATION and rule.threshold != self.values.soak_seconds:
                raise InvalidPolicy(
                    f"rule {rule.code} asks for {rule.threshold} s, the policy's soak has {self.values.soak_seconds} s"
                )

    @property
    def suite(self) -> tuple[str, ...]:
        """The scenarios without which a run is part of the suite; of results from elsewhere there is no whole."""
        return () if self.code == IMPORTS_CODE else SUITE

    @property
    def digest(self) -> str:
        """Hex SHA-256 over the canonical content."""
        return digest_of(self.as_json())

    def as_json(self) -> dict[str, Any]:
        """The content as plain values; thresholds are decimal strings. Texts are not part of it."""
        return {
            "code": self.code,
            "number": self.number,
            "gates": list(self.gates),
            "values": dataclasses.asdict(self.values),
            "rules": [_rule_as_json(rule) for rule in self.rules],
        }

    def canonical(self) -> bytes:
        """The exact bytes the digest is taken of; what is stored."""
        return canonical_bytes(self.as_json())

    def variant(
        self, *, code: str, number: int, thresholds: Mapping[str, Decimal] | None = None, **values: int
    ) -> Policy:
        """A policy with other values and thresholds. A changed soak moves the thresholds of duration rules with it.

        thresholds: by rule code. values: fields of PolicyValues. Raises InvalidPolicy for a rule that does not exist.
        """
        changed = dict(thresholds or {})
        unknown = changed.keys() - {rule.code for rule in self.rules}
        if unknown:
            raise InvalidPolicy(f"no such rule: {', '.join(sorted(unknown))}")
        new_values = dataclasses.replace(self.values, **values)
        for rule in self.rules:
            if rule.kind is Kind.DURATION:
                changed.setdefault(rule.code, Decimal(new_values.soak_seconds))
        rules = tuple(
            dataclasses.replace(rule, threshold=changed.get(rule.code, rule.threshold)) for rule in self.rules
        )
        return Policy(code=code, number=number, gates=self.gates, values=new_values, rules=rules)


def from_json(content: str | bytes | Mapping[str, Any]) -> Policy:
    """A stored policy. The texts of its rules come from the code.

    Raises InvalidPolicy when the content is not a policy or names a rule this version does not know.
    """
    try:
        plain = json.loads(content) if isinstance(content, str | bytes) else content
        return Policy(
            code=plain["code"],
            number=plain["number"],
            gates=tuple(plain["gates"]),
            values=PolicyValues(**plain["values"]),
            rules=tuple(_rule_from_json(rule) for rule in plain["rules"]),
        )
    except InvalidPolicy:
        raise
    except (KeyError, TypeError, ValueError, InvalidOperation) as error:
        raise InvalidPolicy(f"this is not the content of a gate policy: {error!r}") from error


def shipped_policy() -> Policy:
    """Policy 1, from the registered gates. Raises InvalidPolicy when its content is not what was pinned."""
    return _pinned(code=SHIPPED_CODE, number=SHIPPED_NUMBER, gates=SHIPPED_GATES, digest=SHIPPED_DIGEST)


def imports_policy() -> Policy:
    """Policy 1 for results from elsewhere; as `shipped_policy`."""
    return _pinned(code=IMPORTS_CODE, number=IMPORTS_NUMBER, gates=IMPORTS_GATES, digest=IMPORTS_DIGEST)


def _pinned(*, code: str, number: int, gates: tuple[str, ...], digest: str) -> Policy:
    rules = tuple(rule for gate in gates for rule in GATES[gate].rules)
    policy = Policy(code=code, number=number, gates=gates, values=PolicyValues(), rules=rules)
    if policy.digest != digest:
        raise InvalidPolicy(
            f"the rules of policy {code} {number} were changed (digest {policy.digest}): "
            "a change of rules is a new policy with a new number"
        )
    return policy


def _rule_as_json(rule: Rule) -> dict[str, Any]:
    """What of a rule decides a verdict. Optional parts that are absent are left out."""
    plain: dict[str, Any] = {
        "code": rule.code,
        "sources": [str(source) for source in rule.sources],
        "operator": str(rule.operator),
        "threshold": str(rule.threshold),
        "unit": rule.unit,
        "severity": str(rule.severity),
        "kind": str(rule.kind),
    }
    if rule.blocking is not None:
        plain["blocking"] = str(rule.blocking)
    if rule.needs is not None:
        plain["needs"] = str(rule.needs)
    return plain


def _rule_from_json(plain: Mapping[str, Any]) -> Rule:
    known = all_rules().get(plain["code"])
    if known is None:
        raise InvalidPolicy(f"rule {plain['code']} is unknown to this version")
    return Rule(
        code=known.code,
        question=known.question,
        help=known.help,
        impact=known.impact,
        where=known.where,
        sources=tuple(Source(*source.split(".")) for source in plain["sources"]),
        operator=Operator(plain["operator"]),
        threshold=Decimal(plain["threshold"]),
        unit=plain["unit"],
        severity=Severity(plain["severity"]),
        kind=Kind(plain["kind"]),
        blocking=Decimal(plain["blocking"]) if "blocking" in plain else None,
        needs=Injection(plain["needs"]) if "needs" in plain else None,
    )
