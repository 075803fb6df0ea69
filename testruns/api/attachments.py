"""Files that the API hands out: never something a browser would show or run in this console's name."""

from __future__ import annotations

from django.http import HttpResponse

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, no-cache",
}


def attachment(content: bytes, *, media_type: str, name: str, status: int = 200) -> HttpResponse:
    """The bytes as a file to keep."""
    return HttpResponse(content, content_type=media_type, status=status, headers=attachment_headers(name))


def attachment_headers(name: str) -> dict[str, str]:
    """The headers of a file to keep; `name` is plain ASCII without quotes."""
    return {**_HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
