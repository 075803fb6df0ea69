"""What the live journal does only once a release allowed it. The console tells how that stands; untold, it is off."""

from __future__ import annotations

from collections.abc import Callable

from ledger import LedgerError, gettext_noop

_asked: Callable[[], bool] | None = None


class SnapshotsOff(LedgerError):
    """Snapshots of the live journal are a capability that nobody switched on."""

    code = "snapshots-off"
    message = gettext_noop(
        "Snapshots of the live journal are off: phase 6a must be released, and an engineer or a supervisor must switch "
        "them on. Nothing was taken."
    )


def tell_live_snapshots(are_on: Callable[[], bool]) -> None:
    """Say who knows whether snapshots of the live journal are switched on."""
    global _asked
    _asked = are_on


def live_snapshots_are_on() -> bool:
    """Whether the last act on record left them on."""
    return _asked is not None and _asked()
