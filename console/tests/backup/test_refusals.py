"""What cannot be saved or restored is refused before anything is touched."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from console.backups import BackupRefused, make_backup, restore
from console.backups.contents import BackupDamaged, NoBackup, copy_file, read_contents
from console.backups.databases import OtherDatabase, ToolFailed, ToolMissing, dump_postgresql
from console.backups.making import JournalDamaged, TargetInside, TargetTaken
from console.backups.restoring import MadeByNewerVersion, StorageNotEmpty
from console.kernel.models import AuditEntry
from console.supervisor.preparation import prepare_signing_key
from console.tests.backup.conftest import LivedIn
from ledger import commands
from ledger.actions import close_live_ledger, live_ledger
from testruns.evidence import path_of, store

pytestmark = pytest.mark.timeout(400)  # whoever comes first sets the installation up


@pytest.fixture
def saved(lived_in: LivedIn, tmp_path: Path) -> Path:
    """A backup to spoil."""
    return Path(shutil.copytree(lived_in.saved, tmp_path / "saved", symlinks=True))


@pytest.fixture
def empty(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This process as the command on an empty storage; no connection is opened to its database."""
    settings.STORAGE = tmp_path / "storage"
    monkeypatch.setitem(connection.settings_dict, "NAME", tmp_path / "storage" / "gatehouse.sqlite3")
    (tmp_path / "storage" / "keys").mkdir(parents=True)
    (tmp_path / "storage" / "keys" / "secret-key").write_text("made by this very start")
    return tmp_path / "storage"


def flip(path: Path) -> None:
    """Change one bit in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)


def relist(saved: Path, **changes: Any) -> None:
    """Change members of the list."""
    content = json.loads((saved / "backup.json").read_bytes()) | changes
    (saved / "backup.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    "which",
    ["gatehouse.sqlite3", "evidence/*/*", "events/credits/segments/*.jsonl", "events/governance/durable", "keys/*.pem"],
)
def test_a_backup_with_a_flipped_bit_or_a_missing_file_is_not_restored(saved: Path, empty: Path, which: str) -> None:
    """Whatever kind of file it is: named, and the storage is as empty as before."""
    path = next(iter(sorted(saved.glob(which))))
    kept = path.read_bytes()
    flip(path)
    with pytest.raises(BackupDamaged, match=path.name):
        restore(source=saved)
    path.unlink()
    with pytest.raises(BackupDamaged, match=path.name):
        restore(source=saved)
    path.symlink_to(saved / "backup.json")
    with pytest.raises(BackupDamaged, match=path.name):
        restore(source=saved)

    assert kept
    assert [one.name for one in empty.rglob("*")] == ["keys", "secret-key"]


@pytest.mark.parametrize(
    "name", ["keys/signing.pem", "events/credits/journal.json", ".restoring/keys", "gatehouse.sqlite3", "notes.txt"]
)
def test_a_storage_with_anything_in_it_is_not_overwritten(saved: Path, empty: Path, name: str) -> None:
    """A key, a journal, an interrupted restore, a database, anything: named, and left alone."""
    path = empty / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")

    with pytest.raises(StorageNotEmpty, match=name.split("/")[0]):
        restore(source=saved)

    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda saved: (saved / "backup.json").unlink(),
        lambda saved: (saved / "backup.json").write_text("{"),
        lambda saved: (saved / "backup.json").write_text("[]"),
        lambda saved: relist(saved, format=2),
        lambda saved: relist(saved, files=["a"]),
        lambda saved: relist(saved, files={"../outside": "0" * 64}),
        lambda saved: relist(saved, links={"events/x": "/etc/passwd"}),
        lambda saved: relist(saved, links={"/etc/x": "y"}),
    ],
)
def test_what_is_no_finished_backup_is_refused(saved: Path, empty: Path, spoil: Callable[[Path], object]) -> None:
    """No list, one of another form, one that points outside."""
    spoil(saved)

    with pytest.raises(NoBackup):
        restore(source=saved)
    assert not (empty.parent / "outside").exists()


def test_a_backup_of_another_kind_or_of_a_newer_version_is_refused(saved: Path, empty: Path) -> None:
    """PostgreSQL into SQLite, or tables this version does not know."""
    known = read_contents(saved).migrations
    relist(saved, database="postgresql")
    with pytest.raises(OtherDatabase, match="postgresql"):
        restore(source=saved)
    relist(saved, database="sqlite", migrations=[*known, "console.9999_from_the_future"])

    with pytest.raises(MadeByNewerVersion, match="9999_from_the_future"):
        restore(source=saved)


def test_a_backup_never_overwrites_and_never_lies_in_what_it_saves(settings: Settings, tmp_path: Path) -> None:
    """Both are refused by name, before anything is read."""
    settings.STORAGE = tmp_path / "storage"
    (tmp_path / "taken").mkdir(parents=True)

    with pytest.raises(TargetTaken):
        make_backup(target=tmp_path / "taken")
    with pytest.raises(TargetInside):
        make_backup(target=tmp_path / "storage" / "backups" / "one")
    with pytest.raises(CommandError, match="exists already") as refusal:
        call_command("backup", str(tmp_path / "taken"))
    assert refusal.value.returncode == 4


def sign_one_more_event() -> None:
    """Sign the journal as it then is."""
    order = commands.CreateAgent(agent="ann", initial_micros=1_000_000)
    live_ledger().execute(order, key="a", actor="user:1", correlation="c")
    close_live_ledger()
    prepare_signing_key(say=lambda _: None)
    call_command("ledger", "checkpoint", stdout=StringIO())


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("journals_given_back")
def test_damage_that_is_there_before_is_said_and_never_hidden(settings: Settings, tmp_path: Path) -> None:
    """Evidence damaged or gone, or an older journal put back, is a warning; a damaged journal stops the backup."""
    settings.STORAGE = tmp_path / "storage"
    digests = [store(content=content, media_type="text/plain").digest for content in (b"one", b"two", b"three")]
    live_ledger()
    close_live_ledger()
    flip(path_of(digests[0]))
    path_of(digests[1]).unlink()

    backup = make_backup(target=tmp_path / "saved")

    assert sorted(backup.warnings) == sorted([f"evidence {digests[0]} is damaged", f"evidence {digests[1]} is missing"])
    assert AuditEntry.objects.get(act="backup.made").object == f"backup:{backup.digest}"
    with pytest.raises(CommandError, match="not everything was sound") as warned:
        call_command("backup", str(tmp_path / "again"))
    assert warned.value.returncode == 1

    shutil.copytree(settings.STORAGE / "events" / "credits", tmp_path / "older")
    sign_one_more_event()
    shutil.rmtree(settings.STORAGE / "events" / "credits")
    (tmp_path / "older").rename(settings.STORAGE / "events" / "credits")
    cut = make_backup(target=tmp_path / "cut")
    assert any("events/credits: " in warning for warning in cut.warnings)
    shutil.rmtree(tmp_path / "cut")

    segment = next((settings.STORAGE / "events" / "credits" / "segments").glob("*.jsonl"))
    content = bytearray(segment.read_bytes())
    content[60] ^= 1
    segment.write_bytes(content)
    with pytest.raises(JournalDamaged, match="credits"):
        make_backup(target=tmp_path / "third")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "saved", "storage"]


def test_postgresql_is_saved_by_its_own_programs_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pg_dump the refusal says so; what pg_dump says is handed on."""
    nobody = {"HOST": str(tmp_path), "PORT": "1", "NAME": "nothing"}
    if shutil.which("pg_dump"):
        with pytest.raises(ToolFailed, match="pg_dump"):
            dump_postgresql(settings=nobody, target=tmp_path / "dump")
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ToolMissing, match="pg_dump"):
        dump_postgresql(settings=nobody, target=tmp_path / "dump")


def test_a_copy_never_replaces_a_file(tmp_path: Path) -> None:
    """Two files of one name are a mistake, not an update."""
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")

    with pytest.raises(FileExistsError):
        copy_file(tmp_path / "a", tmp_path / "b")
    assert issubclass(NoBackup, BackupRefused)
