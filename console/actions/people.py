"""What people do about logins."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from console.kernel import audit
from console.kernel.acts import Actor, action
from console.kernel.authority import Act
from console.kernel.errors import InvalidInput
from console.kernel.models import Person


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
    )
    return person
