"""The child protocol: JSON lines on stdout, checked line by line.

hello first, then progress, sample and measurement in any order, then exactly one done and nothing after it. Whatever
else a child prints breaks the protocol, and a broken protocol is that scenario's ERROR, never a verdict.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ledger import gettext_noop

from .limits import (
    ACCOUNT_NAME_MAX,
    ACCOUNTS_MAX,
    LINE_BYTES_MAX,
    MEASUREMENTS_MAX,
    OUTPUT_BYTES_MAX,
    PROGRESS_TEXT_MAX,
    SAMPLE_FIELDS_MAX,
    SAMPLES_MAX,
)

NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
DECIMAL = re.compile(r"-?\d{1,19}(\.\d{1,9})?")
"""As long as decimal arithmetic stays exact, from judging to saying a figure in percent."""
INTEGER_MAX = 2**63 - 1
_TOO_LONG = gettext_noop("line %(line)s is longer than %(limit)s bytes")


class ProtocolViolation(Exception):
    """What the child printed is not the protocol; the text says what and where, as a template with values."""

    def __init__(self, template: str, **params: int | str) -> None:
        """`template` is marked for translation."""
        self.text = {"template": template, "params": params}
        super().__init__(template % params)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """One measurement line: the value is exact decimal text."""

    name: str
    value: str
    unit: str


@dataclass(kw_only=True, slots=True)
class Conversation:
    """Everything one child has said so far. Feed it bytes as they come; it keeps what they mean."""

    scenario: str
    pid: int | None = None
    progress_ppm: int = 0
    progress_text: str = ""
    samples: list[dict[str, int]] = field(default_factory=list)
    readings: dict[str, Reading] = field(default_factory=dict)
    accounts: set[str] = field(default_factory=set)
    journal_head: dict[str, Any] | None = None
    opened: dict[str, list[str]] = field(default_factory=dict)
    is_done: bool = False
    line_count: int = 0
    byte_count: int = 0
    _rest: bytes = b""

    def feed(self, content: bytes) -> None:
        """Take the next bytes of the child's stdout. ProtocolViolation at the first line that is wrong."""
        self.byte_count += len(content)
        if self.byte_count > OUTPUT_BYTES_MAX:
            raise ProtocolViolation(gettext_noop("more than %(limit)s bytes of output"), limit=OUTPUT_BYTES_MAX)
        *lines, self._rest = (self._rest + content).split(b"\n")
        for line in lines:
            self._take(line)
        if len(self._rest) > LINE_BYTES_MAX:
            raise ProtocolViolation(_TOO_LONG, line=self.line_count + 1, limit=LINE_BYTES_MAX)

    def finish(self) -> None:
        """The child closed its stdout. ProtocolViolation when it stopped in the middle of a line."""
        if self._rest:
            raise ProtocolViolation(
                gettext_noop("the output ends in the middle of line %(line)s"), line=self.line_count + 1
            )

    def _take(self, line: bytes) -> None:
        self.line_count += 1
        if len(line) > LINE_BYTES_MAX:
            raise ProtocolViolation(_TOO_LONG, line=self.line_count, limit=LINE_BYTES_MAX)
        try:
            said = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise self._wrong(gettext_noop("line %(line)s is not JSON: %(found)s"), found=repr(line[:80])) from error
        if not isinstance(said, dict):
            raise self._wrong(gettext_noop("line %(line)s is not a JSON object: %(found)s"), found=repr(line[:80]))
        if self.is_done:
            raise self._wrong(gettext_noop("line %(line)s comes after done"))
        kind = said.pop("type", None)
        if self.pid is None and kind != "hello":
            raise self._wrong(gettext_noop("line %(line)s comes before hello"))
        self._understand(kind, said)

    def _understand(self, kind: object, said: dict[str, Any]) -> None:
        match kind:
            case "hello":
                self._hello(said)
            case "progress":
                self._progress(said)
            case "sample":
                self._sample(said)
            case "measurement":
                self._measurement(said)
            case "account":
                self._account(said)
            case "done":
                self._done(said)
            case _:
                raise self._wrong(
                    gettext_noop("line %(line)s has the unknown type %(found)s"), found=repr(str(kind)[:40])
                )

    def _hello(self, said: dict[str, Any]) -> None:
        if self.pid is not None:
            raise self._wrong(gettext_noop("line %(line)s says hello again"))
        if said.get("scenario") != self.scenario:
            raise ProtocolViolation(
                gettext_noop("the child runs %(found)s, asked for %(scenario)s"),
                found=repr(str(said.get("scenario"))[:60]),
                scenario=self.scenario,
            )
        self.pid = self._whole(said, "pid")

    def _progress(self, said: dict[str, Any]) -> None:
        ppm = self._whole(said, "ppm")
        if ppm > 1_000_000:
            raise self._wrong(gettext_noop("line %(line)s: progress of %(found)s millionths"), found=ppm)
        self.progress_ppm = ppm
        self.progress_text = self._text(said, "text", default="")[:PROGRESS_TEXT_MAX]

    def _sample(self, said: dict[str, Any]) -> None:
        if len(self.samples) >= SAMPLES_MAX:
            raise ProtocolViolation(gettext_noop("more than %(limit)s samples"), limit=SAMPLES_MAX)
        if len(said) > SAMPLE_FIELDS_MAX or "elapsed_ms" not in said:
            raise self._wrong(
                gettext_noop("line %(line)s: a sample needs elapsed_ms and at most %(limit)s fields"),
                limit=SAMPLE_FIELDS_MAX,
            )
        if not all(NAME.fullmatch(name) and _is_whole(value) for name, value in said.items()):
            raise self._wrong(gettext_noop("line %(line)s: a sample holds integers only"))
        self.samples.append(said)

    def _measurement(self, said: dict[str, Any]) -> None:
        name = self._text(said, "name")
        if not NAME.fullmatch(name):
            raise self._wrong(
                gettext_noop("line %(line)s: %(name)s cannot be the name of a measurement"), name=repr(name[:60])
            )
        if name in self.readings:
            raise self._wrong(gettext_noop("line %(line)s measures %(name)s a second time"), name=name)
        if len(self.readings) >= MEASUREMENTS_MAX:
            raise ProtocolViolation(gettext_noop("more than %(limit)s measurements"), limit=MEASUREMENTS_MAX)
        unit = self._text(said, "unit")
        if not 0 < len(unit) <= 40:
            raise self._wrong(gettext_noop("line %(line)s: a unit has 1 to 40 characters"))
        self.readings[name] = Reading(name=name, value=self._number(said.get("value")), unit=unit)

    def _account(self, said: dict[str, Any]) -> None:
        """One account's drift; reports read it from the evidence of this output."""
        name = self._text(said, "name")
        if not 0 < len(name) <= ACCOUNT_NAME_MAX or name in self.accounts:
            raise self._wrong(
                gettext_noop("line %(line)s: %(name)s is no account or told a second time"), name=repr(name[:60])
            )
        if len(self.accounts) >= ACCOUNTS_MAX:
            raise ProtocolViolation(gettext_noop("more than %(limit)s accounts"), limit=ACCOUNTS_MAX)
        if not all(_is_whole(said.get(part)) for part in ("live_micros", "journal_micros", "drift_micros")):
            raise self._wrong(gettext_noop("line %(line)s: the amounts of an account are integers"))
        self.accounts.add(name)

    def _done(self, said: dict[str, Any]) -> None:
        head = said.get("journal")
        if head is not None and not isinstance(head, dict):
            raise ProtocolViolation(gettext_noop("done: journal is not an object"))
        opened = said.get("opened") or {}
        if not isinstance(opened, dict) or not all(isinstance(names, list) for names in opened.values()):
            raise ProtocolViolation(gettext_noop("done: opened is not an object of lists"))
        self.journal_head = head
        self.opened = {str(kind): [str(name) for name in names] for kind, names in opened.items()}
        self.is_done = True

    def _number(self, value: object) -> str:
        if _is_whole(value):
            return str(value)
        if isinstance(value, str) and DECIMAL.fullmatch(value):
            return str(Decimal(value))
        raise self._wrong(
            gettext_noop("line %(line)s: a value is an integer or decimal text, not %(found)s"),
            found=repr(str(value)[:60]),
        )

    def _wrong(self, template: str, **params: int | str) -> ProtocolViolation:
        """A violation in the present line."""
        return ProtocolViolation(template, line=self.line_count, **params)

    def _whole(self, said: dict[str, Any], name: str) -> int:
        value = said.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= INTEGER_MAX:
            raise self._wrong(gettext_noop("line %(line)s: %(name)s is not a whole number"), name=name)
        return value

    def _text(self, said: dict[str, Any], name: str, *, default: str | None = None) -> str:
        value = said.get(name, default)
        if not isinstance(value, str):
            raise self._wrong(gettext_noop("line %(line)s: %(name)s is not text"), name=name)
        return value


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= INTEGER_MAX
