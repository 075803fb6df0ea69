"""What the API hands out as files: samples, evidence, reports, the manifest. Nothing of it runs in a browser."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from console.kernel.models import Person
from console.tests.api_client import ApiClient
from console.tests.waiting import wait_until
from testruns.evidence import open_checked, open_unchanged, path_of, store
from testruns.models import Run, ScenarioExecution
from testruns.run_states import ExecutionState
from testruns.tests.gates.builders import execution, sound_run
from testruns.tests.policies.judged import judged_run, waiting_run

CONTENT = bytes(range(256)) * 4
SAMPLES = [{"elapsed_ms": 1000, "operations": 5}, {"elapsed_ms": 2000, "operations": 9, "slope": -3}]


@pytest.fixture
def digest(db: None) -> str:
    """The digest of 1024 bytes of evidence."""
    return store(content=CONTENT, media_type="text/html").digest


def sampled(run: Run) -> ScenarioExecution:
    """An execution whose attempt, still open, keeps its samples as evidence."""
    lines = "".join(json.dumps(sample) + "\n" for sample in SAMPLES)
    row = run.executions.get(scenario="credit_storm")
    evidence = store(content=lines.encode(), media_type="application/jsonl")
    row.attempts.create(number=1, samples=evidence)
    return row


@pytest.fixture
def run(tester: Person) -> Run:
    """A run that works."""
    made = waiting_run([], requested_by=tester)
    made.executions.create(position=1, scenario="credit_storm", concurrency=50, planned_seconds=1, disk_bytes=1)
    return made


def test_samples_come_whole_from_the_evidence(client: ApiClient, run: Run) -> None:
    """Every sample, under the names it was taken with."""
    row = sampled(run)

    answer = client.read(f"runs/{run.pk}/executions/{row.pk}/samples/").json()

    assert (answer["scenario"], answer["is_complete"], answer["samples"]) == ("credit_storm", True, SAMPLES)


def test_samples_of_a_working_scenario_are_those_known_so_far(client: ApiClient, run: Run) -> None:
    """The row's points, said to be incomplete."""
    row = run.executions.get()
    ScenarioExecution.objects.update(samples=SAMPLES[:1])

    answer = client.read(f"runs/{run.pk}/executions/{row.pk}/samples/").json()

    assert (answer["is_complete"], answer["samples"]) == (False, SAMPLES[:1])


def test_samples_in_csv_have_a_column_for_each_name(client: ApiClient, run: Run) -> None:
    """A spreadsheet's table, as a file; a sample that lacks a name has an empty cell."""
    row = sampled(run)

    answer = client.read(f"runs/{run.pk}/executions/{row.pk}/samples/", {"format": "csv"})

    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert list(csv.reader(io.StringIO(answer.content.decode()))) == [
        ["elapsed_ms", "operations", "slope"],
        ["1000", "5", ""],
        ["2000", "9", "-3"],
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_nothing_in_csv_is_a_formula(client: ApiClient, run: Run, text: str) -> None:
    """Text that a spreadsheet would calculate gets an apostrophe before it, in cells and in names."""
    ScenarioExecution.objects.update(samples=[{"elapsed_ms": 1, text: text}])
    address = f"runs/{run.pk}/executions/{run.executions.get().pk}/samples/"

    content = client.read(address, {"format": "csv"}).content.decode()

    rows = list(csv.reader(io.StringIO(content, newline="")))
    assert rows[0][1] == rows[1][1] == f"'{text}"


def test_an_unknown_format_is_refused(client: ApiClient, run: Run) -> None:
    """400 names what there is."""
    row = run.executions.get()

    answer = client.read(f"runs/{run.pk}/executions/{row.pk}/samples/", {"format": "xlsx"})

    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, "format")


def test_evidence_is_a_file_that_nothing_runs(client: ApiClient, digest: str) -> None:
    """The exact bytes, never HTML, never sniffed, kept for ever under its digest."""
    answer = client.read(f"evidence/{digest}/")

    assert (answer.status_code, b"".join(answer.streaming_content)) == (200, CONTENT)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert (answer.headers["ETag"], answer.headers["Accept-Ranges"]) == (f'"{digest}"', "bytes")
    assert client.read(f"evidence/{digest}/", headers={"If-None-Match": f'"{digest}"'}).status_code == 304


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=1000-", 1000, 1023),
        ("bytes=-24", 1000, 1023),
        ("bytes=1000-5000", 1000, 1023),
        ("bytes=-5000", 0, 1023),
    ],
)
def test_a_range_is_answered_with_its_bytes(client: ApiClient, digest: str, asked: str, first: int, last: int) -> None:
    """206 with where the bytes lie."""
    answer = client.read(f"evidence/{digest}/", headers={"Range": asked})

    assert (answer.status_code, b"".join(answer.streaming_content)) == (206, CONTENT[first : last + 1])
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/1024"
    assert answer.headers["Content-Length"] == str(last - first + 1)


@pytest.mark.parametrize("asked", ["bytes=1024-", "bytes=5000-6000", "bytes=-0"])
def test_a_range_behind_the_end_is_refused(client: ApiClient, digest: str, asked: str) -> None:
    """416 says how much there is."""
    answer = client.read(f"evidence/{digest}/", headers={"Range": asked})

    assert (answer.status_code, answer.json()["code"]) == (416, "range-not-satisfiable")
    assert answer.headers["Content-Range"] == "bytes */1024"


@pytest.mark.parametrize(
    "headers",
    [
        {"Range": "bytes=20-10"},
        {"Range": "bytes=0-1,5-6"},
        {"Range": "bytes=-"},
        {"Range": "lines=1-2"},
        {"Range": "bytes=0-9", "If-Range": '"another"'},
        {"Range": "bytes=0-9", "If-Range": "Wed, 21 Oct 2015 07:28:00 GMT"},
    ],
)
def test_what_is_no_range_gets_everything(client: ApiClient, digest: str, headers: dict[str, str]) -> None:
    """RFC 9110: an unfit Range is left out of account, and one that was meant for other bytes too."""
    answer = client.read(f"evidence/{digest}/", headers=headers)

    assert (answer.status_code, b"".join(answer.streaming_content)) == (200, CONTENT)


def test_a_range_of_the_same_bytes_is_continued(client: ApiClient, digest: str) -> None:
    """If-Range with the digest lets a broken download go on."""
    answer = client.read(f"evidence/{digest}/", headers={"Range": "bytes=1000-", "If-Range": f'"{digest}"'})

    assert (answer.status_code, b"".join(answer.streaming_content)) == (206, CONTENT[1000:])


@pytest.mark.parametrize(
    "name",
    ["..%2f..%2fkeys%2fsecret-key", "../../../etc/passwd", "%2e%2e", "ab" * 32, "AB" * 32, "a" * 63, "x" * 64, "a%00b"],
)
def test_only_what_has_a_row_is_evidence(client: ApiClient, storage: Path, digest: str, name: str) -> None:
    """No name reaches the disk, not even that of a file that lies there without a row."""
    stray = storage / "evidence" / "ab" / ("ab" * 32)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"not evidence")

    answer = client.read(f"evidence/{name}/")

    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


def test_evidence_that_was_changed_is_never_handed_on(client: ApiClient, digest: str) -> None:
    """409 for other bytes, 410 for none; not one of them leaves, nor a range of them."""
    path_of(digest).chmod(0o600)
    path_of(digest).write_bytes(CONTENT[:-1] + b"?")
    changed = client.read(f"evidence/{digest}/", headers={"Range": "bytes=0-1"})
    path_of(digest).unlink()
    missing = client.read(f"evidence/{digest}/")

    assert (changed.status_code, changed.json()["code"]) == (409, "evidence-damaged")
    assert (missing.status_code, missing.json()["code"]) == (410, "evidence-missing")


def test_a_download_in_ranges_reads_the_file_whole_only_once(client: ApiClient) -> None:
    """Until somebody touches the file: then it is held against its digest again, and found out."""
    content = bytes(2**25)
    digest = store(content=content, media_type="application/json").digest

    def seconds(opened: Callable[[str], BinaryIO]) -> float:
        began = time.process_time()
        opened(digest).close()
        return time.process_time() - began

    wait_until(
        lambda: seconds(open_unchanged) * 10 < seconds(open_checked), timeout_seconds=30, what="a range without reading"
    )
    first = client.read(f"evidence/{digest}/", headers={"Range": "bytes=0-1"})
    part = b"".join(first.streaming_content)
    path_of(digest).chmod(0o600)
    with path_of(digest).open("r+b") as file:
        file.write(b"?")
    changed = client.read(f"evidence/{digest}/", headers={"Range": "bytes=2-3"})

    assert (first.status_code, part) == (206, b"\0\0")
    assert (changed.status_code, changed.json()["code"]) == (409, "evidence-damaged")


@pytest.mark.parametrize(
    ("kind", "media_type", "opening"),
    [
        ("json", "application/json", "{"),
        ("markdown", "text/markdown; charset=utf-8", "# "),
        ("html", "text/html; charset=utf-8", "<!doctype html>"),
        ("junit", "application/xml", "<?xml"),
    ],
)
def test_a_report_comes_in_every_format_and_language(
    client: ApiClient, sound: Run, kind: str, media_type: str, opening: str
) -> None:
    """As a file with a name; the parameter wins over the client's language."""
    german, english = (
        client.read(
            f"runs/{sound.pk}/report/", {"format": kind, "language": language}, headers={"Accept-Language": "de"}
        )
        for language in ("de", "en")
    )

    assert (english.status_code, english.headers["Content-Type"]) == (200, media_type)
    assert english.content.decode().lower().startswith(opening)
    assert english.content != german.content
    assert f"gatehouse-run-{sound.pk}-en." in english.headers["Content-Disposition"]
    assert english.headers["X-Content-Type-Options"] == "nosniff"
    assert "Event integrity" in english.content.decode()


def test_the_language_is_the_clients_where_none_is_named(client: ApiClient, sound: Run) -> None:
    """Accept-Language decides."""
    report = client.read(f"runs/{sound.pk}/report/", {"format": "junit"}, headers={"Accept-Language": "de"})

    assert "-de.junit.xml" in report.headers["Content-Disposition"]


@pytest.mark.parametrize("query", [{"format": "pdf"}, {"language": "fr"}, {"format": "../x"}])
def test_unknown_reports_are_refused(client: ApiClient, sound: Run, query: dict[str, str]) -> None:
    """400 names what there is."""
    answer = client.read(f"runs/{sound.pk}/report/", query)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-parameter")


def test_a_run_without_a_verdict_has_neither_report_nor_manifest(client: ApiClient, run: Run) -> None:
    """409 says that it is not judged yet."""
    for address in ("report/", "manifest/"):
        answer = client.read(f"runs/{run.pk}/{address}")
        assert (answer.status_code, answer.json()["code"]) == (409, "run-not-judged")


def test_the_manifest_is_the_bytes_of_its_digest(client: ApiClient, sound: Run) -> None:
    """Whoever downloads it can check it; its digest is its tag."""
    answer = client.read(f"runs/{sound.pk}/manifest/")

    assert (answer.content.decode(), answer.headers["ETag"]) == (sound.manifest, f'"{sound.manifest_digest}"')
    tagged: Any = client.read(f"runs/{sound.pk}/manifest/", headers={"If-None-Match": answer.headers["ETag"]})
    assert tagged.status_code == 304


def test_evidence_of_a_run_is_found_from_its_document(client: ApiClient, tester: Person) -> None:
    """Each line of evidence leads to its bytes."""
    run = judged_run(sound_run(execution("ml_chaos", state=ExecutionState.ERRORED)), requested_by=tester)
    evidence = store(content=b"Traceback", media_type="text/plain; charset=utf-8")
    row = run.executions.get(scenario="ml_chaos")
    run.evidence.create(execution=row, attempt=row.attempts.get(), role="stderr", evidence=evidence)
    Run.objects.filter(pk=run.pk).update(version=99)

    (line,) = client.read(f"runs/{run.pk}/").json()["evidence"]

    answer: Any = client.get(line["url"])
    assert (line["scenario"], line["role"], line["attempt"]) == ("ml_chaos", "stderr", 1)
    assert b"".join(answer.streaming_content) == b"Traceback"
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
