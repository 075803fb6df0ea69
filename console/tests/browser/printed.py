"""What stands on each page of a PDF that Chromium printed, and how large its pages are."""

from __future__ import annotations

import re
import zlib
from itertools import pairwise
from typing import NamedTuple

_OBJECT = re.compile(rb"(?<!\d)(\d+) 0 obj\s(.*?)\sendobj", re.DOTALL)
_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_GLYPH = re.compile(r"<(\w+)> <(\w+)>")
_GLYPHS = re.compile(r"<(\w+)> <(\w+)> <(\w+)>")
_SHOWN = re.compile(r"/(F\d+) [\d.]+ Tf|<([0-9A-Fa-f]+)>")


class Printed(NamedTuple):
    """A page: its size in points, and its words in the order they were drawn."""

    width: int
    height: int
    text: str


def pages_of(pdf: bytes) -> list[Printed]:
    """Every page of what `page.pdf()` gave."""
    objects = {int(number): body for number, body in _OBJECT.findall(pdf)}
    return [_page(body, objects) for body in objects.values() if re.search(rb"/Type /Page\b", body)]


def _page(body: bytes, objects: dict[int, bytes]) -> Printed:
    box = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", body)
    contents = re.search(rb"/Contents (\d+) 0 R", body)
    assert box
    assert contents
    fonts = {name.decode(): _letters(objects[int(one)], objects) for name, one in re.findall(rb"/(F\d+) (\d+) 0", body)}
    words, letters = [], dict[str, str]()
    for font, glyphs in _SHOWN.findall(_text(objects[int(contents[1])])):
        letters = fonts[font] if font else letters
        words.append(" " if font else "".join(letters.get(glyphs[at : at + 4], "") for at in range(0, len(glyphs), 4)))
    return Printed(round(float(box[1])), round(float(box[2])), " ".join("".join(words).split()))


def _letters(font: bytes, objects: dict[int, bytes]) -> dict[str, str]:
    """The letters of a font by their glyph, four hexadecimal digits."""
    number = re.search(rb"/ToUnicode (\d+) 0 R", font)
    assert number
    letters: dict[str, str] = {}
    parts = re.split(r"begin(bfchar|bfrange)", _text(objects[int(number[1])]))
    for kind, part in pairwise(parts):
        listed = part.split("endbf")[0]
        if kind == "bfchar":
            letters |= {glyph: bytes.fromhex(letter).decode("utf-16-be") for glyph, letter in _GLYPH.findall(listed)}
        elif kind == "bfrange":
            for first, last, letter in _GLYPHS.findall(listed):
                span = range(int(last, 16) - int(first, 16) + 1)
                letters |= {f"{int(first, 16) + n:04X}": chr(int(letter, 16) + n) for n in span}
    return letters


def _text(body: bytes) -> str:
    found = _STREAM.search(body)
    assert found
    return zlib.decompress(found[1]).decode("latin-1")
