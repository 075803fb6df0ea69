"""Answers about releases that a client may keep while nothing changed, and the commit a client names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import orjson
from django.http import HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework.request import Request

from console.kernel.api.caching import etag_of, unless_known
from console.kernel.api.pagination import invalid, single
from console.kernel.api.problems import Problem, status_of
from console.kernel.doors import explain
from console.releases.builds import CommitRefused

Found = TypeVar("Found")


def kept(request: Request, document: dict[str, Any]) -> HttpResponseBase:
    """The document, or 304. What it says depends on the clock too, so the tag is that of its bytes."""
    content = orjson.dumps(document)
    answer = HttpResponse(content, content_type="application/json")
    return unless_known(request, etag=etag_of(content.hex()), answer=lambda: answer)


def commit_in_query(request: Request, read: Callable[[str], Found], *, is_required: bool = True) -> Found | None:
    """What `read` makes of the parameter `commit`; None without one. Raises `Problem`."""
    given = single(request, "commit")
    if given is None:
        if is_required:
            raise invalid("commit", _("name the commit"))
        return None
    try:
        return read(given)
    except CommitRefused as refusal:
        detail = explain(refusal)
        errors = [{"detail": detail, "parameter": "commit"}]
        raise Problem(refusal.code, status_of(refusal.code), detail, errors=errors) from refusal
