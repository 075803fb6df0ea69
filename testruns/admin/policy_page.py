"""What the pages of policies and drafts show: rules, values, differences in words, and acts or why there are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from console.kernel.authority import Act
from console.kernel.doors import person_of, why_not
from console.kernel.errors import GatehouseError
from testruns import actions
from testruns.admin.offers import Offer
from testruns.admin.policy_form import PolicyForm
from testruns.draft_states import DraftState
from testruns.gates.policy import Policy
from testruns.gates.registry import GATES, Gate
from testruns.gates.rule import Rule
from testruns.models import GatePolicy, PolicyDraft
from testruns.policy_comparison import Difference, Direction, compare
from testruns.policy_editing import VALUES, edited
from testruns.wording import said_quantity

EDITS_SHOWN = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """A difference as a line: whose it is in words, the sentence as template and values, and its direction."""

    code: str
    subject: str
    template: str
    params: Any
    direction: Direction


def differences(before: Policy, after: Policy) -> list[Said]:
    """What `after` does differently, looser changes first: they are what a second person looks for."""
    questions = {rule.code: rule.question for rule in (*before.rules, *after.rules)}
    order = (Direction.LOOSER, Direction.NEITHER, Direction.STRICTER)
    found = sorted(compare(before, after), key=lambda one: order.index(one.direction))
    return [_said(one, questions) for one in found]


def _said(one: Difference, questions: dict[str, str]) -> Said:
    subject = questions[one.subject] if one.is_rule else VALUES[one.subject].label
    code = one.subject if one.is_rule else ""
    return Said(code=code, subject=subject, template=one.template, params=one.params, direction=one.direction)


def would_change(draft: PolicyDraft, form: PolicyForm) -> list[Said]:
    """What saving a valid form would change about the draft as somebody else has left it meanwhile."""
    now = actions.rules_of_draft(draft)
    try:
        return differences(now, edited(now, editing=form.editing()))
    except GatehouseError:
        return []


def rules_by_gate(policy: Policy) -> list[tuple[Gate, list[Rule]]]:
    """The rules in the order of the gates."""
    return [(GATES[code], [rule for rule in policy.rules if rule.gate == code]) for code in policy.gates]


def values_of(policy: Policy) -> list[tuple[str, str]]:
    """Label, and figure with unit in the reader's language, of every value."""
    language = (get_language() or "en")[:2]
    found = []
    for name, meaning in VALUES.items():
        value = Decimal(getattr(policy.values, name)) / meaning.ppm_per_unit
        said = said_quantity(value, unit=meaning.unit, translate=_, language=language)
        found.append((meaning.label, said))
    return found


def read_policy(row: GatePolicy) -> dict[str, Any]:
    """The page of one policy: its rules, who made it, and what it changed about the one before."""
    policy = actions.rules_of(row)
    draft = PolicyDraft.objects.filter(policy=row).select_related("base").first()
    return {
        "row": row,
        "gates": rules_by_gate(policy),
        "values": values_of(policy) if policy.suite else [],
        "draft": draft,
        "differences": differences(actions.rules_of(draft.base), policy) if draft else [],
    }


def read_draft(draft: PolicyDraft, request: HttpRequest) -> dict[str, Any]:
    """The page of one draft: what it changes, who edited it, and what this person may do with it."""
    policy = actions.rules_of_draft(draft)
    edits = list(draft.edits.select_related("person").order_by("-pk")[:EDITS_SHOWN])
    return {
        "draft": draft,
        "gates": rules_by_gate(policy),
        "values": values_of(policy) if policy.suite else [],
        "differences": differences(actions.rules_of(draft.base), policy),
        "edits": [(edit, _edit_lines(edit.changes)) for edit in edits],
        **offers_of(draft, request),
    }


def _edit_lines(changes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**change, "what": _label(change["what"])} for change in changes]


def _label(what: str) -> str:
    return _(VALUES[what].label) if what in VALUES else what


def draft_offer(request: HttpRequest, *, code: str) -> Offer:
    """Begin a draft of the policy with this code."""
    url = f"{reverse('admin:testruns_policy_draft_begin')}?of={code}"
    return Offer(url=url, why_not=why_not(request, Act.EDIT_POLICY))


def offers_of(draft: PolicyDraft, request: HttpRequest) -> dict[str, Offer | None]:
    """Edit, submit, take back, withdraw, activate: each with the reason why not; None where it makes no sense."""
    state = DraftState(draft.state)
    by_role = why_not(request, Act.EDIT_POLICY)
    editing, submitted = state is DraftState.EDITING, state is DraftState.SUBMITTED
    nothing = "" if _changes_something(draft) else _("Nothing was changed yet.")
    return {
        "edit": _offer("edit", draft, by_role) if editing else None,
        "submit": _offer("submit", draft, by_role or nothing) if editing else None,
        "reopen": _offer("reopen", draft, by_role) if submitted else None,
        "withdraw": _offer("withdraw", draft, by_role) if state.is_open else None,
        "activate": _offer("activate", draft, _why_not_activate(draft, request)) if state.is_open else None,
    }


def _changes_something(draft: PolicyDraft) -> bool:
    return bool(compare(actions.rules_of(draft.base), actions.rules_of_draft(draft)))


def _why_not_activate(draft: PolicyDraft, request: HttpRequest) -> str:
    """The first reason, in the order in which a person could do something about it."""
    by_role = why_not(request, Act.ACTIVATE_POLICY)
    if by_role:
        return by_role
    if person_of(request).pk in actions.editors_of(draft):
        return _("You drafted or edited this policy. Another person must activate it.")
    if draft.state != DraftState.SUBMITTED:
        return _("It is still being edited. It can be activated once it is submitted.")
    if not draft.base.is_active:
        return _("The policy it began from is no longer active.")
    return ""


def _offer(act: str, draft: PolicyDraft, reason: str) -> Offer:
    return Offer(url=reverse(f"admin:testruns_policy_draft_{act}", args=[draft.pk]), why_not=reason)
