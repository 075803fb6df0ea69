"""A PostgreSQL of the tests' own: a cluster in a temporary directory, reached by a socket, gone at the end."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from console.tests.waiting import PATIENT_SECONDS

SERVER_USERS = ("postgres", "nobody")
OPTIONS = "-c listen_addresses='' -c fsync=off -c max_connections=30"


def programs() -> Path | None:
    """The directory of PostgreSQL's server programs; None where they are not installed."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return debian[-1].parent if debian else None


@contextmanager
def running(*, at: Path) -> Iterator[str]:
    """A running server with the programs in `at`. Yields the URL of its database `postgres`."""
    directory = Path(tempfile.mkdtemp(prefix="gatehouse-pg-"))
    user = _server_user()
    if user is not None:
        shutil.chown(directory, user)
    cluster, log = directory / "cluster", directory / "log"
    try:
        _call(user, at / "initdb", "-D", cluster, "-A", "trust", "-U", "gatehouse", "-E", "UTF8", "--no-sync")
        _call(user, at / "pg_ctl", "-D", cluster, "-l", log, "-w", "-o", f"{OPTIONS} -k {directory}", "start")
        try:
            directory.chmod(0o755)
            yield f"postgresql://gatehouse@/postgres?host={quote(str(directory), safe='')}"
        finally:
            _call(user, at / "pg_ctl", "-D", cluster, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _server_user() -> str | None:
    """Whom the server runs as: it refuses to be root. None for oneself."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in SERVER_USERS if name in known)


def _call(user: str | None, *words: object) -> None:
    done = subprocess.run(
        list(map(str, words)),
        user=user,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=PATIENT_SECONDS,
    )
    assert done.returncode == 0, done.stderr
