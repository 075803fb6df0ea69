"""What `up` puts in place before anything starts: tables, static files, first logins, the first run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from console.actions.keys import create_signing_key
from console.backups.restoring import ASIDE
from console.certificates import keys_directory
from console.first_logins import FILE_NAME, create_first_logins
from console.kernel import governance_journal, triggers
from console.kernel.acts import Actor
from console.kernel.errors import GatehouseError
from console.kernel.models import Person
from console.signing_keys import signing_key
from console.supervisor.static_files import collect_static_files
from ledger import LedgerError
from ledger.actions import close_live_ledger, live_ledger
from testruns.actions import request_run
from testruns.gates.policy import shipped_policy
from testruns.models import Run
from testruns.plan import RunPlan

FIRST_RUN_BY = "tester"


class RestoreUnfinished(Exception):
    """A restore was interrupted: part of it lies aside, and what is in place is not the whole installation."""


def prepare(*, say: Callable[[str], None]) -> None:
    """Bring storage and database to where the server can start. Doing it again changes nothing.

    Raises `TriggersDamaged` when the database no longer protects its history, `RestoreUnfinished`.
    """
    require_no_restore_aside()
    if not _has_migrations_to_apply():
        triggers.verify()  # before migrate, which would quietly put back what somebody took away
    call_command("migrate", interactive=False, verbosity=0)
    triggers.verify()
    collect_static_files(target=Path(settings.STATIC_ROOT))
    create_live_journal(say=say)
    begin_governance_journal(say=say)
    prepare_signing_key(say=say)
    logins = create_first_logins(storage=settings.STORAGE)
    if logins:
        say(f"First logins, shown once and kept in {settings.STORAGE / FILE_NAME}:")
        for login in logins:
            say(f"  {login.username:<12}{login.password}")
    request_first_run(say=say)
    governance_journal.close()  # the processes that are started now open it themselves


def require_no_restore_aside() -> None:
    """Refuse to start on half of a restored installation. Raises `RestoreUnfinished`."""
    aside = Path(settings.STORAGE) / ASIDE
    if aside.exists():
        raise RestoreUnfinished(
            f"A restore was interrupted: {aside} is left of it. Empty the storage {settings.STORAGE} and restore "
            "again, or, if this storage was not being restored, move that directory away."
        )


def create_live_journal(*, say: Callable[[str], None]) -> None:
    """Make the live journal before anybody looks: no page may write one only because it was opened."""
    try:
        live_ledger()
    except (LedgerError, OSError) as refusal:
        say(f"The live journal cannot be opened: {refusal}")
    else:
        close_live_ledger()


def prepare_signing_key(*, say: Callable[[str], None]) -> None:
    """Create the key that signs certificates at the first start; a lost one is said and not replaced."""
    try:
        created = create_signing_key()
        signing_key(directory=keys_directory())
    except GatehouseError as refusal:
        say(str(refusal))
    else:
        if created:
            say(f"Created the signing key {created}.")


def begin_governance_journal(*, say: Callable[[str], None]) -> None:
    """Make the journal that the audit chain is relayed to, and bring it up to the chain."""
    try:
        governance_journal.begin()
    except (LedgerError, OSError) as refusal:
        say(f"The governance journal cannot be begun: {refusal}")


def request_first_run(*, say: Callable[[str], None]) -> None:
    """Queue one quick run while there has never been a run, so that a newcomer sees a real verdict."""
    person = Person.objects.filter(username=FIRST_RUN_BY, is_active=True).first()
    if person is None or Run.objects.exists():
        return
    plan = RunPlan.of_profile(profile="quick", soak_seconds=shipped_policy().values.soak_seconds)
    try:
        run = request_run(actor=Actor(person=person, via="installation"), plan=plan)
    except (GatehouseError, LedgerError) as refusal:
        say(f"The first run was refused: {refusal}")
    else:
        say(f"Queued the first run ({run.pk}), as {FIRST_RUN_BY}: its verdict follows in about two minutes.")


def _has_migrations_to_apply() -> bool:
    """Whether the database is new or older than the code, so that its triggers may rightly differ."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
