"""The authority table at the actions themselves, which every door goes through: forms, bulk, commands, shell, API."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import Any

import pytest

from console.kernel.acts import Actor, actions
from console.kernel.authority import Act, Role, may
from console.kernel.errors import NotAllowed, PersonInactive
from console.kernel.models import AuditEntry, Person
from console.tests.people import PASSWORD, person_with
from console.tests.source_files import name_of, python_files, text_of

pytestmark = pytest.mark.django_db

for _path in python_files(tests=False):
    if "@action(" in text_of(_path) or "@signed_action(" in text_of(_path):
        importlib.import_module(name_of(_path).removesuffix(".py").replace("/", "."))

ACTIONS = sorted((name, act) for name, (_call, act) in actions().items() if ".tests." not in name)


class Anything:
    """An argument that can be named in any way; no action gets as far as to look at it."""

    def __getattr__(self, name: str) -> Anything:
        return self

    def __str__(self) -> str:
        return "7"


def call(name: str, actor: Actor) -> None:
    """Call an action as the shell can, with something for every argument."""
    function, _act = actions()[name]
    parameters = inspect.signature(inspect.unwrap(function)).parameters.values()
    arguments: dict[str, Any] = {one.name: Anything() for one in parameters if one.name not in ("actor", "signed")}
    if "signed" in [one.name for one in parameters]:
        arguments["password"] = PASSWORD
    function(actor=actor, **arguments)


def refuses(refusal: type[Exception], work: Callable[[], None], *, act: Act) -> None:
    """Assert the refusal, and that its audit entry is the only trace."""
    before = AuditEntry.objects.count()

    with pytest.raises(refusal):
        work()

    entry = AuditEntry.objects.latest("index")
    assert AuditEntry.objects.count() == before + 1
    assert (entry.act, entry.outcome) == (act.value, "refused")


def test_the_actions_are_found() -> None:
    """A table over nothing would prove nothing."""
    acts = {act for _name, act in ACTIONS}

    assert len(ACTIONS) >= 30
    assert acts >= {Act.REQUEST_RUN, Act.DECIDE_RELEASE, Act.CONFIRM_ROLE, Act.ACTIVATE_POLICY}


@pytest.mark.parametrize(("name", "act"), ACTIONS)
def test_every_action_refuses_every_role_that_the_table_does_not_name(name: str, act: Act) -> None:
    """Also a superuser with that role, also an administrator; before it looks at anything it was handed."""
    for role in Role:
        if not may(act=act, roles={role}):
            actor = Actor(person=person_with(role, is_superuser=True), via="console")
            refuses(NotAllowed, lambda actor=actor: call(name, actor), act=act)  # type: ignore[misc]  # bound here


@pytest.mark.parametrize(("name", "act"), ACTIONS)
def test_every_action_refuses_nobody_and_whoever_left(name: str, act: Act) -> None:
    """Without a role nothing is allowed; a deactivated person is refused with every role."""
    nobody = Actor(person=person_with(), via="console")
    gone = Actor(person=person_with(*Role), via="console")
    Person.objects.filter(pk=gone.person.pk).update(is_active=False)

    refuses(NotAllowed, lambda: call(name, nobody), act=act)
    refuses(PersonInactive, lambda: call(name, gone), act=act)
