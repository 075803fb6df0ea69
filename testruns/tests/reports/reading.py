"""Reading a report back as a person or a browser would: sections, headings, text and dangerous markup of HTML."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

SECTIONS = {
    "en": [
        "1. Executive summary",
        "2. Test environment",
        "3. Test parameters",
        "4. Scenarios tested",
        "5. Hard gates",
        "6. Key metrics",
        "7. Findings and risks",
        "8. Decision assessment",
        "9. Recommendation",
        "10. Sign-off",
        "Appendix A: Detailed metrics",
        "Appendix B: Invariants",
        "Appendix C: Error log",
    ],
    "de": [
        "1. Zusammenfassung",
        "2. Testumgebung",
        "3. Testparameter",
        "4. Getestete Szenarien",
        "5. Bewertung der Gates",
        "6. Kennzahlen",
        "7. Befunde und Risiken",
        "8. Entscheidungsbewertung",
        "9. Empfehlung",
        "10. Unterschriften",
        "Anhang A: Messwerte im Einzelnen",
        "Anhang B: Invarianten",
        "Anhang C: Fehlerprotokoll",
    ],
}


@dataclass
class Page:
    """What an HTML file contains: tags with their attributes, headings, and tables as rows of texts."""

    language: str = ""
    tags: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str | None]] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    text: str = ""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page()
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.tags.append(tag)
        self.page.attributes += attrs
        if tag == "html":
            self.page.language = dict(attrs).get("lang") or ""
        if tag == "tr":
            self.page.rows.append([])
        if tag in ("td", "th") and self.page.rows:
            self.page.rows[-1].append("")
        if tag == "h2":
            self.page.headings.append("")
        if tag not in ("meta", "link", "br", "img"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            return
        self.page.text += data
        if "h2" in self._open:
            self.page.headings[-1] += data
        if self._open and self._open[-1] in ("td", "th"):
            self.page.rows[-1][-1] += data


def page_of(content: bytes) -> Page:
    """The HTML file, read strictly: a tag that is not closed where it should be fails."""
    reader = _Reader()
    reader.feed(content.decode())
    reader.close()
    return reader.page


def markdown_sections(content: bytes) -> list[str]:
    """The headings of the second level in a Markdown file, outside of code."""
    text = re.sub(r"^(`{3,})text\n.*?\n\1$", "", content.decode(), flags=re.MULTILINE | re.DOTALL)
    return [line[3:].replace("&amp;", "&") for line in text.splitlines() if line.startswith("## ")]


def tables_of(content: bytes) -> list[list[list[str]]]:
    """The tables of a Markdown file as rows of cells, the line under the headings left out."""
    tables: list[list[list[str]]] = []
    is_inside = False
    for line in content.decode().splitlines():
        if line.startswith("| "):
            if not is_inside:
                tables.append([])
            cells = re.split(r"(?<!\\) \| ", line[2:-2])
            if set(line) != set("| -"):
                tables[-1].append(cells)
        is_inside = line.startswith("| ")
    return tables
