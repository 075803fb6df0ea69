"""The editor of a policy draft: it warns before it costs a seat, and keeps what somebody typed when it is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from console.kernel.acts import Actor
from console.kernel.authority import Role
from console.tests.people import actor_with
from testruns import actions
from testruns.models import PolicyDraft
from testruns.tests.policies.test_policy_editing import rule_edit

pytestmark = pytest.mark.django_db


def client_of(actor: Actor) -> Client:
    client = Client()
    client.force_login(actor.person, backend="django.contrib.auth.backends.ModelBackend")
    return client


def text_of(response: Any) -> str:
    return str(response.content.decode())


def entered(page: Any, **changes: str) -> dict[str, str]:
    """What the form of a page would send, with changes."""
    form = page.context["form"]
    values = {name: str(form[name].value() if form[name].value() is not None else "") for name in form.fields}
    return values | {name.replace("_", "-", 1): value for name, value in changes.items()}


def test_a_refused_save_keeps_what_was_typed_and_shows_what_it_would_change(engineer: Actor) -> None:
    """Somebody else saved meanwhile: nothing is overwritten, nothing is lost, and the next save is a choice."""
    draft = actions.draft_policy(actor=engineer)
    address = reverse("admin:testruns_policy_draft_edit", args=[draft.pk])
    client = client_of(engineer)
    sent = entered(client.get(address), E03_threshold="444")
    other = rule_edit("E07", threshold=Decimal(50))
    actions.edit_draft(actor=actor_with(Role.ENGINEER), draft_id=draft.pk, version=draft.version, editing=other)

    refused = client.post(address, sent)

    page = text_of(refused)
    assert refused.status_code == 409
    assert "was changed meanwhile" in page
    assert 'value="444"' in page
    assert "What saving it now would change" in page
    before = PolicyDraft.objects.get().digest
    again = client.post(address, sent | {"version": str(PolicyDraft.objects.get().version)})
    assert again.status_code == 302
    assert PolicyDraft.objects.get().digest != before


@pytest.mark.parametrize(("roles", "is_warned"), [((Role.ENGINEER,), False), ((Role.ENGINEER, Role.REVIEWER), True)])
def test_the_editor_says_which_seat_a_change_costs(roles: tuple[Role, ...], is_warned: bool) -> None:
    """Before it is saved, and only to those who could sit there."""
    actor = actor_with(*roles)
    draft = actions.draft_policy(actor=actor)

    page = text_of(client_of(actor).get(reverse("admin:testruns_policy_draft_edit", args=[draft.pk])))

    assert ("After this you cannot be" in page) is is_warned
