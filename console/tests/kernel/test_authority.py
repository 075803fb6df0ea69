"""The authority table, row by row, as governance states it."""

from __future__ import annotations

import pytest

from console.kernel.authority import AUTHORITY, ROLE_LABELS, SIGNING_ROLES, Act, Role, may, who_may

# Columns: engineer, tester, reviewer, supervisor, auditor, administrator. x: may.
TABLE = """
read                        x x x x x x
run.request                 x x . x . .
run.cancel                  x x . x . .
execution.attempt_again     x x . x . .
results.import              x x . x . .
credits.move                x x . . . .
ledger_approval.request     x x . . . .
ledger_approval.decide      . . x x . .
journal.import              x . . . . .
journal.repair              x . . . . .
journal.leave_read_only     x . . . . .
subscription.steer          x . . . . .
policy.edit                 x . . . . .
policy.activate             x . . x . .
request.open                x x . x . .
request.withdraw            x x . x . .
request.attest              x . . . . .
request.sign_as_tester      . x . . . .
request.sign_as_reviewer    . . x . . .
request.decide              . . . x . .
sign_off.withdraw           x x x x . .
review.write                . . x . . .
review.comment              x x x x . .
condition.close             x x x x . .
condition.confirm           . . . x . .
waiver.request              x x . . . .
waiver.approve              . . x x . .
release.revoke              . . . x . .
capability.switch           x . . x . .
journal.verify              x x x x . .
phase.edit                  x . . . . .
phase.activate              x . . x . .
people.manage               . . . . . x
people.create               . . . . . x
people.propose_role         . . . . . x
people.confirm_role         . . . x . x
people.take_role            . . . . . x
people.reset_password       . . . . . x
people.confirm_reset        . . . x . x
people.deactivate           . . . . . x
people.reactivate           . . . . . x
keys.rotate                 . . . . . x
audit.export                x x x x x x
people.set_own_password     x x x x x x
people.set_own_email        x x x x x x
token.create                x x x x x x
token.create_for_service    . . . . . x
token.rotate                x x x x x x
token.revoke                x x x x x x
"""
ROWS = {line.split()[0]: line.split()[1:] for line in TABLE.strip().splitlines()}
CELLS = [(act, role, cell == "x") for act, cells in ROWS.items() for role, cell in zip(Role, cells, strict=True)]


@pytest.mark.parametrize(("act", "role", "is_allowed"), CELLS)
def test_a_role_may_do_exactly_what_the_table_says(act: str, role: Role, is_allowed: bool) -> None:
    """Each cell of the table holds for somebody with that role alone."""
    assert may(act=Act(act), roles={role}) is is_allowed


def test_the_table_speaks_of_every_act_once() -> None:
    """No act exists without a row, here and in the code."""
    assert set(ROWS) == {act.value for act in Act}
    assert set(AUTHORITY) == set(Act)


def test_an_administrator_signs_nothing() -> None:
    """Who hands out roles holds no seat by that."""
    signatures = (Act.ATTEST_IMPLEMENTATION, Act.SIGN_AS_TESTER, Act.SIGN_AS_REVIEWER, Act.DECIDE_RELEASE)

    assert not any(may(act=act, roles={Role.ADMINISTRATOR}) for act in signatures)
    assert Role.ADMINISTRATOR not in SIGNING_ROLES


def test_nobody_may_do_anything_without_a_role() -> None:
    """Signing in alone allows nothing."""
    assert not any(may(act=act, roles=()) for act in Act)


def test_several_roles_allow_what_any_of_them_allows() -> None:
    """A person with two roles may do what either may."""
    assert may(act=Act.DECIDE_RELEASE, roles={Role.AUDITOR, Role.SUPERVISOR})


def test_a_refusal_can_name_the_roles_it_takes() -> None:
    """The roles come in the order of the table's columns, so that the sentence is the same every time."""
    assert who_may(act=Act.REQUEST_RUN) == (Role.ENGINEER, Role.TESTER, Role.SUPERVISOR)


def test_every_role_has_a_name_for_people() -> None:
    """Screens never show a bare code."""
    assert set(ROLE_LABELS) == set(Role)
