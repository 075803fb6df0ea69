"""What several verbs share: the journal argument, the checkpoints beside it, the person behind a command, lines."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import CommandError
from django.db import connection
from django.utils.translation import gettext

from console.kernel.acts import Actor
from console.kernel.models import Person
from ledger import Event
from ledger.conf import live_journal
from ledger.engine.env import OsEnv
from ledger.engine.layout import Layout, read_facts
from ledger.proof.checkpoints import Checkpoint, KeptCheckpoints
from ledger.proof.errors import CheckpointRefused
from ledger.proof.history import kept_checkpoints
from ledger.proof.notes import TrustedKey
from ledger.verifying.consequence import Consequence


def add_journal(parser: ArgumentParser) -> None:
    """The journal to work on; the live one by default."""
    parser.add_argument("journal", nargs="?", type=Path, help="directory of a journal (default: the live one)")


def journal_of(options: dict[str, Any]) -> Path:
    """The journal that was named, or the live one."""
    named: Path | None = options["journal"]
    return named if named is not None else live_journal()


def checkpoints_beside(
    path: Path, keys: list[TrustedKey]
) -> tuple[list[Checkpoint], list[tuple[int, CheckpointRefused]]]:
    """Those beside a journal's directory, but not of a journal that stood there before a reset; and those refused.

    Where there is no key they cannot be checked, and prove nothing.
    """
    if path.is_file() or not keys:
        return [], []
    journal_id = read_facts(OsEnv(), Layout(path.absolute())).journal_id
    good, bad = kept_checkpoints(KeptCheckpoints(path), keys=keys)
    return [one for one in good if one.journal_id == journal_id], bad


def orders_after(consequence: Consequence, *, is_damaged: bool) -> list[str]:
    """Draw the consequence of a reading, and say what it is for the orders of the live ledger, if it is any."""
    try:
        stopped = consequence.draw(is_damaged=is_damaged)
    except OSError as error:
        return [gettext("It could not be put on record for the live ledger: %(reason)s") % {"reason": error}]
    if stopped is None:
        return []
    if stopped.is_damaged:
        text = gettext(
            "The live ledger takes no orders since %(since)s: damage was found. Repair and verify it; an engineer then "
            "lets it be written again, on the page Journal of the console."
        )
    else:
        text = gettext(
            "The live ledger takes no orders since %(since)s. An engineer can let it be written again, on the page "
            "Journal of the console."
        )
    return [text % {"since": stopped.since}]


def add_person(parser: ArgumentParser) -> None:
    """The person in whose name a command acts."""
    parser.add_argument("--as", dest="person", metavar="USER", help="act as this person, with that person's roles")


def actor_of(options: dict[str, Any]) -> Actor | None:
    """The person named by --as; None for the owner of the shell. CommandError when nobody has that login."""
    require_database()
    if options["person"] is None:
        return None
    try:
        return Actor(person=Person.objects.get(username=options["person"]), via="command")
    except Person.DoesNotExist as error:
        raise CommandError(gettext("There is no person %(name)s.") % {"name": options["person"]}) from error


def require_database() -> None:
    """CommandError where what is done could not be put into the audit trail."""
    if AUDIT_TABLE not in connection.introspection.table_names():
        raise CommandError(gettext("The database is not set up yet. Run `manage.py up` or `manage.py migrate` first."))


def line_of(event: Event) -> str:
    """An event as one line of JSON, its fields in the order of the record; what it has not is left out."""
    fields = {name: value for name, value in event._asdict().items() if value is not None}
    return orjson.dumps(fields).decode()


AUDIT_TABLE = "kernel_auditentry"
