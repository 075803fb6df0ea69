"""The frame around every action: one transaction, the authority check, and an audit entry for a refusal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

from django.db import transaction

from console.kernel import audit
from console.kernel.actor import Actor as Actor
from console.kernel.authority import TOKEN_SCOPES, Act, may, who_may
from console.kernel.errors import (
    GatehouseError,
    NotAllowed,
    PasswordNotOwn,
    PersonInactive,
    ScopeMissing,
    SigningNeedsPerson,
    TokenNeverDoes,
)
from console.kernel.models import Person
from console.kernel.reauthentication import reauthenticate
from console.kernel.scopes import Scope
from ledger import LedgerError

_doors: dict[str, tuple[Callable[..., Any], Act]] = {}

Function = TypeVar("Function", bound=Callable[..., Any])
Result = TypeVar("Result")


def require(*, actor: Actor, act: Act) -> Person:
    """Refuse unless the person, as the database knows them now, is active and holds a role that may do this.

    A token is refused whatever the person's roles unless it may do this and has the scope. Returns the person as they
    are now. Raises `PersonInactive`, `NotAllowed`, `TokenNeverDoes` or `ScopeMissing`.
    """
    if actor.via == "api":
        require_scope(act=act, scopes=actor.scopes)
    person = Person.objects.filter(pk=actor.person.pk, is_active=True).first()
    if person is None:
        raise PersonInactive(person=str(actor.person))
    if not may(act=act, roles=person.roles):
        raise NotAllowed(person=str(person), act=act.value, roles=", ".join(who_may(act=act)))
    return person


def require_scope(*, act: Act, scopes: frozenset[Scope]) -> None:
    """Refuse unless a token with these scopes may do this. Raises `TokenNeverDoes` or `ScopeMissing`."""
    wanted = TOKEN_SCOPES.get(act)
    if wanted is None:
        raise TokenNeverDoes(act=act.value)
    if wanted.isdisjoint(scopes):
        raise ScopeMissing(scopes=", ".join(sorted(wanted)))


def actions() -> dict[str, tuple[Callable[..., Any], Act]]:
    """Every action that was imported, by its dotted name, with the act that its actor must be allowed."""
    return dict(_doors)


def action(act: Act, *, target: str = "") -> Callable[[Function], Function]:
    """Turn `f(*, actor, ...)` into an action: the only way in which a door changes anything.

    The function runs in one transaction after the authority check. A refusal (`GatehouseError` or `LedgerError`)
    rolls everything back, leaves one audit entry in a transaction of its own, and goes on to the door.
    `target` names the object in that entry, filled from the arguments: `"run:{run_id}"`.
    """

    def decorate(function: Function) -> Function:
        @wraps(function)
        def guarded(*, actor: Actor, **arguments: Any) -> Any:
            with _refusals_on_record(actor=actor, act=act, object=target.format(**arguments)), transaction.atomic():
                require(actor=actor, act=act)
                return function(actor=actor, **arguments)

        _doors[f"{function.__module__}.{function.__qualname__}"] = guarded, act
        return guarded  # type: ignore[return-value]  # wraps() keeps the signature that callers see

    return decorate


def signed_action(act: Act, *, target: str = "") -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Turn `f(*, actor, signed, ...)` into an action that asks for the actor's password again: callers pass `password`.

    The password is checked before the transaction, after everything that needs no password; `f` gets `signed`, a
    `Reauthentication`. Besides what `action` raises: `SigningNeedsPerson` for any door but the console,
    `PasswordNotOwn`, `WrongPassword`, and `TooManyAttempts` after too many of those from one source.
    """

    def decorate(function: Callable[..., Result]) -> Callable[..., Result]:
        @wraps(function)
        def guarded(*, actor: Actor, password: str, **arguments: Any) -> Result:
            with _refusals_on_record(actor=actor, act=act, object=target.format(**arguments)):
                signer = _require_signer(actor=actor, act=act)
                signed = reauthenticate(person=signer, source=actor.source, password=password)
                with transaction.atomic():
                    _require_signer(actor=actor, act=act)
                    return function(actor=actor, signed=signed, **arguments)

        _doors[f"{function.__module__}.{function.__qualname__}"] = guarded, act
        return guarded

    return decorate


def _require_signer(*, actor: Actor, act: Act) -> Person:
    if actor.via != "console":
        raise SigningNeedsPerson(via=actor.via)
    person = require(actor=actor, act=act)
    if not person.password_is_own:
        raise PasswordNotOwn(person=str(person))
    return person


@contextmanager
def _refusals_on_record(*, actor: Actor, act: Act, object: str) -> Iterator[None]:  # noqa: A002 - as in the chain
    try:
        yield
    except (GatehouseError, LedgerError) as refusal:
        after = {"message": str(refusal)} | ({"source": actor.source} if actor.source else {})
        with transaction.atomic():
            audit.record_refusal(actor=actor, act=act.value, object=object, code=refusal.code, after=after)
        raise
