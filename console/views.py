"""Pages outside the admin site: the language switch, the public keys, the answer to a form without a valid token."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import check_for_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from console.certificates import published_keys
from console.kernel.doors import return_path
from console.kernel.models import Person

COOKIE_SECONDS = 365 * 24 * 3600
KEYS_SECONDS = 300


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Remember the language in this browser and, when signed in, with the person; then go back to the page."""
    language = request.POST.get("language", "")
    response = redirect(return_path(request, fallback="/"))
    if language not in dict(settings.LANGUAGES) or not check_for_language(language):
        messages.warning(request, _("The console does not speak “%(asked)s”.") % {"asked": language[:20]})
        return response
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME, language, max_age=COOKIE_SECONDS, samesite="Lax", secure=request.is_secure()
    )
    if isinstance(request.user, Person):
        Person.objects.filter(pk=request.user.pk).update(language=language)
    return response


@require_safe
@cache_control(public=True, max_age=KEYS_SECONDS)
def signing_keys(request: HttpRequest) -> HttpResponse:
    """The public halves of all keys that ever signed certificates, for everybody."""
    return JsonResponse(published_keys())


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form was posted without a valid token: say what happened, and where the form is got anew."""
    came_from = request.META.get("HTTP_REFERER", "")
    is_ours = url_has_allowed_host_and_scheme(came_from, allowed_hosts={request.get_host()})
    return render(request, "csrf.html", {"form_at": came_from if is_ours else ""}, status=403)
