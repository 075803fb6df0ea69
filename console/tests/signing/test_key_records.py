"""The signing key on record: created, rotated, published, and slipped-in ones shown."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from console import signing_keys
from console.actions.keys import create_signing_key, rotate_signing_key
from console.certificates import known_keys, trusted_keys
from console.kernel.authority import Role
from console.kernel.errors import NotAllowed
from console.kernel.models import AuditEntry
from console.supervisor.preparation import prepare_signing_key
from console.tests.people import actor_with, person_with

pytestmark = pytest.mark.django_db
WELL_KNOWN = "/.well-known/gatehouse-keys.json"


@pytest.fixture
def keys(settings: Settings, tmp_path: Path) -> Path:
    """A storage without keys."""
    settings.STORAGE = tmp_path
    return tmp_path / "keys"


def test_the_first_start_creates_the_key_and_later_ones_only_look(keys: Path) -> None:
    """The audit chain names it once; the person at the terminal is told once."""
    said: list[str] = []

    prepare_signing_key(say=said.append)
    prepare_signing_key(say=said.append)

    [key_id] = signing_keys.public_keys(directory=keys)
    assert said == [f"Created the signing key {key_id}."]
    assert known_keys() == {key_id}
    assert AuditEntry.objects.filter(act="keys.kept").count() == 1


def test_a_lost_key_is_said_at_the_start(keys: Path) -> None:
    """The console starts without it; nobody makes a new one behind the people's back."""
    prepare_signing_key(say=lambda _: None)
    (keys / "signing.pem").unlink()
    said: list[str] = []

    prepare_signing_key(say=said.append)

    assert len(said) == 1
    assert "rotate_signing_key" in said[0]
    assert not (keys / "signing.pem").exists()


def test_a_slipped_in_public_half_is_not_trusted_and_shows_in_the_audit_chain(
    keys: Path, tmp_path: Path, client: Client
) -> None:
    """Whoever puts a key of their own there gains nothing before the next start, and leaves a trace at it."""
    create_signing_key()
    theirs = signing_keys.create_first(directory=tmp_path / "theirs")
    (tmp_path / "theirs/public" / f"{theirs}.pem").rename(keys / "public" / f"{theirs}.pem")

    assert theirs not in trusted_keys()
    assert theirs not in client.get(WELL_KNOWN).content.decode()
    create_signing_key()

    entry = AuditEntry.objects.get(object=f"key:{theirs}")
    assert (entry.act, json.loads(entry.after)) == ("keys.kept", {"created": False})


def test_a_rotation_is_an_administrators_act_on_record(keys: Path) -> None:
    """Old and new key stand in the audit chain; nobody else may."""
    first = create_signing_key()
    for role in set(Role) - {Role.ADMINISTRATOR}:
        with pytest.raises(NotAllowed):
            rotate_signing_key(actor=actor_with(role))
    assert list(signing_keys.public_keys(directory=keys)) == [first]

    rotation = rotate_signing_key(actor=actor_with(Role.ADMINISTRATOR))

    entry = AuditEntry.objects.get(act="keys.rotate", outcome="done")
    assert entry.object == f"key:{rotation.after}"
    assert json.loads(entry.before) == {"key": first}
    assert known_keys() == {first, rotation.after}


def test_the_command_rotates_in_the_name_of_an_administrator(keys: Path) -> None:
    """A superuser without the role is refused like everybody; so is a login that nobody has."""
    create_signing_key()
    administrator, superuser = person_with(Role.ADMINISTRATOR), person_with(is_superuser=True)
    out = StringIO()

    call_command("rotate_signing_key", "--as", administrator.username, stdout=out)

    assert out.getvalue().count("\n") == 2
    assert len(signing_keys.public_keys(directory=keys)) == 2
    with pytest.raises(CommandError, match="administrator"):
        call_command("rotate_signing_key", "--as", superuser.username)
    with pytest.raises(CommandError, match="nobody-here"):
        call_command("rotate_signing_key", "--as", "nobody-here")


def test_everybody_can_fetch_the_public_keys_and_keep_them_a_while(keys: Path, client: Client) -> None:
    """No login, only GET, cacheable, and never a private half."""
    first = create_signing_key()

    answer = client.get(WELL_KNOWN)

    assert answer.status_code == 200
    assert [one["keyid"] for one in answer.json()["keys"]] == [first]
    assert answer.json()["keys"][0]["in_use"] is True
    assert "public" in answer["Cache-Control"]
    assert "max-age=300" in answer["Cache-Control"]
    assert b"PRIVATE" not in answer.content
    assert client.post(WELL_KNOWN).status_code == 405


def test_before_the_first_key_the_list_is_empty(keys: Path, client: Client) -> None:
    """An empty list, not an error."""
    assert client.get(WELL_KNOWN).json() == {"keys": []}
