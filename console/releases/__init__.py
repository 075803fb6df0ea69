"""Reading releases: rows become facts, the pure modules judge them, screens show what comes out. Writes nothing."""

from console.releases.checking import Checked, check_evidence, check_request, red_since, running_tree_digest
from console.releases.evidence import Evidence, gather, manifest_of
from console.releases.look import Look
from console.releases.seats import SeatView, facts_of, seat_views, standing_sign_offs
from console.releases.standing import (
    Standing,
    conditions_of,
    has_open_before_use,
    is_closed,
    last_decision_of,
    standing,
    standing_of_phase,
    standings_of,
    state_of,
)

__all__ = [
    "Checked",
    "Evidence",
    "Look",
    "SeatView",
    "Standing",
    "check_evidence",
    "check_request",
    "conditions_of",
    "facts_of",
    "gather",
    "has_open_before_use",
    "is_closed",
    "last_decision_of",
    "manifest_of",
    "red_since",
    "running_tree_digest",
    "seat_views",
    "standing",
    "standing_of_phase",
    "standing_sign_offs",
    "standings_of",
    "state_of",
]
