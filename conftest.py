"""Fixtures of every test: a storage that goes with the session, and triggers that give way to a database's flush."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.core.cache import cache

from console.kernel import live, triggers

_TRANSACTIONAL_FIXTURES = {"transactional_db", "live_server"}


def pytest_sessionfinish() -> None:
    """Remove the storage that the test settings made."""
    shutil.rmtree(settings.STORAGE, ignore_errors=True)


@pytest.fixture(autouse=True)
def _flush_is_not_refused(request: pytest.FixtureRequest) -> Iterator[None]:
    """After a test with real transactions the database is flushed: drop the triggers before, migrate restores them."""
    marker = request.node.get_closest_marker("django_db")
    is_marked = marker is not None and bool(marker.kwargs.get("transaction"))
    if not is_marked and _TRANSACTIONAL_FIXTURES.isdisjoint(request.fixturenames):
        yield
        return
    request.getfixturevalue("transactional_db")
    yield
    triggers.drop()


@pytest.fixture(autouse=True)
def _cache_is_empty() -> None:
    """What one test throttles or remembers does not reach the next."""
    cache.clear()
    live.forget_everything()
