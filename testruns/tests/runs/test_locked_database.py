"""A database that somebody else locks for a while costs an execution nothing."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from console.tests.waiting import until
from testruns.actions.execution import _execute
from testruns.actions.protocol import Conversation
from testruns.actions.watching import Surroundings
from testruns.models import Attempt, Measurement
from testruns.run_states import ExecutionState
from testruns.tests.runs.conftest import MakeRun

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite has one lock for the whole database"),
]
TROUBLE = ("could not be reached", "trying again")


@pytest.fixture
def storage(settings: Any) -> Iterator[Path]:
    """The storage that holds the database of the test."""
    yield settings.STORAGE
    shutil.rmtree(settings.STORAGE / "runs", ignore_errors=True)


class Intruder:
    """Takes SQLite's write lock once, when told to, and gives it back once that has been felt."""

    def __init__(self, is_felt: Callable[[], bool]) -> None:
        self.has_locked = False
        self._is_felt = is_felt
        self._connection = sqlite3.connect(connection.settings_dict["NAME"], check_same_thread=False)
        self._release = threading.Thread(target=self._give_back)

    def lock(self) -> None:
        if not self.has_locked:
            self.has_locked = True
            self._connection.execute("BEGIN IMMEDIATE")
            self._release.start()

    def _give_back(self) -> None:
        try:
            until(self._is_felt, seconds=20)
        finally:
            self._connection.rollback()

    @property
    def has_given_back(self) -> bool:
        return self.has_locked and not self._release.is_alive()

    def close(self) -> None:
        if self.has_locked:
            self._release.join()
        self._connection.close()


@pytest.fixture
def intruder(caplog: pytest.LogCaptureFixture) -> Iterator[Intruder]:
    """A second process' connection; ours waits for locks 0.5 s instead of 20 s, so that it loses the wait at all."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 500")
    intruder = Intruder(lambda: any(said in caplog.text for said in TROUBLE))
    yield intruder
    intruder.close()
    connection.close()


def test_a_heartbeat_that_cannot_be_written_is_written_later(
    make_run: MakeRun, intruder: Intruder, caplog: pytest.LogCaptureFixture
) -> None:
    """The child works on, the trouble is logged, and the execution ends as it would have."""
    execution = make_run(scenarios=("credit_storm",)).executions.get()

    def listen(said: Conversation) -> None:
        if said.progress_ppm:
            intruder.lock()

    around = Surroundings(listen=listen, is_interrupted=lambda: intruder.has_given_back)
    state = _execute(execution_id=execution.pk, surroundings=around, module="testruns.tests.runs.children.talkative")

    assert intruder.has_locked
    assert state is ExecutionState.CANCELLED
    assert "could not be reached" in caplog.text


def test_results_that_cannot_be_written_at_once_are_not_lost(
    make_run: MakeRun, intruder: Intruder, caplog: pytest.LogCaptureFixture
) -> None:
    """The end of an attempt is tried again: an hour of measuring may hang on it."""
    execution = make_run(scenarios=("credit_storm",)).executions.get()

    def listen(said: Conversation) -> None:
        if said.is_done:
            intruder.lock()

    around = Surroundings(listen=listen)
    state = _execute(execution_id=execution.pk, surroundings=around, module="testruns.tests.runs.children.sound")

    assert intruder.has_locked
    assert state is ExecutionState.FINISHED
    assert Attempt.objects.get().state == ExecutionState.FINISHED.value
    assert Measurement.objects.count() == 3
    assert "trying again" in caplog.text
