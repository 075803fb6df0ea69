"""How a phase is defined now, from its row and the dependencies in force."""

from __future__ import annotations

from console.models import Phase, PhaseDependency
from console.phase_definition import Check, PhaseDefinition


def edges_in_force() -> list[tuple[str, str]]:
    """(opener, opened) of every dependency that holds, by code."""
    return list(PhaseDependency.objects.filter(is_in_force=True).values_list("opener__code", "opened__code"))


def definition_of(phase: Phase) -> PhaseDefinition:
    """The definition in force."""
    return PhaseDefinition(
        code=phase.code,
        number=phase.number,
        title=phase.title,
        description=phase.description,
        opened_by=tuple(sorted(opener for opener, opened in edges_in_force() if opened == phase.code)),
        checks=tuple(sorted(Check(check) for check in phase.checks)),
    )
