"""The form that requests a run: defaults, validation in place, forecast, the full run."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils.datastructures import MultiValueDict

from console.kernel.models import Person
from console.tests.browser.rows import make_judged_run
from testruns.actions import plan_of
from testruns.actions.requesting import Disk
from testruns.admin.forecast import active_policy, forecast_of
from testruns.admin.request_form import RequestRunForm
from testruns.models import Run
from testruns.scenarios import SCENARIOS

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]

ADDRESS = "/admin/testruns/run/request/"
Browse = Callable[[str], Client]


def entered(**changes: Any) -> dict[str, Any]:
    """The form as it is sent with its defaults, changed; a value of None leaves a field out."""
    values = {
        "profile": "quick",
        "scenarios": list(SCENARIOS),
        "concurrency": "50",
        "seed": "42",
        "retry_injection": "on",
        "anomaly_injection": "on",
    } | changes
    return {name: value for name, value in values.items() if value is not None}


def test_the_form_starts_with_the_defaults_of_the_seeds(browse: Browse) -> None:
    """Concurrency 50, seed 42, retries on, KARMA off, anomalies on, every scenario."""
    form = browse("tester").get(ADDRESS).context["form"]

    assert form["concurrency"].value() == "50"
    assert form["seed"].value() == 42
    assert form["scenarios"].value() == list(SCENARIOS)
    assert [form[name].value() for name in ("retry_injection", "karma_available", "anomaly_injection")] == [
        True,
        False,
        True,
    ]


def test_help_for_every_scenario_stands_beside_it(browse: Browse) -> None:
    """A reviewer reads what a scenario does before it is chosen."""
    page = browse("reviewer").get(ADDRESS).content.decode()

    for scenario in SCENARIOS.values():
        assert scenario.code in page
        assert scenario.help[:30].split("'")[0] in page


def test_requesting_with_the_defaults_queues_the_whole_suite(browse: Browse) -> None:
    """The form's own values make a quick run of every scenario, and the person lands on its page."""
    response = browse("tester").post(ADDRESS, entered())

    run = Run.objects.get()
    assert response.headers["Location"] == f"/admin/testruns/run/{run.pk}/"
    assert (run.profile, run.duration_seconds, run.seed, run.concurrency) == ("quick", 30, 42, [50])
    assert run.executions.count() == len(SCENARIOS)


def test_a_sweep_makes_one_execution_per_level_where_levels_mean_something(browse: Browse) -> None:
    """50,100,300 is three executions of a swept scenario."""
    browse("tester").post(ADDRESS, entered(concurrency="50, 100,300", scenarios=["credit_storm"]))

    levels = Run.objects.get().executions.values_list("concurrency", flat=True)
    assert sorted(levels) == [50, 100, 300]


@pytest.mark.parametrize(
    ("changes", "field", "text"),
    [
        ({"concurrency": "fifty"}, "concurrency", "Concurrency: enter whole numbers separated by commas"),
        ({"concurrency": "0"}, "concurrency", "Concurrency: each level is a number from 1 to 500."),
        ({"concurrency": "501"}, "concurrency", "Concurrency: each level is a number from 1 to 500."),
        ({"concurrency": "50,50"}, "concurrency", "Concurrency: enter each level once"),
        ({"concurrency": "²"}, "concurrency", "Concurrency: enter whole numbers separated by commas"),
        ({"concurrency": ""}, "concurrency", "Concurrency: enter a number such as 50"),
        ({"seed": "-1"}, "seed", "Seed: enter 0 or more."),
        ({"seed": "x"}, "seed", "Seed: enter a whole number"),
        ({"seed": "99999999999"}, "seed", "Seed: enter at most 4294967295."),
        ({"scenarios": []}, "scenarios", "Scenarios: choose at least one."),
        (
            {"concurrency": "50,100", "scenarios": ["ml_chaos", "crash_replay"]},
            "concurrency",
            "concurrency: a sweep over 50, 100 needs a scenario that has levels "
            "(credit_storm, approval_race, load_reality); ml_chaos, crash_replay would run once only.",
        ),
        ({"profile": "own"}, "duration_seconds", "Duration: own values need one. Enter seconds from 1 to 7200."),
        ({"profile": "own", "duration_seconds": "7201"}, "duration_seconds", "Duration: enter at most 7200 seconds."),
        ({"duration_seconds": "31"}, "duration_seconds", "Duration: this profile soaks for 30 s."),
    ],
)
def test_a_wrong_value_is_named_in_place_with_what_to_enter(
    browse: Browse, changes: dict[str, Any], field: str, text: str
) -> None:
    """The field and the remedy are named, what was entered stays, and no run is made."""
    response = browse("tester").post(ADDRESS, entered(**changes))

    assert response.status_code == 422
    assert any(message.startswith(text) for message in response.context["form"].errors[field])
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("changes", "opened"),
    [
        ({}, []),
        ({"profile": "full"}, []),
        ({"concurrency": "50, 100"}, ["what-load"]),
        ({"concurrency": "many"}, ["what-load"]),
        ({"seed": "43"}, ["what-load"]),
        ({"retry_injection": None}, ["what-load"]),
        ({"karma_available": "on"}, ["what-load"]),
        ({"scenarios": ["credit_storm"]}, ["which-scenarios"]),
        ({"scenarios": [], "seed": "x"}, ["which-scenarios", "what-load"]),
    ],
)
def test_what_is_rarely_needed_is_folded_away_unless_it_says_something(
    browse: Browse, changes: dict[str, Any], opened: list[str]
) -> None:
    """A value other than the default, or an error, is never hidden."""
    client = browse("tester")
    untouched = client.get(ADDRESS).content.decode()
    sent = client.post(ADDRESS, entered(**changes, forecast="1")).content.decode()

    folds = re.compile(r'<details class="card" id="([a-z-]+)"( open)?>')
    assert folds.findall(untouched) == [("which-scenarios", ""), ("what-load", "")]
    assert [name for name, is_open in folds.findall(sent) if is_open] == opened


def test_a_default_that_is_refused_is_not_folded_away() -> None:
    """What is wrong with a plan as a whole may stand at a field that nobody touched."""
    sent = MultiValueDict({name: value if isinstance(value, list) else [value] for name, value in entered().items()})
    form = RequestRunForm(sent, soak_seconds=1800)
    before = form.is_unusual("seed")

    form.add_error("seed", "not with these scenarios")

    assert (before, form.is_unusual("seed")) == (False, True)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "1,770 s of soak missing"),
        ({}, "E02, E04"),
        ({"retry_injection": None}, "the injection of retries was switched off"),
        ({"anomaly_injection": None}, "the injection of anomalies was switched off"),
        ({"scenarios": ["credit_storm"]}, "scenario approval_race was not part of the run"),
    ],
)
def test_the_forecast_says_first_what_will_have_no_answer(browse: Browse, changes: dict[str, Any], text: str) -> None:
    """What makes the run INCOMPLETE stands beside the form before anyone presses."""
    page = browse("tester").post(ADDRESS, entered(**changes), headers={"HX-Request": "true"}).content.decode()

    assert "It will be INCOMPLETE" in page
    assert text in page
    assert not Run.objects.exists()


def test_the_forecast_says_which_scenarios_a_sweep_repeats(browse: Browse) -> None:
    """The others run once, and nobody has to guess which."""
    values = entered(concurrency="50,100", scenarios=["credit_storm", "ml_chaos"])
    response = browse("tester").post(ADDRESS, values, headers={"HX-Request": "true"})

    sweep = response.context["forecast"].sweep
    assert (sweep.levels, sweep.swept, sweep.once) == ((50, 100), ("credit_storm",), ("ml_chaos",))
    assert "Once only, at 50" in response.content.decode()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"retry_injection": False},
        {"anomaly_injection": False},
        {"scenarios": ["credit_storm", "load_reality"]},
        {"soak_seconds": 1800, "profile": "full"},
        {"soak_seconds": 600, "profile": "own", "retry_injection": False},
    ],
)
def test_the_forecast_names_exactly_the_rules_that_the_judge_leaves_without_an_answer(
    tester: Person, changes: dict[str, Any]
) -> None:
    """What the form promises is what a run with sound measurements gets, rule by rule."""
    run = make_judged_run(person=tester, **changes)

    forecast = forecast_of(plan=plan_of(run), policy=active_policy())

    promised = {rule.code for gap in forecast.gaps for rule in gap.rules}
    unanswered = run.rule_results.filter(verdict="INCONCLUSIVE").exclude(severity="warning")
    assert promised == set(unanswered.values_list("code", flat=True))


def test_a_refusal_is_no_success_and_the_form_keeps_its_values(browse: Browse, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk without room: 422, the figures, and the form as it was sent."""
    monkeypatch.setattr("testruns.actions.requesting.read_disk", lambda: Disk(total=2**40, free=2**30))

    response = browse("tester").post(ADDRESS, entered(seed="4711"))

    page = response.content.decode()
    assert (response.status_code, Run.objects.count()) == (422, 0)
    assert "The run does not fit on the disk" in page
    assert 'value="4711"' in page


def test_the_forecast_of_a_full_run_promises_an_answer_to_every_deciding_rule(browse: Browse) -> None:
    """Nothing is missing from a full run."""
    page = browse("tester").post(ADDRESS, entered(profile="full"), headers={"HX-Request": "true"}).content.decode()

    assert "Every deciding rule can be answered" in page


def test_the_forecast_works_by_button_without_javascript(browse: Browse) -> None:
    """The same form with the second button shows the whole page with the forecast, and requests nothing."""
    response = browse("tester").post(ADDRESS, entered(retry_injection=None, forecast="1"))

    assert response.status_code == 200
    assert "the injection of retries was switched off" in response.content.decode()
    assert not Run.objects.exists()


def test_the_button_for_the_full_run_queues_it_with_the_policys_soak(browse: Browse) -> None:
    """One press: all scenarios, default injections, 1800 s."""
    client = browse("supervisor")

    page = client.get(ADDRESS).content.decode()
    client.post(f"{ADDRESS}full/")

    run = Run.objects.get()
    assert "Queue the full run (31 min)" in page
    assert (run.profile, run.duration_seconds, run.executions.count()) == ("full", 1800, len(SCENARIOS))


def test_a_reviewer_reads_the_form_and_why_it_cannot_be_sent(browse: Browse) -> None:
    """The page is for everyone, the act is not; posting all the same is refused with the reason."""
    client = browse("reviewer")

    page = client.get(ADDRESS).content.decode()
    refused = client.post(ADDRESS, entered()).content.decode()

    assert "This takes one of these roles: engineer, tester, supervisor." in page
    assert "may not do this (run.request)" in refused
    assert not Run.objects.exists()
