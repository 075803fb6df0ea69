"""`ledger checkpoint`, `verify --since`, `export --with-proof`: what an operator takes elsewhere, and what it shows."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError

from console import signing_keys
from console.tests.waiting import PATIENT_SECONDS
from ledger import commands
from ledger.actions import close_live_ledger, live_ledger
from ledger.management.terminal import _Lines
from ledger.tests.commands.calling import call
from ledger.tests.credits import planting
from ledger.tests.proof.journals import chain_again

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def keys(storage: Path) -> Path:
    """The installation has a signing key."""
    signing_keys.create_first(directory=storage / "keys")
    return storage / "keys"


def spend(key: str) -> None:
    """One more event."""
    order = commands.Consume(agent="ann", amount_micros=1_000_000, reason="more")
    live_ledger().execute(order, key=key, actor="user:1", correlation="c")


def test_a_checkpoint_says_what_it_signed_and_goes_where_it_is_told(live: Path, tmp_path: Path) -> None:
    """Event, hash and digest; a note beside the journal and the same one elsewhere, never over another file."""
    done = call("ledger", "checkpoint", tmp_path / "elsewhere.note")

    head = live_ledger().head
    note = (tmp_path / "elsewhere.note").read_bytes()
    assert done.code == 0
    assert f"{head.seq}" in done.out
    assert head.hash in done.out
    assert (live.parent / "credits.checkpoints" / f"{head.seq:020d}.note").read_bytes() == note
    with pytest.raises(CommandError, match="exists already"):
        call("ledger", "checkpoint", tmp_path / "elsewhere.note")


def test_verify_holds_a_journal_against_its_checkpoints(live: Path, tmp_path: Path) -> None:
    """Those kept beside it and those that left; the last line but one names the newest."""
    call("ledger", "checkpoint", tmp_path / "a.note")
    spend("later")

    done = call("ledger", "verify", "--since", tmp_path / "a.note")

    assert done.code == 0
    assert "2 checkpoints compared; the newest is of " in done.out
    assert done.out.endswith("sound\n")


def test_verify_since_finds_an_older_copy_in_the_place_of_the_journal(
    live: Path, tmp_path: Path, storage: Path
) -> None:
    """The copy is sound in itself and its checkpoints agree: only what left the machine shows what is missing."""
    call("ledger", "checkpoint")
    close_live_ledger()
    shutil.copytree(storage / "events", tmp_path / "older")
    spend("later")
    call("ledger", "checkpoint", tmp_path / "newer.note")
    close_live_ledger()
    shutil.rmtree(storage / "events")
    (tmp_path / "older").rename(storage / "events")

    alone = call("ledger", "verify")
    since = call("ledger", "verify", "--since", tmp_path / "newer.note")

    assert alone.code == 0
    assert since.code == 1
    assert "ends at event 4, but the checkpoint of " in since.out
    assert since.out.endswith("DAMAGED\n")


def test_verify_finds_a_history_that_was_written_anew(live: Path) -> None:
    """Every checksum and hash fits; the first checkpoint behind the change does not, and the place is narrowed down."""
    call("ledger", "checkpoint")
    for number in range(3):
        spend(f"k{number}")
    call("ledger", "checkpoint")
    close_live_ledger()

    def alter(records: list[dict[str, object]]) -> list[dict[str, object]]:
        records[5] = {**records[5], "actor": "user:99"}
        return records

    (live / "manifest.jsonl").touch()
    chain_again(live, alter)

    done = call("ledger", "verify")

    assert done.code == 1
    assert "written anew somewhere between event 4 and event 7" in done.out


def test_a_checkpoint_of_another_key_or_another_journal_is_refused(live: Path, tmp_path: Path, storage: Path) -> None:
    """Exit 4 for a note nobody trusted signed, 1 for one about another journal."""
    call("ledger", "checkpoint", tmp_path / "a.note")
    other = tmp_path / "other"
    signing_keys.create_first(directory=other)
    (key,) = (other / "public").glob("*.pem")

    untrusted = call("ledger", "verify", "--since", tmp_path / "a.note", "--key", key)
    journal = planting.sound_journal(tmp_path / "journals" / "another")
    foreign = call("ledger", "verify", journal, "--since", tmp_path / "a.note")

    assert (untrusted.code, foreign.code) == (4, 1)
    assert "none of the keys" in untrusted.err
    assert "about journal" in foreign.out


@pytest.mark.django_db
def test_checkpoints_of_the_journal_before_a_reset_say_nothing_about_the_new_one(live: Path) -> None:
    """Its id is another one."""
    call("ledger", "checkpoint")
    call("ledger", "reset", "--yes")
    live_ledger()

    done = call("ledger", "verify")

    assert done.code == 0
    assert "no checkpoint was compared" in done.out


def test_a_kept_checkpoint_that_was_changed_is_named(live: Path) -> None:
    """A note that does not carry its signature is damage, not absence."""
    call("ledger", "checkpoint")
    (note,) = (live.parent / "credits.checkpoints").iterdir()
    note.write_bytes(note.read_bytes().replace(b"\n4\n", b"\n3\n"))

    done = call("ledger", "verify")

    assert done.code == 1
    assert "changed after signing" in done.out


def test_an_export_with_proof_is_accepted_by_its_public_key_alone(
    live: Path, tmp_path: Path, keys: Path, settings: object
) -> None:
    """On a machine that has neither the journal nor the database: the key and the file are enough."""
    exported = call("ledger", "export", "--with-proof", tmp_path / "proof.jsonl")
    (key,) = (keys / "public").glob("*.pem")
    shutil.copy(key, tmp_path / "public.pem")
    settings.STORAGE = tmp_path / "another-machine"  # type: ignore[attr-defined]

    by_key = call("ledger", "verify", tmp_path / "proof.jsonl", "--key", tmp_path / "public.pem")

    assert exported.code == 0
    assert by_key.code == 0
    assert "4 events in 1 segments, head 4" in by_key.out
    assert by_key.out.endswith("sound\n")
    with pytest.raises(CommandError, match="--key"):
        call("ledger", "verify", tmp_path / "proof.jsonl")
    (tmp_path / "proof.jsonl").write_bytes((tmp_path / "proof.jsonl").read_bytes().replace(b'"ann"', b'"bob"', 1))
    changed = call("ledger", "verify", tmp_path / "proof.jsonl", "--key", tmp_path / "public.pem")
    assert (changed.code, changed.out.endswith("DAMAGED\n")) == (1, True)


def test_an_export_with_proof_is_whole_and_stands_alone(live: Path, tmp_path: Path) -> None:
    """No filter, no other file, nothing written over."""
    with pytest.raises(CommandError, match="stands alone"):
        call("ledger", "export", "--with-proof", tmp_path / "p", "--type", "credit.*")
    (tmp_path / "p").write_text("mine")
    with pytest.raises(CommandError, match="exists already"):
        call("ledger", "export", "--with-proof", tmp_path / "p")
    assert (tmp_path / "p").read_text() == "mine"


def test_without_a_signing_key_nothing_is_signed_and_it_is_said(live: Path, keys: Path) -> None:
    """Exit 4 and what to do."""
    shutil.rmtree(keys)

    done = call("ledger", "checkpoint")

    assert done.code == 4
    assert "manage.py up" in done.err
    assert not (live.parent / "credits.checkpoints").exists()


def test_long_work_prints_a_line_for_each_tenth_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing at all for what is done at once."""
    lines = _Lines("Verifying")
    lines(5, 10)
    assert capsys.readouterr().err == ""
    lines._began -= 60
    for done in range(101):
        lines(done, 100)

    assert capsys.readouterr().err.splitlines() == [f"Verifying: {tenth}0 %" for tenth in range(1, 11)]


def test_a_terminal_shows_a_bar(live: Path, storage: Path) -> None:
    """A real pseudo-terminal gets it on standard error; standard output stays plain."""
    controller, terminal = pty.openpty()
    environment = {**os.environ, "GATEHOUSE_STORAGE": str(storage), "DJANGO_SETTINGS_MODULE": "console.settings"}
    environment |= {"TERM": "xterm", "COLUMNS": "100"}
    command = [sys.executable, "manage.py", "ledger", "verify"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=terminal,
        text=True,
        timeout=PATIENT_SECONDS,
        check=False,
    )
    os.close(terminal)
    shown = os.read(controller, 65536).decode()
    os.close(controller)

    assert done.returncode == 0
    assert done.stdout.endswith("sound\n")
    assert "Verifying" in shown
