"""Executing one scenario with real child processes, sound ones and broken ones."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from console.kernel.acts import Actor
from console.kernel.models import AuditEntry
from console.tests.waiting import Stopwatch, until
from testruns.actions import cancel_execution, cancel_run
from testruns.actions.execution import _deadline_seconds, _execute
from testruns.actions.leases import claim, is_lost, is_owner_alive, own_label
from testruns.actions.limits import HEARTBEAT_SECONDS, MACHINE_WAIT_SECONDS, STDERR_BYTES_MAX
from testruns.actions.machine_lock import MachineLock, is_machine_busy
from testruns.actions.protocol import Conversation
from testruns.actions.watching import Surroundings
from testruns.evidence import read
from testruns.models import Attempt, Measurement, Run, RunEvidence, ScenarioExecution
from testruns.processes import is_running
from testruns.run_states import ExecutionState
from testruns.tests.runs.conftest import MakeRun
from testruns.tests.runs.processes import group_of
from testruns.wording import said_error

pytestmark = pytest.mark.django_db

CHILDREN = "testruns.tests.runs.children"


def execute(execution: ScenarioExecution, child: str, surroundings: Surroundings | None = None) -> ScenarioExecution:
    """Execute with a scripted child and read the row again."""
    _execute(execution_id=execution.pk, surroundings=surroundings or Surroundings(), module=f"{CHILDREN}.{child}")
    execution.refresh_from_db()
    return execution


def first(run: Run) -> ScenarioExecution:
    return run.executions.order_by("position")[0]


def when_half_way(act: Callable[[], object]) -> tuple[Surroundings, list[Stopwatch], list[int]]:
    """Surroundings that do something once, when the child is half way; the moment; the processes it names."""
    moments: list[Stopwatch] = []
    pids: list[int] = []

    def listen(said: Conversation) -> None:
        if said.progress_ppm == 500_000 and not moments:
            assert said.pid is not None
            pids.extend([said.pid, int(said.progress_text.removeprefix("grandchild "))])
            moments.append(Stopwatch())
            act()

    return Surroundings(listen=listen), moments, pids


def test_a_sound_child_leaves_measurements_samples_and_evidence(make_run: MakeRun) -> None:
    """Everything it said is in the rows, and the very bytes are in the store."""
    execution = execute(first(make_run()), "sound")

    attempt = Attempt.objects.get(execution=execution)
    output = read(attempt.output_id or "")
    readings = {one.name: (one.value, one.unit) for one in Measurement.objects.filter(attempt=attempt)}

    assert execution.state == attempt.state == ExecutionState.FINISHED.value
    assert (attempt.number, attempt.exit_code, attempt.error) == (1, 0, "")
    assert readings == {
        "double_charges": ("0", "count"),
        "memory_slope": ("0.0125", "MB/min"),
        "seed_seen": ("7", "count"),
    }
    assert execution.samples[-1] == {
        "elapsed_ms": 2000,
        "operations": 20,
        "p95_us": 1002,
        "rss_anon_bytes": 1_000_000,
    }
    assert execution.opened == {"files": ["<run>/journal"], "sockets": []}
    assert execution.journal_head == {"seq": 3, "hash": "ab" * 32}
    assert execution.progress_ppm == 1_000_000
    assert json.loads(output.splitlines()[0])["scenario"] == "credit_storm"
    assert len(read(attempt.samples_id or "").splitlines()) == 3


def test_evidence_is_bound_to_run_execution_and_attempt_by_its_digest(make_run: MakeRun, storage: Path) -> None:
    """Each file of an attempt is found from the run, and its name is its SHA-256."""
    execution = execute(first(make_run()), "crashing")

    bound = RunEvidence.objects.filter(run=execution.run, execution=execution)

    assert {one.role for one in bound} == {"output", "stderr"}
    for one in bound:
        assert hashlib.sha256(read(one.evidence_id)).hexdigest() == one.evidence_id


def test_the_environment_is_measured_once_for_a_run(make_run: MakeRun) -> None:
    """Machine, Python and disk floor stand in the run before its first scenario ends."""
    run = make_run(environment={"build": {"branch": "main"}})
    execute(first(run), "sound")
    run.refresh_from_db()
    noted = run.environment

    execute(run.executions.order_by("position")[1], "sound")
    run.refresh_from_db()

    assert noted["disk"]["floor"]["fsyncs_per_second"] > 0
    assert noted["build"] == {"branch": "main"}
    assert run.environment == noted


@pytest.mark.parametrize(
    ("child", "error"),
    [
        ("crashing", "the child exited with code 1"),
        ("dying", "the child was killed by signal 9"),
        ("leaving", "the child exited without saying done"),
        ("babbling", "the child broke the protocol: line 2 is not JSON"),
        ("flooding", "the child broke the protocol: line 2 is longer than"),
        ("no_such_module", "the child exited with code 1"),
    ],
)
def test_a_broken_child_is_that_scenarios_error_and_the_others_still_run(
    make_run: MakeRun, child: str, error: str
) -> None:
    """ERRORED with the reason, its evidence kept, its process gone, the next execution unharmed."""
    run = make_run(scenarios=("credit_storm", "approval_race"))

    broken = execute(first(run), child)
    after = execute(run.executions.order_by("position")[1], "sound")
    run.refresh_from_db()
    broken.refresh_from_db()

    attempt = Attempt.objects.get(execution=broken)
    assert broken.state == attempt.state == ExecutionState.ERRORED.value
    assert error in said_error(template=broken.error, params=broken.error_params)
    assert (broken.error, broken.error_params) == (attempt.error, attempt.error_params)
    assert broken.verdict == "ERROR"
    assert after.state == ExecutionState.FINISHED.value
    assert (run.state, run.recommendation, run.is_frozen) == ("UNFINISHED", "INCOMPLETE", False)
    assert not is_machine_busy()


def test_the_traceback_of_a_crash_is_evidence(make_run: MakeRun) -> None:
    """Whoever reads the run finds why it broke."""
    execution = execute(first(make_run()), "crashing")

    attempt = Attempt.objects.get(execution=execution)

    assert b"RuntimeError: the scenario broke here" in read(attempt.stderr_id or "")
    assert Measurement.objects.get(attempt=attempt).name == "double_charges"


def test_noise_on_stderr_neither_blocks_the_child_nor_fills_the_store(make_run: MakeRun) -> None:
    """Three MiB of noise: the scenario finishes, the first MiB is kept and the cut is said."""
    execution = execute(first(make_run()), "shouting")

    kept = read(Attempt.objects.get(execution=execution).stderr_id or "")

    assert execution.state == ExecutionState.FINISHED.value
    assert STDERR_BYTES_MAX < len(kept) < STDERR_BYTES_MAX + 100
    assert kept.endswith(b"[cut: more than 1 MiB on stderr]\n")


def test_what_a_child_leaves_behind_is_ended_with_its_group(make_run: MakeRun) -> None:
    """A process that kept the pipe open does not keep the execution open."""
    execution = execute(first(make_run()), "lingering")

    output = read(Attempt.objects.get(execution=execution).output_id or "")
    child = json.loads(output.splitlines()[0])["pid"]
    assert execution.state == ExecutionState.FINISHED.value
    assert until(lambda: group_of(child) == [], seconds=2)


def test_cancel_stops_the_child_and_its_children_within_a_second(make_run: MakeRun, tester: Actor) -> None:
    """Although the child ignores SIGTERM; the row says who wanted it, and nobody is left."""
    execution = first(make_run(scenarios=("credit_storm",)))
    around, moments, pids = when_half_way(lambda: cancel_execution(actor=tester, execution_id=execution.pk))

    execute(execution, "patient", around)
    seconds = moments[0].seconds

    assert execution.state == ExecutionState.CANCELLED.value
    assert execution.error == "cancelled by a person"
    assert seconds < 1.0
    assert until(lambda: not [pid for pid in pids if is_running(pid)], seconds=2)
    assert len(pids) == 2


def test_cancelling_a_run_stops_what_works_and_what_waits(make_run: MakeRun, tester: Actor) -> None:
    """All executions cancelled: the run is CANCELLED and frozen, and says nothing about GO."""
    run = make_run()
    around, _moments, _pids = when_half_way(lambda: cancel_run(actor=tester, run_id=run.pk))

    execute(first(run), "patient", around)
    run.refresh_from_db()

    assert {one.state for one in run.executions.all()} == {ExecutionState.CANCELLED.value}
    assert (run.state, run.recommendation, run.is_frozen) == ("CANCELLED", "", True)


def test_the_end_of_the_supervisor_abandons_the_execution_at_once(make_run: MakeRun) -> None:
    """End of file on the lifeline: the group is killed and the row says ABANDONED."""
    reading, writing = os.pipe()
    around, moments, pids = when_half_way(lambda: os.close(writing))
    around.lifeline = reading

    execution = execute(first(make_run()), "patient", around)
    seconds = moments[0].seconds
    os.close(reading)

    assert execution.state == ExecutionState.ABANDONED.value
    assert "supervisor" in execution.error
    assert seconds < 1.0
    assert until(lambda: not [pid for pid in pids if is_running(pid)], seconds=2)


def test_a_child_past_its_deadline_is_ended(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scenario that hangs is an error after planned x 1.5 + 120 s, here with the 120 s made 0."""
    monkeypatch.setattr("testruns.actions.execution.DEADLINE_EXTRA_SECONDS", 0)
    execution = first(make_run())
    ScenarioExecution.objects.filter(pk=execution.pk).update(planned_seconds=1)

    execute(execution, "patient")

    assert execution.state == ExecutionState.ERRORED.value
    assert execution.error == "the deadline passed"


def test_the_deadline_of_an_hour_leaves_the_queues_own_timeout_far_away(make_run: MakeRun) -> None:
    """An execution planned for an hour may take 1 h 32 min; never more than three hours, the queue waits four."""
    cluster: dict[str, Any] = settings.Q_CLUSTER
    execution = first(make_run())
    execution.planned_seconds = 3600
    an_hour = _deadline_seconds(execution)
    execution.planned_seconds = 7200
    longest = _deadline_seconds(execution)

    assert an_hour == 3600 * 1.5 + 120
    assert longest == 3 * 3600
    assert longest + MACHINE_WAIT_SECONDS + 600 < cluster["timeout"] < cluster["retry"]


def test_a_message_delivered_twice_starts_nothing(make_run: MakeRun) -> None:
    """The second look finds the execution FINISHED and leaves it as it is."""
    execution = execute(first(make_run()), "sound")
    before = ScenarioExecution.objects.filter(pk=execution.pk).values().get()

    state = _execute(execution_id=execution.pk, surroundings=None, module=f"{CHILDREN}.sound")

    assert state is None
    assert Attempt.objects.filter(execution=execution).count() == 1
    assert ScenarioExecution.objects.filter(pk=execution.pk).values().get() == before


def test_a_message_for_a_leased_execution_starts_nothing(make_run: MakeRun) -> None:
    """While another worker holds the lease and lives, the second message is dropped."""
    execution = first(make_run())
    lease = claim(execution_id=execution.pk)
    assert lease is not None

    state = _execute(execution_id=execution.pk, surroundings=None, module=f"{CHILDREN}.sound")
    execution.refresh_from_db()

    assert state is None
    assert (execution.state, execution.lease_owner) == (ExecutionState.LEASED.value, lease.owner)
    assert Attempt.objects.count() == 0


def test_whoever_lost_the_lease_stops_and_writes_nothing(make_run: MakeRun) -> None:
    """The row belongs to the new state; the child of the old one is gone."""
    execution = first(make_run())

    def take_away() -> None:
        ScenarioExecution.objects.filter(pk=execution.pk).update(lease_owner="somebody:1:1:else")

    around, moments, pids = when_half_way(take_away)

    state = _execute(execution_id=execution.pk, surroundings=around, module=f"{CHILDREN}.patient")
    seconds = moments[0].seconds
    execution.refresh_from_db()

    assert state is None
    assert seconds < HEARTBEAT_SECONDS + 2
    assert execution.state == ExecutionState.RUNNING.value
    assert execution.lease_owner == "somebody:1:1:else"
    assert until(lambda: not [pid for pid in pids if is_running(pid)], seconds=2)


def test_an_execution_waits_while_somebody_else_has_the_machine(make_run: MakeRun) -> None:
    """It is LEASED with a heartbeat, goes back to the queue after a while, and starts nothing."""
    run = make_run(driver=own_label())
    execution = first(run)

    with MachineLock() as lock:
        assert lock.try_take()
        state = _execute(
            execution_id=execution.pk,
            surroundings=Surroundings(),
            module=f"{CHILDREN}.sound",
            machine_wait_seconds=0.3,
        )
    execution.refresh_from_db()

    assert state is None
    assert (execution.state, execution.lease_owner) == (ExecutionState.QUEUED.value, "")
    assert Attempt.objects.count() == 0


def test_an_execution_that_waits_for_the_machine_can_be_cancelled(make_run: MakeRun, tester: Actor) -> None:
    """Nobody has to wait for a machine only to be cancelled."""
    execution = first(make_run())
    asked: list[bool] = []

    def interrupted() -> bool:
        if not asked:
            asked.append(True)
            cancel_execution(actor=tester, execution_id=execution.pk)
        return False

    with MachineLock() as lock:
        assert lock.try_take()
        execute(execution, "sound", Surroundings(is_interrupted=interrupted))

    assert execution.state == ExecutionState.CANCELLED.value
    assert Attempt.objects.count() == 0


def test_every_start_and_end_is_in_the_audit_chain(make_run: MakeRun) -> None:
    """Nothing about an execution changes its state unseen."""
    execution = execute(first(make_run(scenarios=("credit_storm",))), "sound")

    entries = AuditEntry.objects.order_by("index").values_list("act", "object")

    assert ("execution.start", f"execution:{execution.pk}") in entries
    assert ("execution.end", f"execution:{execution.pk}") in entries
    assert ("run.judge", f"run:{execution.run_id}") in entries


def test_the_row_of_a_working_execution_changes_at_most_twice_a_second(make_run: MakeRun) -> None:
    """However often a child speaks (the run's version counts the visible changes)."""
    run = make_run(scenarios=("credit_storm",))
    began = time.monotonic()
    heard: list[float] = []

    def listen(said: Conversation) -> None:
        if said.progress_ppm and not heard:
            heard.append(time.monotonic())

    around = Surroundings(listen=listen, is_interrupted=lambda: bool(heard) and time.monotonic() > heard[0] + 3)
    execute(first(run), "talkative", around)
    seconds = time.monotonic() - began
    run.refresh_from_db()

    assert 4 <= run.version <= seconds * 2 + 8


def test_a_lease_is_lost_by_silence_of_a_dead_owner_and_by_long_silence_of_a_living_one(make_run: MakeRun) -> None:
    """A busy database may silence a living worker for a while; a dead one is found at once after 8 s."""
    execution = first(make_run())
    claim(execution_id=execution.pk)
    execution.refresh_from_db()
    beat = execution.heartbeat_at
    assert beat is not None

    assert is_owner_alive(execution.lease_owner)
    assert not is_lost(execution, now=beat + timedelta(seconds=30))
    assert is_lost(execution, now=beat + timedelta(seconds=61))

    boot, _pid, start, token = execution.lease_owner.split(":")
    execution.lease_owner = f"{boot}:{2**22 + 1}:{start}:{token}"
    assert not is_lost(execution, now=beat + timedelta(seconds=7.9))
    assert is_lost(execution, now=beat + timedelta(seconds=8.1))
