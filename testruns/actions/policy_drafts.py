"""Changing a gate policy: somebody drafts and edits, and somebody else activates exactly what was submitted.

One draft of the policy of live runs is open at a time, and one of the policy of imported results. Runs keep the policy
they were requested under, so nothing is judged again and what is activated while a run works cannot judge it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.db.models import F
from django.utils import timezone

from console.kernel import audit
from console.kernel.acts import Actor, action
from console.kernel.authority import Act
from console.kernel.errors import EvidenceChanged, NotFound
from testruns.draft_states import DRAFT_WORDS, DraftState
from testruns.gates.policy import SHIPPED_CODE, Policy, from_json
from testruns.models import GatePolicy, PolicyDraft, PolicyEdit
from testruns.policy_comparison import compare
from testruns.policy_editing import PolicyEditing, edited

from .policies import active_policy, rules_of
from .refusals import (
    DraftChanged,
    DraftChangesNothing,
    DraftExists,
    DraftInWrongState,
    EditorCannotActivate,
    PolicyMovedOn,
    ReasonTooShort,
)

REASON_LENGTH_MIN: Final = 10


def open_draft(*, code: str = SHIPPED_CODE) -> PolicyDraft | None:
    """The draft of this policy that is edited or waits for activation; there is one at most."""
    rows = PolicyDraft.objects.filter(code=code, state__in=_OPEN_STATES)
    return rows.select_related("base", "opened_by").first()


def editors_of(draft: PolicyDraft) -> frozenset[int]:
    """The ids of everybody who drafted or edited it: none of them can activate it."""
    return frozenset(draft.edits.values_list("person_id", flat=True)) | {draft.opened_by_id}


@action(Act.EDIT_POLICY, target="policy-draft")
def draft_policy(*, actor: Actor, code: str = SHIPPED_CODE) -> PolicyDraft:
    """Begin a draft that says what the active policy says. DraftExists, NoActivePolicy, NotAllowed.

    code: of the policy of live runs, or of imported results.
    """
    known = list(GatePolicy.objects.select_for_update().filter(code=code))  # one draft begins after the other
    base = active_policy(code=code)
    is_open = open_draft(code=code)
    if is_open is not None:
        raise DraftExists(number=is_open.number)
    content = rules_of(base).variant(code=base.code, number=max(policy.number for policy in known) + 1)
    draft = PolicyDraft.objects.create(
        code=base.code,
        number=content.number,
        base=base,
        content=content.canonical().decode(),
        digest=content.digest,
        opened_by=actor.person,
    )
    _record(actor, "policy.draft", draft, before={"policy": base.digest})
    return draft


@action(Act.EDIT_POLICY, target="policy-draft:{draft_id}")
def edit_draft(*, actor: Actor, draft_id: int, version: int, editing: PolicyEditing) -> PolicyDraft:
    """Change rules and values of a draft; saving what is there already changes nothing.

    version: the one the person saw. InvalidPolicyEdit (which field, and why), DraftChanged, DraftInWrongState,
    NotFound, NotAllowed.
    """
    draft = _locked(draft_id, DraftState.EDITING)
    if draft.version != version:
        raise DraftChanged(number=draft.number)
    before = rules_of_draft(draft)
    after = edited(before, editing=editing)
    if after.digest == draft.digest:
        return draft
    digest_before = draft.digest
    draft.content, draft.digest = after.canonical().decode(), after.digest
    _change(draft, DraftState.EDITING, "content", "digest")
    changes = _changes(before, after)
    edit = PolicyEdit.objects.create(draft=draft, person=actor.person, changes=changes)
    _record(actor, Act.EDIT_POLICY.value, draft, before={"digest": digest_before}, rows=(edit,), changes=changes)
    return draft


@action(Act.EDIT_POLICY, target="policy-draft:{draft_id}")
def submit_draft(*, actor: Actor, draft_id: int) -> PolicyDraft:
    """Fix what a draft says and offer it for activation. DraftChangesNothing, DraftInWrongState, NotFound."""
    draft = _locked(draft_id, DraftState.EDITING)
    if not compare(rules_of(draft.base), rules_of_draft(draft)):
        raise DraftChangesNothing(number=draft.base.number)
    draft.submitted_at = timezone.now()
    _change(draft, DraftState.SUBMITTED, "submitted_at")
    _record(actor, "policy.submit", draft)
    return draft


@action(Act.EDIT_POLICY, target="policy-draft:{draft_id}")
def reopen_draft(*, actor: Actor, draft_id: int) -> PolicyDraft:
    """Take a submitted draft back for more edits. DraftInWrongState, NotFound, NotAllowed."""
    draft = _locked(draft_id, DraftState.SUBMITTED)
    draft.submitted_at = None
    _change(draft, DraftState.EDITING, "submitted_at")
    _record(actor, "policy.reopen", draft)
    return draft


@action(Act.EDIT_POLICY, target="policy-draft:{draft_id}")
def withdraw_draft(*, actor: Actor, draft_id: int, reason: str) -> PolicyDraft:
    """Give a draft up for good, with a reason of ten characters. ReasonTooShort, DraftInWrongState, NotFound."""
    draft = _locked(draft_id, DraftState.EDITING, DraftState.SUBMITTED)
    reason = reason.strip()
    if len(reason) < REASON_LENGTH_MIN:
        raise ReasonTooShort(field="reason", least=REASON_LENGTH_MIN, length=len(reason))
    draft.reason = reason
    _close(draft, actor, DraftState.WITHDRAWN, "reason")
    _record(actor, "policy.withdraw", draft, reason=reason)
    return draft


@action(Act.ACTIVATE_POLICY, target="policy-draft:{draft_id}")
def activate_policy(*, actor: Actor, draft_id: int, digest: str) -> GatePolicy:
    """Make a submitted draft the policy that runs requested from now on are judged under; repeating it is harmless.

    digest: of what the person saw. EditorCannotActivate for everybody who drafted or edited it, EvidenceChanged for
    another digest, PolicyMovedOn, DraftInWrongState, NotFound, NotAllowed.
    """
    draft = _locked(draft_id, DraftState.SUBMITTED, DraftState.ACTIVATED)
    if actor.person.pk in editors_of(draft):
        raise EditorCannotActivate(person=str(actor.person))
    if digest != draft.digest:
        raise EvidenceChanged(seen=digest[:12], current=draft.digest[:12])
    if draft.policy is not None:
        if draft.closed_by_id == actor.person.pk:
            return draft.policy
        raise _wrong_state(draft)
    if not GatePolicy.objects.filter(pk=draft.base_id, is_active=True).update(is_active=False):
        raise PolicyMovedOn(number=draft.base.number)
    last_edit = draft.edits.last()
    assert last_edit is not None, "what was submitted differs from its base, so somebody edited it"
    policy = GatePolicy.objects.create(
        code=draft.code,
        number=draft.number,
        digest=draft.digest,
        content=draft.content,
        is_active=True,
        activated_at=timezone.now(),
        activated_by=actor.person,
        edited_by=last_edit.person,
    )
    draft.policy = policy
    _close(draft, actor, DraftState.ACTIVATED, "policy")
    audit.record(
        actor=actor,
        act=Act.ACTIVATE_POLICY.value,
        object=f"policy:{policy.pk}",
        before={"digest": draft.base.digest, "number": draft.base.number},
        after={"digest": policy.digest, "number": policy.number, "editors": sorted(editors_of(draft))},
        rows=(policy, draft, draft.base),
    )
    return policy


def rules_of_draft(draft: PolicyDraft) -> Policy:
    """What a draft says. InvalidPolicy when this version does not know one of its rules."""
    return from_json(draft.content)


_OPEN_STATES = [state.value for state in DraftState if state.is_open]


def _locked(draft_id: int, *states: DraftState) -> PolicyDraft:
    """The draft, held against everybody else until the act is done; SQLite's transactions exclude each other anyway."""
    draft = PolicyDraft.objects.select_for_update(of=("self",)).select_related("base").filter(pk=draft_id).first()
    if draft is None:
        raise NotFound(what=f"policy draft {draft_id}")
    if draft.state not in [state.value for state in states]:
        raise _wrong_state(draft)
    return draft


def _wrong_state(draft: PolicyDraft) -> DraftInWrongState:
    return DraftInWrongState(number=draft.number, state=DRAFT_WORDS[DraftState(draft.state)])


def _change(draft: PolicyDraft, state: DraftState, *names: str) -> None:
    """Save by compare-and-set on the version: whoever comes second changes nothing."""
    values = {name: getattr(draft, name) for name in names}
    rows = PolicyDraft.objects.filter(pk=draft.pk, state=draft.state, version=draft.version)
    if not rows.update(state=state.value, version=F("version") + 1, **values):
        raise DraftChanged(number=draft.number)
    draft.refresh_from_db()


def _close(draft: PolicyDraft, actor: Actor, state: DraftState, *names: str) -> None:
    draft.closed_by, draft.closed_at = actor.person, timezone.now()
    _change(draft, state, "closed_by", "closed_at", *names)


def _changes(before: Policy, after: Policy) -> list[dict[str, Any]]:
    return [
        {"what": one.subject, "template": one.template, "params": dict(one.params), "direction": str(one.direction)}
        for one in compare(before, after)
    ]


def _record(
    actor: Actor,
    act: str,
    draft: PolicyDraft,
    *,
    before: dict[str, Any] | None = None,
    rows: Iterable[PolicyEdit] = (),
    **after: Any,
) -> None:
    audit.record(
        actor=actor,
        act=act,
        object=f"policy-draft:{draft.pk}",
        before=before,
        after={"number": draft.number, "digest": draft.digest, "state": draft.state, **after},
        rows=(draft, *rows),
    )
