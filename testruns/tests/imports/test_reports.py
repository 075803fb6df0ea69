"""What is said about an imported run: its list line, its page, its reports, in both languages; and nothing untrue."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest
from django.test import Client

from console.kernel.acts import Actor
from console.kernel.authority import Role
from console.tests.people import actor_with
from testruns.models import Run
from testruns.reports import render
from testruns.tests.imports.bringing import COMMIT, brought
from testruns.tests.imports.reports import NEVER_RAN, UNIT, coverage, passing, suite

pytestmark = pytest.mark.django_db

LIST = "/admin/testruns/run/"
UNTRUE = ("seed", "soak", "Soak", "KARMA", "Start command", "Startbefehl", "run_live_tests", "credit_storm", "Seed")


@pytest.fixture
def tester() -> Actor:
    """Somebody who may bring results."""
    return actor_with(Role.TESTER)


@pytest.fixture
def run(tester: Actor) -> Run:
    """The real suite with two failures, without coverage."""
    return brought(tester, junit=UNIT)


def page_of(actor: Actor, address: str) -> str:
    """The main part of a page, as this person sees it."""
    client = Client()
    client.force_login(actor.person)
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode().split("<main", 1)[1]


def test_the_page_of_an_import_shows_what_was_counted_and_offers_nothing_to_run(tester: Actor, run: Run) -> None:
    """Gate I alone, the figures, the names of what failed, the evidence; no seed, no plan, no machine."""
    page = page_of(tester, f"{LIST}{run.pk}/")

    assert page.count('class="letter"') == 1
    for said in ("Imported test report", "test_expired_token_rejection", "97.3", "a coverage report (Cobertura)"):
        assert said in page
    for untrue in ("Run again", "Disk floor", "soak", "clean tree", "Attempt again", "Planned", "Charts"):
        assert untrue not in page


def test_two_imports_are_compared_and_printed_like_other_runs(tester: Actor, run: Run) -> None:
    """What shows runs shows these as well."""
    other = brought(tester, junit=NEVER_RAN)

    assert "I01" in page_of(tester, f"{LIST}compare/?a={run.pk}&b={other.pk}")
    assert "Report of imported results" in page_of(tester, f"{LIST}{run.pk}/print/")


def test_the_list_names_the_build_and_finds_it(tester: Actor, run: Run) -> None:
    """By its profile, its name and its commit."""
    for query in ("profile=import", "q=shop", f"q={COMMIT[:8]}"):
        page = page_of(tester, f"{LIST}?{query}")
        assert f"Run {run.pk}" in page
        assert "shop" in page
        assert "seed 0" not in page


def test_home_does_not_take_an_import_for_the_last_recommendation(tester: Actor) -> None:
    """GO of another project's suite is not the word about this product."""
    brought(tester, junit=passing(3), coverage=coverage(1, 1))

    assert "Last recommendation" not in page_of(tester, "/admin/")


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("kind", ["markdown", "html"])
def test_a_report_for_people_says_what_is_true_of_an_import(run: Run, kind: str, language: str) -> None:
    """The figures and names are in it; nothing of seeds, soaks and a command that would repeat it."""
    text = render(run=run, kind=kind, language=language).decode().replace("\\_", "_")

    for said in ("72", "74", "test_expired_token_rejection", "I04", run.manifest_digest, COMMIT):
        assert said in text
    for untrue in UNTRUE:
        assert untrue not in text


def test_the_report_for_machines_has_the_same_fields_and_no_command(run: Run) -> None:
    """Whatever has no meaning here is left out or empty."""
    report = json.loads(render(run=run, kind="json"))

    assert report["overall_status"] == "INCOMPLETE"
    assert report["missing"] == ["a coverage report (Cobertura) was not brought"]
    assert report["policy"]["code"] == "imports"
    assert set(report["gates"]) == {"I"}
    assert report["scenarios"][0]["metrics"]["passed"] == {"value": "72", "unit": "count"}
    assert "command" not in report["test_config"]
    assert report["sign_offs"] == []


def test_a_ci_system_shows_the_gate_of_an_import_as_tests(tester: Actor) -> None:
    """A failed rule is a failure, one without an answer an error, a passed one passed."""
    root = ET.fromstring(render(run=brought(tester, junit=NEVER_RAN), kind="junit"))  # noqa: S314 - made here

    children = {case.get("name", ""): [child.tag for child in case] for case in root.iter("testcase")}
    failed = [name for name, tags in children.items() if "failure" in tags]
    without_answer = [name for name, tags in children.items() if "error" in tags]
    assert any(name.startswith("I01") for name in failed)
    assert any(name.startswith("I02") for name in failed)
    assert [name[:3] for name in without_answer] == ["I04"]


def test_names_of_tests_cannot_write_into_a_page_or_a_report(tester: Actor) -> None:
    """A test may be called anything."""
    name = "&lt;script&gt;alert(1)&lt;/script&gt;"
    failed = suite(f'<testcase classname="{name}" name="x"><failure/></testcase>')
    run = brought(tester, build="<b>shop</b>", junit=failed)

    for text in (page_of(tester, f"{LIST}{run.pk}/"), render(run=run, kind="html").decode()):
        assert "<script>alert" not in text
        assert "<b>shop" not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_the_policy_of_imports_has_its_own_name_and_only_its_own_rules(tester: Actor, run: Run) -> None:
    """In the list beside the one of live runs; soaks and rates of a live suite mean nothing to it."""
    assert "Policy 1 for imported results" in page_of(tester, "/admin/testruns/gatepolicy/")
    page = page_of(tester, f"/admin/testruns/gatepolicy/{run.policy_id}/change/")

    assert "Policy 1 for imported results" in page
    assert "Did enough of the tests pass?" in page
    assert 'id="values"' not in page
