"""What each command of the client sends, prints, and ends with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from console import client
from console.tests.client.bad_server import BadServer, Play, problem, says, sends
from console.tests.client.conftest import Gatehouse
from console.tests.client.documents import COMMIT, GATE, JUDGED, QUEUED, RELEASED, RUN, RUNNING, WAITING


@pytest.mark.parametrize(
    ("play", "code"),
    [
        (
            problem(400, "commit-not-whole", "Not whole.", errors=[{"detail": "why", "parameter": "commit"}]),
            client.USAGE,
        ),
        (problem(404, "not-found", "No such phase."), client.USAGE),
        (problem(403, "scope-missing", "It takes phases:read."), client.ERROR),
        (problem(409, "certificate-damaged", "It cannot be trusted."), client.ERROR),
        (problem(409, "build-not-released", "Waiting.", exit_code=5), client.WAITING),
        (problem(409, "build-not-released", "Refused.", exit_code=1), client.NO_GO),
        (problem(409, "build-not-released", "Never asked.", exit_code=3), client.INCOMPLETE),
        (problem(409, "build-not-released", "Before use.", exit_code=6), client.CONDITIONAL),
        (problem(409, "build-not-released", "A lie.", exit_code=0), client.ERROR),
        (problem(409, "build-not-released", "A lie.", exit_code=[]), client.ERROR),
        (says(RELEASED), client.GO),
        (says(RELEASED | {"decision": "CONDITIONAL"}), client.CONDITIONAL),
        (says(RELEASED | {"phase": "6a"}), client.ERROR),
        (says(RELEASED | {"build": {"commit": "a" * 40}}), client.ERROR),
        (says(RELEASED | {"decision": "NO_GO"}), client.ERROR),
        (says({"decision": "GO"}), client.ERROR),
    ],
)
def test_the_gate_ends_as_its_answer_says(server: BadServer, gatehouse: Gatehouse, play: Play, code: int) -> None:
    """0 only for a GO about this phase and this commit."""
    server.plays(play)

    ended = gatehouse(*GATE)

    assert ended.code == code
    assert (ended.word == "GO") == (code == client.GO)


def test_accepting_conditional_opens_for_what_is_in_use(server: BadServer, gatehouse: Gatehouse) -> None:
    """A release with conditions that must be met before use stays closed all the same."""
    conditions = [{"id": "C1", "text": "watch it", "owner": "Ada", "due_date": "2026-12-01"}]
    server.plays(
        says(RELEASED | {"decision": "CONDITIONAL", "conditions": conditions}),
        problem(409, "build-not-released", "Before use.", exit_code=6),
    )

    in_use = gatehouse(*GATE, "--accept", "conditional")
    before_use = gatehouse(*GATE, "--accept", "conditional")

    assert (in_use.code, in_use.word) == (client.GO, "CONDITIONAL")
    assert "- C1 watch it Ada 2026-12-01" in in_use.out
    assert before_use.code == client.CONDITIONAL


@pytest.mark.parametrize(
    ("required", "code"), [("A", client.GO), ("a, e", client.INCOMPLETE), ("B", client.USAGE), ("A,F", client.NO_GO)]
)
def test_required_gates_decide_alone(server: BadServer, gatehouse: Gatehouse, required: str, code: int) -> None:
    """And the line before the last says that this is no release verdict."""
    failed = {"gate": "F", "verdict": "FAIL"}
    server.plays(says(JUDGED | {"gates": [*JUDGED["gates"], failed]}))

    ended = gatehouse(*RUN, "--require", required)

    assert ended.code == code
    if code != client.USAGE:
        assert ended.out.splitlines()[-2:] == [client.NOT_A_VERDICT, "INCOMPLETE"]


def test_a_run_without_waiting_judges_nothing(server: BadServer, gatehouse: Gatehouse) -> None:
    """0 says that it was asked for; the words say that nothing is judged."""
    server.plays(says(QUEUED))

    ended = gatehouse("run", "--seed", "9")

    assert ended.code == client.GO
    assert "Nothing is judged yet" in ended.out
    assert b'"seed": 9' in server.asked[0].body


def test_a_run_is_asked_for_with_the_values_of_its_plan(server: BadServer, gatehouse: Gatehouse) -> None:
    """Named as the API names them; what is not said is left to the console."""
    server.plays(says(QUEUED))
    scenarios = ("--scenario", "credit_storm", "--scenario", "ml_chaos")

    gatehouse("run")
    gatehouse("run", "--profile", "own", "--duration", "60", "--concurrency", "10,50", "--seed", "0", *scenarios)

    assert [json.loads(one.body) for one in server.asked] == [
        {"profile": "quick"},
        {
            "profile": "own",
            "duration_seconds": 60,
            "concurrency": [10, 50],
            "seed": 0,
            "scenarios": ["credit_storm", "ml_chaos"],
        },
    ]


def test_why_a_run_waits_is_said_once_until_it_changes(server: BadServer, gatehouse: Gatehouse) -> None:
    """The place in line and the reason, as the console words it; nothing of it once the run has the machine."""
    next_in_line = WAITING | {"waiting": {"position": 1, "reason": "A worker takes it at once.\n::error::x"}}
    server.plays(*map(says, (WAITING, WAITING, next_in_line, next_in_line, RUNNING, JUDGED)))

    ended = gatehouse(*RUN)

    lines = [line.partition("ended")[2] for line in ended.way.splitlines() if "scenarios ended" in line]
    assert lines == [
        "; place 2 in line: Run 6 has the machine to itself.",
        "; place 1 in line: A worker takes it at once. : :error: :x",
        "",
    ]


@pytest.mark.parametrize("waits", [("--wait",), ()])
def test_a_run_of_another_commit_than_named_is_not_waited_for(
    server: BadServer, gatehouse: Gatehouse, waits: tuple[str, ...]
) -> None:
    """Its verdict would be about another build: 4, both commits named, and that the run goes on."""
    server.plays(says(QUEUED), says(JUDGED))

    ended = gatehouse("run", *waits, "--commit", "A" * 40, GITHUB_SHA=COMMIT)

    assert (ended.code, ended.out, len(server.asked)) == (client.ERROR, "", 1)
    assert f"this is NOT the commit in hand, {'a' * 40}" in ended.way
    assert f"run 7 of {COMMIT} goes on" in ended.way


def test_a_run_of_another_commit_than_the_pipelines_is_said(server: BadServer, gatehouse: Gatehouse) -> None:
    """A commit that only the environment names is a warning: the console may well run another build."""
    server.plays(says(JUDGED))

    other = gatehouse(*RUN, CI_COMMIT_SHA="b" * 40)
    same = gatehouse(*RUN, "--commit", COMMIT.upper())
    pipelines = gatehouse(*RUN, GATEHOUSE_COMMIT=COMMIT)

    assert [one.code for one in (other, same, pipelines)] == [client.INCOMPLETE] * 3
    assert f"this is NOT the commit in hand, {'b' * 40}" in other.way
    assert "NOT" not in same.way + pipelines.way


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (GATE, {"GATEHOUSE_URL": ""}, "GATEHOUSE_URL"),
        (GATE, {"GATEHOUSE_URL": "ftp://x"}, "GATEHOUSE_URL"),
        (GATE, {"GATEHOUSE_URL": "https://me:secret@x"}, "GATEHOUSE_URL"),
        (GATE, {"GATEHOUSE_TOKEN": ""}, "GATEHOUSE_TOKEN"),
        (GATE, {"GATEHOUSE_TOKEN": "gh_x\r\nX-Evil: 1"}, "GATEHOUSE_TOKEN"),
        (GATE, {"GATEHOUSE_PATIENCE": "long"}, "GATEHOUSE_PATIENCE"),
        (("gate", "5a"), {}, "GATEHOUSE_COMMIT, GITHUB_SHA, CI_COMMIT_SHA"),
        (("gate",), {}, "usage"),
        ((), {}, "usage"),
        (("run", "--profile"), {}, "usage"),
        (("run", "--concurrency", "10,many"), {}, "usage"),
        (("run", "--duration", "long"), {}, "usage"),
        ((*GATE, "--accept", "everything"), {}, "usage"),
        (("report", "seven"), {}, "usage"),
    ],
)
def test_wrong_usage_ends_with_two(
    gatehouse: Gatehouse, arguments: tuple[str, ...], environment: dict[str, str], words: str
) -> None:
    """And says what to set, before anything is asked."""
    ended = gatehouse(*arguments, **environment)

    assert (ended.code, words in ended.way) == (client.USAGE, True), ended.way


def test_the_commit_comes_from_the_pipeline(server: BadServer, gatehouse: Gatehouse) -> None:
    """GATEHOUSE_COMMIT before the variables of the CI system."""
    server.plays(says(RELEASED))

    assert gatehouse("gate", "5a", GITHUB_SHA=COMMIT).code == client.GO
    assert gatehouse("gate", "5a", GATEHOUSE_COMMIT="b" * 40).code == client.ERROR
    assert server.asked[-1].path.endswith(f"commit={'b' * 40}")


def test_an_import_sends_both_files_as_they_are(server: BadServer, gatehouse: Gatehouse, tmp_path: Path) -> None:
    """Exact bytes, build and commit beside them; the exit code is that of the verdict."""
    results, coverage = tmp_path / "results.xml", tmp_path / "coverage.xml"
    results.write_bytes(b"<testsuites>\r\n--not-the-boundary\r\n</testsuites>\n")
    coverage.write_bytes(b"\xef\xbb\xbf<coverage/>")
    server.plays(says(JUDGED | {"recommendation": "NO_GO"}, status=201))

    ended = gatehouse("import", str(results), "--coverage", str(coverage), CI_COMMIT_SHA=COMMIT, CI_PROJECT_PATH="a/b")

    body = server.asked[0].body
    assert (ended.code, ended.word) == (client.NO_GO, "NO_GO")
    assert server.asked[0].headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b'name="build"\r\n\r\na/b\r\n' in body
    assert b'name="junit"; filename="junit.xml"\r\nContent-Type: application/xml\r\n\r\n' + results.read_bytes() in body
    assert coverage.read_bytes() + b"\r\n--" in body


def test_a_file_that_is_not_there_is_named(gatehouse: Gatehouse, tmp_path: Path) -> None:
    """Without a traceback, and not with the exit code of a verdict."""
    ended = gatehouse("import", str(tmp_path / "missing.xml"), "--commit", COMMIT, "--build", "x")

    assert ended.code == client.ERROR
    assert "missing.xml" in ended.way
    assert "Traceback" not in ended.way


def test_a_report_is_written_as_it_came(server: BadServer, gatehouse: Gatehouse, tmp_path: Path) -> None:
    """A file for the CI system; a page of somebody else is not one."""
    server.plays(sends(b"<testsuites/>", kind="application/xml"), sends(b"<html/>"))

    written = gatehouse("report", "7", "--format", "junit", "--output", str(tmp_path / "gates.xml"))
    refused = gatehouse("report", "7", "--format", "junit", "--output", str(tmp_path / "other.xml"))

    assert (written.code, refused.code) == (client.GO, client.ERROR)
    assert (tmp_path / "gates.xml").read_bytes() == b"<testsuites/>"
    assert not (tmp_path / "other.xml").exists()
