"""First passwords for people: one administrator proposes, a second person confirms, the owner then sets an own one."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.utils import timezone

from console.kernel import audit
from console.kernel.acts import Actor, action
from console.kernel.authority import Act
from console.kernel.errors import NotFound, WrongState
from console.kernel.first_password import first_half, second_half, whole
from console.kernel.models import PasswordReset, Person
from console.kernel.second_person import has_one_administrator, require_second_person
from ledger import gettext_noop

WITHDRAWN = "people.withdraw_reset"


@dataclass(frozen=True, kw_only=True, slots=True)
class HalfPassword:
    """A reset, and the half of the first password that the one who acted hands to the owner."""

    reset: PasswordReset
    half: str


@action(Act.RESET_PASSWORD, target="person:{person_id}")
def reset_password(*, actor: Actor, person_id: int) -> HalfPassword:
    """Propose a first password for somebody who lost theirs; until it is confirmed the old one holds.

    Raises `NotFound`, `WrongState` when the person is deactivated or a reset waits already.
    """
    person = Person.objects.filter(pk=person_id).first()
    if person is None:
        raise NotFound(what=f"person:{person_id}")
    return propose_reset(actor=actor, person=person)


def propose_reset(*, actor: Actor, person: Person) -> HalfPassword:
    """What `reset_password` does once its authority was checked; also the first password of somebody new."""
    if not person.is_active:
        raise WrongState(what=str(person), state=gettext_noop("deactivated"))
    if PasswordReset.objects.filter(person=person, confirmed_at__isnull=True, ended_at__isnull=True).exists():
        raise WrongState(what=str(person), state=gettext_noop("waiting for a reset to be confirmed"))
    reset = PasswordReset.objects.create(
        person=person, seed=secrets.token_hex(32), proposed_by=actor.person, proposed_at=timezone.now()
    )
    audit.record(
        actor=actor,
        act=Act.RESET_PASSWORD,
        object=f"person:{person.pk}",
        after=_told(reset) | {"is_effective": False},
        rows=(reset,),
    )
    return HalfPassword(reset=reset, half=first_half(seed=reset.seed))


@action(Act.CONFIRM_RESET, target="reset:{reset_id}")
def confirm_reset(*, actor: Actor, reset_id: int) -> HalfPassword:
    """Put the first password in place and end the owner's sessions. They sign nothing before they set an own one.

    Raises `NotFound`, `WrongState`, `SecondPersonNeeded`, `PasswordNotOwn`.
    """
    reset = _reset(reset_id)
    require_second_person(confirmer=Person.objects.get(pk=actor.person.pk), proposal=reset)
    is_mine = PasswordReset.objects.filter(
        pk=reset.pk, confirmed_at__isnull=True, ended_at__isnull=True, person__is_active=True
    ).update(confirmed_at=timezone.now(), confirmed_by=actor.person)
    if not is_mine:
        raise WrongState(what=str(reset.person), state=gettext_noop("no longer waiting for a reset"))
    person = reset.person
    person.set_password(whole(seed=reset.seed))
    person.password_is_own = False
    person.save(update_fields=["password", "password_is_own"])
    audit.record(
        actor=actor, act=Act.CONFIRM_RESET, object=f"person:{person.pk}", after=_told(reset), rows=(reset, person)
    )
    reset.refresh_from_db()
    return HalfPassword(reset=reset, half=second_half(seed=reset.seed))


@action(Act.RESET_PASSWORD, target="reset:{reset_id}")
def withdraw_reset(*, actor: Actor, reset_id: int) -> PasswordReset:
    """Take back a reset that nobody has confirmed. Raises `NotFound`, `WrongState`."""
    reset = _reset(reset_id)
    is_mine = PasswordReset.objects.filter(pk=reset.pk, confirmed_at__isnull=True, ended_at__isnull=True).update(
        ended_at=timezone.now(), ended_by=actor.person
    )
    if not is_mine:
        raise WrongState(what=str(reset.person), state=gettext_noop("no longer waiting for a reset"))
    audit.record(
        actor=actor,
        act=WITHDRAWN,
        object=f"person:{reset.person_id}",
        after=_told(reset) | {"alone": has_one_administrator()},
        rows=(reset,),
    )
    reset.refresh_from_db()
    return reset


def _reset(reset_id: int) -> PasswordReset:
    reset = PasswordReset.objects.select_related("person").filter(pk=reset_id).first()
    if reset is None:
        raise NotFound(what=f"reset:{reset_id}")
    return reset


def _told(reset: PasswordReset) -> dict[str, str | int | bool]:
    return {"username": reset.person.username, "reset": reset.pk}
