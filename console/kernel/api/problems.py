"""Every refusal of the API as a problem (RFC 9457), with a documented type for each code.

A refusal of the product is documented by its own class; a problem that only the API knows is registered with a
sentence. Public: Problem, register, types, problem_of, answer_to, plain_answer.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.db import OperationalError
from django.http import Http404, HttpRequest, JsonResponse, UnreadablePostError
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response

from console.kernel.doors import explain
from console.kernel.errors import GatehouseError
from console.kernel.refusals import refusals
from ledger import LedgerError, gettext_noop

MEDIA_TYPE = "application/problem+json"
TYPE_BASE = "/api/v1/problems/"

_KNOWN: tuple[tuple[tuple[type[Exception], ...], str, str], ...] = (
    ((exceptions.MethodNotAllowed,), "method-not-allowed", gettext_noop("The address does not answer to this method.")),
    (
        (exceptions.UnsupportedMediaType,),
        "unsupported-media-type",
        gettext_noop("The address does not read a body of this content type."),
    ),
    ((Http404, exceptions.NotFound), "not-found", gettext_noop("Nothing is at this address.")),
    (
        (TooManyFilesSent, TooManyFieldsSent),
        "too-many-parts",
        gettext_noop("The form has more than 100 files or 1000 fields, which is not read."),
    ),
    ((RequestDataTooBig,), "body-too-large", gettext_noop("The body of the request is too large.")),
    (
        (exceptions.ParseError, SuspiciousOperation, UnreadablePostError),
        "malformed-request",
        gettext_noop("The request could not be read."),
    ),
    ((PermissionDenied, exceptions.PermissionDenied), "not-allowed", gettext_noop("This may not be done.")),
)

logger = logging.getLogger("gatehouse.api")


@dataclass(frozen=True, kw_only=True, slots=True)
class ProblemType:
    """What `type` of a problem leads to: its status and title are the same every time."""

    code: str
    status: int
    about: str

    @property
    def title(self) -> str:
        """The code in words."""
        return self.code.replace("-", " ").capitalize()

    @property
    def uri(self) -> str:
        """The address that names the type and documents it."""
        return f"{TYPE_BASE}{self.code}/"


class Problem(Exception):
    """A refusal by the API itself; its code must be registered.

    `errors` are {"detail", "pointer"} with a JSON Pointer into the request's body, or {"detail", "parameter"}.
    Extensions become members of the problem; their names have at least three characters.
    """

    def __init__(
        self,
        code: str,
        status: int,
        detail: str,
        *,
        errors: Iterable[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        **extensions: Any,
    ) -> None:
        super().__init__(code, detail)
        self.code, self.status, self.detail = code, status, detail
        self.errors, self.headers, self.extensions = list(errors), dict(headers or {}), extensions


_statuses: dict[str, int] = {}
_about: dict[str, str] = {}


def register(types: Mapping[str, int | tuple[int, str]]) -> None:
    """Give codes their status; with a sentence for a problem that no refusal's class documents.

    A code registered twice with another status stops the import.
    """
    for code, told in types.items():
        status, about = told if isinstance(told, tuple) else (told, "")
        if _statuses.get(code, status) != status:
            raise ValueError(f"the problem {code!r} has the status {_statuses[code]} already, not {status}")
        _statuses[code] = status
        if about:
            _about[code] = about


def types() -> dict[str, ProblemType]:
    """Every type of problem, by code."""
    about = {refusal.code: _meaning(refusal) for refusal in refusals()} | _about
    return {code: ProblemType(code=code, status=status_of(code), about=about[code]) for code in sorted(about)}


def _meaning(refusal: type[GatehouseError] | type[LedgerError]) -> str:
    """The first line of its documentation; its message, with the names of its values, where there is none."""
    if refusal.__doc__:
        return refusal.__doc__.split("\n")[0]
    return re.sub(r"%\((\w+)\)[sd]", r"<\1>", refusal.message).replace("%%", "%")


def status_of(code: str) -> int:
    """The status of a code; a refusal that nobody registered is a conflict with what is."""
    return _statuses.get(code, HTTPStatus.CONFLICT)


def body_of(problem: Problem, *, instance: str) -> dict[str, Any]:
    """The members of a problem document."""
    shown = ProblemType(code=problem.code, status=problem.status, about="")
    body: dict[str, Any] = {
        "type": shown.uri,
        "title": shown.title,
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail,
        "instance": instance,
    }
    return body | ({"errors": problem.errors} if problem.errors else {}) | problem.extensions


def problem_of(error: Exception) -> Problem | None:
    """The problem that an error is to a client; None for a fault of the program."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, GatehouseError | LedgerError):
        return _of_refusal(error)
    if isinstance(error, exceptions.ValidationError):
        errors = list(_pointed(error.detail, ""))
        return Problem("invalid-input", 400, errors[0]["detail"] if errors else "", errors=errors)
    if isinstance(error, OperationalError) and "locked" in str(error):
        return Problem("database-busy", 503, _("The database is busy. Try again."), headers={"Retry-After": "1"})
    for kinds, code, detail in _KNOWN:
        if isinstance(error, kinds):
            return Problem(code, status_of(code), _(detail))
    return None


def answer_to(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's exception handler: the problem as a response; None lets a fault of the program go on to Django's 500."""
    problem = problem_of(error)
    if problem is None:
        return None
    if problem.code == "database-busy":
        logger.warning("%s: %s", problem.code, problem.detail)
    answer = Response(
        body_of(problem, instance=context["request"].path),
        status=problem.status,
        headers={"Cache-Control": "no-store", **problem.headers},
        content_type=MEDIA_TYPE,
    )
    answer._has_been_logged = True  # type: ignore[attr-defined]  # Django logs every 4xx and 5xx that is not so marked
    return answer


def plain_answer(request: HttpRequest, problem: Problem) -> JsonResponse:
    """The problem outside DRF: addresses that nobody knows, faults of the program."""
    return JsonResponse(
        body_of(problem, instance=request.path),
        status=problem.status,
        headers={"Cache-Control": "no-store", **problem.headers},
        content_type=MEDIA_TYPE,
    )


def _of_refusal(refusal: GatehouseError | LedgerError) -> Problem:
    detail, status = explain(refusal), status_of(refusal.code)
    field, reason, seconds = (refusal.params.get(name) for name in ("field", "reason", "seconds"))
    errors = []
    if isinstance(field, str):
        errors = [{"detail": _(reason) if isinstance(reason, str) else detail, "pointer": f"/{escaped(field)}"}]
    is_later = status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
    headers = {"Retry-After": str(seconds)} if is_later and isinstance(seconds, int) else {}
    return Problem(refusal.code, status, detail, errors=errors, headers=headers)


def _pointed(detail: Any, pointer: str) -> Iterator[dict[str, str]]:
    """DRF's nested details as a list, each with its pointer."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _pointed(inner, pointer if name == "non_field_errors" else f"{pointer}/{escaped(str(name))}")
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            is_nested = isinstance(inner, Mapping | list)
            yield from _pointed(inner, f"{pointer}/{index}" if is_nested else pointer)
    else:
        yield {"detail": str(detail), "pointer": pointer}


def escaped(name: str) -> str:
    """A name as a part of a JSON Pointer."""
    return name.replace("~", "~0").replace("/", "~1")


register(
    {
        "gatehouse-error": 409,
        "ledger-error": 409,
        "not-allowed": 403,
        "person-inactive": 403,
        "wrong-state": 409,
        "invalid-input": 400,
        "not-found": 404,
        "signing-needs-person": 403,
        "token-never-does": 403,
        "scope-missing": 403,
        "password-not-own": 403,
        "wrong-password": 403,
        "too-many-attempts": 429,
        "evidence-changed": 412,
        "second-person-needed": 403,
        "authentication-required": (401, "The request carries no token, and this takes one."),
        "invalid-token": (401, "The token is unknown, expired or revoked, or its person has left."),
        "invalid-signature": (401, "The signature of the request is missing, wrong, too old, or was used before."),
        "too-many-failures": (429, "Too many requests with wrong tokens came from this address."),
        "too-many-requests": (429, "The token, or the address without one, asks more often than it may."),
        "malformed-request": (400, "The request could not be read."),
        "uri-too-long": (414, "The address with its query is longer than the server reads."),
        "headers-too-large": (431, "The headers are larger than the server reads."),
        "too-many-parts": (400, "The form has more files or fields than are read."),
        "malformed-json": (400, "The body is no JSON object that can be read without doubt."),
        "unknown-parameter": (400, "The query has a parameter that this address does not know."),
        "invalid-parameter": (400, "A parameter of the query has a value that it cannot have."),
        "invalid-cursor": (400, "The cursor was not made by this address for this order."),
        "method-not-allowed": (405, "The address does not answer to this method; Allow names those it does."),
        "unsupported-media-type": (415, "The body has a content type that this address does not read."),
        "body-too-large": (413, "The body is larger than this address reads."),
        "idempotency-key-missing": (400, "The request needs an Idempotency-Key, or the one it has cannot be read."),
        "idempotency-key-in-use": (409, "The first request with this key is not finished; only this may be retried."),
        "idempotency-key-reused": (422, "The key was used for another request before; a new request takes a new key."),
        "database-busy": (503, "The database was busy for too long; nothing was done."),
        "internal-error": (500, "A fault of the program; nothing was done that the answer could report."),
    }
)
