"""Answers that a client may keep: an ETag over what they are made of, and 304 when nothing of that has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from django.http import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.translation import get_language
from rest_framework.request import Request


def etag_of(*parts: object) -> str:
    """An entity tag over digests, versions, times: whatever together, with the language, decides what it holds."""
    text = "\0".join(str(part) for part in (get_language(), *parts))
    return '"' + hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32] + '"'


def unless_known(request: Request, *, etag: str, answer: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """304 when the client names the tag (If-None-Match), otherwise the answer with it; it is made only then."""
    known = get_conditional_response(request._request, etag=etag)
    if known is not None and known.status_code == 304:
        known.headers["ETag"] = etag
        known.headers["Cache-Control"] = "private, no-cache"
        return known
    response = answer()
    response.headers["ETag"] = etag
    response.headers.setdefault("Cache-Control", "private, no-cache")
    return response
