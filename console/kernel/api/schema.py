"""What the OpenAPI document says of every operation by itself: scopes, parameters, keys, and its problems."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from console.kernel.api.pagination import LIMIT_DEFAULT, LIMIT_MAX, Filter
from console.kernel.api.problems import MEDIA_TYPE
from console.kernel.api.views import ApiView, PublicView

PROBLEM_SCHEMA: Mapping[str, Any] = MappingProxyType(
    {
        "type": "object",
        "description": "RFC 9457. `code` is stable. `type` is `/api/v1/problems/CODE/`, relative to the console, where "
        "a GET says what it means. Further members may stand beside.",
        "required": ["type", "title", "status", "code", "detail", "instance"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "code": {"type": "string"},
            "detail": {"type": "string"},
            "instance": {"type": "string"},
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["detail"],
                    "properties": {
                        "detail": {"type": "string"},
                        "pointer": {"type": "string", "description": "JSON Pointer into the body of the request"},
                        "parameter": {"type": "string", "description": "a parameter of the query"},
                    },
                },
            },
        },
    }
)
_PROBLEMS: Mapping[str, str] = MappingProxyType(
    {
        "400": "The request cannot be read: malformed, unknown names, impossible values.",
        "401": "No token, or one that does not count.",
        "403": "The token's scopes or the person's roles do not allow it.",
        "404": "Nothing is at this address.",
        "405": "The address does not answer to this method.",
        "409": "What is does not allow it now.",
        "413": "The body is too large.",
        "415": "The body has another content type.",
        "422": "The Idempotency-Key was used for another request.",
        "429": "Too many requests; Retry-After says how long to wait.",
        "503": "Not now; Retry-After says how long to wait.",
    }
)


class ApiSchema(AutoSchema):
    """drf-spectacular's reading of a view, with what every view of ours has."""

    view: ApiView  # type: ignore[override]  # the generator gives it views of ours only

    def get_operation_id(self) -> str:
        """The method and the path, so that no two operations share a name."""
        parts = re.findall(r"\w+", self.path.removeprefix("/api/").replace("-", "_"))
        return "_".join([self.method.lower(), *parts])

    def get_override_parameters(self) -> list[Any]:
        """Filters, order and pages of a list; the key of what may be repeated."""
        known = [*super().get_override_parameters()]
        if self.method == "GET":
            known += [_filter_parameter(name, one) for name, one in type(self.view).filters.items()]
            known += _page_parameters(self.view) if type(self.view).orderings else []
        if getattr(self._handler(), "is_idempotent", False):
            known.append(
                OpenApiParameter(
                    "Idempotency-Key",
                    str,
                    OpenApiParameter.HEADER,
                    required=True,
                    description="A key of your own for this request, quoted; a UUID. The answer is kept for 24 hours, "
                    "and a repetition gets it again with `Idempotency-Replayed: true`.",
                )
            )
        return known

    def get_auth(self) -> list[dict[str, Any]]:
        """The scopes of which any opens the operation; nothing for what is public."""
        if isinstance(self.view, PublicView):
            return []
        return [{"token": [scope.value]} for scope in sorted(type(self.view).scopes_of(self.method))]

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for status in self._problem_statuses():
            bodies.setdefault(status, _problem_response(_PROBLEMS[status]))
        bodies.setdefault("default", _problem_response("Any other problem."))
        return bodies

    def _problem_statuses(self) -> list[str]:
        statuses = ["400", "405", "413", "429"]
        if not isinstance(self.view, PublicView):
            statuses += ["401", "403", "503"]
        if "{" in self.path:
            statuses.append("404")
        if self.method != "GET":
            statuses += ["409", "415"]
        if getattr(self._handler(), "is_idempotent", False):
            statuses.append("422")
        return sorted(statuses)

    def _handler(self) -> Any:
        return getattr(self.view, self.method.lower(), None)


def _problem_response(description: str) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": description, "content": content}


def _filter_parameter(name: str, one: Filter) -> OpenApiParameter:
    schema: dict[str, Any] = {"type": one.kind}
    if one.choices:
        schema["enum"] = list(one.choices)
    if one.format:
        schema["format"] = one.format
    if one.kind == "integer":
        schema |= {"minimum": 0, "maximum": 10**18 - 1}
    elif not one.choices and not one.format:
        schema["maxLength"] = 200
    return OpenApiParameter(name, schema, OpenApiParameter.QUERY, description=one.about)


def _page_parameters(view: ApiView) -> list[OpenApiParameter]:
    names = [sign + name for name in type(view).orderings for sign in ("", "-")]
    limit = {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT}
    return [
        OpenApiParameter("ordering", {"type": "string", "enum": names}, OpenApiParameter.QUERY),
        OpenApiParameter("limit", limit, OpenApiParameter.QUERY),
        OpenApiParameter(
            "cursor",
            {"type": "string"},
            OpenApiParameter.QUERY,
            description="Opaque: follow `next` and `previous` of a page.",
        ),
    ]


def complete(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """What stands once in the document: the shape of a problem, and how a token is sent."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = dict(PROBLEM_SCHEMA)
    components["securitySchemes"] = {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "`Authorization: Bearer gh_…`. The names beside an operation are the scopes of which any "
            "opens it. A token may ask for signed requests besides.",
        }
    }
    return result
