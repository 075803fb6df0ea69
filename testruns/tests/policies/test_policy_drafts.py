"""A policy takes two people: one drafts and edits, another activates exactly what was submitted."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from console.kernel import audit
from console.kernel.acts import Actor
from console.kernel.authority import AUTHORITY, Act, Role
from console.kernel.errors import EvidenceChanged, GatehouseError, NotAllowed, NotFound
from console.kernel.models import AuditEntry
from console.kernel.row_digests import wrong_rows
from console.tests.people import actor_with
from testruns.actions import (
    activate_policy,
    active_policy,
    draft_policy,
    edit_draft,
    last_editor_of,
    open_draft,
    reopen_draft,
    rules_of,
    rules_of_draft,
    submit_draft,
    withdraw_draft,
)
from testruns.actions.policies import ensure_policy
from testruns.actions.refusals import (
    DraftChanged,
    DraftChangesNothing,
    DraftExists,
    DraftInWrongState,
    EditorCannotActivate,
    PolicyMovedOn,
    ReasonTooShort,
)
from testruns.gates.policy import SHIPPED_CODE, shipped_policy
from testruns.gates.rule import Severity
from testruns.models import GatePolicy, PolicyDraft, PolicyEdit
from testruns.policy_editing import PolicyEditing, RuleEdit, RuleFixed
from testruns.tests.short_policy import MEMORY_SLOPE, activate_changed_policy, activate_short_policy

pytestmark = pytest.mark.django_db

LONGER = PolicyEditing(values={"release_validity_days": 60})
LOOSER = PolicyEditing(rules={"E03": RuleEdit(threshold=Decimal(800), severity=Severity.MAJOR, blocking=Decimal(1000))})


def submitted(editor: Actor, editing: PolicyEditing = LONGER) -> PolicyDraft:
    """A draft of this editor that waits for a second person."""
    draft = draft_policy(actor=editor)
    edit_draft(actor=editor, draft_id=draft.pk, version=draft.version, editing=editing)
    return submit_draft(actor=editor, draft_id=draft.pk)


def refused(code: str) -> AuditEntry:
    """The one audit entry of a refusal."""
    return AuditEntry.objects.get(outcome="refused", code=code)


def test_a_draft_begins_as_the_active_policy_with_the_next_number(engineer: Actor) -> None:
    """Nothing is active because of it."""
    draft = draft_policy(actor=engineer)

    assert (draft.number, draft.base, draft.state) == (2, active_policy(), "EDITING")
    assert rules_of_draft(draft).rules == rules_of(active_policy()).rules
    assert draft.digest == rules_of_draft(draft).digest
    assert open_draft() == draft


def test_two_people_make_a_policy_that_new_runs_are_judged_under(engineer: Actor, supervisor: Actor) -> None:
    """The old one stays, inactive; the new one names both people and has the digest that was submitted."""
    before = active_policy()
    draft = submitted(engineer, LOOSER)

    policy = activate_policy(actor=supervisor, draft_id=draft.pk, digest=draft.digest)

    draft.refresh_from_db()
    assert active_policy() == policy
    assert (policy.number, policy.digest, policy.activated_by) == (2, draft.digest, supervisor.person)
    assert last_editor_of(policy) == engineer.person.pk
    assert last_editor_of(before) is None
    assert (draft.state, draft.policy, draft.closed_by) == ("ACTIVATED", policy, supervisor.person)
    assert not GatePolicy.objects.get(pk=before.pk).is_active
    assert {rule.code: rule.threshold for rule in rules_of(policy).rules}["E03"] == 800


def test_whoever_edited_cannot_activate_and_the_last_editor_least_of_all(engineer: Actor, supervisor: Actor) -> None:
    """Neither the one who drafted, nor one who edited in between; a third person can."""
    other = actor_with(Role.ENGINEER)
    draft = draft_policy(actor=engineer)
    edit_draft(actor=other, draft_id=draft.pk, version=1, editing=LONGER)
    draft = submit_draft(actor=engineer, draft_id=draft.pk)

    for editor in (engineer, other):
        with pytest.raises(EditorCannotActivate, match="Another person"):
            activate_policy(actor=editor, draft_id=draft.pk, digest=draft.digest)
    policy = activate_policy(actor=supervisor, draft_id=draft.pk, digest=draft.digest)

    assert last_editor_of(policy) == other.person.pk
    assert AuditEntry.objects.filter(code="policy-editor-cannot-activate").count() == 2


def test_the_database_itself_refuses_a_policy_of_one_person(engineer: Actor, supervisor: Actor) -> None:
    """Even if an action forgot to look."""
    policy = activate_short_policy(editor=engineer, activator=supervisor)

    with pytest.raises(DatabaseError, match="gate_policy_takes_two_people"), transaction.atomic():
        GatePolicy.objects.create(
            code="other",
            number=1,
            digest="d" * 64,
            content=policy.content,
            activated_by=engineer.person,
            edited_by=engineer.person,
        )


@pytest.mark.parametrize("role", Role)
def test_only_the_roles_of_the_authority_table_edit_and_activate(engineer: Actor, role: Role) -> None:
    """A superuser without the role is nobody here."""
    draft = submitted(engineer)
    someone = actor_with(role)
    someone.person.is_superuser = True
    someone.person.save()
    acts: dict[Act, Callable[[], Any]] = {
        Act.EDIT_POLICY: lambda: reopen_draft(actor=someone, draft_id=draft.pk),
        Act.ACTIVATE_POLICY: lambda: activate_policy(actor=someone, draft_id=draft.pk, digest=draft.digest),
    }

    for act, attempt in acts.items():
        if role in AUTHORITY[act]:
            continue
        with pytest.raises(NotAllowed):
            attempt()

    draft.refresh_from_db()
    assert draft.state == "SUBMITTED"
    assert (role in AUTHORITY[Act.EDIT_POLICY]) is (role is Role.ENGINEER)
    assert (role in AUTHORITY[Act.ACTIVATE_POLICY]) is (role in (Role.ENGINEER, Role.SUPERVISOR))


def test_there_is_one_open_draft_at_a_time(engineer: Actor) -> None:
    """A second one is refused with the number of the first; after that is withdrawn it may begin."""
    draft = draft_policy(actor=engineer)

    with pytest.raises(DraftExists, match="policy 2"):
        draft_policy(actor=actor_with(Role.ENGINEER))
    withdraw_draft(actor=engineer, draft_id=draft.pk, reason="measured the wrong thing")
    again = draft_policy(actor=engineer)

    draft.refresh_from_db()
    assert (draft.state, draft.reason) == ("WITHDRAWN", "measured the wrong thing")
    assert again.number == 2


def test_saving_what_is_there_already_changes_nothing_and_makes_nobody_an_editor(engineer: Actor) -> None:
    """No version, no edit, no audit entry."""
    draft = draft_policy(actor=engineer)
    entries = AuditEntry.objects.count()
    same = PolicyEditing(values={"run_age_days": 7})

    saved = edit_draft(actor=engineer, draft_id=draft.pk, version=1, editing=same)

    assert (saved.version, saved.digest) == (1, draft.digest)
    assert not PolicyEdit.objects.exists()
    assert AuditEntry.objects.count() == entries


def test_an_edit_says_who_changed_what_from_what_to_what(engineer: Actor) -> None:
    """In the draft's history and in the audit chain, with both digests."""
    draft = draft_policy(actor=engineer)

    edited = edit_draft(actor=engineer, draft_id=draft.pk, version=1, editing=LOOSER)

    edit = PolicyEdit.objects.get()
    entry = AuditEntry.objects.get(act="policy.edit")
    assert (edit.person, edit.draft, len(edit.changes)) == (engineer.person, draft, 1)
    assert (edit.changes[0]["what"], edit.changes[0]["direction"]) == ("E03", "looser")
    assert draft.digest in entry.before
    assert edited.digest in entry.after


def test_two_people_editing_one_draft_do_not_overwrite_each_other(engineer: Actor) -> None:
    """The second to save has not seen the first one's change and is told so."""
    draft = draft_policy(actor=engineer)
    edit_draft(actor=engineer, draft_id=draft.pk, version=1, editing=LONGER)

    with pytest.raises(DraftChanged, match="look at it"):
        edit_draft(actor=actor_with(Role.ENGINEER), draft_id=draft.pk, version=1, editing=LOOSER)

    assert PolicyEdit.objects.count() == 1
    assert refused("policy-draft-changed").object == f"policy-draft:{draft.pk}"


def test_a_softened_critical_rule_never_reaches_a_draft(engineer: Actor) -> None:
    """The draft stays as it was; the refusal is in the audit chain."""
    draft = draft_policy(actor=engineer)
    soft = PolicyEditing(rules={"A01": RuleEdit(threshold=Decimal(1), severity=Severity.CRITICAL)})

    with pytest.raises(RuleFixed):
        edit_draft(actor=engineer, draft_id=draft.pk, version=1, editing=soft)

    assert PolicyDraft.objects.get().digest == draft.digest
    assert refused("policy-rule-fixed")


def test_a_draft_that_changes_nothing_is_not_submitted(engineer: Actor) -> None:
    """Also when an edit was taken back: the number alone is no policy."""
    draft = draft_policy(actor=engineer)
    edit_draft(actor=engineer, draft_id=draft.pk, version=1, editing=LONGER)
    back = PolicyEditing(values={"release_validity_days": 30})
    edit_draft(actor=engineer, draft_id=draft.pk, version=2, editing=back)

    with pytest.raises(DraftChangesNothing, match="policy 1"):
        submit_draft(actor=engineer, draft_id=draft.pk)


def test_a_submitted_draft_is_fixed_until_it_is_taken_back(engineer: Actor, supervisor: Actor) -> None:
    """What the second person reads does not move; taken back it can be edited and submitted again."""
    draft = submitted(engineer)

    with pytest.raises(DraftInWrongState, match="submitted"):
        edit_draft(actor=engineer, draft_id=draft.pk, version=draft.version, editing=LOOSER)
    reopened = reopen_draft(actor=engineer, draft_id=draft.pk)
    with pytest.raises(DraftInWrongState, match="being edited"):
        activate_policy(actor=supervisor, draft_id=draft.pk, digest=draft.digest)
    edit_draft(actor=engineer, draft_id=draft.pk, version=reopened.version, editing=LOOSER)
    changed = submit_draft(actor=engineer, draft_id=draft.pk)
    with pytest.raises(EvidenceChanged):
        activate_policy(actor=supervisor, draft_id=draft.pk, digest=draft.digest)

    assert activate_policy(actor=supervisor, draft_id=draft.pk, digest=changed.digest).digest == changed.digest


def test_activating_twice_is_one_activation_and_a_third_person_comes_too_late(
    engineer: Actor, supervisor: Actor
) -> None:
    """The second click gets the same policy back; somebody else is told that it is activated."""
    draft = submitted(engineer)
    first = activate_policy(actor=supervisor, draft_id=draft.pk, digest=draft.digest)

    again = activate_policy(actor=supervisor, draft_id=draft.pk, digest=draft.digest)

    assert again == first
    assert AuditEntry.objects.filter(act="policy.activate", outcome="done").count() == 1
    with pytest.raises(DraftInWrongState, match="activated"):
        activate_policy(actor=actor_with(Role.SUPERVISOR), draft_id=draft.pk, digest=draft.digest)


@pytest.mark.parametrize("reason", ["", "too short", "         x         "])
def test_a_draft_is_withdrawn_with_a_reason(engineer: Actor, reason: str) -> None:
    """Ten characters that say something."""
    draft = draft_policy(actor=engineer)

    with pytest.raises(ReasonTooShort, match="10 characters"):
        withdraw_draft(actor=engineer, draft_id=draft.pk, reason=reason)

    assert open_draft() == draft


def test_what_is_closed_stays_closed(engineer: Actor, supervisor: Actor) -> None:
    """A withdrawn draft is neither edited, submitted, taken back, withdrawn again nor activated."""
    draft = submitted(engineer)
    withdraw_draft(actor=engineer, draft_id=draft.pk, reason="a better idea came up")
    attempts: list[Callable[[], Any]] = [
        lambda: edit_draft(actor=engineer, draft_id=draft.pk, version=3, editing=LOOSER),
        lambda: submit_draft(actor=engineer, draft_id=draft.pk),
        lambda: reopen_draft(actor=engineer, draft_id=draft.pk),
        lambda: withdraw_draft(actor=engineer, draft_id=draft.pk, reason="once more, with a reason"),
        lambda: activate_policy(actor=supervisor, draft_id=draft.pk, digest=draft.digest),
    ]

    for attempt in attempts:
        with pytest.raises(DraftInWrongState, match="withdrawn"):
            attempt()

    assert active_policy().number == 1


def test_a_draft_of_a_policy_that_is_no_longer_active_cannot_be_activated(engineer: Actor, supervisor: Actor) -> None:
    """Its comparison would be with something nobody is judged by any more."""
    draft = submitted(engineer)
    GatePolicy.objects.filter(pk=draft.base_id).update(is_active=False)

    with pytest.raises(PolicyMovedOn, match="Policy 1"):
        activate_policy(actor=supervisor, draft_id=draft.pk, digest=draft.digest)

    assert GatePolicy.objects.filter(code=SHIPPED_CODE).count() == 1


def test_a_draft_nobody_made_is_not_found(engineer: Actor, supervisor: Actor) -> None:
    """A sentence, not a crash."""
    attempts: list[Callable[[], Any]] = [
        lambda: submit_draft(actor=engineer, draft_id=404),
        lambda: activate_policy(actor=supervisor, draft_id=404, digest=""),
    ]
    for attempt in attempts:
        with pytest.raises(NotFound):
            attempt()


def test_the_short_policy_of_release_tests_is_activated_by_real_acts(engineer: Actor, supervisor: Actor) -> None:
    """3 s of soak, no warm-up, a memory threshold that no short run reaches; everything else as shipped."""
    shipped = rules_of(active_policy())

    policy = rules_of(activate_short_policy(editor=engineer, activator=supervisor))

    changed = [new.code for new, old in zip(policy.rules, shipped.rules, strict=True) if new != old]
    assert changed == ["E02", "E04"]
    assert (policy.values.soak_seconds, policy.values.warmup_seconds) == (3, 0)
    assert {rule.code: rule.threshold for rule in policy.rules}["E04"] == MEMORY_SLOPE


def test_going_back_is_a_new_policy_with_a_new_number(engineer: Actor, supervisor: Actor) -> None:
    """A policy is activated once; the rules of an earlier one come back by two people as well."""
    activate_changed_policy(editor=engineer, activator=supervisor, editing=LONGER)
    back = PolicyEditing(values={"release_validity_days": 30})

    third = activate_changed_policy(editor=engineer, activator=supervisor, editing=back)

    assert (third.number, active_policy()) == (3, third)
    assert rules_of(third).rules == rules_of(GatePolicy.objects.get(code=SHIPPED_CODE, number=1)).rules
    assert third.digest != GatePolicy.objects.get(code=SHIPPED_CODE, number=1).digest


def test_a_shipped_policy_never_displaces_what_people_activated(engineer: Actor, supervisor: Actor) -> None:
    """Migrating again leaves theirs active."""
    policy = activate_changed_policy(editor=engineer, activator=supervisor, editing=LONGER)

    shipped = ensure_policy(shipped_policy())

    assert shipped is not None
    assert not shipped.is_active
    assert active_policy() == policy


STATEMENTS = [
    "UPDATE testruns_gatepolicy SET content = '{}' WHERE number = 2",
    "UPDATE testruns_gatepolicy SET activated_by_id = edited_by_id WHERE number = 2",
    "UPDATE testruns_gatepolicy SET edited_by_id = NULL WHERE number = 2",
    "UPDATE testruns_gatepolicy SET activated_at = '2020-01-01' WHERE number = 2",
    "UPDATE testruns_gatepolicy SET is_active = TRUE WHERE number = 1",
    "DELETE FROM testruns_gatepolicy WHERE number = 2",
    "UPDATE testruns_policydraft SET content = '{}'",
    "UPDATE testruns_policydraft SET state = 'EDITING', policy_id = NULL",
    "UPDATE testruns_policydraft SET opened_by_id = closed_by_id",
    "DELETE FROM testruns_policydraft",
    "UPDATE testruns_policyedit SET changes = '[]'",
    "DELETE FROM testruns_policyedit",
    "INSERT INTO testruns_policyedit (draft_id, person_id, at, changes) "
    "SELECT draft_id, person_id, at, changes FROM testruns_policyedit",
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_raw_sql_cannot_change_what_was_activated(engineer: Actor, supervisor: Actor, statement: str) -> None:
    """Neither the content, nor who edited and activated it, nor the history of its draft."""
    activate_changed_policy(editor=engineer, activator=supervisor, editing=LONGER)

    with pytest.raises(DatabaseError, match="testruns_"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_raw_sql_cannot_change_what_was_submitted(engineer: Actor) -> None:
    """The second person activates what the first submitted, or nothing."""
    submitted(engineer)

    with pytest.raises(DatabaseError, match="fixed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE testruns_policydraft SET content = '{}', digest = 'd'")


def test_every_step_stands_in_the_audit_chain_and_binds_its_rows(engineer: Actor, supervisor: Actor) -> None:
    """Who did what in order; the chain is sound and knows every row."""
    draft = submitted(engineer)
    reopen_draft(actor=engineer, draft_id=draft.pk)
    submit_draft(actor=engineer, draft_id=draft.pk)
    activate_policy(actor=supervisor, draft_id=draft.pk, digest=draft.digest)

    acts = AuditEntry.objects.filter(act__startswith="policy.", actor__startswith="user:").order_by("index")
    rows = [wrong.row for wrong in wrong_rows() if wrong.row.startswith("testruns_")]
    assert [entry.act for entry in acts] == [
        "policy.draft",
        "policy.edit",
        "policy.submit",
        "policy.reopen",
        "policy.submit",
        "policy.activate",
    ]
    assert acts.last().actor == supervisor.label  # type: ignore[union-attr]  # six entries were just compared
    assert rows == []
    assert audit.verify_chain().is_sound


def test_a_policy_made_by_raw_sql_is_found_and_named(engineer: Actor, supervisor: Actor) -> None:
    """No trigger can refuse an INSERT that looks right, but the chain does not know the row."""
    activate_changed_policy(editor=engineer, activator=supervisor, editing=LONGER)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO testruns_gatepolicy (code, number, digest, content, is_active) "
            "SELECT code, 9, 'forged', content, FALSE FROM testruns_gatepolicy WHERE number = 2"
        )

    forged = GatePolicy.objects.get(digest="forged")

    assert (f"testruns_gatepolicy:{forged.pk}", "unknown") in {(wrong.row, wrong.what) for wrong in wrong_rows()}


def test_refusals_carry_codes_that_never_change() -> None:
    """Clients compare them."""
    refusals: list[type[GatehouseError]] = [
        DraftExists,
        DraftInWrongState,
        DraftChanged,
        DraftChangesNothing,
        PolicyMovedOn,
        EditorCannotActivate,
    ]

    assert [refusal.code for refusal in refusals] == [
        "policy-draft-exists",
        "policy-draft-state",
        "policy-draft-changed",
        "policy-draft-changes-nothing",
        "policy-moved-on",
        "policy-editor-cannot-activate",
    ]
