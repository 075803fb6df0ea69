"""`ledger checkpoint`: sign the head of a journal now, and put a copy wherever it shall be out of reach.

With `--watch` it goes on and signs whenever it is time; `manage.py up` keeps one such process for the live journal,
which it also seals once its active segment is a day old, as it does with the governance journal.
"""

from __future__ import annotations

import threading
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import CommandError
from django.db import DatabaseError
from django.utils.translation import gettext

from console.kernel import governance_journal
from console.kernel.errors import GatehouseError
from ledger import LedgerError
from ledger.ageing import SealingByAge
from ledger.conf import live_journal
from ledger.engine.env import OsEnv
from ledger.engine.layout import Layout, write_new
from ledger.keys import signer
from ledger.management.terminal import EXIT_SOUND, said
from ledger.operations import seal_live_journal_by_age
from ledger.proof.checkpoints import KeptCheckpoints, digest_of_note
from ledger.proof.taking import CheckpointTaker

HELP = "Signs the head of the journal. The note is kept beside the journal; FILE is a copy to take elsewhere."
LOOK_SECONDS = 2.0


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the copy and the journal."""
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="where the copy goes; must not exist yet")
    parser.add_argument("--journal", type=Path, help="directory of a journal (default: the live one)")
    parser.add_argument(
        "--watch", action="store_true", help="sign every 10,000 events and every minute, until stopped; `up` does it"
    )


def run(*, out: Any, err: Any, options: dict[str, Any]) -> int:
    """Take it, copy it, and say what it says."""
    path: Path = options["journal"] or live_journal()
    copy: Path | None = options["file"]
    if copy is not None and copy.exists():
        raise CommandError(gettext("%(path)s exists already.") % {"path": copy})
    taker = CheckpointTaker(layout=Layout(path.absolute()), signer=signer)
    if options["watch"]:
        if copy is not None:
            raise CommandError(gettext("--watch keeps its checkpoints beside the journal; it takes no FILE."))
        _watch(_rounds(taker, path.absolute()), err=err)
    checkpoint, note = taker.take()
    if copy is not None:
        write_new(OsEnv(), copy.absolute(), note)
    facts = {
        gettext("journal"): checkpoint.journal_id,
        gettext("event"): f"{checkpoint.size:,}",
        gettext("hash"): checkpoint.root,
        gettext("signed at"): checkpoint.at,
        gettext("digest"): digest_of_note(note),
        gettext("kept in"): str(KeptCheckpoints(path).path(checkpoint.size)),
    }
    if copy is not None:
        facts[gettext("copy")] = str(copy)
    for name, fact in facts.items():
        out.write(f"{name:12}{fact}")
    return EXIT_SOUND


def _rounds(taker: CheckpointTaker, path: Path) -> list[Callable[[], object]]:
    """What is looked after, each for itself: a history that was changed is never signed, and nothing is added to it.

    Only the journals of this installation are sealed: whoever seals has to know what their events mean.
    """
    if path != live_journal().absolute():
        return [taker.take_if_due]
    live = SealingByAge(Layout(path), seal=seal_live_journal_by_age)
    governance = SealingByAge(Layout(governance_journal.directory()), seal=governance_journal.seal)

    def look_after_live() -> None:
        taker.take_if_due()
        live.look()

    return [look_after_live, governance.look]


def _watch(rounds: Sequence[Callable[[], object]], *, err: Any) -> NoReturn:
    """Until a signal. Trouble is said once and tried again."""
    never = threading.Event()
    told = [""] * len(rounds)
    while True:
        for number, look in enumerate(rounds):
            trouble = _trouble_of(look)
            if trouble and trouble != told[number]:
                err.write(trouble)
                err.flush()
            told[number] = trouble
        never.wait(LOOK_SECONDS)


def _trouble_of(look: Callable[[], object]) -> str:
    try:
        look()
    except (LedgerError, GatehouseError) as error:
        return said(error)
    except (OSError, DatabaseError) as error:
        return str(error)
    return ""
