"""The policy of release tests, activated as people do it: a soak of 3 s, no warm-up, memory beyond every short run."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from console.kernel.acts import Actor
from testruns.actions import activate_policy, active_policy, draft_policy, edit_draft, rules_of, submit_draft
from testruns.gates.rule import Kind, Severity
from testruns.models import GatePolicy
from testruns.policy_editing import PolicyEditing, RuleEdit

SOAK_SECONDS: Final = 3
MEMORY_SLOPE: Final = Decimal(100_000)
"""MB per minute; a run of 3 s that reached it would have taken 5 GB."""

SHORT: Final = {"soak_seconds": SOAK_SECONDS, "warmup_seconds": 0}


def activate_short_policy(*, editor: Actor, activator: Actor) -> GatePolicy:
    """Draft, edit, submit and activate it by two people: an engineer, and an engineer or supervisor."""
    memory = [rule for rule in rules_of(active_policy()).rules if rule.kind is Kind.MEMORY]
    rules = {rule.code: RuleEdit(threshold=MEMORY_SLOPE, severity=Severity.MAJOR) for rule in memory}
    return activate_changed_policy(editor=editor, activator=activator, editing=PolicyEditing(rules=rules, values=SHORT))


def activate_changed_policy(*, editor: Actor, activator: Actor, editing: PolicyEditing) -> GatePolicy:
    """Any change of the active policy by the same four acts."""
    draft = draft_policy(actor=editor)
    draft = edit_draft(actor=editor, draft_id=draft.pk, version=draft.version, editing=editing)
    submit_draft(actor=editor, draft_id=draft.pk)
    return activate_policy(actor=activator, draft_id=draft.pk, digest=draft.digest)
