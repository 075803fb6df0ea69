"""Long pages on a phone and on paper: what needs reading first, the rest one press away, and nothing lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from console.kernel.models import Person
from console.tests.browser.printed import pages_of
from console.tests.browser.rows import make_judged_run, make_run
from testruns.models import Run

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("storage"),
]

OpenPage = Callable[..., Any]


@pytest.fixture
def run(tester: Person) -> Run:
    """A judged run with one failed rule."""
    return make_judged_run(person=tester, faults={"credit_storm": {"double_charges": "3"}})


def height_of(page: Any) -> int:
    """The height of the whole page in pixels."""
    return int(page.evaluate("document.documentElement.scrollHeight"))


@pytest.mark.parametrize("has_javascript", [True, False])
def test_passed_rules_and_evidence_are_one_press_away_and_the_failed_ones_are_not(
    open_page: OpenPage, tester: Person, run: Run, has_javascript: bool
) -> None:
    """The page of a run on a phone is less than half as long, without JavaScript too."""
    page = open_page(tester, f"/admin/testruns/run/{run.pk}/", width=390, has_javascript=has_javascript)
    failed, passed = page.locator("#rule-A01"), page.locator("#rule-A02")
    seen = (failed.is_visible(), passed.is_visible())
    closed = height_of(page)

    page.click("#passed-rules > summary")
    page.click("#all-evidence > summary")

    assert seen == (True, False)
    assert passed.is_visible()
    assert closed * 2 < height_of(page)


@pytest.mark.parametrize("has_javascript", [True, False])
def test_a_printed_page_holds_every_rule_and_all_evidence(
    open_page: OpenPage, tester: Person, run: Run, has_javascript: bool
) -> None:
    """Paper has no disclosures to press."""
    page = open_page(tester, f"/admin/testruns/run/{run.pk}/", has_javascript=has_javascript)
    on_screen = height_of(page)

    page.emulate_media(media="print")

    assert page.locator("#rule-A02").bounding_box()["height"] > 10
    assert page.locator("#all-evidence table").bounding_box()["height"] > 100
    assert height_of(page) > on_screen


@pytest.mark.parametrize(("language", "title"), [("en", "Live system test report"), ("de", "Live-Systemtest-Bericht")])
def test_the_printed_report_is_a_document_of_a4_pages_each_with_its_number_and_the_digest(
    open_page: OpenPage, tester: Person, run: Run, language: str, title: str
) -> None:
    """A single page that was taken out of it says of what it is a part."""
    page = open_page(tester, f"/admin/testruns/run/{run.pk}/print/?language={language}")

    pages = pages_of(page.pdf(prefer_css_page_size=True))

    assert len(pages) > 3
    assert {(one.width, one.height) for one in pages} == {(595, 842)}  # A4 in points
    assert all(run.manifest_digest in one.text for one in pages)
    assert all(one.text.startswith(f"{number} / {len(pages)} ") for number, one in enumerate(pages, start=1))
    assert title in pages[0].text
    assert "English" not in pages[0].text  # the bar above the document is not printed


def test_a_link_to_a_passed_rule_opens_what_it_lies_in(open_page: OpenPage, tester: Person, run: Run) -> None:
    """An address somebody sent shows what it names."""
    page = open_page(tester, f"/admin/testruns/run/{run.pk}/#rule-A02", width=390)
    page.wait_for_selector("#rule-A02", state="visible")

    assert page.evaluate("document.getElementById('passed-rules').open")
    assert page.problems == []


def test_the_audit_list_on_a_phone_shows_every_cell_with_its_heading(
    open_page: OpenPage, tester: Person, run: Run
) -> None:
    """Rows stand as cards; nothing lies outside of the screen."""
    page = open_page(tester, "/admin/kernel/auditentry/", width=390)

    table = page.evaluate(
        """() => {
            const cells = [...document.querySelectorAll("table.cards tbody tr:first-child > *")];
            return {
                labels: cells.map((cell) => cell.dataset.label),
                widest: Math.max(...cells.map((cell) => cell.getBoundingClientRect().right)),
                over: document.documentElement.scrollWidth - document.documentElement.clientWidth,
            };
        }"""
    )

    assert all(table["labels"])
    assert len(set(table["labels"])) == len(table["labels"])
    assert table["widest"] <= 390
    assert table["over"] <= 0


@pytest.mark.parametrize(
    ("language", "timezone", "shown"),
    [
        ("en", "UTC", "21 Nov 2026, 03:04 UTC"),
        ("en", "Asia/Tokyo", "21 Nov 2026, 12:04 GMT+9"),
        ("de", "Europe/Berlin", "21. Nov. 2026, 04:04 MEZ"),
    ],
)
def test_times_are_those_of_the_readers_zone_and_utc_stays_beside(
    open_page: OpenPage, tester: Person, language: str, timezone: str, shown: str
) -> None:
    """With the name of the zone, so that nobody has to guess."""
    run = make_run(person=tester, requested_at=datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC))
    page = open_page(tester, f"/admin/testruns/run/{run.pk}/", language=language, timezone=timezone)

    time = page.locator("time[data-moment]").first

    assert time.inner_text() == shown
    assert time.get_attribute("title") == "2026-11-21 03:04:05 UTC"
    assert page.problems == []
