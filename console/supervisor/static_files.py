"""The static files as they are served: collected, named after their content, compressed; once per state of theirs."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.management.commands.collectstatic import Command
from django.core.files.storage import storages
from django.core.management import call_command

STAMP = ".collected"
"""Holds the state of the sources that was collected; written last."""
_LOCK = ".collecting"


def collect_static_files(*, target: Path) -> None:
    """Collect the static files unless what is collected is what there is: collecting costs seconds of every start.

    Consoles that start at once from one checkout take turns. One that serves from `target` meanwhile finds every file
    it knows there at any moment, whole: each is made beside `target` and takes its place by a rename.
    """
    wanted = _state_of_sources()
    if _is_collected(target, wanted):
        return
    target.mkdir(parents=True, exist_ok=True)
    with _taking_turns(target):
        if _is_collected(target, wanted):
            return
        beside = target.with_name(f"{target.name}.new")
        shutil.rmtree(beside, ignore_errors=True)
        _collect(beside)
        (target / STAMP).unlink(missing_ok=True)
        _take_places(beside, target)
        shutil.rmtree(beside)
        (target / STAMP).write_text(wanted)


def _is_collected(target: Path, wanted: str) -> bool:
    stamp = target / STAMP
    return stamp.is_file() and stamp.read_text() == wanted


@contextmanager
def _taking_turns(target: Path) -> Iterator[None]:
    """One process at a time; the lock is the kernel's: it cannot be left behind by a crash."""
    descriptor = os.open(target / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _collect(target: Path) -> None:
    command = Command()
    command.storage = storages.create_storage(settings.STORAGES["staticfiles"] | {"OPTIONS": {"location": str(target)}})
    call_command(command, interactive=False, verbosity=0)


def _take_places(beside: Path, target: Path) -> None:
    """Each file the place of its predecessor; the list of names comes last, after everything it names."""
    files = [path for path in beside.rglob("*") if path.is_file()]
    for path in sorted(files, key=lambda path: path.name == "staticfiles.json"):
        place = target / path.relative_to(beside)
        place.parent.mkdir(parents=True, exist_ok=True)
        path.replace(place)


def _state_of_sources() -> str:
    """A digest of every source file's name, size and time of change."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in sorted(finder.list([]), key=lambda found: found[0]):
            path = Path(storage.path(name))
            status = path.stat()
            digest.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
