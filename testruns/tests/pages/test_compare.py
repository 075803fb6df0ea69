"""Two runs beside each other: what changed, and what makes the comparison say less than it seems to."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from console.kernel.models import Person
from console.tests.browser.rows import make_judged_run, make_run, make_running_run
from testruns.admin.comparison import Comparison, compare
from testruns.models import Build, Run
from testruns.reading import read_run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]

PAGE = "/admin/testruns/run/compare/"
SLOW = {"load_reality": {"p95_us": "620000"}}
Browse = Callable[[str], Client]


def compared(first: Run, second: Run) -> Comparison:
    """The comparison as the page makes it."""
    one, other = read_run(run_id=first.pk), read_run(run_id=second.pk)
    assert one is not None
    assert other is not None
    return compare(one, other)


def text_of(client: Client, **query: Any) -> str:
    """The page as it is sent."""
    return client.get(PAGE, query).content.decode()


def test_what_fell_stands_first_with_the_change_of_its_margin(tester: Person) -> None:
    """620 ms instead of 125 ms of 500: the margin fell from 75 % to -24 %."""
    runs = [make_judged_run(person=tester, soak_seconds=1800, faults=faults) for faults in ({}, SLOW)]

    pairs = compared(*runs).changed

    assert [(pair.code, pair.turn, pair.said_change) for pair in pairs] == [("E03", "worse", "−99\u202f%")]


def test_what_rose_is_better_and_says_the_same_the_other_way_round(tester: Person) -> None:
    """Exchanging A and B exchanges the sign."""
    runs = [make_judged_run(person=tester, soak_seconds=1800, faults=faults) for faults in (SLOW, {})]

    pairs = compared(*runs).changed

    assert [(pair.code, pair.turn, pair.said_change) for pair in pairs] == [("E03", "better", "+99\u202f%")]


def test_a_change_that_rounds_to_nothing_has_no_sign(tester: Person) -> None:
    """A hundredth of a millisecond of 500 is 0 %, neither better nor worse."""
    faults = {"load_reality": {"p95_us": "125010"}}
    runs = [make_judged_run(person=tester, soak_seconds=1800, faults=one) for one in (faults, {})]

    pairs = compared(*runs).changed

    assert [(pair.code, pair.turn, pair.said_change) for pair in pairs] == [("E03", "", "0\u202f%")]


def test_every_difference_of_plan_and_machine_is_marked(tester: Person) -> None:
    """The rest stands beside it unmarked."""
    one, other = make_judged_run(person=tester), make_judged_run(person=tester, seed=7, retry_injection=False)

    comparison = compared(one, other)

    assert [row.name for row in comparison.plan if row.differs] == ["Seed", "Retries"]
    assert not any(row.differs for row in comparison.environment)


def test_another_build_policy_plan_or_machine_is_warned_of(tester: Person) -> None:
    """Before anybody reads a figure."""
    one = make_judged_run(person=tester)
    build = Build.objects.create(name="gatehouse", commit="0" * 40, tree_digest="e5" * 32, is_clean=True)
    other = make_judged_run(person=tester, soak_seconds=1800, profile="full", build=build)
    views = [read_run(run_id=run.pk) for run in (one, other)]
    assert views[0] is not None
    assert views[1] is not None
    views[1].run.environment = {"machine": {"cores": 64}}
    views[1].run.policy_id += 1

    warnings = " ".join(compare(views[0], views[1]).warnings)

    for part in ("different policies", "different builds", "different plans", "different machines"):
        assert part in warnings


def test_another_load_is_not_another_machine(tester: Person) -> None:
    """What differs from run to run on one machine is no reason not to compare."""
    first, second = (read_run(run_id=make_judged_run(person=tester).pk) for _ in range(2))
    assert first is not None
    assert second is not None
    second.run.environment["machine"]["load_average"] = ["9.00", "8.00", "7.00"]

    assert not any("different machines" in warning for warning in compare(first, second).warnings)


def test_the_same_run_twice_and_unjudged_runs_are_said(tester: Person) -> None:
    """A page of zeros would look like good news."""
    judged, running, waiting = make_judged_run(person=tester), make_running_run(person=tester), make_run(person=tester)

    assert compared(judged, judged).warnings == ("Both are the same run: nothing can differ.",)
    assert compared(judged, judged).changed == ()
    assert any(f"Run {running.pk} is not at its end" in text for text in compared(judged, running).warnings)
    assert any(f"Run {waiting.pk} is not at its end" in text for text in compared(waiting, judged).warnings)


def test_a_crashed_scenario_has_no_waiting_times_and_no_invented_change(tester: Person) -> None:
    """What was not measured in one run has no change."""
    sound, crashed = make_judged_run(person=tester), make_judged_run(person=tester, crashed=("credit_storm",))

    comparison = compared(sound, crashed)

    storm = next(one for one in comparison.distributions if one.title == "Credit storm")
    assert {row.second for row in storm.rows} == {None}
    assert storm.svg.count("dot s2") == 0
    assert next(pair for pair in comparison.rules if pair.code == "E07").said_change == ""


def test_a_percentile_behind_which_not_one_answer_stands_has_no_point(tester: Person) -> None:
    """Of 900 answers the slowest is beyond 99.9 %: the figure stands in the table, the curve ends before it."""
    few = make_judged_run(person=tester, faults={"credit_storm": {"operations": "900"}})
    many = make_judged_run(person=tester)

    storm = next(one for one in compared(few, many).distributions if one.title == "Credit storm")

    assert storm.answers == (900, 1200)
    assert {row.name: (row.first, row.second) for row in storm.rows}["99.9 % within"] == (210.34, 210.34)
    assert storm.svg.count("dot s2") - storm.svg.count("dot s1") == 1


def test_what_a_percentile_was_held_to_stands_beside_it_in_words_and_in_the_drawing(tester: Person) -> None:
    """E03 asks the soak for 500 ms and blocks from 1000; each once, although both runs were held to it."""
    runs = [make_judged_run(person=tester, soak_seconds=1800) for _ in range(2)]

    soak = next(one for one in compared(*runs).distributions if one.title == "Load as in reality")

    row = next(row for row in soak.rows if row.limits)
    assert row.name == "95 % within"
    assert row.limits == ("limit of E03: 500\u202fms", "blocks from 1,000\u202fms")
    assert (soak.svg.count('class="mark limit"'), soak.svg.count('class="mark block"')) == (1, 1)


def test_the_page_shows_both_runs_and_holds_the_choice(browse: Browse, tester: Person) -> None:
    """Plain links and a form: the address is the comparison."""
    one, other = (make_judged_run(person=tester, faults=faults) for faults in ({}, SLOW))

    page = text_of(browse("auditor"), a=one.pk, b=other.pk)

    assert re.findall(r'<option value="(\d+)" selected>', page) == [str(one.pk), str(other.pk)]
    assert f'href="?a={other.pk}&amp;b={one.pk}"' in page
    assert "worse" in page


def test_without_two_runs_the_page_asks_for_them_and_names_what_does_not_exist(browse: Browse, tester: Person) -> None:
    """404 for a number nobody has, and no guess in its place."""
    run = make_judged_run(person=tester)
    client = browse("auditor")

    assert "Choose two runs" in text_of(client)
    assert "Choose two runs" in text_of(client, a=run.pk)
    assert client.get(PAGE, {"a": run.pk, "b": 999}).status_code == 404
    assert "There is no run &lt;b&gt;." in text_of(client, a="<b>", b=run.pk)


def test_a_judged_run_offers_the_one_before_it_of_its_profile(browse: Browse, tester: Person) -> None:
    """One press compares with what came before."""
    before = make_judged_run(person=tester)
    make_judged_run(person=tester, profile="own")
    run = make_judged_run(person=tester)

    page = browse("auditor").get(f"/admin/testruns/run/{run.pk}/").content.decode()

    assert re.search(rf'<input [^>]*name="a"[^>]* value="{before.pk}">', page)


def test_the_page_takes_the_same_queries_for_two_scenarios_as_for_all(browse: Browse, tester: Person) -> None:
    """However many scenarios, rules and runs there are."""
    small = [make_judged_run(person=tester, scenarios=["credit_storm"], profile="own") for _ in range(2)]
    whole = [make_judged_run(person=tester) for _ in range(2)]
    client = browse("auditor")

    def queries(runs: list[Run]) -> int:
        text_of(client, a=runs[0].pk, b=runs[1].pk)
        with CaptureQueriesContext(connection) as captured:
            text_of(client, a=runs[0].pk, b=runs[1].pk)
        return len(captured)

    assert queries(small) == queries(whole)
