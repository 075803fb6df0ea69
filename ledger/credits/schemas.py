"""Which schema of each event type this version writes, and the steps by which older ones become that when read.

Nothing on disk is ever rewritten: an event is recorded once, and `current` says what it means today. A newer schema
than this version knows, or an unknown type of a family that it folds, is refused: passing over it could miss credits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from ledger.engine.errors import LedgerError
from ledger.engine.event import Event
from ledger.engine.messages import gettext_noop

Step = Callable[[Mapping[str, Any]], dict[str, Any]]
"""From the data of one schema to the data of the next; it changes nothing that it is given and asks nobody."""


class UnknownSchema(LedgerError):
    """A newer version wrote the event; what it means is not guessed. Nothing was changed, the event stays recorded."""

    code = "unknown-schema"
    message = gettext_noop(
        "Event %(seq)s is %(type)s of schema %(schema)s, which this version of Gatehouse does not know: a newer "
        "version wrote it. Install that version or a later one. The journal is as it was, nothing is lost."
    )


class Schemas:
    """The newest schema of each event type, and one step for each older one."""

    def __init__(self, newest: Mapping[str, int], steps: Mapping[tuple[str, int], Step] | None = None) -> None:
        """`newest` by type, `steps` by type and the schema they start from. ValueError unless the steps fit."""
        self.newest = MappingProxyType(dict(newest))
        self.steps = MappingProxyType(dict(steps or {}))
        needed = {(name, schema) for name, last in newest.items() for schema in range(1, last)}
        if needed != self.steps.keys():
            raise ValueError(f"steps are missing or too many: {sorted(needed ^ self.steps.keys())}")
        self._families = frozenset(map(_family, newest))

    def current(self, event: Event) -> Event:
        """The event in the newest schema of its type; its bytes on disk, and its hash, are those of the old one.

        Raises UnknownSchema. Types of families that are not ours are passed through.
        """
        name, schema = event.type, event.schema
        newest = self.newest.get(name, 0)
        if schema == newest:
            return event
        if not self._is_known(name, schema):
            raise UnknownSchema(seq=event.seq, type=name, schema=schema)
        data = event.data
        for older in range(schema, newest):
            data = self.steps[name, older](MappingProxyType(data))
        return event._replace(schema=newest, data=data) if newest else event

    def first_unknown(self, kinds: Iterable[tuple[str, Any, int]]) -> UnknownSchema | None:
        """The refusal of the first event that is not known, among (type, schema, seq); None if all are."""
        unknown = [(seq, name, schema) for name, schema, seq in kinds if not self._is_known(name, schema)]
        if not unknown:
            return None
        seq, name, schema = min(unknown, key=lambda one: one[0])
        return UnknownSchema(seq=seq, type=name, schema=schema)

    def _is_known(self, name: str, schema: object) -> bool:
        newest = self.newest.get(name)
        if newest is None:
            return _family(name) not in self._families
        return type(schema) is int and 1 <= schema <= newest


def _family(name: str) -> str:
    return name.partition(".")[0]


CREDIT_SCHEMAS = Schemas(
    {
        "agent.created": 1,
        "anomaly.detected": 1,
        "approval.approved": 1,
        "approval.cancelled": 1,
        "approval.expired": 1,
        "approval.rejected": 1,
        "approval.requested": 1,
        "breaker.closed": 1,
        "breaker.opened": 1,
        "credit.allocated": 1,
        "credit.consumed": 1,
        "credit.refunded": 1,
        "credit.regenerated": 1,
        "credit.transferred": 1,
        "credit.withdrawn": 1,
        "eoc.regulated": 1,
        "eoc.sampled": 1,
        "import.line_refused": 1,
        "karma.fallback_used": 1,
        "karma.scored": 1,
        "synergy.collaboration_recorded": 1,
        "synergy.reuse_detected": 1,
        "synergy.reward_capped": 1,
        "synergy.rewarded": 1,
    }
)
