"""What tests of the sign-off screens stand on: the people and evidence of releases, clients, a real browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from console.actions.keys import create_signing_key
from console.kernel.acts import Actor
from console.kernel.models import Person
from console.tests.browser.conftest import chromium, open_page
from console.tests.prepared import prepared
from console.tests.releases.conftest import build, request_5a, runs, storage, team

__all__ = ["build", "chromium", "open_page", "request_5a", "runs", "storage", "team"]

Visit = Callable[[Actor | Person], Client]


@pytest.fixture
def visit(db: None) -> Visit:
    """A signed-in test client for somebody."""

    def sign_in(who: Actor | Person) -> Client:
        client = Client()
        person = who.person if isinstance(who, Actor) else who
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return sign_in


@pytest.fixture(autouse=True)
def signing_key(storage: Path, db: None) -> None:
    """What `up` makes at the first start: without it nothing can be released."""
    prepared("signing key", create_signing_key)
