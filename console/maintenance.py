"""Maintenance: while somebody works on the installation, the console and its API say that they are closed.

A file in the storage is the switch, so that it holds for every process, also while the database is away.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings

FILE_NAME = "maintenance.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Maintenance:
    """Why the console is closed, since when, and until when as far as somebody said."""

    reason: str = ""
    since: datetime | None = None
    until: datetime | None = None


def maintenance() -> Maintenance | None:
    """What the switch says; None while the console is open. A damaged switch is on."""
    try:
        content = _place().read_bytes()
    except FileNotFoundError:
        return None
    values: dict[str, Any] = {}
    with suppress(ValueError):
        read = orjson.loads(content)
        values = read if isinstance(read, dict) else {}
    return Maintenance(
        reason=str(values.get("reason", "")), since=_moment(values.get("since")), until=_moment(values.get("until"))
    )


def close_console(*, reason: str, now: datetime, until: datetime | None) -> None:
    """Switch it on, for every process at once. OSError when the disk refuses."""
    content = {"reason": reason, "since": now.isoformat(), "until": until.isoformat() if until else None}
    temporary = _place().with_suffix(".tmp")
    temporary.write_bytes(orjson.dumps(content))
    temporary.replace(_place())


def open_console() -> bool:
    """Switch it off; False when it was not on."""
    was_closed = _place().exists()
    _place().unlink(missing_ok=True)
    return was_closed


def _place() -> Path:
    return Path(settings.STORAGE) / FILE_NAME


def _moment(value: Any) -> datetime | None:
    with suppress(ValueError, TypeError):
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else None
    return None
