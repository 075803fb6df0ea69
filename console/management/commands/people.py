"""`manage.py people`: the way of who owns the shell when the last administrator cannot sign in any more.

Nothing is easier here than in the console: the act is an administrator's and on record "via command", and it takes
effect only when a second person confirms it in the console.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext

from console import actions
from console.kernel.acts import Actor
from console.kernel.checks import INSTALLATION
from console.kernel.errors import GatehouseError
from console.kernel.models import Person


class Command(BaseCommand):
    """For an administrator who lost their password, and for one who is gone."""

    requires_system_checks = [INSTALLATION]
    help = "Proposes a first password or a role as an administrator; a second person confirms it in the console."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the two acts."""
        acts = parser.add_subparsers(dest="act", required=True)
        reset = acts.add_parser("reset-password", help="propose a first password for somebody who lost theirs")
        role = acts.add_parser("propose-role", help="propose a role, such as administrator")
        for one in (reset, role):
            one.add_argument("username", help="whom it is about")
            one.add_argument("--as", dest="person", metavar="USER", required=True, help="the administrator who acts")
        role.add_argument("role")
        role.add_argument("--verified-how", required=True, help="how the person's identity was verified")

    def handle(self, *_: Any, **options: Any) -> None:
        """Act and say what the second person has to do. A refusal is one sentence and exit code 1."""
        actor = Actor(person=_person(options["person"]), via="command")
        about = _person(options["username"])
        try:
            if options["act"] == "reset-password":
                self._reset_password(actor, about)
            else:
                actions.propose_role(
                    actor=actor, person_id=about.pk, role=options["role"], verified_how=options["verified_how"]
                )
        except GatehouseError as refusal:
            raise CommandError(refusal.said(gettext)) from refusal
        self.stdout.write(
            gettext("It takes effect when a second person, neither of these two, confirms it in the console (People).")
        )

    def _reset_password(self, actor: Actor, about: Person) -> None:
        proposed = actions.reset_password(actor=actor, person_id=about.pk)
        self.stdout.write(gettext("The first half of the password: %(half)s") % {"half": proposed.half})
        self.stdout.write(gettext("Who confirms it sees the second half."))


def _person(username: str) -> Person:
    person = Person.objects.filter(username=username).first()
    if person is None:
        raise CommandError(gettext("There is no person %(name)s.") % {"name": username})
    return person
