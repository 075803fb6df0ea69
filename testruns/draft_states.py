"""States of a draft of a gate policy, and the only table of what may follow what."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from ledger import gettext_noop


class DraftState(StrEnum):
    """EDITING: its rules may change. SUBMITTED: what it says is fixed and waits for a second person."""

    EDITING = "EDITING"
    SUBMITTED = "SUBMITTED"
    ACTIVATED = "ACTIVATED"
    WITHDRAWN = "WITHDRAWN"

    @property
    def is_open(self) -> bool:
        """Whether it can still become a policy. There is one such draft at a time."""
        return bool(DRAFT_TRANSITIONS[self])


DRAFT_TRANSITIONS: Mapping[DraftState, frozenset[DraftState]] = MappingProxyType(
    {
        DraftState.EDITING: frozenset({DraftState.SUBMITTED, DraftState.WITHDRAWN}),
        DraftState.SUBMITTED: frozenset({DraftState.EDITING, DraftState.ACTIVATED, DraftState.WITHDRAWN}),
        DraftState.ACTIVATED: frozenset(),
        DraftState.WITHDRAWN: frozenset(),
    }
)

DRAFT_WORDS: Mapping[DraftState, str] = MappingProxyType(
    {
        DraftState.EDITING: gettext_noop("being edited"),
        DraftState.SUBMITTED: gettext_noop("submitted"),
        DraftState.ACTIVATED: gettext_noop("activated"),
        DraftState.WITHDRAWN: gettext_noop("withdrawn"),
    }
)
"""How sentences name a draft's state; marked for translation."""
