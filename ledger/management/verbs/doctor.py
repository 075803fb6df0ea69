"""`ledger doctor`: how a journal is, what lies around it, and what somebody should look at."""

from __future__ import annotations

import shutil
from argparse import ArgumentParser
from typing import Any

from django.utils.translation import gettext

from ledger import ApprovalState, Ledger, decimal_of
from ledger.engine.env import OsEnv
from ledger.engine.layout import Layout, file_system_of
from ledger.management.terminal import EXIT_BROKEN, EXIT_SOUND
from ledger.management.verbs.common import add_journal, journal_of

HELP = "Says how a journal is: state, size, disk, what recovery cut off, accounts. Exit 0 normal, 1 look at it."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the journal."""
    add_journal(parser)


def run(*, out: Any, err: Any, options: dict[str, Any]) -> int:
    """Open for reading and print; opening already verifies every record."""
    path = journal_of(options).absolute()
    layout = Layout(path)
    ledger = Ledger.open(path=path, read_only=True)
    try:
        status = ledger.status
        accounts = ledger.accounts()
        pending = sum(1 for _ in ledger.approvals(state=ApprovalState.PENDING))
        breakers = ledger.open_breakers()
    finally:
        ledger.close()
    disk = shutil.disk_usage(path)
    kept = sorted(layout.quarantine.iterdir()) if layout.quarantine.is_dir() else []
    is_damaged = bool(status.reason) or layout.poisoned.exists()
    state = gettext("needs attention") if is_damaged else gettext("normal")
    facts = {
        gettext("journal"): f"{path} ({status.journal_id})",
        gettext("state"): f"{state} {status.reason}".strip(),
        gettext("head"): f"event {status.head.seq:,}, {status.head.hash}",
        gettext("segments"): f"{status.segments:,} of at most {status.segment_bytes:,} bytes",
        gettext("file system"): file_system_of(OsEnv().mounts(), path) or gettext("unknown"),
        gettext("disk"): f"{100 * disk.used / disk.total:.1f} % used, {disk.free:,} bytes free",
        gettext("accounts"): f"{len(accounts):,}, sum {decimal_of(sum(accounts.values()))}",
        gettext("approvals waiting"): f"{pending:,}",
        gettext("KARMA breakers open"): ", ".join(f"{name} ({why})" for name, why in breakers.items()) or "0",
        gettext("cut off by recovery"): ", ".join(f"{item.name} ({item.stat().st_size:,} bytes)" for item in kept)
        or "0",
    }
    for name, fact in facts.items():
        out.write(f"{name:22}{fact}")
    name = gettext("warning")
    for warning in status.warnings:
        out.write(f"{name:22}{warning}")
    return EXIT_BROKEN if is_damaged or status.warnings else EXIT_SOUND
