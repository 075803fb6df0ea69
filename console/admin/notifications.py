"""The pages of a person's own notifications: what is new, what was read, and what of it goes by e-mail."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.forms import modelform_factory
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from console import actions
from console.kernel.doors import Page, Section, actor_of, add_section, explain, person_of
from console.kernel.errors import GatehouseError
from console.models import NotificationChoice
from console.notifications.own import choice_of, mark_all_read, mark_read, notifications_of

LIST, CHOICE = "admin:own_notifications", "admin:own_notification_choice"
_MAILS = ("mails_waiting", "mails_decided", "mails_lapsing", "mails_run")


ChoiceForm = modelform_factory(NotificationChoice, fields=(*_MAILS, "tells_runs_of_tokens"))
"""What goes by e-mail, and whether runs of tokens are told at all."""


class EmailForm(forms.Form):
    """Where e-mails go."""

    email = forms.EmailField(label=gettext_lazy("E-mail"), max_length=254, required=False)
    password = forms.CharField(label=gettext_lazy("Your password"), strip=False)


def list_view(request: HttpRequest) -> HttpResponse:
    """What is new, then what was read or is over."""
    found = notifications_of(person_of(request))
    newest = max((one.pk for one in found.unread), default=0)
    return _page(request, "console/notifications/list.html", title=_("Notifications"), inbox=found, newest=newest)


@require_POST
def read_view(request: HttpRequest, number: int) -> HttpResponse:
    """Mark one as read; one that is read already, or somebody else's, changes nothing."""
    mark_read(person_of(request), number=number)
    return redirect(LIST)


@require_POST
def read_all_view(request: HttpRequest) -> HttpResponse:
    """Mark as read what the page showed."""
    up_to = request.POST.get("up_to", "")
    count = mark_all_read(person_of(request), up_to=int(up_to)) if up_to.isascii() and up_to.isdecimal() else 0
    said = ngettext("%(n)s notification is marked as read.", "%(n)s notifications are marked as read.", count)
    messages.success(request, said % {"n": count})
    return redirect(LIST)


@require_http_methods(["GET", "HEAD", "POST"])
def choice_view(request: HttpRequest) -> HttpResponse:
    """GET: what the person has chosen, and their address. POST: choose; like the zone it is no act of the trail."""
    person = person_of(request)
    if request.method == "POST":
        form = ChoiceForm(request.POST, instance=choice_of(person))
        form.save()  # five boxes: whatever is sent says something
        messages.success(request, _("Your choice is kept."))
        return redirect(CHOICE)
    return _choice_page(request, EmailForm(initial={"email": person.email}))


@require_POST
def email_view(request: HttpRequest) -> HttpResponse:
    """Set the own address, with the password."""
    form = EmailForm(request.POST)
    form.is_valid()  # what is wrong with it is the action's to say, and on record
    try:
        person = actions.set_own_email(
            actor=actor_of(request),
            email=request.POST.get("email", ""),
            password=request.POST.get("password", ""),
        )
    except GatehouseError as refusal:
        messages.error(request, explain(refusal))
        return _choice_page(request, form, status=422)
    said = _("E-mails go to %(email)s.") % {"email": person.email} if person.email else _("You get no e-mails.")
    messages.success(request, said)
    return redirect(CHOICE)


def _choice_page(request: HttpRequest, form: EmailForm, *, status: int = 200) -> HttpResponse:
    choice = ChoiceForm(instance=choice_of(person_of(request)))
    return _page(
        request,
        "console/notifications/choice.html",
        status=status,
        title=_("What I am told by e-mail"),
        form=form,
        mails=[choice[name] for name in _MAILS],
        tokens=choice["tells_runs_of_tokens"],
    )


def _page(request: HttpRequest, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
    return TemplateResponse(request, template, {**admin.site.each_context(request), **context}, status=status)


add_section(
    Section(
        code="notifications",
        title=gettext_lazy("Notifications"),
        icon="bell",
        url_name=LIST,
        order=90,
        is_personal=True,
        pages=(
            Page(route="own/notifications/", view=list_view, name="own_notifications"),
            Page(route="own/notifications/read/", view=read_all_view, name="own_notifications_read"),
            Page(route="own/notifications/<int:number>/read/", view=read_view, name="own_notification_read"),
            Page(route="own/notifications/choice/", view=choice_view, name="own_notification_choice"),
            Page(route="own/email/", view=email_view, name="own_email"),
        ),
    )
)
