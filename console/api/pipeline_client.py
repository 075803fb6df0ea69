"""The client for pipelines as a file to fetch, and its digest to check it by. Both are public: they are no secret."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from functools import cache
from pathlib import Path

from django.http import HttpResponse, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from console import client
from console.kernel.api.caching import unless_known
from console.kernel.api.views import PublicView

NAME = "client.py"


class ClientView(PublicView):
    """The client."""

    @extend_schema(summary="The client for pipelines", responses={(200, "text/x-python"): OpenApiTypes.STR, 304: None})
    def get(self, request: Request) -> HttpResponseBase:
        """One Python file without dependencies. `Repr-Digest` (RFC 9530) and the ETag hold its SHA-256."""
        content, digest = source()
        headers = {
            "Content-Disposition": f'attachment; filename="{NAME}"',
            "Repr-Digest": f"sha-256=:{b64encode(bytes.fromhex(digest)).decode()}:",
            "X-Content-Type-Options": "nosniff",
        }
        answer = HttpResponse(content, content_type="text/x-python; charset=utf-8", headers=headers)
        return unless_known(request, etag=f'"{digest}"', answer=lambda: answer)


class ClientDigestView(PublicView):
    """The digest of the client."""

    @extend_schema(summary="SHA-256 of the client", responses={(200, "text/plain"): OpenApiTypes.STR, 304: None})
    def get(self, request: Request) -> HttpResponseBase:
        """One line as `sha256sum --check` reads it."""
        _, digest = source()
        answer = HttpResponse(f"{digest}  {NAME}\n", content_type="text/plain; charset=utf-8")
        return unless_known(request, etag=f'"{digest}-line"', answer=lambda: answer)


@cache
def source() -> tuple[bytes, str]:
    """The file as this process was started with it, and its SHA-256 in hex."""
    content = Path(client.__file__).read_bytes()
    return content, hashlib.sha256(content).hexdigest()
