"""`ledger reset --yes`: begin an empty live journal; the old one goes into the archive, whole."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.utils.translation import gettext

from ledger.actions import reset_ledger
from ledger.management.terminal import EXIT_SOUND
from ledger.management.verbs.common import actor_of, add_person

HELP = "Moves the live journal into storage/events/archive. Refused while a console runs on the storage."


def add_arguments(parser: ArgumentParser) -> None:
    """Ask for the word."""
    parser.add_argument("--yes", action="store_true", required=True, help="say that you mean it")
    add_person(parser)


def run(*, out: Any, err: Any, options: dict[str, Any]) -> int:
    """Archive and say where."""
    archived = reset_ledger(actor=actor_of(options))
    out.write(gettext("The live journal is now %(path)s; the next use begins an empty one.") % {"path": archived})
    return EXIT_SOUND
