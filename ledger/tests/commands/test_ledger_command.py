"""`manage.py ledger`: what each verb prints, does and answers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from django.core.management import CommandError

from console.kernel.acts import Actor
from console.tests.waiting import PATIENT_SECONDS
from ledger import Ledger, commands
from ledger.actions import close_live_ledger, live_ledger
from ledger.tests.commands.calling import call
from ledger.tests.credits import planting
from ledger.tests.credits.planting import LEGACY

ROOT = Path(__file__).resolve().parents[3]


def listen_to_ctrl_c() -> None:
    """Whoever starts the tests in the background hands down that SIGINT is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_verify_says_sound_and_names_the_head(live: Path) -> None:
    """Exit 0, the number of events and the head."""
    done = call("ledger", "verify")

    assert done.code == 0
    assert f"{live}: 4 events in 1 segments, head 4" in done.out
    assert live_ledger().head.hash in done.out
    assert done.out.endswith("sound\n")


def test_verify_names_the_damage(live: Path) -> None:
    """Exit 1, and segment, line and offset."""
    close_live_ledger()
    planting.plant(planting.segments_of(live)[0], lambda lines: lines.__setitem__(3, lines[3].replace(b"ann", b"bob")))

    done = call("ledger", "verify")

    assert done.code == 1
    assert "line 4" in done.out
    assert done.out.endswith("DAMAGED\n")


def test_verify_of_one_segment_says_last_what_it_cannot_tell(live: Path) -> None:
    """A tail cut between two records leaves a sound file: exit 0, and the last line says what that does not mean."""
    close_live_ledger()
    segment = planting.segments_of(live)[0]
    planting.plant(segment, lambda lines: lines.__delitem__(-1))

    done = call("ledger", "verify", segment)
    of_directory = call("ledger", "verify", live)

    assert done.code == 0
    assert "3 events in 1 segments, head 3" in done.out
    assert done.out.splitlines()[-1].startswith(
        "one question could not be answered: whether the tail was cut cannot be told from one segment alone"
    )
    assert of_directory.code == 1


def test_verify_of_a_sealed_segment_leaves_no_question_open(tmp_path: Path) -> None:
    """The seal is its end, so a cut tail would be missing it."""
    sealed = planting.segments_of(planting.sound_journal(tmp_path / "journal"))[0]

    done = call("ledger", "verify", sealed)

    assert done.code == 0
    assert done.out.endswith("sound\n")


@pytest.mark.parametrize("verb", ["verify", "doctor", "tail", "export"])
def test_a_journal_that_is_not_there_is_an_error(tmp_path: Path, verb: str) -> None:
    """Exit 4 and one sentence, and nothing is created."""
    done = call("ledger", verb, tmp_path / "nowhere")

    assert done.code == 4
    assert "not a journal" in done.err
    assert not (tmp_path / "nowhere").exists()


def test_doctor_says_how_the_journal_is(live: Path) -> None:
    """State, head, disk, accounts; nothing wrong is exit 0."""
    done = call("ledger", "doctor")

    assert done.code == 0
    for fact in ("normal", "event 4", "5, sum 0.000000", "% used"):
        assert fact in done.out


def test_doctor_names_what_is_wrong(live: Path) -> None:
    """A damaged journal, what recovery cut off, and an open breaker: exit 1."""
    order = commands.RecordBreaker(is_open=True, endpoint="http://karma", reason="timeout")
    live_ledger().execute(order, key="k", actor="a", correlation="c")
    close_live_ledger()
    (live / "quarantine").mkdir(exist_ok=True)
    (live / "quarantine" / "cut").write_bytes(b"12345")
    segment = planting.segments_of(live)[0]
    planting.plant(segment, lambda lines: lines.__setitem__(4, lines[4].replace(b"karma", b"kauma")))

    done = call("ledger", "doctor")

    assert done.code == 1
    assert "needs attention" in done.out
    assert "cut (5 bytes)" in done.out


def test_tail_prints_the_newest_events_oldest_first(live: Path) -> None:
    """As JSON lines, filtered when asked."""
    lines = [json.loads(line) for line in call("ledger", "tail", "-n", 2).out.splitlines()]
    created = call("ledger", "tail", "--type", "agent.*").out.splitlines()

    assert [line["type"] for line in lines] == ["credit.allocated", "credit.consumed"]
    assert [json.loads(line)["data"]["agent"] for line in created] == ["ann"]


def test_tail_follows_what_is_recorded_later(live: Path, storage: Path) -> None:
    """Another process prints an event soon after it is durable, and ends quietly on Ctrl-C."""
    environment = {**os.environ, "GATEHOUSE_STORAGE": str(storage), "DJANGO_SETTINGS_MODULE": "console.settings"}
    command = [sys.executable, "manage.py", "ledger", "tail", "-n", "1", "-f"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=listen_to_ctrl_c,
    ) as follower:
        try:
            assert follower.stdout is not None
            assert json.loads(follower.stdout.readline())["type"] == "credit.consumed"
            order = commands.AddCredits(agent="ann", amount_micros=1, reason="later")
            live_ledger().execute(order, key="later", actor="a", correlation="c")
            assert json.loads(follower.stdout.readline())["data"]["reason"] == "later"
            follower.send_signal(signal.SIGINT)
            errors = follower.communicate()[1]
        finally:
            follower.kill()

    assert follower.returncode == 130
    assert errors == ""


def test_export_writes_every_event_or_none(live: Path, tmp_path: Path) -> None:
    """To a file that appears whole, and never over another one."""
    target = tmp_path / "export.jsonl"

    done = call("ledger", "export", "--out", target, "--after", 1, "--type", "credit.*")

    assert done.code == 0
    types = [json.loads(line)["type"] for line in target.read_text().splitlines()]
    assert types == ["credit.allocated", "credit.consumed"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["export.jsonl", "storage"]
    with pytest.raises(CommandError, match="exists already"):
        call("ledger", "export", "--out", target)


def test_export_goes_to_a_pipe_as_well(live: Path) -> None:
    """All four records with their hashes."""
    lines = call("ledger", "export").out.splitlines()

    assert len(lines) == 4
    assert json.loads(lines[-1])["hash"] == live_ledger().head.hash


@pytest.mark.django_db
def test_import_prints_each_fault_at_its_line(storage: Path) -> None:
    """The seven of the damaged file, consequences beneath their cause; exit 1, because something is broken."""
    done = call("ledger", "import", "--legacy", LEGACY / "damaged.jsonl")

    assert done.code == 1
    assert "172 lines, 165 imported" in done.out
    for line in (21, 28, 31, 111, 167, 171, 172):
        assert f"\nline {line}: " in done.out
    assert "\n    line 52: " in done.out
    assert done.out.endswith("Lines that break an invariant: 7.\n")


@pytest.mark.django_db
def test_a_sound_import_is_a_journal_of_its_own(storage: Path) -> None:
    """Exit 0; the journal stands under imports and can be opened."""
    done = call("ledger", "import", "--legacy", LEGACY / "live-harness-169.jsonl")

    (journal,) = (storage / "events" / "imports").iterdir()
    ledger = Ledger.open(path=journal, read_only=True)
    try:
        assert len(ledger.agents()) == 23
    finally:
        ledger.close()
    assert (done.code, done.out.splitlines()[-1]) == (0, "sound")


@pytest.mark.django_db
def test_a_strict_import_of_a_damaged_file_leaves_no_journal(storage: Path) -> None:
    """The faults are named, nothing is imported."""
    done = call("ledger", "import", "--strict", "--legacy", LEGACY / "damaged.jsonl")

    assert done.code == 1
    assert done.out.count("\n") == 7
    assert "was not imported" in done.err
    assert list((storage / "events" / "imports").iterdir()) == []


def test_a_person_without_the_role_is_refused(tester: Actor, storage: Path) -> None:
    """Exit 4, and no journal."""
    done = call("ledger", "import", "--legacy", LEGACY / "damaged.jsonl", "--as", "tina")

    assert done.code == 4
    assert "engineer" in done.err
    assert not (storage / "events").exists()


@pytest.mark.django_db
def test_an_unknown_person_is_named() -> None:
    """Nothing happens in the name of nobody."""
    with pytest.raises(CommandError, match="nobody"):
        call("ledger", "import", "--legacy", LEGACY / "damaged.jsonl", "--as", "nobody")


@pytest.mark.django_db
def test_reset_begins_an_empty_journal_and_keeps_the_old_one(live: Path, storage: Path) -> None:
    """Archived whole, by rename."""
    before = live_ledger().head

    done = call("ledger", "reset", "--yes")

    (archived,) = (storage / "events" / "archive").iterdir()
    assert done.code == 0
    assert str(archived) in done.out
    assert live_ledger().agents() == ()
    old = Ledger.open(path=archived, read_only=True)
    try:
        assert old.head == before
    finally:
        old.close()


def test_bench_prints_a_table_and_writes_a_file(storage: Path, tmp_path: Path) -> None:
    """Exit 0 only if every target was reached; nothing is left in the storage."""
    file = tmp_path / "rows.json"

    done = call("ledger", "bench", "--row", "one event", "--short", "--markdown", "--json", file)

    assert [line.split(" | ")[0] for line in done.out.splitlines()[2:]] == ["| one event, p99", "| balance"]
    assert [row["name"] for row in orjson.loads(file.read_bytes())] == ["one event, p99", "balance"]
    assert done.code == int("| short |" in done.out)
    assert list(storage.iterdir()) == []


def test_bench_endures_for_as_long_as_it_is_told(storage: Path) -> None:
    """The word about loss is the last line; in a second nothing is lost."""
    done = call("ledger", "bench", "--endurance", "0.01", "--short")

    assert done.out.splitlines()[-1].split() == ["0.01", "min,", "lost", "-", "0", "-", "<=", "0", "events", "pass"]
    assert list(storage.iterdir()) == []


def test_reset_wants_the_word(live: Path) -> None:
    """Without --yes it is a usage error and nothing moves."""
    with pytest.raises(CommandError, match="--yes"):
        call("ledger", "reset")

    assert live.is_dir()


def test_a_verb_must_be_named() -> None:
    """As a program: usage and exit 2."""
    done = subprocess.run(
        [sys.executable, "manage.py", "ledger"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENT_SECONDS,
    )

    assert done.returncode == 2
    assert "VERB" in done.stderr


def test_a_database_that_is_not_set_up_is_said(tmp_path: Path) -> None:
    """Before anything is imported."""
    storage = str(tmp_path / "new")
    environment = {**os.environ, "GATEHOUSE_STORAGE": storage, "DJANGO_SETTINGS_MODULE": "console.settings"}
    command = [sys.executable, "manage.py", "ledger", "import", "--legacy", str(LEGACY / "damaged.jsonl")]

    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=PATIENT_SECONDS
    )

    assert done.returncode == 1
    assert "not set up yet" in done.stderr
