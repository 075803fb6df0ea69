"""What a release of a phase allows to be switched on. What is not built yet is listed as such."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ledger import gettext_noop

LIVE_SNAPSHOTS: Final = "live-snapshots"


@dataclass(frozen=True, kw_only=True, slots=True)
class Capability:
    """Something of the product that only a standing release of `phase` lets be switched on."""

    code: str
    phase: str
    title: str
    is_built: bool


CAPABILITIES: Mapping[str, Capability] = MappingProxyType(
    {
        one.code: one
        for one in (
            Capability(
                code="postgresql-store", phase="5a", title=gettext_noop("Event store in PostgreSQL"), is_built=False
            ),
            Capability(
                code=LIVE_SNAPSHOTS, phase="6a", title=gettext_noop("Snapshots of the live journal"), is_built=True
            ),
            Capability(code="redis-bus", phase="7a", title=gettext_noop("Event bus on Redis"), is_built=False),
            Capability(code="read-side", phase="8a", title=gettext_noop("Separate read side"), is_built=False),
        )
    }
)
