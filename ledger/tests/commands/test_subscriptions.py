"""`ledger subscribe` and `ledger subscriptions`: events handed to programs, and what an operator sees and does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.management import CommandError

from console.kernel.acts import Actor
from console.kernel.models import AuditEntry
from console.tests.waiting import wait_until
from ledger import commands
from ledger.actions import close_live_ledger, live_ledger
from ledger.condition import live_condition
from ledger.engine.env import OsEnv
from ledger.engine.event import Event
from ledger.subscriptions import Retry, Subscriber, unpark
from ledger.subscriptions.record import Record, Records
from ledger.tests.commands.calling import call
from ledger.tests.doctor import damages

ROOT = Path(__file__).resolve().parents[3]
TAKES = "import sys, pathlib; pathlib.Path(sys.argv[1]).open('a').write(sys.stdin.read())"
REFUSES = "import sys; print('first', file=sys.stderr); sys.exit('no room')"


def record_of(live: Path, name: str = "billing") -> Record:
    """What the subscription keeps."""
    return Records(env=OsEnv(), journal=live).read(name)


@contextmanager
def running(storage: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`manage.py ledger subscribe` as a process; killed at the end."""
    environment = {**os.environ, "GATEHOUSE_STORAGE": str(storage), "DJANGO_SETTINGS_MODULE": "console.settings"}
    command = [sys.executable, "manage.py", "ledger", "subscribe", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **pipes) as process:  # type: ignore[call-overload]  # pipes
        try:
            yield process
        finally:
            process.kill()


def park(live: Path, stream: str) -> None:
    """A subscription whose receiver does not take one stream."""

    def deliver(event: Event) -> None:
        if event.stream == stream:
            raise ConnectionError("no room")

    with Subscriber.opened(
        journal=live_ledger().journal, path=live, name="billing", deliver=deliver, retry=Retry(attempts_max=1)
    ) as subscriber:
        while subscriber.step():
            pass


def test_every_event_is_printed_and_the_next_process_goes_on(live: Path, storage: Path) -> None:
    """The filter leaves out what is not wanted; SIGTERM ends it with its place kept."""
    with running(storage, "billing", "--type", "credit.*") as process:
        assert process.stdout is not None
        types = [json.loads(process.stdout.readline())["type"] for _line in range(2)]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    order = commands.AddCredits(agent="ann", amount_micros=1, reason="later")
    later = live_ledger().execute(order, key="later", actor="a", correlation="c").events[0]
    with running(storage, "billing", "--type", "credit.*") as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())

    assert types == ["credit.allocated", "credit.consumed"]
    assert told["seq"] == later.seq


def test_a_program_is_called_for_every_event_of_a_stream(live: Path, storage: Path, tmp_path: Path) -> None:
    """With the event as one JSON line."""
    taken = tmp_path / "taken"
    program = f'{sys.executable} -c "{TAKES}" {taken}'
    with running(storage, "billing", "--stream", "agent:ann", "--run", program):
        wait_until(
            lambda: taken.exists() and len(taken.read_text().splitlines()) == 3,
            timeout_seconds=60,
            what="the delivery of three events",
        )

    assert {json.loads(line)["stream"] for line in taken.read_text().splitlines()} == {"agent:ann"}


def test_what_a_program_does_not_take_is_held_with_its_last_words(live: Path, storage: Path) -> None:
    """And tried again; the events of other streams go on."""
    program = f'{sys.executable} -c "{REFUSES}"'
    with running(storage, "billing", "--after", "1", "--run", program) as process:
        wait_until(
            lambda: (live / "subscriptions" / "billing.json").exists() and bool(record_of(live).holds),
            timeout_seconds=60,
            what="the hold of a stream",
        )
        shown = call("ledger", "subscriptions")
        process.send_signal(signal.SIGTERM)
        process.wait(30)

    hold = record_of(live).holds["agent:ann"]
    assert (hold.seq, hold.reason) == (2, "exit 1: no room")
    assert "billing  running  *" in shown.out
    assert "tried again: agent:ann from event 2" in shown.out


def test_subscriptions_are_shown_with_position_lag_and_parks(live: Path) -> None:
    """Exit 1 while something is parked."""
    assert call("ledger", "subscriptions").out == "Nobody subscribed.\n"
    park(live, "agent:ann")
    order = commands.AddCredits(agent="ann", amount_micros=1, reason="later")
    live_ledger().execute(order, key="later", actor="a", correlation="c")

    shown = call("ledger", "subscriptions")

    first, second, safe, command = shown.out.splitlines()
    assert shown.code == 1
    assert first == "billing  stopped  *  at event 4 of 5, 1 behind"
    assert second.startswith("  parked: agent:ann from event 2, 3 held, 1 attempts since 20")
    assert second.endswith("no room")
    assert safe.startswith("  Nothing is lost: the journal keeps what is held")
    assert command == "    ledger subscriptions --unpark billing agent:ann"


def test_what_waits_for_a_person_is_said_in_the_console_until_somebody_lets_it_go_on(live: Path) -> None:
    """One sentence for each subscription, with what is safe and what to do; and that a position is damaged."""
    before = live_condition().warnings
    park(live, "agent:ann")
    (parked,) = live_condition().warnings
    unpark(path=live, name="billing", stream="agent:ann")
    after = live_condition().warnings
    (live / "subscriptions" / "billing.json").write_text("{}")
    (damaged,) = live_condition().warnings

    assert (before, after) == ((), ())
    assert "The subscription billing has parked agent:ann since" in parked
    assert "from event 2 on: no room. Nothing is lost" in parked
    assert "manage.py ledger subscriptions --unpark billing agent:ann" in parked
    assert "The position of the subscription billing is damaged" in damaged


@pytest.mark.django_db
def test_an_engineer_unparks_and_that_is_on_record(live: Path, engineer: Actor, tester: Actor) -> None:
    """Somebody else may not, and that is on record too."""
    park(live, "agent:ann")

    refused = call("ledger", "subscriptions", "--unpark", "billing", "agent:ann", "--as", "tina")
    done = call("ledger", "subscriptions", "--unpark", "billing", "agent:ann", "--as", "emil")

    assert (refused.code, done.code) == (4, 0)
    assert "agent:ann goes on from event 2." in done.out
    assert not record_of(live).holds["agent:ann"].is_parked
    trail = AuditEntry.objects.filter(act="subscription.steer").order_by("index")
    assert [(one.outcome, one.object) for one in trail] == [
        ("refused", "subscription:billing"),
        ("done", "subscription:billing"),
    ]


@pytest.mark.django_db
def test_a_reset_says_what_it_means_and_is_on_record(live: Path) -> None:
    """Not without --to and --yes; backwards delivers again, forwards leaves out."""
    park(live, "agent:ann")

    for missing in (["--to", 0], ["--yes"]):
        with pytest.raises(CommandError, match="--to SEQ and --yes"):
            call("ledger", "subscriptions", "--reset", "billing", *missing)
    back = call("ledger", "subscriptions", "--reset", "billing", "--to", 1, "--yes")
    ahead = call("ledger", "subscriptions", "--reset", "billing", "--to", 4, "--yes")
    beyond = call("ledger", "subscriptions", "--reset", "billing", "--to", 5, "--yes")

    assert "billing goes on behind event 1, not 4: what lies between is delivered again." in back.out
    assert "billing goes on behind event 4, not 1: what lies between is not delivered." in ahead.out
    assert beyond.code == 4
    assert (record_of(live).position, dict(record_of(live).holds)) == (4, {})
    assert AuditEntry.objects.filter(act="subscription.steer", outcome="done").count() == 2


def test_what_is_known_of_a_damaged_journal_is_said_as_that(live: Path) -> None:
    """The head is that of its verified part, and what was delivered lies behind it."""
    park(live, "agent:ann")
    close_live_ledger()
    damages.flip(live, 0, 2)

    shown = call("ledger", "subscriptions")

    assert shown.out.startswith("The journal is damaged in segment ")
    assert "billing  stopped" in shown.out


def test_a_damaged_position_is_shown_as_such(live: Path) -> None:
    """Exit 1, and what to do."""
    park(live, "agent:none")
    (live / "subscriptions" / "billing.json").write_text("{}")

    shown = call("ledger", "subscriptions")

    assert shown.code == 1
    assert "its position is damaged: nobody can say what was delivered" in shown.out
    assert "    ledger subscriptions --reset billing --to SEQ --yes\n" in shown.out
