"""A refusal that is on record in English, in the reader's language: its sentence is found again by the code.

What its fields hold is taken from the record as it is, but for words that are marked for translation too. A record
that no sentence of today fits is shown as it was written.
"""

from __future__ import annotations

import re
from functools import cache

from django.utils.translation import gettext as _

from console.kernel.refusals import refusals

_FIELD = re.compile(r"%\((\w+)\)[sd]")


def refusal_said(*, code: str, recorded: str) -> str:
    """The recorded sentence of a refusal with this code, in the reader's language."""
    for refusal in refusals():
        found = _pattern_of(refusal.message).fullmatch(recorded) if refusal.code == code else None
        if found:
            words = getattr(refusal, "words", ())
            return _(refusal.message) % {
                name: _(value) if name in words else value for name, value in found.groupdict().items()
            }
    return recorded


@cache
def _pattern_of(template: str) -> re.Pattern[str]:
    """The template with a group for each field; one that stands in it twice is the same both times."""
    pattern, seen = "", set[str]()
    for position, part in enumerate(_FIELD.split(template)):
        if position % 2 == 0:
            pattern += re.escape(part.replace("%%", "%"))
        else:
            pattern += f"(?P={part})" if part in seen else f"(?P<{part}>.*)"
            seen.add(part)
    return re.compile(pattern, re.DOTALL)
