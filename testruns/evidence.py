"""The evidence store: files named by their own SHA-256 under `storage/evidence/ab/abcd...`.

A file is written beside its place, fsynced, renamed, and its directory fsynced; only then does the row exist. So a row
always has its bytes, while bytes without a row are harmless and found again by their name. Reading checks the digest:
a file that was changed on disk is reported, never handed on.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from console.kernel.errors import GatehouseError
from ledger import gettext_noop
from testruns.models import Evidence

CHUNK_BYTES = 1 << 20
INCOMING = ".incoming-"
INCOMING_SECONDS = 60.0
CHECKED_MAX = 1000
"""Files that a process remembers to have checked."""
CLOCK_STEP_SECONDS = 0.1
"""Two changes within one step of the file system's clock can leave the same time; a file as young as that is checked
again."""

_checked: dict[tuple[str, int, int, int, int], None] = {}


class EvidenceMissing(GatehouseError):
    """The row is there, the file is not."""

    code = "evidence-missing"
    message = gettext_noop(
        "The evidence file %(digest)s is missing from the store. Restore it from a copy of storage/."
    )


class EvidenceDamaged(GatehouseError):
    """The bytes on disk no longer have the digest they are named by."""

    code = "evidence-damaged"
    message = gettext_noop("The evidence file %(digest)s was changed: its bytes now have the digest %(found)s.")


def store(*, content: bytes, media_type: str) -> Evidence:
    """Put bytes into the store; the same bytes stored again are the same evidence.

    Not to be called inside a transaction: it writes and fsyncs.
    """
    return _store_stream(io.BytesIO(content), media_type=media_type)


def store_file(*, path: Path, media_type: str) -> Evidence:
    """Put a copy of the file at `path` into the store, without reading it into memory at once."""
    with path.open("rb") as source:
        return _store_stream(source, media_type=media_type)


def read(digest: str) -> bytes:
    """The bytes of one piece of evidence, checked against their digest. EvidenceMissing, EvidenceDamaged."""
    path = path_of(digest)
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise EvidenceMissing(digest=digest) from error
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        raise EvidenceDamaged(digest=digest, found=found)
    return content


def open_checked(digest: str) -> BinaryIO:
    """The file of one piece of evidence, open at its start, after all of it was checked against its digest.

    Memory does not grow with the file. EvidenceMissing, EvidenceDamaged.
    """
    file = _open(digest)
    _check(file, digest)
    return file


def open_unchanged(digest: str) -> BinaryIO:
    """As `open_checked`, for parts of a file: one that this process checked before is not read whole again.

    Whatever is written to a file moves its change time, which no program sets back. EvidenceMissing, EvidenceDamaged.
    """
    file = _open(digest)
    state = os.fstat(file.fileno())
    known = (digest, state.st_dev, state.st_ino, state.st_size, state.st_ctime_ns)
    if known not in _checked:
        _check(file, digest)
        if time.time() - state.st_ctime > CLOCK_STEP_SECONDS:
            if len(_checked) >= CHECKED_MAX:
                _checked.clear()
            _checked[known] = None
    return file


def _open(digest: str) -> BinaryIO:
    try:
        return path_of(digest).open("rb")
    except FileNotFoundError as error:
        raise EvidenceMissing(digest=digest) from error


def _check(file: BinaryIO, digest: str) -> None:
    """Read the whole file and go back to its start; EvidenceDamaged closes it."""
    hasher = hashlib.sha256()
    for chunk in _chunks(file):
        hasher.update(chunk)
    if hasher.hexdigest() != digest:
        file.close()
        raise EvidenceDamaged(digest=digest, found=hasher.hexdigest())
    file.seek(0)


def sweep_incoming(*, older_than_seconds: float = INCOMING_SECONDS) -> list[Path]:
    """Delete what writers that were killed left behind half written, and return it.

    A living writer holds a lock on its file, which ends with its process. The age (of the last write) covers the moment
    between making the file and locking it.
    """
    swept = []
    for path in _root().glob(f"{INCOMING}*"):
        with contextlib.suppress(FileNotFoundError):  # its writer has just put it in place
            if time.time() - path.stat().st_mtime >= older_than_seconds and not _has_writer(path):
                path.unlink()
                swept.append(path)
    return swept


def _has_writer(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def path_of(digest: str) -> Path:
    """Where the file of this digest lies. ValueError when it is not a SHA-256 in lower-case hex."""
    if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        raise ValueError(f"not a SHA-256 in lower-case hex: {digest!r}")
    return _root() / digest[:2] / digest


def _root() -> Path:
    return Path(settings.STORAGE) / "evidence"


def _store_stream(source: BinaryIO, *, media_type: str) -> Evidence:
    root = _root()
    root.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=root, prefix=INCOMING)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as target:
            fcntl.flock(descriptor, fcntl.LOCK_SH)  # until it is in place: `sweep_incoming` leaves it alone
            digest, size = _copy(source, target)
            target.flush()
            os.fchmod(target.fileno(), 0o444)
            os.fsync(target.fileno())
            _move_into_place(temporary, path_of(digest))
    finally:
        temporary.unlink(missing_ok=True)
    evidence, _ = Evidence.objects.get_or_create(digest=digest, defaults={"size": size, "media_type": media_type})
    return evidence


def _copy(source: BinaryIO, target: BinaryIO) -> tuple[str, int]:
    hasher = hashlib.sha256()
    size = 0
    for chunk in _chunks(source):
        hasher.update(chunk)
        target.write(chunk)
        size += len(chunk)
    return hasher.hexdigest(), size


def _chunks(source: BinaryIO) -> Iterator[bytes]:
    while chunk := source.read(CHUNK_BYTES):
        yield chunk


def _move_into_place(temporary: Path, place: Path) -> None:
    if not place.parent.is_dir():
        place.parent.mkdir(exist_ok=True)
        _sync_directory(place.parent.parent)
    temporary.replace(place)  # the same bytes by construction, so replacing an older copy (even a damaged one) is right
    _sync_directory(place.parent)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
