"""`manage.py notify`: tells people what concerns them and sends their e-mails; `up` keeps one going."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, close_old_connections

from console.kernel import audit
from console.notifications.sending import send_due
from console.notifications.telling import tell

logger = logging.getLogger(__name__)

PASS_SECONDS = 5.0
FULL_PASS_SECONDS = 60.0


class Command(BaseCommand):
    """Ends by a signal, at any moment: the next one goes on where it was."""

    requires_system_checks: list[str] = []  # `up` has just made them
    help = "Tells people in their inbox and by e-mail what concerns them; `up` does it all the time."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare `--once`."""
        parser.add_argument("--once", action="store_true", help="one pass, then say what was done")

    def handle(self, *_: Any, **options: Any) -> None:
        """One pass, or passes until stopped."""
        if options["once"]:
            told, sent = tell(), send_due()
            self.stdout.write(f"{told} told, {sent.count} e-mails sent, {sent.failed_count} to be tried again.")
            return
        watch()


def watch() -> None:
    """Pass after pass. Acts are told at the next one; what time alone brings about, and the journal, every minute."""
    seen, full_due = -1, 0.0
    while True:
        close_old_connections()
        try:
            index = audit.head().index
            if index != seen or time.monotonic() >= full_due:
                tell()
                seen, full_due = index, time.monotonic() + FULL_PASS_SECONDS
            send_due()
        except DatabaseError as trouble:
            logger.warning("nobody could be told this time; the next pass tries again: %s", trouble)
        time.sleep(PASS_SECONDS)
