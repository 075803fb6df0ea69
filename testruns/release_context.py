"""What a release says about the rules of a run: its phase, and who answers for which failure until when.

Reports know no releases: the console tells them how to ask.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testruns.models import Run


@dataclass(frozen=True, kw_only=True, slots=True)
class Waived:
    """A waiver that is valid now: its number, its end, and the printed name of who approved it."""

    number: int
    until: datetime
    by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ReleaseContext:
    """`phase`: empty while no release request rests on the run. `waivers` by the code of the rule."""

    phase: str = ""
    waivers: Mapping[str, Waived] = field(default_factory=dict)


ContextOf = Callable[["Run"], ReleaseContext]
_asked: list[ContextOf] = []


def tell_releases(context_of: ContextOf) -> None:
    """Let reports ask this what releases say about a run. Raises ValueError when they ask somebody already."""
    if _asked:
        raise ValueError("reports know already whom to ask about releases")
    _asked.append(context_of)


def context_of(run: Run) -> ReleaseContext:
    """What releases say about the run now."""
    return _asked[0](run) if _asked else ReleaseContext()
