"""The pages of people: everybody reads, acts are offered to whoever may, and the refusals are shown."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from console.kernel.authority import Role
from console.kernel.models import PasswordReset, Person, RoleGrant
from console.tests.people import PASSWORD, give

pytestmark = pytest.mark.django_db
PEOPLE = "/admin/kernel/person/"
MODELS = ("schedule", "success", "failure", "ormq", "task", "user", "group", "logentry", "accessattempt", "session")
Browse = Callable[[str], Client]
MakePerson = Callable[[str], Person]


@pytest.fixture
def rita() -> Person:
    """Somebody without a role."""
    return Person.objects.create_user(username="rita", printed_name="Rita R.", password=PASSWORD)


@pytest.fixture
def confirmer(browse: Browse) -> Client:
    """A supervisor with a password of their own, at the console."""
    client = browse("supervisor")
    Person.objects.filter(username="supervisor").update(password_is_own=True)
    return client


def propose(client: Client, person: Person, *, role: str = "reviewer", how: str = "passport seen at the desk") -> str:
    """Post the form; the page that follows."""
    fields = {"role": role, "verified_how": how, "_from": f"{PEOPLE}{person.pk}/change/"}
    return client.post(f"{PEOPLE}{person.pk}/propose-role/", fields, follow=True).content.decode()


@pytest.mark.parametrize("role", [role.value for role in Role])
def test_everybody_reads_who_holds_which_role(browse: Browse, rita: Person, role: str) -> None:
    """List and page, with the forms for administrators alone."""
    client = browse(role)

    listed = client.get(PEOPLE).content.decode()
    page = client.get(f"{PEOPLE}{rita.pk}/change/").content.decode()

    assert "Rita R." in listed
    assert "Rita R." in page
    assert ("Propose the role" in page) is (role == "administrator")
    assert ("This takes one of these roles: administrator." in page) is (role != "administrator")


def test_a_role_goes_from_the_form_over_the_second_person_to_the_badge(
    browse: Browse, confirmer: Client, rita: Person
) -> None:
    """Proposed by the administrator, found by the supervisor in the list, confirmed there."""
    assert "counts once a second person confirms it" in propose(browse("administrator"), rita)
    grant = RoleGrant.objects.get(person=rita)
    listed = confirmer.get(PEOPLE).content.decode()
    assert "Waits for a second person" in listed
    assert "passport seen at the desk" in listed

    answer = confirmer.post(f"{PEOPLE}role/{grant.pk}/confirm/", follow=True).content.decode()

    assert "Confirmed: Rita R. holds the role from now on." in answer
    assert rita.roles == {Role.REVIEWER}


def test_the_proposer_reads_why_the_button_is_disabled_and_is_refused(browse: Browse, rita: Person) -> None:
    """The page says it before the act does."""
    client = browse("administrator")
    page = propose(client, rita)
    grant = RoleGrant.objects.get(person=rita)

    answer = client.post(f"{PEOPLE}role/{grant.pk}/confirm/", {"_from": PEOPLE}, follow=True).content.decode()

    assert "This takes a second person: you proposed it yourself." in page
    assert "This takes a second person: you proposed it yourself." in answer
    assert rita.roles == frozenset()


def test_a_proposal_without_a_word_on_the_identity_is_refused(browse: Browse, rita: Person) -> None:
    """The refusal names the field."""
    assert "verified_how: at least 10 characters" in propose(browse("administrator"), rita, how="seen")
    assert not RoleGrant.objects.filter(person=rita).exists()


def test_a_role_is_ended_and_a_proposal_taken_back_with_a_reason(browse: Browse, rita: Person) -> None:
    """Both by the same form."""
    give(rita, Role.TESTER)
    client = browse("administrator")
    propose(client, rita)

    for grant in RoleGrant.objects.filter(person=rita):
        client.post(f"{PEOPLE}role/{grant.pk}/withdraw/", {"reason": "has left the team"})

    assert not RoleGrant.objects.filter(person=rita, ended_at__isnull=True).exists()
    assert "has left the team" in client.get(f"{PEOPLE}{rita.pk}/change/").content.decode()


def test_a_new_person_gets_both_halves_and_signs_in(browse: Browse, confirmer: Client) -> None:
    """Each half is on one page, once, and no cache keeps it."""
    client = browse("administrator")
    made = client.post(f"{PEOPLE}create/", {"username": "nora", "printed_name": "Nora N.", "email": ""})
    nora = Person.objects.get(username="nora")
    reset = PasswordReset.objects.get(person=nora)

    confirmed = confirmer.post(f"{PEOPLE}reset/{reset.pk}/confirm/")

    halves = [re.search(r'<code class="half">([^<]+)</code>', page.content.decode()) for page in (made, confirmed)]
    assert all("no-store" in page.headers["Cache-Control"] for page in (made, confirmed))
    password = "-".join(half[1] for half in halves if half)
    assert Client().post("/admin/login/", {"username": "nora", "password": password}).wsgi_request.user == nora


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"username": "rita", "printed_name": "Another"}, "it belongs to somebody already, for ever"),
        ({"username": "nora", "printed_name": ""}, "This field is required."),
        ({"username": "no ra", "printed_name": "Nora"}, "Enter a valid username."),
        ({"username": "nora", "printed_name": "Nora", "email": "nowhere"}, "Enter a valid email address."),
    ],
)
def test_a_login_that_cannot_be_made_says_so_beside_its_field(
    browse: Browse, rita: Person, fields: dict[str, str], said: str
) -> None:
    """The form comes back with what was entered."""
    response = browse("administrator").post(f"{PEOPLE}create/", fields)

    assert response.status_code == 422
    assert said in response.content.decode()
    assert not Person.objects.filter(username="nora").exists()


def test_a_reset_is_shown_and_can_be_taken_back(browse: Browse, rita: Person) -> None:
    """Until somebody confirms it."""
    client = browse("administrator")
    assert "The first half" in client.post(f"{PEOPLE}{rita.pk}/reset/").content.decode()
    reset = PasswordReset.objects.get(person=rita)

    client.post(f"{PEOPLE}reset/{reset.pk}/withdraw/")

    reset.refresh_from_db()
    assert not reset.is_open


def test_somebody_leaves_and_comes_back(browse: Browse, rita: Person) -> None:
    """With a reason each time; the page says the state."""
    give(rita, Role.TESTER)
    client = browse("administrator")
    page = f"{PEOPLE}{rita.pk}/change/"

    client.post(f"{PEOPLE}{rita.pk}/deactivate/", {"reason": "has left the company"})
    assert "deactivated" in client.get(page).content.decode()
    client.post(f"{PEOPLE}{rita.pk}/reactivate/", {"reason": "has come back to us"})

    rita.refresh_from_db()
    assert rita.is_active
    assert rita.roles == frozenset()
    assert ">ended<" in client.get(page).content.decode()


def person_addresses(patterns: list[URLPattern | URLResolver], prefix: str = "") -> list[str]:
    """Every address of the pages of people, with a number in every gap."""
    found: list[str] = []
    for one in patterns:
        route = prefix + str(one.pattern)
        if isinstance(one, URLResolver):
            found += person_addresses(one.url_patterns, route)
        elif route.startswith("kernel/person/") and "<path:" not in route:
            found.append("/admin/" + re.sub(r"<int:\w+>", "1", route))
    return found


@pytest.mark.parametrize("role", ["engineer", "auditor", "reviewer"])
def test_no_address_of_people_does_anything_by_get_or_for_others(browse: Browse, rita: Person, role: str) -> None:
    """Every act is POST only, and refused by the table for whoever lacks the role."""
    client = browse(role)
    acts = [
        one for one in person_addresses(admin.site.urls[0]) if one not in (PEOPLE, f"{PEOPLE}add/", f"{PEOPLE}create/")
    ]
    before = list(Person.objects.values()), list(RoleGrant.objects.values()), list(PasswordReset.objects.values())

    assert len(acts) >= 8
    assert {client.get(address).status_code for address in acts} == {405}
    for address in acts:
        client.post(address.replace("/1/", f"/{rita.pk}/"), {"reason": "because I want to", "role": "reviewer"})

    assert (
        list(Person.objects.values()),
        list(RoleGrant.objects.values()),
        list(PasswordReset.objects.values()),
    ) == before


def test_nothing_of_the_queue_or_of_other_packages_has_an_address() -> None:
    """A schedule of django-q2 runs any dotted path: neither its models nor axes' nor Django's own are reachable."""
    names = {str(key) for key in get_resolver().namespace_dict["admin"][1].reverse_dict if isinstance(key, str)}

    assert names
    assert not {name for name in names if name.startswith(("django_q", "axes", "auth_", "sessions", "contenttypes"))}


def test_no_guessed_address_of_another_package_answers(browse: Browse, make_person: MakePerson) -> None:
    """By GET and POST, for a superuser who holds every role."""
    give(make_person("superuser"), *Role)
    client = browse("superuser")
    addresses = [
        f"/admin/{app}/{page}"
        for app in ("django_q", "axes", "auth", "sessions", "contenttypes", "admin")
        for page in ("", *(f"{model}/{end}" for model in MODELS for end in ("", "add/", "1/change/", "1/delete/")))
    ]

    assert {client.get(address).status_code for address in addresses} == {404}
    assert {client.post(one, {"func": "os.system", "name": "x"}).status_code for one in addresses} == {404}
