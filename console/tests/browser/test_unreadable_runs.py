"""A run of which a row is not what was written: every other run is shown, and it is said what can be done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import formats

from console.kernel.models import Person
from console.tests.browser.rows import COMMIT, make_judged_run, make_running_run
from console.tests.damaging import damage

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]

Browse = Callable[[str], Client]
LISTS = ("/admin/", "/admin/home/runs/", "/admin/testruns/run/", "/admin/releases/", "/admin/releases/builds/")
PLACES = (*LISTS, f"/admin/releases/build/{COMMIT}/", "/admin/releases/phase/6a/")


@pytest.fixture(autouse=True)
def no_page_is_kept() -> None:
    """What was rendered for another test is made anew."""
    cache.clear()


@pytest.mark.parametrize(
    ("is_named", "damages"),
    [
        (True, [("run", "sentence_params", "{")]),
        (True, [("ruleresult", "margin", "x"), ("run", "sentence_params", "[]")]),
        (
            False,
            [
                *(("run", name, "{") for name in ("scenarios", "environment", "missing")),
                *(("run", name, "GONE") for name in ("state", "recommendation", "requested_at")),
                ("gateresult", "verdict", "GONE"),
                ("scenarioexecution", "samples", "{"),
            ],
        ),
    ],
)
def test_one_damaged_run_takes_no_list_of_runs_with_it(
    browse: Browse, tester: Person, is_named: bool, damages: list[tuple[str, str, str]]
) -> None:
    """Home, lists, its build and its phase are there, with the run that is sound; home names what it cannot show."""
    sound, damaged = (make_judged_run(person=tester) for _ in range(2))
    for table, column, value in damages:
        damage(table, column, value, run=damaged)
    client = browse("tester")

    answers = {place: client.get(place) for place in PLACES}

    assert {place: answer.status_code for place, answer in answers.items()} == dict.fromkeys(PLACES, 200)
    assert f'href="/admin/testruns/run/{sound.pk}/"' in answers["/admin/"].content.decode()
    blocks = f"What is stored about run #{damaged.pk} cannot be read"
    assert (blocks in answers["/admin/"].content.decode()) is not is_named
    assert (f"Run {damaged.pk}: what now" in answers["/admin/"].content.decode()) is is_named


@pytest.mark.parametrize(("column", "value"), [("samples", '{"a": 1}'), ("samples", "{"), ("state", "GONE")])
def test_a_run_in_progress_that_cannot_be_read_is_named_beside_the_others(
    browse: Browse, tester: Person, column: str, value: str
) -> None:
    """What the other one does stands there."""
    damaged, sound = make_running_run(person=tester), make_running_run(person=tester)
    damage("scenarioexecution", column, value, run=damaged)

    page = browse("tester").get("/admin/").content.decode()

    assert page.count("now 95 % within") == 1
    assert f'href="/admin/testruns/run/{sound.pk}/"' in page
    assert (f"Run {damaged.pk}: what now" in page) is (column == "samples")


def test_the_pages_of_a_damaged_run_say_what_can_be_done(browse: Browse, tester: Person) -> None:
    """As a fault of the server, with the manifest, which is a text of its own."""
    run = make_judged_run(person=tester)
    damage("run", "sentence_params", "{", run=run)

    client, place = browse("tester"), f"/admin/testruns/run/{run.pk}/"

    for page in ("", "live/", "print/", "report.html", "report.md"):
        answer: Any = client.get(place + page)
        said = answer.content.decode()
        assert answer.status_code == 500
        assert f"Run {run.pk} cannot be shown" in said
        assert "manage.py verify_audit" in said
        assert f"{place}manifest.json" in said
    assert client.get(f"{place}manifest.json").status_code == 200


def test_a_comparison_with_a_damaged_run_says_so(browse: Browse, tester: Person) -> None:
    """Two runs, of which one cannot be held beside the other."""
    first, second = (make_judged_run(person=tester) for _ in range(2))
    damage("ruleresult", "verdict", "GONE", run=second)

    answer: Any = browse("tester").get(f"/admin/testruns/run/compare/?a={first.pk}&b={second.pk}")

    assert answer.status_code == 500
    assert f"Run {second.pk} cannot be shown" in answer.content.decode()


@pytest.mark.parametrize("place", ["{}/", "compare/?a={}&b={}"])
def test_a_fault_of_ours_is_not_blamed_on_a_run(
    browse: Browse, tester: Person, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """What was judged is as it was; no number can be written."""
    run = make_judged_run(person=tester)

    def fail(*_: Any, **__: Any) -> None:
        raise ValueError("not the run")

    monkeypatch.setattr(formats, "number_format", fail)

    with pytest.raises(ValueError, match="not the run"):
        browse("tester").get(f"/admin/testruns/run/{place.format(run.pk, run.pk)}")


def test_a_run_that_is_not_frozen_is_held_against_nothing(browse: Browse, tester: Person) -> None:
    """It changes all the time: that it cannot be shown is a fault like every other."""
    run = make_running_run(person=tester)
    damage("scenarioexecution", "samples", "{", run=run)

    with pytest.raises(ValueError, match="unexpected end of data"):
        browse("tester").get(f"/admin/testruns/run/{run.pk}/")


def test_sound_runs_are_not_named_as_damaged(browse: Browse, tester: Person) -> None:
    """On the first page of an installation where nothing is wrong."""
    make_judged_run(person=tester)
    make_running_run(person=tester)

    assert "what now" not in browse("tester").get("/admin/").content.decode()
