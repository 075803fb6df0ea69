"""What a phase is: its title, what comes before it, and which checks of its release people may switch.

People edit it like a policy: one proposes, another activates. Its digest stands in every release manifest, and a
request keeps the definition it was opened under.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from console.kernel.errors import InvalidInput
from ledger import canonical_bytes, digest_of, gettext_noop

FORMAT: Final = 1
TITLE_LENGTH_MAX: Final = 200
DESCRIPTION_LENGTH_MAX: Final = 2000

Text = dict[str, Any]
"""A text as `testruns.wording` reads it: {"template", "params"}."""


class Check(StrEnum):
    """A check of the release checklist that can be switched on or off; all others are critical and always there."""

    JOURNAL = "journal"
    RUNNING_BUILD = "running-build"
    ALL_GREEN = "all-green"
    NO_WAIVERS = "no-waivers"


CHECK_LABELS: Final[Mapping[Check, str]] = {
    Check.JOURNAL: gettext_noop("the live journal was verified within 24 hours"),
    Check.RUNNING_BUILD: gettext_noop("this console runs on the build"),
    Check.ALL_GREEN: gettext_noop("every full run of the build recommends GO"),
    Check.NO_WAIVERS: gettext_noop("the evidence rests on no waiver"),
}
SHIPPED_CHECKS: Final = (Check.JOURNAL,)

_TITLE: Final = gettext_noop("The title is “%(new)s” instead of “%(old)s”.")
_DESCRIPTION: Final = gettext_noop("The description is “%(new)s” instead of “%(old)s”.")
_AFTER: Final = gettext_noop("Phase %(phase)s must be released before it.")
_NOT_AFTER: Final = gettext_noop("Phase %(phase)s need no longer be released before it.")
_CHECKED: Final = gettext_noop("It is checked from now on: %(check)s.")
_NOT_CHECKED: Final = gettext_noop("It is no longer checked: %(check)s.")


@dataclass(frozen=True, kw_only=True, slots=True)
class PhaseDefinition:
    """A definition of a phase. number: 1 came with the installation. opened_by: codes of phases, sorted."""

    code: str
    number: int
    title: str
    description: str
    opened_by: tuple[str, ...]
    checks: tuple[Check, ...]

    def canonical(self) -> bytes:
        """The bytes that the digest is of."""
        return canonical_bytes(self._content())

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical bytes."""
        return digest_of(self._content())

    def _content(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "phase": self.code,
            "number": self.number,
            "title": self.title,
            "description": self.description,
            "opened_by": sorted(self.opened_by),
            "checks": sorted(self.checks),
        }


def from_json(text: str) -> PhaseDefinition:
    """The definition that `canonical` wrote. ValueError for a check that this version does not know."""
    content = json.loads(text)
    return PhaseDefinition(
        code=content["phase"],
        number=content["number"],
        title=content["title"],
        description=content["description"],
        opened_by=tuple(content["opened_by"]),
        checks=tuple(Check(check) for check in content["checks"]),
    )


def changes(old: PhaseDefinition, new: PhaseDefinition) -> tuple[Text, ...]:
    """What is different in `new`, in words; empty when both say the same."""
    return tuple(_changes(old, new))


def require_sound(definition: PhaseDefinition, *, edges: Iterable[tuple[str, str]], known: Iterable[str]) -> None:
    """Refuse what no phase can be.

    edges: (opener, opened) of the other phases as they are in force. known: the phases that wait for a release. Raises
    `InvalidInput` naming the field.
    """
    if not definition.title or len(definition.title) > TITLE_LENGTH_MAX or "\0" in definition.title:
        raise InvalidInput(field="title", reason=gettext_noop("1 to 200 characters"))
    if len(definition.description) > DESCRIPTION_LENGTH_MAX or "\0" in definition.description:
        raise InvalidInput(field="description", reason=gettext_noop("at most 2000 characters"))
    if not set(definition.opened_by) <= set(known) - {definition.code}:
        raise InvalidInput(field="opened_by", reason=gettext_noop("other phases that wait for a release"))
    if not _reachable(definition.code, edges).isdisjoint(definition.opened_by):
        raise InvalidInput(field="opened_by", reason=gettext_noop("a phase cannot come after one that comes after it"))


def _changes(old: PhaseDefinition, new: PhaseDefinition) -> Iterator[Text]:
    if old.title != new.title:
        yield _text(_TITLE, old=old.title, new=new.title)
    if old.description != new.description:
        yield _text(_DESCRIPTION, old=old.description, new=new.description)
    for phase in sorted(set(new.opened_by) - set(old.opened_by)):
        yield _text(_AFTER, phase=phase)
    for phase in sorted(set(old.opened_by) - set(new.opened_by)):
        yield _text(_NOT_AFTER, phase=phase)
    for check in sorted(set(new.checks) - set(old.checks)):
        yield _text(_CHECKED, check=_text(CHECK_LABELS[check]))
    for check in sorted(set(old.checks) - set(new.checks)):
        yield _text(_NOT_CHECKED, check=_text(CHECK_LABELS[check]))


def _reachable(code: str, edges: Iterable[tuple[str, str]]) -> set[str]:
    """Every phase that comes after this one, at once or later; what is done to this one itself is left out."""
    opened: dict[str, list[str]] = {}
    for opener, after in edges:
        if after != code:
            opened.setdefault(opener, []).append(after)
    found: set[str] = set()
    waiting = [code]
    while waiting:
        for after in opened.get(waiting.pop(), ()):
            if after not in found:
                found.add(after)
                waiting.append(after)
    return found


def _text(template: str, /, **params: Any) -> Text:
    return {"template": template, "params": params}
