"""Charts in a real browser: still without scripts, to be read by keyboard with them, and kept by live updates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from console.kernel.models import Person
from console.tests.browser.rows import make_judged_run, make_running_run, sample_points
from testruns.actions.leases import touch_run
from testruns.models import ScenarioExecution
from testruns.run_states import ExecutionState

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("storage"),
]

OpenPage = Callable[..., Any]


def test_without_scripts_every_chart_is_a_still_picture_and_a_table(open_page: OpenPage, tester: Person) -> None:
    """Nothing is drawn twice, nothing is missing, and another scenario is a link away."""
    run = make_judged_run(person=tester, soak_seconds=1800, profile="full")
    page = open_page(tester, f"/admin/testruns/run/{run.pk}/", has_javascript=False)

    heights = [box.bounding_box()["height"] for box in page.locator("svg.chart").all()]
    page.locator("figure summary").first.click()
    table = page.locator("figure table").first.inner_text()
    page.click(".chooser >> text=Crash and replay")
    page.locator("rect.bar-of").first.wait_for()

    assert [round(height) for height in heights] == [208] * 4
    assert page.locator("canvas").count() == 0
    assert "30\u202fmin" in table
    assert page.locator("rect.bar-of").count() == 5


def test_a_live_update_keeps_the_drawing_with_the_focus_and_the_moment_that_is_read(
    open_page: OpenPage, tester: Person
) -> None:
    """The arrow keys read values from the last moment on; new points come without the page forgetting any of that."""
    run = make_running_run(person=tester)
    active = ScenarioExecution.objects.get(run=run, state=ExecutionState.RUNNING)
    page = open_page(tester, f"/admin/testruns/run/{run.pk}/")
    latency = f"#chart-latency-{active.pk}-plot"
    page.focus(latency)
    page.evaluate(f"document.querySelector('{latency} .uplot').dataset.known = 'yes'")
    page.evaluate("window.scrollTo(0, 500)")

    page.keyboard.press("ArrowLeft")
    page.wait_for_selector(f"{latency}[aria-valuenow='9']")
    said = page.get_attribute(latency, "aria-valuetext")
    ScenarioExecution.objects.filter(pk=active.pk).update(samples=sample_points(30, every_ms=1000))
    touch_run(run_id=run.pk)
    page.wait_for_selector(f"{latency}[aria-valuemax='30']")
    kept = page.evaluate(
        f"[document.activeElement.id, document.querySelector('{latency} .uplot').dataset.known, window.scrollY]"
    )

    assert said.startswith("9\u202fs: 50 % within ")
    assert kept == [latency.removeprefix("#"), "yes", 500]
    assert page.locator(".uplot").count() == page.locator("[data-chart]").count()
    assert page.locator("svg.chart:visible").count() == 0
    assert page.problems == []


def test_a_drawing_follows_the_theme(open_page: OpenPage, tester: Person) -> None:
    """The lines are of the same colour as their legend, in the light and in the dark."""
    run = make_judged_run(person=tester, soak_seconds=1800, profile="full")
    page = open_page(tester, f"/admin/testruns/run/{run.pk}/", theme="light")
    picture = "document.querySelector('canvas').toDataURL()"
    in_the_light = page.evaluate(picture)

    page.click("[data-theme-toggle]")  # light
    page.click("[data-theme-toggle]")  # dark

    assert page.evaluate(picture) != in_the_light
    assert page.problems == []
