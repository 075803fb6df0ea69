"""Lists of the release screens show a page at a time: how many there are is said, and every one can be reached."""

from __future__ import annotations

import re
from copy import copy

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from console import actions
from console.kernel.authority import Role
from console.kernel.list_pages import PER_PAGE
from console.models import ReleaseRequest, SignOff, SignOffWithdrawal
from console.release_states import Outcome, RequestState, Word
from console.tests.people import person_with
from console.tests.releases.people import WHY, Team, attest, condition, decide, sign_three
from console.tests.releases_pages.conftest import Visit
from testruns.models import Build

READERS = (Role.TESTER, Role.REVIEWER, Role.SUPERVISOR, Role.AUDITOR)
ADDRESSES = ("/admin/releases/", "/admin/releases/phase/5a/", "/admin/releases/build/{commit}/")
BUILD = ADDRESSES[2]
MORE = PER_PAGE + 5
_REQUEST = re.compile(r'<th scope="row"><a href="/admin/releases/request/(\d+)/"')
_LINK = re.compile(r'<a href="(\?[^"]*)">(\d+)</a>')


@pytest.fixture
def requests(request_5a: ReleaseRequest) -> list[ReleaseRequest]:
    """Of one phase and one build more than a page of requests; only the first is open."""
    rows = [copy(request_5a) for _ in range(MORE - 1)]
    ReleaseRequest.objects.update(state=RequestState.WITHDRAWN)
    for row in rows:
        row.pk = None
        row.save(force_insert=True)
        ReleaseRequest.objects.filter(pk=row.pk).update(state=RequestState.WITHDRAWN)
    return list(ReleaseRequest.objects.order_by("-pk"))


@pytest.mark.parametrize("address", ADDRESSES)
def test_requests_stand_on_pages_and_every_reader_reaches_all_of_them(
    requests: list[ReleaseRequest], build: Build, visit: Visit, address: str
) -> None:
    """The newest first, the number of all in the heading, the others behind a link: no JavaScript, no role needed."""
    place = address.format(commit=build.commit)
    for role in READERS:
        client = visit(person_with(role))

        first = client.get(place).content.decode()
        (way,) = [link for link, number in _LINK.findall(first) if link.startswith("?requests=2")]
        second = client.get(place + way.partition("#")[0]).content.decode()

        assert f'<span class="count">{MORE}</span>' in first
        assert f"1 to {PER_PAGE} of {MORE}" in first
        assert way.endswith("#history") and 'id="history"' in second
        shown = [int(number) for page in (first, second) for number in _REQUEST.findall(page)]
        assert shown == [row.pk for row in requests]


def test_a_page_that_does_not_exist_gives_the_nearest(
    requests: list[ReleaseRequest], team: Team, build: Build, visit: Visit
) -> None:
    """Whatever stands in the address, nobody is sent away."""
    client, place = visit(team.tester), BUILD.format(commit=build.commit)

    found = {text: client.get(place, {"requests": text}).context["build"].requests for text in ("0", "99", "x", "")}

    assert {text: page.number for text, page in found.items()} == {"0": 2, "99": 2, "x": 1, "": 1}


def test_turning_a_page_keeps_what_else_was_asked_for(
    requests: list[ReleaseRequest], team: Team, build: Build, visit: Visit
) -> None:
    """Runs of one recommendation stay narrowed while the requests are paged."""
    page = visit(team.tester).get(BUILD.format(commit=build.commit), {"recommendation": "GO"}).content.decode()

    assert "?recommendation=GO&amp;requests=2#history" in page


def test_every_tree_and_signature_of_a_build_can_be_reached(
    request_5a: ReleaseRequest, team: Team, build: Build, visit: Visit
) -> None:
    """A commit may have many trees with changes, and a seat be signed and withdrawn again and again."""
    Build.objects.bulk_create(
        Build(name="gatehouse", commit=build.commit, tree_digest=f"{number:064x}", is_clean=False)
        for number in range(MORE - 1)
    )
    _signed_and_withdrawn(attest(request_5a, by=team.engineer), times=MORE)
    client, place = visit(team.tester), BUILD.format(commit=build.commit)

    views = [client.get(place, {"sources": number, "signed": number}).context["build"] for number in (1, 2)]

    assert {one.pk for view in views for one in view.sources} == set(Build.objects.values_list("pk", flat=True))
    assert {one.pk for view in views for one in view.sign_offs} == set(SignOff.objects.values_list("pk", flat=True))
    assert views[0].newest == views[1].newest
    said = client.get(place).content.decode()
    assert said.count(f'<span class="count">{MORE}</span>') == 2
    assert said.count(f"1 to {PER_PAGE} of {MORE}") == 2


def test_open_conditions_stand_before_closed_ones(
    request_5a: ReleaseRequest, team: Team, build: Build, visit: Visit
) -> None:
    """What somebody still has to clear is on the first page, however old it is."""
    _decided_with_conditions(request_5a, team, count=3)
    first = request_5a.decisions.get().conditions.get(number=1)
    actions.close_with_file(actor=team.engineer, condition_id=first.pk, content=b"seen", note=WHY)
    actions.confirm_condition(actor=team.supervisor, condition_id=first.pk)

    conditions = visit(team.tester).get(BUILD.format(commit=build.commit)).context["build"].conditions

    assert [(line.condition.number, line.is_closed) for line in conditions] == [(2, False), (3, False), (1, True)]


def test_more_conditions_cost_no_query_more(request_5a: ReleaseRequest, team: Team, build: Build, visit: Visit) -> None:
    """What was done about them is read for all of them at once, on the page of the build and of the request."""
    client = visit(team.tester)
    _decided_with_conditions(request_5a, team, count=4)
    for place in (BUILD.format(commit=build.commit), f"/admin/releases/request/{request_5a.pk}/"):
        client.get(place)
        with CaptureQueriesContext(connection) as asked:
            client.get(place)

        closings = [one["sql"] for one in asked if 'FROM "console_conditionclosing"' in one["sql"]]
        assert 0 < len(closings) < 4, place


def _decided_with_conditions(request: ReleaseRequest, team: Team, *, count: int) -> None:
    sign_three(request, team, outcome=Outcome.CONDITIONAL)
    conditions = tuple(condition(owner=team.engineer) for _ in range(count))
    decide(request, Word.CONDITIONAL, by=team.supervisor, conditions=conditions)


def _signed_and_withdrawn(signed: SignOff, *, times: int) -> None:
    """So many sign-offs of its seat in all, each but the last withdrawn before the next."""
    for number in range(2, times + 1):
        SignOffWithdrawal.objects.create(sign_off=signed, person=signed.person, reason=WHY, at=signed.signed_at)
        signed = copy(signed)
        signed.pk, signed.number, signed.digest = None, number, f"{number:064x}"
        signed.save(force_insert=True)
