"""The language of a signed-in person, where their browser has not chosen one on this device, and their time zone;
pages compressed on their way; the answers of a console that is closed, of an address that takes another method, and of
a page that rests on a run which cannot be read."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.shortcuts import render
from django.utils import timezone, translation
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _

from console.kernel import live
from console.kernel.api.problems import Problem, plain_answer, register
from console.maintenance import Maintenance, maintenance
from testruns.actions import RunUnreadable
from testruns.admin.unreadable import unreadable_page

ALWAYS_OPEN = frozenset({"/api/health", "/metrics"})
"""What machines watch says itself how the installation is."""

KNOWN_METHODS = ("GET", "HEAD", "POST", "OPTIONS")

RETRY_SECONDS_MIN, RETRY_SECONDS = 30, 300

logger = logging.getLogger(__name__)

register({"maintenance": (503, "The console is closed while somebody works on it; nothing was done.")})


class CompressedPagesMiddleware(GZipMiddleware):
    """Compress pages and nothing else: answers of the API are small and hot, downloads are evidence byte for byte.

    Django pads every answer by a random length, so that its size tells nothing about a token in it (BREACH).
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Compress what a browser shows, when it says that it can read that."""
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        is_file = response.headers.get("Content-Disposition", "").startswith("attachment")
        return super().process_response(request, response) if is_page and not is_file else response


class LiveUpdatesMiddleware(live.LiveUpdatesMiddleware):
    """Early answers of an open console; a closed one gives them as little as any other."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Look at the switch first: who was let in before is not asked for by the site again."""
        if live.is_update(request) and maintenance() is not None:
            return self.get_response(request)
        return super().__call__(request)


class PersonLanguageMiddleware:
    """Show a person's own language unless this browser holds the language cookie, which is a choice made later."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Switch the language before the view and name it in the answer."""
        language = "" if settings.LANGUAGE_COOKIE_NAME in request.COOKIES else getattr(request.user, "language", "")
        if not language:
            return self.get_response(request)
        with translation.override(language):
            request.LANGUAGE_CODE = translation.get_language()
            response = self.get_response(request)
            response.headers["Content-Language"] = language
            return response


class PersonTimeZoneMiddleware:
    """Say times in the zone a person has chosen; without one in the installation's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Switch the zone before the view."""
        zone = getattr(request.user, "time_zone", "")
        if not zone:
            return self.get_response(request)
        with timezone.override(zone):
            return self.get_response(request)


class MaintenanceMiddleware:
    """Answers 503 to everybody, in their language, while the console is closed; nothing behind it is touched."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Look at the switch before anything else does something."""
        closed = maintenance() if request.path not in ALWAYS_OPEN else None
        if closed is None:
            return self.get_response(request)
        seconds = _retry_seconds(closed)
        if request.path.startswith("/api/"):
            text = _("The console is closed while somebody works on it.")
            return plain_answer(request, Problem("maintenance", 503, text, headers={"Retry-After": str(seconds)}))
        response = render(request, "503.html", {"closed": closed}, status=503)
        response.headers["Retry-After"] = str(seconds)
        add_never_cache_headers(response)
        return response


def _retry_seconds(closed: Maintenance) -> int:
    if closed.until is None:
        return RETRY_SECONDS
    return max(round((closed.until - timezone.now()).total_seconds()), RETRY_SECONDS_MIN)


class RefusedMethodPageMiddleware:
    """No page of the console knows PUT, PATCH or DELETE; and a 405 says what to do, for Django's answer is empty."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Refuse such a method, whatever the view would answer; fill an empty 405, and leave its headers."""
        if request.path.startswith("/api/"):
            return self.get_response(request)
        is_known = request.method in KNOWN_METHODS
        response = self.get_response(request) if is_known else HttpResponseNotAllowed(KNOWN_METHODS)
        if response.status_code != 405 or response.content:
            return response
        allowed = response.headers.get("Allow", "POST")
        page = render(request, "405.html", {"is_posted": allowed == "POST"}, status=405)
        page.headers["Allow"] = allowed
        return page


class UnreadableRunMiddleware:
    """A page that rests on a run which cannot be read says so, and what can be done."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Nothing, as long as every run can be read."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The page in place of that of a fault; the log says why. The API answers a refusal itself."""
        if not isinstance(exception, RunUnreadable) or request.path.startswith("/api/"):
            return None
        logger.error("a run cannot be read at %s", request.path, exc_info=exception)
        return unreadable_page(request, run_id=exception.params["run"])
