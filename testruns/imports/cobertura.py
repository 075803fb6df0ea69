"""Cobertura coverage: the lines a file lists, counted, and the rates it claims. The lowest rate counts.

A file without a line measures nothing, whatever rate it claims: coverage.py writes 1 for an empty suite.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import Final
from xml.sax.xmlreader import AttributesImpl

from ledger import gettext_noop
from testruns.imports.hardened import Reader, read_file
from testruns.imports.limits import LINES_MAX
from testruns.imports.numbers import count_of, rate_ppm_of, share_ppm
from testruns.imports.refusals import Misplaced
from testruns.imports.results import Figures, Results, measured
from testruns.imports.specs import COVERAGE_MEASURES

_LINES: Final = gettext_noop("lines")
_BRANCHES: Final = re.compile(r"\((\d{1,6})/(\d{1,6})\)\s*$")
_HABITUAL_TYPE: Final = re.compile(r"https?://[\w./-]{1,100}/coverage-0[34]\.dtd")
_BELOW_ROOT: Final = ("sources", "packages")
_HITS: Final = re.compile(r"\d{1,20}")


class _CoberturaReader(Reader):
    """Keeps the number of every line by its file, and nothing else."""

    roots = ("coverage",)

    def __init__(self, *, file: str) -> None:
        super().__init__(file=file)
        self.count: Counter[str] = Counter()
        self.covered: defaultdict[str, dict[int, bool]] = defaultdict(dict)
        self.branches: dict[tuple[str, int], tuple[int, int]] = {}
        self.claims: dict[str, int | None] = {}
        self._source = ""

    def accepts_document_type(self, *, name: str, system_id: str | None, has_content: bool) -> bool:
        """The bare one that Cobertura, gcovr and istanbul write; nothing is fetched from where it points to."""
        return name == "coverage" and not has_content and bool(_HABITUAL_TYPE.fullmatch(system_id or ""))

    def begin(self, name: str, attributes: AttributesImpl[str]) -> None:
        if not self.path:
            self._claim(attributes)
        elif len(self.path) == 1 and name not in _BELOW_ROOT:
            raise Misplaced(field=self.file, found=name[:40], parent=self.parent, line=self.line)
        elif name == "class":
            self._source = attributes.get("filename") or attributes.get("name") or ""
        elif name == "line" and self.parent == "lines":
            self._read_line(attributes)

    def _claim(self, attributes: AttributesImpl[str]) -> None:
        """The claims of the root. One that is there and unreadable is counted, and claims nothing."""
        for name in ("line-rate", "branch-rate"):
            self.claims[name] = rate_ppm_of(attributes.get(name))
        for name in ("lines-valid", "lines-covered"):
            self.claims[name] = count_of(attributes.get(name))
        self.count["claims_unreadable"] = sum(
            claim is None and attributes.get(name) is not None for name, claim in self.claims.items()
        )

    def _read_line(self, attributes: AttributesImpl[str]) -> None:
        """A line stands in its class and again in its method; any hit covers it."""
        self.count["listed"] += 1
        self.require(self.count["listed"], _LINES, LINES_MAX)
        number, hits = count_of(attributes.get("number")), attributes.get("hits", "").strip()
        if number is None or not (hits.isascii() and _HITS.fullmatch(hits)):
            self.count["lines_unreadable"] += 1
            return
        lines = self.covered[self._source]
        lines[number] = lines.get(number, False) or bool(hits.strip("0"))
        found = _BRANCHES.search(attributes.get("condition-coverage", "")[-40:])
        if found:
            taken, total = int(found[1]), int(found[2])
            before = self.branches.get((self._source, number), (0, 0))
            self.branches[self._source, number] = max(before[0], min(taken, total)), max(before[1], total)


def read_cobertura(content: bytes, *, file: str = "coverage") -> Results:
    """The measurements of a Cobertura file. UnusableFile, with the reason and the line, for one that is none."""
    reader = _CoberturaReader(file=file)
    read_file(content, reader=reader)
    return Results(measurements=measured(specs=COVERAGE_MEASURES, figures=_figures(reader)))


def _figures(reader: _CoberturaReader) -> Figures:
    claims, unreadable = reader.claims, reader.count["lines_unreadable"]
    lines = sum(len(lines) for lines in reader.covered.values()) + unreadable
    covered = sum(sum(lines.values()) for lines in reader.covered.values())
    branches = sum(total for _taken, total in reader.branches.values())
    taken = sum(taken for taken, _total in reader.branches.values())
    counted = share_ppm(covered, lines)
    lines_claimed, covered_claimed = claims["lines-valid"], claims["lines-covered"]
    by_lines = None if covered_claimed is None else share_ppm(covered_claimed, lines_claimed or 0)
    rates = [rate for rate in (counted, claims["line-rate"], by_lines) if rate is not None]
    return {
        "files": len(reader.covered),
        "lines": lines,
        "lines_covered": covered,
        "line_rate_ppm": min(rates) if counted is not None else None,
        "line_rate_counted_ppm": counted,
        "line_rate_claimed_ppm": claims["line-rate"],
        "lines_claimed": lines_claimed,
        "lines_covered_claimed": covered_claimed,
        "branches": branches,
        "branches_covered": taken,
        "branch_rate_counted_ppm": share_ppm(taken, branches),
        "branch_rate_claimed_ppm": claims["branch-rate"],
        "lines_unreadable": unreadable,
        "claims_unreadable": reader.count["claims_unreadable"],
    }
