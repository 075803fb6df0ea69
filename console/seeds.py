"""What every installation starts with: the phases of the roadmap. Planting again changes nothing."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from console.models import Phase, PhaseDependency
from ledger import gettext_noop
from testruns.phases import PHASES_TO_RELEASE

PHASES = (
    ("1-5", gettext_noop("File event sourcing"), Phase.State.ACTIVE),
    ("6-9", gettext_noop("Integration and REST"), Phase.State.ACTIVE),
    ("10", gettext_noop("First tests"), Phase.State.ACTIVE),
    ("11-14", gettext_noop("Extensions: pools, missions, analytics"), Phase.State.ACTIVE),
    *((phase.code, phase.title, Phase.State.BLOCKED) for phase in PHASES_TO_RELEASE),
)
OPENS = tuple((phase.opened_by, phase.code) for phase in PHASES_TO_RELEASE if phase.opened_by)


def plant(**_: Any) -> None:
    """Handler of post_migrate: create what is missing, leave what is there as it is."""
    with transaction.atomic():
        _plant_phases()


def _plant_phases() -> None:
    known = set(Phase.objects.values_list("code", flat=True))
    Phase.objects.bulk_create(
        Phase(code=code, title=title, position=position, state=state)
        for position, (code, title, state) in enumerate(PHASES, start=1)
        if code not in known
    )
    phases = {phase.code: phase for phase in Phase.objects.all()}
    edges = set(PhaseDependency.objects.values_list("opener__code", "opened__code"))
    PhaseDependency.objects.bulk_create(
        PhaseDependency(opener=phases[opener], opened=phases[opened])
        for opener, opened in OPENS
        if (opener, opened) not in edges
    )
