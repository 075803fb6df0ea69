"""The page of a build says everything about one commit, red runs too; the list finds it."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from console import actions
from console.models import Certificate, Condition, ReleaseRequest
from console.release_states import Outcome, Word
from console.tests.releases.people import WHY, Team, condition, decide, sign_three
from console.tests.releases.runs import WRONG, clean_build, full_run
from console.tests.releases_pages.conftest import Visit
from testruns.models import Build, Run

LIST = "/admin/releases/builds/"
TAGS = re.compile(r"<[^>]+>")


def said_by(client: Client, address: str) -> str:
    """The words of a page, without mark-up."""
    response = client.get(address)
    assert response.status_code == 200, response
    return " ".join(TAGS.sub(" ", response.content.decode()).split())


def test_a_build_shows_its_red_runs_who_signed_and_what_is_left(
    request_5a: ReleaseRequest, team: Team, build: Build, visit: Visit
) -> None:
    """Three have signed; a later red run and the supervisor's seat are left, with the people and the deadline."""
    red = full_run(by=team.runner, faults=WRONG)
    sign_three(request_5a, team)

    said = said_by(visit(team.tester), f"/admin/releases/build/{build.commit}/")

    assert f"Run {red.pk} · full" in said
    assert "NO-GO (1)" in said
    assert "Every run of this build 3" in said
    for seat in (team.engineer, team.tester, team.reviewer):
        assert str(seat.person) in said
    left = said.partition("What is left for phase 5a")[2].partition("What is left for phase 6a")[0]
    assert "Supervisor (decides) not signed yet" in left
    assert str(team.supervisor.person) in left
    assert "(in 14 days)" in left


def test_a_released_build_shows_decision_certificate_and_conditions(
    request_5a: ReleaseRequest, team: Team, build: Build, visit: Visit
) -> None:
    """What was decided, with the way to the certificate and its digest; its condition with the day it is due."""
    sign_three(request_5a, team, outcome=Outcome.CONDITIONAL)
    decide(request_5a, Word.CONDITIONAL, by=team.supervisor, conditions=(condition(owner=team.engineer),))
    certificate = Certificate.objects.get()

    client = visit(team.tester)
    address = f"/admin/releases/build/{build.commit}/"
    page = client.get(address).content.decode()

    assert reverse("admin:release_certificate", args=[certificate.decision_id]) in page
    assert f'data-copy="{certificate.digest}"' in page
    assert reverse("admin:release_condition", args=[Condition.objects.get().pk]) in page
    assert "Condition C1 open:" in said_by(client, address)


def test_a_withdrawn_signature_stays_and_says_so(
    request_5a: ReleaseRequest, team: Team, build: Build, visit: Visit
) -> None:
    """Nothing that was signed about a build disappears from its page."""
    sign_three(request_5a, team)
    signature = request_5a.sign_offs.get(seat="TESTER")
    actions.withdraw_sign_off(actor=team.tester, sign_off_id=signature.pk, reason=WHY)

    said = said_by(visit(team.engineer), reverse_of(build))

    signed = said.partition("Who signed what")[2].partition("What was built")[0]
    assert "withdrawn" in signed
    assert str(team.tester.person) in signed


def reverse_of(build: Build) -> str:
    """The page of a build."""
    return reverse("admin:release_build", args=[build.commit])


def test_only_the_runs_of_one_recommendation_can_be_asked_for(runs: list[Run], team: Team, visit: Visit) -> None:
    """Red ones alone; an unknown word shows all."""
    red = full_run(by=team.runner, faults=WRONG)
    client, address = visit(team.tester), reverse_of(red.build)

    only_red = client.get(f"{address}?recommendation=NO_GO").context["build"].runs
    unknown = client.get(f"{address}?recommendation=MAYBE").context["build"].runs

    assert [run.pk for run in only_red] == [red.pk]
    assert len(unknown) == 3


def test_the_beginning_of_a_commit_leads_to_its_page_or_to_the_choice(build: Build, team: Team, visit: Visit) -> None:
    """One commit: its whole address. Several: the list narrowed to them, and a message. None: there is no such page."""
    client = visit(team.tester)
    alone = client.get(f"/admin/releases/build/{build.commit[:7]}/")
    Build.objects.create(name="gatehouse", commit=build.commit[:10] + "0" * 30, tree_digest="aa" * 32, is_clean=True)

    several = client.get(f"/admin/releases/build/{build.commit[:7]}/", follow=True)

    assert alone.headers["Location"] == reverse_of(build)
    assert len(several.context["page"].object_list) == 2
    assert "2 commits begin with" in several.content.decode()
    assert client.get("/admin/releases/build/0123456789/").status_code == 404
    assert client.get("/admin/releases/build/not-a-commit/").status_code == 404


def test_a_build_without_a_repository_is_named_by_its_tree(team: Team, visit: Visit) -> None:
    """It has runs as well, and its page."""
    build = Build.objects.create(name="gatehouse", commit="", tree_digest="ab" * 32, is_clean=False)
    run = full_run(by=team.runner, build=build)
    client = visit(team.tester)

    said = said_by(client, f"/admin/releases/build/tree-{build.tree_digest}/")

    assert f"Run {run.pk} · full" in said
    assert "tree with changes" in said
    assert f"/admin/releases/build/tree-{build.tree_digest}/" in client.get(LIST).content.decode()


def test_the_list_finds_a_build_by_commit_tree_or_name(runs: list[Run], build: Build, team: Team, visit: Visit) -> None:
    """Each commit once, however many trees of it were seen, with how many runs it has and the newest."""
    newest = full_run(by=team.runner, build=clean_build(tree="e5", is_clean=False))
    Build.objects.create(name="other", commit="ab" * 20, tree_digest="cd" * 32, is_clean=True)
    client = visit(team.tester)

    found = {
        text: [(line.name, line.run_count) for line in client.get(LIST, {"q": text}).context["page"].object_list]
        for text in ("", build.commit[:9], "e5e5", "othe", "nothing")
    }

    assert found[""] == [(build.commit, 3), ("ab" * 20, 0)]
    assert found[build.commit[:9]] == [(build.commit, 3)]
    assert [name for name, _count in found["e5e5"]] == [build.commit]
    assert [name for name, _count in found["othe"]] == ["ab" * 20]
    assert found["nothing"] == []
    assert client.get(LIST).context["page"].object_list[0].last_run.pk == newest.pk


@pytest.mark.parametrize("address", ["", "phase/5a/", "request/{request}/"])
def test_what_names_a_build_leads_to_its_page(
    request_5a: ReleaseRequest, build: Build, team: Team, visit: Visit, address: str
) -> None:
    """From the list of requests, the page of the phase, the request."""
    page = visit(team.tester).get(f"/admin/releases/{address.format(request=request_5a.pk)}").content.decode()

    assert f'href="{reverse_of(build)}"' in page


def test_the_first_page_and_a_run_lead_to_the_build(
    request_5a: ReleaseRequest, build: Build, team: Team, runs: list[Run], visit: Visit
) -> None:
    """The graph of the phases, and the head of a run."""
    client = visit(team.tester)

    for address in ("/admin/", reverse("admin:testruns_run_change", args=[runs[0].pk])):
        assert f'href="{reverse_of(build)}"' in client.get(address).content.decode(), address


@pytest.mark.parametrize("address", [LIST, "/admin/releases/build/{commit}/"])
def test_more_runs_builds_and_people_cost_no_query_more(
    request_5a: ReleaseRequest, team: Team, build: Build, visit: Visit, address: str
) -> None:
    """The same questions to the database with ten more builds and three more runs."""
    client, place = visit(team.tester), address.format(commit=build.commit)
    counts = []
    for turn in range(2):
        for number in range(10):
            Build.objects.create(name="more", commit=f"{turn}{number:039x}", tree_digest="cd" * 32, is_clean=True)
        for _run in range(3):
            full_run(by=team.runner)
        client.get(place)
        with CaptureQueriesContext(connection) as asked:
            client.get(place)
        counts.append(len(asked))

    assert counts[0] == counts[1] > 0
