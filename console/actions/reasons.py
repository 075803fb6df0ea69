"""Reasons that people give for what they do."""

from __future__ import annotations

from console.kernel.errors import InvalidInput
from ledger import gettext_noop

REASON_CHARACTERS_MIN = 10


def require_reason(text: str, *, field: str = "reason") -> None:
    """Refuse a text too short to tell anybody why. Raises `InvalidInput`."""
    if len(text.strip()) < REASON_CHARACTERS_MIN:
        raise InvalidInput(field=field, reason=gettext_noop("at least 10 characters, so that others can judge it"))
