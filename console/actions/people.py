"""What people do about logins: create, deactivate and reactivate people, set one's own password and address."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils import timezone

from console.actions.passwords import HalfPassword, propose_reset
from console.actions.reasons import require_reason
from console.actions.roles import require_an_administrator_is_left
from console.actions.tokens import revoke_all
from console.kernel import audit
from console.kernel.acts import Actor, action, signed_action
from console.kernel.authority import Act, Role
from console.kernel.errors import InvalidInput, NotFound, WrongState
from console.kernel.models import PasswordReset, Person, RoleGrant
from console.kernel.reauthentication import Reauthentication
from console.kernel.second_person import has_one_administrator
from ledger import gettext_noop


@action(Act.CREATE_PERSON, target="person:{username}")
def create_person(*, actor: Actor, username: str, printed_name: str, email: str = "") -> HalfPassword:
    """Make a login without a role, and propose its first password, which a second person confirms.

    A username is never used twice, whatever the case of its letters. Raises `InvalidInput`.
    """
    person = Person(
        username=Person.normalize_username(username.strip()), printed_name=printed_name.strip(), email=email
    )
    person.set_unusable_password()
    if Person.objects.filter(username__iexact=person.username).exists():
        raise InvalidInput(field="username", reason=gettext_noop("it belongs to somebody already, for ever"))
    if not person.printed_name:
        raise InvalidInput(field="printed_name", reason=gettext_noop("signatures need the full name"))
    try:
        person.full_clean(exclude=["password"])
    except ValidationError as refusal:
        field, messages = next(iter(refusal.message_dict.items()))
        raise InvalidInput(field=field, reason=" ".join(messages)) from refusal
    person.save(force_insert=True)
    audit.record(
        actor=actor,
        act=Act.CREATE_PERSON,
        object=f"person:{person.pk}",
        after={"username": person.username, "printed_name": person.printed_name, "alone": has_one_administrator()},
        rows=(person,),
    )
    return propose_reset(actor=actor, person=person)


@action(Act.DEACTIVATE_PERSON, target="person:{person_id}")
def deactivate_person(*, actor: Actor, person_id: int, reason: str) -> Person:
    """End a person's roles and tokens and close their login; what they signed keeps its name.

    Raises `InvalidInput` without a reason, `WrongState` when they are inactive or the last administrator.
    """
    require_reason(reason)
    person = _person(person_id)
    if not person.is_active:
        raise WrongState(what=str(person), state=gettext_noop("deactivated"))
    require_an_administrator_is_left(without=person)
    now = timezone.now()
    grants = list(RoleGrant.objects.filter(person=person, ended_at__isnull=True))
    RoleGrant.objects.filter(pk__in=[grant.pk for grant in grants]).update(ended_at=now, ended_by=actor.person)
    resets = list(PasswordReset.objects.filter(person=person, confirmed_at__isnull=True, ended_at__isnull=True))
    PasswordReset.objects.filter(pk__in=[reset.pk for reset in resets]).update(ended_at=now, ended_by=actor.person)
    tokens = revoke_all(person=person, by=actor.person, now=now)
    Person.objects.filter(pk=person.pk).update(is_active=False)
    audit.record(
        actor=actor,
        act=Act.DEACTIVATE_PERSON,
        object=f"person:{person.pk}",
        before={"roles": sorted(Role(grant.role).value for grant in grants)},
        after={"username": person.username, "reason": reason, "alone": has_one_administrator()},
        rows=(person, *grants, *resets, *tokens),
    )
    person.refresh_from_db()
    return person


@action(Act.REACTIVATE_PERSON, target="person:{person_id}")
def reactivate_person(*, actor: Actor, person_id: int, reason: str) -> Person:
    """Open a closed login again. It comes back without roles: each is proposed and confirmed anew.

    Raises `InvalidInput` without a reason, `WrongState` when they are active.
    """
    require_reason(reason)
    person = _person(person_id)
    if person.is_active:
        raise WrongState(what=str(person), state=gettext_noop("active"))
    Person.objects.filter(pk=person.pk).update(is_active=True)
    audit.record(
        actor=actor,
        act=Act.REACTIVATE_PERSON,
        object=f"person:{person.pk}",
        after={"username": person.username, "reason": reason, "alone": has_one_administrator()},
        rows=(person,),
    )
    person.refresh_from_db()
    return person


@action(Act.SET_OWN_PASSWORD)
def set_own_password(*, actor: Actor, password: str) -> Person:
    """Give the actor a password of their own choice, which their first signature will ask for.

    Raises `InvalidInput` (field `password`) when the password is too weak.
    """
    person = Person.objects.get(pk=actor.person.pk)
    try:
        validate_password(password, user=person)
    except ValidationError as weakness:
        raise InvalidInput(field="password", reason=" ".join(weakness.messages)) from weakness
    was_own = person.password_is_own
    person.set_password(password)
    person.password_is_own = True
    person.save(update_fields=["password", "password_is_own"])
    audit.record(
        actor=actor,
        act=Act.SET_OWN_PASSWORD,
        object=f"person:{person.pk}",
        before={"password_is_own": was_own},
        after={"password_is_own": True},
        rows=(person,),
    )
    return person


@signed_action(Act.SET_OWN_EMAIL)
def set_own_email(*, actor: Actor, signed: Reauthentication, email: str) -> Person:
    """Say to which address the actor's e-mails go; empty for none. It is an address and no proof of anything.

    Raises `InvalidInput` (field `email`), and what a signature raises.
    """
    person = Person.objects.select_for_update().get(pk=actor.person.pk)
    before, person.email = bool(person.email), email.strip()
    try:
        person.clean_fields(exclude={field.name for field in Person._meta.fields} - {"email"})
    except ValidationError as refusal:
        raise InvalidInput(field="email", reason=" ".join(refusal.messages)) from refusal
    person.save(update_fields=["email"])
    audit.record(
        actor=actor,
        act=Act.SET_OWN_EMAIL,
        object=f"person:{person.pk}",
        before={"has_email": before},
        after={"has_email": bool(person.email), "method": signed.method},
        rows=(person,),
    )
    return person


def _person(person_id: int) -> Person:
    person = Person.objects.filter(pk=person_id).first()
    if person is None:
        raise NotFound(what=f"person:{person_id}")
    return person
