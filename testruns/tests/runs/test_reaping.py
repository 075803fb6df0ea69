"""The reaper and the repair of messages, on rows: lost workers, lost messages, dead commands, half-done endings."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from console.kernel.models import AuditEntry
from console.tests.waiting import PATIENT_SECONDS
from testruns.actions import queue_is_stuck, reap
from testruns.actions.execution import execute
from testruns.actions.leases import claim, own_label, started_ticks
from testruns.actions.machine_lock import MachineLock
from testruns.actions.queueing import enqueue, repair_messages
from testruns.models import Attempt, Run, ScenarioExecution
from testruns.run_states import ExecutionState, RunState
from testruns.tests.runs.conftest import MakeRun

pytestmark = pytest.mark.django_db

QUEUED, LEASED = ExecutionState.QUEUED.value, ExecutionState.LEASED.value
RUNNING, ABANDONED = ExecutionState.RUNNING.value, ExecutionState.ABANDONED.value
DEAD_PID = 2**22 + 1  # beyond the largest process id the kernel gives


def dead_label() -> str:
    boot, _pid, start, token = own_label().split(":")
    return f"{boot}:{DEAD_PID}:{start}:{token}"


def lose(execution: ScenarioExecution, *, owner: str, silence_seconds: float) -> None:
    """An execution that was running when its worker was last heard of."""
    assert claim(execution_id=execution.pk)
    ScenarioExecution.objects.filter(pk=execution.pk).update(
        state=RUNNING,
        attempt_count=1,
        lease_owner=owner,
        heartbeat_at=timezone.now() - timedelta(seconds=silence_seconds),
    )
    Attempt.objects.create(execution=execution, number=1)
    Run.objects.filter(pk=execution.run_id).update(state=RunState.RUNNING.value)


def test_an_execution_whose_worker_died_is_abandoned_and_its_attempt_closed(make_run: MakeRun) -> None:
    """Never PASS, and the run's report says what is missing."""
    run = make_run(scenarios=("credit_storm",))
    execution = run.executions.get()
    lose(execution, owner=dead_label(), silence_seconds=9)

    changed = reap()
    execution.refresh_from_db()
    run.refresh_from_db()

    assert changed == 1
    assert execution.state == Attempt.objects.get().state == ABANDONED
    assert "last heard of" in execution.error
    assert datetime.fromisoformat(execution.error_params["at"]["moment"]) < timezone.now()
    assert (run.state, run.recommendation, run.is_provisional) == (RunState.UNFINISHED.value, "INCOMPLETE", True)
    assert AuditEntry.objects.filter(act="execution.end", object=f"execution:{execution.pk}").exists()


def test_an_attempt_never_ends_before_it_began(make_run: MakeRun) -> None:
    """Also when the machine's clock was set back meanwhile."""
    execution = make_run(scenarios=("credit_storm",)).executions.get()
    lose(execution, owner=dead_label(), silence_seconds=9)
    Attempt.objects.update(started_at=timezone.now() + timedelta(hours=1))

    reap()

    attempt = Attempt.objects.get()
    assert (attempt.state, attempt.finished_at) == (ABANDONED, attempt.started_at)


@pytest.mark.parametrize("silence_seconds", [0, 5, 50])
def test_an_execution_whose_worker_lives_is_left_alone(make_run: MakeRun, silence_seconds: float) -> None:
    """A worker that waits for a locked database is slow, not lost."""
    execution = make_run(scenarios=("credit_storm",)).executions.get()
    lose(execution, owner=own_label(), silence_seconds=silence_seconds)

    assert reap() == 0
    execution.refresh_from_db()
    assert execution.state == RUNNING


def test_a_worker_that_hangs_for_a_minute_loses_its_execution(make_run: MakeRun) -> None:
    """Although it still exists: nobody watches the child any more."""
    execution = make_run(scenarios=("credit_storm",)).executions.get()
    lose(execution, owner=own_label(), silence_seconds=61)

    assert reap() == 1
    execution.refresh_from_db()
    assert execution.state == ABANDONED


def test_a_child_whose_worker_hangs_is_ended_with_its_execution(make_run: MakeRun) -> None:
    """Nothing goes on loading the machine; the process is recognised by its start, not by its number alone."""
    execution = make_run(scenarios=("credit_storm",)).executions.get()
    lose(execution, owner=own_label(), silence_seconds=61)
    child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], start_new_session=True)
    other = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], start_new_session=True)
    ticks = started_ticks(child.pid)
    ScenarioExecution.objects.filter(pk=execution.pk).update(pid=child.pid, pid_started_ticks=ticks)

    reap()
    ended_with = child.wait(timeout=PATIENT_SECONDS)
    is_other_left_alone = other.poll() is None
    other.kill()
    other.wait()

    assert ended_with == -signal.SIGKILL
    assert is_other_left_alone


def test_a_process_that_only_has_the_number_of_the_child_is_left_alone(make_run: MakeRun) -> None:
    """Numbers are used again."""
    execution = make_run(scenarios=("credit_storm",)).executions.get()
    lose(execution, owner=own_label(), silence_seconds=61)
    stranger = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], start_new_session=True)
    ScenarioExecution.objects.filter(pk=execution.pk).update(pid=stranger.pid, pid_started_ticks=1)

    reap()
    is_left_alone = stranger.poll() is None
    stranger.kill()
    stranger.wait()

    assert is_left_alone


def test_a_step_that_fails_does_not_keep_the_others_from_their_turn(
    make_run: MakeRun, caplog: pytest.LogCaptureFixture
) -> None:
    """A driver's label that nobody can read stops one step, and the lost execution is abandoned all the same."""
    make_run(driver="not a label")
    execution = make_run(scenarios=("credit_storm",)).executions.get()
    lose(execution, owner=dead_label(), silence_seconds=9)

    assert reap() == 1
    execution.refresh_from_db()
    assert execution.state == ABANDONED
    assert "a step of the reaper failed" in caplog.text


def test_a_command_on_another_machine_is_given_a_minute(make_run: MakeRun) -> None:
    """Its process cannot be looked up from here; its heartbeats can."""
    elsewhere = ":".join(["another-boot", *own_label().split(":")[1:]])
    run = make_run(driver=elsewhere)
    just_requested = reap()
    Run.objects.filter(pk=run.pk).update(requested_at=timezone.now() - timedelta(seconds=61))

    reap()
    run.refresh_from_db()

    assert just_requested == 0
    assert run.state == RunState.UNFINISHED.value


def test_a_message_for_a_lost_execution_marks_it_without_waiting_for_the_reaper(make_run: MakeRun) -> None:
    """What is delivered again finds the stale lease and says ABANDONED; it starts nothing."""
    execution = make_run(scenarios=("credit_storm",)).executions.get()
    lose(execution, owner=dead_label(), silence_seconds=9)

    assert execute(execution_id=execution.pk) is None
    execution.refresh_from_db()
    assert execution.state == ABANDONED
    assert Attempt.objects.count() == 1


def test_what_waits_for_a_dead_command_is_abandoned(make_run: MakeRun) -> None:
    """`run_live_tests` was killed: nobody will come to the rest of its run."""
    run = make_run(driver=dead_label())

    reap()
    run.refresh_from_db()

    assert {one.state for one in run.executions.all()} == {ABANDONED}
    assert run.state == RunState.UNFINISHED.value


def test_what_waits_for_a_living_command_is_left_to_it(make_run: MakeRun) -> None:
    """No message is sent for it either."""
    run = make_run(driver=own_label())
    run.executions.update(queued_at=timezone.now() - timedelta(hours=1))

    assert reap() == 0
    assert OrmQ.objects.count() == 0
    assert not queue_is_stuck()


def test_a_run_whose_worker_died_before_judging_is_judged_by_the_reaper(make_run: MakeRun) -> None:
    """The last execution has ended, the recommendation is still owed."""
    run = make_run(scenarios=("credit_storm",))
    run.executions.update(state=ExecutionState.ERRORED.value, finished_at=timezone.now())

    reap()
    run.refresh_from_db()

    assert (run.state, run.recommendation) == (RunState.UNFINISHED.value, "INCOMPLETE")


def old_message(execution: ScenarioExecution, *, seconds: float = 60) -> None:
    enqueue(execution=execution)
    past = timezone.now() - timedelta(seconds=seconds)
    ScenarioExecution.objects.filter(pk=execution.pk).update(queued_at=past, messaged_at=past)


def test_a_lost_message_is_sent_again(make_run: MakeRun) -> None:
    """A QUEUED execution on an idle machine without any message gets one."""
    execution = make_run(scenarios=("credit_storm",)).executions.get()
    old_message(execution)
    OrmQ.objects.all().delete()

    assert repair_messages() == 1
    assert OrmQ.objects.get().task["args"] == (execution.pk,)
    assert repair_messages() == 0


def test_a_message_that_a_dead_worker_took_along_is_handed_back(make_run: MakeRun) -> None:
    """Its lock would hold it for twelve hours."""
    execution = make_run(scenarios=("credit_storm",)).executions.get()
    old_message(execution)
    OrmQ.objects.update(lock=timezone.now() + timedelta(hours=12))

    assert repair_messages() == 1
    message = OrmQ.objects.get()
    assert message.lock is not None
    assert message.lock <= timezone.now()


def test_a_message_that_waits_in_the_queue_is_left_there(make_run: MakeRun) -> None:
    """While no cluster runs at all, messages do not pile up."""
    execution = make_run(scenarios=("credit_storm",)).executions.get()
    old_message(execution)

    assert repair_messages() == 0
    assert OrmQ.objects.count() == 1


def test_what_a_busy_worker_fetched_in_advance_is_not_lost(make_run: MakeRun) -> None:
    """The next message may lie with the worker for an hour while it works."""
    working, waiting = make_run(scenarios=("credit_storm", "approval_race")).executions.order_by("position")
    old_message(waiting)
    OrmQ.objects.update(lock=timezone.now() + timedelta(hours=12))
    assert claim(execution_id=working.pk)

    assert repair_messages() == 0


def test_messages_of_others_in_the_queue_are_not_touched(make_run: MakeRun) -> None:
    """Whatever else is in the queue stays as it is, readable or not."""
    execution = make_run(scenarios=("credit_storm",)).executions.get()
    old_message(execution)
    OrmQ.objects.all().delete()
    OrmQ.objects.create(key="gatehouse", payload="no such package", lock=timezone.now())

    assert repair_messages() == 1
    assert OrmQ.objects.filter(payload="no such package").count() == 1


def test_the_queue_is_stuck_when_work_waits_on_an_idle_machine(make_run: MakeRun) -> None:
    """Longer than a sound cluster would let it wait; not before, and not blamed on a fresh cluster."""
    execution = make_run(scenarios=("credit_storm",)).executions.get()
    old_message(execution, seconds=5)
    too_early = queue_is_stuck()
    old_message(execution, seconds=16)

    assert not too_early
    assert queue_is_stuck()
    assert not queue_is_stuck(cluster_started_at=timezone.now() - timedelta(seconds=5))
    assert queue_is_stuck(cluster_started_at=timezone.now() - timedelta(seconds=30))


def test_the_queue_is_not_stuck_while_somebody_works(make_run: MakeRun) -> None:
    """An execution of an hour keeps the others waiting, and that is right."""
    working, waiting = make_run(scenarios=("credit_storm", "approval_race")).executions.order_by("position")
    old_message(waiting, seconds=3600)
    assert claim(execution_id=working.pk)

    assert not queue_is_stuck()


def test_the_queue_is_not_stuck_while_the_machine_is_locked(make_run: MakeRun) -> None:
    """A run on the command line has the machine."""
    old_message(make_run(scenarios=("credit_storm",)).executions.get(), seconds=3600)

    with MachineLock() as lock:
        assert lock.try_take()
        assert not queue_is_stuck()
    assert queue_is_stuck()


def test_an_empty_queue_is_not_stuck(make_run: MakeRun) -> None:
    """Nothing waits, nothing is restarted."""
    assert not queue_is_stuck()
