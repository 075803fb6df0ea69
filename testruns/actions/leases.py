"""Leases: which process works on which execution, and whether that process still exists.

An owner is named `<boot>:<pid>:<start>:<token>`: the machine's boot, the process, when the kernel started it (a process
id is used again, id and start together are not), and a random token for this one lease. Every change a lease holder
makes names its lease, so whoever lost it changes nothing any more.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from testruns.models import Run, ScenarioExecution
from testruns.run_states import ExecutionState

from .limits import HUNG_SECONDS, STALE_SECONDS

ACTIVE_STATES = (ExecutionState.LEASED.value, ExecutionState.RUNNING.value)


@dataclass(frozen=True, kw_only=True, slots=True)
class Lease:
    """The right to work on one execution; it holds until it is given up or taken away."""

    execution_id: int
    run_id: int
    owner: str

    def renew(self, *, is_visible: bool = False, **changes: Any) -> bool:
        """Write a heartbeat and these fields of the execution. False: the lease is lost and nothing was written.

        `is_visible` also moves the run's version, so that pages fetch the change.
        """
        now = timezone.now()
        if is_visible:
            changes["changed_at"] = now
        with transaction.atomic():
            written = self._mine().update(heartbeat_at=now, **changes)
            if written and is_visible:
                touch_run(run_id=self.run_id)
        return bool(written)

    def is_cancel_requested(self) -> bool:
        """Whether a person asked for this execution to stop."""
        return self._mine().filter(cancel_requested_at__isnull=False).exists()

    def _mine(self) -> QuerySet[ScenarioExecution]:
        return ScenarioExecution.objects.filter(pk=self.execution_id, lease_owner=self.owner, state__in=ACTIVE_STATES)


def claim(*, execution_id: int) -> Lease | None:
    """Take the lease of a QUEUED execution by compare-and-set. None: it is not QUEUED, someone else was first."""
    owner = own_label()
    now = timezone.now()
    with transaction.atomic():
        claimed = ScenarioExecution.objects.filter(pk=execution_id, state=ExecutionState.QUEUED.value).update(
            state=ExecutionState.LEASED.value,
            lease_owner=owner,
            heartbeat_at=now,
            changed_at=now,
            cancel_requested_at=None,
        )
        if not claimed:
            return None
        run_id = ScenarioExecution.objects.values_list("run_id", flat=True).get(pk=execution_id)
        touch_run(run_id=run_id)
    return Lease(execution_id=execution_id, run_id=run_id, owner=owner)


def touch_run(*, run_id: int) -> None:
    """Move the run's version: something a page shows has changed."""
    Run.objects.filter(pk=run_id).update(version=F("version") + 1)


def is_lost(execution: ScenarioExecution, *, now: datetime, stale_seconds: float = STALE_SECONDS) -> bool:
    """Whether an active execution has nobody working on it any more: no heartbeat and its owner gone, or hung."""
    if execution.heartbeat_at is None:
        return True
    silence = now - execution.heartbeat_at
    if silence > timedelta(seconds=HUNG_SECONDS):
        return True
    return silence > timedelta(seconds=stale_seconds) and not is_owner_alive(execution.lease_owner)


def own_label() -> str:
    """A new label for this process."""
    pid = os.getpid()
    return f"{_boot_id()}:{pid}:{started_ticks(pid)}:{secrets.token_hex(8)}"


def is_owner_alive(owner: str) -> bool:
    """Whether the process of this label runs on this machine now. A label of another boot or machine: False."""
    boot, pid, start, _token = owner.split(":")
    return boot == _boot_id() and started_ticks(int(pid)) == int(start)


def is_of_this_boot(owner: str) -> bool:
    """Whether the label was made on this machine since it was switched on."""
    return owner.split(":")[0] == _boot_id()


def started_ticks(pid: int) -> int | None:
    """When the kernel started the process, in clock ticks since boot; None when it is gone or a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else int(fields[19])


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
