"""The report as Markdown: the same sections, every text escaped so that nothing in it becomes markup."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.utils.translation import gettext, override

from testruns.reports.blocks import Block, Boxes, Cell, Code, Document, Heading, Items, Paragraph, Section, Table

_SPECIAL = re.compile(r"([\\`*_\[\]|~#!$])")
_LINE_START = re.compile(r"^(\d*)([-+=.)])")
_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_FENCE_MIN: Final = 3


def markdown_of(document: Document) -> bytes:
    """The document as Markdown in UTF-8."""
    with override(document.language):
        return ("\n\n".join(_parts(document)) + "\n").encode()


def _parts(document: Document) -> list[str]:
    parts = [f"# {escaped(document.title)}"]
    if document.notice:
        parts.append(f"> **{escaped(document.notice)}**")
    parts.append(_table(document.head))
    for section in document.sections:
        parts.append(f"## {_title(section)}")
        parts += [_block(block) for block in section.blocks]
    return parts


def escaped(text: str) -> str:
    """The text on one line, with every sign that could be markup or HTML made harmless."""
    return _LINE_START.sub(r"\1\\\2", _inline(text))


def _inline(text: str) -> str:
    """As `escaped`, for a place where no line begins: `1.` and `-` need no care in a cell of a table."""
    line = " ".join(text.split())
    return _SPECIAL.sub(r"\\\1", "".join(_ENTITIES.get(character, character) for character in line))


def _title(section: Section) -> str:
    appendix = gettext("Appendix")
    number = f"{appendix} {section.key}:" if section.is_appendix else f"{section.key}."
    return f"{number} {escaped(section.title)}"


def _block(block: Block) -> str:
    return _WRITERS[type(block)](block)


def _paragraph(block: Paragraph) -> str:
    return escaped(block.text)


def _heading(block: Heading) -> str:
    return f"### {escaped(block.text)}"


def _items(block: Items) -> str:
    return "\n".join(f"- {escaped(line)}" for line in block.lines)


def _boxes(block: Boxes) -> str:
    return "\n".join(f"- [{'x' if is_ticked else ' '}] {escaped(text)}" for is_ticked, text in block.boxes)


def _table(block: Table) -> str:
    lines = [_line([_inline(heading) for heading in block.headings]), _line(["---"] * len(block.headings))]
    lines += [_line([_cell(cell) for cell in row]) for row in block.rows]
    return "\n".join(lines)


def _line(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell) -> str:
    text = _inline(cell.text)
    return f"**{text}**" if cell.tone and text else text


def _code(block: Code) -> str:
    """Fenced with more backticks than the text itself has in a row."""
    longest = max((len(run) for run in re.findall(r"`+", block.text)), default=0)
    fence = "`" * max(_FENCE_MIN, longest + 1)
    return f"{escaped(block.caption)}:\n\n{fence}text\n{block.text}\n{fence}"


_WRITERS: Mapping[type[Block], Callable[[Any], str]] = {
    Paragraph: _paragraph,
    Heading: _heading,
    Items: _items,
    Boxes: _boxes,
    Table: _table,
    Code: _code,
}
