"""A running PostgreSQL with the console's tables in it; skipped with a reason where none is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from console.tests.postgresql.cluster import programs, running
from console.tests.waiting import PATIENT_SECONDS

ROOT = Path(__file__).resolve().parents[3]
Python = Callable[..., str]


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of a server of the tests' own."""
    at = programs()
    if at is None:
        pytest.skip("no PostgreSQL server is installed (Debian: postgresql)")
    with running(at=at) as url:
        yield url


@pytest.fixture(scope="session")
def environment(server: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a console whose own database is PostgreSQL."""
    storage = tmp_path_factory.mktemp("storage")
    console = {"GATEHOUSE_STORAGE": str(storage), "DATABASE_URL": server}
    return dict(os.environ) | console | {"DJANGO_SETTINGS_MODULE": "console.tests.installation_settings"}


@pytest.fixture(scope="session")
def migrated(environment: dict[str, str]) -> dict[str, str]:
    """The same environment once its tables are there."""
    done = _python(environment, "manage.py", "migrate", "-v", "0")
    assert done.returncode == 0, done.stderr
    return environment


@pytest.fixture(scope="session")
def python(migrated: dict[str, str]) -> Python:
    """Run Python with these words on the migrated database; it has to succeed unless another code is expected."""

    def call(*words: str, code: int = 0) -> str:
        done = _python(migrated, *words)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    return call


def _python(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENT_SECONDS
    )
