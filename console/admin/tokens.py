"""The pages of API tokens: a person's own; for administrators everybody's, and those of services."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console import actions
from console.actions import MadeToken
from console.actions.tokens import DAYS_MAX, NAME_CHARACTERS_MAX
from console.kernel.authority import Act
from console.kernel.doors import Page, Section, act_view, actor_of, add_section, explain, has_act, person_of, why_not
from console.kernel.errors import GatehouseError, InvalidInput
from console.kernel.models import ApiToken, Person
from console.kernel.scopes import SCOPE_LABELS, Scope

LIST = "admin:tokens"
ENDED_MAX = 50  # of those that ended, as many are shown
DAYS_DEFAULT = 90


class TokenForm(forms.Form):
    """What a token is for and what it opens."""

    name = forms.CharField(label=gettext_lazy("Where it is used"), max_length=NAME_CHARACTERS_MAX)
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("What it opens"),
        choices=[(scope.value, label) for scope, label in SCOPE_LABELS.items()],
        widget=forms.CheckboxSelectMultiple,
    )
    days = forms.IntegerField(
        label=gettext_lazy("Days it holds"), min_value=1, max_value=DAYS_MAX, initial=DAYS_DEFAULT
    )
    is_signed_only = forms.BooleanField(label=gettext_lazy("Signed requests only"), required=False)


class ServiceTokenForm(TokenForm):
    """The same for a service, and for whom it acts."""

    person_id = forms.TypedChoiceField(label=gettext_lazy("Acts for"), coerce=int)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = Person.objects.filter(is_active=True).order_by("printed_name", "username")
        self.fields["person_id"].choices = [("", _("Choose")), *((one.pk, str(one)) for one in people)]  # type: ignore[attr-defined]  # a choice field


class Line(NamedTuple):
    """A token in a table: its scopes in words, and how it stands."""

    token: ApiToken
    scopes: tuple[str, ...]
    state: str


def list_view(request: HttpRequest) -> HttpResponse:
    """The reader's own tokens; an administrator sees the others' as well."""
    person, now = person_of(request), timezone.now()
    is_administrator = has_act(request, Act.CREATE_SERVICE_TOKEN)
    tokens = ApiToken.objects.select_related("person", "created_by")
    return _page(
        request,
        "console/tokens/list.html",
        title=_("API tokens"),
        own=_lines(tokens.filter(person=person), now=now),
        others=_lines(tokens.exclude(person=person), now=now) if is_administrator else (),
        is_administrator=is_administrator,
        service_why_not=why_not(request, Act.CREATE_SERVICE_TOKEN),
    )


def create_view(request: HttpRequest) -> HttpResponse:
    """GET: the form. POST: make an own token and show it, once."""
    return _create(request, TokenForm(request.POST or None), is_service=False)


def create_service_view(request: HttpRequest) -> HttpResponse:
    """GET: the form. POST: make a token for a service and show it, once."""
    return _create(request, ServiceTokenForm(request.POST or None), is_service=True)


@act_view(back=LIST)
def rotate_view(request: HttpRequest, token_id: int) -> HttpResponse:
    """Replace a token and show the new one, once."""
    return _made_page(request, actions.rotate_token(actor=actor_of(request), token_id=token_id))


@act_view(back=LIST)
def revoke_view(request: HttpRequest, token_id: int) -> HttpResponse:
    """End a token."""
    token = actions.revoke_token(actor=actor_of(request), token_id=token_id)
    messages.success(request, _("The token %(prefix)s is revoked.") % {"prefix": f"gh_{token.prefix}"})
    return redirect(LIST)


add_section(
    Section(
        code="tokens",
        title=gettext_lazy("API tokens"),
        icon="copy",
        url_name=LIST,
        order=70,
        is_personal=True,
        pages=(
            Page(route="tokens/", view=list_view, name="tokens"),
            Page(route="tokens/create/", view=create_view, name="token_create"),
            Page(route="tokens/create-for-service/", view=create_service_view, name="token_create_for_service"),
            Page(route="tokens/<int:token_id>/rotate/", view=rotate_view, name="token_rotate"),
            Page(route="tokens/<int:token_id>/revoke/", view=revoke_view, name="token_revoke"),
        ),
    )
)


def _create(request: HttpRequest, form: TokenForm, *, is_service: bool) -> HttpResponse:
    act = Act.CREATE_SERVICE_TOKEN if is_service else Act.CREATE_TOKEN
    make = actions.create_service_token if is_service else actions.create_token
    if form.is_bound and form.is_valid():
        try:
            made = make(actor=actor_of(request), **form.cleaned_data)
        except InvalidInput as refusal:
            form.add_error(refusal.params["field"], _(str(refusal.params["reason"])))
        except GatehouseError as refusal:
            messages.error(request, explain(refusal))
        else:
            return _made_page(request, made)
    title = _("Make a token for a service") if is_service else _("Make a token")
    context = {"form": form, "is_service": is_service, "create_why_not": why_not(request, act)}
    chosen = form["scopes"].value() or ()
    response = _page(request, "console/tokens/create.html", title=title, chosen=chosen, **context)
    if form.is_bound:
        response.status_code = 422 if has_act(request, act) else 403
    return response


def _made_page(request: HttpRequest, made: MadeToken) -> HttpResponse:
    """The token and its signing secret: shown to the one who acted, kept by no cache."""
    response = _page(request, "console/tokens/made.html", title=_("The new token"), made=made, token=made.token)
    response.headers["Cache-Control"] = "no-store"
    return response


def _lines(tokens: QuerySet[ApiToken], *, now: datetime) -> tuple[Line, ...]:
    living = [one for one in tokens if _state(one, now=now) == "living"]
    ended = [one for one in tokens if _state(one, now=now) != "living"][:ENDED_MAX]
    return tuple(
        Line(
            token=one,
            scopes=tuple(scope.value for scope in Scope if scope in one.scope_set),
            state=_state(one, now=now),
        )
        for one in (*living, *ended)
    )


def _state(token: ApiToken, *, now: datetime) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "expired" if token.expires_at <= now else "living"


def _page(request: HttpRequest, template: str, **context: Any) -> TemplateResponse:
    return TemplateResponse(request, template, {**admin.site.each_context(request), **context})
