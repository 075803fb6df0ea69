"""Collecting static files: only when it changes something, one console at a time, unseen by whoever serves them."""

from __future__ import annotations

import fcntl
import gzip
import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import psutil
import pytest
from pytest_django import Settings

from console.supervisor.static_files import STAMP, collect_static_files
from console.tests.supervisor.console_process import ROOT
from console.tests.waiting import PATIENT_SECONDS, wait_until

COLLECT = f"""
import json, sys
from pathlib import Path
from django.conf import settings

sources, target = sys.argv[1:]
settings.configure(
    INSTALLED_APPS=["django.contrib.staticfiles"],
    STATICFILES_DIRS=[sources],
    STATIC_ROOT=target,
    STATIC_URL="static/",
    STORAGES={{"staticfiles": {{"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}}}},
)
import django
django.setup()
from console.supervisor.static_files import collect_static_files

WRITTEN, REPLACED = [], []

def note(event, details):
    if event in ("open", "os.remove") and isinstance(details[0], (str, Path)):
        path = Path(details[0])
        if path.is_relative_to(target) and (event == "os.remove" or details[2] & 3) and path.name != {STAMP!r}:
            WRITTEN.append(path.name)
    elif event == "os.rename":
        REPLACED.append(Path(details[1]).name)

sys.addaudithook(note)
collect_static_files(target=Path(target))
print(json.dumps([WRITTEN, REPLACED]))
"""


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A style sheet, and another that needs it."""
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "base.css").write_text("a {}" * 100)
    (sources / "theme.css").write_text('@import "base.css";')
    return sources


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where they are collected."""
    target = tmp_path / "target"
    target.mkdir()
    return target


def collecting(sources: Path, target: Path) -> subprocess.Popen[str]:
    """A process that collects, and says what it wrote or removed in place and what it put in place by a rename."""
    return subprocess.Popen(
        [sys.executable, "-c", COLLECT, str(sources), str(target)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def said_by(process: subprocess.Popen[str]) -> tuple[list[str], list[str]]:
    """What it said once it ended well."""
    output, _ = process.communicate(timeout=PATIENT_SECONDS)
    assert process.returncode == 0
    written, replaced = json.loads(output)
    return written, replaced


def test_static_files_are_collected_once_and_again_when_a_source_changed(
    sources: Path, target: Path, settings: Settings
) -> None:
    """Collecting costs seconds of every start, so it happens only when it would change something."""
    settings.STATICFILES_DIRS = [sources]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]

    collect_static_files(target=target)
    (target / "theme.css").unlink()
    collect_static_files(target=target)
    assert not (target / "theme.css").exists()

    (sources / "theme.css").write_text("b {color: red}")
    collect_static_files(target=target)

    assert (target / "theme.css").read_text() == "b {color: red}"


def test_of_two_consoles_that_start_at_once_one_collects_and_the_other_waits_for_it(
    sources: Path, target: Path
) -> None:
    """Both have looked and found nothing before either begins, which only the second look, under the lock, survives."""
    with (target / ".collecting").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        both = [collecting(sources, target) for _ in range(2)]
        for process in both:
            wait_until(partial(is_at, lock.name, process), timeout_seconds=30, what="a process at the lock")

    replaced = [said_by(process)[1] for process in both]

    assert sorted(map(bool, replaced)) == [False, True]
    names = json.loads((target / "staticfiles.json").read_text())["paths"]
    assert sorted(names) == ["base.css", "theme.css"]
    assert gzip.decompress((target / f"{names['base.css']}.gz").read_bytes()) == b"a {}" * 100
    assert not target.with_name("target.new").exists()


def is_at(lock: str, process: subprocess.Popen[str]) -> bool:
    """Whether it has the lock's file open; false before it is that far."""
    return any(file.path == lock for file in psutil.Process(process.pid).open_files())


def test_who_serves_meanwhile_finds_every_file_whole_at_any_moment(sources: Path, target: Path) -> None:
    """Collecting again neither removes a file in place nor writes one there: each is replaced, the list of names last.

    What a killed start left beside it does not get in.
    """
    said_by(collecting(sources, target))
    known = {path.name for path in target.iterdir()}
    (sources / "base.css").write_text("b {}" * 100)
    half = target.with_name("target.new")
    half.mkdir()
    (half / "half.css").write_text("c")

    written, replaced = said_by(collecting(sources, target))

    assert written == [".collecting"]
    assert replaced[-1] == "staticfiles.json"
    assert known <= {path.name for path in target.iterdir()}
    assert not (target / "half.css").exists()
    assert (target / "base.css").read_text() == "b {}" * 100
