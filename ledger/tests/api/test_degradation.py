"""A live journal whose disk fails or gets slow, at every door: refused orders, what is said where, and the way back."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from console.kernel.authority import Act, Role, may
from console.kernel.models import AuditEntry
from console.tests.api_client import ApiClient
from console.tests.people import person_with
from ledger import Ledger, actions
from ledger.actions import close_live_ledger, live_ledger, live_watch
from ledger.conf import live_journal
from ledger.degradation import MeasuredEnv, State, Watch, Writes
from ledger.engine.env import OsEnv
from ledger.tests.commands.calling import call
from ledger.tests.credits import planting

pytestmark = pytest.mark.django_db
ORDER = {"agent_id": "ann", "amount": "1", "reason": "work"}
WHY = "The disk was replaced and measured."
LEAVE = "admin:journal_leave_read_only"


class Disk(OsEnv):
    """The real one, which fails to take records or to confirm them when a test says so."""

    is_failing = is_broken = False

    def pwrite(self, fd: int, content: bytes, offset: int) -> int:  # type: ignore[override]  # a plain function there
        """A write of records fails when planted; undoing it does not."""
        if self.is_failing and content.startswith(b"{"):
            raise OSError(errno.EIO, "Input/output error")
        return OsEnv.pwrite(fd, content, offset)

    def fdatasync(self, fd: int) -> None:  # type: ignore[override]  # as above
        """Fails when it is broken."""
        if self.is_broken:
            raise OSError(errno.EIO, "Input/output error")
        OsEnv.fdatasync(fd)


class MeasuredDisk(MeasuredEnv, Disk):
    """What the server opens the live journal with, on that disk."""


@pytest.fixture
def disk(ann: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[MeasuredDisk]:
    """The live journal, in which ann has credits, opened anew on such a disk and watched."""
    close_live_ledger()
    writes = Writes()
    disk = MeasuredDisk(writes)
    monkeypatch.setattr(actions, "_watch", Watch(path=live_journal(), env=disk, writes=writes))
    monkeypatch.setattr(actions, "_live", Ledger.open(path=live_journal(), env=disk))
    monkeypatch.setattr(actions, "_live_lock", actions._lock_in_place())
    yield disk
    disk.is_failing = disk.is_broken = False
    close_live_ledger()


def client_of(*roles: Role) -> Client:
    """A person at the console."""
    client = Client()
    client.force_login(person_with(*roles), backend="django.contrib.auth.backends.ModelBackend")
    return client


def stop(engineer: ApiClient, disk: MeasuredDisk) -> None:
    """Let three orders fail on the disk, of three; then it works again."""
    disk.is_failing = True
    codes = [engineer.send("credits/consume/", ORDER, key=f"f-{number}").json()["code"] for number in range(3)]
    disk.is_failing = False
    assert codes == ["not-written"] * 3
    assert live_watch().standing().state is State.READ_ONLY


def test_orders_are_refused_as_read_only_and_everything_can_be_read(engineer: ApiClient, disk: MeasuredDisk) -> None:
    """Every kind of order, with a time to come again; nothing of the machine is told."""
    stop(engineer, disk)
    head = live_ledger().head

    for path, body in (
        ("credits/consume/", ORDER),
        ("credits/agents/", {"agent_id": "bob"}),
        ("credits/approvals/", {"request": "r", "action_type": "deploy", "risk_level": "LOW", "context": "c"}),
    ):
        answer = engineer.send(path, body, key=f"k-{path}")
        assert (answer.status_code, answer.json()["code"]) == (503, "read-only-now"), answer.json()
        assert int(answer.headers["Retry-After"]) > 0

    assert live_ledger().head == head
    assert engineer.read("credits/balance/ann/").status_code == 200
    assert engineer.read("events/").status_code == 200


def test_every_door_says_it(engineer: ApiClient, disk: MeasuredDisk) -> None:
    """Health of installation and credits, metrics, home, journal, approvals."""
    stop(engineer, disk)
    reader = client_of(Role.AUDITOR)

    whole, part = Client().get("/api/health"), Client().get("/api/credits/health")

    assert (whole.status_code, whole.json()["checks"]["journal"]) == (503, {"status": "failed", "state": "read_only"})
    assert (part.status_code, part.json()) == (503, {"status": "failed", "journal": "read_only"})
    assert 'gatehouse_journal_state{state="read_only"} 1.0' in Client().get("/metrics").content.decode()
    for page in ("admin:index", "admin:journal_events"):
        shown = reader.get(reverse(page)).content.decode()
        assert "The ledger takes no orders; it can be read" in shown
        assert "3 of 3 writes in half a minute failed." in shown
    assert "The ledger takes no orders" in reader.get(reverse("admin:approvals")).content.decode()


def test_a_degraded_journal_takes_orders_and_says_so(
    engineer: ApiClient, disk: MeasuredDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk of 90 percent: not well, not failed."""
    monkeypatch.setattr(disk, "disk", lambda path: (100 * 2**33, 9 * 2**33))
    reader = client_of(Role.AUDITOR)

    order = engineer.send("credits/consume/", ORDER, key="k")

    assert order.status_code == 200
    assert Client().get("/api/health").json()["checks"]["journal"] == {"status": "degraded", "state": "degraded"}
    assert Client().get("/api/credits/health").json() == {"status": "degraded", "journal": "degraded"}
    page = reader.get(reverse("admin:journal_events")).content.decode()
    assert "The journal is degraded; orders are still taken" in page
    assert "91 % of the disk is used." in page
    assert "Let it be written again" not in page


def test_an_engineer_with_a_reason_lets_it_be_written_again(engineer: ApiClient, disk: MeasuredDisk) -> None:
    """With the reason on record; the orders that were refused go through under their keys."""
    stop(engineer, disk)
    client = client_of(Role.ENGINEER)

    short = client.post(reverse(LEAVE), {"reason": "fixed"}, follow=True).content.decode()
    done = client.post(reverse(LEAVE), {"reason": WHY}, follow=True).content.decode()
    again = client.post(reverse(LEAVE), {"reason": WHY}, follow=True).content.decode()

    assert "needs at least 10 characters" in short
    assert ">fixed</textarea>" in short
    assert "The ledger takes orders again." in done
    assert "The journal is not read-only" in again
    assert engineer.send("credits/consume/", ORDER, key="f-0").status_code == 200
    entries = AuditEntry.objects.filter(act=Act.LEAVE_READ_ONLY.value).order_by("index")
    assert [(one.outcome, one.code) for one in entries] == [
        ("refused", "reason-too-short"),
        ("done", ""),
        ("refused", "not-read-only"),
    ]
    told = str(entries[1].after)
    assert WHY in told
    assert "errors" in told


def test_nobody_else_does(engineer: ApiClient, disk: MeasuredDisk) -> None:
    """Refused by role, on record, and it stays read-only; the button says why it cannot be pressed."""
    stop(engineer, disk)

    for role in Role:
        if not may(act=Act.LEAVE_READ_ONLY, roles={role}):
            client = client_of(role)
            assert (
                "This takes one of these roles: engineer."
                in client.get(reverse("admin:journal_events")).content.decode()
            )
            client.post(reverse(LEAVE), {"reason": WHY})

    assert live_watch().standing().state is State.READ_ONLY
    refused = AuditEntry.objects.filter(act=Act.LEAVE_READ_ONLY.value, outcome="refused", code="not-allowed")
    assert refused.count() == len(Role) - 1


def test_a_poisoned_journal_goes_to_fresh_blocks_by_the_same_act(engineer: ApiClient, disk: MeasuredDisk) -> None:
    """The journal itself records who and why."""
    disk.is_broken = True
    engineer.send("credits/consume/", ORDER, key="k-1")
    disk.is_broken = False
    client = client_of(Role.ENGINEER)
    before = client.get(reverse("admin:journal_events")).content.decode()

    client.post(reverse(LEAVE), {"reason": WHY})

    assert "Let it be written again" in before
    recovered = next(live_ledger().events(types=["journal.recovered"], descending=True, limit=1))
    assert (recovered.data["reason"], recovered.data["by"][:5]) == (WHY, "user:")
    assert engineer.send("credits/consume/", ORDER, key="k-1").status_code == 200


def test_a_damaged_journal_is_repaired_first_and_then_left(engineer: ApiClient, disk: MeasuredDisk) -> None:
    """An order finds the damage: everybody stops, and stays stopped when the bytes are back, until a person says so."""
    engineer.send("credits/consume/", ORDER, key="k-1")
    segment = planting.segments_of(live_journal())[0]
    sound = segment.read_bytes()
    close_live_ledger()
    segment.write_bytes(sound.replace(b'"reason":"work"', b'"reason":"fork"', 1))
    assert engineer.send("credits/consume/", ORDER, key="k-2").json()["code"] == "corrupt"
    client = client_of(Role.ENGINEER)
    damaged = client.post(reverse(LEAVE), {"reason": WHY}, follow=True).content.decode()
    close_live_ledger()
    segment.write_bytes(sound)

    refused = engineer.send("credits/consume/", ORDER, key="k-2").json()["code"]
    unread = client.post(reverse(LEAVE), {"reason": WHY}, follow=True).content.decode()
    verified = call("ledger", "verify")
    client.post(reverse(LEAVE), {"reason": WHY})

    assert "The journal is still damaged. Repair it first" in damaged
    assert refused == "read-only-now"
    assert "no verification since then found it sound" in unread
    assert "An engineer can let it be written again" in verified.out
    assert engineer.send("credits/consume/", ORDER, key="k-2").status_code == 200


def test_a_page_that_meets_damage_says_it_and_stops_the_ledger(engineer: ApiClient, disk: MeasuredDisk) -> None:
    """No page breaks: it names segment, line and what to do; nobody moves credits on such a journal."""
    engineer.send("credits/consume/", ORDER, key="k-1")
    segment = planting.segments_of(live_journal())[0]
    segment.write_bytes(segment.read_bytes().replace(b'"reason":"work"', b'"reason":"fork"', 1))
    reader = client_of(Role.AUDITOR)

    pages = [reader.get(reverse("admin:journal_events")), reader.get(f"{reverse('admin:journal_account')}?name=ann")]

    for page in pages:
        told = page.content.decode()
        assert page.status_code == 503
        assert segment.name in told
        assert "manage.py ledger doctor" in told
    assert engineer.send("credits/consume/", ORDER, key="k-2").json()["code"] == "read-only-now"


def test_a_journal_that_was_exchanged_under_the_console_takes_no_orders(
    engineer: ApiClient, disk: MeasuredDisk, tmp_path: Path
) -> None:
    """What is open are files that nobody will look at again: no order may be lost in them. A restart goes on."""
    shutil.copytree(live_journal(), tmp_path / "older")
    engineer.send("credits/consume/", ORDER, key="k-1")
    live_journal().rename(tmp_path / "away")
    gone = engineer.send("credits/consume/", ORDER, key="k-2")
    shutil.copytree(tmp_path / "older", live_journal())

    exchanged = engineer.send("credits/consume/", ORDER, key="k-2")
    page = client_of(Role.AUDITOR).get(reverse("admin:journal_events")).content.decode()
    health = Client().get("/api/health").json()["checks"]["journal"]
    close_live_ledger()

    assert [(one.status_code, one.json()["code"]) for one in (gone, exchanged)] == [(503, "journal-exchanged")] * 2
    assert "Restart the console: the directory of its journal was exchanged" in page
    assert health == {"status": "failed", "state": "read_only"}
    assert engineer.send("credits/consume/", ORDER, key="k-2").status_code == 200
