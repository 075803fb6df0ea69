"""What Django's system checks look at: everything when they are asked for, the installation before a command works."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.core.management import get_commands, load_command_class
from django.core.management.base import SystemCheckError

from console.kernel.checks import INSTALLATION
from console.supervisor.loop import worker_argv
from console.tests.source_files import ROOT
from console.tests.waiting import PATIENT_SECONDS

OURS = sorted(name for name, app in get_commands().items() if app in {"console", "ledger", "testruns"})
READY = "import sys, django; django.setup()"
CHECKED = "from django.core.checks import run_checks; run_checks(tags=['admin'])"
LOADED = "print(*sys.modules)"
PAGES = {"console.admin.home", "testruns.admin", "ledger.admin"}
FOR_FEW = {"console.actions", "console.api", "testruns.actions", "testruns.reports", "cryptography", *PAGES}


def test_the_whole_program_passes() -> None:
    """A file system that only warns is the machine's."""
    assert [found for found in run_checks() if found.id != "ledger.W002"] == []


@pytest.mark.parametrize("name", OURS)
def test_no_command_of_ours_checks_more_than_the_installation(name: str) -> None:
    """Checking everything loads every address: that costs more than most commands do."""
    checks = load_command_class(get_commands()[name], name).requires_system_checks

    assert list(checks) in ([], [INSTALLATION])


def test_up_checks_queue_database_and_journal_for_everything_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its worker checks nothing itself: with two tasks at once nothing may start."""
    up = load_command_class("console", "up")
    monkeypatch.setitem(settings.Q_CLUSTER, "workers", 2)
    monkeypatch.setitem(settings.DATABASES["default"]["OPTIONS"], "timeout", 2)

    with pytest.raises(SystemCheckError) as refused:
        up.check(tags=[INSTALLATION])

    assert all(f"testruns.{code}" in str(refused.value) for code in ("E001", "E009"))
    assert "--skip-checks" in worker_argv()
    assert list(up.requires_system_checks) == [INSTALLATION]


def test_becoming_ready_loads_nothing_that_few_processes_need(tmp_path: Path) -> None:
    """Every command, worker and supervisor would pay for it at each start."""
    loaded = loaded_by(READY, storage=tmp_path)

    assert {"console.models", "testruns.models"} <= loaded
    assert loaded & FOR_FEW == set()


def test_the_pages_are_loaded_to_be_checked(tmp_path: Path) -> None:
    """Django would find nothing wrong with pages that are not there."""
    assert loaded_by(READY, CHECKED, storage=tmp_path) >= PAGES


def loaded_by(*program: str, storage: Path) -> set[str]:
    """What a new process has loaded in the end."""
    named = {"DJANGO_SETTINGS_MODULE": "console.settings", "GATEHOUSE_STORAGE": str(storage)}
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "; ".join([*program, LOADED])],
        cwd=ROOT,
        env=os.environ | named,
        capture_output=True,
        text=True,
        timeout=PATIENT_SECONDS,
    )
    assert ended.returncode == 0, ended.stderr
    return set(ended.stdout.split())
