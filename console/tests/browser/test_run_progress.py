"""How far a run came, that it is stopping, and why something broke off: honest, in the reader's words and time."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from console.kernel.models import Person
from console.tests.browser.rows import make_judged_run, make_running_run
from testruns.actions.reaping import WORKER_GONE
from testruns.admin.run_page import read_run_page
from testruns.models import Run, ScenarioExecution
from testruns.run_states import ExecutionState, RunState

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]

LIST = "/admin/testruns/run/"
LAST_HEARD = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)
Browse = Callable[[str], Client]


def end_the_rest(run: Run, state: ExecutionState, **changes: Any) -> None:
    """Bring everything that has not ended to this state, as far as it came."""
    ended = [one.value for one in ExecutionState if one.is_terminal]
    run.executions.exclude(state__in=ended).update(state=state.value, finished_at=timezone.now(), **changes)


@pytest.mark.parametrize("state", [ExecutionState.CANCELLED, ExecutionState.ABANDONED, ExecutionState.ERRORED])
def test_what_broke_off_counts_as_far_as_it_came(tester: Person, state: ExecutionState) -> None:
    """One scenario finished and one at 40 % of seven are not 100 %, however the others ended."""
    run = make_running_run(person=tester)
    planned = {one.position: one.planned_seconds for one in run.executions.all()}
    end_the_rest(run, state)

    page = read_run_page(run_id=run.pk, roles=())

    assert page is not None
    assert page.progress_ppm == (planned[1] * 1_000_000 + planned[2] * 400_000) // sum(planned.values())
    assert (page.finished_count, page.unfinished_counts) == (1, {state.value: 6})
    assert page.remaining_seconds == 0


def test_the_page_counts_finished_and_cancelled_scenarios_apart(browse: Browse, tester: Person) -> None:
    """Nobody reads seven of seven where six were cancelled."""
    run = make_running_run(person=tester)
    end_the_rest(run, ExecutionState.CANCELLED)

    page = browse("tester").get(f"{LIST}{run.pk}/").content.decode()

    assert "1 of 7 scenarios finished" in page
    assert "Cancelled</span> 6" in page


def test_the_first_page_says_what_a_run_is_doing_how_long_yet_and_how_fast_it_is_answered(
    browse: Browse, tester: Person
) -> None:
    """Its scenario, what has passed and what is left, the latency of the last sample; nothing is made up before one."""
    run = make_running_run(person=tester)
    client = browse("reviewer")

    running = _said_on_first_page(client)
    run.executions.filter(state=ExecutionState.RUNNING).update(samples=[])
    before_a_sample = _said_on_first_page(client)
    end_the_rest(run, ExecutionState.CANCELLED)
    between = _said_on_first_page(client)

    assert re.search(r"Synergy against gaming 1 of 7 finished running for 1\d s about \d+ s left", running)
    assert "now 95 % within 3.7 ms" in running
    assert "Synergy against gaming" in before_a_sample
    assert "now 95 %" not in before_a_sample
    assert "running for" not in between


def _said_on_first_page(client: Client) -> str:
    page = client.get("/admin/").content.decode()
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_a_run_that_is_stopping_says_so_and_offers_no_second_cancel(browse: Browse, tester: Person) -> None:
    """The button goes with the request; it comes back with nothing."""
    run = make_running_run(person=tester)
    client = browse("tester")
    before = client.get(f"{LIST}{run.pk}/").content.decode()

    page = client.post(f"{LIST}{run.pk}/cancel/", follow=True).content.decode()

    run.refresh_from_db()
    assert (run.state, 'id="act-stop"' in before) == (RunState.RUNNING, True)
    assert 'id="act-stop"' not in page
    assert 'id="stopping"' in page


def abandoned_run(person: Person) -> Run:
    """A run one scenario of which lost its worker."""
    run = make_judged_run(person=person, crashed=("credit_storm",))
    ScenarioExecution.objects.filter(run=run, scenario="credit_storm").update(
        state=ExecutionState.ABANDONED.value,
        error=WORKER_GONE,
        error_params={"at": {"moment": LAST_HEARD.isoformat()}},
    )
    Run.objects.filter(pk=run.pk).update(version=run.version + 1)
    return run


@pytest.mark.parametrize(
    ("language", "begin", "time", "end"),
    [
        ("en", "its worker was last heard of at ", "21 Nov 2026, 03:04 UTC", " and is gone"),
        ("de", "sein Worker meldete sich zuletzt am ", "21. Nov. 2026, 03:04 UTC", " und ist nicht mehr da"),
    ],
)
def test_a_time_inside_a_sentence_is_said_as_times_are_and_keeps_utc(
    browse: Browse, tester: Person, language: str, begin: str, time: str, end: str
) -> None:
    """The machine's spelling stays in the attribute; the browser shows its own zone."""
    run = abandoned_run(tester)
    client = browse("tester")
    client.cookies["django_language"] = language

    page = client.get(f"{LIST}{run.pk}/").content.decode()

    mark = f'<time data-moment datetime="2026-11-21T03:04:05+00:00" title="2026-11-21 03:04:05 UTC">{time}</time>'
    assert f"{begin}{mark}{end}" in page


def test_why_something_broke_off_cannot_bring_markup_along(browse: Browse, tester: Person) -> None:
    """What a child said stands in a sentence as text."""
    run = abandoned_run(tester)
    ScenarioExecution.objects.filter(run=run, scenario="credit_storm").update(
        error="the child broke the protocol: %(violation)s", error_params={"violation": "<script>100 %"}
    )

    page = browse("tester").get(f"{LIST}{run.pk}/").content.decode()

    assert "the child broke the protocol: &lt;script&gt;100 %" in page


def test_a_refusal_says_the_state_as_a_word_of_the_readers_language(browse: Browse, tester: Person) -> None:
    """Not as it is stored."""
    run = make_judged_run(person=tester)
    client = browse("tester")
    client.cookies["django_language"] = "de"

    page = client.post(f"{LIST}{run.pk}/cancel/", follow=True).content.decode()

    assert f"Lauf {run.pk} ist beurteilt: Es gibt nichts mehr abzubrechen." in page
