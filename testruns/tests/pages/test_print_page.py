"""The report as a page to print: in the language asked for, under the strict content policy, with its digest."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from console.kernel.models import Person
from console.tests.browser.rows import make_judged_run, make_run
from testruns import reports
from testruns.models import Run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]

Browse = Callable[[str], Client]


@pytest.fixture
def run(tester: Person) -> Run:
    """A judged run."""
    return make_judged_run(person=tester)


def page_of(client: Client, run: Run, query: str = "") -> str:
    """The page to print."""
    return client.get(f"/admin/testruns/run/{run.pk}/print/{query}").content.decode()


def test_the_page_says_what_the_file_says_without_a_style_of_its_own(browse: Browse, run: Run) -> None:
    """Same sections, but everything that styles or runs comes from this console."""
    page = page_of(browse("auditor"), run)
    file = reports.render(run=run, kind="html").decode()

    assert page[page.index("<h2 id=") : page.index("</main>")].count("<section") == file.count("<section") - 1
    assert "<style" not in page
    assert " style=" not in page


def test_the_digest_stands_at_the_foot_of_every_page_of_page_and_file(browse: Browse, run: Run) -> None:
    """So that a single sheet still says what it is of."""
    style = browse("auditor").get(f"/admin/testruns/run/{run.pk}/print.css")
    footer = f'@bottom-left {{ content: "Run {run.pk}, run manifest SHA-256 {run.manifest_digest}"'

    assert style.headers["Content-Type"] == "text/css; charset=utf-8"
    assert footer in style.content.decode()
    assert footer in reports.render(run=run, kind="html").decode()


def test_both_languages_are_one_press_apart_whoever_reads(browse: Browse, run: Run) -> None:
    """An English console prints a German report."""
    client = browse("auditor")

    german = page_of(client, run, "?language=de")

    assert '<html lang="de">' in german
    assert "Systemtest" in german
    assert '<html lang="en">' in page_of(client, run)
    assert '<html lang="en">' in page_of(client, run, "?language=xx")


def test_a_provisional_run_says_so_on_every_page(browse: Browse, tester: Person) -> None:
    """It has no manifest that could be named."""
    run = make_judged_run(person=tester, crashed=("credit_storm",))
    run.manifest_digest = ""

    assert reports.footer_of(run) == f"Run {run.pk}, provisional, without a manifest"


def test_an_unjudged_run_has_nothing_to_print(browse: Browse, tester: Person) -> None:
    """Neither page nor style sheet."""
    run = make_run(person=tester)
    client = browse("auditor")

    assert [client.get(f"/admin/testruns/run/{run.pk}/{name}").status_code for name in ("print/", "print.css")] == [
        404,
        404,
    ]
