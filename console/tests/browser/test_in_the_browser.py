"""The screens in a real Chromium: every page in pairwise looks, live progress, forms, and all without JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from console.kernel.acts import Actor
from console.kernel.models import Person
from console.tests.browser.conftest import PASSWORD
from console.tests.browser.looks import defects_of, in_every_language
from console.tests.browser.rows import finish_run, make_judged_run, make_run, make_running_run
from console.tests.notifications.conftest import notification_for
from ledger import Ledger
from testruns.actions.leases import touch_run
from testruns.models import Run, ScenarioExecution
from testruns.run_states import ExecutionState, RunState
from testruns.tests.imports.bringing import brought
from testruns.tests.imports.reports import NEVER_RAN

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("storage"),
]

FULL_PAGES = (
    "/admin/",
    "/admin/testruns/run/",
    "/admin/testruns/run/?state=QUEUED",
    "/admin/testruns/run/?q=nobody",
    "/admin/testruns/run/request/",
    "/admin/testruns/run/import/",
    "/admin/testruns/gatepolicy/",
    "/admin/testruns/gatepolicy/1/change/",
    "/admin/kernel/auditentry/",
    "/admin/kernel/auditentry/1/change/",
    "/admin/journal/",
    "/admin/journal/?stream=agent:a-1&since=yesterday",
    "/admin/journal/event/5/",
    "/admin/journal/accounts/",
    "/admin/own/notifications/",
    "/admin/own/notifications/choice/",
    "/admin/password_change/",
    "/admin/no-such-page/",
)
OpenPage = Callable[..., Any]


def name_of(address: str) -> str:
    """A file name for an address."""
    return address.removeprefix("/admin/").strip("/").replace("/", "-").split("?")[0] or "home"


def press(page: Any, selector: str) -> None:
    """Click what leads to another page, and wait for it: until then the old one would answer every question."""
    with page.expect_navigation():
        page.click(selector)


@in_every_language
def test_every_page_is_sound_in_every_pair_of_width_theme_and_language(
    open_page: OpenPage, tester: Person, ledger_with_events: Ledger, language: str
) -> None:
    """No console message, no violation of the content policy, no sideways scroll, no finding of axe."""
    runs = [
        make_judged_run(person=tester, faults={"credit_storm": {"double_charges": "3"}}),
        make_judged_run(person=tester, soak_seconds=1800, profile="full"),
        make_judged_run(person=tester, crashed=("credit_storm",)),
        make_running_run(person=tester),
        make_run(person=tester),
        brought(Actor(person=tester, via="console"), junit=NEVER_RAN),
    ]
    for changes in ({"deadline_at": timezone.now() + timedelta(days=2)}, {"read_at": timezone.now()}):
        notification_for(tester, **changes)
    addresses = (
        *FULL_PAGES,
        *(f"/admin/testruns/run/{run.pk}/" for run in runs),
        f"/admin/testruns/run/{runs[0].pk}/?gate=A&order=margin",
        f"/admin/testruns/run/{runs[1].pk}/print/",
        f"/admin/testruns/run/compare/?a={runs[0].pk}&b={runs[1].pk}",
    )
    page = open_page(tester, "/admin/", language=language)

    defects = []
    for address in addresses:
        page.problems.clear()
        page.goto(page.url.split("/admin/")[0] + address)
        defects += defects_of(page, language=language, name=name_of(address))

    assert not defects, "\n".join(defects)


@in_every_language
def test_the_sign_in_page_is_sound_and_names_what_was_wrong(open_page: OpenPage, tester: Person, language: str) -> None:
    """A wrong password is said in words beside the form, which is as sound as before."""
    page = open_page(None, "/admin/login/", language=language)
    before = defects_of(page, language=language, name="login")

    page.fill("#id_username", "tester")
    page.fill("#id_password", "wrong")
    page.click("#login-form button")
    page.wait_for_selector("[role=alert]")

    assert before == []
    assert defects_of(page, language=language, name="login-wrong") == []


@in_every_language
def test_a_form_with_errors_and_a_page_with_a_message_are_sound_too(
    open_page: OpenPage, tester: Person, language: str
) -> None:
    """What appears only after an act is held to the same rules."""
    page = open_page(tester, "/admin/testruns/run/request/", language=language)
    page.click("#what-load > summary")
    page.fill("#id_concurrency", "many")
    page.press("#id_seed", "Enter")
    page.wait_for_selector("[role=alert]")
    page.problems.clear()  # the 422 itself is noted by the browser
    of_errors = defects_of(page, language=language, name="request-errors")

    page.fill("#id_concurrency", "50")
    page.press("#id_seed", "Enter")
    page.wait_for_selector("[role=status]")

    assert of_errors == []
    assert defects_of(page, language=language, name="requested") == []


def test_a_tester_signs_in_requests_a_run_and_sees_it_waiting(open_page: OpenPage, tester: Person) -> None:
    """From the sign-in page to the page of the queued run, by mouse and keyboard alone."""
    page = open_page(None, "/admin/login/")
    page.fill("#id_username", "tester")
    page.fill("#id_password", PASSWORD)
    page.press("#id_password", "Enter")
    page.click("text=Request a run")
    page.press("#what-load > summary", "Enter")
    page.fill("#id_concurrency", "100")
    page.fill("#id_seed", "7")
    page.click("text=Request this run")
    page.wait_for_selector("text=is queued.")

    run = Run.objects.get()
    assert (run.concurrency, run.seed, run.requested_by_id) == ([100], 7, tester.pk)
    assert page.inner_text("h1").startswith(f"Run {run.pk}")
    assert page.problems == []


def test_the_forecast_follows_the_form_without_a_reload(open_page: OpenPage, tester: Person) -> None:
    """Switching an injection off says what it costs before anything is requested."""
    page = open_page(tester, "/admin/testruns/run/request/")

    page.click("#what-load > summary")
    page.click("#id_retry_injection")
    page.wait_for_selector("#forecast >> text=the injection of retries was switched off")

    assert not Run.objects.exists()
    assert page.problems == []


def test_progress_is_shown_live_from_running_to_judged_without_losing_the_place(
    open_page: OpenPage, tester: Person
) -> None:
    """The page follows the rows every two seconds, keeps scroll, focus and opened help, and stops when all is done."""
    run = make_running_run(person=tester)
    active = ScenarioExecution.objects.get(run=run, state=ExecutionState.RUNNING)
    page = open_page(tester, f"/admin/testruns/run/{run.pk}/", width=390)
    page.click(f"#scenario-{active.pk} summary")
    page.focus("#act-stop")
    page.evaluate("window.scrollTo(0, 300)")

    ScenarioExecution.objects.filter(pk=active.pk).update(progress_ppm=730_000, progress_text="nearly there")
    touch_run(run_id=run.pk)
    page.wait_for_selector("text=nearly there")
    kept = page.evaluate("[window.scrollY, document.activeElement.id]")
    is_open = page.evaluate(f"document.getElementById('scenario-{active.pk}').open")
    finish_run(run)
    page.wait_for_selector("text=Recommendation: INCOMPLETE")
    asks_again = page.evaluate("document.getElementById('run').hasAttribute('hx-get')")

    assert kept == [300, "act-stop"]
    assert is_open
    assert not asks_again
    assert page.problems == []


def test_a_server_that_does_not_answer_is_said_and_the_note_goes_away(open_page: OpenPage, tester: Person) -> None:
    """Live updates never fail in silence."""
    run = make_running_run(person=tester)
    page = open_page(tester, f"/admin/testruns/run/{run.pk}/")

    page.route("**/live/**", lambda route: route.abort())
    page.wait_for_selector("#live-note:not([hidden])")
    page.unroute("**/live/**")
    page.wait_for_selector("#live-note", state="hidden")

    assert page.locator("#live-note").is_hidden()


@pytest.mark.parametrize("is_secure", [True, False])
def test_a_digest_is_copied_whole_and_that_is_said(open_page: OpenPage, tester: Person, is_secure: bool) -> None:
    """Where the browser offers no clipboard (a plain address in the house) a selection is copied instead."""
    run = make_run(person=tester)
    page = open_page(tester, f"/admin/testruns/run/{run.pk}/")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    if not is_secure:
        page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('refused')); }")

    page.click(f"[data-copy='{run.build.commit}'] >> nth=0")
    page.wait_for_selector("#announced >> text=Copied", state="attached")

    assert page.inner_text("#announced") == "Copied"
    assert page.evaluate("navigator.clipboard.readText()") == run.build.commit
    assert page.problems == []


def test_cancelling_in_the_browser_cancels_the_run(open_page: OpenPage, tester: Person) -> None:
    """One press, one message, one state."""
    run = make_run(person=tester)
    page = open_page(tester, f"/admin/testruns/run/{run.pk}/")

    page.click("#act-stop")
    page.wait_for_selector("text=This run was cancelled")

    assert Run.objects.get(pk=run.pk).state == RunState.CANCELLED
    assert page.problems == []


def test_everything_works_without_javascript(open_page: OpenPage, tester: Person) -> None:
    """Sign-in by cookie, forecast by button, request, refresh by link, cancel: all plain links and forms."""
    page = open_page(tester, "/admin/testruns/run/request/", has_javascript=False)
    page.click("#what-load > summary")
    page.uncheck("#id_retry_injection")
    press(page, "text=Work out the forecast")
    forecast = page.inner_text("#forecast")
    press(page, "text=Request this run")
    run = Run.objects.get()
    ScenarioExecution.objects.filter(run=run).update(progress_ppm=500_000)
    touch_run(run_id=run.pk)
    press(page, "text=Refresh")
    progress = page.get_attribute("#run-progress", "value")
    press(page, "#act-stop")

    assert "the injection of retries was switched off" in forecast
    assert (run.retry_injection, progress) == (False, "500000")
    assert Run.objects.get(pk=run.pk).state == RunState.CANCELLED
    assert "This run was cancelled" in page.inner_text("main")


def test_the_theme_button_changes_the_theme_and_the_choice_stays(open_page: OpenPage, tester: Person) -> None:
    """Auto, light, dark; the next page opens in the chosen one."""
    page = open_page(tester, "/admin/", theme="light")

    page.click("[data-theme-toggle]")
    page.click("[data-theme-toggle]")
    page.goto(page.url)

    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(14, 19, 26)"


def test_the_language_switch_in_the_header_turns_the_page_german(open_page: OpenPage, tester: Person) -> None:
    """One press, the same page, the other language."""
    page = open_page(tester, "/admin/testruns/run/")

    page.click("text=Auf Deutsch umschalten")
    page.wait_for_selector("h1 >> text=Läufe")

    assert page.url.endswith("/admin/testruns/run/")
    assert page.get_attribute("html", "lang") == "de"


def test_the_first_tab_stop_skips_to_the_content(open_page: OpenPage, tester: Person) -> None:
    """A keyboard reaches the content with one key and Enter."""
    page = open_page(tester, "/admin/")

    page.keyboard.press("Tab")
    label = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")

    assert label == "Skip to the content"
    assert page.evaluate("document.activeElement.id") == "content"
