"""People for tests: one with given roles, and the actor they are at a door."""

from __future__ import annotations

import itertools

from django.contrib.auth.models import Group

from console.kernel.acts import Actor
from console.kernel.authority import Role
from console.kernel.models import Person

PASSWORD = "a-long-enough-passphrase"
_numbers = itertools.count(1)


def person_with(*roles: Role, is_superuser: bool = False) -> Person:
    """A signed-up person who holds exactly these roles."""
    person = Person.objects.create_user(
        username=f"person-{next(_numbers)}", password=PASSWORD, is_staff=True, is_superuser=is_superuser
    )
    person.groups.set(Group.objects.filter(name__in=[role.value for role in roles]))
    return person


def actor_with(*roles: Role) -> Actor:
    """A person with these roles, come in through the console."""
    return Actor(person=person_with(*roles), via="console")
