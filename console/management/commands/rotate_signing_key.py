"""`manage.py rotate_signing_key --as USER`: another signing key; the public half of the old one is kept."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext

from console.actions.keys import rotate_signing_key
from console.kernel.acts import Actor
from console.kernel.checks import INSTALLATION
from console.kernel.errors import GatehouseError
from console.kernel.models import Person


class Command(BaseCommand):
    """An administrator's act, on record like every other."""

    requires_system_checks = [INSTALLATION]
    help = "Replaces the key that signs certificates. Old certificates stay verifiable by its public half."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the person."""
        parser.add_argument("--as", dest="person", metavar="USER", required=True, help="the administrator who acts")

    def handle(self, *_: Any, **options: Any) -> None:
        """Rotate and name both keys. A refusal is one sentence and exit code 1."""
        person = Person.objects.filter(username=options["person"]).first()
        if person is None:
            raise CommandError(gettext("There is no person %(name)s.") % {"name": options["person"]})
        try:
            rotation = rotate_signing_key(actor=Actor(person=person, via="command"))
        except GatehouseError as refusal:
            raise CommandError(refusal.said(gettext)) from refusal
        self.stdout.write(gettext("The signing key is now %(key)s.") % {"key": rotation.after})
        if rotation.before:
            self.stdout.write(gettext("The public half of %(key)s is kept.") % {"key": rotation.before})
