"""The parts a report is made of, the same for every format: sections of paragraphs, lists, tables and code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

GOOD: Final = "good"
BAD: Final = "bad"
OPEN: Final = "open"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One cell of a table. tone: good, bad, open or nothing; code: printed as it is, in a fixed width."""

    text: str
    tone: str = ""
    is_code: bool = False
    is_number: bool = False


@dataclass(frozen=True, kw_only=True)
class Paragraph:
    """A paragraph of text."""

    kind: ClassVar[str] = "paragraph"
    text: str


@dataclass(frozen=True, kw_only=True)
class Heading:
    """A heading within a section, with the verdict it stands for."""

    kind: ClassVar[str] = "heading"
    text: str
    tone: str = ""


@dataclass(frozen=True, kw_only=True)
class Items:
    """A list of lines."""

    kind: ClassVar[str] = "items"
    lines: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Boxes:
    """A list of boxes, ticked or not."""

    kind: ClassVar[str] = "boxes"
    boxes: tuple[tuple[bool, str], ...]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table with a heading over each column."""

    kind: ClassVar[str] = "table"
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Code:
    """Text exactly as it was, with a line that says what it is."""

    kind: ClassVar[str] = "code"
    caption: str
    text: str


Block = Paragraph | Heading | Items | Boxes | Table | Code


@dataclass(frozen=True, kw_only=True)
class Section:
    """A section: `1` to `10` or `A` to `C`, a title and its blocks."""

    key: str
    title: str
    blocks: tuple[Block, ...]

    @property
    def is_appendix(self) -> bool:
        """Whether it stands after the ten sections."""
        return not self.key.isdigit()


@dataclass(frozen=True, kw_only=True)
class Document:
    """A report in one language. head: labels and values of the title block."""

    language: str
    title: str
    notice: str
    head: Table
    sections: tuple[Section, ...]


def table(*, headings: Sequence[str], rows: Iterable[Sequence[Cell | str]]) -> Table:
    """A table; plain texts become cells."""
    return Table(
        headings=tuple(headings),
        rows=tuple(tuple(cell if isinstance(cell, Cell) else Cell(text=cell) for cell in row) for row in rows),
    )


def number(text: str) -> Cell:
    """A cell with a figure."""
    return Cell(text=text, is_number=True)


def code(text: str) -> Cell:
    """A cell with a name, a digest or a path."""
    return Cell(text=text, is_code=True)
