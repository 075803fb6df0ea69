"""Evidence that was being written when its writer was killed: found, and deleted when nobody can be writing it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.tests.waiting import until
from testruns.evidence import CHUNK_BYTES, INCOMING, INCOMING_SECONDS, sweep_incoming
from testruns.processes import ROOT
from testruns.tests.runs.processes import Cluster, product_environment

WRITER = """
import django, sys
from pathlib import Path
django.setup()
from testruns.evidence import store_file
store_file(path=Path(sys.argv[1]), media_type="text/plain")
"""


@pytest.fixture
def storage(settings: Any) -> Iterator[Path]:
    """The storage that the processes of the test use too."""
    yield settings.STORAGE
    shutil.rmtree(settings.STORAGE / "evidence", ignore_errors=True)


@pytest.fixture
def writer(storage: Path, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process in the middle of storing a file that goes on and on."""
    source = tmp_path / "endless"
    os.mkfifo(source)
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(source)], cwd=ROOT, env=product_environment())
    with source.open("wb", buffering=0) as endless:
        endless.write(b"x" * CHUNK_BYTES)
        until(lambda: any(path.stat().st_size for path in incoming(storage)), seconds=15)
        yield process
        process.kill()
        process.wait()


def incoming(storage: Path) -> list[Path]:
    """Every half-written file."""
    return list((storage / "evidence").glob(f"{INCOMING}*"))


def grow_old(path: Path) -> None:
    """As if it had last been written to long ago."""
    at = path.stat().st_mtime - INCOMING_SECONDS - 1
    os.utime(path, (at, at))


def test_what_a_living_writer_writes_is_left_alone_however_old_it_looks(
    writer: subprocess.Popen[bytes], storage: Path
) -> None:
    """A slow disk is no reason to lose evidence."""
    (path,) = incoming(storage)
    grow_old(path)

    assert sweep_incoming() == []
    assert path.exists()


def test_what_a_killed_writer_left_is_swept_once_it_is_old(writer: subprocess.Popen[bytes], storage: Path) -> None:
    """Young files stay: their writer may be about to lock them."""
    (path,) = incoming(storage)
    writer.kill()
    writer.wait()

    of_young = sweep_incoming()
    grow_old(path)

    assert of_young == []
    assert sweep_incoming() == [path]
    assert incoming(storage) == []


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_starts_sweeps_before_its_first_task(writer: subprocess.Popen[bytes], storage: Path) -> None:
    """A real cluster after a real kill -9."""
    (path,) = incoming(storage)
    writer.kill()
    writer.wait()
    grow_old(path)
    cluster = Cluster()

    try:
        cluster.start()
        until(lambda: not path.exists(), seconds=15)
    finally:
        cluster.kill()

    assert incoming(storage) == []
