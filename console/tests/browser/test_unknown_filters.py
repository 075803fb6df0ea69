"""An address that asks for something that does not exist: everything is shown, and what was left out is said."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from console.kernel.models import Person
from console.tests.browser.rows import make_judged_run, make_run
from ledger import Ledger

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]

LIST = "/admin/testruns/run/"
AUDIT = "/admin/kernel/auditentry/"
JOURNAL = "/admin/journal/"
Browse = Callable[[str], Client]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("state=BOGUS", "“BOGUS” is not a state of a run; runs in every state are shown."),
        ("recommendation=MAYBE", "“MAYBE” is not a recommendation; runs with every recommendation are shown."),
        ("profile=huge", "“huge” is not a profile; runs of every profile are shown."),
        ("stat=QUEUED", "“stat” is not a filter of this list; it was left out."),
        ("state=%3Cscript%3E", "“&lt;script&gt;” is not a state of a run"),
    ],
)
def test_a_filter_of_the_runs_that_does_not_exist_is_named_and_all_runs_are_shown(
    browse: Browse, tester: Person, query: str, said: str
) -> None:
    """Nobody takes a full list for a filtered one."""
    runs = [make_run(person=tester), make_judged_run(person=tester)]

    page = browse("tester").get(f"{LIST}?{query}").content.decode()

    assert said in page
    assert all(f"Run {run.pk} <" in page for run in runs)


def test_a_known_filter_beside_an_unknown_one_still_holds(browse: Browse, tester: Person) -> None:
    """Only what does not exist is left out."""
    queued, judged = make_run(person=tester), make_judged_run(person=tester)

    page = browse("tester").get(f"{LIST}?state=QUEUED&profile=huge").content.decode()

    assert f"Run {queued.pk} <" in page
    assert f"Run {judged.pk} <" not in page


def test_live_updates_repeat_no_message(browse: Browse, tester: Person) -> None:
    """The list asks again without what was left out, and an update says nothing a page has said."""
    make_run(person=tester)
    client = browse("tester")
    client.get(f"{LIST}?state=BOGUS&x=1")

    update = client.get(f"{LIST}?state=BOGUS&token=0", headers={"HX-Request": "true"}).content.decode()
    page = client.get(LIST).content.decode()

    assert "BOGUS" not in update
    assert "BOGUS" not in page


def test_a_report_in_a_language_nobody_writes_is_refused_by_name(browse: Browse, tester: Person) -> None:
    """Instead of an English file under another name."""
    run = make_judged_run(person=tester)

    response = browse("tester").get(f"{LIST}{run.pk}/report.html?language=xx", follow=True)

    assert response.redirect_chain[-1][0] == f"{LIST}{run.pk}/"
    assert "There is no report in the language “xx”; choose one below." in response.content.decode()


def test_a_language_the_console_does_not_speak_is_said(browse: Browse) -> None:
    """The page stays in the language it was in."""
    page = browse("tester").post("/language/", {"language": "xx", "_from": LIST}, follow=True).content.decode()

    assert "The console does not speak “xx”." in page


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("outcome__exact=BOGUS", "“BOGUS” is not a choice of this filter; all is shown."),
        ("via=pigeon", "“pigeon” is not a choice of this filter; all is shown."),
        ("colour=red", "The address asks for a filter this list does not have; all is shown."),
    ],
)
def test_a_filter_of_the_audit_that_does_not_exist_is_said_and_all_entries_are_shown(
    browse: Browse, query: str, said: str
) -> None:
    """Django itself would show nothing, or everything in silence."""
    response = browse("auditor").get(f"{AUDIT}?{query}", follow=True)

    assert said in response.content.decode()
    assert response.context["cl"].result_count > 0


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("type=credit.eaten", "“credit.eaten” is not a type of event; events of every type are shown."),
        ("kind=x", "“kind” is not a filter of this journal; it was left out."),
    ],
)
def test_a_filter_of_the_journal_that_does_not_exist_is_said_and_all_events_are_shown(
    browse: Browse, ledger_with_events: Ledger, query: str, said: str
) -> None:
    """As in every other list."""
    response = browse("auditor").get(f"{JOURNAL}?{query}")

    assert said in response.content.decode()
    assert response.context["page"].lines[0].event.seq == ledger_with_events.head.seq
