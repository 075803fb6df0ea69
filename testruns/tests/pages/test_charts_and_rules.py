"""The page of a run: whose charts it shows, and the rules as they were asked for in the address."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from console.kernel.models import Person
from console.tests.browser.rows import make_judged_run, make_run, make_running_run
from testruns.models import Run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]

LIST = "/admin/testruns/run/"
FAULTS = {"credit_storm": {"double_charges": "3"}, "load_reality": {"p95_us": "620000"}}
Browse = Callable[[str], Client]


@pytest.fixture
def run(tester: Person) -> Run:
    """A judged run with a failed rule of gate A and one of gate E."""
    return make_judged_run(person=tester, faults=FAULTS)


def page_of(client: Client, run: Run, query: str = "") -> str:
    """The page as it is sent."""
    return client.get(f"{LIST}{run.pk}/{query}").content.decode()


def codes_of(page: str) -> list[str]:
    """The rules of the table, from top to bottom."""
    return re.findall(r'<tr id="rule-([A-Z]\d\d)"', page)


def current_of(page: str) -> str:
    """The scenario whose charts are shown."""
    found = re.search(r'<a href="[^"]*" aria-current="true">([^<]*)</a>', page)
    assert found is not None
    return found[1]


def test_a_judged_run_shows_the_charts_of_its_soak_with_their_values_for_the_script(browse: Browse, run: Run) -> None:
    """Four still pictures, each with a name, a summary and a table."""
    page = page_of(browse("auditor"), run)

    assert current_of(page) == "Load as in reality"
    assert page.count('role="img"') == page.count("As a table") == 4
    assert page.count('type="application/json"') == 4
    assert "limit of E03: 500 ms" in page


def test_the_charts_of_another_scenario_are_an_address_away(browse: Browse, run: Run) -> None:
    """And the recoveries of crash_replay are among them, one bar for each kill."""
    crash = run.executions.get(scenario="crash_replay")

    page = page_of(browse("auditor"), run, f"?charts={crash.pk}")

    assert current_of(page) == "Crash and replay"
    assert page.count('class="bar-of"') == 5


def test_charts_of_something_that_is_not_of_this_run_are_those_of_its_soak(browse: Browse, run: Run) -> None:
    """An old or invented address still shows a page."""
    client = browse("auditor")

    for charts in ("999999", "x", "-1", "1" * 40, "²"):
        assert current_of(page_of(client, run, f"?charts={charts}")) == "Load as in reality"


def test_a_running_run_shows_the_charts_of_what_runs_and_asks_again_for_the_same(
    browse: Browse, tester: Person
) -> None:
    """Until somebody chooses another scenario, the page follows; the choice is part of the live address."""
    run = make_running_run(person=tester)
    first = run.executions.order_by("position")[0]
    client = browse("auditor")

    followed, chosen = page_of(client, run), page_of(client, run, f"?charts={first.pk}")

    assert current_of(followed) == "Synergy against gaming"
    assert current_of(chosen) == "Credit storm"
    assert f"live/?charts={first.pk}&amp;token=" in chosen


def test_an_update_never_brings_the_choice_of_another_reader(browse: Browse, tester: Person) -> None:
    """Copies are shared between readers of the same roles, but only where they look at the same."""
    run = make_running_run(person=tester)
    first = run.executions.order_by("position")[0]
    address, client, update = f"{LIST}{run.pk}/live/", browse("auditor"), {"HX-Request": "true"}

    pages = [
        client.get(f"{address}?token=0{choice}", headers=update).content.decode()
        for choice in ("", f"&charts={first.pk}", "")
    ]

    assert [current_of(page) for page in pages] == ["Synergy against gaming", "Credit storm", "Synergy against gaming"]


def test_a_run_that_has_not_begun_has_no_charts(browse: Browse, tester: Person) -> None:
    """Nor a word about them."""
    assert 'id="charts"' not in page_of(browse("auditor"), make_run(person=tester))


def test_the_rules_are_narrowed_and_ordered_by_the_address(browse: Browse, run: Run) -> None:
    """On the server, so that a link says exactly this to everybody."""
    client = browse("auditor")

    asked = {
        "?verdict=FAIL": ["A01", "E03"],
        "?verdict=FAIL&gate=E": ["E03"],
        "?gate=C&order=code": ["C01", "C02", "C03", "C04"],
        "?verdict=FAIL&severity=major": ["E03"],
    }

    assert {query: codes_of(page_of(client, run, query)) for query in asked} == asked


def test_the_smallest_margin_comes_first_and_what_was_not_measured_last(browse: Browse, run: Run) -> None:
    """A short soak measures no trend of memory."""
    codes = codes_of(page_of(browse("auditor"), run, "?order=margin"))

    assert codes[0] == "A01"
    assert codes[-1] == "E04"
    assert len(codes) == run.rule_results.count()


def test_without_a_choice_what_fails_comes_first_and_what_passed_is_folded_away(browse: Browse, run: Run) -> None:
    """As before anybody chose."""
    page = page_of(browse("auditor"), run)

    assert codes_of(page)[:2] == ["A01", "E03"]
    assert 'id="passed-rules"' in page
    assert 'id="passed-rules"' not in page_of(browse("auditor"), run, "?order=code")


def test_a_filter_nobody_knows_is_named_and_all_rules_are_shown(browse: Browse, run: Run) -> None:
    """Nobody takes a full table for a filtered one; what was asked for cannot bring markup along."""
    page = page_of(browse("auditor"), run, "?verdict=%3Cb%3E&order=colour")

    assert "“&lt;b&gt;” is not a choice of this filter; all is shown." in page
    assert "“colour” is not a choice of this filter; all is shown." in page
    assert len(codes_of(page)) == run.rule_results.count()


def test_a_narrowed_table_that_is_empty_says_so_and_how_to_see_all(browse: Browse, run: Run) -> None:
    """An empty table would look like a run without rules."""
    page = page_of(browse("auditor"), run, "?verdict=ERROR")

    assert "No rule matches" in page
    assert f'href="{LIST}{run.pk}/#rules">Show all' in page


def test_charts_and_filters_take_the_same_queries_whatever_is_chosen(browse: Browse, run: Run) -> None:
    """Half an hour of samples is one row read once."""
    client = browse("auditor")
    crash = run.executions.get(scenario="crash_replay")
    page_of(client, run)

    def queries(query: str) -> int:
        cache.clear()
        with CaptureQueriesContext(connection) as captured:
            page_of(client, run, query)
        return len(captured)

    assert queries("") == queries(f"?charts={crash.pk}") == queries("?gate=E&order=margin&verdict=FAIL")
