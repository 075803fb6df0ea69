"""`manage.py ledger doctor`: what an operator reads, and the one way to let it repair."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from console import signing_keys
from console.kernel.acts import Actor
from console.kernel.models import AuditEntry
from ledger import NewEvent
from ledger.actions import close_live_ledger, live_ledger
from ledger.doctor.examination import examine
from ledger.engine.env import OsEnv
from ledger.engine.layout import Layout
from ledger.tests.commands.calling import call
from ledger.tests.commands.conftest import engineer, live, storage, tester
from ledger.tests.credits import planting
from ledger.tests.credits.orders import Desk
from ledger.tests.doctor import damages
from ledger.tests.doctor.damages import content_of

__all__ = ["engineer", "live", "storage", "tester"]

ROOT = Path(__file__).resolve().parents[3]
WRITER = """
import sys
from pathlib import Path
from ledger import Ledger
ledger = Ledger.open(path=Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
ledger.close()
"""


@pytest.fixture
def flipped(live: Path) -> Path:
    """The live journal with one bit of its fourth record changed."""
    close_live_ledger()
    damages.flip(live, 0, 3)
    return live


@pytest.fixture
def other_process(flipped: Path) -> Iterator[None]:
    """Another process has the journal open for writing."""
    command = [sys.executable, "-c", WRITER, str(flipped)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield
        process.communicate()


def test_it_says_what_happened_what_is_safe_and_what_can_be_done(flipped: Path) -> None:
    """Segment, line, offset, expected and found; for each repair what it loses; and it changes nothing."""
    before = content_of(flipped)

    done = call("ledger", "doctor")

    assert done.code == 1
    assert "Segment 00000000000000000001.jsonl is damaged in line 4, at byte " in done.out
    assert ": expected a record that ends in " in done.out
    assert "Events 1 to 3 are verified and can be read." in done.out
    assert "ledger doctor --repair restore-byte --yes" in done.out
    assert "It loses: Nothing." in done.out
    assert "It loses: Events 4 to 4 (1), with their keys" in done.out
    assert content_of(flipped) == before


def test_it_says_so_in_german(flipped: Path) -> None:
    """What happened, what is safe, what can be done."""
    with translation.override("de"):
        done = call("ledger", "doctor")

    assert "ist in Zeile 4 beschädigt" in done.out
    assert "Ereignisse 1 bis 3 sind geprüft" in done.out
    assert "Dabei geht verloren: Nichts." in done.out


def test_without_yes_nothing_is_changed(flipped: Path) -> None:
    """It says that it did not, and what to add."""
    before = content_of(flipped)

    done = call("ledger", "doctor", "--repair", "go-back")

    assert done.code == 1
    assert "Nothing was changed" in done.out
    assert content_of(flipped) == before


@pytest.mark.django_db
def test_with_yes_it_is_done_recorded_and_checked(flipped: Path) -> None:
    """In the journal and in the audit trail, with the place of the copies; verify and the invariants are named."""
    damaged = damages.segments(flipped)[0].read_bytes()

    done = call("ledger", "doctor", "--repair", "restore-byte", "--yes")

    assert done.code == 0
    assert done.out.endswith("verify: sound; every invariant holds\n")
    (kept,) = (flipped.parent / "credits.repairs").iterdir()
    assert str(kept) in done.out
    assert (kept / "credits" / "segments" / "00000000000000000001.jsonl").read_bytes() == damaged
    (record,) = live_ledger().events(types=["journal.recovered"])
    assert record.data["kept"] == kept.name
    entry = AuditEntry.objects.get(act="journal.repair")
    assert json.loads(entry.after)["repair"] == "restore-byte"
    assert call("ledger", "verify").code == 0
    assert call("check_invariants").code == 0


@pytest.mark.django_db
@pytest.mark.usefixtures("other_process")
def test_a_repair_while_another_process_has_it_open_is_refused(flipped: Path) -> None:
    """It names the process, and not a byte is changed."""
    before = content_of(flipped)

    done = call("ledger", "doctor", "--repair", "restore-byte", "--yes")

    assert done.code == 4
    assert "is open for writing in process " in done.err
    assert "(python" in done.err
    assert content_of(flipped) == before
    assert not (flipped.parent / "credits.repairs").exists()


@pytest.mark.django_db
def test_a_repair_that_does_not_fit_is_refused(flipped: Path) -> None:
    """With those that do."""
    done = call("ledger", "doctor", "--repair", "cut-torn-tail", "--yes")

    assert done.code == 4
    assert "restore-byte, go-back" in done.err


def test_only_who_may_repair_does(flipped: Path, tester: Actor, engineer: Actor) -> None:
    """A tester is refused, with an entry; an engineer needs a reason."""
    arguments = ("ledger", "doctor", "--repair", "restore-byte", "--yes", "--reason", "one bit fell over")

    refused = call(*arguments, "--as", "tina")
    done = call(*arguments, "--as", "emil")

    assert refused.code == 4
    assert done.code == 0
    assert {entry.outcome for entry in AuditEntry.objects.filter(act="journal.repair")} == {"refused", "done"}


def test_an_event_of_a_newer_version_is_no_damage(live: Path) -> None:
    """Nothing to repair: what to install instead."""
    close_live_ledger()
    planting.write_newer_schema(live)

    done = call("ledger", "doctor")

    assert done.code == 1
    assert "Install that version or a later one" in done.out
    assert "what can be done" not in done.out


def test_a_journal_that_is_not_of_credits_is_not_repaired(tmp_path: Path, db: Any) -> None:
    """Its state cannot be folded here."""
    desk = Desk(tmp_path / "other")
    desk.ledger.close()
    planting.write_as_another_version(desk.path, NewEvent(stream="audit", type="audit.recorded", data={}))
    (desk.path / "durable").unlink()

    done = call("ledger", "doctor", desk.path, "--repair", "rebuild-mark", "--yes")

    assert done.code == 4
    assert "audit.recorded" in done.err
    assert not (tmp_path / "other.repairs").exists()


@pytest.mark.django_db
def test_an_older_copy_in_the_place_of_the_journal_is_named_and_can_be_accepted(live: Path, storage: Path) -> None:
    """The copy is sound in itself: the checkpoints beside it say what is missing; afterwards it is signed again."""
    signing_keys.create_first(directory=storage / "keys")
    close_live_ledger()
    copy = shutil.copytree(live, storage / "older")
    damages.go_on(live, 3)
    assert call("ledger", "checkpoint").code == 0
    shutil.rmtree(live)
    copy.rename(live)

    named = call("ledger", "doctor")
    refused = call("ledger", "checkpoint")
    done = call("ledger", "doctor", "--repair", "accept-history", "--yes")

    assert named.code == 1
    assert "The journal ends at event 4, but on 20" in named.out
    assert "it had 7, as a signed checkpoint says" in named.out
    assert "It loses: Events up to 7" in named.out
    assert refused.code == 4
    assert done.code == 0
    assert call("ledger", "checkpoint").code == 0
    assert call("ledger", "verify").code == 0


@pytest.fixture
def with_snapshot(tmp_path: Path) -> Path:
    """A journal with sealed segments and a snapshot."""
    return damages.make(tmp_path / "journal")


def test_verify_names_a_damaged_snapshot_as_a_remark(with_snapshot: Path) -> None:
    """The journal is sound all the same: exit 0."""
    damages.damage_snapshot(with_snapshot)

    done = call("ledger", "verify", with_snapshot)

    assert done.code == 0
    assert "remark: Snapshot 0000" in done.out
    assert "passed over: it is damaged or cut." in done.out
    assert done.out.endswith("sound\n")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (damages.damage_newer_slot, "One of the two slots"),
        (damages.remove_mark, "The file durable is missing"),
        (damages.remove_offsets, "Index files are missing"),
    ],
)
def test_verify_names_what_a_journal_can_do_without(
    with_snapshot: Path, damage: Callable[[Path], None], said: str
) -> None:
    """The mark of its end, one slot of it, an index: a remark, and the doctor is named; the journal is sound."""
    damage(with_snapshot)

    done = call("ledger", "verify", with_snapshot)

    assert done.code == 0
    remarks = ("One of the two slots", "Index files are missing", "The file durable is missing")
    assert [text for text in remarks if f"remark: {text}" in done.out] == [said]
    assert "`ledger doctor` says what can be done" in done.out


class Counting(OsEnv):
    """The real effects, with the names of the files that were opened."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    def open(self, path: Path, flags: int, mode: int = 0o644) -> int:
        """Any file."""
        self.opened.append(path.name)
        return super().open(path, flags, mode)


def test_a_sound_journal_is_read_once(with_snapshot: Path) -> None:
    """Looking takes no longer than it has to, however long the journal is."""
    env = Counting()

    diagnosis = examine(Layout(with_snapshot), env=env)

    assert diagnosis.damages == ()
    assert env.opened.count(damages.segments(with_snapshot)[-1].name) == 1


def test_verify_holds_the_manifests_checksum_against_the_segment(with_snapshot: Path) -> None:
    """Opening believes it, so a wrong one is damage; the doctor is named."""
    damages.damage_manifest_crc(with_snapshot)

    done = call("ledger", "verify", with_snapshot)

    assert done.code == 1
    assert "manifest: segment 0000" in done.out
    assert "expected crc " in done.out
    assert "`ledger doctor` says what happened" in done.out
