"""Having a journal alone: no other process has it open for writing, and none can begin until the repair is done."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ledger.doctor.errors import JournalInUse
from ledger.engine.layout import Layout


@contextmanager
def alone_with(layout: Layout) -> Iterator[None]:
    """Hold the journal's lock. Raises JournalInUse while another process writes, or only has it open for writing."""
    descriptor = os.open(layout.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        writers = processes_with(layout.lock)
        if writers:
            raise JournalInUse(process=", ".join(writers))
        yield
    except BlockingIOError as error:
        raise JournalInUse(process=", ".join(processes_with(layout.lock)) or "?") from error
    finally:
        os.close(descriptor)


def processes_with(path: Path) -> list[str]:
    """The other processes that have a file open: number and name. Those of other users only root sees."""
    wanted = path.stat()
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        if directory.name == str(os.getpid()):
            continue
        with suppress(OSError):
            if any(_is_same(entry, wanted) for entry in (directory / "fd").iterdir()):
                found.append(f"{directory.name} ({(directory / 'comm').read_text().strip()})")
    return sorted(found)


def _is_same(entry: Path, wanted: os.stat_result) -> bool:
    with suppress(OSError):
        found = entry.stat()
        return (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino)
    return False
