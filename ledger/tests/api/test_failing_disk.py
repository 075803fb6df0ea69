"""Orders while the disk is full, fails or holds something else: refused as what they are, and when to try again."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.tests.api_client import ApiClient
from ledger import Ledger, OsEnv, actions, commands
from ledger.actions import close_live_ledger, live_ledger
from ledger.conf import live_journal
from ledger.tests.api.conftest import CREDIT

pytestmark = pytest.mark.django_db
ORDER = {"agent_id": "ann", "amount": "1", "reason": "work"}


class Disk(OsEnv):
    """The real machine, whose disk a test fills or breaks."""

    def __init__(self) -> None:
        super().__init__()
        self.is_full = self.is_broken = False

    def disk(self, path: Path) -> tuple[int, int]:
        """Of a terabyte, a gigabyte is free when it is full."""
        return (2**40, 2**30) if self.is_full else super().disk(path)

    def fdatasync(self, fd: int) -> None:  # type: ignore[override]  # a plain function there
        """Fails when it is broken."""
        if self.is_broken:
            raise OSError(errno.EIO, "Input/output error")
        OsEnv.fdatasync(fd)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """The live journal on such a disk, in segments that fill quickly; ann has a thousand credits."""
    disk = Disk()
    ledger = Ledger.open(path=live_journal(), env=disk, segment_bytes=8192)
    monkeypatch.setattr(actions, "_live", ledger)
    order = commands.CreateAgent(agent="ann", initial_micros=1000 * CREDIT)
    ledger.execute(order, key="ann", actor="user:1", correlation="agent:ann")
    yield disk
    disk.is_full = disk.is_broken = False
    close_live_ledger()


def consume(client: ApiClient, key: str) -> Any:
    """One order of one credit."""
    return client.send("credits/consume/", ORDER, key=key)


def assert_refused(answer: Any, status: int, code: str) -> None:
    """A problem that says when to try again, and nothing of the files."""
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert int(answer.headers["Retry-After"]) > 0
    assert not any(word in answer.content.decode() for word in (str(live_journal()), "segment", "fork", "Errno"))


def test_a_full_disk_refuses_orders_as_such_until_there_is_room(engineer: ApiClient, disk: Disk) -> None:
    """What is there is read on; the order that was refused goes through under its key later."""
    disk.is_full = True
    answers = (consume(engineer, f"k-{number}") for number in range(100))
    refused = next(answer for answer in answers if answer.status_code != 200)
    balance = engineer.read("credits/balance/ann/").json()["balance"]
    key = f"k-{1000 - int(float(balance))}"
    disk.is_full = False

    later = consume(engineer, key)

    assert_refused(refused, 507, "journal-full")
    assert (later.status_code, "Idempotency-Replayed" in later.headers) == (200, False)


def test_a_write_that_the_disk_does_not_confirm_is_said_and_then_nothing_is_taken(
    engineer: ApiClient, disk: Disk
) -> None:
    """The first answer asks to repeat with the same key after recovery; later orders are refused without effect."""
    disk.is_broken = True

    unknown = consume(engineer, "k-1")
    disk.is_broken = False
    later = consume(engineer, "k-2")
    health = engineer.get("/api/credits/health")

    assert_refused(unknown, 503, "durability-unknown")
    assert "with the same key" in unknown.json()["detail"]
    assert_refused(later, 503, "poisoned")
    assert (health.status_code, health.json()["journal"]) == (503, "poisoned")
    live_ledger().journal.recover(reason="another disk", actor="user:1")
    repeated = consume(engineer, "k-1").json()
    assert repeated["balance"] == "999.000000"


def test_a_damaged_journal_takes_no_orders_and_tells_no_content(engineer: ApiClient, ann: str) -> None:
    """It answers what is before the damage."""
    consume(engineer, "k-1")
    close_live_ledger()
    path = next((live_journal() / "segments").glob("*.jsonl"))
    path.write_bytes(path.read_bytes().replace(b'"reason":"work"', b'"reason":"fork"', 1))

    answer = consume(engineer, "k-2")

    assert_refused(answer, 503, "corrupt")
    assert engineer.read(f"credits/balance/{ann}/").json()["balance"] == "100.000000"


def test_a_journal_that_is_none_is_no_fault_of_the_program(engineer: ApiClient, ann: str) -> None:
    """Its first file holds something else: every route says so as a problem."""
    close_live_ledger()
    (live_journal() / "journal.json").write_text("no facts")

    assert_refused(consume(engineer, "k-1"), 503, "not-a-journal")
    for path in ("credits/balances/", "credits/metrics/", "credits/history/ann/", "events/", "credits/approvals/"):
        assert_refused(engineer.read(path), 503, "not-a-journal")
