"""Phases, release requests and builds over the API: what is on record, complete, red runs too."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from console.certificate.check import check_certificate
from console.certificates import trusted_keys
from console.kernel.authority import Role
from console.kernel.models import AuditEntry
from console.kernel.scopes import Scope
from console.models import ReleaseRequest
from console.release_states import Word
from console.tests.api_client import ApiClient, api_client
from console.tests.people import person_with
from console.tests.releases.people import Team, decide, sign_three
from console.tests.releases.runs import WRONG, full_run
from testruns.models import Build, Run

pytestmark = pytest.mark.django_db
PATHS = ("phases/", "phases/5a/", "phases/5a/history/", "builds/4f1d2c9/", "releases/{}/", "releases/{}/manifest/")


def test_phases_stand_in_the_order_of_the_roadmap(reader: ApiClient, request_5a: ReleaseRequest) -> None:
    """Each with what opens it, what it opens, and how it stands; without nulls."""
    answer = reader.read("phases/")
    phases = {one["phase"]: one for one in answer.json()["results"]}

    assert list(phases)[-4:] == ["5a", "6a", "7a", "8a"]
    assert phases["5a"]["opens"] == ["6a", "7a"]
    assert phases["8a"]["opened_by"] == ["7a"]
    assert (phases["5a"]["state"], phases["5a"]["exit_code"]) == ("OPEN", 5)
    assert phases["5a"]["release"]["request"] == request_5a.pk
    assert "state" not in phases["6a"]
    assert b"null" not in answer.content


def test_a_phase_shows_why_each_item_is_red(reader: ApiClient, request_5a: ReleaseRequest, team: Team) -> None:
    """Green items too; who signs next, by name."""
    found = reader.read("phases/5a/").json()
    items = {one["code"]: one for one in found["checklist"]}

    assert items["runs"]["is_green"]
    assert (items["seats"]["is_green"], items["seats"]["act"], items["seats"]["roles"]) == (
        False,
        "request.attest",
        ["engineer"],
    )
    assert items["seats"]["blocks"] == ["CONDITIONAL", "GO"]
    assert all(one["why"] and one["title"] for one in items.values())
    assert found["next_seat"] == "ENGINEER"
    assert str(team.engineer.person) in found["next_people"]


def test_a_build_shows_every_run_and_every_signature(
    reader: ApiClient, request_5a: ReleaseRequest, team: Team, runs: list[Run]
) -> None:
    """Red runs are not left out; in each phase who signed, and what is left, by whom, until when."""
    red = full_run(by=team.runner, faults=WRONG)
    sign_three(request_5a, team)

    found = reader.read(f"builds/{red.build.commit[:7]}/").json()
    phases = {one["phase"]: one for one in found["phases"]}

    assert found["commit"] == red.build.commit
    assert found["run_count"] == 3
    assert [(one["run"], one["recommendation"]) for one in found["runs"]["results"]] == [
        (red.pk, "NO_GO"),
        *((run.pk, "GO") for run in reversed(runs)),
    ]
    assert [one["printed_name"] for one in phases["5a"]["signed"]] == [
        str(one.person) for one in (team.engineer, team.tester, team.reviewer)
    ]
    assert [one["code"] for one in phases["5a"]["left"]] == ["newer-runs", "seat-supervisor"]
    assert phases["5a"]["left"][0]["until"] == phases["5a"]["release"]["deadline_at"]
    assert [one["code"] for one in phases["6a"]["left"]] == ["predecessor"]


def test_many_runs_of_a_build_come_in_pages(reader: ApiClient, runs: list[Run]) -> None:
    """As every list does."""
    first = reader.read("builds/4f1d2c9/", {"limit": 1}).json()["runs"]
    second = reader.get(first["next"]).json()["runs"]

    assert [one["run"] for page in (first, second) for one in page["results"]] == [run.pk for run in reversed(runs)]


def test_the_beginning_of_a_commit_names_one_or_none(reader: ApiClient, build: Build) -> None:
    """Two commits that begin alike are told apart, never guessed; a whole one is always meant itself."""
    twin = build.commit[:10] + "0" * 30
    Build.objects.create(name="gatehouse", commit=twin, tree_digest="aa" * 32, is_clean=True)

    ambiguous = reader.read(f"builds/{build.commit[:8]}/")

    assert (ambiguous.status_code, ambiguous.json()["code"]) == (400, "commit-ambiguous")
    assert reader.read(f"builds/{twin}/").json()["commit"] == twin
    assert reader.read(f"builds/{build.commit.upper()}/").json()["commit"] == build.commit
    assert reader.read("builds/0123456/").status_code == 404
    assert reader.read("builds/4f1d2c/").json()["code"] == "commit-malformed"


def test_manifest_and_certificate_are_the_bytes_that_were_signed(
    reader: ApiClient, request_5a: ReleaseRequest, team: Team
) -> None:
    """Anybody can check them with the digest and the public key alone."""
    sign_three(request_5a, team)
    decide(request_5a, Word.GO, by=team.supervisor)

    shown = reader.read(f"releases/{request_5a.pk}/").json()
    manifest = reader.read(f"releases/{request_5a.pk}/manifest/").content
    certificate = reader.read(f"releases/{request_5a.pk}/certificate/")
    checked = check_certificate(content=certificate.content, keys=trusted_keys(), now=request_5a.deadline_at)

    assert hashlib.sha256(manifest).hexdigest() == shown["manifest_digest"]
    assert (checked.exit_code, checked.digest) == (0, shown["certificates"][0]["digest"])
    assert certificate.headers["Content-Disposition"].startswith("attachment")
    assert [one["seat"] for one in shown["signed"]] == ["ENGINEER", "TESTER", "REVIEWER", "SUPERVISOR"]
    assert (shown["decision"]["word"], shown["left"]) == ("GO", [])
    assert [one["state"] for one in reader.read("phases/5a/history/").json()["results"]] == ["GO"]


def test_the_bundle_takes_the_scope_of_evidence_and_is_on_record(
    reader: ApiClient, request_5a: ReleaseRequest, team: Team
) -> None:
    """It holds everything the decision rests on, so its export is an entry of the audit chain."""
    sign_three(request_5a, team)
    decide(request_5a, Word.GO, by=team.supervisor)
    path = f"releases/{request_5a.pk}/bundle/"

    refused = reader.read(path)
    answer = api_client(person_with(Role.AUDITOR), Scope.EVIDENCE_READ).read(path)
    names = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))).namelist()

    assert (refused.status_code, refused.json()["code"]) == (403, "scope-missing")
    assert f"manifest/{request_5a.manifest_digest}.json" in names
    assert AuditEntry.objects.latest("index").act == "certificate.export"


def test_what_is_not_there_is_not_found(reader: ApiClient, request_5a: ReleaseRequest) -> None:
    """A request without a decision has no certificate; other numbers are nobody's."""
    number = request_5a.pk

    assert reader.read(f"releases/{number}/certificate/").status_code == 404
    assert reader.read(f"releases/{number}/certificate/", {"number": "3"}).json()["code"] == "invalid-parameter"
    assert reader.read(f"releases/{number + 1}/").status_code == 404
    assert reader.read("phases/9z/").status_code == 404
    assert reader.read("phases/9z/history/").status_code == 404


def test_who_asks_again_is_told_that_nothing_changed(reader: ApiClient, request_5a: ReleaseRequest) -> None:
    """304 with the same tag; after a signature the whole answer again."""
    for path in (path.format(request_5a.pk) for path in PATHS if "history" not in path):
        first = reader.read(path)
        again = reader.read(path, headers={"If-None-Match": first.headers["ETag"]})
        other = reader.read(path, headers={"If-None-Match": '"other"'})

        assert (first.status_code, again.status_code, other.status_code) == (200, 304, 200), path
        assert again.content == b""
        assert "public" not in first.headers["Cache-Control"]


@pytest.mark.parametrize("path", ["phases/5a/gate/?commit={}", "builds/{}/"])
def test_more_runs_of_a_build_take_no_more_queries(reader: ApiClient, team: Team, build: Build, path: str) -> None:
    """The gate and the page of a build ask the database as often with five runs as with two."""
    address, counts = f"/api/v1/{path.format(build.commit)}", []
    for further in (2, 3):
        for _ in range(further):
            full_run(by=team.runner)
        reader.get(address)  # what is read once for the process is read
        with CaptureQueriesContext(connection) as asked:
            reader.get(address)
        counts.append(len(asked))

    assert counts[0] == counts[1] > 0
    assert Run.objects.filter(build=build).count() == 5


@pytest.mark.parametrize("path", [*PATHS, "phases/5a/gate/?commit=" + "a" * 40, "releases/{}/certificate/"])
def test_phases_and_builds_take_their_scope(path: str, db: Any) -> None:
    """A token for runs alone reads none of it; without a token it is 401, before anything is looked up."""
    other = api_client(person_with(Role.ENGINEER), Scope.RUNS_READ)
    path = f"/api/v1/{path.format(1)}"

    assert json.loads(other.get(path).content)["code"] == "scope-missing"
    assert ApiClient().get(path).status_code == 401
