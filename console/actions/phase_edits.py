"""Editing phases and checklists: one person proposes a definition, another puts it in force (decisions.md, Release)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils import timezone

from console.kernel import audit
from console.kernel.acts import Actor, action
from console.kernel.authority import Act
from console.kernel.errors import EvidenceChanged, InvalidInput, NotFound
from console.models import Phase, PhaseDependency, PhaseEdit, PhaseEditAnswer
from console.phase_definition import Check, PhaseDefinition, changes, from_json, require_sound
from console.releases.definitions import definition_of, edges_in_force
from ledger import gettext_noop

from .refusals import OwnPhaseEdit, PhaseEditAnswered, PhaseEditChangesNothing, PhaseEditWaits, PhaseInUse
from .writing import required_reason

WITHDRAWN = "phase.withdraw_edit"


@dataclass(frozen=True, kw_only=True, slots=True)
class PhaseEditing:
    """What somebody wants a phase to be. opened_by: codes of phases; checks: codes of checks that can be switched."""

    title: str
    description: str
    opened_by: Iterable[str]
    checks: Iterable[str]


@action(Act.EDIT_PHASE, target="phase:{phase}")
def propose_phase_edit(*, actor: Actor, phase: str, number: int, editing: PhaseEditing) -> PhaseEdit:
    """Propose another definition of a phase that waits for a release; it counts once another person activates it.

    number: of the definition the person saw. Proposing what the same person proposed and what waits returns that.
    Raises `NotFound`, `PhaseInUse`, `EvidenceChanged`, `InvalidInput` (which field), `PhaseEditChangesNothing`,
    `PhaseEditWaits`.
    """
    phases = _locked_phases()
    row = phases.get(phase)
    if row is None:
        raise NotFound(what=f"phase {phase}")
    if row.state == Phase.State.ACTIVE:
        raise PhaseInUse(phase=phase)
    if row.number != number:
        raise EvidenceChanged(seen=number, current=row.number)
    waiting = row.edits.filter(answer__isnull=True).first()
    before = definition_of(row)
    wanted = _wanted(before, editing, number=waiting.number if waiting else _next_number(row))
    require_sound(wanted, edges=edges_in_force(), known=_known(phases))
    if waiting is not None:
        if (waiting.proposed_by_id, waiting.digest) == (actor.person.pk, wanted.digest):
            return waiting
        raise PhaseEditWaits(phase=phase, number=waiting.number)
    said = changes(before, wanted)
    if not said:
        raise PhaseEditChangesNothing(phase=phase)
    edit = PhaseEdit.objects.create(
        phase=row,
        number=wanted.number,
        content=wanted.canonical().decode(),
        digest=wanted.digest,
        proposed_by=actor.person,
        proposed_at=timezone.now(),
    )
    audit.record(
        actor=actor,
        act=Act.EDIT_PHASE,
        object=f"phase:{phase}",
        before={"number": row.number, "digest": before.digest},
        after={"number": wanted.number, "digest": wanted.digest, "changes": list(said)},
        rows=(edit,),
    )
    return edit


@action(Act.ACTIVATE_PHASE, target="phase-edit:{edit_id}")
def activate_phase_edit(*, actor: Actor, edit_id: int, digest: str) -> Phase:
    """Put a proposed definition in force: for requests opened from now on. The same person again changes nothing.

    digest: of what the person saw. Raises `NotFound`, `OwnPhaseEdit`, `EvidenceChanged`, `PhaseEditAnswered`,
    `InvalidInput` when other phases have changed so that this one no longer fits.
    """
    phases = _locked_phases()
    edit = _edit(edit_id)
    if edit.proposed_by_id == actor.person.pk:
        raise OwnPhaseEdit(phase=edit.phase.code, number=edit.number)
    if digest != edit.digest:
        raise EvidenceChanged(seen=digest[:12], current=edit.digest[:12])
    row = phases[edit.phase.code]
    if hasattr(edit, "answer"):
        if edit.answer.is_activated and edit.answer.answered_by_id == actor.person.pk:
            return row
        raise _answered(edit)
    before, wanted = definition_of(row), from_json(edit.content)
    require_sound(wanted, edges=edges_in_force(), known=_known(phases))
    row.title, row.description, row.checks = wanted.title, wanted.description, list(wanted.checks)
    row.number, row.edited_by = wanted.number, edit.proposed_by
    row.save()
    edges = _put_in_force(row, wanted.opened_by, phases=phases)
    answer = PhaseEditAnswer.objects.create(edit=edit, is_activated=True, answered_by=actor.person, at=timezone.now())
    audit.record(
        actor=actor,
        act=Act.ACTIVATE_PHASE,
        object=f"phase:{row.code}",
        before={"number": before.number, "digest": before.digest},
        after={"number": wanted.number, "digest": wanted.digest, "proposed_by": edit.proposed_by_id},
        rows=(answer, row, *edges),
    )
    return row


@action(Act.ACTIVATE_PHASE, target="phase-edit:{edit_id}")
def withdraw_phase_edit(*, actor: Actor, edit_id: int, reason: str) -> PhaseEditAnswer:
    """Give a proposed definition up, one's own or somebody else's.

    Raises `NotFound`, `PhaseEditAnswered`, `InvalidInput` (reason).
    """
    reason = required_reason(reason)
    _locked_phases()
    edit = _edit(edit_id)
    if hasattr(edit, "answer"):
        raise _answered(edit)
    answer = PhaseEditAnswer.objects.create(
        edit=edit, is_activated=False, answered_by=actor.person, at=timezone.now(), reason=reason
    )
    audit.record(
        actor=actor,
        act=WITHDRAWN,
        object=f"phase:{edit.phase.code}",
        after={"number": edit.number, "digest": edit.digest, "reason": reason},
        rows=(answer,),
    )
    return answer


def _wanted(before: PhaseDefinition, editing: PhaseEditing, *, number: int) -> PhaseDefinition:
    try:
        checks = {Check(check) for check in editing.checks}
    except ValueError as unknown:
        raise InvalidInput(field="checks", reason=gettext_noop("checks that can be switched")) from unknown
    return PhaseDefinition(
        code=before.code,
        number=number,
        title=editing.title.strip(),
        description=editing.description.strip().replace("\r\n", "\n"),
        opened_by=tuple(sorted(set(editing.opened_by))),
        checks=tuple(sorted(checks)),
    )


def _next_number(row: Phase) -> int:
    last = row.edits.order_by("-number").values_list("number", flat=True).first()
    return max(row.number, last or 0) + 1


def _put_in_force(row: Phase, opened_by: Iterable[str], *, phases: dict[str, Phase]) -> list[PhaseDependency]:
    """Begin and end dependencies of a phase; the rows that were written."""
    wanted = set(opened_by)
    edges = {edge.opener.code: edge for edge in row.opened_by.select_related("opener")}
    written = [edge for code, edge in edges.items() if edge.is_in_force != (code in wanted)]
    for edge in written:
        edge.is_in_force = not edge.is_in_force
        edge.save(update_fields=["is_in_force"])
    new = sorted(wanted - edges.keys())
    return [*written, *(PhaseDependency.objects.create(opener=phases[code], opened=row) for code in new)]


def _locked_phases() -> dict[str, Phase]:
    """Every phase by code, held until the act is done: what comes after what is a matter of all of them."""
    return {phase.code: phase for phase in Phase.objects.select_for_update().order_by("pk")}


def _known(phases: dict[str, Phase]) -> list[str]:
    return [code for code, phase in phases.items() if phase.state != Phase.State.ACTIVE]


def _edit(edit_id: int) -> PhaseEdit:
    edit = PhaseEdit.objects.select_related("phase", "answer__answered_by").filter(pk=edit_id).first()
    if edit is None:
        raise NotFound(what=f"edit {edit_id}")
    return edit


def _answered(edit: PhaseEdit) -> PhaseEditAnswered:
    return PhaseEditAnswered(phase=edit.phase.code, number=edit.number, person=str(edit.answer.answered_by))
