"""Rules of the surroundings: queue samples with the controller, and the breaker in front of KARMA."""

from __future__ import annotations

from typing import Any

from ledger.credits.commands import RecordBreaker, SampleEoc
from ledger.credits.eoc import EocReading, next_reading
from ledger.credits.state import CreditState, depths_with
from ledger.engine.event import NewEvent


def sample_eoc(command: SampleEoc, state: CreditState) -> list[NewEvent]:
    """eoc.sampled with the score and multiplier that hold from now on, and eoc.regulated when the state changed."""
    before = state.eoc
    after = next_reading(reading=before, depths=depths_with(state.depths, command.queue_depth))
    data: dict[str, Any] = {
        "queue_depth": command.queue_depth,
        "multiplier_ppm": after.multiplier_ppm,
        "state": str(after.state),
        "outside_count": after.outside_count,
    }
    if after.ci_ppm is not None:
        data["ci_ppm"] = after.ci_ppm
    sampled = NewEvent(stream="system:eoc", type="eoc.sampled", data=data)
    return [sampled] if before.state is after.state else [sampled, _regulated(before, after)]


def record_breaker(command: RecordBreaker, _state: CreditState) -> list[NewEvent]:
    """breaker.opened or breaker.closed, as the client in front of the endpoint saw it."""
    type_ = "breaker.opened" if command.is_open else "breaker.closed"
    data = {"endpoint": command.endpoint, "reason": command.reason}
    return [NewEvent(stream="system:karma", type=type_, data=data)]


def _regulated(before: EocReading, after: EocReading) -> NewEvent:
    data = {
        "from_state": str(before.state),
        "state": str(after.state),
        "ci_ppm": after.ci_ppm,
        "from_multiplier_ppm": before.multiplier_ppm,
        "multiplier_ppm": after.multiplier_ppm,
        "actions": list(after.actions),
        "is_review_needed": after.is_review_needed,
    }
    return NewEvent(stream="system:eoc", type="eoc.regulated", data=data, caused_by=0)
