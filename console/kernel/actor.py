"""Whoever acts: a person, and the door they came through."""

from __future__ import annotations

from dataclasses import dataclass

from console.kernel.models import Person
from console.kernel.scopes import Scope


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """The person who acts, and the door they came through: "console", "command", "api" or "installation".

    `source` is the network address of a request, empty where there is none; wrong passwords are counted by it.
    Through "api" a token acts for the person, with its scopes.
    """

    person: Person
    via: str
    source: str = ""
    token_id: int | None = None
    scopes: frozenset[Scope] = frozenset()

    @property
    def label(self) -> str:
        """How journals and audit entries name this actor: `user:<id>`, or `token:<id>:user:<id>`."""
        person = f"user:{self.person.pk}"
        return person if self.token_id is None else f"token:{self.token_id}:{person}"
