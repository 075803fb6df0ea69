"""Backups of an installation that is at work: what was done before is in them, and what comes out is whole."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from console.tests.backup.conftest import LivedIn
from console.tests.backup.installations import Installation
from console.tests.test_environment import ROOT
from console.tests.waiting import wait_until
from ledger import verify

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(400)]
TURNS = 30


def turns_of(worker: subprocess.Popen[str], *, count: int = TURNS) -> list[list[str]]:
    """The next turns that were acknowledged."""
    assert worker.stdout is not None
    return [worker.stdout.readline().split() for _ in range(count)]


def assert_holds(storage: Path, turns: list[list[str]]) -> None:
    """Audit entry, evidence, journal event and key of every turn are there."""
    head = verify(path=storage / "events" / "credits").head
    with closing(sqlite3.connect(storage / "gatehouse.sqlite3")) as database:
        entries = dict(database.execute('SELECT "index", object FROM kernel_auditentry'))
    for index, digest, seq, key in turns:
        assert entries[int(index)] == digest
        assert (storage / "evidence" / digest[:2] / digest).is_file()
        assert int(seq) <= head.seq
        assert (storage / "keys" / "public" / f"{key}.pem").is_file()


def test_backups_beside_a_worker_restore_to_a_sound_installation(lived_in: LivedIn, tmp_path: Path) -> None:
    """Two backups while evidence, credits, audit entries and keys change; each restores with every check green."""
    done: list[list[str]] = []
    worker = lived_in.installation.start_worker()
    try:
        for number in range(2):
            done += turns_of(worker)
            saved = lived_in.installation.manage("backup", tmp_path / f"saved-{number}")
            worker.send_signal(signal.SIGSTOP)
            assert saved.returncode == 0, saved.stderr
            restored = Installation(tmp_path / f"restored-{number}")

            outcome = restored.manage("restore", tmp_path / f"saved-{number}")

            assert outcome.returncode == 0, outcome.stdout + outcome.stderr
            assert "certificates: 1" in outcome.stdout
            assert outcome.stdout.splitlines()[-1].startswith("Restored, and everything is as it was.")
            assert_holds(restored.storage, done)
            worker.send_signal(signal.SIGCONT)
    finally:
        worker.kill()
        worker.communicate()

    for command in (["verify_audit"], ["ledger", "verify"], ["check_invariants"]):
        checked = restored.manage(*command)
        assert checked.returncode == 0, checked.stdout + checked.stderr
    checked = restored.manage("verify_certificate", lived_in.certificate)
    assert checked.returncode == 0, checked.stdout
    assert checked.stdout.splitlines()[-1].endswith("the release stands.")
    for name in ("relay_audit", "verify_audit"):  # the kill may have come between an entry and its relay
        checked = lived_in.installation.manage(name)
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_restored_installation_goes_on_working(lived_in: LivedIn, tmp_path: Path) -> None:
    """It takes up work where the saved one was, held against the same checkpoints, and can be saved again."""
    restored = Installation(Path(shutil.copytree(lived_in.restored.storage, tmp_path / "restored", symlinks=True)))
    assert "1 checkpoints compared" in restored.manage("ledger", "verify").stdout

    worker = restored.start_worker()
    try:
        done = turns_of(worker)
    finally:
        worker.kill()
        worker.communicate()

    assert_holds(restored.storage, done)
    assert restored.manage("verify_audit").returncode == 0
    assert restored.manage("backup", tmp_path / "again").returncode == 0


def test_a_backup_is_for_its_owner_alone(lived_in: LivedIn) -> None:
    """Directories 0700, private keys 0600, nothing for anybody else; what was restored likewise."""
    saved, restored = lived_in.saved, lived_in.restored.storage

    for place in (saved, restored):
        modes = {path: stat.S_IMODE(path.lstat().st_mode) for path in place.rglob("*") if not path.is_symlink()}
        assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
        for name in ("keys/signing.pem", "keys/secret-key", "gatehouse.sqlite3"):
            assert modes[place / name] == 0o600
    assert stat.S_IMODE(saved.stat().st_mode) == 0o700
    assert not [path for path in saved.rglob("*") if not path.is_symlink() and path.stat().st_mode & 0o007]


def test_a_backup_that_is_killed_leaves_nothing_that_looks_finished(lived_in: LivedIn, tmp_path: Path) -> None:
    """After SIGKILL there is no directory of its name, and what is left beside it cannot be restored."""
    target = tmp_path / "saved"
    backup = subprocess.Popen(
        [sys.executable, "-W", "ignore", "manage.py", "backup", str(target)],
        cwd=ROOT,
        env=lived_in.installation.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: bool(list(tmp_path.glob(".saved.incomplete-*/*"))), timeout_seconds=60, what="its beginning")
    backup.send_signal(signal.SIGKILL)
    backup.wait()

    [left] = tmp_path.iterdir()
    outcome = Installation(tmp_path / "new").manage("restore", left)

    assert left.name.startswith(".saved.incomplete-")
    assert outcome.returncode == 4
    assert "is no finished backup" in outcome.stderr
    assert lived_in.installation.manage("backup", target).returncode == 0


def test_a_backup_that_was_edited_and_listed_anew_is_found_out(lived_in: LivedIn, tmp_path: Path) -> None:
    """Digests in the list can be made to fit; the audit trail cannot: the restore names the row."""
    shutil.copytree(lived_in.saved, tmp_path / "saved", symlinks=True)
    database = tmp_path / "saved" / "gatehouse.sqlite3"
    with closing(sqlite3.connect(database)) as connection, connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute("UPDATE console_signoff SET printed_name = 'Somebody Else' WHERE seat = 'REVIEWER'")
        for _, statement in triggers:
            connection.execute(statement)
    listing = tmp_path / "saved" / "backup.json"
    before = subprocess.run(["sha256sum", str(database)], capture_output=True, text=True, check=True).stdout.split()[0]
    content = listing.read_text()
    name, _, _ = content.partition('"gatehouse.sqlite3":"')[2].partition('"')
    listing.write_text(content.replace(name, before))

    outcome = Installation(tmp_path / "restored").manage("restore", tmp_path / "saved")

    assert outcome.returncode == 1, outcome.stdout + outcome.stderr
    assert "console_signoff" in outcome.stdout
    assert "altered past the audit trail" in outcome.stdout
