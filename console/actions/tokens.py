"""What people do with API tokens: make one for themselves or, as an administrator, for a service; rotate; revoke.

A token acts for a person, who sees it among theirs and may revoke it at any time. Nobody but that person makes or
rotates a token that is their own; a service's is made and rotated by administrators.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from console.actions.refusals import NotYours
from console.kernel import audit
from console.kernel.acts import Actor, action
from console.kernel.authority import Act, Role, may
from console.kernel.errors import InvalidInput, NotFound, WrongState
from console.kernel.models import ApiToken, Person
from console.kernel.scopes import Scope
from console.kernel.tokens import new_token
from ledger import gettext_noop

DAYS_MAX = 366
LIVING_MAX = 50
NAME_CHARACTERS_MAX = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeToken:
    """A token with the two secrets that are shown once and kept nowhere."""

    token: ApiToken
    text: str
    signing_secret: str


@action(Act.CREATE_TOKEN)
def create_token(
    *, actor: Actor, name: str, scopes: Iterable[str], days: int, is_signed_only: bool = False
) -> MadeToken:
    """Make a token with which a program acts for the actor. Raises `InvalidInput`."""
    return _make(
        actor=actor,
        act=Act.CREATE_TOKEN,
        person=actor.person,
        name=name,
        scopes=scopes,
        lifetime=_lifetime(days),
        is_signed_only=is_signed_only,
        is_service=False,
    )


@action(Act.CREATE_SERVICE_TOKEN, target="person:{person_id}")
def create_service_token(
    *, actor: Actor, person_id: int, name: str, scopes: Iterable[str], days: int, is_signed_only: bool = False
) -> MadeToken:
    """Make a token for a service that acts for a named person. Raises `InvalidInput`, `NotFound`."""
    person = Person.objects.filter(pk=person_id, is_active=True).first()
    if person is None:
        raise NotFound(what=f"person:{person_id}")
    return _make(
        actor=actor,
        act=Act.CREATE_SERVICE_TOKEN,
        person=person,
        name=name,
        scopes=scopes,
        lifetime=_lifetime(days),
        is_signed_only=is_signed_only,
        is_service=True,
    )


@action(Act.ROTATE_TOKEN, target="token:{token_id}")
def rotate_token(*, actor: Actor, token_id: int) -> MadeToken:
    """Replace a token by a new one with the same scopes and lifetime; the old one ends at once.

    Raises `NotYours`, and `WrongState` for one that does not count any more.
    """
    old = _token(token_id)
    is_administrator = may(act=Act.CREATE_SERVICE_TOKEN, roles=actor.person.roles)
    if not (is_administrator if old.is_service else old.person_id == actor.person.pk):
        raise NotYours(what=f"token:{old.pk}", owner=_owner(old))
    now = timezone.now()
    _require_living(old, now=now)
    _end(old, by=actor.person, now=now)
    return _make(
        actor=actor,
        act=Act.ROTATE_TOKEN,
        person=old.person,
        name=old.name,
        scopes=old.scopes.split(),
        lifetime=old.expires_at - old.created_at,
        is_signed_only=old.is_signed_only,
        is_service=old.is_service,
        replaces=old,
    )


@action(Act.REVOKE_TOKEN, target="token:{token_id}")
def revoke_token(*, actor: Actor, token_id: int) -> ApiToken:
    """End a token at once: by the person it acts for, or an administrator. Raises `NotYours`, `WrongState`."""
    token = _token(token_id)
    if token.person_id != actor.person.pk and Role.ADMINISTRATOR not in actor.person.roles:
        raise NotYours(what=f"token:{token.pk}", owner=_owner(token))
    now = timezone.now()
    _require_living(token, now=now)
    _end(token, by=actor.person, now=now)
    audit.record(actor=actor, act=Act.REVOKE_TOKEN, object=f"token:{token.pk}", after=_facts(token), rows=(token,))
    return token


def revoke_all(*, person: Person, by: Person, now: datetime) -> tuple[ApiToken, ...]:
    """End every token of a person who leaves; the caller writes the rows into its audit entry."""
    living = tuple(ApiToken.objects.filter(person=person, revoked_at__isnull=True))
    for token in living:
        _end(token, by=by, now=now)
    return living


def _make(
    *,
    actor: Actor,
    act: Act,
    person: Person,
    name: str,
    scopes: Iterable[str],
    lifetime: timedelta,
    is_signed_only: bool,
    is_service: bool,
    replaces: ApiToken | None = None,
) -> MadeToken:
    now = timezone.now()
    living = ApiToken.objects.filter(Q(person=person), revoked_at__isnull=True, expires_at__gt=now)
    if living.count() >= LIVING_MAX:
        raise InvalidInput(field="name", reason=gettext_noop("the person has as many tokens as one may have"))
    made = new_token()
    token = ApiToken.objects.create(
        person=person,
        name=_name(name),
        is_service=is_service,
        prefix=made.prefix,
        digest=made.digest,
        scopes=_scopes(scopes),
        is_signed_only=is_signed_only,
        created_by=actor.person,
        created_at=now,
        expires_at=now + lifetime,
        replaces=replaces,
    )
    rows = (token, replaces) if replaces else (token,)
    after = _facts(token) | ({"replaced": replaces.prefix} if replaces else {})
    audit.record(actor=actor, act=act, object=f"token:{token.pk}", after=after, rows=rows)
    return MadeToken(token=token, text=made.text, signing_secret=token.signing_secret)


def _facts(token: ApiToken) -> dict[str, Any]:
    return {
        "prefix": token.prefix,
        "name": token.name,
        "scopes": token.scopes,
        "username": token.person.username,
        "is_service": token.is_service,
        "is_signed_only": token.is_signed_only,
        "expires_at": token.expires_at.isoformat(timespec="seconds"),
    }


def _end(token: ApiToken, *, by: Person, now: datetime) -> None:
    token.revoked_by, token.revoked_at = by, now
    token.save(update_fields=["revoked_by", "revoked_at"])


def _require_living(token: ApiToken, *, now: datetime) -> None:
    if token.revoked_at is not None:
        raise WrongState(what=f"token:{token.pk}", state=gettext_noop("revoked"))
    if token.expires_at <= now:
        raise WrongState(what=f"token:{token.pk}", state=gettext_noop("expired"))


def _token(token_id: int) -> ApiToken:
    token = ApiToken.objects.select_related("person").filter(pk=token_id).first()
    if token is None:
        raise NotFound(what=f"token:{token_id}")
    return token


def _owner(token: ApiToken) -> str:
    return f"{token.person} (service)" if token.is_service else str(token.person)


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > NAME_CHARACTERS_MAX or not name.isprintable():
        raise InvalidInput(field="name", reason=gettext_noop("say where the token is used, in at most 100 characters"))
    return name


def _scopes(scopes: Iterable[str]) -> str:
    chosen = set(scopes)
    if not chosen or chosen - set(Scope):
        raise InvalidInput(field="scopes", reason=gettext_noop("choose at least one of the scopes that exist"))
    return " ".join(sorted(chosen))


def _lifetime(days: int) -> timedelta:
    if not 1 <= days <= DAYS_MAX:
        raise InvalidInput(field="days", reason=gettext_noop("a token holds for 1 to 366 days"))
    return timedelta(days=days)
