"""`manage.py up`, with real processes: what it creates, whom it refuses, and that it leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import psutil
import pytest

from console.tests.supervisor.conftest import Start
from console.tests.supervisor.console_process import ROOT, ConsoleProcess
from console.tests.waiting import PATIENT_SECONDS, wait_until

LOGINS = ["engineer", "tester", "reviewer", "supervisor", "auditor", "admin"]
STOP_SECONDS = 10


def seeded_rows(console: ConsoleProcess) -> dict[str, list[tuple[object, ...]]]:
    """What a start may create, and a later one must not touch."""
    tables = ["kernel_person", "auth_group", "console_phase", "console_phasedependency", "testruns_gatepolicy"]
    rows = {table: console.rows(f"SELECT * FROM {table} ORDER BY 1") for table in tables}
    return rows | {"runs": console.rows("SELECT id, requested_by_id, profile, via FROM testruns_run")}


def test_the_first_start_creates_everything_once_and_the_second_nothing(start: Start) -> None:
    """Phases, policy, roles, logins and one quick run come with an empty storage, and never again."""
    first = start()
    status, headers = first.get("/")
    before = seeded_rows(first)
    first.end()

    assert status == 200
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert first.rows("SELECT group_concat(code) FROM console_phase WHERE state = 'BLOCKED'") == [("5a,6a,7a,8a",)]
    assert len(before["console_phase"]) == 8
    assert len(before["testruns_gatepolicy"]) >= 1
    assert first.rows("SELECT username FROM kernel_person WHERE is_superuser") == [("admin",)]
    assert first.rows(
        "SELECT p.username, r.profile, r.via FROM testruns_run r JOIN kernel_person p ON p.id = r.requested_by_id"
    ) == [("tester", "quick", "installation")]

    kept = first.storage / "first-login.txt"
    for path in (kept, first.storage / "gatehouse.sqlite3", first.storage / "keys" / "secret-key"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    passwords = dict(line.split() for line in kept.read_text().splitlines()[2:])
    assert list(passwords) == LOGINS
    assert all(password in first.output and len(password) >= 16 for password in passwords.values())

    first.cancel_runs()
    second = start()
    assert second.url
    checkpoints = first.storage / "events" / "credits.checkpoints"
    wait_until(lambda: any(checkpoints.glob("*.note")), timeout_seconds=60, what="the first checkpoint of the journal")
    assert seeded_rows(second) == before
    assert "password" not in second.output.lower()
    assert not any(password in second.output for password in passwords.values())


def test_a_second_instance_on_the_same_storage_is_refused_by_name(console: ConsoleProcess, start: Start) -> None:
    """It says which process has the storage and how to go on; the first one is not disturbed."""
    second = start()
    code = second.process.wait(timeout=PATIENT_SECONDS)
    wait_until(lambda: "in use" in second.output, timeout_seconds=5, what="the refusal")

    assert code == 1
    assert f"The storage {console.storage} is in use by process {console.process.pid}" in second.output
    assert "GATEHOUSE_STORAGE" in second.output
    assert "Traceback" not in second.output
    assert console.get("/")[0] == 200


def health(console: ConsoleProcess) -> dict[str, str]:
    """The status of every part at /api/health."""
    try:
        with urlopen(f"{console.url}api/health", timeout=PATIENT_SECONDS) as answer:  # noqa: S310 - our own address
            told = json.load(answer)
    except HTTPError as failed:
        with failed:
            told = json.load(failed)
    return {name: check["status"] for name, check in told["checks"].items()}


def is_healthy(console: ConsoleProcess) -> bool:
    """Whether every part is."""
    return set(health(console).values()) == {"ok"}


def is_alive(process: psutil.Process) -> bool:
    """Whether it runs: neither ended nor waiting to be buried."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_worker_that_dies_is_started_again_and_said(console: ConsoleProcess) -> None:
    """kill -9 of the task worker's main process leaves orphans that go on taking tasks: all are replaced."""
    wait_until(lambda: is_healthy(console), timeout_seconds=20, what="an installation of which every part works")
    worker = console.process_named("qcluster")
    orphans = worker.children(recursive=True)

    worker.kill()
    console.wait_for("The task worker ended (killed by SIGKILL)")
    wait_until(lambda: not any(map(is_alive, orphans)), timeout_seconds=10, what="the end of the orphans")
    wait_until(lambda: console.is_running("qcluster"), timeout_seconds=10, what="a new worker")

    assert console.process_named("qcluster").pid not in {worker.pid, *(orphan.pid for orphan in orphans)}
    wait_until(lambda: is_healthy(console), timeout_seconds=20, what="the new worker's sign of life")


def test_a_notifier_that_dies_is_started_again_and_said(console: ConsoleProcess) -> None:
    """Nobody would miss an e-mail that was never sent."""
    wait_until(lambda: console.is_running("manage.py notify"), timeout_seconds=20, what="the notifier")
    first = console.process_named("manage.py notify")

    first.kill()
    console.wait_for("The notifier ended (killed by SIGKILL)")
    wait_until(lambda: console.is_running("manage.py notify"), timeout_seconds=20, what="another notifier")

    assert console.process_named("manage.py notify").pid != first.pid


def test_a_web_server_that_dies_is_started_again_on_the_same_address(console: ConsoleProcess) -> None:
    """The supervisor keeps the port, so a browser that asks meanwhile waits instead of failing."""
    console.process_named("gunicorn").kill()
    console.wait_for("The web server ended (killed by SIGKILL)")  # what it had accepted ended with it

    assert console.get("/")[0] == 200


def test_a_guard_that_dies_is_replaced_by_one_that_knows_as_much(console: ConsoleProcess) -> None:
    """When guard and then supervisor were killed, still nothing is left, a worker that hears no signal included."""
    console.process_named("console.supervisor.guard").kill()
    console.wait_for("another one has taken its place")
    console.process_named("qcluster").suspend()

    console.end(signal.SIGKILL)

    assert console.seconds_until_nothing_is_left(timeout_seconds=STOP_SECONDS) < STOP_SECONDS


def test_a_database_that_lost_a_trigger_is_not_served(start: Start, prepared: Path) -> None:
    """A start must not quietly put back what somebody took away; migrate is the act that does."""
    with closing(sqlite3.connect(prepared / "gatehouse.sqlite3", isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER kernel_auditentry_refuse_update")

    refused = start()
    code = refused.process.wait(timeout=PATIENT_SECONDS)
    wait_until(lambda: "is missing" in refused.output, timeout_seconds=5, what="the refusal")
    subprocess.run(
        [sys.executable, "manage.py", "migrate"], cwd=ROOT, env=refused.environment, check=True, timeout=PATIENT_SECONDS
    )

    assert code == 1
    assert "kernel_auditentry_refuse_update is missing" in refused.output
    assert "Traceback" not in refused.output
    assert start().url


def test_ctrl_c_stops_everything_within_seconds(console: ConsoleProcess) -> None:
    """The supervisor says so, exits with 0 and leaves no process, although a run is being executed."""
    console.begin_scenario()

    code = console.end(signal.SIGINT)

    assert code == 0
    assert "nothing is left running" in console.output
    assert console.seconds_until_nothing_is_left(timeout_seconds=1) < 1


def test_killing_the_supervisor_leaves_no_process_within_ten_seconds(console: ConsoleProcess) -> None:
    """kill -9 gives it no chance to tidy up; kernel, lifeline and guard do, in the middle of a scenario too."""
    console.begin_scenario()

    console.end(signal.SIGKILL)

    assert console.seconds_until_nothing_is_left(timeout_seconds=STOP_SECONDS) < STOP_SECONDS


def test_it_stops_when_make_is_killed(prepared: Path) -> None:
    """`make run` passes --with-parent: the console does not outlive the command that was typed."""
    parent = subprocess.Popen(
        [sys.executable, "-c", "import subprocess, sys; subprocess.run([sys.executable, *sys.argv[1:]])", "manage.py",
         "up", "--port", "0", "--with-parent"],
        cwd=ROOT,
        env=os.environ | {"GATEHOUSE_STORAGE": str(prepared), "DJANGO_SETTINGS_MODULE": "console.settings"},
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    watcher = ConsoleProcess.__new__(ConsoleProcess)
    watcher.storage = prepared
    assert parent.stdout is not None
    assert any("Gatehouse answers at " in line for line in iter(parent.stdout.readline, ""))

    parent.kill()
    parent.wait()
    parent.stdout.close()

    assert watcher.seconds_until_nothing_is_left(timeout_seconds=STOP_SECONDS) < STOP_SECONDS


def test_a_taken_port_is_named_with_the_process_that_has_it(start: Start, tmp_path: Path) -> None:
    """Nothing is made for a console that could not be opened: no storage, no key, no lock."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        console = start(on=tmp_path / "storage", port=port)
        code = console.process.wait(timeout=PATIENT_SECONDS)
        wait_until(lambda: "taken" in console.output, timeout_seconds=5, what="the refusal")

    assert code == 1
    assert f"Port {port} on 127.0.0.1 is taken by" in console.output
    assert f"(process {os.getpid()})" in console.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("named", "arguments", "said"),
    [
        ("80a", [], "PORT is '80a'"),
        ("65536", [], "PORT is '65536'"),
        ("", ["--port", "65536"], "The port is 65536"),
        ("", ["--port", "-1"], "The port is -1"),
    ],
)
def test_a_wrong_port_is_refused_in_words_and_leaves_nothing(
    tmp_path: Path, named: str, arguments: list[str], said: str
) -> None:
    """A typing mistake is a sentence, not a traceback, and makes no storage."""
    storage = tmp_path / "storage"
    refused = subprocess.run(
        [sys.executable, "manage.py", "up", *arguments],
        cwd=ROOT,
        env=os.environ
        | {"PORT": named, "DJANGO_SETTINGS_MODULE": "console.settings", "GATEHOUSE_STORAGE": str(storage)},
        capture_output=True,
        text=True,
        timeout=PATIENT_SECONDS,
    )

    assert refused.returncode == 1
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not storage.exists()
