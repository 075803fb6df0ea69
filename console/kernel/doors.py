"""What the screens of every app share: sections of the navigation, read-only model pages, acts as POST views.

The one AdminSite lives in console; apps below it register their pages here and never import it.
Public: Page, Section, add_section, sections, ReadOnlyAdmin, act_view, actor_of, roles_of, has_act, why_not, may_read,
return_path, explain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.contrib.admin.views.main import ERROR_FLAG
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from console.kernel.acts import Actor
from console.kernel.authority import ROLE_LABELS, Act, Role, may, who_may
from console.kernel.errors import GatehouseError
from ledger import LedgerError

if TYPE_CHECKING:
    from django.db.models import Model
    from django.utils.functional import _StrPromise

    from console.kernel.models import Person

View = Callable[..., HttpResponse]


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One address of a section: route below the section's prefix, view, and its name in the admin namespace."""

    route: str
    view: View
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """One entry of the navigation; `pages` may be empty when a model's own pages are linked.

    is_personal: it stands in the menu under the person's name instead.
    """

    code: str
    title: str | _StrPromise
    icon: str
    url_name: str
    order: int
    pages: tuple[Page, ...] = field(default=())
    is_personal: bool = False


_sections: dict[str, Section] = {}


def add_section(section: Section) -> None:
    """Put a section into the navigation; a code taken twice stops the import."""
    if section.code in _sections:
        raise ValueError(f"the section {section.code!r} is registered twice")
    _sections[section.code] = section


def sections() -> tuple[Section, ...]:
    """Every registered section in the order of the navigation."""
    return tuple(sorted(_sections.values(), key=lambda section: section.order))


def person_of(request: HttpRequest) -> Person:
    """The signed-in person of a request that passed the site's permission check."""
    return cast("Person", request.user)


def actor_of(request: HttpRequest) -> Actor:
    """The signed-in person, acting through the console."""
    return Actor(person=person_of(request), via="console", source=str(request.META.get("REMOTE_ADDR", ""))[:64])


def roles_of(request: HttpRequest) -> frozenset[Role]:
    """The signed-in person's roles, read once per request."""
    if not hasattr(request, "_gatehouse_roles"):
        request._gatehouse_roles = person_of(request).roles  # type: ignore[attr-defined]  # a memo on the request
    return cast("frozenset[Role]", request._gatehouse_roles)  # type: ignore[attr-defined]  # set above


def has_act(request: HttpRequest, act: Act) -> bool:
    """Whether the signed-in person's roles allow the act (governance.md 2)."""
    return may(act=act, roles=roles_of(request))


def why_not(request: HttpRequest, act: Act) -> str:
    """Why this person's button for the act is disabled, with the roles it takes; empty when they may."""
    if has_act(request, act):
        return ""
    roles = ", ".join(gettext(ROLE_LABELS[role]) for role in who_may(act=act))
    return gettext("This takes one of these roles: %(roles)s.") % {"roles": roles}


def may_read(request: HttpRequest) -> bool:
    """Whether this request may see the console's pages: an active person whose roles may read."""
    user = request.user
    return bool(user.is_authenticated and user.is_active and has_act(request, Act.READ))


def explain(error: GatehouseError | LedgerError) -> str:
    """The refusal in the reader's language: what, which one, what now."""
    return error.said(gettext) if isinstance(error, GatehouseError) else gettext(error.message) % error.params


def act_view(*, back: str) -> Callable[[View], View]:
    """Make a POST-only view of a function that calls one action.

    A refusal is shown as a message, and the person returns to where they were (`_from`, a path of this console)
    or to the page named `back`. GET never changes state: it answers 405.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def posted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                return view(request, *args, **kwargs)
            except (GatehouseError, LedgerError) as refusal:
                messages.error(request, explain(refusal))
                return redirect(return_path(request, fallback=reverse(back)))

        return require_POST(posted)

    return decorate


def return_path(request: HttpRequest, *, fallback: str) -> str:
    """The path of this console a form was posted from (`_from`), or the fallback; never another host."""
    path = request.POST.get("_from", "")
    is_ours = path.startswith("/") and url_has_allowed_host_and_scheme(path, allowed_hosts=None)
    return path if is_ours else fallback


if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin  # Django's own class takes no type argument at run time


class ReadOnlyAdmin(_ModelAdmin):
    """A model's pages that only read: nobody adds, changes or deletes a row here, not even a superuser.

    Runs, results, evidence and audit entries change through actions alone; the list has no bulk actions and the
    page of a row is not a form. `record_fields` names what the page of a row shows.
    """

    actions = None
    list_max_show_all = 0
    list_per_page = 50
    show_full_result_count = False
    record_fields: tuple[str, ...] = ()
    record_template = "console/record.html"
    explanation: str | _StrPromise = ""

    def has_add_permission(self, request: HttpRequest, *_: object) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may_read(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_read(request)

    @method_decorator(require_safe)
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Django's list. It leaves out a filter it does not know by `?e=1`; here that is said."""
        if ERROR_FLAG in request.GET:
            messages.warning(request, gettext("The address asks for a filter this list does not have; all is shown."))
        kept = request.GET.copy()
        for name in self._unknown_choices(request):
            asked = kept.pop(name)[-1]
            messages.warning(
                request, gettext("“%(value)s” is not a choice of this filter; all is shown.") % {"value": asked[:50]}
            )
        if len(kept) < len(request.GET):
            return redirect(f"{request.path}?{kept.urlencode()}")
        title = capfirst(str(self.opts.verbose_name_plural))
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def _unknown_choices(self, request: HttpRequest) -> list[str]:
        """The filters in the address whose value no row could ever have."""
        unknown = []
        for column in (one for one in self.list_filter if isinstance(one, str)):
            for name in (column, f"{column}__exact"):
                if name in request.GET and request.GET[name] not in self._choices(column):
                    unknown.append(name)
        return unknown

    def _choices(self, column: str) -> set[str]:
        choices = self.opts.get_field(column).choices  # type: ignore[union-attr]  # filters are columns of the table
        if choices:
            return {str(value) for value, _label in choices}
        return set(self.model._default_manager.order_by().values_list(column, flat=True).distinct())

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Django's own history is deletable and therefore no evidence; the audit entries are the history."""
        raise Http404
