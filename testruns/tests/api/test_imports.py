"""POST /imports/: what a pipeline sends with one curl command, what it gets, and how it is refused."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from console.kernel.authority import Role
from console.kernel.models import AuditEntry, Person
from console.kernel.scopes import Scope
from console.tests.api_client import ApiClient, api_client
from console.tests.people import person_with
from testruns.evidence import read
from testruns.imports import hardened
from testruns.models import Evidence, Run
from testruns.tests.imports.reports import NEVER_RAN, UNIT, coverage, passing

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def client(tester: Person) -> ApiClient:
    """A CI job's program: it may hand in results and read runs, nothing else."""
    return api_client(tester, Scope.EVIDENCE_WRITE, Scope.RUNS_READ)


def bring(client: Client, *, key: str = "", **sent: Any) -> Any:
    """POST a form; bytes become files, None leaves a field out."""
    form = {"build": "shop", "commit": COMMIT, "junit": UNIT} | sent
    fields = {name: _field(name, value) for name, value in form.items() if value is not None}
    headers = {"Idempotency-Key": f'"{key or uuid.uuid4()}"'}
    return client.post("/api/v1/imports/", fields, headers=headers)


def _field(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_field(name, one) for one in value]
    return SimpleUploadedFile(f"../../{name}.xml", value) if isinstance(value, bytes) else value


def test_several_files_of_each_kind_are_one_run(client: ApiClient) -> None:
    """A runner that writes a file for each class: one verdict, every file kept, and a bad one is named by its place."""
    shards = [coverage(20, 20, name="a.py"), coverage(19, 20, name="b.py")]

    answer = bring(client, junit=[UNIT, passing(3)], coverage=shards)
    refused = bring(client, junit=[UNIT, b"<html/>"])
    crowd = bring(client, junit=[passing(1)] * 101)

    body = answer.json()
    assert (answer.status_code, body["recommendation"]) == (201, "GO")
    assert [one["role"] for one in body["evidence"]] == ["junit", "junit-2", "coverage", "coverage-2"]
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "/junit[2]")
    assert (crowd.status_code, crowd.json()["code"]) == (400, "too-many-parts")


def test_a_pipeline_brings_its_results_and_reads_the_verdict(client: ApiClient) -> None:
    """201 with the judged run, where to find it, the exact bytes kept, and the actor named by token and person."""
    answer = bring(client, coverage=coverage(96, 100))

    run = Run.objects.get()
    body = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"].endswith(f"/api/v1/runs/{run.pk}/")
    assert (body["state"], body["recommendation"], body["profile"]) == ("JUDGED", "GO", "import")
    assert body["build"] == {"name": "shop", "commit": COMMIT, "is_clean": True}
    assert body["progress_ppm"] == 1_000_000
    assert [(gate["gate"], gate["verdict"]) for gate in body["gates"]] == [("I", "PASS")]
    assert read(hashlib.sha256(UNIT).hexdigest()) == UNIT
    assert AuditEntry.objects.get(act="results.import").actor.startswith("token:")


def test_a_suite_that_never_ran_is_no_go(client: ApiClient) -> None:
    """And one without coverage says what is missing."""
    assert bring(client, junit=NEVER_RAN).json()["recommendation"] == "NO_GO"
    assert bring(client).json()["missing"] == ["a coverage report (Cobertura) was not brought"]


def test_the_run_is_read_listed_and_reported_like_any_other(client: ApiClient) -> None:
    """Over the addresses of runs; it can neither be cancelled nor run again."""
    number = bring(client).json()["run"]
    writer = api_client(Run.objects.get().requested_by, Scope.RUNS_WRITE)  # type: ignore[arg-type]  # its person

    assert client.read(f"runs/{number}/").json()["run"] == number
    assert [line["run"] for line in client.read("runs/", {"profile": "import"}).json()["results"]] == [number]
    assert client.read(f"runs/{number}/wait/", {"timeout": 0}).json()["state"] == "JUDGED"
    assert b"I03" in client.read(f"runs/{number}/report/", {"format": "junit"}).content
    assert writer.send(f"runs/{number}/run-again/").json()["code"] == "imported-not-run"
    assert writer.send(f"runs/{number}/cancel/").json()["code"] == "run-over"


def test_a_repetition_with_its_key_gets_the_first_answer_whatever_the_boundary(client: ApiClient) -> None:
    """A form is written anew on every try; the same fields and files are the same request."""
    first = bring(client, key="one")
    again = client.post(
        "/api/v1/imports/",
        form_of(boundary="another"),
        content_type="multipart/form-data; boundary=another",
        headers={"Idempotency-Key": "one"},
    )

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()
    assert Run.objects.count() == 1


def form_of(*, boundary: str) -> bytes:
    """The form of `bring`, as another program writes it."""
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value for name, value in TEXTS.items()]
    parts.append(b'Content-Disposition: form-data; name="junit"; filename="x.xml"\r\n\r\n' + UNIT)
    line = f"--{boundary}\r\n".encode()
    return b"".join(line + part + b"\r\n" for part in parts) + f"--{boundary}--\r\n".encode()


TEXTS = {"build": b"shop", "commit": COMMIT.encode()}


@pytest.mark.parametrize("other", [{"junit": NEVER_RAN}, {"build": "other"}, {"coverage": coverage(1, 1)}])
def test_a_key_of_another_import_is_refused(client: ApiClient, other: dict[str, Any]) -> None:
    """Another file, another name, or one file more is another request."""
    bring(client, key="one")

    answer = bring(client, key="one", **other)

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-reused")
    assert Run.objects.count() == 1


def test_without_a_key_nothing_is_read(client: ApiClient) -> None:
    """As everywhere a row is written."""
    answer = client.post("/api/v1/imports/", {"build": "shop", "commit": COMMIT})

    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency-key-missing")


BOMB = b'<!DOCTYPE t [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><testsuite name="&c;"/>'
OUTSIDE = b'<!DOCTYPE t [<!ENTITY a SYSTEM "file:///etc/passwd">]><testsuite>&a;</testsuite>'


@pytest.mark.parametrize(
    ("sent", "code", "told"),
    [
        ({"junit": b""}, "import-file-empty", "junit"),
        ({"junit": b"\x00\x01"}, "import-file-not-xml", "0x00"),
        ({"junit": BOMB}, "import-file-declares", "line 1"),
        ({"junit": OUTSIDE}, "import-file-declares", "DTD"),
        ({"junit": UNIT[:-5]}, "import-file-malformed", "line 4"),
        ({"junit": b"<a>\xff</a>"}, "import-file-not-utf-8", "byte 3"),
        ({"junit": b"<html/>"}, "import-file-wrong-root", "testsuites"),
        ({"junit": b"<testsuite>" * 99}, "import-file-limit", "at most 64"),
        ({"coverage": b"<coverage><project/></coverage>"}, "import-file-misplaced", "coverage"),
        ({"junit": None}, "import-nothing", "junit"),
        ({"build": " "}, "invalid-input", ""),
        ({"build": "a\u202eb"}, "import-build-name", "build"),
        ({"commit": "main"}, "import-commit", "commit"),
        ({"commit": None}, "invalid-input", ""),
        ({"junit": "text"}, "invalid-input", ""),
        ({"profile": "full"}, "invalid-input", "There is no such field."),
        ({"build": ["a", "b"]}, "invalid-input", "twice"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(
    client: ApiClient, sent: dict[str, Any], code: str, told: str
) -> None:
    """A problem with what and where; nothing of it is stored."""
    answer = bring(client, **sent)

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert told in answer.json()["detail"]
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (Run.objects.count(), Evidence.objects.count()) == (0, 0)


def test_a_refused_file_leaves_its_audit_entry_and_its_key_free(client: ApiClient) -> None:
    """The mended file may come with the same key."""
    bring(client, key="one", junit=b"<html/>")

    entry = AuditEntry.objects.get(act="results.import")
    assert (entry.outcome, entry.code) == ("refused", "import-file-wrong-root")
    assert bring(client, key="one").status_code == 201


def test_a_file_beyond_the_limit_is_413(client: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is lowered here; the real one has its own test."""
    monkeypatch.setattr(hardened, "FILE_BYTES_MAX", len(UNIT) - 1)

    answer = bring(client)

    assert (answer.status_code, answer.json()["code"]) == (413, "import-file-too-large")


@pytest.mark.parametrize("kind", ["application/json", "text/xml", "application/x-www-form-urlencoded"])
def test_another_content_type_is_415(client: ApiClient, kind: str) -> None:
    """Only a form with files; XML alone would leave out the build."""
    answer = client.post("/api/v1/imports/", UNIT, content_type=kind, headers={"Idempotency-Key": "one"})

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported-media-type")


def test_a_form_without_end_is_a_malformed_request(client: ApiClient) -> None:
    """Also one without a boundary."""
    for kind in ("multipart/form-data; boundary=x", "multipart/form-data"):
        answer = client.post(
            "/api/v1/imports/", b"--x\r\nnonsense", content_type=kind, headers={"Idempotency-Key": "k"}
        )
        assert answer.status_code == 400


@pytest.mark.parametrize("token", ["", "Bearer gh_unknown_secret", "Basic x"])
def test_thirty_megabytes_of_a_stranger_are_not_received(db: None, token: str) -> None:
    """More than a small body is read for known tokens only."""
    big = SimpleUploadedFile("junit.xml", b"x" * 2_000_000)

    answer = Client().post("/api/v1/imports/", {"junit": big}, headers={"Authorization": token} if token else {})

    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")


@pytest.mark.parametrize("scope", [scope for scope in Scope if scope is not Scope.EVIDENCE_WRITE])
def test_only_the_scope_of_evidence_opens_the_door(tester: Person, scope: Scope) -> None:
    """Whoever may queue runs may not by that bring results."""
    answer = bring(api_client(tester, scope))

    assert (answer.status_code, answer.json()["code"]) == (403, "scope-missing")


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.AUDITOR, Role.ADMINISTRATOR])
def test_a_token_never_does_more_than_its_person(db: None, role: Role) -> None:
    """Reviewers judge results, they do not bring them."""
    answer = bring(api_client(person_with(role), Scope.EVIDENCE_WRITE))

    assert (answer.status_code, answer.json()["code"]) == (403, "not-allowed")
    assert Evidence.objects.count() == 0
