"""`manage.py run_live_tests`: a run without the queue, on the same path as the worker, ending with one word.

Exit codes: 0 GO, 1 NO_GO, 2 usage, 3 INCOMPLETE, 4 anything that went wrong, 6 CONDITIONAL. With --require: 0 when
those gates PASS, 1 when one of them FAILs, else 3. The last line of stdout is the recommendation word alone.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from argparse import ArgumentTypeError
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from console.kernel.acts import Actor
from console.kernel.errors import GatehouseError
from console.kernel.models import Person
from testruns.actions import (
    Surroundings,
    active_policy,
    execute,
    judge_run,
    request_driven_run,
    rules_of,
    waiting_position,
)
from testruns.actions.cancelling import cancel_interrupted_run
from testruns.actions.leases import own_label
from testruns.actions.machine_lock import is_machine_busy
from testruns.gates.policy import SHIPPED_GATES
from testruns.gates.verdicts import Verdict, worst
from testruns.management.live_display import display_for
from testruns.management.live_plan import UnusableWish, levels_of, plan_of_wishes, profiles
from testruns.models import Run, ScenarioExecution
from testruns.plan import InvalidPlan, RunPlan
from testruns.recommendation import Recommendation
from testruns.reports import render
from testruns.run_states import ExecutionState
from testruns.scenarios import SCENARIOS
from testruns.wording import spoken

USAGE, ERROR, OPEN_GATE = 2, 4, 3
NOT_A_VERDICT = "This is not a release verdict: only the gates named with --require decide the exit code."


class Command(BaseCommand):
    """Runs live scenarios here and now and prints the recommendation."""

    help = "Run the live scenarios without the queue, judge them, and print the recommendation as the last line."
    requires_system_checks: list[str] = []  # a failed check would end with 1, which means NO_GO here

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Nothing was interrupted yet."""
        super().__init__(*arguments, **options)
        self._interrupted_by: int | None = None

    def add_arguments(self, parser: CommandParser) -> None:
        """The flags of the original suite, and a few more."""
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--full", dest="is_full", action="store_true", help="the whole suite with the policy's soak")
        what.add_argument("--profile", choices=profiles(), help="the whole suite by a profile; without any flag quick")
        what.add_argument("--scenario", dest="scenarios", action="append", choices=tuple(SCENARIOS), metavar="CODE")
        parser.add_argument("--concurrency", type=_usable(levels_of), metavar="N[,N...]")
        parser.add_argument("--seed", type=int, metavar="N")
        parser.add_argument("--duration", type=int, metavar="SECONDS", help="soak of load_reality")
        parser.add_argument("--no-retry-injection", dest="retry_injection", action="store_false", default=None)
        parser.add_argument("--karma", action="store_true", default=None, help="give every scenario a KARMA endpoint")
        parser.add_argument("--no-anomaly-injection", dest="anomaly_injection", action="store_false", default=None)
        parser.add_argument("--require", type=_usable(_gates_of), metavar="A,B,...", help="exit 0 when these PASS")
        parser.add_argument("--as", dest="username", metavar="USER", help="the person who asks for this run")
        parser.add_argument("--report-json", type=Path, metavar="PATH", help="write the report as JSON")

    def run_from_argv(self, argv: list[str]) -> None:
        """As Django does, but whatever goes wrong ends with 4: 1 is a verdict."""
        try:
            super().run_from_argv(argv)
        except Exception:  # noqa: BLE001 - shown in full; only the exit code is ours
            traceback.print_exc()
            sys.exit(ERROR)

    def handle(self, *arguments: Any, **options: Any) -> None:
        """Ask, execute, judge, report; leave with the exit code of what came out."""
        path = options["report_json"]
        if path is not None and not path.parent.is_dir():
            raise CommandError(f"--report-json: there is no directory {path.parent}", returncode=USAGE)
        plan = _plan_of(options)
        run = self._request(actor=_actor_of(options["username"]), plan=plan)
        self._execute(run)
        run = judge_run(run.pk)
        if path is not None and run.recommendation:
            path.write_bytes(render(run=run, kind="json", language="en"))
        if self._interrupted_by is not None:
            raise CommandError(
                f"interrupted by signal {self._interrupted_by}; run {run.pk} is {run.state}", returncode=ERROR
            )
        sys.exit(self._conclude(run, required=options["require"]))

    def _request(self, *, actor: Actor | None, plan: RunPlan) -> Run:
        try:
            run = request_driven_run(actor=actor, plan=plan, driver=own_label())
        except InvalidPlan as refusal:
            raise CommandError(str(refusal), returncode=USAGE) from refusal
        except GatehouseError as refusal:
            raise CommandError(f"{refusal} ({refusal.code})", returncode=ERROR) from refusal
        who = str(actor.person) if actor else "nobody; it can never be bound to a release (--as USER)"
        levels = ",".join(str(level) for level in plan.concurrency)
        self.stdout.write(
            f"Run {run.pk}: profile {plan.profile}, seed {plan.seed}, concurrency {levels}, "
            f"soak {plan.duration_seconds} s, about {run.planned_seconds} s in all, asked for by {who}"
        )
        return run

    def _execute(self, run: Run) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._interrupt)
        executions = list(run.executions.order_by("position"))
        with display_for(write=self.stdout.write) as display:
            around = Surroundings(is_interrupted=lambda: self._interrupted_by is not None, listen=display.listen)
            for execution in executions:
                if self._interrupted_by is not None:
                    break
                display.begin(execution, count=len(executions))
                self._execute_one(execution, around)
                display.end(execution)
        if self._interrupted_by is not None:
            cancel_interrupted_run(run_id=run.pk)

    def _execute_one(self, execution: ScenarioExecution, around: Surroundings) -> None:
        """To its end, however long the machine is somebody else's."""
        while execution.state == ExecutionState.QUEUED.value and self._interrupted_by is None:
            waiting = waiting_position(execution=execution)
            if waiting is not None and is_machine_busy():
                self.stderr.write(f"Waiting. {waiting.reason % waiting.params}")
            execute(execution_id=execution.pk, surroundings=around)
            execution.refresh_from_db()

    def _interrupt(self, number: int, _frame: object) -> None:
        self._interrupted_by = number

    def _conclude(self, run: Run, *, required: tuple[str, ...] | None) -> int:
        if not run.recommendation:
            raise CommandError(f"run {run.pk} is {run.state} and has no recommendation", returncode=ERROR)
        gates = {result.gate: Verdict(result.verdict) for result in run.gate_results.all()}
        for result in run.gate_results.order_by("gate"):
            worst_rule = "" if result.verdict == Verdict.PASS else f" ({result.worst_rule})"
            self.stdout.write(f"Gate {result.gate}: {result.verdict}{worst_rule}")
        for finding in run.findings.all():
            self.stdout.write(f"{finding.severity}: {spoken(template=finding.what, params=finding.what_params)}")
        self.stdout.write(spoken(template=run.sentence, params=run.sentence_params))
        if required:
            self.stdout.write(NOT_A_VERDICT)
        self.stdout.write(run.recommendation)
        if not required:
            return Recommendation(run.recommendation).exit_code
        return _exit_code_of(worst(gates[gate] for gate in required))


def _exit_code_of(verdict: Verdict) -> int:
    return {Verdict.PASS: 0, Verdict.FAIL: Recommendation.NO_GO.exit_code}.get(verdict, OPEN_GATE)


def _plan_of(options: dict[str, Any]) -> RunPlan:
    try:
        policy = rules_of(active_policy())
        return plan_of_wishes(flags=options, environment=os.environ, soak_seconds=policy.values.soak_seconds)
    except UnusableWish as problem:
        raise CommandError(str(problem), returncode=USAGE) from problem
    except GatehouseError as refusal:
        raise CommandError(f"{refusal} ({refusal.code})", returncode=ERROR) from refusal
    except DatabaseError as problem:
        raise CommandError(
            f"The database is not ready ({problem}). Run: manage.py migrate", returncode=ERROR
        ) from problem


def _actor_of(username: str | None) -> Actor | None:
    if username is None:
        return None
    person = Person.objects.filter(username=username).first()
    if person is None:
        raise CommandError(f"--as: there is nobody called {username}", returncode=USAGE)
    return Actor(person=person, via="command")


def _gates_of(text: str) -> tuple[str, ...]:
    gates = tuple(part.strip().upper() for part in text.split(","))
    unknown = sorted(set(gates) - set(SHIPPED_GATES))
    if unknown:
        raise UnusableWish(f"no such gate: {', '.join(unknown)}; there are {', '.join(SHIPPED_GATES)}")
    return gates


def _usable(read: Callable[[str], tuple[Any, ...]]) -> Callable[[str], tuple[Any, ...]]:
    """A reader of a flag whose complaint reaches the person: argparse shows only its own kind of error."""

    def convert(text: str) -> tuple[Any, ...]:
        try:
            return read(text)
        except UnusableWish as problem:
            raise ArgumentTypeError(str(problem)) from problem

    return convert
