"""Starting the verification of a journal in a process of its own, and what that process does."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

from console.kernel.acts import Actor
from console.kernel.authority import Act, may
from console.kernel.errors import GatehouseError
from ledger.conf import events_directory, live_journal
from ledger.engine.env import OsEnv
from ledger.engine.errors import LedgerError
from ledger.engine.layout import Layout, read_facts
from ledger.verifying import recording
from ledger.verifying.consequence import Consequence
from ledger.verifying.reading import Outcome, examine
from ledger.verifying.standing import Place, Progress, Standing

TELL_SECONDS = 0.5


def place_of(journal: Path) -> Place:
    """Where the verifications of a journal below `events/` are kept."""
    return Place(_directory_of(journal))


def standing_of(journal: Path) -> Standing:
    """Where the verification of a journal stands."""
    return place_of(journal).standing()


def began_after(at: datetime) -> bool:
    """Whether the live journal was begun after `at`, so that what was verified then was another one."""
    try:
        created = read_facts(OsEnv(), Layout(live_journal())).created
    except (LedgerError, OSError):
        return False
    return datetime.fromisoformat(created) > at


def start_verification(*, actor: Actor, journal: Path) -> bool:
    """Start a process that verifies the journal; False when one is at it, whose outcome is then this person's too.

    What is found in the live journal goes on record if the person may verify it for releases. Raises OSError.
    """
    is_live = journal == live_journal()
    may_record = is_live and may(act=Act.VERIFY_JOURNAL, roles=actor.person.roles)
    descriptor = place_of(journal).begin(
        at=datetime.now(UTC).isoformat(),
        by=str(actor.person),
        records_for=actor.person.pk if may_record else None,
    )
    if descriptor is None:
        return False
    program = [sys.executable, os.fspath(settings.BASE_DIR / "manage.py"), "verify_journal", os.fspath(journal)]
    options = ["--place", os.fspath(_directory_of(journal)), *(["--live"] if is_live else [])]
    try:
        process = subprocess.Popen(
            [*program, *options], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=[descriptor]
        )
    finally:
        os.close(descriptor)  # the process holds it from here on
    threading.Thread(target=process.wait, name="end of a verification", daemon=True).start()
    return True


def _directory_of(journal: Path) -> Path:
    return Path(settings.STORAGE) / "verifications" / journal.relative_to(events_directory())


def carry_out(journal: Path, *, place: Place, is_live: bool) -> Outcome:
    """Read the journal, say how far it is, put the outcome on record if somebody may, and keep it.

    Damage of the live one stops its orders. Raises what `examine` raises.
    """
    last_told = 0.0

    def told(step: int, done: int, total: int) -> None:
        nonlocal last_told
        if time.monotonic() - last_told >= TELL_SECONDS:
            last_told = time.monotonic()
            place.tell(Progress(step=step, done_bytes=done, total_bytes=total))

    consequence = Consequence(journal)
    outcome = examine(journal, began_at=datetime.now(UTC).isoformat(), progress=told)
    with suppress(OSError):
        consequence.draw(is_damaged=outcome.is_damaged)
    person = place.close()
    place.end(outcome, is_on_record=is_live and person is not None and _is_recorded(outcome, person))
    return outcome


def _is_recorded(outcome: Outcome, person: int) -> bool:
    try:
        return recording.record(outcome, person)
    except GatehouseError:
        return False
