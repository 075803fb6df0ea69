"""The phases a release opens, by their names: what the console plants and what a report speaks of."""

from __future__ import annotations

from typing import Final, NamedTuple

from ledger import gettext_noop


class PhaseToRelease(NamedTuple):
    """A phase that waits for a release. `opened_by`: the phase that has to be released before it, empty for none."""

    code: str
    title: str
    opened_by: str


PHASES_TO_RELEASE: Final = (
    PhaseToRelease("5a", gettext_noop("Event store in a database"), ""),
    PhaseToRelease("6a", gettext_noop("Event snapshots"), "5a"),
    PhaseToRelease("7a", gettext_noop("Event bus and distribution"), "5a"),
    PhaseToRelease("8a", gettext_noop("Separate read side, several instances"), "7a"),
)
