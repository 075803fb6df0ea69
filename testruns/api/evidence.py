"""Evidence by its digest: the exact bytes, whole or a range of them, as a file that nothing runs.

Only what has a row is handed out, so no name of a file ever reaches the disk. The bytes are held against the digest
before the first of them leaves; for a range only once in each server process while the file stays untouched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request

from console.kernel.api.problems import Problem
from console.kernel.api.views import ApiView
from console.kernel.scopes import Scope
from testruns.api.attachments import attachment_headers
from testruns.evidence import CHUNK_BYTES, open_checked, open_unchanged
from testruns.models import Evidence

SAFE_TYPES = frozenset({"application/json", "application/jsonl", "application/xml", "text/plain; charset=utf-8"})
OCTETS = "application/octet-stream"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_BINARY = OpenApiResponse(OpenApiTypes.BINARY)


class Span(NamedTuple):
    """Bytes from `first` up to and including `last`."""

    first: int
    last: int


class EvidenceView(ApiView):
    """One piece of evidence."""

    scope = Scope.EVIDENCE_READ

    @extend_schema(
        summary="Evidence by digest",
        parameters=[OpenApiParameter("Range", str, OpenApiParameter.HEADER, description="One range: bytes=0-99")],
        responses={
            **{(status, kind): OpenApiTypes.ANY for status in (200, 206) for kind in sorted(SAFE_TYPES)},
            **{(status, OCTETS): _BINARY for status in (200, 206)},
            304: None,
        },
    )
    def get(self, request: Request, digest: str) -> HttpResponseBase:
        """The bytes whose SHA-256 is the digest. The digest is the ETag; a range is answered with 206."""
        evidence = Evidence.objects.filter(digest=digest).first() if _DIGEST.fullmatch(digest) else None
        if evidence is None:
            raise Http404
        tag = f'"{digest}"'
        headers = {
            **attachment_headers(f"gatehouse-evidence-{digest[:12]}"),
            "Cache-Control": "private, max-age=31536000, immutable",
            "ETag": tag,
            "Accept-Ranges": "bytes",
        }
        if _is_known(request, tag):
            return HttpResponse(status=304, headers={name: headers[name] for name in ("ETag", "Cache-Control")})
        span = span_of(request.headers.get("Range", ""), size=evidence.size)
        if span is not None and request.headers.get("If-Range", tag) == tag:
            return _answer(evidence, span, status=206, headers=headers)
        return _answer(evidence, Span(0, evidence.size - 1), status=200, headers=headers)


def span_of(header: str, *, size: int) -> Span | None:
    """The one range that a Range header asks for, within `size` bytes.

    None for no header, several ranges and what is none at all: RFC 9110 lets all of them be answered with everything.
    Raises `Problem` range-not-satisfiable.
    """
    asked = _RANGE.fullmatch(header.replace(" ", ""))
    if asked is None or asked[0] == "bytes=-":
        return None
    if not asked[1]:
        first, last = max(0, size - int(asked[2])), size - 1
    else:
        first, last = int(asked[1]), min(int(asked[2] or size - 1), size - 1)
        if asked[2] and int(asked[2]) < first:
            return None
    if first > last:
        raise Problem(
            "range-not-satisfiable",
            416,
            _("The evidence has %(size)s bytes; the range begins behind them.") % {"size": size},
            headers={"Content-Range": f"bytes */{size}"},
        )
    return Span(first, last)


def _is_known(request: Request, tag: str) -> bool:
    """If-None-Match compares weakly (RFC 9110)."""
    named = [one.strip().removeprefix("W/") for one in request.headers.get("If-None-Match", "").split(",")]
    return tag in named or "*" in named


def _answer(evidence: Evidence, span: Span, *, status: int, headers: dict[str, str]) -> HttpResponseBase:
    length = span.last - span.first + 1
    headers = headers | {"Content-Length": str(length)}
    if status == 206:
        headers["Content-Range"] = f"bytes {span.first}-{span.last}/{evidence.size}"
    media_type = evidence.media_type if evidence.media_type in SAFE_TYPES else OCTETS
    file = open_unchanged(evidence.digest) if status == 206 else open_checked(evidence.digest)
    return StreamingHttpResponse(_bytes_of(file, span), content_type=media_type, status=status, headers=headers)


def _bytes_of(file: BinaryIO, span: Span) -> Iterator[bytes]:
    with file:
        file.seek(span.first)
        left = span.last - span.first + 1
        while left and (chunk := file.read(min(left, CHUNK_BYTES))):
            left -= len(chunk)
            yield chunk
