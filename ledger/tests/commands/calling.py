"""Running management commands in this process, with what they print and their exit code."""

from __future__ import annotations

from io import StringIO
from typing import Any, NamedTuple

from django.core.management import call_command


class Outcome(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str


def call(*arguments: Any) -> Outcome:
    """Run `manage.py` with these arguments."""
    out, err = StringIO(), StringIO()
    try:
        call_command(*map(str, arguments), stdout=out, stderr=err)
    except SystemExit as end:
        return Outcome(int(end.code or 0), out.getvalue(), err.getvalue())
    return Outcome(0, out.getvalue(), err.getvalue())
