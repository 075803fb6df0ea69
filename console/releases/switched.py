"""Which capabilities are switched on, as the last act on record left them."""

from __future__ import annotations

from console.capabilities import LIVE_SNAPSHOTS
from console.models import CapabilityAct


def is_switched_on(capability: str) -> bool:
    """Whether the newest act switched it on; a release that lapsed since stops nothing that runs."""
    acts = CapabilityAct.objects.filter(capability=capability).order_by("-pk")
    return bool(acts.values_list("is_on", flat=True).first())


def live_snapshots_are_on() -> bool:
    """Whether the live journal gets snapshots."""
    return is_switched_on(LIVE_SNAPSHOTS)
