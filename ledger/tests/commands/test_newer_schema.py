"""What a newer version recorded: every command says which event it is and what to do now, and changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import translation

from ledger.actions import close_live_ledger
from ledger.engine.env import OsEnv
from ledger.subscriptions.record import Records
from ledger.tests.commands.calling import call
from ledger.tests.credits import planting

SAID = "Event 5 is credit.consumed of schema 2, which this version of Gatehouse does not know"


@pytest.fixture
def newer(live: Path) -> Path:
    """The live journal with an event of a newer version at its end."""
    close_live_ledger()
    planting.write_newer_schema(live)
    return live


@pytest.mark.parametrize("verb", ["tail", "export", "verify"])
def test_a_command_that_reads_events_refuses_them(newer: Path, verb: str) -> None:
    """Exit 4 and one sentence."""
    done = call("ledger", verb)

    assert done.code == 4
    assert SAID in done.err
    assert "Install that version" in done.err


def test_verify_still_says_that_the_bytes_are_sound(newer: Path) -> None:
    """Nothing is damaged, and nobody should repair anything."""
    assert "sound\n" in call("ledger", "verify").out


def test_a_subscription_stops_before_the_event_and_keeps_its_place(newer: Path) -> None:
    """It is neither delivered nor parked; the version that knows it goes on there."""
    done = call("ledger", "subscribe", "billing")

    assert done.code == 4
    assert SAID in done.err
    assert Records(env=OsEnv(), journal=newer).names() == []


def test_check_invariants_names_the_event(newer: Path) -> None:
    """Exit 1: a question is answered with no."""
    done = call("check_invariants")

    assert done.code == 1
    assert "BROKEN  schema" in done.out
    assert SAID in done.out


def test_the_refusal_is_said_in_german(newer: Path) -> None:
    """Which event, and what to do now."""
    with translation.override("de"):
        done = call("ledger", "tail")

    assert "Ereignis 5 ist credit.consumed mit Schema 2" in done.err
