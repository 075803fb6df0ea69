"""The pages of gate policies: the list, one policy, a draft beside the active one, its editor, and the acts on it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from console.kernel.authority import Act
from console.kernel.doors import ReadOnlyAdmin, Section, act_view, actor_of, add_section, explain, why_not
from console.kernel.errors import GatehouseError
from testruns import actions
from testruns.admin.policy_form import PolicyForm
from testruns.admin.policy_page import draft_offer, read_draft, read_policy, would_change
from testruns.draft_states import DraftState
from testruns.gates.policy import IMPORTS_CODE, SHIPPED_CODE
from testruns.models import GatePolicy, PolicyDraft

LIST = "admin:testruns_gatepolicy_changelist"
DRAFT = "admin:testruns_policy_draft"
CLOSED_SHOWN = 10

add_section(Section(code="policies", title=gettext_lazy("Rules"), icon="policy", url_name=LIST, order=40))


@act_view(back=LIST)
def begin(request: HttpRequest) -> HttpResponse:
    """Begin a draft and open its editor."""
    code = IMPORTS_CODE if request.GET.get("of") == IMPORTS_CODE else SHIPPED_CODE
    draft = actions.draft_policy(actor=actor_of(request), code=code)
    return redirect("admin:testruns_policy_draft_edit", draft.pk)


@act_view(back=LIST)
def submit(request: HttpRequest, draft_id: int) -> HttpResponse:
    """Offer a draft for activation."""
    draft = actions.submit_draft(actor=actor_of(request), draft_id=draft_id)
    messages.success(request, _("Policy %(number)s waits for a second person.") % {"number": draft.number})
    return redirect(DRAFT, draft.pk)


@act_view(back=LIST)
def reopen(request: HttpRequest, draft_id: int) -> HttpResponse:
    """Take a submitted draft back and open its editor."""
    draft = actions.reopen_draft(actor=actor_of(request), draft_id=draft_id)
    return redirect("admin:testruns_policy_draft_edit", draft.pk)


@act_view(back=LIST)
def withdraw(request: HttpRequest, draft_id: int) -> HttpResponse:
    """Give a draft up."""
    reason = request.POST.get("reason", "")
    draft = actions.withdraw_draft(actor=actor_of(request), draft_id=draft_id, reason=reason)
    messages.success(request, _("The draft of policy %(number)s is withdrawn.") % {"number": draft.number})
    return redirect(LIST)


@act_view(back=LIST)
def activate(request: HttpRequest, draft_id: int) -> HttpResponse:
    """Make a draft the policy of all runs from now on."""
    digest = request.POST.get("digest", "")
    policy = actions.activate_policy(actor=actor_of(request), draft_id=draft_id, digest=digest)
    said = _("Policy %(number)s is active. Runs requested from now on are judged under it.")
    if policy.code == IMPORTS_CODE:
        said = _("Policy %(number)s for imported results is active. What is imported from now on is judged under it.")
    messages.success(request, said % {"number": policy.number})
    return redirect("admin:testruns_gatepolicy_change", policy.pk)


@admin.register(GatePolicy)
class GatePolicyAdmin(ReadOnlyAdmin):
    """Policies: which rules, thresholds and values runs are judged under, and the way two people change them."""

    def get_urls(self) -> list[URLPattern]:
        """The addresses of drafts before Django's own ones, of which only reading is left."""
        wrap = self.admin_site.admin_view
        return [
            path("draft/begin/", wrap(begin), name="testruns_policy_draft_begin"),
            path("draft/<int:draft_id>/", wrap(self.draft_view), name="testruns_policy_draft"),
            path("draft/<int:draft_id>/edit/", wrap(self.edit_view), name="testruns_policy_draft_edit"),
            path("draft/<int:draft_id>/submit/", wrap(submit), name="testruns_policy_draft_submit"),
            path("draft/<int:draft_id>/reopen/", wrap(reopen), name="testruns_policy_draft_reopen"),
            path("draft/<int:draft_id>/withdraw/", wrap(withdraw), name="testruns_policy_draft_withdraw"),
            path("draft/<int:draft_id>/activate/", wrap(activate), name="testruns_policy_draft_activate"),
            *super().get_urls(),
        ]

    @method_decorator(require_safe)
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The active policy first, the open draft above all, and what was withdrawn below."""
        rows = GatePolicy.objects.select_related("activated_by", "edited_by").order_by("-is_active", "-number")
        closed = PolicyDraft.objects.filter(state=DraftState.WITHDRAWN.value).select_related("closed_by")
        return self._page(
            request,
            "testruns/policies/list.html",
            title=_("Policies"),
            rows=rows,
            drafts=[draft for draft in map(_open_draft, (SHIPPED_CODE, IMPORTS_CODE)) if draft],
            withdrawn=closed[:CLOSED_SHOWN],
            begin=None if _open_draft(SHIPPED_CODE) else draft_offer(request, code=SHIPPED_CODE),
            begin_imports=None if _open_draft(IMPORTS_CODE) else draft_offer(request, code=IMPORTS_CODE),
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The rules of one policy, gate by gate, with their help."""
        row = get_object_or_404(GatePolicy.objects.select_related("activated_by", "edited_by"), pk=object_id)
        of_imports = row.code == IMPORTS_CODE
        title = _("Policy %(number)s for imported results") if of_imports else _("Policy %(number)s")
        title %= {"number": row.number}
        return self._page(request, "testruns/policies/policy.html", title=title, **read_policy(row))

    def draft_view(self, request: HttpRequest, draft_id: int) -> HttpResponse:
        """A draft beside the active policy, in words, with the acts on it."""
        draft = _draft(draft_id)
        return self._page(request, "testruns/policies/draft.html", title=_title(draft), **read_draft(draft, request))

    def edit_view(self, request: HttpRequest, draft_id: int) -> HttpResponse:
        """GET: the form with what the draft says. POST: save it; errors stand beside their fields."""
        draft = _draft(draft_id)
        if draft.state != DraftState.EDITING:
            return redirect(DRAFT, draft.pk)
        initial = {"version": draft.version}
        form = PolicyForm(request.POST or None, initial=initial, policy=actions.rules_of_draft(draft))
        refused, status = "", 422 if form.is_bound else 200
        if request.method == "POST" and form.is_valid():
            try:
                return _saved(request, draft, form)
            except GatehouseError as refusal:
                refused, status = explain(refusal), 409
        response = self._page(
            request,
            "testruns/policies/edit.html",
            title=_title(draft),
            draft=draft,
            form=form,
            refused=refused,
            would_change=would_change(draft, form) if refused else (),
            why_not=why_not(request, Act.EDIT_POLICY),
        )
        response.status_code = status
        return response

    def _page(self, request: HttpRequest, template: str, **context: Any) -> TemplateResponse:
        return TemplateResponse(request, template, {**self.admin_site.each_context(request), **context})


def _saved(request: HttpRequest, draft: PolicyDraft, form: PolicyForm) -> HttpResponse:
    """Save and show the draft. Raises what `edit_draft` refuses."""
    version = form.cleaned_data["version"]
    saved = actions.edit_draft(actor=actor_of(request), draft_id=draft.pk, version=version, editing=form.editing())
    if saved.version == version:
        messages.info(request, _("Nothing was changed: the draft said that already."))
    else:
        messages.success(request, _("The draft is saved."))
    return redirect(DRAFT, draft.pk)


def _draft(draft_id: int) -> PolicyDraft:
    rows = PolicyDraft.objects.select_related("base", "opened_by", "closed_by", "policy")
    return get_object_or_404(rows, pk=draft_id)


def _open_draft(code: str) -> PolicyDraft | None:
    return actions.open_draft(code=code)


def _title(draft: PolicyDraft) -> str:
    of_imports = draft.code == IMPORTS_CODE
    title = _("Draft of policy %(number)s for imported results") if of_imports else _("Draft of policy %(number)s")
    return title % {"number": draft.number}
