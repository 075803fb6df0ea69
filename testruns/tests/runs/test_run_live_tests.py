"""`manage.py run_live_tests`: the same path as the worker, exit codes that mean one thing each, one word at the end."""

from __future__ import annotations

import errno
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.kernel.acts import Actor
from console.kernel.models import AuditEntry
from console.tests.waiting import PATIENT_SECONDS, until
from testruns.actions import judge_run, reap
from testruns.gates.verdicts import Verdict
from testruns.management.commands.run_live_tests import NOT_A_VERDICT, Command, _exit_code_of
from testruns.models import GateResult, Run, ScenarioExecution
from testruns.processes import ROOT, is_running
from testruns.recommendation import Recommendation
from testruns.run_states import ExecutionState, RunState
from testruns.tests.runs.conftest import MakeActor, MakeRun
from testruns.tests.runs.processes import product_environment

pytestmark = pytest.mark.django_db(transaction=True)

STORM = ("--scenario", "credit_storm", "--concurrency", "5")
LONG = ("--scenario", "load_reality", "--concurrency", "5", "--duration", "3600")


@pytest.fixture
def storage(settings: Any) -> Iterator[Path]:
    """The storage that the command uses too, with no directories of earlier runs."""
    yield settings.STORAGE
    shutil.rmtree(settings.STORAGE / "runs", ignore_errors=True)


def start(*flags: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "run_live_tests", *flags],
        cwd=ROOT,
        env=product_environment() | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(command: subprocess.Popen[str]) -> tuple[int, list[str], str]:
    """Exit code, lines of stdout, stderr."""
    out, err = command.communicate(timeout=PATIENT_SECONDS)
    return command.returncode, out.splitlines(), err


def test_a_run_of_part_of_the_suite_ends_with_its_word_and_exit_code(
    storage: Path, tester: Actor, tmp_path: Path
) -> None:
    """INCOMPLETE alone on the last line, 3, the report written, the person kept."""
    report = tmp_path / "report.json"

    code, lines, err = finish(
        start(*STORM, "--seed", "7", "--as", tester.person.username, "--report-json", str(report))
    )

    run = Run.objects.get()
    content = json.loads(report.read_bytes())
    assert (code, lines[-1]) == (Recommendation.INCOMPLETE.exit_code, "INCOMPLETE"), err
    assert "6 of 7 scenarios missing" in lines[-2]
    assert any("credit_storm at 5 FINISHED" in line for line in lines)
    assert (run.state, run.requested_by, run.via, run.seed) == (RunState.JUDGED.value, tester.person, "command", 7)
    assert content["overall_status"] == "INCOMPLETE"


def test_required_gates_decide_the_exit_code_and_say_that_they_are_no_release_verdict(storage: Path) -> None:
    """The sentence stands on the line before the last; nobody stands behind the run."""
    code, lines, _err = finish(start(*STORM, "--require", "a"))

    assert code == 3
    assert lines[-2:] == [NOT_A_VERDICT, "INCOMPLETE"]
    assert Run.objects.get().requested_by is None


@pytest.mark.parametrize(
    ("verdict", "code"),
    [(Verdict.PASS, 0), (Verdict.FAIL, 1), (Verdict.ERROR, 3), (Verdict.INCONCLUSIVE, 3), (Verdict.WAIVED, 3)],
)
def test_a_required_gate_is_met_by_a_pass_and_by_nothing_else(verdict: Verdict, code: int) -> None:
    """Not measured is not passed here either."""
    assert _exit_code_of(verdict) == code


def test_the_worst_of_the_required_gates_counts_and_the_others_do_not(make_run: MakeRun, capsys: Any) -> None:
    """Gates that were not named do not decide, although they are printed."""
    run = make_run(scenarios=("credit_storm",), recommendation="INCOMPLETE", sentence="x")
    for gate, verdict in {"A": "PASS", "B": "PASS", "C": "FAIL", "E": "INCONCLUSIVE"}.items():
        GateResult.objects.create(run=run, gate=gate, verdict=verdict)

    codes = [Command()._conclude(run, required=required) for required in (("A", "B"), ("A", "C"), ("B", "E"))]

    assert codes == [0, 1, 3]


@pytest.mark.parametrize("word", list(Recommendation))
def test_each_recommendation_has_its_exit_code_and_is_the_last_line(
    make_run: MakeRun, capsys: Any, word: Recommendation
) -> None:
    """0 GO, 1 NO_GO, 3 INCOMPLETE, 6 CONDITIONAL."""
    run = make_run(scenarios=("credit_storm",), recommendation=word.value, sentence="x")

    code = Command()._conclude(run, required=None)

    assert code == {"GO": 0, "NO_GO": 1, "INCOMPLETE": 3, "CONDITIONAL": 6}[word.value]
    assert capsys.readouterr().out.splitlines()[-1] == word.value


@pytest.mark.parametrize(
    "flags",
    [
        ("--profile", "huge"),
        ("--scenario", "no_such"),
        ("--full", "--profile", "smoke"),
        ("--concurrency", "many"),
        ("--concurrency", "0"),
        ("--concurrency", "5,5"),
        ("--seed", "-1"),
        ("--seed", "x"),
        ("--duration", "0"),
        ("--require", "Z"),
        ("--as", "nobody-of-that-name"),
        ("--report-json", "/no/such/directory/report.json"),
        ("--no-such-flag",),
    ],
)
def test_wrong_usage_ends_with_2_and_starts_nothing(db: None, flags: tuple[str, ...]) -> None:
    """A typing mistake is neither a verdict nor an error of the machine."""
    with pytest.raises(SystemExit) as exit_:
        Command().run_from_argv(["manage.py", "run_live_tests", *flags])

    assert exit_.value.code == 2
    assert Run.objects.count() == 0


def test_a_person_who_may_not_request_runs_is_refused_with_4_and_audited(make_actor: MakeActor, capsys: Any) -> None:
    """The command is a door like the others."""
    reviewer = make_actor("reviewer")

    with pytest.raises(SystemExit) as exit_:
        Command().run_from_argv(["manage.py", "run_live_tests", *STORM, "--as", reviewer.person.username])

    assert exit_.value.code == 4
    assert "not-allowed" in capsys.readouterr().err
    assert AuditEntry.objects.get(act="run.request", outcome="refused").actor == reviewer.label


def test_a_storage_without_a_database_is_an_error_and_no_verdict(tmp_path: Path) -> None:
    """1 would mean NO_GO."""
    code, lines, err = finish(start(*STORM, GATEHOUSE_STORAGE=str(tmp_path)))

    assert (code, lines) == (4, [])
    assert "manage.py migrate" in err


def test_on_a_terminal_a_bar_shows_and_stdout_stays_the_record(storage: Path) -> None:
    """stderr is a terminal here, stdout is not."""
    terminal, other_end = pty.openpty()
    command = subprocess.Popen(
        [sys.executable, "manage.py", "run_live_tests", *STORM],
        cwd=ROOT,
        env=product_environment() | {"TERM": "xterm", "COLUMNS": "120"},
        stdout=subprocess.PIPE,
        stderr=other_end,
        text=True,
    )
    os.close(other_end)
    shown = read_to_end(terminal)
    out, _ = command.communicate(timeout=PATIENT_SECONDS)
    os.close(terminal)

    assert "credit_storm at 5" in shown
    assert "100 %" in shown
    assert "FINISHED" not in out
    assert out.splitlines()[-1] == "INCOMPLETE"


def read_to_end(terminal: int) -> str:
    """Everything written to the terminal; Linux says EIO when the last writer is gone."""
    pieces = []
    try:
        while piece := os.read(terminal, 65536):
            pieces.append(piece)
    except OSError as end:
        assert end.errno == errno.EIO
    return b"".join(pieces).decode()


def is_half_way() -> ScenarioExecution | None:
    working = ScenarioExecution.objects.filter(state=ExecutionState.RUNNING.value, progress_ppm__gt=0)
    return working.exclude(pid=None).first()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupting_the_command_stops_its_child_and_ends_with_4(storage: Path, number: signal.Signals) -> None:
    """Ctrl-C: cancelled, nobody left, no verdict."""
    command = start(*LONG)
    execution = until(is_half_way, seconds=25)

    os.kill(command.pid, number)
    code, _lines, err = finish(command)
    execution.refresh_from_db()

    assert code == 4
    assert f"interrupted by signal {int(number)}" in err
    assert (execution.state, execution.error) == (ExecutionState.CANCELLED.value, "interrupted at the terminal")
    assert Run.objects.get().state == RunState.CANCELLED.value


def test_killing_the_command_leaves_nothing_running_and_its_run_unfinished(storage: Path) -> None:
    """kill -9: the child dies with it, the reaper abandons what it was at and what it had not come to."""
    command = start("--profile", "quick", "--concurrency", "5")
    execution = until(is_half_way, seconds=25)
    child = execution.pid or 0

    command.kill()
    command.communicate()
    until(lambda: not is_running(child), seconds=2)
    until(lambda: reap() and not Run.objects.filter(state=RunState.RUNNING.value), seconds=15, every_seconds=1)

    run = Run.objects.get()
    assert run.state == RunState.UNFINISHED.value
    assert judge_run(run.pk).recommendation == "INCOMPLETE"
    states = set(run.executions.values_list("state", flat=True))
    assert states <= {ExecutionState.ABANDONED.value, ExecutionState.FINISHED.value}
    assert ExecutionState.ABANDONED.value in states
