"""The gates that exist: every gate file registers its gate here when it is imported."""

from __future__ import annotations

from dataclasses import dataclass

from testruns.gates.rule import Rule


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """A gate: a letter, a title, what it protects, and the rules that answer it."""

    code: str
    title: str
    help: str
    rules: tuple[Rule, ...]


class CodeTaken(ValueError):
    """A gate or rule code is used twice; the import stops, because results are stored under these codes for ever."""


GATES: dict[str, Gate] = {}


def register(gate: Gate) -> Gate:
    """Add the gate to the registry. Raises CodeTaken for a code used twice, ValueError for a rule of another gate."""
    if gate.code in GATES:
        raise CodeTaken(f"gate {gate.code} is registered twice")
    seen: set[str] = set()
    for rule in gate.rules:
        if rule.gate != gate.code:
            raise ValueError(f"rule {rule.code} does not belong to gate {gate.code}")
        if rule.code in seen:
            raise CodeTaken(f"rule {rule.code} is registered twice")
        seen.add(rule.code)
    GATES[gate.code] = gate
    return gate


def all_rules() -> dict[str, Rule]:
    """Every registered rule by its code, in the order of the gates."""
    return {rule.code: rule for _, gate in sorted(GATES.items()) for rule in gate.rules}
