"""`ledger snapshot`: write down the state behind the newest seal, so that opening replays only what came after it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.utils.translation import gettext

from ledger.conf import live_journal
from ledger.credits.snapshots import Taken, take_snapshot
from ledger.management.terminal import EXIT_SOUND
from ledger.management.verbs.common import add_journal, journal_of
from ledger.released import SnapshotsOff, live_snapshots_are_on
from ledger.translation import translated

HELP = "Takes a snapshot behind the newest seal; the last three are kept. On the live journal a release must allow it."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the journal."""
    add_journal(parser)


def run(*, out: Any, err: Any, options: dict[str, Any]) -> int:
    """Take it beside whoever writes, and say what it stands on."""
    path = journal_of(options).absolute()
    if path == live_journal().absolute() and not live_snapshots_are_on():
        raise SnapshotsOff
    taken = take_snapshot(path=path)
    for reason in taken.passed_over:
        out.write(translated(reason, gettext))
    out.write(_said(taken))
    return EXIT_SOUND


def _said(taken: Taken) -> str:
    facts = {"seq": f"{taken.seq:,}", "path": taken.path, "count": f"{taken.folded_count:,}"}
    if not taken.seq:
        return gettext("Nothing is sealed yet, so there is nothing to take a snapshot of. Seal first: ledger seal.")
    if not taken.is_new:
        return gettext("The snapshot behind event %(seq)s is there already and valid: %(path)s") % facts
    return gettext("Snapshot behind event %(seq)s, %(count)s events folded for it: %(path)s") % facts
