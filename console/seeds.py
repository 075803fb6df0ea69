"""What every installation starts with: the phases of the roadmap, a group per role. Planting again changes nothing."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import transaction

from console.kernel.authority import Role
from console.models import Phase, PhaseDependency
from ledger import gettext_noop

OUR_APPS = ("kernel", "ledger", "testruns", "console")

PHASES = (
    ("1-5", gettext_noop("File event sourcing"), Phase.State.ACTIVE),
    ("6-9", gettext_noop("Integration and REST"), Phase.State.ACTIVE),
    ("10", gettext_noop("First tests"), Phase.State.ACTIVE),
    ("11-14", gettext_noop("Extensions: pools, missions, analytics"), Phase.State.ACTIVE),
    ("5a", gettext_noop("Event store in a database"), Phase.State.BLOCKED),
    ("6a", gettext_noop("Event snapshots"), Phase.State.BLOCKED),
    ("7a", gettext_noop("Event bus and distribution"), Phase.State.BLOCKED),
    ("8a", gettext_noop("Separate read side, several instances"), Phase.State.BLOCKED),
)
OPENS = (("5a", "6a"), ("5a", "7a"), ("7a", "8a"))


def plant(**_: Any) -> None:
    """Handler of post_migrate: create what is missing, leave what is there as it is."""
    with transaction.atomic():
        _plant_phases()
        _plant_roles()


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


def _plant_roles() -> None:
    """Every role may look at everything of ours; acts are decided by the authority table, not by permissions."""
    views = Permission.objects.filter(content_type__app_label__in=OUR_APPS, codename__startswith="view_")
    wanted = set(views.values_list("pk", flat=True))
    for role in Role:
        group, _created = Group.objects.get_or_create(name=role.value)
        missing = wanted - set(group.permissions.values_list("pk", flat=True))
        if missing:
            group.permissions.add(*missing)
