"""The one AdminSite: every screen is a view of it, and nothing else is.

It takes models of our own apps only, and only with a read-only admin: the models of django-q2 and axes stay out
(a schedule runs any dotted path), and no row is edited outside an action.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from console.kernel.authority import ROLE_LABELS
from console.kernel.doors import ReadOnlyAdmin, may_read, person_of, roles_of, sections

OUR_APPS = frozenset({"kernel", "ledger", "testruns", "console"})


class GatehouseSite(admin.AdminSite):
    """Django's admin site with our pages, our theme and our rule of who may read."""

    site_title = site_header = index_title = "Gatehouse"
    site_url = None
    enable_nav_sidebar = False
    login_form = AuthenticationForm  # who may read is decided by roles, not by Django's staff flag

    def register(
        self, model_or_iterable: Any, admin_class: type[admin.ModelAdmin[Any]] | None = None, **options: Any
    ) -> None:
        """Register a model of ours; models of other apps are left out.

        Raises ImproperlyConfigured for a model of ours whose admin could change rows.
        """
        models = model_or_iterable if isinstance(model_or_iterable, Iterable) else [model_or_iterable]
        ours = [model for model in models if model._meta.app_label in OUR_APPS]
        if not ours:
            return
        if admin_class is None or not issubclass(admin_class, ReadOnlyAdmin):
            raise ImproperlyConfigured(f"{ours[0].__name__} needs a ReadOnlyAdmin: rows change through actions alone")
        super().register(ours, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether this request may see the console at all."""
        return may_read(request)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """The pages of every section, then Django's own."""
        pages: list[URLPattern | URLResolver] = [
            path(page.route, self.admin_view(page.view), name=page.name)
            for section in sections()
            for page in section.pages
        ]
        return pages + super().get_urls()

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """What the frame of every page needs; three small queries at most (roles, administrators, notifications)."""
        from console.kernel.second_person import has_one_administrator  # as in `index`

        if not self.has_permission(request):
            return {"site_title": self.site_title, "has_permission": False}
        return {
            "site_title": self.site_title,
            "has_permission": True,
            "is_popup": False,
            "sections": self._navigation(request),
            "lapses": _lapses(),
            "has_one_administrator": has_one_administrator(),
            "unread_count": _unread_count(request),
            "role_words": [_(ROLE_LABELS[role]) for role in sorted(roles_of(request))],
        }

    def _navigation(self, request: HttpRequest) -> list[dict[str, Any]]:
        shown = []
        for section in sections():
            if section.is_personal:
                continue
            url = reverse(section.url_name)
            is_current = request.path == url or (section.code != "home" and request.path.startswith(url))
            shown.append({"title": section.title, "icon": section.icon, "url": url, "is_current": is_current})
        return shown

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The first page."""
        from console.admin.home import home_page  # reads models, which are not loaded when the site is made

        return home_page(request, self, extra_context)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Set a password of one's own: Django's page, saved through the audited action."""
        from console.password_form import OwnPasswordForm  # as in `index`

        response = PasswordChangeView.as_view(
            form_class=OwnPasswordForm,
            success_url=reverse("admin:password_change_done"),
            extra_context={**self.each_context(request), **(extra_context or {})},
            template_name="registration/password_change_form.html",
        )(request)
        return cast("TemplateResponse", response)  # or the redirect after success, as in Django's own

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The sign-in page. A live update whose session has ended reloads its page instead of swapping this one in."""
        if request.headers.get("HX-Request"):
            return HttpResponse(status=204, headers={"HX-Refresh": "true"})
        return super().login(request, extra_context)


def _lapses() -> tuple[Any, ...]:
    """The releases that have lapsed: said on every page until somebody decides anew."""
    from console.releases.board import lapses  # reads models, which are not loaded when the site is made

    return lapses(now=timezone.now())


def _unread_count(request: HttpRequest) -> int:
    """How many notifications are new to the reader."""
    from console.notifications.own import unread_count  # as above

    return unread_count(person_of(request))
