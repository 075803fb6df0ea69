"""System checks of the live journal: a file system that keeps the promises of flock and fsync, and no poison."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning

from ledger.conf import events_directory, live_journal
from ledger.engine.env import OsEnv
from ledger.engine.errors import UnsupportedFileSystem
from ledger.engine.layout import Layout, check_file_system


def check_live_journal(*, app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """Report a file system that cannot hold a journal, and a journal that an fsync error made read-only."""
    found: list[CheckMessage] = []
    try:
        warning = check_file_system(OsEnv(), events_directory())
    except UnsupportedFileSystem as refusal:
        found.append(Error(str(refusal), hint="Move GATEHOUSE_STORAGE to a local disk.", id="ledger.E001"))
    else:
        if warning is not None:
            found.append(CheckWarning(warning, hint="Mount a volume for GATEHOUSE_STORAGE.", id="ledger.W002"))
    if Layout(live_journal()).poisoned.exists():
        what = "An fsync of the live journal failed; it is read-only until an engineer recovers it."
        found.append(CheckWarning(what, hint="See `manage.py ledger doctor`.", id="ledger.W001"))
    return found
