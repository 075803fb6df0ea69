"""Tokens: their text, who may make, rotate and revoke them, and that no token does what takes a person."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from console import actions
from console.actions.refusals import NotYours
from console.kernel import tokens
from console.kernel.acts import Actor
from console.kernel.authority import AUTHORITY, TOKEN_SCOPES, Act, Role
from console.kernel.errors import InvalidInput, NotAllowed, ScopeMissing, SigningNeedsPerson, TokenNeverDoes, WrongState
from console.kernel.models import ApiToken, AuditEntry
from console.kernel.row_digests import wrong_rows
from console.kernel.scopes import READ_SCOPES, SCOPE_LABELS, Scope
from console.tests.people import actor_with, person_with
from console.tests.test_authority_at_every_action import ACTIONS, call

pytestmark = pytest.mark.django_db
ENTRIES_OF_TOKENS = {"token.create", "token.create_for_service", "token.rotate", "token.revoke"}


def make(actor: Actor, **fields: Any) -> actions.MadeToken:
    """A token of the actor."""
    given: dict[str, Any] = {"name": "CI of the ledger", "scopes": ["runs:read", "runs:write"], "days": 30} | fields
    return actions.create_token(actor=actor, **given)


def test_a_token_has_256_bits_and_is_stored_without_them() -> None:
    """The visible prefix finds it; the row holds the digest alone."""
    actor = actor_with(Role.TESTER)

    made = make(actor)

    assert re.fullmatch(r"gh_[A-Za-z0-9]{8}_[A-Za-z0-9]{43}", made.text)
    assert tokens.prefix_of(made.text) == made.token.prefix
    secret = made.text.split("_")[2]
    assert all(secret not in str(value) for value in ApiToken.objects.values().get().values())
    assert all(secret not in entry.after for entry in AuditEntry.objects.all())
    assert tokens.is_token(made.text, digest=made.token.digest)
    assert not tokens.is_token(made.text[:-1] + "!", digest=made.token.digest)


def test_a_thousand_tokens_are_a_thousand_different_ones() -> None:
    """Neither prefix nor secret repeats."""
    made = [tokens.new_token() for _ in range(1000)]

    assert len({one.prefix for one in made}) == len({one.text for one in made}) == 1000


@pytest.mark.parametrize(
    "text", ["", "gh_", "gh_short_x", "x" * 55, "gh_abcdefgh_" + "ß" * 43, "gh_abcdefgh_" + "a" * 44]
)
def test_a_text_without_the_shape_of_a_token_has_no_prefix(text: str) -> None:
    """So it is never looked up."""
    assert tokens.prefix_of(text) == ""


def test_the_signing_secret_follows_from_the_installations_key() -> None:
    """Another installation, or another token, has another one."""
    secret = tokens.signing_secret(prefix="abcdefgh", key="k")

    assert re.fullmatch(r"ghs_[0-9a-f]{64}", secret)
    assert secret == tokens.signing_secret(prefix="abcdefgh", key="k")
    assert secret != tokens.signing_secret(prefix="abcdefgh", key="l")
    assert secret != tokens.signing_secret(prefix="abcdefgi", key="k")


@pytest.mark.parametrize("changed", ["secret", "timestamp", "nonce", "method", "target", "body"])
def test_a_signature_covers_every_part_of_a_request(changed: str) -> None:
    """Whatever is altered, the signature is another one."""
    parts: dict[str, Any] = {
        "secret": "s", "timestamp": "1", "nonce": "n" * 16, "method": "POST", "target": "/a?b=1", "body": b"{}",
    }  # fmt: skip

    altered = parts | {changed: parts[changed] * 2}

    assert tokens.signature_of(**parts) != tokens.signature_of(**altered)


def test_the_signature_of_a_request_is_this_one_for_ever() -> None:
    """Clients compute it themselves, so its bytes never change."""
    signature = tokens.signature_of(
        secret="ghs_00",
        timestamp="1790000000",
        nonce="0123456789abcdef",
        method="POST",
        target="/api/v1/runs/",
        body=b"{}",
    )

    assert signature == "v1=49c52e8b12794e295c4b136f698a66eed047a9241d92b1f9de2eb5cdff513049"


@pytest.mark.parametrize("role", list(Role))
def test_everybody_makes_tokens_for_themselves(role: Role) -> None:
    """Audited, bound to the chain, and acting for nobody else."""
    actor = actor_with(role)

    token = make(actor, is_signed_only=True).token

    entry = AuditEntry.objects.latest("index")
    assert (entry.act, entry.object, entry.actor) == ("token.create", f"token:{token.pk}", actor.label)
    assert token.person == token.created_by == actor.person
    assert token.is_signed_only and not token.is_service
    assert not [row for row in wrong_rows() if "apitoken" in row.row]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "bell\a"}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["runs:read", "sign:everything"]}, "scopes"),
        ({"days": 0}, "days"),
        ({"days": 367}, "days"),
    ],
)
def test_a_token_without_name_scope_or_end_is_refused(fields: dict[str, Any], field: str) -> None:
    """And leaves nothing but the entry of the refusal."""
    with pytest.raises(InvalidInput) as refusal:
        make(actor_with(Role.TESTER), **fields)

    assert refusal.value.params["field"] == field
    assert not ApiToken.objects.exists()


def test_an_administrator_makes_a_token_for_a_service_that_acts_for_a_person() -> None:
    """Nobody else may; the person sees it among theirs, and may revoke it."""
    administrator, person = actor_with(Role.ADMINISTRATOR), person_with(Role.TESTER)
    fields: dict[str, Any] = {"person_id": person.pk, "name": "Nightly", "scopes": ["runs:write"], "days": 7}

    token = actions.create_service_token(actor=administrator, **fields).token

    assert (token.person, token.created_by, token.is_service) == (person, administrator.person, True)
    with pytest.raises(NotAllowed):
        actions.create_service_token(actor=actor_with(Role.SUPERVISOR), **fields)
    assert actions.revoke_token(actor=Actor(person=person, via="console"), token_id=token.pk).revoked_by == person


def test_a_rotated_token_ends_and_the_new_one_opens_the_same() -> None:
    """The new one names which it replaces."""
    actor = actor_with(Role.TESTER)
    old = make(actor, days=30).token

    made = actions.rotate_token(actor=actor, token_id=old.pk)

    old.refresh_from_db()
    assert old.revoked_at is not None
    assert (made.token.replaces, made.token.scopes, made.token.name) == (old, old.scopes, old.name)
    assert made.token.expires_at - made.token.created_at == timedelta(days=30)
    assert f'"replaced":"{old.prefix}"' in AuditEntry.objects.latest("index").after
    assert not [row for row in wrong_rows() if "apitoken" in row.row]


def test_nobody_rotates_a_token_of_somebody_else() -> None:
    """Whoever rotates sees the secret: an administrator would act as another person. They revoke instead."""
    administrator, token = actor_with(Role.ADMINISTRATOR), make(actor_with(Role.TESTER)).token

    for actor in (administrator, actor_with(Role.TESTER)):
        with pytest.raises(NotYours):
            actions.rotate_token(actor=actor, token_id=token.pk)
    with pytest.raises(NotYours):
        actions.revoke_token(actor=actor_with(Role.SUPERVISOR), token_id=token.pk)
    assert actions.revoke_token(actor=administrator, token_id=token.pk).revoked_by == administrator.person


def test_the_person_behind_a_service_does_not_get_its_secret() -> None:
    """A service's token is rotated by administrators."""
    administrator, person = actor_with(Role.ADMINISTRATOR), actor_with(Role.TESTER)
    token = actions.create_service_token(
        actor=administrator, person_id=person.person.pk, name="Nightly", scopes=["runs:write"], days=7
    ).token

    with pytest.raises(NotYours):
        actions.rotate_token(actor=person, token_id=token.pk)
    assert actions.rotate_token(actor=administrator, token_id=token.pk).token.is_service


def test_a_token_that_ended_is_neither_rotated_nor_revoked() -> None:
    """Revoked, or expired."""
    actor = actor_with(Role.TESTER)
    revoked, now = make(actor).token, timezone.now()
    actions.revoke_token(actor=actor, token_id=revoked.pk)
    expired = ApiToken.objects.create(
        person=actor.person,
        name="old",
        prefix="abcdefgh",
        digest="0" * 64,
        scopes="runs:read",
        created_by=actor.person,
        created_at=now - timedelta(days=2),
        expires_at=now - timedelta(days=1),
    )

    for token in (revoked, expired):
        for act in (actions.rotate_token, actions.revoke_token):
            with pytest.raises(WrongState):
                act(actor=actor, token_id=token.pk)


def test_the_database_keeps_what_a_token_is() -> None:
    """Nobody widens, extends, revives, hands over or deletes one, not even by SQL."""
    actor = actor_with(Role.TESTER)
    token = actions.revoke_token(actor=actor, token_id=make(actor).token.pk)
    row = ApiToken.objects.filter(pk=token.pk)
    changes: list[dict[str, Any]] = [
        {"scopes": "credits:write"},
        {"expires_at": token.expires_at + timedelta(days=1)},
        {"revoked_at": None, "revoked_by": None},
        {"person": person_with()},
        {"digest": "0" * 64},
        {"is_signed_only": True},
    ]

    for change in changes:
        with pytest.raises(IntegrityError), transaction.atomic():
            row.update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        row.delete()


def test_a_deactivated_persons_tokens_are_revoked_for_good() -> None:
    """Also after they come back."""
    administrator, actor = actor_with(Role.ADMINISTRATOR), actor_with(Role.TESTER)
    token = make(actor).token
    reason = "left the company today"
    actor_with(Role.ADMINISTRATOR)

    actions.deactivate_person(actor=administrator, person_id=actor.person.pk, reason=reason)
    actions.reactivate_person(actor=administrator, person_id=actor.person.pk, reason="came back after all")

    token.refresh_from_db()
    assert token.revoked_by == administrator.person
    assert not [row for row in wrong_rows() if "apitoken" in row.row]


def test_no_token_signs_decides_activates_approves_or_makes_tokens() -> None:
    """The whole table of acts: what a token may do is listed, everything else takes a person."""
    assert set(TOKEN_SCOPES) == {
        Act.READ,
        Act.REQUEST_RUN,
        Act.CANCEL_RUN,
        Act.ATTEMPT_AGAIN,
        Act.IMPORT_RESULTS,
        Act.MOVE_CREDITS,
        Act.REQUEST_LEDGER_APPROVAL,
    }
    assert TOKEN_SCOPES[Act.READ] == READ_SCOPES
    assert all(TOKEN_SCOPES.values())
    assert set(SCOPE_LABELS) == set(Scope)


@pytest.mark.parametrize(("name", "act"), ACTIONS)
def test_every_action_refuses_a_token_unless_the_table_names_its_scope(name: str, act: Act) -> None:
    """With every role and every scope where the table has no row; with every other scope where it has one."""
    person, wanted = person_with(*Role), TOKEN_SCOPES.get(act, frozenset())
    token = Actor(person=person, via="api", token_id=1, scopes=frozenset(Scope) - wanted)
    before = AuditEntry.objects.count()

    with pytest.raises(ScopeMissing if wanted else (TokenNeverDoes, SigningNeedsPerson)):
        call(name, token)

    entry = AuditEntry.objects.latest("index")
    assert AuditEntry.objects.count() == before + 1
    assert (entry.actor, entry.via, entry.outcome) == (f"token:1:user:{person.pk}", "api", "refused")


def test_a_scope_does_not_replace_a_role() -> None:
    """A token of somebody who may not do it themselves may not either."""
    auditor = person_with(Role.AUDITOR)
    name = next(name for name, act in ACTIONS if act is Act.CANCEL_RUN)

    with pytest.raises(NotAllowed):
        call(name, Actor(person=auditor, via="api", token_id=1, scopes=frozenset(Scope)))
    assert Role.AUDITOR not in AUTHORITY[Act.CANCEL_RUN]
