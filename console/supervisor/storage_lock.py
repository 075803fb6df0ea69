"""One supervisor per storage: a file lock that ends with the process, and a note of who holds it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK_NAME = "up.lock"


class StorageInUse(Exception):
    """Another supervisor works on this storage."""


def require_free(*, storage: Path) -> None:
    """Raise `StorageInUse` while somebody holds the storage. Makes nothing."""
    try:
        descriptor = os.open(storage / LOCK_NAME, os.O_RDWR)
    except FileNotFoundError:
        return
    try:
        _lock(descriptor, storage)
    finally:
        os.close(descriptor)


@contextmanager
def held(*, storage: Path, address: str) -> Iterator[None]:
    """Hold the storage while the block runs; the note names this process and its address.

    Raises `StorageInUse`, naming who holds it. The lock is the kernel's: it cannot be left behind by a crash.
    """
    storage.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(storage / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(descriptor, storage)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} at {address}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, storage: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip() or "another process"
        raise StorageInUse(
            f"The storage {storage} is in use by {holder}. Stop that one first, or choose another storage with "
            "GATEHOUSE_STORAGE and another port with PORT."
        ) from None
