"""People for tests: one with given roles, and the actor they are at a door."""

from __future__ import annotations

import itertools

from django.utils import timezone

from console.kernel.acts import Actor
from console.kernel.authority import Role
from console.kernel.models import Person, RoleGrant

PASSWORD = "a-long-enough-passphrase"
_numbers = itertools.count(1)


def person_with(*roles: Role, is_superuser: bool = False) -> Person:
    """A signed-up person who holds exactly these roles."""
    person = Person.objects.create_user(
        username=f"person-{next(_numbers)}", password=PASSWORD, is_staff=True, is_superuser=is_superuser
    )
    give(person, *roles)
    return person


def give(person: Person, *roles: Role) -> None:
    """Let the person hold these roles as well, as if from the installation on."""
    now = timezone.now()
    RoleGrant.objects.bulk_create(
        RoleGrant(person=person, role=role.value, proposed_at=now, confirmed_at=now) for role in roles
    )


def actor_with(*roles: Role) -> Actor:
    """A person with these roles, come in through the console."""
    return Actor(person=person_with(*roles), via="console")
