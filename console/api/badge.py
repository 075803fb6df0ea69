"""The badge of a phase: an image that says decision, build and validity.

It takes no token, because what embeds badges (a README, through the image proxy of its host) has none to send. So it
says no more than a phase, a word, the beginning of a commit and a day: no names, no figures, nothing to follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from xml.sax.saxutils import escape

from django.http import Http404, HttpResponse, HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request

from console.api.kept import commit_in_query
from console.kernel.api.caching import etag_of, unless_known
from console.kernel.api.views import PublicView
from console.models import Phase
from console.releases import Standing, standing_of_phase
from console.releases.builds import builds_beginning

CACHED_SECONDS = 60
_GREEN, _AMBER, _RED, _BLUE, _GREY = "#1b6e3a", "#8a5300", "#b3261e", "#0b5cad", "#555c66"
_LOOKS: Final[Mapping[str, tuple[str, str]]] = {
    "no-request": ("not released", _GREY),
    "waiting": ("waiting for people", _BLUE),
    "go": ("GO", _GREEN),
    "conditional": ("CONDITIONAL", _AMBER),
    "conditional-closed": ("CONDITIONAL, not in use yet", _AMBER),
    "no-go": ("NO-GO", _RED),
    "expired": ("expired undecided", _GREY),
    "withdrawn": ("withdrawn", _GREY),
    "lapsed": ("lapsed", _RED),
    "revoked": ("revoked", _RED),
    "superseded": ("replaced", _GREY),
}
"""What a badge says by `Effect.badge`, and its colour; white on each has a contrast of at least 4.5. In English for
all: an image that is kept by whoever passes it on has one language."""

_SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{title}">
<title>{title}</title>
<rect width="{left}" height="20" fill="#333a44"/><rect x="{left}" width="{right}" height="20" fill="{colour}"/>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
<text x="6" y="14" textLength="{label_width}">{label}</text>
<text x="{message_at}" y="14" textLength="{message_width}">{message}</text>
</g>
</svg>
"""


class BadgeView(PublicView):
    """The badge of one phase."""

    parameters = frozenset({"commit"})

    @extend_schema(
        summary="Badge of a phase",
        parameters=[
            OpenApiParameter(
                "commit", str, OpenApiParameter.QUERY, description="Of the build, or its beginning; else what stands."
            )
        ],
        responses={(200, "image/svg+xml"): OpenApiTypes.STR, 304: None},
        examples=[OpenApiExample("phase 5a", parameter_only=("code", "path"), value="5a")],
    )
    def get(self, request: Request, code: str) -> HttpResponseBase:
        """How the phase stands, or one build in it. Takes no token; may be kept for a minute."""
        phase = Phase.objects.filter(code=code).first()
        if phase is None:
            raise Http404
        builds = commit_in_query(request, builds_beginning, is_required=False)
        standing = standing_of_phase(phase, now=timezone.now(), builds=builds)
        commit = builds[0].commit if builds else (request.query_params.get("commit") or "").lower()
        content = drawn(f"gatehouse {phase.code}", *said(standing, commit=commit))
        answer = HttpResponse(content, content_type="image/svg+xml; charset=utf-8", headers=_HEADERS)
        response = unless_known(request, etag=etag_of(content), answer=lambda: answer)
        response.headers["Cache-Control"] = _HEADERS["Cache-Control"]
        return response


_HEADERS = {
    "Cache-Control": f"public, max-age={CACHED_SECONDS}",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


def said(standing: Standing, *, commit: str) -> tuple[str, str]:
    """What the badge says, and its colour. commit: that was asked for, empty for whatever build stands."""
    word, colour = ("in use, no release", _GREY) if standing.is_active else _LOOKS[standing.effect.badge]
    build = commit or (standing.request.build.commit if standing.request else "")
    parts = [word, build[:7]]
    if standing.effect.gate_status == 200 and standing.valid_until is not None:
        parts.append(f"until {standing.valid_until.date().isoformat()}")
    return " · ".join(part for part in parts if part), colour


def drawn(label: str, message: str, colour: str) -> str:
    """The badge as SVG. Widths are set, so it looks the same with any font."""
    label_width, message_width = (round(len(text) * 6.6) for text in (label, message))
    left, right = label_width + 12, message_width + 12
    return _SVG.format(
        width=left + right,
        left=left,
        right=right,
        colour=colour,
        title=escape(f"{label}: {message}", {'"': "&quot;"}),
        label=escape(label),
        message=escape(message),
        label_width=label_width,
        message_width=message_width,
        message_at=left + 6,
    )
