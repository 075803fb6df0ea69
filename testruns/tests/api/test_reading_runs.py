"""Reading runs: lists by cursor in a constant number of queries, documents with an ETag."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from console.kernel.authority import Role
from console.kernel.models import Person
from console.kernel.scopes import Scope
from console.tests.api_client import ApiClient, api_client
from console.tests.people import person_with
from testruns.models import Build, Run
from testruns.run_states import ExecutionState
from testruns.tests.gates.builders import execution, sound_run
from testruns.tests.policies.judged import judged_run, waiting_run

LIST_QUERIES = 4  # numbers, runs with builds and people, gates, progress
TOKEN_QUERIES = 1


def queries_on_runs(client: ApiClient, address: str, **extra: Any) -> tuple[int, Any]:
    """How often the tables of runs are asked for one answer, and the answer."""
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(address, **extra)
    return sum("testruns_" in query["sql"] for query in asked.captured_queries), answer


def three_runs(person: Person) -> list[int]:
    """Runs that wait, the oldest first."""
    return [waiting_run([], requested_by=person, scenarios=["credit_storm"], seed=n).pk for n in range(3)]


def numbers(answer: Any) -> list[int]:
    """The runs of a page."""
    return [line["run"] for line in answer.json()["results"]]


def test_a_list_is_walked_by_its_cursors(client: ApiClient, tester: Person) -> None:
    """Newest first, page by page and back again; a run that comes in between shifts nothing."""
    first, second, third = three_runs(tester)

    page = client.read("runs/", {"limit": 1})
    three_runs(tester)
    following = client.get(page.json()["next"])
    back = client.get(following.json()["previous"])

    assert (numbers(page), numbers(following)) == ([third], [second])
    assert third not in numbers(following)
    assert numbers(back) == [third]
    assert numbers(client.read("runs/", {"ordering": "run", "limit": 1})) == [first]


def test_a_line_says_what_a_pipeline_asks_for(client: ApiClient, sound: Run, tester: Person) -> None:
    """State, advice, build, person and the verdicts of the gates."""
    line = client.read("runs/").json()["results"][0]

    assert (line["run"], line["state"], line["recommendation"]) == (sound.pk, "JUDGED", "GO")
    assert line["build"] == {"name": "gatehouse", "commit": "c" * 40, "tree_digest": "d" * 64, "is_clean": True}
    assert line["requested_by"] == tester.username
    assert {gate["gate"]: gate["verdict"] for gate in line["gates"]} == dict.fromkeys("ABCDE", "PASS")
    assert line["requested_at"].endswith("Z")


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("state", "JUDGED", False),
        ("state", "QUEUED", True),
        ("recommendation", "GO", False),
        ("profile", "full", True),
        ("profile", "quick", False),
        ("commit", "abcd", True),
        ("commit", "bcd0", False),
        ("build", "gatehouse", True),
        ("build", "another", False),
        ("seed", "7", True),
        ("seed", "8", False),
    ],
)
def test_a_filter_narrows_the_list(client: ApiClient, tester: Person, name: str, value: str, found: bool) -> None:
    """Each filter lets through what it names and nothing else."""
    build = Build.objects.create(name="gatehouse", commit="abcd" * 10, tree_digest="e" * 64, is_clean=True)
    waiting_run([], requested_by=tester, build=build, seed=7)

    assert bool(numbers(client.read("runs/", {name: value}))) is found


def test_times_and_people_narrow_the_list(client: ApiClient, tester: Person) -> None:
    """`since` holds the moment itself, `until` does not; a person is named by their user name."""
    three_runs(tester)
    at = Run.objects.order_by("pk").values_list("requested_at", flat=True)[1].isoformat()
    tomorrow = (timezone.now() + timedelta(days=1)).isoformat()

    assert len(numbers(client.read("runs/", {"since": at}))) == 2
    assert len(numbers(client.read("runs/", {"until": at}))) == 1
    assert numbers(client.read("runs/", {"since": tomorrow})) == []
    assert len(numbers(client.read("runs/", {"requested_by": tester.username}))) == 3
    assert numbers(client.read("runs/", {"requested_by": "nobody"})) == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"state": "judged"}, "invalid-parameter"),
        ({"commit": "xyz"}, "invalid-parameter"),
        ({"since": "yesterday"}, "invalid-parameter"),
        ({"limit": "201"}, "invalid-parameter"),
        ({"seed": "-1"}, "invalid-parameter"),
        ({"ordering": "requested_by__password"}, "invalid-parameter"),
        ({"cursor": "forged"}, "invalid-cursor"),
        ({"requested_by__password__startswith": "p"}, "unknown-parameter"),
        ({"page": "2"}, "unknown-parameter"),
    ],
)
def test_a_query_the_list_does_not_know_is_refused(client: ApiClient, query: dict[str, str], code: str) -> None:
    """No name of a client reaches the database; what cannot be is said, not left out."""
    answer = client.read("runs/", query)

    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_a_page_costs_the_same_number_of_queries_however_much_it_shows(client: ApiClient, tester: Person) -> None:
    """Four queries for one run and for many, on the first page and behind a cursor."""
    three_runs(tester)
    judged_run(sound_run(), requested_by=tester)
    behind = client.read("runs/", {"limit": 1}).json()["next"]

    for address in ("/api/v1/runs/?limit=1", "/api/v1/runs/", "/api/v1/runs/?state=QUEUED&commit=cccc", behind):
        count, answer = queries_on_runs(client, address)
        assert (count, answer.status_code) == (LIST_QUERIES, 200)


def test_a_document_holds_gates_rules_and_margins(client: ApiClient, tester: Person) -> None:
    """Everything the page of a run shows, figures as exact text, keys without a value left out."""
    run = judged_run(sound_run(execution("approval_race", audit_missing="3")), requested_by=tester)

    document = client.read(f"runs/{run.pk}/").json()

    rules = {rule["code"]: rule for rule in document["rules"]}
    gates = {gate["gate"]: gate for gate in document["gates"]}
    assert (document["recommendation"], gates["C"]["verdict"], gates["C"]["worst_rule"]) == (
        "CONDITIONAL",
        "FAIL",
        "C03",
    )
    assert (gates["A"]["verdict"], gates["A"]["held"]) == ("PASS", gates["A"]["rules"])
    assert "worst_rule" not in gates["A"]
    assert (rules["C03"]["verdict"], rules["C03"]["actual"], rules["C03"]["margin"]) == ("FAIL", "3", "-3")
    assert "C03" in document["sentence"]
    assert [finding["rule"] for finding in document["findings"]] == ["C03"]
    assert document["manifest_digest"] == run.manifest_digest
    assert len(document["executions"]) == 7
    assert document["executions"][0]["measurements"][0]["name"]
    assert "null" not in client.read(f"runs/{run.pk}/").content.decode()


def test_a_document_says_how_a_scenario_ended(client: ApiClient, tester: Person) -> None:
    """What may be attempted again is named."""
    run = judged_run(sound_run(execution("ml_chaos", state=ExecutionState.ERRORED)), requested_by=tester)

    executions = {one["scenario"]: one for one in client.read(f"runs/{run.pk}/").json()["executions"]}

    assert (executions["ml_chaos"]["state"], executions["ml_chaos"]["may_be_attempted_again"]) == ("ERRORED", True)
    assert executions["credit_storm"]["may_be_attempted_again"] is False


def test_an_unchanged_document_is_not_sent_again(client: ApiClient, sound: Run) -> None:
    """304 for the tag of what the client has; one query, whatever the run holds, also for who has another."""
    address = f"/api/v1/runs/{sound.pk}/"
    tag = client.get(address).headers["ETag"]

    known, again = queries_on_runs(client, address, headers={"If-None-Match": tag})
    unknown, whole = queries_on_runs(client, address, headers={"If-None-Match": '"another"'})

    assert (known, again.status_code, again.content) == (TOKEN_QUERIES, 304, b"")
    assert (unknown, whole.status_code, whole.json()["run"]) == (TOKEN_QUERIES, 200, sound.pk)


def test_a_change_is_sent(client: ApiClient, tester: Person) -> None:
    """The tag follows the run's version."""
    run = waiting_run([], requested_by=tester)
    tag = client.read(f"runs/{run.pk}/").headers["ETag"]

    Run.objects.filter(pk=run.pk).update(version=2)

    assert client.read(f"runs/{run.pk}/", headers={"If-None-Match": tag}).status_code == 200


def test_texts_follow_the_language_of_the_client(client: ApiClient, sound: Run) -> None:
    """Sentences in German, codes and figures as they are; the languages have tags of their own."""
    english, german = (
        client.read(f"runs/{sound.pk}/", headers={"Accept-Language": language}) for language in ("en", "de")
    )

    assert english.json()["gates"][0]["title"] == "Event integrity"
    assert german.json()["gates"][0]["title"] != "Event integrity"
    assert german.json()["rules"][0]["code"] == english.json()["rules"][0]["code"]
    assert german.headers["ETag"] != english.headers["ETag"]


@pytest.mark.parametrize("number", ["999999", "9" * 40, "0"])
def test_a_run_that_does_not_exist_is_not_found(client: ApiClient, number: str) -> None:
    """404 as a problem, also for a number no database could hold."""
    answer = client.read(f"runs/{number}/")

    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


def test_a_token_for_credits_reads_no_runs(db: None) -> None:
    """403 names the scope it takes."""
    client = api_client(person_with(Role.AUDITOR), Scope.CREDITS_READ)

    answer = client.read("runs/")

    assert (answer.status_code, answer.json()["code"]) == (403, "scope-missing")
