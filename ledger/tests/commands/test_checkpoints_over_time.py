"""Checkpoints that nobody has to think of: taken by themselves, and gone along with when the journal is put away."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management import CommandError
from django.db import connection, transaction

from console import signing_keys
from console.kernel import audit, governance_journal
from console.kernel.models import AuditEntry
from console.tests.waiting import wait_until
from ledger import KeptCheckpoints, Ledger, NewEvent, commands
from ledger.actions import close_live_ledger, live_ledger
from ledger.conf import live_journal
from ledger.doctor.exclusive import processes_with
from ledger.engine.event import Command
from ledger.tests.commands.calling import call
from ledger.tests.commands.test_proof_verbs import ROOT
from ledger.tests.engine.counting import opened
from ledger.tests.proof.journals import chain_again
from ledger.tests.test_ageing import HOUR_MICROS, Later


@pytest.fixture(autouse=True)
def keys(storage: Path) -> None:
    """The installation has a signing key."""
    signing_keys.create_first(directory=storage / "keys")


@pytest.fixture
def watching(storage: Path, tmp_path: Path) -> Iterator[Path]:
    """`ledger checkpoint --watch` as `up` runs it; the file has what it says."""
    said = tmp_path / "said"
    with said.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "ledger", "checkpoint", "--watch"],
            cwd=ROOT,
            env={**os.environ, "GATEHOUSE_STORAGE": str(storage), "DJANGO_SETTINGS_MODULE": "console.settings"},
            stderr=file,
        )
        yield said
        process.kill()
        process.wait()


def sizes(live: Path) -> list[int]:
    """The events at which something was signed."""
    return KeptCheckpoints(live).sizes()


def record_many(count: int) -> None:
    """So many events, in commands of a thousand."""
    events = [NewEvent(stream="import:x", type="import.line_refused", data={"line": 1})] * 1000
    for number in range(count // 1000):
        key = f"filler-{number}"
        command = Command(key=key, fingerprint="0" * 32, actor="user:1", correlation="c", decide=lambda: events)
        live_ledger().journal.execute(command)


def test_checkpoints_are_taken_every_ten_thousand_events_without_being_asked(live: Path, watching: Path) -> None:
    """The first at once, the next as soon as there is enough new, long before the minute is over."""
    wait_until(lambda: bool(sizes(live)), timeout_seconds=60, what="the first checkpoint")
    first = live_ledger().head.seq
    record_many(10_000)

    wait_until(lambda: len(sizes(live)) == 2, timeout_seconds=40, what="the second checkpoint")

    assert sizes(live)[0] == first
    assert sizes(live)[1] >= first + 10_000
    assert watching.read_text() == ""


def test_a_history_that_was_written_anew_is_reported_and_never_signed(live: Path, watching: Path) -> None:
    """It goes on looking, and says once what is wrong."""
    wait_until(lambda: bool(sizes(live)), timeout_seconds=60, what="the first checkpoint")
    signed = sizes(live)
    close_live_ledger()
    (live / "manifest.jsonl").touch()
    chain_again(live, lambda records: [*records[:-1], {**records[-1], "actor": "user:99"}])
    record_many(10_000)  # so that another one is due before the minute is over

    wait_until(lambda: bool(watching.read_bytes()), timeout_seconds=60, what="the report")

    assert "No checkpoint can be signed" in watching.read_text()
    assert sizes(live) == signed


@pytest.fixture
def database(storage: Path, transactional_db: None) -> Path:
    """Of that storage, as migrations leave it."""
    found = storage / "gatehouse.sqlite3"
    with closing(sqlite3.connect(found)) as file:
        connection.connection.backup(file)
    return found


@pytest.fixture
def of_yesterday(database: Path) -> Path:
    """A live journal of which the only segment was opened 25 hours ago."""
    earlier = Later()
    earlier.later_micros = -25 * HOUR_MICROS
    ledger = Ledger.open(path=live_journal(), env=earlier)
    ledger.execute(commands.CreateAgent(agent="ann"), key="a", actor="user:1", correlation="c")
    ledger.close()
    return live_journal()


def test_an_idle_journal_of_yesterday_is_sealed_signed_and_on_record(of_yesterday: Path, watching: Path) -> None:
    """By the process that `up` keeps going: nobody gives an order, and nothing stays open for writing in it."""
    manifest = of_yesterday / "manifest.jsonl"
    wait_until(manifest.exists, timeout_seconds=60, what="the seal")
    query = "SELECT object, after FROM kernel_auditentry WHERE act = 'journal.seal'"
    with closing(sqlite3.connect(of_yesterday.parents[1] / "gatehouse.sqlite3")) as file:
        wait_until(lambda: bool(file.execute(query).fetchall()), timeout_seconds=60, what="the entry")
        ((of, after),) = file.execute(query).fetchall()

    ledger = Ledger.open(path=of_yesterday, read_only=True)
    sealed = next(ledger.events(types=["segment.sealed"]))
    assert ledger.status.segments == 2
    assert of == "journal:credits"
    assert f'"by":"system:age","hash":"{sealed.hash}","seq":{sealed.seq}' in after
    assert watching.read_text() == ""
    ledger.close()
    wait_until(lambda: not processes_with(of_yesterday / "lock"), timeout_seconds=60, what="the end of writing")


@pytest.fixture
def trail_of_yesterday(storage: Path, transactional_db: None) -> Iterator[Path]:
    """The governance journal, of which the only segment was opened 25 hours ago."""
    earlier = Later()
    earlier.later_micros = -25 * HOUR_MICROS
    opened(governance_journal.directory(), env=earlier).close()
    governance_journal.begin()
    yield governance_journal.directory()
    governance_journal.close()


def test_the_idle_governance_journal_of_yesterday_is_sealed_and_the_trail_goes_on(
    live: Path, trail_of_yesterday: Path, database: Path, watching: Path
) -> None:
    """By the same process. Its own record of it is all: an entry would be sealed a day later, for ever."""
    wait_until((trail_of_yesterday / "manifest.jsonl").exists, timeout_seconds=60, what="the seal")
    wait_until(
        lambda: len(processes_with(trail_of_yesterday / "lock")) == 0, timeout_seconds=60, what="the end of writing"
    )
    with closing(sqlite3.connect(database)) as file:
        ((entries,),) = file.execute("SELECT count(*) FROM kernel_auditentry").fetchall()
    before = AuditEntry.objects.count()
    with transaction.atomic():
        audit.record(actor=None, act="run.reap", object="run:1")

    with closing(governance_journal.open_at(trail_of_yesterday, read_only=True)) as journal:
        assert journal.status.segments == 2
    assert entries == before
    assert (governance_journal.state().pending, governance_journal.state().failure) == (0, None)
    assert watching.read_text() == ""


def test_watching_takes_no_file(live: Path, tmp_path: Path) -> None:
    """There would be one of many checkpoints in it."""
    with pytest.raises(CommandError, match="takes no FILE"):
        call("ledger", "checkpoint", tmp_path / "a.note", "--watch")


@pytest.mark.django_db
def test_a_reset_takes_the_checkpoints_along(live: Path, storage: Path) -> None:
    """The archived journal is still held against them; the new one begins without any."""
    call("ledger", "checkpoint")

    call("ledger", "reset", "--yes")

    (archived,) = [path for path in (storage / "events" / "archive").iterdir() if path.suffix != ".checkpoints"]
    live_ledger()
    assert "1 checkpoints compared" in call("ledger", "verify", archived).out
    assert sizes(live) == []


def test_an_older_copy_put_back_is_seen_by_whoever_looks(live: Path, tmp_path: Path) -> None:
    """The checkpoints stand beside the directory, so a restored directory does not bring older ones."""
    shutil.copytree(live, tmp_path / "older")
    record_many(1000)
    call("ledger", "checkpoint")
    close_live_ledger()
    shutil.rmtree(live)
    shutil.copytree(tmp_path / "older", live)

    done = call("ledger", "verify")

    assert done.code == 1
    assert "DAMAGED" in done.out
