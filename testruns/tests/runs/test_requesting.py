"""Requesting, cancelling and repeating runs: what is written, and what every refusal leaves behind."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django_q.models import OrmQ

from console.kernel.acts import Actor
from console.kernel.errors import NotAllowed, NotFound
from console.kernel.models import AuditEntry, Person
from testruns.actions import (
    attempt_again,
    cancel_execution,
    cancel_run,
    plan_of,
    request_run,
    run_again,
    waiting_position,
)
from testruns.actions.leases import claim
from testruns.actions.machine_lock import MachineLock
from testruns.actions.refusals import DiskTooFull, ExecutionOver, NoActivePolicy, OtherBuild, RunOver
from testruns.actions.requesting import GIB, Disk, Site, read_disk, require_disk
from testruns.environment import BuildIdentity
from testruns.models import Build, GatePolicy, Run, ScenarioExecution
from testruns.plan import InvalidPlan, RunPlan
from testruns.run_states import ExecutionState, RunState
from testruns.tests.runs.conftest import MakeActor, MakeRun

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]

QUICK = RunPlan.of_profile(profile="quick", soak_seconds=1800)


def refusals(act: str) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(act=act, outcome="refused"))


def test_a_request_makes_one_queued_execution_and_one_message_for_each_planned_scenario(tester: Actor) -> None:
    """Rows, messages and the audit entry come together, in the order of the suite."""
    run = request_run(actor=tester, plan=QUICK)

    executions = list(run.executions.order_by("position"))

    assert run.state == RunState.QUEUED.value
    assert [one.scenario for one in executions] == [one.scenario for one in QUICK.executions()]
    assert {one.state for one in executions} == {ExecutionState.QUEUED.value}
    assert [message.task["args"] for message in OrmQ.objects.order_by("pk")] == [(one.pk,) for one in executions]
    assert {message.task["func"] for message in OrmQ.objects.all()} == {"testruns.tasks.execute_scenario"}
    assert AuditEntry.objects.filter(act="run.request", object=f"run:{run.pk}", outcome="done").count() == 1


def test_a_run_names_the_build_policy_and_person_it_was_requested_with(tester: Actor) -> None:
    """What is judged and by what is fixed at the request."""
    run = request_run(actor=tester, plan=QUICK)

    assert len(run.build.tree_digest) == 64
    assert set(run.environment["build"]) == {"branch", "problem"}
    assert run.policy == GatePolicy.objects.get(code="shipped", is_active=True)
    assert run.requested_by == tester.person
    assert plan_of(run) == QUICK


@pytest.mark.parametrize(("commit", "is_clean"), [("b" * 40, True), (None, True), ("a" * 40, False)])
def test_a_run_of_a_named_commit_is_of_that_commit_or_not_at_all(
    tester: Actor, commit: str | None, is_clean: bool
) -> None:
    """Another commit, no commit, or changes on top of it: refused, on record, and nothing waits in the queue."""
    asked = "a" * 40
    build = BuildIdentity(commit=commit, branch=None, is_clean=is_clean, tree_digest="d4" * 32, problem=None)
    site = Site(build=build, disk=read_disk())

    with pytest.raises(OtherBuild, match=asked):
        request_run(actor=tester, plan=QUICK, site=site, commit=asked)
    found = request_run(
        actor=tester,
        plan=QUICK,
        site=dataclasses.replace(site, build=dataclasses.replace(build, commit=asked, is_clean=True)),
        commit=asked,
    )

    assert [one.code for one in refusals("run.request")] == ["other-build"]
    assert (list(Run.objects.all()), found.build.commit) == ([found], asked)


def test_a_sweep_makes_one_execution_per_scenario_and_level(tester: Actor) -> None:
    """Only for the scenarios that have a level."""
    plan = dataclasses.replace(QUICK, profile="own", concurrency=(10, 20))

    run = request_run(actor=tester, plan=plan)

    levels = list(run.executions.filter(scenario="credit_storm").values_list("concurrency", flat=True))
    assert levels == [10, 20]
    assert run.executions.count() == len(plan.executions())


@pytest.mark.parametrize("role", ["reviewer", "auditor", "administrator"])
def test_who_may_not_request_a_run_leaves_only_an_audit_entry(make_actor: MakeActor, role: str) -> None:
    """The refusal names the roles that may."""
    actor = make_actor(role)

    with pytest.raises(NotAllowed, match="engineer, tester, supervisor"):
        request_run(actor=actor, plan=QUICK)

    assert (Run.objects.count(), Build.objects.count(), OrmQ.objects.count()) == (0, 0, 0)
    assert [(entry.code, entry.actor) for entry in refusals("run.request")] == [("not-allowed", actor.label)]


def test_a_superuser_without_the_role_may_not_request_a_run(db: None) -> None:
    """Being superuser is not a role."""
    person = Person.objects.create_superuser(username="root", password="x")

    with pytest.raises(NotAllowed):
        request_run(actor=Actor(person=person, via="console"), plan=QUICK)


def test_a_plan_that_cannot_run_is_refused_and_the_refusal_is_kept(tester: Actor) -> None:
    """The plan's own rules hold for every door."""
    with pytest.raises(InvalidPlan):
        request_run(actor=tester, plan=dataclasses.replace(QUICK, concurrency=(0,)))

    assert Run.objects.count() == 0
    assert [entry.code for entry in refusals("run.request")] == ["invalid-plan-range"]


def test_a_run_that_does_not_fit_on_the_disk_is_refused_with_the_figures(
    tester: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it needs, what is free, and how it would look afterwards."""
    monkeypatch.setattr("testruns.actions.requesting.read_disk", lambda: Disk(total=100 * GIB, free=round(5.5 * GIB)))

    with pytest.raises(DiskTooFull) as refusal:
        request_run(actor=tester, plan=QUICK)

    params = refusal.value.params
    needed = sum(one.disk_bytes for one in QUICK.executions()) / GIB
    assert float(params["needed"]) == pytest.approx(needed, abs=0.01)
    assert (params["free"], params["total"], params["used_percent"]) == ("5.50", "100.00", 95)
    assert float(params["left"]) == pytest.approx(5.5 - needed, abs=0.01)
    assert "5.50 GiB of 100.00 GiB are free" in str(refusal.value)
    assert (Run.objects.count(), OrmQ.objects.count()) == (0, 0)
    assert [entry.code for entry in refusals("run.request")] == ["disk-too-full"]


def test_no_disk_is_said_to_be_fuller_than_full(make_run: MakeRun) -> None:
    """Where more is needed than is free, nothing would be left."""
    run = make_run(scenarios=("credit_storm",))
    run.executions.update(disk_bytes=0)

    with pytest.raises(DiskTooFull) as refusal:
        require_disk(needed=2 * GIB, disk=Disk(total=10 * GIB, free=GIB))

    assert "100 % would be used and 0.00 GiB free" in str(refusal.value)


@pytest.mark.parametrize(
    ("total_gib", "free_gib", "waiting_gib", "fits"),
    [(100, 15, 0, True), (20, 9, 0, True), (100, 9, 0, False), (100, 15, 6, False), (1000, 11, 0, True)],
)
def test_the_disk_has_to_be_nearly_full_and_nearly_out_of_room_to_refuse(
    make_run: MakeRun, total_gib: int, free_gib: int, waiting_gib: int, fits: bool
) -> None:
    """More than 80 % used and less than 10 GiB free, with what already waits counted in (decisions.md, Runs)."""
    run = make_run(scenarios=("credit_storm",))
    run.executions.update(disk_bytes=waiting_gib * GIB)
    disk = Disk(total=total_gib * GIB, free=free_gib * GIB)

    if fits:
        require_disk(needed=GIB // 2, disk=disk)
    else:
        with pytest.raises(DiskTooFull):
            require_disk(needed=GIB // 2, disk=disk)


def test_without_an_active_policy_nothing_can_be_judged_and_so_nothing_is_run(tester: Actor) -> None:
    """The run would have no verdict."""
    GatePolicy.objects.update(is_active=False)

    with pytest.raises(NoActivePolicy):
        request_run(actor=tester, plan=QUICK)


def test_running_again_repeats_plan_and_seed(tester: Actor, make_actor: MakeActor) -> None:
    """A new run of its own, requested by whoever asked for it."""
    earlier = request_run(actor=tester, plan=dataclasses.replace(QUICK, seed=9, profile="own"))
    engineer = make_actor("engineer")

    run = run_again(actor=engineer, run_id=earlier.pk)

    assert run.pk != earlier.pk
    assert plan_of(run) == plan_of(earlier)
    assert (run.seed, run.requested_by) == (9, engineer.person)


@pytest.mark.parametrize("act", [run_again, cancel_run])
def test_a_run_that_does_not_exist_is_named_in_the_refusal(tester: Actor, act: Any) -> None:
    """Not found is not "not allowed"."""
    with pytest.raises(NotFound, match="run 4711"):
        act(actor=tester, run_id=4711)


def test_a_waiting_run_is_cancelled_at_once_and_its_messages_do_nothing(tester: Actor) -> None:
    """The rows decide; a message that still arrives finds nothing QUEUED."""
    run = request_run(actor=tester, plan=QUICK)

    run = cancel_run(actor=tester, run_id=run.pk)

    assert run.state == RunState.CANCELLED.value
    assert run.is_frozen
    assert {one.state for one in run.executions.all()} == {ExecutionState.CANCELLED.value}
    assert [claim(execution_id=one.pk) for one in run.executions.all()] == [None] * run.executions.count()


def test_one_waiting_scenario_can_be_cancelled_alone(make_run: MakeRun, tester: Actor) -> None:
    """The others stay QUEUED."""
    run = make_run()
    chosen = run.executions.order_by("position")[1]

    cancelled = cancel_execution(actor=tester, execution_id=chosen.pk)

    assert cancelled.state == ExecutionState.CANCELLED.value
    assert run.executions.filter(state=ExecutionState.QUEUED.value).count() == 2


def test_what_is_over_cannot_be_cancelled(make_run: MakeRun, tester: Actor) -> None:
    """Wrong state, with the state in the refusal; the second click says so too."""
    run = make_run(scenarios=("credit_storm",))
    cancel_run(actor=tester, run_id=run.pk)

    with pytest.raises(RunOver, match="cancelled"):
        cancel_run(actor=tester, run_id=run.pk)
    with pytest.raises(ExecutionOver, match="credit_storm"):
        cancel_execution(actor=tester, execution_id=run.executions.get().pk)


def test_asking_a_working_execution_to_stop_a_second_time_is_refused(make_run: MakeRun, tester: Actor) -> None:
    """It was asked already and stops within a second."""
    run = make_run(scenarios=("credit_storm",))
    execution = run.executions.get()
    claim(execution_id=execution.pk)
    ScenarioExecution.objects.filter(pk=execution.pk).update(state=ExecutionState.RUNNING.value)

    asked = cancel_execution(actor=tester, execution_id=execution.pk)

    assert asked.cancel_requested_at is not None
    with pytest.raises(ExecutionOver):
        cancel_execution(actor=tester, execution_id=execution.pk)
    with pytest.raises(RunOver):
        cancel_run(actor=tester, run_id=run.pk)


@pytest.mark.parametrize("act", [cancel_execution, attempt_again])
def test_an_execution_that_does_not_exist_is_named_in_the_refusal(tester: Actor, act: Any) -> None:
    """With its number."""
    with pytest.raises(NotFound, match="4711"):
        act(actor=tester, execution_id=4711)


def test_a_reviewer_cannot_cancel(make_run: MakeRun, make_actor: MakeActor) -> None:
    """The refusal is in the audit chain under the run's name."""
    run = make_run()

    with pytest.raises(NotAllowed):
        cancel_run(actor=make_actor("reviewer"), run_id=run.pk)

    assert [entry.object for entry in refusals("run.cancel")] == [f"run:{run.pk}"]
    assert run.executions.filter(state=ExecutionState.QUEUED.value).count() == 3


def test_waiting_executions_know_their_position_and_why_they_wait(make_run: MakeRun) -> None:
    """Next; behind another one; behind the one that works; because of the machine's lock."""
    run = make_run()
    one, two, three = run.executions.order_by("position")

    nothing_works = [waiting_position(execution=execution) for execution in (one, two)]
    with MachineLock() as lock:
        assert lock.try_take()
        locked = waiting_position(execution=one)
    claim(execution_id=one.pk)
    ScenarioExecution.objects.filter(pk=one.pk).update(state=ExecutionState.RUNNING.value)
    one.refresh_from_db()
    behind = waiting_position(execution=three)

    assert [(waiting.position, waiting.reason[:10]) for waiting in nothing_works if waiting] == [
        (1, "It is next"),
        (2, "Other scen"),
    ]
    assert locked is not None
    assert "locked the machine" in locked.reason
    assert behind is not None
    assert (behind.position, behind.reason % behind.params) == (
        2,
        f"The machine executes one scenario at a time: now credit_storm of run {run.pk}.",
    )
    assert waiting_position(execution=one) is None


@pytest.mark.django_db(transaction=True)
def test_two_people_requesting_at_once_both_get_a_whole_run(make_actor: MakeActor, storage: Path) -> None:
    """Neither request is lost, doubled or mixed with the other."""
    actors = [make_actor("tester"), make_actor("engineer")]
    runs: list[Run] = []
    together = Barrier(2)

    def ask(actor: Actor) -> None:
        together.wait()
        runs.append(request_run(actor=actor, plan=QUICK))
        connection.close()

    threads = [Thread(target=ask, args=(actor,)) for actor in actors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {run.requested_by for run in runs} == {actor.person for actor in actors}
    assert [run.executions.count() for run in runs] == [len(QUICK.executions())] * 2
    assert sorted(message.task["args"][0] for message in OrmQ.objects.all()) == sorted(
        ScenarioExecution.objects.values_list("pk", flat=True)
    )
