"""Who may do what: the one table that every door asks (governance: who may).

A superuser is not a role and has no row here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

from console.kernel.scopes import READ_SCOPES, Scope
from ledger import gettext_noop


class Role(StrEnum):
    """A role of a person; the value is the name of the Django group that carries it."""

    ENGINEER = "engineer"
    TESTER = "tester"
    REVIEWER = "reviewer"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class Act(StrEnum):
    """Something a person asks for; the value is the name in the audit chain and is never reused."""

    READ = "read"
    REQUEST_RUN = "run.request"
    CANCEL_RUN = "run.cancel"
    ATTEMPT_AGAIN = "execution.attempt_again"
    IMPORT_RESULTS = "results.import"
    MOVE_CREDITS = "credits.move"
    REQUEST_LEDGER_APPROVAL = "ledger_approval.request"
    DECIDE_LEDGER_APPROVAL = "ledger_approval.decide"
    IMPORT_JOURNAL = "journal.import"
    REPAIR_JOURNAL = "journal.repair"
    LEAVE_READ_ONLY = "journal.leave_read_only"
    STEER_SUBSCRIPTION = "subscription.steer"
    EDIT_POLICY = "policy.edit"
    ACTIVATE_POLICY = "policy.activate"
    OPEN_REQUEST = "request.open"
    WITHDRAW_REQUEST = "request.withdraw"
    ATTEST_IMPLEMENTATION = "request.attest"
    SIGN_AS_TESTER = "request.sign_as_tester"
    SIGN_AS_REVIEWER = "request.sign_as_reviewer"
    DECIDE_RELEASE = "request.decide"
    WITHDRAW_SIGN_OFF = "sign_off.withdraw"
    WRITE_REVIEW = "review.write"
    COMMENT_REVIEW = "review.comment"
    CLOSE_CONDITION = "condition.close"
    CONFIRM_CONDITION = "condition.confirm"
    REQUEST_WAIVER = "waiver.request"
    APPROVE_WAIVER = "waiver.approve"
    REVOKE_RELEASE = "release.revoke"
    SWITCH_CAPABILITY = "capability.switch"
    VERIFY_JOURNAL = "journal.verify"
    EDIT_PHASE = "phase.edit"
    ACTIVATE_PHASE = "phase.activate"
    MANAGE_PEOPLE = "people.manage"
    CREATE_PERSON = "people.create"
    PROPOSE_ROLE = "people.propose_role"
    CONFIRM_ROLE = "people.confirm_role"
    TAKE_ROLE = "people.take_role"
    RESET_PASSWORD = "people.reset_password"  # noqa: S105 - the name of an act, not a secret
    CONFIRM_RESET = "people.confirm_reset"
    DEACTIVATE_PERSON = "people.deactivate"
    REACTIVATE_PERSON = "people.reactivate"
    ROTATE_KEYS = "keys.rotate"
    EXPORT_AUDIT = "audit.export"
    SET_OWN_PASSWORD = "people.set_own_password"  # noqa: S105 - the name of an act, not a secret
    SET_OWN_EMAIL = "people.set_own_email"
    CREATE_TOKEN = "token.create"  # noqa: S105 - as above, and the next three
    CREATE_SERVICE_TOKEN = "token.create_for_service"  # noqa: S105
    ROTATE_TOKEN = "token.rotate"  # noqa: S105
    REVOKE_TOKEN = "token.revoke"  # noqa: S105


ROLE_LABELS: Mapping[Role, str] = MappingProxyType(
    {
        Role.ENGINEER: gettext_noop("engineer"),
        Role.TESTER: gettext_noop("tester"),
        Role.REVIEWER: gettext_noop("reviewer"),
        Role.SUPERVISOR: gettext_noop("supervisor"),
        Role.AUDITOR: gettext_noop("auditor"),
        Role.ADMINISTRATOR: gettext_noop("administrator"),
    }
)

_E, _T, _R, _S, _A = Role.ENGINEER, Role.TESTER, Role.REVIEWER, Role.SUPERVISOR, Role.ADMINISTRATOR
SIGNING_ROLES = frozenset({_E, _T, _R, _S})
_EVERYONE = frozenset(Role)

AUTHORITY: Mapping[Act, frozenset[Role]] = MappingProxyType(
    {
        Act.READ: _EVERYONE,
        Act.REQUEST_RUN: frozenset({_E, _T, _S}),
        Act.CANCEL_RUN: frozenset({_E, _T, _S}),
        Act.ATTEMPT_AGAIN: frozenset({_E, _T, _S}),
        Act.IMPORT_RESULTS: frozenset({_E, _T, _S}),
        Act.MOVE_CREDITS: frozenset({_E, _T}),
        Act.REQUEST_LEDGER_APPROVAL: frozenset({_E, _T}),
        Act.DECIDE_LEDGER_APPROVAL: frozenset({_R, _S}),
        Act.IMPORT_JOURNAL: frozenset({_E}),
        Act.REPAIR_JOURNAL: frozenset({_E}),
        Act.LEAVE_READ_ONLY: frozenset({_E}),
        Act.STEER_SUBSCRIPTION: frozenset({_E}),
        Act.EDIT_POLICY: frozenset({_E}),
        Act.ACTIVATE_POLICY: frozenset({_E, _S}),
        Act.OPEN_REQUEST: frozenset({_E, _T, _S}),
        Act.WITHDRAW_REQUEST: frozenset({_E, _T, _S}),  # its opener, or a supervisor
        Act.ATTEST_IMPLEMENTATION: frozenset({_E}),
        Act.SIGN_AS_TESTER: frozenset({_T}),
        Act.SIGN_AS_REVIEWER: frozenset({_R}),
        Act.DECIDE_RELEASE: frozenset({_S}),
        Act.WITHDRAW_SIGN_OFF: SIGNING_ROLES,  # its signer
        Act.WRITE_REVIEW: frozenset({_R}),
        Act.COMMENT_REVIEW: SIGNING_ROLES,
        Act.CLOSE_CONDITION: SIGNING_ROLES,  # its owner
        Act.CONFIRM_CONDITION: frozenset({_S}),
        Act.REQUEST_WAIVER: frozenset({_E, _T}),
        Act.APPROVE_WAIVER: frozenset({_R, _S}),
        Act.REVOKE_RELEASE: frozenset({_S}),
        Act.SWITCH_CAPABILITY: frozenset({_E, _S}),
        Act.VERIFY_JOURNAL: SIGNING_ROLES,
        Act.EDIT_PHASE: frozenset({_E}),
        Act.ACTIVATE_PHASE: frozenset({_E, _S}),
        Act.MANAGE_PEOPLE: frozenset({_A}),
        Act.CREATE_PERSON: frozenset({_A}),
        Act.PROPOSE_ROLE: frozenset({_A}),
        Act.CONFIRM_ROLE: frozenset({_A, _S}),  # a supervisor only while there is one administrator
        Act.TAKE_ROLE: frozenset({_A}),
        Act.RESET_PASSWORD: frozenset({_A}),
        Act.CONFIRM_RESET: frozenset({_A, _S}),  # as for roles
        Act.DEACTIVATE_PERSON: frozenset({_A}),
        Act.REACTIVATE_PERSON: frozenset({_A}),
        Act.ROTATE_KEYS: frozenset({_A}),
        Act.EXPORT_AUDIT: _EVERYONE,
        Act.SET_OWN_PASSWORD: _EVERYONE,
        Act.SET_OWN_EMAIL: _EVERYONE,
        Act.CREATE_TOKEN: _EVERYONE,
        Act.CREATE_SERVICE_TOKEN: frozenset({_A}),
        Act.ROTATE_TOKEN: _EVERYONE,  # the person it acts for; a service's: administrators
        Act.REVOKE_TOKEN: _EVERYONE,  # the person it acts for, and administrators
    }
)
# What a token may do at all, with any of these scopes and the role. Everything else takes a person at the console.
TOKEN_SCOPES: Mapping[Act, frozenset[Scope]] = MappingProxyType(
    {
        Act.READ: READ_SCOPES,
        Act.REQUEST_RUN: frozenset({Scope.RUNS_WRITE}),
        Act.CANCEL_RUN: frozenset({Scope.RUNS_WRITE}),
        Act.ATTEMPT_AGAIN: frozenset({Scope.RUNS_WRITE}),
        Act.IMPORT_RESULTS: frozenset({Scope.EVIDENCE_WRITE}),
        Act.MOVE_CREDITS: frozenset({Scope.CREDITS_WRITE}),
        Act.REQUEST_LEDGER_APPROVAL: frozenset({Scope.CREDITS_WRITE}),
    }
)


def may(*, act: Act, roles: Iterable[Role]) -> bool:
    """Say whether a person with these roles may do this act."""
    return not AUTHORITY[act].isdisjoint(roles)


def who_may(*, act: Act) -> tuple[Role, ...]:
    """List the roles that may do this act, in the order of `Role`: what a refusal names."""
    return tuple(role for role in Role if role in AUTHORITY[act])
