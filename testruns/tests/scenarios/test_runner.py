"""The child process of an execution: its protocol, its failures, and that nothing of it survives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import orjson
import psutil
import pytest

from console.tests.waiting import PATIENT_SECONDS, until
from testruns import runner
from testruns.processes import ROOT, is_running, kill_group, start_bound_child
from testruns.scenarios import SCENARIOS
from testruns.tests.scenarios.playing import playing, request_for


def run_runner(line: bytes) -> subprocess.CompletedProcess[bytes]:
    """The real command with `line` on its stdin."""
    return subprocess.run(
        [sys.executable, "-m", "testruns.runner"],
        input=line,
        capture_output=True,
        cwd=ROOT,
        timeout=PATIENT_SECONDS,
        check=False,
    )


def test_a_run_is_told_in_json_lines_from_hello_to_done(tmp_path: Path) -> None:
    """Every line is one message, at most 64 KiB; the journal's head is the last record in its files."""
    request = request_for("synergy_anti_gaming", tmp_path / "run")

    done = run_runner(orjson.dumps(request) + b"\n")

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    messages = [orjson.loads(line) for line in lines]
    assert all(len(line) < runner.LINE_BYTES_MAX for line in lines)
    assert messages[0]["type"] == "hello"
    assert messages[0]["scenario"] == "synergy_anti_gaming"
    assert messages[-1]["type"] == "done"
    kinds = {"hello", "progress", "sample", "measurement", "account", "done"}
    assert {message["type"] for message in messages} == kinds
    events = next(message["value"] for message in messages if message.get("name") == "events")
    assert messages[-1]["journal"]["seq"] == events
    assert len(messages[-1]["journal"]["hash"]) == 64


def test_the_plan_may_end_with_the_line_or_with_the_input(tmp_path: Path) -> None:
    """Whoever starts the runner may keep its stdin open or close it."""
    request = request_for("synergy_anti_gaming", tmp_path / "run")

    assert run_runner(orjson.dumps(request)).returncode == 0


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b"", "not one line of JSON"),
        (b"nonsense\n", "not one line of JSON"),
        (b"[]\n", "exactly the fields"),
        (b'{"scenario":"credit_storm"}\n', "exactly the fields"),
    ],
)
def test_a_plan_that_cannot_be_read_is_refused(line: bytes, complaint: str) -> None:
    """Exit code 2, a sentence on stderr, nothing on stdout."""
    done = run_runner(line)

    assert done.returncode == 2
    assert complaint in done.stderr.decode()
    assert done.stdout == b""


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("scenario", "nothing_of_the_kind", "there is no scenario"),
        ("seed", "42", "seed must be int"),
        ("retry_injection", 1, "retry_injection must be bool"),
        ("directory", "relative/path", "absolute"),
    ],
)
def test_a_field_with_a_wrong_value_is_named(tmp_path: Path, field: str, value: object, complaint: str) -> None:
    """The message says which field, and what it may be."""
    request = request_for("credit_storm", tmp_path / "run") | {field: value}

    with pytest.raises(runner.InvalidRequest, match=complaint):
        runner.read_request(orjson.dumps(request))


def test_a_scenario_that_fails_leaves_its_traceback_and_no_done(tmp_path: Path) -> None:
    """The directory is in use already: exit code 1, hello, then nothing but the traceback on stderr."""
    directory = tmp_path / "run"
    directory.mkdir()
    (directory / "left behind").touch()

    done = run_runner(orjson.dumps(request_for("credit_storm", directory)) + b"\n")

    assert done.returncode == 1
    assert "Traceback" in done.stderr.decode()
    assert "never works on what another one left" in done.stderr.decode()
    assert [orjson.loads(line)["type"] for line in done.stdout.splitlines()] == ["hello"]


def test_a_host_that_dies_is_the_end_of_a_scenario_that_does_not_count_crashes(tmp_path: Path) -> None:
    """Its part of the load is not measured, so nothing is: the execution is an error, with the reason on stderr."""
    request = request_for("load_reality", tmp_path / "run", duration_seconds=60)

    with playing(request, stderr_path=tmp_path / "stderr") as child:
        until(lambda: bool(host_pids(child.pid)), seconds=30)
        os.kill(host_pids(child.pid)[0], signal.SIGKILL)
        output, _ = child.communicate(timeout=PATIENT_SECONDS)

    assert child.returncode == 1
    assert b'"done"' not in output
    assert "HostDied" in (tmp_path / "stderr").read_text()


@pytest.mark.parametrize("scenario", ["load_reality", "karma_blackout", "crash_replay"])
def test_nothing_survives_the_death_of_the_process_that_asked(tmp_path: Path, scenario: str) -> None:
    """The one who started the runner is killed with SIGKILL: runner, hosts and endpoint are gone by themselves."""
    request = request_for(scenario, tmp_path / "run", duration_seconds=60)
    asking = start_bound_child([sys.executable, "-m", "testruns.tests.scenarios.asking"], stderr=subprocess.DEVNULL)
    assert asking.stdin is not None
    asking.stdin.write(orjson.dumps(request) + b"\n")
    asking.stdin.flush()
    try:
        until(lambda: len(family(asking.pid)) >= 3, seconds=30)
        pids = family(asking.pid)
    finally:
        asking.kill()
        asking.communicate()

    until(lambda: not any(is_running(pid) for pid in pids), seconds=30)


def test_killing_the_group_ends_everything(tmp_path: Path) -> None:
    """Cancel and deadline kill the runner's group; the hosts go with it."""
    request = request_for("load_reality", tmp_path / "run", duration_seconds=60)
    child = start_bound_child([sys.executable, "-m", "testruns.runner"], is_session=True, stderr=subprocess.DEVNULL)
    assert child.stdin is not None
    child.stdin.write(orjson.dumps(request) + b"\n")
    child.stdin.flush()
    until(lambda: bool(host_pids(child.pid)), seconds=30)
    pids = [child.pid, *host_pids(child.pid)]

    kill_group(child)
    child.communicate()

    until(lambda: not any(is_running(pid) for pid in pids), seconds=30)


def test_every_scenario_file_is_registered_under_its_own_name() -> None:
    """The suite is what is in the folder, in the order of the design."""
    files = {path.stem for path in (ROOT / "testruns" / "scenarios").glob("[!_]*.py")}

    assert set(SCENARIOS) == files
    assert list(SCENARIOS) == [
        "credit_storm",
        "synergy_anti_gaming",
        "approval_race",
        "karma_blackout",
        "ml_chaos",
        "crash_replay",
        "load_reality",
    ]


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]


def host_pids(pid: int) -> list[int]:
    """The processes below a runner, once their load has begun (they write acknowledgements)."""
    return [child.pid for child in psutil.Process(pid).children(recursive=True) if has_acknowledgements(child)]


def has_acknowledgements(child: psutil.Process) -> bool:
    """Whether a process has its list open."""
    try:
        return any(file.path.endswith(".acks.jsonl") for file in child.open_files())
    except psutil.Error:
        return False
