"""Four eyes on people: who may confirm what an administrator proposed about somebody."""

from __future__ import annotations

from console.kernel.authority import Role
from console.kernel.errors import GatehouseError, PasswordNotOwn, SecondPersonNeeded
from console.kernel.models import PasswordReset, Person, RoleGrant
from ledger import gettext_noop

ADMINISTRATORS_MIN = 2

PROPOSER = gettext_noop("you proposed it yourself.")
OWNER = gettext_noop("it is about you.")
ADMINISTRATOR = gettext_noop("there is another administrator, who confirms it.")


def administrators() -> int:
    """How many active people hold the role of administrator."""
    standing = RoleGrant.objects.filter(
        role=Role.ADMINISTRATOR.value, confirmed_at__isnull=False, ended_at__isnull=True, person__is_active=True
    )
    return standing.count()


def has_one_administrator() -> bool:
    """Whether nobody could look over an administrator's shoulder, so that what is done alone is marked."""
    return administrators() < ADMINISTRATORS_MIN


def why_not_second(*, confirmer: Person, proposal: RoleGrant | PasswordReset) -> GatehouseError | None:
    """Why this person, whose role would allow it, is not the second pair of eyes; None when they are.

    Neither the proposer nor the person it is about confirms, and a supervisor only while there is one administrator.
    A password that somebody else chose proves nobody.
    """
    reason = ""
    if confirmer.pk == proposal.proposed_by_id:
        reason = PROPOSER
    elif confirmer.pk == proposal.person_id:
        reason = OWNER
    elif Role.ADMINISTRATOR not in confirmer.roles and not has_one_administrator():
        reason = ADMINISTRATOR
    if reason:
        return SecondPersonNeeded(reason=reason)
    return None if confirmer.password_is_own else PasswordNotOwn(person=str(confirmer))


def require_second_person(*, confirmer: Person, proposal: RoleGrant | PasswordReset) -> None:
    """Refuse whoever is not the second pair of eyes. Raises `SecondPersonNeeded` or `PasswordNotOwn`."""
    if refusal := why_not_second(confirmer=confirmer, proposal=proposal):
        raise refusal
