"""A byte that rots in a sealed segment: whoever finds it stops the orders of every process until a person says so."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from console.kernel.acts import Actor
from console.kernel.authority import Role
from console.tests.people import person_with
from ledger import NewEvent, commands
from ledger.actions import close_live_ledger, live_ledger, live_watch
from ledger.condition import live_condition
from ledger.degradation import Cause, Finding, Level, SoundnessUnknown, State
from ledger.engine.layout import Layout
from ledger.operations import leave_read_only
from ledger.proof.checkpoints import KeptCheckpoints
from ledger.tests.commands.calling import call
from ledger.tests.credits import planting
from ledger.tests.doctor import damages
from ledger.tests.proof.journals import take
from ledger.tests.verifying.conftest import verify_here
from ledger.verifying.consequence import Consequence
from ledger.verifying.reading import Outcome, examine

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[3]
WHY = "The byte was put back from the backup."
SERVER = """
import sys
import django
django.setup()
from ledger import LedgerError, commands
from ledger.actions import live_ledger, live_watch
print("open", live_ledger().head.seq, flush=True)
for name in map(str.strip, sys.stdin):
    try:
        live_watch().require_writable()
        order = commands.CreateAgent(agent=name)
        answer = live_ledger().execute(order, key=name, actor="user:2", correlation="c")
    except LedgerError as refusal:
        print(refusal.code, flush=True)
    else:
        print("done", flush=True)
"""


class Server:
    """Another process of the console, with the live journal open since before."""

    def __init__(self, storage: Path) -> None:
        known = {"GATEHOUSE_STORAGE": str(storage), "DJANGO_SETTINGS_MODULE": "console.settings"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", SERVER],
            cwd=ROOT,
            env={**os.environ, **known},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._answer() == f"open {live_ledger().head.seq}"

    def order(self, agent: str) -> str:
        """`done`, or the code of the refusal."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{agent}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def close(self) -> None:
        """End it."""
        self._process.communicate()


@pytest.fixture
def sealed(journal: Path) -> Path:
    """The live journal, whose first segment is sealed; an order more was given since."""
    live_ledger().journal.seal()
    live_ledger().execute(commands.CreateAgent(agent="later"), key="later", actor="user:1", correlation="c")
    return journal


@pytest.fixture
def server(sealed: Path, storage: Path) -> Iterator[Server]:
    """The other process."""
    server = Server(storage)
    yield server
    server.close()


def read(path: Path) -> Outcome:
    """All of it."""
    return examine(path, began_at="", progress=lambda *_: None)


def test_damage_that_a_verification_finds_stops_the_orders_of_all_processes_until_a_person_says_so(
    sealed: Path, server: Server, engineer: Actor
) -> None:
    """Neither process ever reads that place. Found sound again it stays stopped; then an engineer's reason ends it."""
    segment = planting.segments_of(sealed)[0]
    sound = segment.read_bytes()
    damages.flip(sealed, 0, 3)
    unnoticed = server.order("bob")

    verify_here(sealed)

    head = live_ledger().head
    assert (unnoticed, server.order("eve")) == ("done", "read-only-now")
    assert live_ledger().journal.status.state == "normal"
    assert (live_condition().is_stopped, live_condition().is_damaged) == (True, True)
    with pytest.raises(SoundnessUnknown):
        leave_read_only(actor=engineer, reason=WHY)
    damages.write(segment, sound)
    with pytest.raises(SoundnessUnknown):
        leave_read_only(actor=engineer, reason=WHY)

    verify_here(sealed)

    assert server.order("eve") == "read-only-now"
    assert (live_condition().is_stopped, live_condition().is_damaged) == (True, False)
    leave_read_only(actor=engineer, reason=WHY)
    assert server.order("eve") == "done"
    assert live_ledger().head.seq == head.seq + 2
    assert live_condition().state == "normal"


def test_every_door_says_it_and_none_offers_to_go_on_before_it_is_mended(
    sealed: Path, make_actor: Callable[[Role], Actor]
) -> None:
    """Journal, home and verification; health and metrics."""
    client = Client()
    client.force_login(person_with(Role.ENGINEER), backend="django.contrib.auth.backends.ModelBackend")
    segment = planting.segments_of(sealed)[0]
    sound = segment.read_bytes()
    damages.flip(sealed, 0, 3)
    verify_here(sealed)

    pages = {
        name: client.get(reverse(f"admin:{name}")).content.decode()
        for name in ("index", "approvals", "journal_verification")
    }
    health = Client().get("/api/health").json()["checks"]["journal"]
    metrics = Client().get("/metrics").content.decode()
    damages.write(segment, sound)
    verify_here(sealed)
    mended = client.get(reverse("admin:journal_events")).content.decode()

    assert "The ledger takes no orders; it can be read" in pages["index"]
    assert "The ledger takes no orders" in pages["approvals"]
    assert "The ledger takes no orders: damage was found. After a repair" in pages["journal_verification"]
    for name in ("index", "approvals"):
        assert "Damage was found in the files of the journal." in pages[name]
    assert not any("Let it be written again" in page for page in pages.values())
    assert health == {"status": "failed", "state": "read_only"}
    assert 'gatehouse_journal_state{state="read_only"} 1.0' in metrics
    assert "The journal was damaged, and a verification found it sound again." in mended
    assert "Let it be written again" in mended


def test_the_commands_stop_orders_too_and_a_repair_counts_as_a_reading(sealed: Path, engineer: Actor) -> None:
    """`ledger verify` and `ledger doctor` say what follows; what the doctor mended, an engineer can leave."""
    close_live_ledger()
    damages.flip(sealed, 0, 3)

    verified = call("ledger", "verify")
    examined = call("ledger", "doctor", sealed)
    repaired = call("ledger", "doctor", "--repair", "restore-byte", "--yes")
    leave_read_only(actor=engineer, reason=WHY)

    for done in (verified, examined):
        assert done.code == 1
        assert "The live ledger takes no orders since " in done.out
        assert "damage was found" in done.out
    assert verified.out.endswith("DAMAGED\n")
    assert "An engineer can let it be written again" in repaired.out
    assert repaired.out.endswith("verify: sound; every invariant holds\n")
    assert live_condition().state == "normal"


def test_damage_of_another_journal_stops_nothing(sealed: Path, tmp_path: Path) -> None:
    """A copy that somebody verifies."""
    copy = planting.copy_of(sealed, tmp_path / "copy")
    damages.flip(copy, 0, 3)

    done = call("ledger", "verify", copy)

    assert done.out.endswith("DAMAGED\n")
    assert "takes no orders" not in done.out
    assert live_condition().takes_orders
    assert not list(tmp_path.rglob("condition.json"))


def test_what_was_found_while_a_sound_reading_ran_is_not_taken_for_mended(sealed: Path) -> None:
    """It may have read the place before."""
    reading = Consequence(sealed)
    live_watch().standing(is_damaged=True)

    stopped = reading.draw(is_damaged=False)

    assert stopped is not None
    assert stopped.is_damaged
    with pytest.raises(SoundnessUnknown):
        live_watch().release()


def test_damage_joins_what_stopped_the_journal_before(sealed: Path) -> None:
    """A slow disk that also forgets: leaving takes a sound reading, and damage that comes again counts again."""
    watch = live_watch()
    for _ in range(3):
        watch.writes.add(at_micros=watch.env.steady_micros(), took_micros=2_000_000, is_failed=False)
    slow = watch.standing()

    Consequence(sealed).draw(is_damaged=True)
    both = watch.on_record()
    Consequence(sealed).draw(is_damaged=False)
    mended = watch.on_record()
    Consequence(sealed).draw(is_damaged=True)

    assert [one.cause for one in slow.findings] == [Cause.LATENCY]
    assert {one.cause for one in both.findings} == {Cause.LATENCY, Cause.DAMAGE}
    assert (both.since, both.is_damaged, mended.is_damaged) == (slow.since, True, False)
    assert mended.state is State.READ_ONLY
    assert watch.on_record() == both


def test_a_sound_reading_of_a_journal_that_was_never_damaged_leaves_no_trace(sealed: Path) -> None:
    """Nothing to note."""
    assert Consequence(sealed).draw(is_damaged=False) is None
    assert not list(sealed.glob("condition.json"))


def test_books_that_do_not_balance_and_a_damaged_checkpoint_are_said_and_stop_nothing(sealed: Path) -> None:
    """No repair brings them back: orders would never be taken again. The page shows what is broken."""
    close_live_ledger()
    values = {"from_account": "agent:a-0", "to_account": "system:consumption", "amount_micros": 1}
    event = NewEvent(stream="agent:a-0", type="credit.consumed", data={**values, "balance_micros": 7, "reason": "w"})
    planting.write_as_another_version(sealed, event)
    take(sealed)
    kept = KeptCheckpoints(sealed)
    note = kept.path(kept.sizes()[-1])
    damages.write(note, note.read_bytes().replace(b"\n", b"", 1))

    outcome = read(sealed)

    assert {line.code for line in outcome.lines if line.is_held is False} >= {"balance"}
    assert len(outcome.problems) >= 2
    assert not outcome.is_damaged


def test_a_machine_without_descriptors_says_nothing_about_the_journal(sealed: Path) -> None:
    """The reading breaks off, and finds nothing."""
    program = """
import resource, sys
from pathlib import Path
from ledger.verifying.reading import examine
used = 64
resource.setrlimit(resource.RLIMIT_NOFILE, (used, used))
held = []
try:
    while True:
        held.append(open("/dev/null"))
except OSError:
    held.pop().close()
try:
    print(examine(Path(sys.argv[1]), began_at="", progress=lambda *_: held.append(open("/dev/null"))).is_damaged)
except OSError as error:
    print(error.errno)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(sealed)], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout == "24\n"


def test_a_journal_that_cannot_be_read_any_more_is_damaged(sealed: Path) -> None:
    """A directory where a segment was, as an example of what a disk may do."""
    segment = planting.segments_of(sealed)[0]
    close_live_ledger()
    segment.unlink()
    segment.mkdir()

    assert read(sealed).is_damaged
    assert Layout(sealed).facts.exists()
    assert Finding(cause=Cause.DAMAGE, level=Level.CRITICAL, count=1, total=1) not in live_watch().standing().findings
