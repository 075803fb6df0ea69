"""Where each phase stands on the board: a card per phase, and the lines from the phases that open others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A phase on the board. column and row count from 1; span: how many rows the phases it opens take together."""

    line: Any
    column: int
    row: int
    span: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Branch:
    """The lines from one phase to those it opens: an SVG path in a box of 100 by 100, in the gap after its column."""

    after_column: int
    row: int
    span: int
    path: str
    is_open: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Board:
    """Every card and every line; column_count decides the grid."""

    places: tuple[Place, ...]
    branches: tuple[Branch, ...]
    column_count: int


def board_of(lines: Sequence[Any]) -> Board:
    """Lay out phases as a tree from left to right; a phase with several openers stands behind the first of them.

    lines: phases in the order of the roadmap, each with `phase.code`, `opened_by`, `effect`.
    """
    by_code = {line.phase.code: line for line in lines}
    children: dict[str, list[str]] = {code: [] for code in by_code}
    roots: list[str] = []
    for code, line in by_code.items():
        opener = next((opener for opener in line.opened_by if opener in by_code), None)
        (children[opener] if opener else roots).append(code)
    places: dict[str, Place] = {}
    row = 1
    for root in roots:
        row += _place(root, by_code=by_code, children=children, column=1, row=row, places=places)
    return Board(
        places=tuple(places.values()),
        branches=tuple(
            _branch(places[code], [places[child] for child in opened]) for code, opened in children.items() if opened
        ),
        column_count=max((place.column for place in places.values()), default=1),
    )


def _place(
    code: str,
    *,
    by_code: Mapping[str, Any],
    children: Mapping[str, Sequence[str]],
    column: int,
    row: int,
    places: dict[str, Place],
) -> int:
    """Put a phase and everything it opens on the board; the number of rows taken."""
    places[code] = Place(line=by_code[code], column=column, row=row, span=1)  # keeps its turn in reading order
    span = 0
    for child in children[code]:
        span += _place(child, by_code=by_code, children=children, column=column + 1, row=row + span, places=places)
    places[code] = Place(line=by_code[code], column=column, row=row, span=max(span, 1))
    return max(span, 1)


def _branch(opener: Place, opened: Sequence[Place]) -> Branch:
    heights = [(100 * (2 * (place.row - opener.row) + place.span)) // (2 * opener.span) for place in opened]
    arms = "".join(f"M50 50V{height}H100" for height in heights)
    return Branch(
        after_column=opener.column,
        row=opener.row,
        span=opener.span,
        path=f"M0 50H50{arms}",
        is_open=opener.line.effect.opens_successor,
    )
