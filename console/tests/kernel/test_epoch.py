"""What was looked up about authority is used again until an audited act is committed, and not a request longer."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from console.kernel import audit, epoch
from console.kernel.authority import Act, Role
from console.kernel.known_roles import may_now
from console.tests.people import actor_with

ADVANCE = """
import sys
from django.conf import settings
settings.configure(STORAGE=sys.argv[1])
from console.kernel import epoch
epoch.advance()
"""


@pytest.fixture(autouse=True)
def storage(tmp_path: Path, settings: Any) -> Path:
    """A storage that no audit entry was written in."""
    settings.STORAGE = tmp_path
    return tmp_path


class Counted:
    """A look-up that says how often it was asked."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, key: str) -> str:
        self.count += 1
        if key == "unknown":
            raise LookupError(key)
        return f"{key} {self.count}"


def test_an_answer_is_looked_up_once_until_the_epoch_moves() -> None:
    """Also before there ever was an audit entry."""
    look_up = Counted()
    memory = epoch.Remembered(look_up)

    first, second = memory.get("a"), memory.get("a")
    epoch.advance()
    third, fourth = memory.get("a"), memory.get("a")

    assert (first, second, third, fourth) == ("a 1", "a 1", "a 2", "a 2")


def test_what_is_not_found_is_looked_up_again() -> None:
    """A token that is made a moment later is known at once, and guesses fill no memory."""
    look_up = Counted()
    memory = epoch.Remembered(look_up)

    for _ in range(2):
        with pytest.raises(LookupError):
            memory.get("unknown")

    assert look_up.count == 2


def test_another_process_that_moves_the_epoch_is_heard_at_once(storage: Path) -> None:
    """The web server has several processes, and commands act beside them."""
    memory = epoch.Remembered(Counted())
    before = memory.get("a")

    subprocess.run([sys.executable, "-c", ADVANCE, str(storage)], check=True)

    assert (before, memory.get("a")) == ("a 1", "a 2")


def test_an_act_that_ends_while_somebody_looks_up_makes_that_answer_worthless() -> None:
    """The one that looked up saw the rows as they were before."""
    began, may_go_on = threading.Event(), threading.Event()
    answers = iter(["old", "new"])

    def look_up(_key: str) -> str:
        answer = next(answers)
        began.set()
        assert may_go_on.wait(10)
        return answer

    memory = epoch.Remembered(look_up)
    reader = threading.Thread(target=memory.get, args=("a",))
    reader.start()
    assert began.wait(10)

    epoch.advance()
    may_go_on.set()
    reader.join()

    assert memory.get("a") == "new"


@pytest.mark.django_db(transaction=True)
def test_an_audit_entry_moves_the_epoch_when_it_is_committed_and_not_when_it_is_rolled_back() -> None:
    """Nobody is asked again for what never happened."""
    before = epoch.current()
    with pytest.raises(LookupError), transaction.atomic():
        audit.record(actor=None, act="test", object="test:1")
        raise LookupError
    rolled_back = epoch.current()
    with transaction.atomic():
        audit.record(actor=None, act="test", object="test:1")
        not_yet = epoch.current()

    assert before == rolled_back == not_yet
    assert epoch.current() != before


@pytest.mark.django_db
def test_a_role_taken_away_in_an_audited_act_is_gone_for_the_next_question() -> None:
    """And whoever is deactivated may nothing."""
    actor = actor_with(Role.ENGINEER)
    before = may_now(actor=actor, act=Act.MOVE_CREDITS)

    actor.person.grants.all().update(ended_at="2026-01-01T00:00:00Z", ended_by=actor.person)
    remembered = may_now(actor=actor, act=Act.MOVE_CREDITS)
    audit.record(actor=None, act="test", object="test:1")

    assert (before, remembered) == (True, True)
    assert not may_now(actor=actor, act=Act.MOVE_CREDITS)


@pytest.mark.django_db
def test_a_deactivated_person_may_nothing_whatever_their_roles() -> None:
    """The roles stay on record; the person is not asked."""
    actor = actor_with(*Role)
    actor.person.is_active = False
    actor.person.save()

    assert not any(may_now(actor=actor, act=act) for act in Act)
