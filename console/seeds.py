"""What every installation starts with: the phases of the roadmap. Planting again changes nothing."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from console.kernel import audit
from console.kernel.row_digests import is_migrated
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
    if is_migrated(Phase) and is_migrated(PhaseDependency):  # a migrate may also go back
        with transaction.atomic():
            _plant_phases()


def _plant_phases() -> None:
    """Dependencies come with a phase that is new; those of the others are what people made of them."""
    known = set(Phase.objects.values_list("code", flat=True))
    new = [
        Phase(code=code, title=title, position=position, state=state)
        for position, (code, title, state) in enumerate(PHASES, start=1)
        if code not in known
    ]
    if not new:
        return
    Phase.objects.bulk_create(new)
    phases = {phase.code: phase for phase in Phase.objects.all()}
    edges = [
        PhaseDependency(opener=phases[opener], opened=phases[opened]) for opener, opened in OPENS if opened not in known
    ]
    PhaseDependency.objects.bulk_create(edges)
    codes = [phase.code for phase in new]
    audit.record(actor=None, act="phase.ship", object="", after={"phases": codes}, rows=(*new, *edges))
