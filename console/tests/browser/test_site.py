"""The one AdminSite: who gets in, what is registered, and that nothing in it can be edited."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.exceptions import ImproperlyConfigured
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import translation
from django.views.defaults import server_error

from console.admin.site import GatehouseSite
from console.kernel.authority import Role
from console.kernel.doors import ReadOnlyAdmin, Section, add_section, return_path
from console.kernel.models import AuditEntry, Person
from console.tests.browser.rows import make_judged_run
from console.tests.people import give
from testruns.models import GatePolicy, Run

Browse = Callable[[str], Client]
PAGES = (
    "/admin/",
    "/admin/testruns/run/",
    "/admin/testruns/run/request/",
    "/admin/testruns/run/import/",
    "/admin/testruns/gatepolicy/",
    "/admin/kernel/auditentry/",
    "/admin/journal/",
    "/admin/journal/accounts/",
    "/admin/password_change/",
    "/admin/tokens/",
    "/admin/tokens/create/",
)


@pytest.mark.django_db
@pytest.mark.parametrize("address", PAGES)
def test_every_page_asks_strangers_to_sign_in(address: str) -> None:
    """Without a session there is the sign-in page and nothing else."""
    response = Client().get(address)

    assert response.status_code == 302
    assert response.headers["Location"].startswith(reverse("admin:login"))


@pytest.mark.django_db
@pytest.mark.usefixtures("storage")
@pytest.mark.parametrize("role", ["engineer", "tester", "reviewer", "supervisor", "auditor", "administrator"])
@pytest.mark.parametrize("address", PAGES)
def test_every_role_reads_every_page(browse: Browse, role: str, address: str) -> None:
    """Reading is everybody's (governance.md 2)."""
    assert browse(role).get(address).status_code == 200


@pytest.mark.django_db
def test_a_person_without_a_role_reads_nothing_not_even_a_superuser(browse: Browse) -> None:
    """Being a superuser is not a role."""
    response = browse("superuser").get("/admin/")

    assert response.status_code == 302


def test_only_models_of_ours_are_registered_and_all_are_read_only() -> None:
    """Neither django-q's schedules nor axes' attempts nor groups can be reached, and no admin could change a row."""
    registered = admin.site._registry

    assert registered
    assert {model._meta.app_label for model in registered} <= {"kernel", "ledger", "testruns", "console"}
    assert all(isinstance(page, ReadOnlyAdmin) for page in registered.values())


def test_a_model_of_ours_without_a_read_only_admin_stops_the_import() -> None:
    """A later model cannot slip in with Django's own forms."""
    with pytest.raises(ImproperlyConfigured):
        GatehouseSite().register(Run, admin.ModelAdmin)


def test_a_model_of_another_app_is_left_out_in_silence() -> None:
    """Other packages register themselves; nothing of theirs is shown."""
    site = GatehouseSite()

    site.register(Group)

    assert not site._registry


def test_a_section_of_the_navigation_taken_twice_stops_the_import() -> None:
    """Two pages never fight for one place."""
    with pytest.raises(ValueError, match="registered twice"):
        add_section(Section(code="home", title="Home", icon="home", url_name="admin:index", order=1))


@pytest.mark.django_db
@pytest.mark.usefixtures("storage")
def test_nobody_adds_changes_or_deletes_rows_not_even_a_superuser_with_every_role(
    tester: Person, browse: Browse
) -> None:
    """Django's own add, change and delete addresses do not exist or refuse, by GET and by POST, in bulk too."""
    run = make_judged_run(person=tester)
    browse("superuser")
    person = Person.objects.get(username="superuser")
    give(person, *Role)
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    entry = AuditEntry.objects.latest("index")
    before = (Run.objects.count(), AuditEntry.objects.count(), GatePolicy.objects.count())
    policy = GatePolicy.objects.get(code="shipped")

    answers = [
        client.post(address, {"action": "delete_selected", "_selected_action": key, "post": "yes"}).status_code
        for model, key in (
            ("testruns/run", run.pk),
            ("kernel/auditentry", entry.pk),
            ("testruns/gatepolicy", policy.pk),
        )
        for address in (
            f"/admin/{model}/add/",
            f"/admin/{model}/{key}/delete/",
            f"/admin/{model}/{key}/history/",
        )
    ]
    client.post("/admin/kernel/auditentry/", {"action": "delete_selected", "_selected_action": entry.pk, "post": "yes"})
    client.post(f"/admin/testruns/gatepolicy/{policy.pk}/change/", {"code": "mine", "number": "9"})

    assert set(answers) <= {403, 404}
    assert (Run.objects.count(), AuditEntry.objects.count(), GatePolicy.objects.count()) == before
    policy.refresh_from_db()
    assert policy.code == "shipped"


@pytest.mark.django_db
def test_an_audit_entry_shows_who_did_what_with_before_and_after(browse: Browse) -> None:
    """Signing in above left an entry; its page names person, act and hash."""
    client = Client()
    person = Person.objects.create_user(username="anna", password="a-long-enough-passphrase", printed_name="Anna A.")
    give(person, Role.AUDITOR)
    client.post("/admin/login/", {"username": "anna", "password": "a-long-enough-passphrase"})
    entry = AuditEntry.objects.latest("index")

    page = browse("auditor").get(f"/admin/kernel/auditentry/{entry.pk}/change/").content.decode()

    assert "Anna A." in page
    assert entry.act in page
    assert entry.hash[:12] in page


@pytest.mark.django_db
def test_the_language_switch_is_kept_with_the_person_and_the_browser(browse: Browse) -> None:
    """After the switch the page is German; a second browser of the same person is German too."""
    client = browse("tester")

    client.post("/language/", {"language": "de", "_from": "/admin/"})

    assert "Läufe" in client.get("/admin/").content.decode()
    assert "Läufe" in browse("tester").get("/admin/").content.decode()


@pytest.mark.django_db
def test_a_language_nobody_speaks_here_changes_nothing(browse: Browse) -> None:
    """Only the languages of the settings are accepted."""
    client = browse("tester")

    client.post("/language/", {"language": "xx"})

    assert Person.objects.get(username="tester").language == ""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/admin/testruns/run/7/", "/admin/testruns/run/7/"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example/", "/"),
        ("/\\elsewhere.example", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_a_form_returns_only_to_a_path_of_this_console(path: str, expected: str) -> None:
    """What a form says about where it came from never leads to another host."""
    request = RequestFactory().post("/", {"_from": path})

    assert return_path(request, fallback="/") == expected


@pytest.mark.django_db
def test_a_form_without_a_token_is_refused_in_our_design(tester: Person) -> None:
    """CSRF is enforced, and the answer says what to do."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(tester, backend="django.contrib.auth.backends.ModelBackend")

    response = client.post("/admin/testruns/run/request/full/")

    assert response.status_code == 403
    assert "This form is not valid any more" in response.content.decode()
    assert not Run.objects.exists()


@pytest.mark.django_db
def test_every_page_says_so_while_there_is_one_administrator(browse: Browse) -> None:
    """With a second administrator the sentence goes away."""
    client = browse("administrator")
    alone = client.get("/admin/").content.decode()

    second = Person.objects.create_user(username="second")
    give(second, Role.ADMINISTRATOR)

    assert "This installation has one administrator." in alone
    assert "This installation has one administrator." not in client.get("/admin/").content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "heading"), [("en", "Something went wrong here"), ("de", "Hier ist etwas")])
def test_an_error_of_the_server_is_said_in_our_design_and_language(language: str, heading: str) -> None:
    """The page needs nothing of the request, so it can be shown when everything else failed."""
    with translation.override(language):
        response = server_error(RequestFactory().get("/admin/"))

    assert response.status_code == 500
    assert heading in response.content.decode()


@pytest.mark.django_db
def test_guessing_passwords_ends_at_a_page_that_says_so() -> None:
    """After five wrong passwords even the right one is refused for a while."""
    Person.objects.create_user(username="anna", password="a-long-enough-passphrase")
    client = Client()

    answers = [client.post("/admin/login/", {"username": "anna", "password": "wrong"}) for _ in range(6)]

    assert answers[-1].status_code == 429
    assert "Too many attempts" in answers[-1].content.decode()
