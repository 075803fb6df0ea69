"""The page of a phase's definition: what it is now, a proposal beside it in words, and the acts of two people."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from console import actions
from console.actions.refusals import OwnPhaseEdit
from console.admin.seat_words import lost_seats
from console.kernel.authority import Act
from console.kernel.doors import act_view, actor_of, explain, person_of, roles_of, why_not
from console.kernel.errors import GatehouseError
from console.models import Phase, PhaseEdit
from console.phase_definition import (
    CHECK_LABELS,
    DESCRIPTION_LENGTH_MAX,
    TITLE_LENGTH_MAX,
    Check,
    PhaseDefinition,
    changes,
    from_json,
)
from console.releases.definitions import definition_of

PAGE = "admin:release_phase_definition"
EDITS_SHOWN = 20


class PhaseForm(forms.Form):
    """What of a phase can be edited; `number` is that of the definition the person saw."""

    number = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
    title = forms.CharField(label=gettext_lazy("Title"), max_length=TITLE_LENGTH_MAX)
    description = forms.CharField(
        label=gettext_lazy("Description"),
        required=False,
        max_length=DESCRIPTION_LENGTH_MAX,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    opened_by = forms.MultipleChoiceField(label=gettext_lazy("Comes after"), required=False)
    checks = forms.MultipleChoiceField(label=gettext_lazy("Checks that can be switched"), required=False)

    def __init__(self, data: Any, *, definition: PhaseDefinition) -> None:
        """Begin with the definition in force; offer the other phases that wait for a release."""
        initial = {name: getattr(definition, name) for name in ("number", "title", "description", "checks")}
        super().__init__(data, initial={**initial, "opened_by": definition.opened_by})
        fields: dict[str, Any] = self.fields
        others = Phase.objects.exclude(state=Phase.State.ACTIVE).exclude(code=definition.code).order_by("position")
        fields["opened_by"].choices = [(phase.code, f"{phase.code} {_(phase.title)}") for phase in others]
        fields["checks"].choices = [(check.value, _(CHECK_LABELS[check])) for check in Check]

    def editing(self) -> actions.PhaseEditing:
        """What a valid form asks for."""
        given = self.cleaned_data
        names = ("title", "description", "opened_by", "checks")
        return actions.PhaseEditing(**{name: given[name] for name in names})


@require_http_methods(["GET", "HEAD", "POST"])
def definition_page(request: HttpRequest, code: str) -> HttpResponse:
    """GET: the definition in force, and the proposal that waits or the form of one. POST: propose."""
    phase = Phase.objects.filter(code=code).exclude(state=Phase.State.ACTIVE).first()
    if phase is None:
        raise Http404
    definition = definition_of(phase)
    form = PhaseForm(request.POST or None, definition=definition)
    refused, status = "", 200
    if form.is_bound:
        status = 422
        if form.is_valid():
            try:
                return _proposed(request, code, form)
            except GatehouseError as refusal:
                refused, status = explain(refusal), 409
    edits = list(phase.edits.select_related("proposed_by", "answer__answered_by")[:EDITS_SHOWN])
    waiting = next((edit for edit in edits if not hasattr(edit, "answer")), None)
    context = {
        **admin.site.each_context(request),
        "title": _("Definition of phase %(code)s") % {"code": code},
        "phase": phase,
        "definition": definition,
        "check_labels": [CHECK_LABELS[check] for check in definition.checks],
        "form": form,
        "refused": refused,
        "answered": [edit for edit in edits if hasattr(edit, "answer")],
        "lost_seats": lost_seats(Act.EDIT_PHASE, roles=roles_of(request)),
        "why_not_edit": why_not(request, Act.EDIT_PHASE),
        **(_waiting(request, phase, definition, waiting) if waiting else {}),
    }
    return TemplateResponse(request, "console/releases/phase_definition.html", context, status=status)


@act_view(back="admin:releases")
def activate(request: HttpRequest, edit_id: int) -> HttpResponse:
    """Put a proposal in force."""
    digest = request.POST.get("digest", "")
    phase = actions.activate_phase_edit(actor=actor_of(request), edit_id=edit_id, digest=digest)
    said = {"number": phase.number, "code": phase.code}
    messages.success(request, _("Definition %(number)s of phase %(code)s is in force.") % said)
    return redirect(PAGE, phase.code)


@act_view(back="admin:releases")
def withdraw(request: HttpRequest, edit_id: int) -> HttpResponse:
    """Give a proposal up."""
    reason = request.POST.get("reason", "")
    answer = actions.withdraw_phase_edit(actor=actor_of(request), edit_id=edit_id, reason=reason)
    messages.success(request, _("The proposal is withdrawn."))
    return redirect(PAGE, answer.edit.phase.code)


def _proposed(request: HttpRequest, code: str, form: PhaseForm) -> HttpResponse:
    number = form.cleaned_data["number"]
    actions.propose_phase_edit(actor=actor_of(request), phase=code, number=number, editing=form.editing())
    messages.success(request, _("Proposed. Another person puts it in force."))
    return redirect(PAGE, code)


def _waiting(request: HttpRequest, phase: Phase, definition: PhaseDefinition, edit: PhaseEdit) -> dict[str, Any]:
    """The proposal that waits, what it changes, and who cannot activate it."""
    own = OwnPhaseEdit(phase=phase.code, number=edit.number) if edit.proposed_by_id == person_of(request).pk else None
    why_not_answer = why_not(request, Act.ACTIVATE_PHASE)
    return {
        "edit": edit,
        "changes": changes(definition, from_json(edit.content)),
        "why_not_activate": why_not_answer or (explain(own) if own else ""),
        "why_not_withdraw": why_not_answer,
    }
