"""The actions around the ledger: one live ledger per process, every import and reset in the audit chain."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from pathlib import Path

import pytest

from console.kernel.acts import Actor
from console.kernel.errors import NotAllowed
from console.kernel.models import AuditEntry
from ledger import Ledger
from ledger.actions import (
    AlreadyImported,
    ConsoleRunning,
    NoLiveJournal,
    import_journal,
    live_ledger,
    reset_ledger,
)
from ledger.checks import check_live_journal
from ledger.credits.errors import UnreadableJournal
from ledger.credits.legacy import ImportRefused
from ledger.tests.credits.planting import LEGACY

SOUND, DAMAGED = LEGACY / "live-harness-169.jsonl", LEGACY / "damaged.jsonl"


def entries(act: str) -> list[tuple[str, str, str]]:
    """Outcome, code and object of the audit entries of an act."""
    return list(AuditEntry.objects.filter(act=act).order_by("index").values_list("outcome", "code", "object"))


def test_all_threads_share_one_live_ledger(storage: Path) -> None:
    """Opened once, on first use."""
    found: list[Ledger] = []
    threads = [threading.Thread(target=lambda: found.append(live_ledger())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({id(ledger) for ledger in found}) == 1
    assert (storage / "events" / "credits" / "journal.json").is_file()
    assert (storage / "events" / "credits.jsonl").is_symlink()


def test_an_import_stands_in_the_audit_chain(engineer: Actor) -> None:
    """Who, which file by digest, how many lines, how many faults."""
    done = import_journal(actor=engineer, source=DAMAGED, is_strict=False)

    (entry,) = AuditEntry.objects.filter(act="journal.import")
    after = json.loads(entry.after)
    assert (entry.outcome, entry.actor, entry.object) == ("done", engineer.label, f"journal:{done.journal.name}")
    assert after == {"by": engineer.label, "digest": done.report.digest, "faults": 7, "imported": 165, "lines": 172}


@pytest.mark.django_db
def test_the_owner_of_the_shell_needs_no_role_and_is_named(storage: Path) -> None:
    """Whoever owns the files could write them anyway; the chain names the login."""
    import_journal(actor=None, source=SOUND, is_strict=True)

    (entry,) = AuditEntry.objects.filter(act="journal.import")
    after = json.loads(entry.after)
    assert after["by"].startswith("cli:")


def test_a_refused_import_leaves_an_entry_and_nothing_else(engineer: Actor, storage: Path, tmp_path: Path) -> None:
    """Faults with strict, an unreadable file, the same file again."""
    import_journal(actor=engineer, source=SOUND, is_strict=True)
    with pytest.raises(ImportRefused):
        import_journal(actor=engineer, source=DAMAGED, is_strict=True)
    with pytest.raises(UnreadableJournal):
        import_journal(actor=engineer, source=tmp_path / "missing.jsonl", is_strict=False)
    document = tmp_path / "report.json"
    document.write_text('{\n  "report": {\n    "passed": 0\n  }\n}\n')
    with pytest.raises(UnreadableJournal, match="not one of its lines is an event"):
        import_journal(actor=engineer, source=document, is_strict=False)
    with pytest.raises(AlreadyImported):
        import_journal(actor=engineer, source=SOUND, is_strict=True)

    assert [code for _, code, _ in entries("journal.import")] == [
        "",
        "import-refused",
        "unreadable-journal",
        "unreadable-journal",
        "already-imported",
    ]
    assert [path.name.rpartition("-")[0] for path in (storage / "events" / "imports").iterdir()] == ["live-harness-169"]


def test_only_an_engineer_imports_and_resets(tester: Actor, live: Path) -> None:
    """The refusal is in the chain, the journal where it was."""
    with pytest.raises(NotAllowed):
        import_journal(actor=tester, source=SOUND, is_strict=False)
    with pytest.raises(NotAllowed):
        reset_ledger(actor=tester)

    assert entries("journal.import") == [("refused", "not-allowed", "journal:live-harness-169.jsonl")]
    assert entries("journal.repair") == [("refused", "not-allowed", "journal:credits")]
    assert live.is_dir()


def test_a_reset_is_audited(engineer: Actor, live: Path) -> None:
    """With the name under which the old journal is kept."""
    archived = reset_ledger(actor=engineer)

    (entry,) = AuditEntry.objects.filter(act="journal.repair")
    after = json.loads(entry.after)
    assert after == {"archived_as": archived.name, "by": engineer.label}
    assert not live.exists()


def test_nothing_is_reset_under_a_running_console(engineer: Actor, live: Path, storage: Path) -> None:
    """The lock of `up` is asked."""
    descriptor = os.open(storage / "up.lock", os.O_RDWR | os.O_CREAT)
    try:
        os.write(descriptor, b"process 4711 at http://127.0.0.1:8000/\n")
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with pytest.raises(ConsoleRunning, match="4711"):
            reset_ledger(actor=engineer)
    finally:
        os.close(descriptor)

    assert live.is_dir()


def test_there_must_be_something_to_reset(engineer: Actor) -> None:
    """An empty storage has no live journal."""
    with pytest.raises(NoLiveJournal):
        reset_ledger(actor=engineer)


def test_the_system_check_is_quiet_about_a_sound_place(live: Path) -> None:
    """A local disk and no poison."""
    assert [message for message in check_live_journal(app_configs=None) if message.id != "ledger.W002"] == []


def test_the_system_check_names_a_poisoned_journal(live: Path) -> None:
    """After a failed fsync."""
    (live / "POISONED").write_text("fdatasync: EIO")

    assert "ledger.W001" in {message.id for message in check_live_journal(app_configs=None)}
