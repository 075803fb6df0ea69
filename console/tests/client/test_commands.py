"""What each command of the client sends, prints, and ends with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from console import client
from console.tests.client.bad_server import BadServer, Play, problem, says, sends
from console.tests.client.conftest import Gatehouse
from console.tests.client.documents import COMMIT, GATE, JUDGED, QUEUED, RELEASED, RUN, RUNNING, WAITING
from console.tests.signing.certificates import KEY
from testruns import reports
from testruns.gates.policy import SHIPPED_GATES

PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


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
    ("required", "code"),
    [("A", client.GO), ("a, e", client.INCOMPLETE), ("A,B", client.INCOMPLETE), ("A,C", client.NO_GO)],
)
def test_required_gates_decide_alone(server: BadServer, gatehouse: Gatehouse, required: str, code: int) -> None:
    """And the line before the last says that this is no release verdict."""
    failed = {"gate": "C", "verdict": "FAIL"}
    server.plays(says(JUDGED | {"gates": [*JUDGED["gates"], failed]}))

    ended = gatehouse(*RUN, "--require", required)

    assert ended.code == code
    assert ended.out.splitlines()[-2:] == [client.NOT_A_VERDICT, "INCOMPLETE"]
    assert ("Gate B: not judged" in ended.out) == (required == "A,B")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((*RUN, "--require", "A,F"), "A, B, C, D, E; ['F']"),
        ((*RUN, "--require", "AB"), "['AB']"),
        ((*RUN, "--require", ""), "['']"),
        (("run", "--require", "A"), "take --wait"),
        (("run", "--junit", "gates.xml"), "take --wait"),
    ],
)
def test_no_run_is_started_for_what_cannot_be_judged(
    server: BadServer, gatehouse: Gatehouse, arguments: tuple[str, ...], words: str
) -> None:
    """A gate that does not exist, or nobody who waits for the verdict: 2 before anything is asked."""
    server.plays(says(JUDGED))

    ended = gatehouse(*arguments)

    assert (ended.code, words in ended.way, server.asked) == (client.USAGE, True, []), ended.way


def test_the_gates_to_require_are_those_a_run_is_judged_by() -> None:
    """The client asks nobody which there are."""
    assert client.GATES == SHIPPED_GATES


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


def test_what_a_run_found_is_said_before_its_word(server: BadServer, gatehouse: Gatehouse) -> None:
    """In the log of the pipeline, where people look first; on one line, whatever a file of results is called."""
    finding = {"severity": "critical", "what": "Rule I01 failed:\ncounters that are no number: 2 ::error::x"}
    server.plays(says(JUDGED | {"findings": [finding]}))

    ended = gatehouse(*RUN)

    assert "- critical: Rule I01 failed: counters that are no number: 2 : :error: :x" in ended.out.splitlines()
    assert ended.word == "INCOMPLETE"


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
def test_a_run_of_another_commit_than_named_is_not_asked_for(
    server: BadServer, gatehouse: Gatehouse, waits: tuple[str, ...]
) -> None:
    """Its verdict would be about another build: the console is told which one is meant, refuses, and that is 4."""
    server.plays(problem(409, "other-build", "It judges another one. No run was requested."), says(JUDGED))

    ended = gatehouse("run", *waits, "--commit", "A" * 40, GITHUB_SHA=COMMIT)

    assert (ended.code, ended.out, len(server.asked)) == (client.ERROR, "", 1)
    assert json.loads(server.asked[0].body)["commit"] == "a" * 40
    assert "No run was requested." in ended.way


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
        (("gate", "5a", "--commit", "abc"), {}, "abc is not a whole commit: that has 40 or 64 hexadecimal digits"),
        (("gate", "5a", "--commit", "g" * 40), {}, "40 or 64 hexadecimal digits"),
        (("gate", "5a"), {"GITHUB_SHA": COMMIT[:12]}, "40 or 64 hexadecimal digits"),
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


def test_an_import_sends_its_files_as_they_are(server: BadServer, gatehouse: Gatehouse, tmp_path: Path) -> None:
    """Exact bytes, build and commit beside them; the exit code is that of the verdict."""
    results, coverage = tmp_path / "results.xml", tmp_path / "coverage.xml"
    results.write_bytes(b"<testsuites>\r\n--not-the-boundary\r\n</testsuites>\n")
    coverage.write_bytes(b"\xef\xbb\xbf<coverage/>")
    server.plays(says(JUDGED | {"recommendation": "NO_GO"}, status=201))

    files = (str(results), str(results), "--coverage", str(coverage), "--coverage", str(coverage))
    ended = gatehouse("import", *files, CI_COMMIT_SHA=COMMIT, CI_PROJECT_PATH="a/b")

    body = server.asked[0].body
    assert (ended.code, ended.word) == (client.NO_GO, "NO_GO")
    assert server.asked[0].headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b'name="build"\r\n\r\na/b\r\n' in body
    assert b'name="junit"; filename="junit.xml"\r\nContent-Type: application/xml\r\n\r\n' + results.read_bytes() in body
    assert (body.count(results.read_bytes()), body.count(coverage.read_bytes() + b"\r\n--")) == (2, 2)


def test_a_file_that_cannot_be_read_is_named(server: BadServer, gatehouse: Gatehouse, tmp_path: Path) -> None:
    """In a plain sentence, as wrong usage, before anything is sent: missing results, a directory for coverage."""
    missing, results = str(tmp_path / "missing.xml"), tmp_path / "results.xml"
    results.write_bytes(b"<testsuites/>")

    without = gatehouse("import", missing, "--commit", COMMIT, "--build", "x")
    directory = gatehouse("import", str(results), "--coverage", str(tmp_path), "--commit", COMMIT, "--build", "x")

    assert (without.code, directory.code, server.asked) == (client.USAGE, client.USAGE, [])
    assert without.way == f"gatehouse: {missing} cannot be read: No such file or directory\n"
    assert directory.way == f"gatehouse: {tmp_path} cannot be read: Is a directory\n"


def test_a_report_is_written_as_it_came(server: BadServer, gatehouse: Gatehouse, tmp_path: Path) -> None:
    """A file for the CI system; a page of somebody else is not one."""
    server.plays(sends(b"<testsuites/>", kind="application/xml"), sends(b"<html/>"))

    written = gatehouse("report", "7", "--format", "junit", "--output", str(tmp_path / "gates.xml"))
    refused = gatehouse("report", "7", "--format", "junit", "--output", str(tmp_path / "other.xml"))

    assert (written.code, refused.code) == (client.GO, client.ERROR)
    assert (tmp_path / "gates.xml").read_bytes() == b"<testsuites/>"
    assert not (tmp_path / "other.xml").exists()


@pytest.mark.parametrize(
    ("name", "asked", "media_type"),
    [
        ("junit", "junit", "application/xml"),
        ("json", "json", "application/json"),
        ("md", "markdown", "text/markdown; charset=utf-8"),
        ("html", "html", "text/html; charset=utf-8"),
    ],
)
def test_a_report_comes_in_every_format(
    server: BadServer, gatehouse: Gatehouse, tmp_path: Path, name: str, asked: str, media_type: str
) -> None:
    """Asked for by the name that the API has for it, written byte by byte."""
    server.plays(sends(b'{"run":  7}\n', kind=media_type))

    written = gatehouse("report", "7", "--format", name, "--output", str(tmp_path / "report"))

    assert (written.code, server.asked[0].path) == (client.GO, f"/api/v1/runs/7/report/?format={asked}"), written.way
    assert (tmp_path / "report").read_bytes() == b'{"run":  7}\n'
    assert reports.FORMATS[asked].media_type == media_type


@pytest.mark.parametrize(
    ("content", "key", "code"),
    [
        (b"hello", PEM, client.NO_GO),
        (b"{}", PEM, client.NO_GO),
        (b"\x00\xff", PEM, client.NO_GO),
        (None, PEM, client.ERROR),
        (b"{}", b"no key", client.ERROR),
        (b"{}", None, client.ERROR),
    ],
)
def test_verify_tells_wrong_from_not_readable(
    gatehouse: Gatehouse, tmp_path: Path, content: bytes | None, key: bytes | None, code: int
) -> None:
    """As the table of the README says: 1 for what is no certificate, 4 for a file or keys that nobody can read."""
    for name, given in (("file", content), ("key", key)):
        if given is not None:
            (tmp_path / name).write_bytes(given)

    assert gatehouse("verify", str(tmp_path / "file"), "--key", str(tmp_path / "key")).code == code


def test_an_empty_status_is_not_taken_for_none(gatehouse: Gatehouse, tmp_path: Path) -> None:
    """A status file that was cut to nothing makes the answer wrong, as in `manage.py verify_certificate`."""
    for name, content in (("file", b"{}"), ("key", PEM), ("status", b"")):
        (tmp_path / name).write_bytes(content)

    ended = gatehouse(
        "verify", *(str(tmp_path / "file"), "--key", str(tmp_path / "key")), "--status", str(tmp_path / "status")
    )

    assert (ended.code, "the file was cut" in ended.out) == (client.NO_GO, True), ended.out
    assert "DSSE" not in ended.out
