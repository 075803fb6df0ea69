"""Reading a legacy journal: JSONL of the original system, one event a line, binary floats (domain-facts.md 1.1).

A line becomes a LegacyRecord, numbers kept as they were written, or a LegacyProblem. Nothing is skipped.
"""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from ledger.credits.errors import UnreadableJournal
from ledger.credits.policy import COLLABORATION_AGENTS_MAX
from ledger.credits.texts import IDENTIFIER_BYTES_MAX
from ledger.engine.messages import gettext_noop

FILE_BYTES_MAX = 64 * 2**20
LINE_BYTES_MAX = 64 * 2**10
_AMOUNT_DIGITS_MAX = 15
_NOT_A_RECORD = "not-a-record"
_NO_EVENT = ("too-long", "cut", "not-json")
_SCHEMA = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


class Number(str):
    """A JSON number as it was written, NaN and Infinity included."""

    __slots__ = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class LegacyProblem:
    """A line that breaks an invariant. `cause` names the line whose fault this one only follows from."""

    line: int
    code: str
    message: str
    params: dict[str, object]
    cause: int | None = None

    def __str__(self) -> str:
        return self.message % self.params

    @property
    def is_of_an_event(self) -> bool:
        """Whether the line is an event that something is wrong with, and not text of another kind."""
        return self.code not in _NO_EVENT and (self.code != _NOT_A_RECORD or "field" in self.params)


@dataclass(frozen=True, kw_only=True, slots=True)
class LegacyRecord:
    """One readable line. `amount` and `balance_after` are the original texts, None where the file has null."""

    line: int
    event_id: str
    type: str
    time: str
    at: datetime
    actor: str
    correlation: str
    causation: str | None
    key: str
    schema: int
    payload: dict[str, Any]
    entity: str | None = None
    amount: str | None = None
    balance_after: str | None = None


MONEY_TYPES = {
    "credit.allocated": 1,
    "credit.consumed": -1,
    "credit.refunded": 1,
    "credit.withdrawn": -1,
    "credit.regenerated": 1,
}
_ENVELOPE_TEXTS = ("event_id", "event_type", "timestamp", "actor_id", "correlation_id", "idempotency_key")
_PAYLOAD_TEXTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(MONEY_TYPES, ("entity_id",)),
    "approval.requested": ("request_id", "action_type", "requester_id", "risk_level"),
    "approval.approved": ("request_id", "approver_id"),
    "approval.rejected": ("request_id", "approver_id"),
    "approval.expired": ("request_id",),
    "synergie.collaboration_recorded": ("collaboration_id", "mission_id"),
    "synergie.reuse_detected": ("reuse_id", "source_agent_id", "reusing_agent_id", "artifact_type", "artifact_id"),
}


def read_items(path: Path) -> Iterator[LegacyRecord | LegacyProblem]:
    """Every line of the file as a record or a problem; UnreadableJournal for what is no text file of lines."""
    require_plain_file(path, bytes_max=FILE_BYTES_MAX)
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                if raw.strip():
                    yield _item_of(number, raw)
    except OSError as error:
        raise UnreadableJournal(path=path, why=error.strerror or str(error)) from error


def require_plain_file(path: Path, *, bytes_max: int) -> None:
    """Refuse what is missing, no regular file, empty, too large or binary, each with its own words."""
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise UnreadableJournal(path=path, why=gettext_noop("it is not a regular file"))
        if facts.st_size > bytes_max:
            raise UnreadableJournal(path=path, why=f"it has {facts.st_size:,} bytes, at most {bytes_max:,} are read")
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError as error:
        raise UnreadableJournal(path=path, why=error.strerror or str(error)) from error
    if not start.strip():
        raise UnreadableJournal(path=path, why=gettext_noop("it is empty"))
    if b"\0" in start and not start.startswith((b'{"seq":', b'{"event_id":')):
        raise UnreadableJournal(path=path, why=gettext_noop("it is binary"))
    if not start.lstrip().startswith(b"{"):
        raise UnreadableJournal(path=path, why=gettext_noop("it holds no JSON lines"))


def decimal_of_text(text: str | None) -> Decimal | None:
    """The exact number a legacy text stands for; None for null, NaN, infinity and what no ledger could hold."""
    if text is None or text in {"NaN", "Infinity", "-Infinity"}:
        return None
    number = Decimal(text)
    return number if -40 < number.adjusted() < _AMOUNT_DIGITS_MAX or not number else None


def _item_of(number: int, raw: bytes) -> LegacyRecord | LegacyProblem:
    if len(raw) > LINE_BYTES_MAX:
        return _problem(number, "too-long", gettext_noop("The line has %(bytes)s bytes."), bytes=f"{len(raw):,}")
    try:
        content = json.loads(raw, parse_float=Number, parse_int=Number, parse_constant=Number)
        json.dumps(content, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        if not raw.endswith(b"\n"):
            return _problem(number, "cut", gettext_noop("The last line is cut in the middle of a record."))
        return _problem(number, "not-json", gettext_noop("The line is not JSON: %(why)s."), why=str(error)[:120])
    if not isinstance(content, dict) or b"\\u0000" in raw:
        return _problem(number, _NOT_A_RECORD, gettext_noop("The line is JSON, but no event."))
    return _record_of(number, content)


def _record_of(number: int, content: dict[str, Any]) -> LegacyRecord | LegacyProblem:
    wrong = _wrong_field(content)
    if wrong is not None:
        message = gettext_noop("The field %(field)s is missing or wrong.")
        return _problem(number, _NOT_A_RECORD, message, field=wrong)
    type_, payload = content["event_type"], content["payload"]
    if type_ not in _PAYLOAD_TEXTS:
        message = gettext_noop("Events of type %(type)s have no counterpart here.")
        return _problem(number, "unknown-type", message, type=type_)
    at = _moment(content["timestamp"])
    assert at is not None
    return LegacyRecord(
        line=number,
        event_id=content["event_id"],
        type=type_,
        time=content["timestamp"],
        at=at,
        actor=content["actor_id"],
        correlation=content["correlation_id"],
        causation=content.get("causation_id"),
        key=content["idempotency_key"],
        schema=int(content["schema_version"]),
        payload=payload,
        entity=payload.get("entity_id") if type_ in MONEY_TYPES else None,
        amount=_number_text(payload.get("amount")),
        balance_after=_number_text(payload.get("balance_after")),
    )


def _wrong_field(content: dict[str, Any]) -> str | None:
    """The first field that every event must have and this one has not, or has in a wrong form."""
    payload = content.get("payload")
    if not isinstance(payload, dict):
        return "payload"
    schema, causation = content.get("schema_version"), content.get("causation_id")
    scores = payload.get("contribution_scores")
    is_right = {name: _is_name(content.get(name)) for name in _ENVELOPE_TEXTS}
    is_right["timestamp"] = is_right["timestamp"] and _moment(content["timestamp"]) is not None
    is_right["schema_version"] = isinstance(schema, Number) and _SCHEMA.fullmatch(schema) is not None
    is_right["causation_id"] = causation is None or _is_name(causation)
    for name in _PAYLOAD_TEXTS.get(str(content.get("event_type")), ()):
        is_right[f"payload.{name}"] = _is_name(payload.get(name))
    too_many = isinstance(scores, dict) and len(scores) > COLLABORATION_AGENTS_MAX
    is_right["payload.contribution_scores"] = not too_many
    return next((name for name, is_held in is_right.items() if not is_held), None)


def _is_name(value: object) -> bool:
    return (
        isinstance(value, str)
        and not isinstance(value, Number)
        and bool(value.strip())
        and len(value.encode()) <= IDENTIFIER_BYTES_MAX
    )


def _number_text(value: object) -> str | None:
    return str(value) if isinstance(value, Number) else None


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _problem(number: int, code: str, message: str, **params: object) -> LegacyProblem:
    return LegacyProblem(line=number, code=code, message=message, params=params)
