"""The refusals of the console: one class each, with a code that never changes and a sentence for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from ledger import gettext_noop


class GatehouseError(Exception):
    """Base of every refusal outside the ledger.

    `code` is stable and read by machines. `message` is an English template with `%(name)s` fields; a door
    translates it with `error.said(gettext)`. `words` names the fields whose values are marked for translation too.
    """

    code: ClassVar[str] = "gatehouse-error"
    message: ClassVar[str] = gettext_noop("This could not be done.")
    words: ClassVar[tuple[str, ...]] = ()

    def __init__(self, **params: Any) -> None:
        """Keep the values of the template's fields; a field without a value is a mistake of the caller."""
        self.params = params
        super().__init__(self.message % {name: self._part(name, value, str) for name, value in params.items()})

    def said(self, translate: Callable[[str], str]) -> str:
        """The refusal in the language of `translate`."""
        said = {name: self._part(name, value, translate) for name, value in self.params.items()}
        return translate(self.message) % said

    def _part(self, name: str, value: Any, translate: Callable[[str], str]) -> Any:
        """A field's value: a list is said part by part, a text {"template", "params"} in the language too.

        Another refusal in it loses its full stop, because the sentence has one of its own.
        """
        if isinstance(value, GatehouseError):
            return value.said(translate).removesuffix(".")
        if isinstance(value, Mapping):
            return translate(value["template"]) % value["params"]
        if isinstance(value, tuple):
            return ", ".join(str(self._part(name, one, translate)) for one in value)
        return translate(value) if name in self.words else value


class NotAllowed(GatehouseError):
    """The person lacks every role that may do this."""

    code = "not-allowed"
    message = gettext_noop("%(person)s may not do this (%(act)s). It takes one of these roles: %(roles)s.")


class PersonInactive(NotAllowed):
    """The person was deactivated; no role helps."""

    code = "person-inactive"
    message = gettext_noop("%(person)s is deactivated and may do nothing.")


class WrongState(GatehouseError):
    """The thing is in a state in which this cannot be done; another person could not do it either."""

    code = "wrong-state"
    message = gettext_noop("%(what)s is %(state)s: this cannot be done now.")
    words: ClassVar[tuple[str, ...]] = ("state",)


FIELD_LABELS: Mapping[str, str] = MappingProxyType(
    {
        "checks": gettext_noop("Checks"),
        "conditions": gettext_noop("Conditions"),
        "content": gettext_noop("File"),
        "days": gettext_noop("Days"),
        "description": gettext_noop("Description"),
        "email": gettext_noop("E-mail"),
        "expires_at": gettext_noop("Valid through"),
        "findings": gettext_noop("Findings"),
        "meaning": gettext_noop("Meaning"),
        "name": gettext_noop("Name"),
        "note": gettext_noop("Note"),
        "opened_by": gettext_noop("Comes after"),
        "password": gettext_noop("Password"),
        "printed_name": gettext_noop("Printed name"),
        "proposed_conditions": gettext_noop("Proposed conditions"),
        "readiness": gettext_noop("Readiness"),
        "reason": gettext_noop("Reason"),
        "risks": gettext_noop("Risks"),
        "role": gettext_noop("Role"),
        "run_answers": gettext_noop("Answers to red runs"),
        "scopes": gettext_noop("Scopes"),
        "scope": gettext_noop("What was reviewed"),
        "seat": gettext_noop("Seat"),
        "text": gettext_noop("Text"),
        "time_zone": gettext_noop("Time zone"),
        "title": gettext_noop("Title"),
        "username": gettext_noop("User name"),
        "verified_how": gettext_noop("How the identity was verified"),
        "zone": gettext_noop("Time zone"),
    }
)
"""How sentences name the fields of forms; a field of the API is named as it is sent."""


class InvalidInput(GatehouseError):
    """A value that was handed in is not acceptable; `field` names it."""

    code = "invalid-input"
    message = gettext_noop("%(field)s: %(reason)s")
    words = ("reason",)

    def said(self, translate: Callable[[str], str]) -> str:
        """With the label that the field has on the screens."""
        field = str(self.params["field"])
        label = translate(FIELD_LABELS[field]) if field in FIELD_LABELS else field
        reason = self._part("reason", self.params.get("reason", ""), translate)
        return translate(self.message) % (self.params | {"field": label, "reason": reason})


class NotFound(GatehouseError):
    """The thing does not exist."""

    code = "not-found"
    message = gettext_noop("%(what)s does not exist.")


class SigningNeedsPerson(GatehouseError):
    """A signature came through a door at which no person sits."""

    code = "signing-needs-person"
    message = gettext_noop("Only a person at the console signs; this came through another door (%(via)s).")


class TokenNeverDoes(GatehouseError):
    """The act takes a person at the console, whatever the token's scopes."""

    code = "token-never-does"
    message = gettext_noop("No token does this (%(act)s): it takes a person at the console.")


class ScopeMissing(GatehouseError):
    """The token was not given any of the scopes that open this."""

    code = "scope-missing"
    message = gettext_noop("The token lacks the scope for this: %(scopes)s.")


class PasswordNotOwn(GatehouseError):
    """The signer has not yet chosen a password that nobody else has seen."""

    code = "password-not-own"
    message = gettext_noop("%(person)s signs and confirms only after setting a password of their own.")


class WrongPassword(GatehouseError):
    """The password given to a signature is not the signer's."""

    code = "wrong-password"
    message = gettext_noop("The password is wrong. Nothing was signed. Attempts left: %(left)s.")


class TooManyAttempts(GatehouseError):
    """Too many wrong passwords came from this source; the right one is not looked at either."""

    code = "too-many-attempts"
    message = gettext_noop("Too many wrong passwords. Nothing was signed. Try again in %(seconds)s seconds.")


class EvidenceChanged(GatehouseError):
    """What was signed is not what the person saw; both digests are named."""

    code = "evidence-changed"
    message = gettext_noop("What you saw has changed (you saw %(seen)s, it is now %(current)s). Read it again.")


class SecondPersonNeeded(GatehouseError):
    """The second pair of eyes would be the first one again."""

    code = "second-person-needed"
    message = gettext_noop("This takes a second person: %(reason)s")
    words = ("reason",)
