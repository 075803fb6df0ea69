"""Giving and taking roles: one administrator proposes, a second person confirms, only then the role counts."""

from __future__ import annotations

from django.utils import timezone

from console.actions.reasons import require_reason
from console.kernel import audit
from console.kernel.acts import Actor, action
from console.kernel.authority import Act, Role
from console.kernel.errors import InvalidInput, NotFound, WrongState
from console.kernel.models import Person, RoleGrant
from console.kernel.models.role_grant import ALONE
from console.kernel.second_person import administrators, has_one_administrator, require_second_person
from ledger import gettext_noop


@action(Act.PROPOSE_ROLE, target="person:{person_id}")
def propose_role(*, actor: Actor, person_id: int, role: str, verified_how: str = "") -> RoleGrant:
    """Propose a role for a person. It counts once a second person has confirmed it; `auditor` counts at once.

    `verified_how` tells how the person's identity was verified. Raises `NotFound`, `InvalidInput` (role,
    verified_how), `WrongState` when the person is deactivated or has the role, proposed or standing.
    """
    person = Person.objects.filter(pk=person_id).first()
    if person is None:
        raise NotFound(what=f"person:{person_id}")
    if role not in {known.value for known in Role}:
        raise InvalidInput(field="role", reason=gettext_noop("there is no such role"))
    if not person.is_active:
        raise WrongState(what=str(person), state=gettext_noop("deactivated"))
    if RoleGrant.objects.filter(person=person, role=role, ended_at__isnull=True).exists():
        raise WrongState(what=f"{person}, {role}", state=gettext_noop("granted or proposed already"))
    now, is_alone = timezone.now(), role in ALONE
    if not is_alone:
        require_reason(verified_how, field="verified_how")
    grant = RoleGrant.objects.create(
        person=person,
        role=role,
        verified_how=verified_how.strip(),
        proposed_by=actor.person,
        proposed_at=now,
        confirmed_by=actor.person if is_alone else None,
        confirmed_at=now if is_alone else None,
    )
    audit.record(
        actor=actor,
        act=Act.PROPOSE_ROLE,
        object=f"person:{person.pk}",
        after=_told(grant) | {"verified_how": grant.verified_how, "is_effective": is_alone, "alone": is_alone},
        rows=(grant,),
    )
    return grant


@action(Act.CONFIRM_ROLE, target="grant:{grant_id}")
def confirm_role(*, actor: Actor, grant_id: int) -> RoleGrant:
    """Let a proposed role count from now on.

    Raises `NotFound`, `WrongState`, `SecondPersonNeeded`, `PasswordNotOwn`.
    """
    grant = _grant(grant_id)
    require_second_person(confirmer=Person.objects.get(pk=actor.person.pk), proposal=grant)
    is_mine = RoleGrant.objects.filter(
        pk=grant.pk, confirmed_at__isnull=True, ended_at__isnull=True, person__is_active=True
    ).update(confirmed_at=timezone.now(), confirmed_by=actor.person)
    if not is_mine:
        raise WrongState(what=f"{grant.person}, {grant.role}", state=gettext_noop("no longer waiting"))
    audit.record(
        actor=actor, act=Act.CONFIRM_ROLE, object=f"person:{grant.person_id}", after=_told(grant), rows=(grant,)
    )
    grant.refresh_from_db()
    return grant


@action(Act.TAKE_ROLE, target="grant:{grant_id}")
def take_role(*, actor: Actor, grant_id: int, reason: str) -> RoleGrant:
    """End a role, or a proposal that nobody has confirmed. What was signed in it stays signed.

    Raises `NotFound`, `InvalidInput` without a reason, `WrongState` when it ended before or for the last administrator.
    """
    require_reason(reason)
    grant = _grant(grant_id)
    if grant.is_standing and grant.role == Role.ADMINISTRATOR:
        require_an_administrator_is_left(without=grant.person)
    is_mine = RoleGrant.objects.filter(pk=grant.pk, ended_at__isnull=True).update(
        ended_at=timezone.now(), ended_by=actor.person
    )
    if not is_mine:
        raise WrongState(what=f"{grant.person}, {grant.role}", state=gettext_noop("ended"))
    audit.record(
        actor=actor,
        act=Act.TAKE_ROLE,
        object=f"person:{grant.person_id}",
        before={"was_standing": grant.is_standing},
        after=_told(grant) | {"reason": reason, "alone": has_one_administrator()},
        rows=(grant,),
    )
    grant.refresh_from_db()
    return grant


def require_an_administrator_is_left(*, without: Person) -> None:
    """Refuse what would leave nobody to manage people. Raises `WrongState`."""
    if Role.ADMINISTRATOR in without.roles and administrators() == 1:
        raise WrongState(what=str(without), state=gettext_noop("the only administrator"))


def _grant(grant_id: int) -> RoleGrant:
    grant = RoleGrant.objects.select_related("person").filter(pk=grant_id).first()
    if grant is None:
        raise NotFound(what=f"grant:{grant_id}")
    return grant


def _told(grant: RoleGrant) -> dict[str, str | int]:
    return {"role": grant.role, "username": grant.person.username, "grant": grant.pk}
