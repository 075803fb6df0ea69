"""Four eyes on people: who may confirm what an administrator proposed about somebody."""

from __future__ import annotations

from console.kernel.authority import Role
from console.kernel.errors import PasswordNotOwn, SecondPersonNeeded
from console.kernel.models import PasswordReset, Person, RoleGrant
from ledger import gettext_noop

ADMINISTRATORS_MIN = 2

_REASONS = {
    "proposer": gettext_noop("you proposed it yourself."),
    "owner": gettext_noop("it is about you."),
    "administrator": gettext_noop("there is another administrator, who confirms it."),
}


def administrators() -> int:
    """How many active people hold the role of administrator."""
    standing = RoleGrant.objects.filter(
        role=Role.ADMINISTRATOR.value, confirmed_at__isnull=False, ended_at__isnull=True, person__is_active=True
    )
    return standing.count()


def has_one_administrator() -> bool:
    """Whether nobody could look over an administrator's shoulder, so that what is done alone is marked."""
    return administrators() < ADMINISTRATORS_MIN


def require_second_person(*, confirmer: Person, proposal: RoleGrant | PasswordReset) -> None:
    """Refuse unless this person is the second pair of eyes: not the proposer, not the person it is about.

    A supervisor is that only while there is one administrator. A password that somebody else chose proves nobody.
    Raises `SecondPersonNeeded` or `PasswordNotOwn`.
    """
    reason = ""
    if confirmer.pk == proposal.proposed_by_id:
        reason = "proposer"
    elif confirmer.pk == proposal.person_id:
        reason = "owner"
    elif Role.ADMINISTRATOR not in confirmer.roles and not has_one_administrator():
        reason = "administrator"
    if reason:
        raise SecondPersonNeeded(reason=_REASONS[reason])
    if not confirmer.password_is_own:
        raise PasswordNotOwn(person=str(confirmer))
