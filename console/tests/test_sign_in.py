"""Signing in: throttled, audited, never leading off the site; and what browsers are told."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from console.kernel.authority import Role
from console.kernel.models import AuditEntry, Person
from console.tests.people import PASSWORD, person_with

pytestmark = pytest.mark.django_db
LOGIN = "/admin/login/"


def sign_in(client: Client, person: Person, *, password: str = PASSWORD, then: str = "/admin/") -> int:
    """Post the login form; returns the status."""
    return client.post(LOGIN, {"username": person.username, "password": password, "next": then}).status_code


def test_the_right_password_opens_the_console(client: Client) -> None:
    """And the chain says who signed in."""
    person = person_with(Role.TESTER)

    assert sign_in(client, person) == 302
    assert client.get("/admin/").status_code == 200
    assert AuditEntry.objects.get(act="person.signed_in").actor == f"user:{person.pk}"


def test_signing_out_is_in_the_chain(client: Client) -> None:
    """Both ends of a session are on record."""
    person = person_with(Role.TESTER)
    sign_in(client, person)

    client.post(reverse("admin:logout"))

    assert AuditEntry.objects.get(act="person.signed_out").actor == f"user:{person.pk}"


def test_every_page_asks_for_a_sign_in(client: Client) -> None:
    """Nobody reads anything without one."""
    assert client.get("/", follow=True).redirect_chain[-1][0].startswith(LOGIN)


def test_after_five_wrong_passwords_even_the_right_one_is_refused_for_a_while(client: Client) -> None:
    """Guessing is throttled by name and address, with an answer that says so (429)."""
    person = person_with(Role.TESTER)

    statuses = [sign_in(client, person, password="wrong") for _ in range(5)]

    assert statuses[:4] == [200, 200, 200, 200]
    assert statuses[4] == 429
    assert sign_in(client, person) == 429
    assert client.get("/admin/").status_code == 302


def test_somebody_else_is_not_locked_out_with_them(client: Client) -> None:
    """Five wrong passwords for one name do not touch another."""
    victim, bystander = person_with(Role.TESTER), person_with(Role.TESTER)
    for _ in range(5):
        sign_in(client, victim, password="wrong")

    assert sign_in(client, bystander) == 302


def test_a_success_forgets_the_failures_before(client: Client) -> None:
    """A person who mistypes now and then is never locked out."""
    person = person_with(Role.TESTER)
    for _ in range(3):
        for _ in range(3):
            sign_in(client, person, password="wrong")
        assert sign_in(client, person) == 302
        client.logout()


def test_failures_fill_the_chain_with_one_entry_a_minute_at_most(client: Client) -> None:
    """Who floods the login page does not flood the audit chain; the password tried is never kept."""
    person = person_with(Role.TESTER)

    for _ in range(4):
        sign_in(client, person, password="wrong-but-secret")

    entries = AuditEntry.objects.filter(act="person.sign_in", outcome="refused")
    assert entries.count() == 1
    assert person.username in entries[0].after
    assert "wrong-but-secret" not in entries[0].after


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"]
)
def test_next_never_leads_off_the_site(client: Client, target: str) -> None:
    """A link with a foreign `next` ends on our own first page."""
    answer = client.post(LOGIN, {"username": person_with(Role.TESTER).username, "password": PASSWORD, "next": target})

    assert answer.status_code == 302
    assert answer.headers["Location"] == "/admin/"


def test_a_deactivated_person_cannot_sign_in(client: Client) -> None:
    """Leaving takes effect at once."""
    person = person_with(Role.TESTER)
    Person.objects.filter(pk=person.pk).update(is_active=False)

    assert sign_in(client, person) == 200
    assert client.get("/admin/").status_code == 302


def test_browsers_may_load_nothing_but_our_own_files(client: Client) -> None:
    """The content security policy starts at nothing; no inline script or style, no framing, no foreign form target."""
    policy = client.get(LOGIN).headers["Content-Security-Policy"]

    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives.pop("default-src") == "'none'"
    assert directives.pop("frame-ancestors") == "'none'"
    assert directives.pop("base-uri") == "'none'"
    assert set(directives.values()) == {"'self'"}
    assert {"script-src", "style-src", "form-action"} <= set(directives)


def test_pages_are_neither_framed_nor_sniffed_and_leak_no_address(client: Client) -> None:
    """The other headers that browsers obey."""
    headers = client.get(LOGIN).headers

    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_cookies_are_kept_from_scripts_and_from_other_sites(client: Client) -> None:
    """Session and form token are HttpOnly and SameSite."""
    client.get(LOGIN)
    sign_in(client, person_with(Role.TESTER))

    assert {"gatehouse_session", "gatehouse_csrf"} <= set(client.cookies)
    for name in ("gatehouse_session", "gatehouse_csrf"):
        assert client.cookies[name]["httponly"]
        assert client.cookies[name]["samesite"] == "Lax"


def test_a_form_without_its_token_is_refused() -> None:
    """Another site cannot post in somebody's name."""
    strict = Client(enforce_csrf_checks=True)

    assert sign_in(strict, person_with(Role.TESTER)) == 403


def test_an_own_password_is_set_through_the_audited_action(client: Client) -> None:
    """The person stays signed in, the password is marked as their own, and the chain holds the act but no secret."""
    person = person_with(Role.TESTER)
    client.force_login(person)

    answer = client.post(
        reverse("admin:password_change"),
        {"old_password": PASSWORD, "new_password1": "correct horse battery", "new_password2": "correct horse battery"},
    )

    person.refresh_from_db()
    entry = AuditEntry.objects.get(act="people.set_own_password")
    assert answer.status_code == 302
    assert person.check_password("correct horse battery")
    assert person.password_is_own
    assert client.get("/admin/").status_code == 200
    assert "horse" not in entry.before + entry.after


@pytest.mark.parametrize("weak", ["short", "123456789012345", "password1234"])
def test_a_weak_password_is_refused(client: Client, weak: str) -> None:
    """At least twelve characters, not all digits, not among the common ones."""
    person = person_with(Role.TESTER)
    client.force_login(person)

    answer = client.post(
        reverse("admin:password_change"), {"old_password": PASSWORD, "new_password1": weak, "new_password2": weak}
    )

    person.refresh_from_db()
    assert answer.status_code == 200
    assert person.check_password(PASSWORD)
