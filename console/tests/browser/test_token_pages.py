"""The pages of tokens: one's own, those of services, and a secret that is shown once."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from console.kernel.authority import Role
from console.kernel.models import ApiToken, AuditEntry, Person
from console.tests.api_client import ApiClient

pytestmark = pytest.mark.django_db
TOKENS = "/admin/tokens/"
FIELDS = {"name": "CI of the ledger", "scopes": ["runs:read", "runs:write"], "days": "30"}
Browse = Callable[[str], Client]
MakePerson = Callable[[str], Person]


def secrets_in(page: str) -> list[str]:
    """The token and its signing secret, as a page shows them."""
    return re.findall(r'<code class="half">(\S+)</code>', page)


def make(client: Client) -> ApiToken:
    """Post the form; the newest token."""
    assert client.post(f"{TOKENS}create/", FIELDS).status_code == 200
    return ApiToken.objects.latest("pk")


@pytest.mark.parametrize("role", [role.value for role in Role])
def test_everybody_makes_a_token_and_sees_it_once(browse: Browse, role: str) -> None:
    """It opens the API; the list shows its prefix alone, and no cache keeps the page that showed it."""
    client = browse(role)

    shown = client.post(f"{TOKENS}create/", FIELDS)

    text, signing_secret = secrets_in(shown.content.decode())
    listed = client.get(TOKENS).content.decode()
    assert "no-store" in shown.headers["Cache-Control"]
    assert ApiClient(text).read("token/").json()["person"] == role
    assert signing_secret == ApiToken.objects.get().signing_secret
    assert f"gh_{ApiToken.objects.get().prefix}_…" in listed
    assert not any(secret in listed for secret in (text, signing_secret))


def test_a_service_token_by_somebody_who_is_no_administrator_is_forbidden(browse: Browse) -> None:
    """Not a mistake in the form: 403, and nothing is made."""
    refused = browse("tester").post(f"{TOKENS}create-for-service/", FIELDS)

    assert refused.status_code == 403
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"name": ""}, "This field is required."),
        ({"scopes": []}, "This field is required."),
        ({"scopes": ["sign:everything"]}, "is not one of the available choices"),
        ({"days": "367"}, "less than or equal to 366"),
        ({"name": "bell\a"}, "say where the token is used"),
    ],
)
def test_a_form_with_a_mistake_makes_nothing_and_says_which(browse: Browse, change: dict[str, str], text: str) -> None:
    """And keeps what was typed."""
    shown = browse("tester").post(f"{TOKENS}create/", FIELDS | change)

    assert shown.status_code == 422
    assert text in shown.content.decode()
    assert not ApiToken.objects.exists()


def test_the_form_of_services_is_for_administrators(browse: Browse, make_person: MakePerson) -> None:
    """Others read why its button is disabled, and are refused when they send it all the same."""
    fields = FIELDS | {"person_id": str(make_person("tester").pk)}
    page = browse("supervisor").get(f"{TOKENS}create-for-service/").content.decode()

    made = browse("administrator").post(f"{TOKENS}create-for-service/", fields).content.decode()

    assert "This takes one of these roles: administrator." in page
    assert ApiClient(secrets_in(made)[0]).read("token/").json()["person"] == "tester"
    assert "service" in browse("tester").get(TOKENS).content.decode()
    refused = browse("supervisor").post(f"{TOKENS}create-for-service/", fields).content.decode()
    assert "It takes one of these roles: administrator." in refused
    assert ApiToken.objects.count() == 1


def test_a_token_is_rotated_and_revoked_from_the_list(browse: Browse) -> None:
    """The old one opens nothing from then on; each act is on record."""
    client = browse("tester")
    token = make(client)

    text = secrets_in(client.post(f"{TOKENS}{token.pk}/rotate/").content.decode())[0]
    new = ApiToken.objects.latest("pk")
    assert ApiClient(text).read("token/").status_code == 200
    answer = client.post(f"{TOKENS}{new.pk}/revoke/", follow=True).content.decode()

    assert f"The token gh_{new.prefix} is revoked." in answer
    assert ApiClient(text).read("token/").status_code == 401
    assert list(AuditEntry.objects.filter(act__startswith="token.").values_list("act", flat=True)[:3]) == [
        "token.authenticate",
        "token.revoke",
        "token.rotate",
    ]


def test_an_administrator_sees_everybodys_tokens_and_revokes_but_does_not_rotate_them(browse: Browse) -> None:
    """Whoever rotates sees the secret."""
    token = make(browse("tester"))
    administrator = browse("administrator")
    listed = administrator.get(TOKENS).content.decode()

    refused = administrator.post(f"{TOKENS}{token.pk}/rotate/", follow=True).content.decode()

    assert f"gh_{token.prefix}_…" in listed
    assert f"{TOKENS}{token.pk}/rotate/" not in listed
    assert "only they can do this" in refused
    assert administrator.post(f"{TOKENS}{token.pk}/revoke/").status_code == 302
    assert ApiToken.objects.get().revoked_at is not None
    assert f"gh_{token.prefix}_…" not in browse("supervisor").get(TOKENS).content.decode()


def test_a_get_changes_nothing(browse: Browse) -> None:
    """A link cannot revoke."""
    client = browse("tester")
    token = make(client)

    for act in ("rotate", "revoke"):
        assert client.get(f"{TOKENS}{token.pk}/{act}/").status_code == 405
    assert ApiToken.objects.get().revoked_at is None
