"""The audit trail as files: CSV for spreadsheets, JSON lines for programs and for `verify_audit --since`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType

from console.admin.audit_sentences import sentence_of
from console.kernel.governance_journal import content_of
from console.kernel.models import AuditEntry

COLUMNS = (
    "index",
    "at",
    "actor",
    "actor_name",
    "via",
    "act",
    "object",
    "outcome",
    "code",
    "sentence",
    "before",
    "after",
    "previous_hash",
    "hash",
)
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def csv_lines(entries: Iterable[AuditEntry]) -> Iterator[str]:
    """A header and one record per entry. What a spreadsheet would take for a formula starts with an apostrophe."""
    yield "\ufeff" + _record(COLUMNS)  # the mark by which spreadsheets know UTF-8
    for entry in entries:
        fields = {**content_of(entry), "sentence": sentence_of(entry)}
        yield _record(plain_cell(str(fields[name])) for name in COLUMNS)


def json_lines(entries: Iterable[AuditEntry]) -> Iterator[str]:
    """One object per entry, with exactly the fields that its hash covers, and the hash."""
    for entry in entries:
        yield json.dumps(content_of(entry), ensure_ascii=False, sort_keys=True) + "\n"


def plain_cell(text: str) -> str:
    """The text so that no spreadsheet calculates with it."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA_STARTS) else text


FORMS: Mapping[str, tuple[str, Callable[[Iterable[AuditEntry]], Iterator[str]]]] = MappingProxyType(
    {"csv": ("text/csv; charset=utf-8", csv_lines), "jsonl": ("application/jsonl; charset=utf-8", json_lines)}
)


def _record(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
