"""The language of a signed-in person, where their browser has not chosen one on this device, and their time zone;
pages compressed on their way."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils import timezone, translation


class CompressedPagesMiddleware(GZipMiddleware):
    """Compress pages and nothing else: answers of the API are small and hot, downloads are evidence byte for byte.

    Django pads every answer by a random length, so that its size tells nothing about a token in it (BREACH).
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Compress what a browser shows, when it says that it can read that."""
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        is_file = response.headers.get("Content-Disposition", "").startswith("attachment")
        return super().process_response(request, response) if is_page and not is_file else response


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
