"""The logins of a fresh installation: one person per role, `admin` as the only administrator, random passwords."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from console.kernel import audit
from console.kernel.acts import Actor
from console.kernel.authority import ROLE_LABELS, Act, Role
from console.kernel.models import Person, RoleGrant

FILE_NAME = "first-login.txt"
LOGINS = (
    ("engineer", Role.ENGINEER),
    ("tester", Role.TESTER),
    ("reviewer", Role.REVIEWER),
    ("supervisor", Role.SUPERVISOR),
    ("auditor", Role.AUDITOR),
    ("admin", Role.ADMINISTRATOR),
)
_PASSWORD_BYTES = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstLogin:
    """A login made at installation, with the password that is shown once."""

    username: str
    role: Role
    password: str


def create_first_logins(*, storage: Path) -> tuple[FirstLogin, ...]:
    """Create the first logins if there is no person yet, and keep them in `storage`/first-login.txt (mode 0600).

    Returns what was created; nothing when people exist. The file is written before the transaction ends, so a login
    whose password nobody knows cannot be left behind.
    """
    with transaction.atomic():
        if Person.objects.exists():
            return ()
        logins = tuple(
            FirstLogin(username=username, role=role, password=secrets.token_urlsafe(_PASSWORD_BYTES))
            for username, role in LOGINS
        )
        for login in logins:
            _create_person(login)
        _write(path=storage / FILE_NAME, logins=logins)
    return logins


def _create_person(login: FirstLogin) -> None:
    is_administrator = login.role is Role.ADMINISTRATOR
    person = Person.objects.create_user(
        username=login.username,
        password=login.password,
        printed_name=ROLE_LABELS[login.role].capitalize(),
        is_staff=True,
        is_superuser=is_administrator,
    )
    now = timezone.now()
    grant = RoleGrant.objects.create(person=person, role=login.role.value, proposed_at=now, confirmed_at=now)
    audit.record(
        actor=Actor(person=person, via="installation"),
        act=Act.MANAGE_PEOPLE,
        object=f"person:{person.pk}",
        after={"username": login.username, "roles": [login.role.value], "note": "at installation"},
        rows=(person, grant),
    )


def _write(*, path: Path, logins: tuple[FirstLogin, ...]) -> None:
    """Replace the file atomically; it is never readable by others, not even while it is written."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write("Gatehouse: the first logins. Each person sets an own password, then delete this file.\n\n")
        file.writelines(f"{login.username:<12}{login.password}\n" for login in logins)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
