"""One thing that one person should be told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from console.checklist import Text
from console.kernel.authority import Role
from console.kernel.models import Person
from console.models import Notification

LOOK_BACK: Final = timedelta(days=30)
"""What happened longer ago is told to nobody any more: a console that was off for a month begins with what is now."""

People = Mapping[Person, frozenset[Role]]
"""The active people with their roles: nobody else is told anything."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """`at`: when it happened, None for what is so now. The rest is as in the row that it becomes."""

    person: int
    kind: Notification.Kind
    subject: str
    what: Text
    link: str
    why: Text | None = None
    deadline: datetime | None = None
    at: datetime | None = None

    @property
    def key(self) -> tuple[int, str, str]:
        """What makes it the same notice: person, kind, subject."""
        return self.person, self.kind.value, self.subject


def text(template: str, /, **params: Any) -> Text:
    """A judged text."""
    return {"template": template, "params": params}


def verbatim(name: str) -> Text:
    """A name as a parameter of a text: said as it is written, also when it looks like a number."""
    return text(name.replace("%", "%%"))


def to_each(people: Iterable[int | None], *, of: People, **notice: Any) -> Iterator[Notice]:
    """The same notice for several people, each once; who is not active or has no role is left out."""
    known = {person.pk for person in of}
    for person in sorted({one for one in people if one is not None} & known):
        yield Notice(person=person, **notice)


def holders(role: Role, *, of: People) -> list[int]:
    """Who holds a role."""
    return [person.pk for person, roles in of.items() if role in roles]
