"""The frame around every action: one transaction, the authority check, and an audit entry for a refusal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

from django.db import transaction

from console.kernel import audit
from console.kernel.authority import Act, may, who_may
from console.kernel.errors import GatehouseError, NotAllowed, PersonInactive
from console.kernel.models import Person
from ledger import LedgerError

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """The person who acts, and the door they came through: "console", "command", "api" or "installation"."""

    person: Person
    via: str

    @property
    def label(self) -> str:
        """How journals and audit entries name this actor: `user:<id>`."""
        return f"user:{self.person.pk}"


def require(*, actor: Actor, act: Act) -> None:
    """Refuse unless the person, as the database knows them now, is active and holds a role that may do this.

    Raises `PersonInactive` or `NotAllowed`.
    """
    person = Person.objects.filter(pk=actor.person.pk, is_active=True).first()
    if person is None:
        raise PersonInactive(person=str(actor.person))
    if not may(act=act, roles=person.roles):
        raise NotAllowed(person=str(person), act=act.value, roles=", ".join(who_may(act=act)))


def action(act: Act, *, target: str = "") -> Callable[[Function], Function]:
    """Turn `f(*, actor, ...)` into an action: the only way in which a door changes anything.

    The function runs in one transaction after the authority check. A refusal (`GatehouseError` or `LedgerError`)
    rolls everything back, leaves one audit entry in a transaction of its own, and goes on to the door.
    `target` names the object in that entry, filled from the arguments: `"run:{run_id}"`.
    """

    def decorate(function: Function) -> Function:
        @wraps(function)
        def guarded(*, actor: Actor, **arguments: Any) -> Any:
            try:
                with transaction.atomic():
                    require(actor=actor, act=act)
                    return function(actor=actor, **arguments)
            except (GatehouseError, LedgerError) as refusal:
                with transaction.atomic():
                    audit.record_refusal(
                        actor=actor,
                        act=act.value,
                        object=target.format(**arguments),
                        code=refusal.code,
                        after={"message": str(refusal)},
                    )
                raise

        return guarded  # type: ignore[return-value]  # wraps() keeps the signature that callers see

    return decorate
