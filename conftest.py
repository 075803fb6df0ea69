"""Fixtures of every test: a storage that goes with the session, and a database that is as migrations left it.

The test run has several workers, each with a storage of its own. What promises how soon processes do something stays on
one of them, so that such tests never load each other; the rest goes file by file to whoever is free, the long ones
first, so that no worker is left with one of them while the others have nothing to do.
"""

from __future__ import annotations

import gc
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import hypothesis
import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import TransactionTestCase
from django.utils import translation
from pytest_django import DjangoDbBlocker

from console.kernel import epoch, live, triggers
from console.kernel.api import throttles

NICENESS = 5
PLAN_PROFILE = "plan"
"""`--hypothesis-profile=plan`: as many examples as the engine's test plan asks for."""
hypothesis.settings.register_profile(PLAN_PROFILE)

_ONE_AT_A_TIME = (
    "console/tests/api/test_several_workers",
    "console/tests/client/test_against_the_console",
    "console/tests/supervisor/",
    "ledger/tests/credits/test_karma",
    "testruns/tests/runs/test_cluster",
    "testruns/tests/runs/test_execution",
    "testruns/tests/runs/test_incoming",
    "testruns/tests/runs/test_locked_database",
    "testruns/tests/runs/test_reaping",
    "testruns/tests/runs/test_run_live_tests",
    "testruns/tests/runs/test_workers",
    "testruns/tests/scenarios/test_environment",
    "testruns/tests/scenarios/test_load",
    "testruns/tests/scenarios/test_processes",
    "testruns/tests/scenarios/test_runner",
    "testruns/tests/scenarios/test_sampling",
)
_LONG = (
    "testruns/tests/scenarios/test_planted_faults",
    "console/tests/browser/test_in_the_browser",
    "testruns/tests/scenarios/test_sound_ledger",
    "console/tests/releases_pages/test_every_page",
    "console/tests/releases/test_a_real_release",
    "console/tests/backup/",
    "console/tests/postgresql/",
    "ledger/tests/mutants/",
    "ledger/tests/simulation/",
    "console/tests/releases_pages/",
    "console/tests/releases/",
    "console/tests/browser/",
    "console/tests/signing/",
    "ledger/tests/test_bench",
    "ledger/tests/engine/test_processes",
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Say which tests stay together on one worker, and put the long ones in front."""
    files = {item: _file_of(item) for item in items}
    for item, file in files.items():
        item.add_marker(pytest.mark.xdist_group("one at a time" if file.startswith(_ONE_AT_A_TIME) else file))
    items.sort(key=lambda item: (_rank_of(files[item]), files[item]))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What was collected stays until the end, so no collection of garbage needs to go through it again."""
    gc.collect()
    gc.freeze()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A worker gives way to the one with the tests that promise how soon, which is told them before anything else."""
    is_worker = hasattr(item.config, "workerinput")
    if is_worker and not _file_of(item).startswith(_ONE_AT_A_TIME) and os.getpriority(os.PRIO_PROCESS, 0) < NICENESS:
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)


def _file_of(item: pytest.Item) -> str:
    return item.path.relative_to(item.config.rootpath).as_posix()


def _rank_of(file: str) -> int:
    names: tuple[str | tuple[str, ...], ...] = (_ONE_AT_A_TIME, *_LONG)
    return next((rank for rank, name in enumerate(names) if file.startswith(name)), len(names))


@pytest.fixture(scope="session")
def django_db_modify_db_settings_xdist_suffix() -> None:
    """No suffix: the database lies in the worker's own storage, where the processes of its tests look for it."""


def pytest_sessionfinish() -> None:
    """Remove the storage that the test settings made."""
    shutil.rmtree(settings.STORAGE, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """After a test with real transactions the database is put back as migrations left it.

    SQLite takes the whole file back, which is quick. Elsewhere the tables are flushed, and the triggers that would
    refuse that are dropped before; what follows a flush restores them.
    """
    flush = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]  # Django's stubs leave it out
    with closing(sqlite3.connect(":memory:")) as migrated, pytest.MonkeyPatch.context() as patch:

        def take_back(_case: TransactionTestCase) -> None:
            connection.ensure_connection()
            migrated.backup(connection.connection)

        def drop_and_flush(case: TransactionTestCase) -> None:
            triggers.drop()
            flush(case)

        if connection.vendor == "sqlite":
            with django_db_blocker.unblock():
                connection.ensure_connection()
                connection.connection.backup(migrated)
        after = take_back if connection.vendor == "sqlite" else drop_and_flush
        patch.setattr(TransactionTestCase, "_fixture_teardown", after)
        yield


@pytest.fixture(autouse=True)
def _nothing_is_left_of_the_last_test() -> None:
    """What one test throttles, remembers or speaks does not reach the next."""
    translation.activate(settings.LANGUAGE_CODE)
    cache.clear()
    live.forget_everything()
    throttles.forget_everything()
    epoch.forget_everything()
