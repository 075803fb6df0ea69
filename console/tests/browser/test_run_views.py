"""The pages of runs as the test client sees them: content, cost, refusals, downloads."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from console.kernel.models import AuditEntry, Person
from console.tests.browser.rows import make_judged_run, make_run, make_running_run
from testruns.evidence import path_of
from testruns.models import Run, ScenarioExecution
from testruns.run_states import ExecutionState, RunState

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]

LIST = "/admin/testruns/run/"
Browse = Callable[[str], Client]


def queries_of(client: Client, address: str) -> int:
    """How many queries a page takes when nothing of it is remembered, after the process is warm."""
    client.get(address)
    cache.clear()
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def test_the_list_finds_runs_by_commit_number_and_person(browse: Browse, tester: Person) -> None:
    """Search takes the beginning of a commit, a number with or without #, and a part of a name."""
    run = make_judged_run(person=tester)
    other = make_run(person=tester, profile="own", seed=7)
    client = browse("tester")

    for text in (run.build.commit[:8], "Tester"):
        assert f"Run {run.pk} <" in client.get(LIST, {"q": text}).content.decode()
    page = client.get(LIST, {"q": f"#{other.pk}"}).content.decode()

    assert f"Run {other.pk} <" in page
    assert f"Run {run.pk} <" not in page


def test_the_list_filters_by_state_recommendation_and_profile(browse: Browse, tester: Person) -> None:
    """Each filter narrows; a value that does not exist breaks no old link."""
    judged = make_judged_run(person=tester)
    queued = make_run(person=tester, profile="own")
    client = browse("tester")

    for query, shown, hidden in (
        ({"state": "QUEUED"}, queued, judged),
        ({"recommendation": judged.recommendation}, judged, queued),
        ({"profile": "own"}, queued, judged),
    ):
        page = client.get(LIST, query).content.decode()
        assert f"Run {shown.pk} <" in page
        assert f"Run {hidden.pk} <" not in page
    assert f"Run {judged.pk} <" in client.get(LIST, {"state": "NO_SUCH"}).content.decode()


def test_the_list_takes_the_same_queries_for_two_runs_as_for_twenty(browse: Browse, tester: Person) -> None:
    """The number of queries does not grow with the number of runs."""
    client = browse("tester")
    for _ in range(2):
        make_run(person=tester)
    few = queries_of(client, LIST)

    for _ in range(18):
        make_run(person=tester)

    assert queries_of(client, LIST) == few


def test_the_page_of_a_run_takes_the_same_queries_for_one_scenario_as_for_all(browse: Browse, tester: Person) -> None:
    """The number of queries does not grow with scenarios, attempts, measurements or rules."""
    client = browse("tester")
    small = make_judged_run(person=tester, scenarios=["credit_storm"], profile="own")
    whole = make_judged_run(person=tester)

    few = queries_of(client, f"{LIST}{small.pk}/")

    assert queries_of(client, f"{LIST}{whole.pk}/") == few


def test_half_an_hour_of_samples_costs_a_page_little_more_than_a_short_run(browse: Browse, tester: Person) -> None:
    """Processor time of the best of five answers, nothing remembered, beside the same page of a run of five seconds."""
    short = make_judged_run(person=tester, profile="own")
    long = make_judged_run(person=tester, soak_seconds=1800, profile="full")
    client = browse("tester")

    def seconds_of(run: Run) -> float:
        cache.clear()
        started = time.process_time()
        client.get(f"{LIST}{run.pk}/")
        return time.process_time() - started

    pairs = [(seconds_of(short), seconds_of(long)) for _ in range(6)][1:]

    assert min(one[1] for one in pairs) < 2 * min(one[0] for one in pairs)


def test_a_second_reader_of_a_run_costs_one_query_of_ours(browse: Browse, tester: Person) -> None:
    """What a judged run looks like is rendered once for readers of the same roles and language."""
    run = make_judged_run(person=tester)
    browse("auditor").get(f"{LIST}{run.pk}/")
    client = browse("auditor")

    with CaptureQueriesContext(connection) as captured:
        page = client.get(f"{LIST}{run.pk}/").content.decode()

    assert "Was no command charged twice?" in page
    assert len([query for query in captured if "testruns_" in query["sql"]]) == 1


def test_an_update_of_an_unchanged_run_is_204_and_one_query_of_ours(browse: Browse, tester: Person) -> None:
    """Besides session, person and roles, asking for news costs one query."""
    run = make_running_run(person=tester)
    client = browse("tester")
    address = f"{LIST}{run.pk}/live/?token={run.version}"
    client.get(address)

    with CaptureQueriesContext(connection) as captured:
        response = client.get(address)

    assert response.status_code == 204
    assert [query["sql"] for query in captured if "testruns_" in query["sql"]] == [captured[-1]["sql"]]


def test_an_update_of_a_changed_run_brings_the_page_and_its_next_token(browse: Browse, tester: Person) -> None:
    """The fragment carries the version it shows, so the next question is compared with it."""
    run = make_running_run(person=tester)
    client = browse("tester")

    page = client.get(f"{LIST}{run.pk}/live/?token=0").content.decode()

    assert f"live/?token={run.version}" in page
    assert 'hx-trigger="every 2s"' in page


def test_an_update_of_a_judged_run_asks_no_further_question(browse: Browse, tester: Person) -> None:
    """Polling stops when there is nothing left to happen."""
    run = make_judged_run(person=tester)

    page = browse("tester").get(f"{LIST}{run.pk}/live/?token=0").content.decode()

    assert "hx-trigger" not in page


def test_an_update_after_the_session_ended_reloads_the_page(tester: Person) -> None:
    """The sign-in page is never swapped into the middle of another page."""
    run = make_running_run(person=tester)

    response = Client().get(f"{LIST}{run.pk}/live/?token=0", headers={"HX-Request": "true"}, follow=True)

    assert response.headers["HX-Refresh"] == "true"


def test_the_worst_rule_stands_in_the_strip_and_first_in_the_table(browse: Browse, tester: Person) -> None:
    """A planted double charge is named where a reviewer looks first, with its help in words beside it."""
    run = make_judged_run(person=tester, faults={"credit_storm": {"double_charges": "3"}})

    page = browse("reviewer").get(f"{LIST}{run.pk}/").content.decode()

    assert 'href="#rule-A01"' in page
    assert page.index('id="rule-A01"') < page.index('id="rule-A02"')
    assert "Was no command charged twice?" in page


def test_a_waiting_run_says_its_place_and_why_it_waits(browse: Browse, tester: Person) -> None:
    """A person who waits is told behind what."""
    running = make_running_run(person=tester)
    waiting = make_run(person=tester)

    page = browse("tester").get(f"{LIST}{waiting.pk}/").content.decode()

    assert "Place " in page
    assert f"of run {running.pk}." in page


def test_a_reviewer_sees_why_the_buttons_are_disabled_and_is_refused(browse: Browse, tester: Person) -> None:
    """The page names the roles it takes; posting all the same changes nothing and leaves an audit entry."""
    run = make_running_run(person=tester)
    client = browse("reviewer")

    page = client.get(f"{LIST}{run.pk}/").content.decode()
    response = client.post(f"{LIST}{run.pk}/cancel/", follow=True)

    assert "This takes one of these roles: engineer, tester, supervisor." in page
    assert "may not do this" in response.content.decode()
    assert Run.objects.get(pk=run.pk).state == RunState.RUNNING
    assert AuditEntry.objects.filter(outcome="refused", act="run.cancel").count() == 1


@pytest.mark.parametrize("act", ["cancel/", "again/"])
def test_acts_on_a_run_answer_only_to_post(browse: Browse, tester: Person, act: str) -> None:
    """GET changes nothing."""
    run = make_running_run(person=tester)

    assert browse("tester").get(f"{LIST}{run.pk}/{act}").status_code == 405


def test_cancelling_a_waiting_run_cancels_it_and_says_so(browse: Browse, tester: Person) -> None:
    """The button does what it says."""
    run = make_run(person=tester)

    page = browse("tester").post(f"{LIST}{run.pk}/cancel/", follow=True).content.decode()

    assert Run.objects.get(pk=run.pk).state == RunState.CANCELLED
    assert "This run was cancelled before anything was judged" in page


def test_running_again_makes_a_run_with_the_same_values(browse: Browse, tester: Person) -> None:
    """Seed, scenarios and injections are those of the run it repeats."""
    run = make_judged_run(person=tester, seed=7, retry_injection=False, profile="own")

    response = browse("engineer").post(f"{LIST}{run.pk}/again/")

    again = Run.objects.latest("pk")
    assert response.headers["Location"] == f"{LIST}{again.pk}/"
    assert (again.seed, again.retry_injection, again.scenarios) == (7, False, run.scenarios)


def test_a_crashed_scenario_offers_another_attempt_which_is_queued(browse: Browse, tester: Person) -> None:
    """An unfinished run says what broke; attempting again queues that scenario alone."""
    run = make_judged_run(person=tester, crashed=("credit_storm",))
    crashed = ScenarioExecution.objects.get(run=run, scenario="credit_storm")
    client = browse("tester")

    page = client.get(f"{LIST}{run.pk}/").content.decode()
    client.post(f"{LIST}execution/{crashed.pk}/again/")

    assert "exit code 1" in page
    assert f"execution/{crashed.pk}/again/" in page
    crashed.refresh_from_db()
    assert crashed.state == ExecutionState.QUEUED


def test_evidence_is_downloaded_as_a_file_and_never_rendered(browse: Browse, tester: Person) -> None:
    """What a scenario printed must not run in this console's name."""
    run = make_judged_run(person=tester)
    binding = run.evidence.first()
    assert binding is not None

    response = browse("auditor").get(f"{LIST}{run.pk}/evidence/{binding.pk}/")

    assert response.headers["Content-Disposition"].startswith("attachment")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert b"said" in response.content


def test_evidence_changed_on_disk_is_refused_with_both_digests(browse: Browse, tester: Person, storage: Path) -> None:
    """Reading checks the digest; the person is told, and nothing is handed on."""
    run = make_judged_run(person=tester)
    binding = run.evidence.first()
    assert binding is not None
    place = path_of(binding.evidence_id)
    place.chmod(0o600)
    place.write_bytes(b"something else")

    response = browse("auditor").get(f"{LIST}{run.pk}/evidence/{binding.pk}/", follow=True)

    assert "was changed: its bytes now have the digest" in response.content.decode()


@pytest.mark.parametrize("kind", ["json", "md", "html"])
@pytest.mark.parametrize("language", ["en", "de"])
def test_reports_of_a_judged_run_are_files_in_both_languages(
    browse: Browse, tester: Person, kind: str, language: str
) -> None:
    """Every kind is offered, and an unjudged run has none."""
    run = make_judged_run(person=tester)
    client = browse("auditor")

    response = client.get(f"{LIST}{run.pk}/report.{kind}", {"language": language})

    assert response.status_code == 200
    assert response.headers["Content-Disposition"] == (
        f'attachment; filename="gatehouse-run-{run.pk}-{language}.{kind}"'
    )
    assert client.get(f"{LIST}{make_run(person=tester).pk}/report.{kind}").status_code == 404


def test_the_manifest_download_is_what_its_digest_says(browse: Browse, tester: Person) -> None:
    """The bytes hash to the digest on the page."""
    run = make_judged_run(person=tester)

    content = browse("auditor").get(f"{LIST}{run.pk}/manifest.json").content

    assert hashlib.sha256(content).hexdigest() == run.manifest_digest


def test_a_run_that_does_not_exist_is_a_404_in_our_design(browse: Browse) -> None:
    """The page says so instead of redirecting to the start."""
    response = browse("tester").get(f"{LIST}999999/")

    assert response.status_code == 404
    assert "There is no such page" in response.content.decode()


def test_rendered_updates_are_not_shared_between_roles(browse: Browse, tester: Person) -> None:
    """A tester's fragment has a button that a reviewer's has not, although the run and version are the same."""
    run = make_running_run(person=tester)
    address = f"{LIST}{run.pk}/live/?token=0"

    for_tester: Any = browse("tester").get(address).content.decode()
    for_reviewer = browse("reviewer").get(address).content.decode()

    assert 'aria-disabled="true"' not in for_tester
    assert 'aria-disabled="true"' in for_reviewer
