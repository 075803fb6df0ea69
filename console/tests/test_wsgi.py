"""The application as a server process loads it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from console.tests.waiting import PATIENT_SECONDS

LOADED = """
import gc, sys
import console.wsgi
collected, frozen = len(gc.get_objects()), gc.get_freeze_count()
before = set(sys.modules)
from django.db import connection
from django.test import RequestFactory
from django.urls import resolve
resolve("/api/v1/runs/"), resolve("/admin/")
late = [name for name in set(sys.modules) - before if name.split(".")[0] in {"console", "ledger", "testruns"}]
print(collected, frozen, connection.connection, *late)
"""


@pytest.mark.django_db(transaction=True)
def test_what_requests_need_is_loaded_once_before_the_first_and_never_collected_again() -> None:
    """A full collection in the middle of a request goes through what requests made, not through the whole program.

    Processes that are forked from it share it, but no connection to the database.
    """
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "console.settings"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LOADED],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENT_SECONDS,
    )

    assert done.returncode == 0, done.stderr
    collected, frozen, connection, *late = done.stdout.split()
    assert int(collected) * 20 < int(frozen)
    assert (connection, late) == ("None", [])
