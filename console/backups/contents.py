"""What a backup holds: a directory of files, and last of all `backup.json` with the digest of each.

A directory without `backup.json` is no backup. It is written at the end, and only then does the directory get its
name, so nothing that was interrupted looks finished.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from console.kernel.errors import GatehouseError
from ledger import canonical_bytes, gettext_noop

NAME: Final = "backup.json"
FORMAT: Final = 1
CHUNK_BYTES: Final = 1 << 20
PRIVATE_MODE: Final = 0o600
DIRECTORY_MODE: Final = 0o700


class BackupRefused(GatehouseError):
    """Base of what keeps a backup from being made or restored."""

    code = "backup-refused"
    message = gettext_noop("The backup cannot be made or restored.")


class NoBackup(BackupRefused):
    """An interrupted one, or something else."""

    code = "no-backup"
    message = gettext_noop("%(path)s is no finished backup.")


class BackupDamaged(BackupRefused):
    """Not what was written into it."""

    code = "backup-damaged"
    message = gettext_noop("The backup is damaged: %(file)s is missing or was changed. Nothing was restored.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Contents:
    """The list of a backup. Paths are relative, with `/`. database: "sqlite" or "postgresql".

    audit_index, audit_head: the last entry of the audit chain in the database. migrations: what was applied to it, as
    `app.name`. files: SHA-256 by path. links: targets of symbolic links by path.
    """

    made_at: str
    database: str
    audit_index: int
    audit_head: str
    migrations: tuple[str, ...]
    files: Mapping[str, str]
    links: Mapping[str, str]

    def as_bytes(self) -> bytes:
        """The bytes of `backup.json`; their digest stands for the whole backup."""
        return canonical_bytes(
            {
                "format": FORMAT,
                "made_at": self.made_at,
                "database": self.database,
                "auditChain": {"index": self.audit_index, "head": self.audit_head},
                "migrations": list(self.migrations),
                "files": dict(self.files),
                "links": dict(self.links),
            }
        )


def read_contents(directory: Path) -> Contents:
    """The list of a finished backup. Raises NoBackup."""
    try:
        content = json.loads((directory / NAME).read_bytes())
        if content["format"] != FORMAT:
            raise NoBackup(path=directory)
        contents = Contents(
            made_at=content["made_at"],
            database=content["database"],
            audit_index=content["auditChain"]["index"],
            audit_head=content["auditChain"]["head"],
            migrations=tuple(content["migrations"]),
            files={str(path): str(digest) for path, digest in content["files"].items()},
            links={str(path): str(target) for path, target in content["links"].items()},
        )
        paths = [PurePosixPath(path) for path in (*contents.files, *contents.links, *contents.links.values())]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NoBackup(path=directory) from error
    if any(path.is_absolute() or ".." in path.parts for path in paths):
        raise NoBackup(path=directory)
    return contents


def files_below(directory: Path) -> Iterator[Path]:
    """Every regular file, sorted."""
    return (path for path in sorted(directory.rglob("*")) if path.is_file() and not path.is_symlink())


def copy_file(source: Path, target: Path) -> str:
    """Copy the bytes durably into a new file; the answer is their SHA-256. OSError.

    What its owner may do with it stays, everybody else may do nothing.
    """
    make_directory(target.parent)
    mode = stat.S_IMODE(source.stat().st_mode) & DIRECTORY_MODE
    digest = hashlib.sha256()
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with source.open("rb") as reader, os.fdopen(descriptor, "wb") as writer:
        while chunk := reader.read(CHUNK_BYTES):
            digest.update(chunk)
            writer.write(chunk)
        writer.flush()
        os.fchmod(writer.fileno(), mode)
        os.fsync(writer.fileno())
    return digest.hexdigest()


def digest_of_file(path: Path) -> str:
    """SHA-256 of a file. OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_directory(path: Path) -> None:
    """Make it and those above it, for the owner alone."""
    missing = [one for one in (path, *path.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(exist_ok=True)
        one.chmod(DIRECTORY_MODE)


def sync_tree(directory: Path) -> None:
    """Make the names in it, and in every directory below, survive a power cut."""
    for path in (directory, *directory.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            sync_directory(path)


def sync_directory(directory: Path) -> None:
    """Make the names in one directory survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
