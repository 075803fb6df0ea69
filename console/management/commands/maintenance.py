"""`manage.py maintenance [on --reason TEXT [--minutes N] | off]`: close the console while work is done on it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, transaction
from django.utils import timezone

from console.kernel import audit
from console.maintenance import close_console, maintenance, open_console
from ledger.actions import label_of

REASON_LENGTH_MIN = 10
OBJECT = "console:pages"


class Command(BaseCommand):
    """The switch is a file: it works while the database does not, and then says that nothing is in the audit trail."""

    help = "Closes the console and its API to everybody while somebody works on it, and opens them again."
    requires_system_checks: list[str] = []  # something may be broken

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the switch, the reason and the minutes."""
        parser.add_argument("switch", nargs="?", choices=["on", "off"], help="without it: say how it stands")
        parser.add_argument("--reason", default="", help="what people read, at least 10 characters")
        parser.add_argument("--minutes", type=int, help="how long it is going to take")

    def handle(self, *_: Any, switch: str | None, reason: str, minutes: int | None, **__: Any) -> None:
        """Switch, put it on record, say how it stands."""
        if switch == "on":
            self._close(reason.strip(), minutes)
        elif switch == "off" and open_console():
            self._record("console.open", {})
        standing = maintenance()
        if standing is None:
            self.stdout.write("The console is open.")
        else:
            end = f", until about {standing.until:%Y-%m-%d %H:%M} UTC" if standing.until else ""
            self.stdout.write(f"The console is closed{end}: {standing.reason}")

    def _close(self, reason: str, minutes: int | None) -> None:
        if len(reason) < REASON_LENGTH_MIN:
            raise CommandError(f"Say why with --reason, in at least {REASON_LENGTH_MIN} characters: people read it.")
        if minutes is not None and minutes < 1:
            raise CommandError("--minutes is a number above 0.")
        now = timezone.now()
        close_console(reason=reason, now=now, until=now + timedelta(minutes=minutes) if minutes else None)
        self._record("console.close", {"reason": reason})

    def _record(self, act: str, after: dict[str, Any]) -> None:
        try:
            with transaction.atomic():
                audit.record(actor=None, act=act, object=OBJECT, after={"by": label_of(None), **after})
        except DatabaseError as trouble:
            self.stderr.write(f"It is not in the audit trail: {trouble}")
