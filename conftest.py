"""Fixtures of every test: a storage that goes with the session, and a database that is as migrations left it."""

from __future__ import annotations

import gc
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

pytest_plugins = ["console.tests.spreading"]
PLAN_PROFILE = "plan"
"""`--hypothesis-profile=plan`: as many examples as the engine's test plan asks for."""
hypothesis.settings.register_profile(PLAN_PROFILE)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What was collected stays until the end, so no collection of garbage needs to go through it again."""
    gc.collect()
    gc.freeze()


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
