"""Who may do what: the one table that every door asks (governance: who may).

A superuser is not a role and has no row here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

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
    MOVE_CREDITS = "credits.move"
    REQUEST_LEDGER_APPROVAL = "ledger_approval.request"
    DECIDE_LEDGER_APPROVAL = "ledger_approval.decide"
    IMPORT_JOURNAL = "journal.import"
    REPAIR_JOURNAL = "journal.repair"
    EDIT_POLICY = "policy.edit"
    ACTIVATE_POLICY = "policy.activate"
    OPEN_REQUEST = "request.open"
    ATTEST_IMPLEMENTATION = "request.attest"
    SIGN_AS_TESTER = "request.sign_as_tester"
    SIGN_AS_REVIEWER = "request.sign_as_reviewer"
    DECIDE_RELEASE = "request.decide"
    REQUEST_WAIVER = "waiver.request"
    APPROVE_WAIVER = "waiver.approve"
    REVOKE_RELEASE = "release.revoke"
    EDIT_PHASE = "phase.edit"
    MANAGE_PEOPLE = "people.manage"
    SET_OWN_PASSWORD = "people.set_own_password"  # noqa: S105 - the name of an act, not a secret


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

_E, _T, _R, _S = Role.ENGINEER, Role.TESTER, Role.REVIEWER, Role.SUPERVISOR
_EVERYONE = frozenset(Role)

AUTHORITY: Mapping[Act, frozenset[Role]] = MappingProxyType(
    {
        Act.READ: _EVERYONE,
        Act.REQUEST_RUN: frozenset({_E, _T, _S}),
        Act.CANCEL_RUN: frozenset({_E, _T, _S}),
        Act.ATTEMPT_AGAIN: frozenset({_E, _T, _S}),
        Act.MOVE_CREDITS: frozenset({_E, _T}),
        Act.REQUEST_LEDGER_APPROVAL: frozenset({_E, _T}),
        Act.DECIDE_LEDGER_APPROVAL: frozenset({_R, _S}),
        Act.IMPORT_JOURNAL: frozenset({_E}),
        Act.REPAIR_JOURNAL: frozenset({_E}),
        Act.EDIT_POLICY: frozenset({_E}),
        Act.ACTIVATE_POLICY: frozenset({_E, _S}),
        Act.OPEN_REQUEST: frozenset({_E, _T, _S}),
        Act.ATTEST_IMPLEMENTATION: frozenset({_E}),
        Act.SIGN_AS_TESTER: frozenset({_T}),
        Act.SIGN_AS_REVIEWER: frozenset({_R}),
        Act.DECIDE_RELEASE: frozenset({_S}),
        Act.REQUEST_WAIVER: frozenset({_E, _T}),
        Act.APPROVE_WAIVER: frozenset({_R, _S}),
        Act.REVOKE_RELEASE: frozenset({_S}),
        Act.EDIT_PHASE: frozenset({_E}),
        Act.MANAGE_PEOPLE: frozenset({Role.ADMINISTRATOR}),
        Act.SET_OWN_PASSWORD: _EVERYONE,
    }
)


def may(*, act: Act, roles: Iterable[Role]) -> bool:
    """Say whether a person with these roles may do this act."""
    return not AUTHORITY[act].isdisjoint(roles)


def who_may(*, act: Act) -> tuple[Role, ...]:
    """List the roles that may do this act, in the order of `Role`: what a refusal names."""
    return tuple(role for role in Role if role in AUTHORITY[act])
