"""A fresh directory for a journal on the disk of the checkout, where fsync is real."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """The directory of one journal. Outside of tmp_path only if that is in memory."""
    if not str(tmp_path).startswith("/dev/shm"):
        yield tmp_path / "events" / "credits"
        return
    directory = Path(tempfile.mkdtemp(dir=Path.cwd()))
    yield directory / "events" / "credits"
    shutil.rmtree(directory)
