"""One figure of the bench, and whether it is what was to be reached; as text, as Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

import orjson


class Verdict(StrEnum):
    """What a row says. ABSENT: the peer is not installed, so nothing was measured and nothing is claimed."""

    REACHED = "pass"
    SHORT = "short"
    ABSENT = "not installed"


@dataclass(frozen=True, kw_only=True, slots=True)
class BenchRow:
    """``ours`` in ``unit``, beside ``floor``: what the machine (or the peer that the name says) did in the same turns.

    ``target`` is for the ratio ours / floor if ``is_of_ratio``, else for ``ours``. ``better`` says which direction is
    good. ``floor`` is None where there is none, ``ours`` where the peer is not installed.
    """

    name: str
    unit: str
    ours: float | None
    target: float
    floor: float | None = None
    is_of_ratio: bool = False
    better: Literal["higher", "lower"] = "higher"

    @property
    def ratio(self) -> float | None:
        return self.ours / self.floor if self.ours is not None and self.floor else None

    @property
    def verdict(self) -> Verdict:
        judged = self.ratio if self.is_of_ratio else self.ours
        if judged is None:
            return Verdict.ABSENT
        is_reached = judged >= self.target if self.better == "higher" else judged <= self.target
        return Verdict.REACHED if is_reached else Verdict.SHORT


def rate_row(name: str, *, unit: str, floor: float, ours: float, at_least: float) -> BenchRow:
    """A rate whose ratio to the floor counts."""
    return BenchRow(name=name, unit=unit, floor=floor, ours=ours, target=at_least, is_of_ratio=True)


def limit_row(name: str, *, unit: str, ours: float, at_most: float, floor: float | None = None) -> BenchRow:
    """A cost that counts by itself."""
    return BenchRow(name=name, unit=unit, ours=ours, target=at_most, floor=floor, better="lower")


def is_short(rows: Sequence[BenchRow]) -> bool:
    """Whether any of them misses its target."""
    return any(row.verdict is Verdict.SHORT for row in rows)


_HEAD = ("", "floor", "ours", "ratio", "target", "unit", "")


def _cells(row: BenchRow) -> tuple[str, ...]:
    bound = "" if row.better == "higher" else "<= "
    target = f"{row.target:.2f} x" if row.is_of_ratio else f"{bound}{_number(row.target)}"
    ratio = "-" if row.ratio is None else f"{row.ratio:.2f}"
    return (row.name, _number(row.floor), _number(row.ours), ratio, target, row.unit, row.verdict.value)


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def text_of(rows: Sequence[BenchRow]) -> str:
    """One line each."""
    return "\n".join(
        f"{name:42s}{floor:>11s}{ours:>11s}{ratio:>8s}{target:>11s}  {unit:11s} {verdict}".rstrip()
        for name, floor, ours, ratio, target, unit, verdict in [_HEAD, *map(_cells, rows)]
    )


def markdown_of(rows: Sequence[BenchRow]) -> str:
    """A table for a README."""
    ruler = ("---", "---:", "---:", "---:", "---:", "---", "---")
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [_HEAD, ruler, *map(_cells, rows)])


def json_of(rows: Sequence[BenchRow]) -> bytes:
    """A list of objects, one per row, with ``ratio`` and ``verdict``."""
    return orjson.dumps([_fields(row) for row in rows], option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _fields(row: BenchRow) -> dict[str, Any]:
    names = ("name", "unit", "floor", "ours", "ratio", "target", "is_of_ratio", "better", "verdict")
    return {name: getattr(row, name) for name in names}
