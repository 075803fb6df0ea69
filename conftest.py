"""Fixtures of every test: a storage that goes with the session, and triggers that give way to a database's flush.

The test run has two workers, each with a storage of its own. What starts processes, loads the disk or drives a browser
stays on one of them, so that such tests never load each other; the rest goes file by file to whoever is free.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.core.cache import cache

from console.kernel import epoch, live, triggers
from console.kernel.api import throttles

_TRANSACTIONAL_FIXTURES = {"transactional_db", "live_server"}
_ONE_AT_A_TIME = (
    "console/tests/backup",
    "console/tests/browser",
    "console/tests/supervisor",
    "ledger/tests/api/test_several_workers",
    "testruns/tests/runs",
    "testruns/tests/scenarios",
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Say which tests stay together on one worker."""
    for item in items:
        file = item.path.relative_to(config.rootpath).as_posix()
        group = "one at a time" if file.startswith(_ONE_AT_A_TIME) else file
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def django_db_modify_db_settings_xdist_suffix() -> None:
    """No suffix: the database lies in the worker's own storage, where the processes of its tests look for it."""


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
    throttles.forget_everything()
    epoch.forget_everything()
