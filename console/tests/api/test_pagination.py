"""Lists by cursor: nothing twice, nothing left out, and no name of a client reaches the database's lookups."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest
from django.core import signing
from django.db import transaction

from console.kernel import audit
from console.kernel.authority import Role
from console.kernel.scopes import Scope
from console.tests.api.test_authentication import assert_problem
from console.tests.api_client import ApiClient, api_client
from console.tests.people import person_with

pytestmark = [pytest.mark.django_db, pytest.mark.urls("console.tests.api.frame_urls")]
SALT = "gatehouse.api.cursor.untimed"


def add(count: int) -> None:
    """So many audit entries."""
    with transaction.atomic():
        for number in range(count):
            audit.record(actor=None, act="run.judge" if number % 2 else "run.freeze", object=f"run:{number}")


@pytest.fixture
def client() -> ApiClient:
    """A reader with 25 entries, and nothing else in the list."""
    client = api_client(person_with(Role.AUDITOR), Scope.RUNS_READ)
    add(25)
    return client


def walk(client: ApiClient, query: dict[str, Any], way: str = "next") -> list[list[int]]:
    """The pages from a first query on."""
    page, pages = client.read("notes/", query).json(), []
    while True:
        pages.append([one["index"] for one in page["results"]])
        if way not in page:
            return pages
        page = client.get(page[way]).json()


@pytest.mark.parametrize("ordering", ["index", "-index", "at", "-at"])
@pytest.mark.parametrize("limit", [1, 7, 25, 200])
def test_the_pages_together_are_the_whole_list_in_order(client: ApiClient, ordering: str, limit: int) -> None:
    """Whatever their size; times that are equal are told apart by the key."""
    audit_entries = sorted(one for page in walk(client, {"limit": 200}) for one in page)

    pages = walk(client, {"ordering": ordering, "limit": limit})

    expected = list(reversed(audit_entries)) if ordering.startswith("-") else audit_entries
    assert [one for page in pages for one in page] == expected
    assert all(len(page) == limit for page in pages[:-1])


def test_rows_that_come_in_between_move_no_page(client: ApiClient) -> None:
    """An offset would show a row twice."""
    first = client.read("notes/", {"limit": 10}).json()
    add(5)

    second = client.get(first["next"]).json()

    assert second["results"][0]["index"] == first["results"][-1]["index"] - 1


def test_a_page_leads_back_to_the_one_before(client: ApiClient) -> None:
    """In the same order, with the same rows; the first has none before it."""
    first = client.read("notes/", {"limit": 10}).json()
    second = client.get(first["next"]).json()

    back = client.get(second["previous"]).json()

    assert back["results"] == first["results"]
    assert "previous" not in first
    assert client.get(back["next"]).json()["results"] == second["results"]


def test_filters_are_those_of_the_view(client: ApiClient) -> None:
    """They hold on every page."""
    judged = walk(client, {"act": "run.judge", "limit": 5})

    assert sum(len(page) for page in judged) == 12
    assert walk(client, {"act": "' OR 1=1 --"}) == [[]]


@pytest.mark.parametrize(
    "name",
    [
        "act__contains",
        "act__startswith",
        "pk",
        "id",
        "hash",
        "actor",
        "index__gt",
        "page",
        "offset",
        "__class__",
        "Act",
    ],
)
def test_a_name_that_the_view_does_not_know_reaches_nothing(client: ApiClient, name: str) -> None:
    """Columns and lookups included."""
    assert_problem(client.read("notes/", {name: "x"}), 400, "unknown-parameter")


@pytest.mark.parametrize(
    "ordering", ["hash", "actor", "person__password", "pk", "--index", "index,at", "?", "-", "index;", "index\x00"]
)
def test_an_order_that_the_view_does_not_know_is_refused(client: ApiClient, ordering: str) -> None:
    """Ordering by a secret column would tell it row by row."""
    assert_problem(client.read("notes/", {"ordering": ordering}), 400, "invalid-parameter")


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "201"},
        {"limit": "-1"},
        {"limit": "١"},
        {"limit": "9" * 400},
        {"limit": ["1", "2"]},
        {"outcome": "maybe"},
        {"act": ["a", "b"]},
        {"act": "a\x00"},
        {"act": "x" * 201},
    ],
)
def test_a_value_that_a_parameter_cannot_have_is_refused(client: ApiClient, query: dict[str, Any]) -> None:
    """With its name."""
    told = assert_problem(client.read("notes/", query), 400, "invalid-parameter")

    assert told["errors"][0]["parameter"] in query


def test_a_cursor_is_what_this_list_gave(client: ApiClient) -> None:
    """Neither altered, nor of another order, nor of another list, nor made up."""
    cursor = client.read("notes/", {"limit": 5}).json()["next"].split("cursor=")[1].split("&")[0]
    here, elsewhere = (["/api/v1/notes/", "-index", "next", 3, 3], ["/api/v1/other/", "-index", "next", 3, 3])
    other_key = signing.Signer(key="another", salt=SALT).sign_object(here)
    other_path = signing.Signer(salt=SALT).sign_object(elsewhere)
    timed = signing.dumps(here, salt="gatehouse.api.cursor")  # what earlier versions gave

    for wrong in (cursor[:-2] + "xx", other_key, other_path, timed, "", "x", "ü", "a:b:c"):
        assert_problem(client.read("notes/", {"cursor": wrong, "limit": 5}), 400, "invalid-cursor")
    assert_problem(client.read("notes/", {"cursor": cursor, "ordering": "at"}), 400, "invalid-cursor")


def test_the_same_page_has_the_same_cursors_whenever_it_is_asked_for(client: ApiClient) -> None:
    """A cursor does not name the second it was made in, so that a page that did not change keeps its tag."""
    cursors = [client.read("notes/", {"limit": 5}).json()["next"].split("cursor=")[1].split("&")[0] for _ in range(2)]

    assert cursors[0] == cursors[1]
    assert signing.Signer(salt=SALT).unsign_object(unquote(cursors[0]))[:3] == ["/api/v1/notes/", "-index", "next"]
    assert unquote(cursors[0]).count(":") == 1  # the values and the signature: no time between them


def test_a_page_costs_the_same_queries_wherever_it_lies(client: ApiClient, django_assert_max_num_queries: Any) -> None:
    """The list itself is one of them."""
    second = client.read("notes/", {"limit": 5}).json()["next"]

    for _page in range(3):
        with django_assert_max_num_queries(4):
            page = client.get(second).json()
        second = page["next"]
        assert len(page["results"]) == 5
