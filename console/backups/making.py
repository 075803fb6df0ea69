"""Making a backup while the console works under load: nothing stops, and what comes out fits together.

Evidence files, journals and public keys only ever grow, and each is on the disk before the database speaks of it. The
database is one snapshot. So the order decides:

1. the governance journal, which follows the database: what it holds, the later snapshot holds as well; what it does
   not hold yet, `relay` writes again after a restore;
2. the snapshot of the database;
3. evidence, all other journals and the keys, which lead: everything the snapshot names is there, and what came
   meanwhile is more than it names, which does no harm.

A journal is copied up to its durable mark, so it ends with a whole command; its checkpoints go with it. Left out,
because nothing rests on them: scratch journals of runs (their evidence is in the evidence store), static files, caches,
the list of first passwords.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder

from console.backups import databases
from console.backups.contents import (
    DIRECTORY_MODE,
    NAME,
    PRIVATE_MODE,
    BackupRefused,
    Contents,
    copy_file,
    digest_of_file,
    files_below,
    make_directory,
    sync_directory,
    sync_tree,
)
from console.certificates import keys_directory
from console.kernel import audit, governance_journal
from ledger import KeptCheckpoints, copy_journal, gettext_noop, verify_history
from ledger.conf import events_directory
from testruns.evidence import path_of
from testruns.models import Evidence

MADE: Final = "backup.made"
Say = Callable[[str], None]


class TargetTaken(BackupRefused):
    """A backup never overwrites anything."""

    code = "backup-target-taken"
    message = gettext_noop("%(path)s exists already. Name a directory that does not.")


class TargetInside(BackupRefused):
    """It would go down with what it is a backup of."""

    code = "backup-target-inside"
    message = gettext_noop("%(path)s lies inside the storage. Put the backup on another disk.")


class JournalDamaged(BackupRefused):
    """A copy of it would be damaged as well."""

    code = "backup-journal-damaged"
    message = gettext_noop("The journal %(path)s is damaged (%(problem)s). Run `ledger verify` on it first.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Backup:
    """A finished backup. digest: SHA-256 of its `backup.json`. warnings: what was not sound before."""

    path: Path
    digest: str
    contents: Contents
    warnings: tuple[str, ...]


def make_backup(*, target: Path, say: Say = lambda _: None) -> Backup:
    """Write a backup into the new directory `target` and put that on record.

    Raises BackupRefused, LedgerError, sqlite3.Error, OSError; then there is no directory of that name.
    """
    target = target.absolute()
    if target.exists():
        raise TargetTaken(path=target)
    if Path(settings.STORAGE).resolve() in target.resolve().parents:
        raise TargetInside(path=target)
    work = target.with_name(f".{target.name}.incomplete-{os.getpid()}")
    work.mkdir(mode=DIRECTORY_MODE, parents=True)
    try:
        contents, warnings = _fill(work, say=say)
        digest = _finish(work, target, contents)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    after = {"digest": digest, "files": len(contents.files), "entries": contents.audit_index}
    with transaction.atomic():
        audit.record(actor=None, act=MADE, object=f"backup:{digest}", after=after)
    return Backup(path=target, digest=digest, contents=contents, warnings=warnings)


def _fill(work: Path, *, say: Say) -> tuple[Contents, tuple[str, ...]]:
    """Everything but the list, in the order that the head of this file explains."""
    governance = governance_journal.directory()
    wrong = _copy_journal(governance, work, say=say) if governance.exists() else []
    head = audit.head()
    migrations = sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations())
    name = databases.FILES[databases.kind_in_use()]
    databases.snapshot(work / name)
    say(f"{name}: {(work / name).stat().st_size:,} bytes")
    evidence, warnings = _copy_evidence(work, say=say)
    for journal in _journals():
        if journal != governance:
            wrong += _copy_journal(journal, work, say=say)
    _copy_keys(work)
    others = (path for path in files_below(work) if path.relative_to(work).as_posix() not in evidence)
    contents = Contents(
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        database=databases.kind_in_use(),
        audit_index=head.index,
        audit_head=head.hash,
        migrations=tuple(migrations),
        files=evidence | {path.relative_to(work).as_posix(): digest_of_file(path) for path in others},
        links={path.relative_to(work).as_posix(): str(path.readlink()) for path in _links_below(work)},
    )
    return contents, (*wrong, *warnings)


def _finish(work: Path, target: Path, contents: Contents) -> str:
    """The list last, everything onto the disk, and only then the name."""
    content = contents.as_bytes()
    descriptor = os.open(work / NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    for directory in (one for one in (work, *work.rglob("*")) if one.is_dir() and not one.is_symlink()):
        directory.chmod(DIRECTORY_MODE)
    sync_tree(work)
    work.rename(target)
    sync_directory(target.parent)
    return hashlib.sha256(content).hexdigest()


def _copy_evidence(work: Path, *, say: Say) -> tuple[dict[str, str], list[str]]:
    """Every piece that a row names; one that is missing or damaged already is said, and no reason to save nothing."""
    copied, warnings = {}, []
    for digest in Evidence.objects.order_by("digest").values_list("digest", flat=True).iterator(chunk_size=1000):
        source = path_of(digest)
        relative = f"evidence/{digest[:2]}/{digest}"
        if not source.exists():
            warnings.append(f"evidence {digest} is missing")
            continue
        copied[relative] = copy_file(source, work / relative)
        if copied[relative] != digest:
            warnings.append(f"evidence {digest} is damaged")
    say(f"evidence: {len(copied):,} files")
    return copied, warnings


def _journals() -> Iterator[Path]:
    """Every journal below events/: live, imported, archived; one that is being imported has a name with a dot."""
    root = events_directory()
    for facts in sorted(root.rglob("journal.json")):
        if not any(part.startswith(".") for part in facts.relative_to(root).parts):
            yield facts.parent


def _copy_journal(source: Path, work: Path, *, say: Say) -> list[str]:
    """Copy and read the copy: a backup of a damaged journal would be worse than none.

    Its checkpoints come first, so that none is newer than the copy: one that is shows that events are gone. That is
    answered, and no reason to save nothing.
    """
    relative = source.relative_to(Path(settings.STORAGE))
    make_directory((work / relative).parent)
    KeptCheckpoints(source).copy_to(work / relative)
    head = copy_journal(source=source, target=work / relative)
    report, differences = verify_history(path=work / relative)
    if not report.is_sound:
        raise JournalDamaged(path=source, problem=report.problems[0].what)
    say(f"{relative}: {head.seq:,} events")
    return [f"{relative}: {difference}" for difference in differences]


def _copy_keys(work: Path) -> None:
    """Public halves too; drafts of a key that is just being made have a name with a dot."""
    for path in files_below(keys_directory()):
        relative = path.relative_to(keys_directory())
        if not path.name.startswith("."):
            copy_file(path, work / "keys" / relative)


def _links_below(work: Path) -> Iterator[Path]:
    return (path for path in sorted(work.rglob("*")) if path.is_symlink())
