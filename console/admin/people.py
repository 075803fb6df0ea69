"""The pages of people: the list with what waits for a second person, one person, and the acts on them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from console import actions
from console.actions import HalfPassword
from console.admin.people_lines import grant_lines, history_of, person_lines, proposals, roles_to_propose
from console.kernel.authority import Act
from console.kernel.doors import ReadOnlyAdmin, Section, act_view, actor_of, add_section, explain, why_not
from console.kernel.errors import GatehouseError, InvalidInput
from console.kernel.models import Person

LIST = "admin:kernel_person_changelist"

add_section(Section(code="people", title=gettext_lazy("People"), icon="person", url_name=LIST, order=60))


class PersonForm(forms.Form):
    """Who gets a login."""

    username = forms.CharField(label=gettext_lazy("Username"), max_length=150)
    printed_name = forms.CharField(label=gettext_lazy("Full name"), max_length=150)
    email = forms.EmailField(label=gettext_lazy("E-mail"), max_length=254, required=False)


@act_view(back=LIST)
def propose_role(request: HttpRequest, person_id: int) -> HttpResponse:
    """Propose a role for a person."""
    grant = actions.propose_role(
        actor=actor_of(request),
        person_id=person_id,
        role=request.POST.get("role", ""),
        verified_how=request.POST.get("verified_how", ""),
    )
    said = (
        _("The role counts from now on.")
        if grant.is_standing
        else _("The role counts once a second person confirms it.")
    )
    messages.success(request, said)
    return redirect("admin:kernel_person_change", person_id)


@act_view(back=LIST)
def confirm_role(request: HttpRequest, grant_id: int) -> HttpResponse:
    """Be the second person for a role."""
    grant = actions.confirm_role(actor=actor_of(request), grant_id=grant_id)
    messages.success(request, _("Confirmed: %(person)s holds the role from now on.") % {"person": grant.person})
    return redirect("admin:kernel_person_change", grant.person_id)


@act_view(back=LIST)
def withdraw_role(request: HttpRequest, grant_id: int) -> HttpResponse:
    """End a role, or a proposal of one."""
    grant = actions.take_role(actor=actor_of(request), grant_id=grant_id, reason=request.POST.get("reason", ""))
    messages.success(request, _("The role of %(person)s has ended.") % {"person": grant.person})
    return redirect("admin:kernel_person_change", grant.person_id)


@act_view(back=LIST)
def reset_password(request: HttpRequest, person_id: int) -> HttpResponse:
    """Propose a first password and show its first half, once."""
    return _half_page(request, actions.reset_password(actor=actor_of(request), person_id=person_id), is_first=True)


@act_view(back=LIST)
def confirm_reset(request: HttpRequest, reset_id: int) -> HttpResponse:
    """Be the second person for a first password and see its second half, once."""
    return _half_page(request, actions.confirm_reset(actor=actor_of(request), reset_id=reset_id), is_first=False)


@act_view(back=LIST)
def withdraw_reset(request: HttpRequest, reset_id: int) -> HttpResponse:
    """Take back a first password that nobody has confirmed."""
    reset = actions.withdraw_reset(actor=actor_of(request), reset_id=reset_id)
    messages.success(request, _("The first password of %(person)s is withdrawn.") % {"person": reset.person})
    return redirect("admin:kernel_person_change", reset.person_id)


@act_view(back=LIST)
def deactivate(request: HttpRequest, person_id: int) -> HttpResponse:
    """Close a login."""
    reason = request.POST.get("reason", "")
    person = actions.deactivate_person(actor=actor_of(request), person_id=person_id, reason=reason)
    messages.success(request, _("%(person)s is deactivated and holds no role.") % {"person": person})
    return redirect("admin:kernel_person_change", person_id)


@act_view(back=LIST)
def reactivate(request: HttpRequest, person_id: int) -> HttpResponse:
    """Open a closed login again."""
    reason = request.POST.get("reason", "")
    person = actions.reactivate_person(actor=actor_of(request), person_id=person_id, reason=reason)
    messages.success(request, _("%(person)s may sign in again and holds no role yet.") % {"person": person})
    return redirect("admin:kernel_person_change", person_id)


@admin.register(Person)
class PersonAdmin(ReadOnlyAdmin):
    """People and their roles. No form writes a row here: every change is an act."""

    def get_urls(self) -> list[URLPattern]:
        """The acts before Django's own addresses, of which only reading is left."""
        acts = (
            ("<int:person_id>/propose-role/", propose_role, "propose_role"),
            ("<int:person_id>/reset/", reset_password, "reset"),
            ("<int:person_id>/deactivate/", deactivate, "deactivate"),
            ("<int:person_id>/reactivate/", reactivate, "reactivate"),
            ("role/<int:grant_id>/confirm/", confirm_role, "confirm_role"),
            ("role/<int:grant_id>/withdraw/", withdraw_role, "withdraw_role"),
            ("reset/<int:reset_id>/confirm/", confirm_reset, "confirm_reset"),
            ("reset/<int:reset_id>/withdraw/", withdraw_reset, "withdraw_reset"),
            ("create/", self.create_view, "create"),
        )
        wrap = self.admin_site.admin_view
        return [
            *(path(route, wrap(view), name=f"kernel_person_{name}") for route, view, name in acts),
            *super().get_urls(),
        ]

    @method_decorator(require_safe)
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """What waits for a second person, then everybody."""
        return _page(
            request,
            "console/people/list.html",
            title=_("People"),
            lines=person_lines(),
            proposals=proposals(request),
            create_why_not=why_not(request, Act.CREATE_PERSON),
            manage_why_not=why_not(request, Act.TAKE_ROLE),
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One person: roles and how they came about, what waits, what they did, and the acts on them."""
        person = get_object_or_404(Person, pk=object_id)
        return _page(
            request,
            "console/people/person.html",
            title=str(person),
            person=person,
            grants=grant_lines(person),
            proposals=proposals(request, person=person),
            history=history_of(person),
            roles=roles_to_propose(person),
            manage_why_not=why_not(request, Act.PROPOSE_ROLE),
        )

    def create_view(self, request: HttpRequest) -> HttpResponse:
        """GET: the form. POST: make the login and show the first half of its first password, once."""
        form = PersonForm(request.POST or None)
        if form.is_bound and form.is_valid():
            try:
                made = actions.create_person(actor=actor_of(request), **form.cleaned_data)
            except InvalidInput as refusal:
                form.add_error(refusal.params["field"], _(str(refusal.params["reason"])))
            except GatehouseError as refusal:
                messages.error(request, explain(refusal))
            else:
                return _half_page(request, made, is_first=True)
        context = {"form": form, "create_why_not": why_not(request, Act.CREATE_PERSON)}
        response = _page(request, "console/people/create.html", title=_("Add a person"), **context)
        response.status_code = 422 if form.is_bound else 200
        return response


def _half_page(request: HttpRequest, password: HalfPassword, *, is_first: bool) -> HttpResponse:
    """Half of a first password: shown to the one who acted, kept by no cache."""
    person = password.reset.person
    response = _page(
        request,
        "console/people/half.html",
        title=_("First password of %(person)s") % {"person": person},
        person=person,
        half=password.half,
        is_first=is_first,
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _page(request: HttpRequest, template: str, **context: Any) -> TemplateResponse:
    return TemplateResponse(request, template, {**admin.site.each_context(request), **context})
