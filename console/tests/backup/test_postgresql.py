"""A console on PostgreSQL is saved and restored as well: by the database's own programs, in one snapshot."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from console.tests.backup.installations import Installation
from console.tests.backup.test_under_load import turns_of
from console.tests.postgresql.cluster import programs, running

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def databases() -> Iterator[tuple[str, str]]:
    """Two empty databases on a server of the tests' own."""
    at = programs()
    if at is None or not shutil.which("pg_dump"):
        pytest.skip("no PostgreSQL server is installed (Debian: postgresql)")
    with running(at=at) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE second")
        yield url, url.replace("/postgres?", "/second?")


def test_a_console_on_postgresql_is_saved_under_load_and_restored(databases: tuple[str, str], tmp_path: Path) -> None:
    """Into an empty database and storage, with every check green; into one that is in use, not."""
    first = Installation(tmp_path / "first", DATABASE_URL=databases[0]).set_up()
    worker = first.start_worker()
    try:
        done = turns_of(worker)
        saved = first.manage("backup", tmp_path / "saved")
    finally:
        worker.kill()
        worker.communicate()
    assert saved.returncode == 0, saved.stderr
    second = Installation(tmp_path / "second", DATABASE_URL=databases[1])

    in_use = Installation(tmp_path / "third", DATABASE_URL=databases[0]).manage("restore", tmp_path / "saved")
    other_kind = Installation(tmp_path / "fourth").manage("restore", tmp_path / "saved")
    outcome = second.manage("restore", tmp_path / "saved")

    assert (in_use.returncode, "is not empty" in in_use.stderr) == (4, True)
    assert (other_kind.returncode, "DATABASE_URL" in other_kind.stderr) == (4, True)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    with psycopg.connect(databases[1]) as connection:
        entries: dict[int, str] = dict(connection.execute('SELECT "index", object FROM kernel_auditentry').fetchall())
    assert all(entries[int(index)] == digest for index, digest, _seq, _key in done)
    assert second.manage("verify_audit").returncode == 0
