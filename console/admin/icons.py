"""The theme's icons: 16 by 16 outlines, in the page itself because the content security policy opens nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from django.utils.safestring import SafeString, mark_safe

_CIRCLE = '<circle cx="8" cy="8" r="6.4"/>'

PATHS: Mapping[str, str] = MappingProxyType(
    {
        "pass": _CIRCLE + '<path d="m5.2 8.2 2 2 3.7-4.2"/>',
        "fail": _CIRCLE + '<path d="m5.8 5.8 4.4 4.4m0-4.4-4.4 4.4"/>',
        "unsure": _CIRCLE + '<path d="M6.2 6.2a1.9 1.9 0 1 1 2.6 2c-.6.3-.8.6-.8 1.2M8 11.4v.1"/>',
        "error": '<path d="M8 1.9 14.6 13.6H1.4zM8 6.2v3.4M8 11.6v.1"/>',
        "waived": (
            '<path d="M8 1.6 13.4 3.6V8c0 3.2-2.2 5.3-5.4 6.4C4.8 13.3 2.6 11.2 2.6 8V3.6z"/><path d="M5.5 8h5"/>'
        ),
        "clock": _CIRCLE + '<path d="M8 4.4V8l2.4 1.5"/>',
        "running": '<path d="M14.2 8A6.2 6.2 0 1 1 9.6 2"/>',
        "stop": _CIRCLE + '<path d="m3.6 3.6 8.8 8.8"/>',
        "info": _CIRCLE + '<path d="M8 7.4v3.8M8 4.8v.1"/>',
        "copy": (
            '<rect x="5.4" y="5.4" width="8.2" height="8.2" rx="1.6"/><path d="M10.6 2.4H4A1.6 1.6 0 0 0 2.4 4v6.6"/>'
        ),
        "download": '<path d="M8 2v8m0 0L4.8 6.9M8 10l3.2-3.1M2.4 13.6h11.2"/>',
        "chevron": '<path d="m6 3.5 4.5 4.5L6 12.5"/>',
        "plus": '<path d="M8 3v10M3 8h10"/>',
        "again": '<path d="M13.6 8A5.6 5.6 0 1 1 11.8 3.9M12.2 1.6v2.7H9.5"/>',
        "home": '<path d="M2 7.6 8 2.4l6 5.2M3.8 6.3v7.3h8.4V6.3"/>',
        "runs": '<path d="M2 12.8h12M4 12.5V8.2M8 12.5V3.2M12 12.5V6"/>',
        "journal": '<path d="M3.4 2.4h7.8a1.4 1.4 0 0 1 1.4 1.4v9.8H4.8a1.4 1.4 0 0 1-1.4-1.4zM6 5.6h4M6 8.4h4"/>',
        "audit": (
            '<path d="M6.6 9.4 9.4 6.6M7 4.8l1.5-1.5a3 3 0 0 1 4.2 4.2L11.2 9'
            'M9 11.2l-1.5 1.5a3 3 0 0 1-4.2-4.2L4.8 7"/>'
        ),
        "policy": (
            '<path d="M2.4 4.4h7M12.6 4.4h1M2.4 11.6h1M6.6 11.6h7"/>'
            '<circle cx="11" cy="4.4" r="1.6"/>'
            '<circle cx="5" cy="11.6" r="1.6"/>'
        ),
        "person": '<circle cx="8" cy="5.2" r="2.8"/><path d="M2.6 13.8a5.4 5.4 0 0 1 10.8 0"/>',
        "sun": (
            '<circle cx="8" cy="8" r="2.9"/>'
            '<path d="M8 1.2v1.6M8 13.2v1.6M1.2 8h1.6M13.2 8h1.6M3.2 3.2l1.1 1.1M11.7 11.7l1.1 1.1'
            'M12.8 3.2l-1.1 1.1M4.3 11.7l-1.1 1.1"/>'
        ),
        "moon": '<path d="M13.8 9.6A6.2 6.2 0 0 1 6.4 2.2a6.2 6.2 0 1 0 7.4 7.4z"/>',
        "auto": _CIRCLE + '<path d="M8 1.6a6.4 6.4 0 0 1 0 12.8z" fill="currentColor"/>',
        "commit": '<circle cx="8" cy="8" r="2.6"/><path d="M1 8h4.4M10.6 8H15"/>',
        "search": '<circle cx="7" cy="7" r="4.6"/><path d="m10.5 10.5 3.5 3.5"/>',
        "sign": '<path d="M2 13.6h12M3.4 10.8 10.6 3.6l1.9 1.9-7.2 7.2-2.5.6z"/>',
        "certificate": (
            '<circle cx="8" cy="6.2" r="4.4"/><path d="m5.4 9.8-1 4.8L8 12.6l3.6 2-1-4.8"/>'
            '<path d="m6.3 6.3 1.3 1.3 2.2-2.6"/>'
        ),
        "bell": (
            '<path d="M3.2 11.4c1-.9 1.2-2.2 1.2-4.2a3.6 3.6 0 0 1 7.2 0c0 2 .2 3.3 1.2 4.2zM6.6 13.8h2.8M8 2.2v1.4"/>'
        ),
        "inbox": '<path d="M2.2 9.2 4.4 3h7.2l2.2 6.2v4.2H2.2zM2.2 9.2h3.6l.9 1.8h2.6l.9-1.8h3.6"/>',
        "print": '<path d="M4.4 6V2.2h7.2V6M4.4 11.4H2.2V6h11.6v5.4h-2.2M4.4 9.6h7.2v4.2H4.4z"/>',
        "link": '<path d="M6.5 3.5h-4v10h10v-4M9 2.5h4.5V7M13.2 2.8 7 9"/>',
        "gate": '<path d="M2.6 13.8V7.6a5.4 5.4 0 0 1 10.8 0v6.2M6.2 13.8V7.8M9.8 13.8V7.8M6.2 10.4h3.6"/>',
    }
)


_DRAWN: Mapping[str, SafeString] = MappingProxyType(
    {
        name: mark_safe(  # noqa: S308 - constants
            f'<svg class="icon icon-{name}{" turning" if name == "running" else ""}" aria-hidden="true">'
            f'<use href="#icon-{name}"/></svg>'
        )
        for name in PATHS
    }
)
SPRITE = mark_safe(  # noqa: S308 - constants
    '<svg xmlns="http://www.w3.org/2000/svg" hidden>'
    + "".join(f'<symbol id="icon-{name}" viewBox="0 0 16 16">{path}</symbol>' for name, path in PATHS.items())
    + "</svg>"
)
"""Every drawing once, for the top of a page; each use of it is a short reference."""


def svg_of(name: str) -> SafeString:
    """A reference to the drawing, hidden from screen readers: a word always stands beside it. Raises KeyError."""
    return _DRAWN[name]
