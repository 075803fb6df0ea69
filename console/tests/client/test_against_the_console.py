"""The client as a program against the real console: killed and restarted in between, asked for everything it offers."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from django.conf import settings as installed
from django.utils import timezone

from console import actions, client
from console.kernel.authority import Role
from console.kernel.scopes import Scope
from console.kernel.tokens import prefix_of, signing_secret
from console.models import Certificate, ReleaseRequest
from console.release_states import Outcome, Word
from console.tests.api_client import token_for
from console.tests.browser.rows import finish_run
from console.tests.client.live_console import LiveConsole
from console.tests.people import person_with
from console.tests.releases.people import Team, condition, decide, make_team, sign_three
from console.tests.releases.runs import clean_build, full_run
from console.tests.source_files import ROOT
from console.tests.waiting import PATIENT_SECONDS, wait_until
from ledger.actions import close_live_ledger
from ledger.conf import events_directory
from testruns.models import Run
from testruns.run_states import RunState
from testruns.tests.imports.reports import coverage, passing

live = pytest.mark.django_db(transaction=True)
README = (ROOT / "README.md").read_text(encoding="utf-8")
GITHUB, GITLAB = (yaml.safe_load(part.partition("```")[0]) for part in README.split("```yaml\n")[1:])
SCOPES = (Scope.RUNS_READ, Scope.RUNS_WRITE, Scope.PHASES_READ, Scope.EVIDENCE_WRITE)
STORAGE = installed.STORAGE  # that of the test run: the server finds its database there


@pytest.fixture(scope="module")
def console(django_db_setup: None) -> Iterator[LiveConsole]:
    """One server for the module."""
    console = LiveConsole()
    yield console
    console.close()
    shutil.rmtree(events_directory(), ignore_errors=True)


@pytest.fixture
def environment(console: LiveConsole, settings: Any) -> Iterator[dict[str, str]]:
    """What a pipeline of the released commit has in its environment, and nothing of ours."""
    close_live_ledger()
    settings.STORAGE = STORAGE
    known = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    commit = clean_build().commit
    yield known | {
        "GATEHOUSE_URL": console.url,
        "GATEHOUSE_TOKEN": token_for(person_with(Role.TESTER), *SCOPES),
        "GATEHOUSE_CLIENT_SHA256": client_digest(),
        "GATEHOUSE_COMMIT": commit,
        "GITHUB_REPOSITORY": "team/product",
        "CI_PROJECT_PATH": "team/product",
    }
    close_live_ledger()


Gatehouse = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def gatehouse(environment: dict[str, str], tmp_path: Path) -> Gatehouse:
    """Run the one file as a program, away from the project and from everything that was ever installed."""
    shutil.copy(client.__file__, tmp_path / "client.py")

    def carry_out(*arguments: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-I", "-S", "client.py", *arguments]
        return subprocess.run(
            line, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=PATIENT_SECONDS
        )

    return carry_out


def client_digest() -> str:
    """The SHA-256 that a team pins."""
    return hashlib.sha256(Path(client.__file__).read_bytes()).hexdigest()


def queued_run() -> Run:
    """The run that the client has asked for."""
    wait_until(lambda: Run.objects.filter(state=RunState.QUEUED.value).exists(), timeout_seconds=30, what="a run")
    return Run.objects.get(state=RunState.QUEUED.value)


def judge(run: Run) -> None:
    """Bring the run to its end as the worker would: quick, sound, too short for gate E."""
    Run.objects.filter(pk=run.pk).update(state=RunState.RUNNING.value, started_at=timezone.now())
    run.refresh_from_db()
    finish_run(run)


def open_request(team: Team) -> ReleaseRequest:
    """A request for phase 5a on two green full runs."""
    for _ in range(2):
        full_run(by=team.runner)
    actions.verify_live_journal(actor=team.engineer)
    return actions.open_request(actor=team.opener, phase="5a", build_id=clean_build().pk)


def release(team: Team) -> None:
    """Phase 5a is released for the commit in hand."""
    request = open_request(team)
    sign_three(request, team)
    decide(request, Word.GO, by=team.supervisor)


@live
def test_a_console_killed_in_the_middle_of_a_wait_is_waited_for(
    console: LiveConsole, environment: dict[str, str], tmp_path: Path
) -> None:
    """It is killed for good while the client waits, comes back, judges the run: one run, the right exit code."""
    gates, way = tmp_path / "gates.xml", tmp_path / "stderr"
    line = [sys.executable, client.__file__, "run", "--wait", "--require", "A,B,C,D", "--junit", str(gates)]
    with way.open("w") as stderr:
        process = subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True)
    run = queued_run()
    wait_until(lambda: "QUEUED, 0 of 7" in way.read_text(), timeout_seconds=30, what="the wait")

    console.kill()
    wait_until(lambda: "trying again" in way.read_text(), timeout_seconds=30, what="a failed poll")
    console.start()
    judge(run)
    out, _ = process.communicate(timeout=PATIENT_SECONDS)

    assert process.returncode == client.GO, way.read_text()
    assert out.splitlines()[-2:] == [client.NOT_A_VERDICT, "INCOMPLETE"]
    assert Run.objects.count() == 1
    assert len(list(ElementTree.parse(gates).getroot().iter("testcase"))) > 30  # noqa: S314 - our own


@live
def test_the_client_follows_a_release(gatehouse: Gatehouse, environment: dict[str, str], tmp_path: Path) -> None:
    """Nobody asked, waiting, conditional, accepted; another commit stays out; then the certificate in hand."""
    team, commit = make_team(), environment["GATEHOUSE_COMMIT"]

    never = gatehouse("gate", "5a")
    request = open_request(team)
    waiting = gatehouse("gate", "5a")
    sign_three(request, team, outcome=Outcome.CONDITIONAL)
    decide(request, Word.CONDITIONAL, by=team.supervisor, conditions=(condition(owner=team.engineer),))
    conditional = gatehouse("gate", "5a")
    accepted = gatehouse("gate", "5a", "--accept", "conditional")
    other = gatehouse("gate", "5a", "--commit", "a" * 40, "--accept", "conditional")

    assert (never.returncode, never.stdout.splitlines()[-1]) == (client.INCOMPLETE, "INCOMPLETE")
    assert (waiting.returncode, waiting.stdout.splitlines()[-1]) == (client.WAITING, "WAITING")
    assert f"[request.sign_as_reviewer: {team.reviewer.person} until " in waiting.stdout
    assert conditional.returncode == client.CONDITIONAL
    assert f"- C1 watch the memory of the writer for a week {team.engineer.person}" in conditional.stdout
    assert (accepted.returncode, commit in accepted.stdout) == (client.GO, True)
    assert other.returncode == client.INCOMPLETE

    (tmp_path / "certificate.json").write_text(Certificate.objects.get().envelope)
    alone = gatehouse("verify", "certificate.json")
    assert (alone.returncode, "verify takes the installed package" in alone.stderr) == (client.ERROR, True)
    script = Path(sys.executable).with_name("gatehouse")
    line = [str(script), "verify", str(tmp_path / "certificate.json")]
    genuine = subprocess.run(
        line, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENT_SECONDS
    )
    assert (genuine.returncode, "NOT checked" in genuine.stdout) == (client.GO, True), genuine.stderr
    envelope = Certificate.objects.get().envelope
    (tmp_path / "certificate.json").write_text(envelope.replace('"payload":"ey', '"payload":"eX'))
    forged = subprocess.run(
        line, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENT_SECONDS
    )
    assert forged.returncode == client.NO_GO


@live
def test_a_token_for_signed_requests_takes_no_others(gatehouse: Gatehouse, environment: dict[str, str]) -> None:
    """With its second secret the client is heard, query and body included; without it it is refused."""
    token = token_for(person_with(Role.TESTER), *SCOPES, is_signed_only=True)
    environment["GATEHOUSE_TOKEN"] = token

    unsigned = gatehouse("gate", "5a")
    environment["GATEHOUSE_SIGNING_SECRET"] = signing_secret(prefix=prefix_of(token), key=installed.SECRET_KEY)
    signed = gatehouse("gate", "5a")
    asked = gatehouse("run", "--profile", "smoke")

    assert (unsigned.returncode, "was refused" in unsigned.stderr) == (client.ERROR, True)
    assert signed.returncode == client.INCOMPLETE
    assert (asked.returncode, Run.objects.count()) == (client.GO, 1), asked.stderr


@live
def test_an_import_alone_releases_nothing(gatehouse: Gatehouse, tmp_path: Path) -> None:
    """Another project's commit: GO with tests and coverage, INCOMPLETE without coverage; the gate stays closed."""
    (tmp_path / "results.xml").write_bytes(passing(20))
    (tmp_path / "coverage.xml").write_bytes(coverage(97, 100))
    commit = ("--commit", "b" * 40)

    half = gatehouse("import", "results.xml", *commit)
    whole = gatehouse("import", "results.xml", "--coverage", "coverage.xml", *commit)
    asked = gatehouse("gate", "5a", *commit)

    assert [one.returncode for one in (half, whole, asked)] == [client.INCOMPLETE, client.GO, client.INCOMPLETE]
    assert asked.stdout.splitlines()[-1] == "INCOMPLETE"


@live
def test_the_recipes_of_the_readme_work(environment: dict[str, str], tmp_path: Path) -> None:
    """Their shell steps, as they stand there, from the fetched and checked client to the gate."""
    release(make_team())
    (tmp_path / "results.xml").write_bytes(passing(20))
    (tmp_path / "coverage.xml").write_bytes(coverage(97, 100))

    for steps in ([step["run"] for step in GITHUB["jobs"]["gatehouse"]["steps"]], GITLAB["gatehouse"]["script"]):
        code, out = carry_out(steps, environment=environment, directory=tmp_path)

        assert code == 0, out
        assert out.splitlines()[-1] == "GO"
        assert "client.py: OK" in out
        (tmp_path / "gates.xml").unlink()
    assert sorted(run.profile for run in Run.objects.all()) == ["full", "full", "import", "import", "quick", "quick"]


def carry_out(steps: list[str], *, environment: dict[str, str], directory: Path) -> tuple[int, str]:
    """Run the steps as a CI system does, and judge the run they ask for; exit code and everything printed."""
    line = ["bash", "-e", "-o", "pipefail", "-c", "\n".join(steps)]
    process = subprocess.Popen(
        line, cwd=directory, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    queued = Run.objects.filter(state=RunState.QUEUED.value)
    wait_until(lambda: process.poll() is not None or queued.exists(), timeout_seconds=60, what="the run")
    if process.poll() is None:
        judge(queued.get())
    out, _ = process.communicate(timeout=PATIENT_SECONDS)
    return process.returncode, out


def test_the_recipes_name_what_the_client_reads() -> None:
    """Every variable a recipe sets is one the client or a step uses."""
    names = set(GITHUB["jobs"]["gatehouse"]["env"])

    assert names == {"GATEHOUSE_URL", "GATEHOUSE_TOKEN", "GATEHOUSE_COMMIT", "GATEHOUSE_CLIENT_SHA256"}
    assert GITLAB["gatehouse"]["artifacts"]["reports"]["junit"] == "gates.xml"
    assert json.dumps(GITHUB).count("client.py") >= len(GITLAB["gatehouse"]["script"])
