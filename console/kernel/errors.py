"""The refusals of the console: one class each, with a code that never changes and a sentence for people."""

from __future__ import annotations

from typing import Any, ClassVar

from ledger import gettext_noop


class GatehouseError(Exception):
    """Base of every refusal outside the ledger.

    `code` is stable and read by machines. `message` is an English template with `%(name)s` fields; a door
    translates it with `gettext(error.message) % error.params`.
    """

    code: ClassVar[str] = "gatehouse-error"
    message: ClassVar[str] = gettext_noop("This could not be done.")

    def __init__(self, **params: Any) -> None:
        """Keep the values of the template's fields; a field without a value is a mistake of the caller."""
        self.params = params
        super().__init__(self.message % params)


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


class InvalidInput(GatehouseError):
    """A value that was handed in is not acceptable; `field` names it."""

    code = "invalid-input"
    message = gettext_noop("%(field)s: %(reason)s")


class NotFound(GatehouseError):
    """The thing does not exist."""

    code = "not-found"
    message = gettext_noop("%(what)s does not exist.")
