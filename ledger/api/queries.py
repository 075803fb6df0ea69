"""Parameters of queries over the journal, and the address of the next page."""

from __future__ import annotations

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from console.kernel.api.pagination import invalid, single

SEQ_MAX = 2**63 - 1
PAGE_LIMIT, PAGE_LIMIT_MAX = 50, 200
PAGE = frozenset({"limit", "cursor"})
PAGE_SCHEMA = (
    OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": PAGE_LIMIT_MAX, "default": PAGE_LIMIT}),
    OpenApiParameter(
        "cursor", {"type": "integer", "minimum": 1, "maximum": SEQ_MAX}, description="Follow `next` of a page."
    ),
)


def whole_number(request: Request, name: str, *, low: int, high: int, default: int | None = None) -> int | None:
    """A whole number within its bounds; the default without one. Raises `Problem` invalid-parameter."""
    given = single(request, name)
    if given is None:
        return default
    number = int(given) if given.isascii() and given.isdigit() and len(given) < 20 else -1
    if not low <= number <= high:
        raise invalid(name, _("it is a whole number from %(low)s to %(high)s") % {"low": low, "high": high})
    return number


def page_limit(request: Request) -> int:
    """How many lines a page has."""
    return whole_number(request, "limit", low=1, high=PAGE_LIMIT_MAX, default=PAGE_LIMIT) or PAGE_LIMIT


def cursor(request: Request) -> int | None:
    """Where the page begins; None for the first."""
    return whole_number(request, "cursor", low=1, high=SEQ_MAX)


def text(request: Request, name: str, *, bytes_max: int) -> str | None:
    """A text, None without one. Raises `Problem` invalid-parameter."""
    given = single(request, name)
    if given is not None and not 1 <= len(given.encode(errors="replace")) <= bytes_max:
        raise invalid(name, _("it is a text of at most %(most)s bytes") % {"most": bytes_max})
    return given


def next_page(request: Request, at: int | None) -> dict[str, str]:
    """`next` of a page; nothing on the last."""
    if at is None:
        return {}
    query = request.query_params.copy()
    query["cursor"] = str(at)
    return {"next": request.build_absolute_uri(f"{request.path}?{query.urlencode()}")}
