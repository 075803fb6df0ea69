"""Fixtures of every test: a storage that goes with the session, and a database that is as migrations left it."""

from __future__ import annotations

import gc
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

import hypothesis
import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import TransactionTestCase
from django.utils import translation
from pytest_django import DjangoDbBlocker

from console.kernel import epoch, live
from console.kernel.api import throttles

pytest_plugins = ["console.tests.spreading"]
PLAN_PROFILE = "plan"
"""`--hypothesis-profile=plan`: as many examples as the engine's test plan asks for."""
for _profile in ("tests", PLAN_PROFILE):  # how fast the machine is just now is nobody's fault
    hypothesis.settings.register_profile(
        _profile, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
    )
hypothesis.settings.load_profile("tests")
gc.disable()  # until everything is collected: nothing of it goes


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What was collected stays until the end, so no collection of garbage needs to go through it again."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def django_db_modify_db_settings_xdist_suffix() -> None:
    """No suffix: the database lies in the worker's own storage, where the processes of its tests look for it."""


def pytest_sessionfinish() -> None:
    """Remove the storage that the test settings made."""
    shutil.rmtree(settings.STORAGE, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """After a test with real transactions the database is put back as migrations left it, from a copy made before."""
    copied = _copied_in_memory() if connection.vendor == "sqlite" else _copied_beside()
    with ExitStack() as copies, pytest.MonkeyPatch.context() as patch:
        with django_db_blocker.unblock():
            take_back = copies.enter_context(copied)
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _case: take_back())
        yield
        with django_db_blocker.unblock():
            copies.close()


@contextmanager
def _copied_in_memory() -> Iterator[Callable[[], None]]:
    with closing(sqlite3.connect(":memory:")) as migrated:
        connection.ensure_connection()
        connection.connection.backup(migrated)

        def take_back() -> None:
            connection.ensure_connection()
            migrated.backup(connection.connection)

        yield take_back


@contextmanager
def _copied_beside() -> Iterator[Callable[[], None]]:
    name = connection.settings_dict["NAME"]

    def carry_out(*statements: str) -> None:
        connection.close()
        with connection._nodb_cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    gone, copied = 'DROP DATABASE IF EXISTS "{}" WITH (FORCE)', 'CREATE DATABASE "{}" TEMPLATE "{}"'
    beside = f"{name}_migrated"
    carry_out(gone.format(beside), copied.format(beside, name))
    yield lambda: carry_out(gone.format(name), copied.format(name, beside))
    carry_out(gone.format(beside))


@pytest.fixture(autouse=True)
def _nothing_is_left_of_the_last_test() -> None:
    """What one test throttles, remembers or speaks does not reach the next."""
    translation.activate(settings.LANGUAGE_CODE)
    cache.clear()
    live.forget_everything()
    throttles.forget_everything()
    epoch.forget_everything()
