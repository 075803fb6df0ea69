"""The journal's screens and the pages of what is in the way, in a real browser: both widths, themes and languages."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from console.kernel.models import Person
from console.maintenance import close_console
from console.models import LiveVerification
from console.tests.browser.looks import defects_of, in_every_language
from console.tests.waiting import PATIENT_SECONDS, until
from ledger import Ledger
from ledger.tests.verifying.conftest import verify_here
from ledger.verifying.standing import Progress
from ledger.verifying.starting import place_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OpenPage = Callable[..., Any]
JOURNAL = "/admin/journal/"


def defects_at(page: Any, address: str, *, language: str, name: str) -> list[str]:
    """What is wrong with another page in the same window. Browsers log every answer that is no success."""
    page.problems.clear()
    page.goto(address)
    page.problems[:] = [one for one in page.problems if "Failed to load resource" not in one]
    return defects_of(page, language=language, name=name)


@in_every_language
def test_every_screen_of_the_journal_is_sound_in_every_look(
    open_page: OpenPage, tester: Person, ledger_with_events: Ledger, storage: Path, language: str
) -> None:
    """Streams, found and none; a balance; a verification that runs, broke off, is done, and found something."""
    journal = storage / "events" / "credits"
    place = place_of(journal)
    page = open_page(tester, f"{JOURNAL}streams/", language=language)
    url = page.url.removesuffix(f"{JOURNAL}streams/")
    found = defects_of(page, language=language, name="streams")
    for name, address in {"balance": "account/?name=a-1", "not-verified": "verification/"}.items():
        found += defects_at(page, url + JOURNAL + address, language=language, name=name)
    held = place.begin(at=timezone.now().isoformat(), by="Ada", records_for=None)
    assert held is not None
    place.tell(Progress(step=2, done_bytes=1, total_bytes=3))
    found += defects_at(page, f"{url}{JOURNAL}verification/", language=language, name="verifying")
    os.close(held)
    found += defects_at(page, f"{url}{JOURNAL}verification/", language=language, name="broke-off")
    verify_here(journal)
    found += defects_at(page, f"{url}{JOURNAL}verification/", language=language, name="verified")
    segment = next((journal / "segments").glob("*.jsonl"))
    segment.write_bytes(segment.read_bytes().replace(b'"amount_micros":1500000', b'"amount_micros":1500001', 1))
    verify_here(journal)
    found += defects_at(page, f"{url}{JOURNAL}verification/", language=language, name="faults")

    assert found == []


@in_every_language
def test_every_page_of_what_is_in_the_way_is_sound_in_every_look(
    open_page: OpenPage, tester: Person, storage: Path, language: str
) -> None:
    """No such page, an address of a button, a form without its secret, and a closed console."""
    page = open_page(tester, "/admin/nowhere/", language=language)
    url = page.url.removesuffix("/admin/nowhere/")
    found = defects_at(page, f"{url}/admin/nowhere/", language=language, name="404")
    found += defects_at(page, f"{url}/admin/releases/phase/5a/verify-journal/", language=language, name="405")
    page.goto(f"{url}/admin/journal/verification/")
    page.context.clear_cookies(name="gatehouse_csrf")
    page.problems.clear()
    page.click("main .acts button")
    page.wait_for_selector("main.alone")
    page.problems.clear()
    found += defects_of(page, language=language, name="csrf")
    close_console(reason="The disk is being replaced.", now=timezone.now(), until=timezone.now())
    found += defects_at(page, f"{url}/admin/", language=language, name="503")

    assert found == []


@pytest.mark.parametrize("has_javascript", [True, False])
def test_a_verification_is_followed_from_the_press_to_its_outcome(
    open_page: OpenPage,
    tester: Person,
    ledger_with_events: Ledger,
    monkeypatch: pytest.MonkeyPatch,
    has_javascript: bool,
) -> None:
    """By itself, or by pressing Refresh; what was found is on record."""
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "console.settings")
    page = open_page(tester, f"{JOURNAL}verification/", has_javascript=has_javascript)

    page.click("main .acts button")
    page.wait_for_selector("progress, .banner")
    if not has_javascript:
        until(LiveVerification.objects.exists, seconds=PATIENT_SECONDS)
    while not has_javascript and page.locator("progress").count():
        with page.expect_navigation():  # a page that is still arriving has no progress yet
            page.click("text=Refresh")
    page.wait_for_selector("text=The journal is sound: every invariant holds")

    assert "It is on record for releases" in page.inner_text("#verification")
    assert LiveVerification.objects.get().person == tester
    assert page.problems == []


def test_a_balance_is_read_with_the_arrow_keys_in_the_readers_zone(
    open_page: OpenPage, tester: Person, ledger_with_events: Ledger
) -> None:
    """The moment on the calendar and the amount in full, as in the table."""
    page = open_page(tester, f"{JOURNAL}account/?name=a-1", timezone="Asia/Tokyo")
    page.wait_for_selector(".plot.is-drawn canvas")

    page.focus(".plot")
    page.keyboard.press("End")

    at = page.inner_text("[data-at]")
    assert page.inner_text("[data-line='0']").strip() == f"{ledger_with_events.balance('a-1') / 1_000_000:g}"
    assert at.endswith("GMT+9")
    assert page.get_attribute(".plot", "aria-valuetext").startswith(at)
    assert page.problems == []


def test_without_javascript_the_balance_is_a_still_picture_with_a_table(
    open_page: OpenPage, tester: Person, ledger_with_events: Ledger
) -> None:
    """Nothing is lost but the cursor."""
    page = open_page(tester, f"{JOURNAL}account/?name=a-1", width=390, has_javascript=False)
    page.click("#chart-balance-table > summary")

    assert page.locator("#chart-balance-still path.line").count() == 1
    assert page.locator("#chart-balance-table tbody tr").count() > 5
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
