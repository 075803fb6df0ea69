"""The database in a backup: one consistent snapshot, taken while others write.

SQLite: its online backup in one step, which is a read transaction: with the WAL, writers go on. PostgreSQL: `pg_dump`,
which reads in one snapshot, and `pg_restore` in one transaction; both must be installed.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from django.db import connection

from console.backups.contents import PRIVATE_MODE, BackupRefused
from ledger import gettext_noop

SQLITE, POSTGRESQL = "sqlite", "postgresql"
FILES: Final[Mapping[str, str]] = {SQLITE: "gatehouse.sqlite3", POSTGRESQL: "gatehouse.pgdump"}


class ToolMissing(BackupRefused):
    """PostgreSQL is saved and restored by its own programs."""

    code = "backup-tool-missing"
    message = gettext_noop("%(tool)s is not installed; a PostgreSQL database cannot be saved or restored without it.")


class ToolFailed(BackupRefused):
    """The program said why."""

    code = "backup-tool-failed"
    message = gettext_noop("%(tool)s failed: %(reason)s")


class OtherDatabase(BackupRefused):
    """An SQLite file cannot be put into PostgreSQL, nor the other way round."""

    code = "backup-of-another-database"
    message = gettext_noop("The backup holds a %(held)s database, this installation uses %(used)s: set DATABASE_URL.")


def kind_in_use() -> str:
    """Which of the two this installation uses."""
    return POSTGRESQL if connection.vendor == "postgresql" else SQLITE


def snapshot(target: Path) -> None:
    """Write the database as it is at this moment into a new file. Raises BackupRefused, sqlite3.Error, OSError."""
    target.touch(mode=PRIVATE_MODE, exist_ok=False)
    if kind_in_use() == POSTGRESQL:
        dump_postgresql(settings=connection.settings_dict, target=target)
    else:
        copy_sqlite(source=Path(connection.settings_dict["NAME"]), target=target)


def copy_sqlite(*, source: Path, target: Path) -> None:
    """Copy in one step, then leave one sound file without a log beside it."""
    with closing(sqlite3.connect(source, timeout=60)) as reader, closing(sqlite3.connect(target)) as writer:
        reader.backup(writer, pages=-1)
        writer.execute("PRAGMA journal_mode=DELETE")
        writer.execute("PRAGMA ignore_check_constraints=ON")  # they call functions that only Django's connections have
        verdict = writer.execute("PRAGMA integrity_check").fetchone()[0]
    if verdict != "ok":
        raise ToolFailed(tool="integrity_check", reason=verdict)
    with target.open("rb") as file:
        os.fsync(file.fileno())


def dump_postgresql(*, settings: Mapping[str, Any], target: Path) -> None:
    """Save with pg_dump in its own format. settings: as Django has them. Raises ToolMissing, ToolFailed."""
    _run("pg_dump", ["--format=custom", f"--file={target}"], settings)


def load_postgresql(*, settings: Mapping[str, Any], source: Path) -> None:
    """Restore into an empty database, all or nothing. Raises ToolMissing, ToolFailed."""
    _run("pg_restore", ["--single-transaction", "--exit-on-error", str(source)], settings)


def tables_in_use() -> Iterable[str]:
    """The tables that are there; of an SQLite database that is no file yet there are none."""
    if kind_in_use() == SQLITE and not Path(connection.settings_dict["NAME"]).exists():
        return []
    return connection.introspection.table_names()


def _run(tool: str, arguments: list[str], settings: Mapping[str, Any]) -> None:
    """The password goes by the environment: every process on the machine can read arguments."""
    program = shutil.which(tool)
    if program is None:
        raise ToolMissing(tool=tool)
    secret = {"PGPASSWORD": str(settings["PASSWORD"])} if settings.get("PASSWORD") else {}
    ended = subprocess.run(
        [program, "--no-password", "--no-owner", "--no-privileges", f"--dbname={_address_of(settings)}", *arguments],
        env=os.environ | secret,
        capture_output=True,
        text=True,
    )
    if ended.returncode:
        raise ToolFailed(tool=tool, reason=ended.stderr.strip()[-500:])


def _address_of(settings: Mapping[str, Any]) -> str:
    """The address as libpq reads it; what stood in the query of DATABASE_URL is libpq's already."""
    named = {"dbname": "NAME", "user": "USER", "host": "HOST", "port": "PORT"}
    words = {word: settings.get(key) for word, key in named.items()} | dict(settings.get("OPTIONS", {}))
    quoted = {word: str(value).replace("\\", "\\\\").replace("'", "\\'") for word, value in words.items() if value}
    return " ".join(f"{word}='{value}'" for word, value in quoted.items())
