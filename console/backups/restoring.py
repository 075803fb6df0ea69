"""Restoring a backup into an empty storage, and looking whether everything is as it was.

Files are copied aside and compared with their digests first; only when all are right do they move into place, the
database last. Then the console's own checks run: triggers, audit trail, journals, evidence, certificates.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from console.backups import databases
from console.backups.contents import (
    NAME,
    BackupDamaged,
    BackupRefused,
    Contents,
    copy_file,
    digest_of_file,
    make_directory,
    read_contents,
    sync_tree,
)
from console.certificate.bundle import envelope_lines
from console.certificate.check import EXIT_WRONG, check_certificate
from console.certificates import trusted_keys
from console.kernel import audit, governance_journal, triggers
from console.kernel.audit import Head
from console.kernel.verification import verify_audit
from console.models import Certificate
from ledger import gettext_noop, verify_history
from ledger.actions import close_live_ledger
from testruns.evidence import path_of
from testruns.models import Evidence

RESTORED: Final = "backup.restored"
ASIDE: Final = ".restoring"
_MADE_BY_ANY_COMMAND: Final = frozenset({".gitignore", "up.lock", "keys", "keys/secret-key", "cache"})
Say = Callable[[str], None]


class StorageNotEmpty(BackupRefused):
    """Nothing is ever overwritten by a restore."""

    code = "storage-not-empty"
    message = gettext_noop("The storage %(path)s is not empty (%(found)s). Restore into a new one: GATEHOUSE_STORAGE.")


class MadeByNewerVersion(BackupRefused):
    """This version does not know the tables of that one."""

    code = "backup-of-newer-version"
    message = gettext_noop("The backup was made by a newer version (%(migration)s). Restore it with that one.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Restored:
    """What was put back and looked at. findings: what is not as it should be, empty when everything is."""

    contents: Contents
    digest: str
    entries: int
    journals: int
    evidence: int
    certificates: int
    findings: tuple[str, ...]


def restore(*, source: Path, say: Say = lambda _: None) -> Restored:
    """Put a backup into the empty storage of this installation. The caller holds the storage.

    Raises NoBackup, BackupDamaged, StorageNotEmpty, OtherDatabase, MadeByNewerVersion, OSError; until everything was
    compared nothing but a directory aside has been written.
    """
    contents = read_contents(source)
    _require_fitting(contents)
    storage = Path(settings.STORAGE)
    _require_empty(storage)
    aside = storage / ASIDE
    make_directory(aside)
    try:
        _copy_aside(source, aside, contents)
        say(f"{len(contents.files):,} files are as they were saved")
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    _move_into_place(aside, storage, contents)
    digest = digest_of_file(source / NAME)
    return _look(contents, digest=digest, say=say)


def _require_fitting(contents: Contents) -> None:
    if contents.database != databases.kind_in_use():
        raise databases.OtherDatabase(held=contents.database, used=databases.kind_in_use())
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}  # asks no database
    for migration in sorted(set(contents.migrations) - known):
        raise MadeByNewerVersion(migration=migration)


def _require_empty(storage: Path) -> None:
    """The secret key of this very command's start may be there: settings make one when there is none."""
    found = [path.relative_to(storage).as_posix() for path in storage.rglob("*")] if storage.exists() else []
    found = [name for name in found if name not in _MADE_BY_ANY_COMMAND]
    if databases.kind_in_use() == databases.SQLITE:
        found = [name for name in found if not name.startswith(f"{databases.FILES[databases.SQLITE]}-")]
    tables = [] if found else list(databases.tables_in_use())
    if found or tables:
        raise StorageNotEmpty(path=storage, found=(found or tables)[0])


def _copy_aside(source: Path, aside: Path, contents: Contents) -> None:
    for relative, digest in contents.files.items():
        path = source / relative
        if not path.is_file() or path.is_symlink():
            raise BackupDamaged(file=relative)
        if copy_file(path, aside / relative) != digest:
            raise BackupDamaged(file=relative)
    for relative, target in contents.links.items():
        make_directory((aside / relative).parent)
        (aside / relative).symlink_to(target)
    sync_tree(aside)


def _move_into_place(aside: Path, storage: Path, contents: Contents) -> None:
    """The database last: without it there is no installation that could be started on half of it."""
    close_live_ledger()
    governance_journal.close()
    connections.close_all()
    (storage / "keys" / "secret-key").unlink(missing_ok=True)
    if (storage / "keys").exists():
        (storage / "keys").rmdir()
    database = databases.FILES[contents.database]
    for path in sorted(aside.iterdir()):
        if path.name != database:
            path.rename(storage / path.name)
    if contents.database == databases.POSTGRESQL:
        databases.load_postgresql(settings=connection.settings_dict, source=aside / database)
        (aside / database).unlink()
    else:
        (aside / database).rename(connection.settings_dict["NAME"])
    aside.rmdir()
    sync_tree(storage)


def _look(contents: Contents, *, digest: str, say: Say) -> Restored:
    """Everything the console can check about itself. Whoever was signed in signs in again."""
    findings: list[str] = []
    if not _has_migrations_to_apply():
        findings += _triggers()  # before migrate, which would quietly put back what somebody took away
    call_command("migrate", interactive=False, verbosity=0)
    Session.objects.all().delete()
    governance_journal.relay()  # the journal was saved before the database and follows it now
    verification = verify_audit(heads=(Head(index=contents.audit_index, hash=contents.audit_head),))
    findings += [str(finding) for finding in verification.findings]
    say(f"audit trail: {verification.entries:,} entries, {verification.rows:,} rows bound to it")
    journals = [name.removesuffix("/journal.json") for name in contents.files if name.endswith("/journal.json")]
    findings += _journals(journals, say=say)
    digests = list(Evidence.objects.values_list("digest", flat=True))
    findings += _evidence(digests)
    say(f"evidence: {len(digests):,} files")
    certificates = list(Certificate.objects.order_by("pk"))
    findings += _certificates(certificates)
    say(f"certificates: {len(certificates):,}")
    with transaction.atomic():
        after = {"digest": digest, "made_at": contents.made_at, "findings": len(findings)}
        audit.record(actor=None, act=RESTORED, object=f"backup:{digest}", after=after)
    governance_journal.close()
    return Restored(
        contents=contents,
        digest=digest,
        entries=verification.entries,
        journals=len(journals),
        evidence=len(digests),
        certificates=len(certificates),
        findings=tuple(findings),
    )


def _has_migrations_to_apply() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _triggers() -> Iterator[str]:
    try:
        triggers.verify()
    except triggers.TriggersDamaged as damage:
        yield str(damage)


def _journals(names: list[str], *, say: Say) -> Iterator[str]:
    for name in names:
        report, differences = verify_history(path=Path(settings.STORAGE) / name)
        say(f"{name}: {report.events:,} events, head {report.head.hash}")
        yield from (f"{name}: {problem.what} in {problem.segment}, line {problem.line}" for problem in report.problems)
        if not report.is_end_proven:
            yield f"{name}: its end is not proven"
        yield from (f"{name}: {difference}" for difference in differences)


def _evidence(digests: list[str]) -> Iterator[str]:
    """The digests of the files were compared as they were copied; here, whether each has the name of its bytes."""
    for digest in digests:
        path = path_of(digest)
        if not path.exists():
            yield f"evidence {digest} is missing"
        elif digest_of_file(path) != digest:
            yield f"evidence {digest} is damaged"


def _certificates(certificates: list[Certificate]) -> Iterator[str]:
    keys = trusted_keys()
    for one in certificates:
        content = envelope_lines(one.envelope, one.vsa)
        checked = check_certificate(content=content, keys=keys, now=timezone.now())
        if checked.exit_code == EXIT_WRONG:
            yield f"certificate {one.digest}: " + "; ".join(check.said(str) for check in checked.checks)
