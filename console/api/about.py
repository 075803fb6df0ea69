"""What the API says about itself: its addresses, its OpenAPI document, its types of problems, and the token in hand."""

from __future__ import annotations

import json
from datetime import UTC
from functools import cache
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from console.kernel.api import problems
from console.kernel.api.caching import etag_of, unless_known
from console.kernel.api.problems import Problem, plain_answer
from console.kernel.api.views import ApiView, PublicView, token_of
from console.kernel.scopes import ANY_SCOPE, Scope

TOO_MUCH = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)


class AddressesSerializer(serializers.Serializer[Any]):
    """Where to go on."""

    schema = serializers.CharField()
    problems = serializers.CharField()
    token = serializers.CharField()


class ProblemTypeSerializer(serializers.Serializer[Any]):
    """A type of problem."""

    type = serializers.CharField()
    code = serializers.CharField()
    status = serializers.IntegerField()
    title = serializers.CharField()
    about = serializers.CharField()


class ProblemTypesSerializer(serializers.Serializer[Any]):
    """Every type of problem."""

    results = ProblemTypeSerializer(many=True)


class TokenSerializer(serializers.Serializer[Any]):
    """The token in hand, without its secret."""

    prefix = serializers.CharField()
    name = serializers.CharField()
    person = serializers.CharField()
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=[scope.value for scope in Scope]))
    roles = serializers.ListField(child=serializers.CharField())
    is_signed_only = serializers.BooleanField()
    expires_at = serializers.DateTimeField()


class IndexView(PublicView):
    """The first addresses of the API."""

    @extend_schema(responses=AddressesSerializer, summary="Where to go on")
    def get(self, request: Request) -> Response:
        """The addresses from which every other one is found."""
        names = {"schema": "api-schema", "problems": "api-problems", "token": "api-token"}
        return Response({name: request.build_absolute_uri(reverse(url)) for name, url in names.items()})


class SchemaView(PublicView):
    """The OpenAPI document."""

    @extend_schema(responses={200: {"type": "object"}}, summary="This document")
    def get(self, request: Request) -> HttpResponseBase:
        """The OpenAPI 3.1 document of this API, in JSON."""
        document = openapi_document()
        return unless_known(request, etag=etag_of(json.dumps(document)), answer=lambda: Response(document))


class ProblemsView(PublicView):
    """The types of problems."""

    @extend_schema(responses=ProblemTypesSerializer, summary="Every type of problem")
    def get(self, request: Request) -> Response:
        """What `type` of a problem document can be, with status and meaning."""
        return Response({"results": [_shown(one) for one in problems.types().values()]})


class ProblemView(PublicView):
    """One type of problem: where its `type` leads."""

    @extend_schema(
        responses=ProblemTypeSerializer,
        summary="One type of problem",
        examples=[OpenApiExample("malformed-json", parameter_only=("code", "path"), value="malformed-json")],
    )
    def get(self, request: Request, code: str) -> Response:
        """The status and the meaning of one code."""
        found = problems.types().get(code)
        if found is None:
            raise Problem("not-found", 404, _("Nothing is at this address."))
        return Response(_shown(found))


class TokenView(ApiView):
    """The token in hand."""

    scope = ANY_SCOPE

    @extend_schema(responses=TokenSerializer, summary="The token in hand")
    def get(self, request: Request) -> Response:
        """For whom the token acts, what it opens, and until when."""
        token = token_of(request)
        return Response(
            {
                "prefix": token.prefix,
                "name": token.name,
                "person": token.person.username,
                "scopes": sorted(token.scope_set),
                "roles": sorted(token.person.roles),
                "is_signed_only": token.is_signed_only,
                "expires_at": token.expires_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            }
        )


@cache
def openapi_document() -> dict[str, Any]:
    """The document, made once per process, in English."""
    with override("en"):
        generator = SchemaGenerator()  # type: ignore[no-untyped-call]  # the library says no types
        document: dict[str, Any] = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return document


def nothing_here(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: a problem below /api/, the console's page elsewhere."""
    if not request.path.startswith("/api/"):
        return defaults.page_not_found(request, exception or Exception())
    return plain_answer(
        request, Problem("not-found", 404, _("Nothing is at this address. Addresses end with a slash."))
    )


def failed(request: HttpRequest) -> HttpResponse:
    """500: a problem below /api/ that tells nothing of the fault, the console's page elsewhere."""
    if not request.path.startswith("/api/"):
        return defaults.server_error(request)
    return plain_answer(request, Problem("internal-error", 500, _("A fault of the program. It is in the log.")))


def unreadable(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, or 413 for what is too large: a problem below /api/, the console's page elsewhere."""
    if not request.path.startswith("/api/"):
        return too_much(request) if isinstance(exception, TOO_MUCH) else defaults.bad_request(request, exception)
    return plain_answer(request, problems.problem_of(exception) or Problem("malformed-request", 400, ""))


def too_much(request: HttpRequest) -> HttpResponse:
    """413, in the console's design: how much a form may hold, and where more of it goes."""
    limits = {
        "size_max": settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
        "fields_max": settings.DATA_UPLOAD_MAX_NUMBER_FIELDS,
    }
    return render(request, "413.html", limits, status=413)


nothing_at_all = csrf_exempt(nothing_here)


def _shown(one: problems.ProblemType) -> dict[str, Any]:
    return {"type": one.uri, "code": one.code, "status": one.status, "title": one.title, "about": one.about}
