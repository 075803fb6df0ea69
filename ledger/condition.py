"""How a journal is, said without raising: for pages, health and metrics, which have to be able to say it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext

from ledger import Ledger, LedgerError, OsEnv
from ledger.actions import live_ledger
from ledger.conf import events_directory, live_journal
from ledger.engine import limits
from ledger.engine.layout import Layout


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """How a journal is. `state`: normal, imported, read_only, poisoned, or unreadable; `reason` says why."""

    state: str
    reason: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def needs_attention(self) -> bool:
        """Whether somebody should look at it."""
        return self.state not in ("normal", "imported") or bool(self.warnings)

    @property
    def is_readable(self) -> bool:
        """Whether its events and balances can be shown."""
        return self.state != "unreadable"


def condition_of(opening: Callable[[], Ledger], *, is_import: bool = False) -> Condition:
    """How the journal is now, after taking in what others wrote."""
    try:
        ledger = opening()
        ledger.journal.query(lambda: None)
        status = ledger.status
    except LedgerError as error:
        return Condition(state="unreadable", reason=gettext(error.message) % error.params)
    except Exception as error:  # noqa: BLE001  # a state may raise anything when it cannot take an event
        return Condition(state="unreadable", reason=repr(error))
    is_archive = is_import and status.state == "read_only" and not status.reason
    return Condition(state="imported" if is_archive else status.state, reason=status.reason, warnings=status.warnings)


def live_condition() -> Condition:
    """How the live journal is; normal before the first start has made it."""
    return condition_of(live_ledger) if Layout(live_journal()).facts.is_file() else Condition(state="normal")


@dataclass(frozen=True, kw_only=True, slots=True)
class DiskRoom:
    """The disk of the journals. `is_blocked`: no order is taken until there is room again; `is_scarce`: soon."""

    size_bytes: int
    free_bytes: int
    used_percent: int
    is_scarce: bool
    is_blocked: bool


def disk_room() -> DiskRoom:
    """How full it is now. Raises OSError."""
    events = events_directory()
    size, free = OsEnv().disk(events if events.is_dir() else events.parent)
    used = 100 - free * 100 // size
    is_tight = free < limits.FREE_BYTES_MIN
    return DiskRoom(
        size_bytes=size,
        free_bytes=free,
        used_percent=used,
        is_scarce=used >= limits.RESUME_PERCENT,
        is_blocked=used >= limits.FULL_PERCENT and is_tight,
    )
