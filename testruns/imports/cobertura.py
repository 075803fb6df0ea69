"""Cobertura coverage: the lines a file lists, counted, and the rates it claims. The lowest rate counts.

A file without a line measures nothing, whatever rate it claims: coverage.py writes 1 for an empty suite.

Several files are counted together: a line that several of them list is covered when one of them covers it. Each file is
held against its own claims, and what it claims less than it lists is taken from the whole.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final
from xml.sax.xmlreader import AttributesImpl

from ledger import gettext_noop
from testruns.imports.hardened import Reader, read_file
from testruns.imports.limits import LINES_MAX
from testruns.imports.numbers import count_of, rate_ppm_of, share_ppm
from testruns.imports.refusals import Misplaced
from testruns.imports.results import Figures, Results, labels, measured
from testruns.imports.specs import COVERAGE_MEASURES

_LINES: Final = gettext_noop("lines")
_BRANCHES: Final = re.compile(r"\((\d{1,6})/(\d{1,6})\)\s*$")
_HABITUAL_TYPE: Final = re.compile(r"https?://[\w./-]{1,100}/coverage-0[34]\.dtd")
_BELOW_ROOT: Final = ("sources", "packages")
_HITS: Final = re.compile(r"\d{1,20}")
_ROOT_CHARACTERS_MAX: Final = 4096
_MILLION: Final = 10**6

_File = tuple[str, str]
"""Where the paths of a report begin, and a path: `__init__.py` of two modules are two files."""


class _CoberturaReader(Reader):
    """Keeps the number of every line by its file, and nothing else."""

    roots = ("coverage",)

    def __init__(self, *, file: str, lines_before: int = 0) -> None:
        """`lines_before` were listed by the files before this one."""
        super().__init__(file=file)
        self._lines_before = lines_before
        self.root = ""
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
        elif name == "source":
            self.root += "\n"
        elif name == "line" and self.parent == "lines":
            self._read_line(attributes)

    def characters(self, content: str) -> None:
        """Keep where the paths begin."""
        if self.parent == "source" and len(self.root) < _ROOT_CHARACTERS_MAX:
            self.root += content.strip()

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
        self.require(self._lines_before + self.count["listed"], _LINES, LINES_MAX)
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

    @property
    def line_count(self) -> int:
        """Different lines, those that cannot be read included."""
        return sum(map(len, self.covered.values())) + self.count["lines_unreadable"]

    @property
    def covered_count(self) -> int:
        """Different lines that were executed."""
        return sum(sum(lines.values()) for lines in self.covered.values())

    @property
    def branch_count(self) -> int:
        """Branches of the listed lines."""
        return sum(total for _taken, total in self.branches.values())

    @property
    def rate_ppm(self) -> int | None:
        """The lowest of what is counted and what is claimed; None without a line."""
        counted = share_ppm(self.covered_count, self.line_count)
        covered, lines = self.claims["lines-covered"], self.claims["lines-valid"]
        by_lines = None if covered is None else share_ppm(covered, lines or 0)
        rates = [rate for rate in (counted, self.claims["line-rate"], by_lines) if rate is not None]
        return min(rates) if counted is not None else None


def read_cobertura(*contents: bytes, file: str = "coverage") -> Results:
    """The measurements of the Cobertura files of one suite.

    UnusableFile, with the reason, the file and the line, for one that is none.
    """
    readers: list[_CoberturaReader] = []
    for content, label in zip(contents, labels(file, count=len(contents)), strict=True):
        reader = _CoberturaReader(file=label, lines_before=sum(one.count["listed"] for one in readers))
        read_file(content, reader=reader)
        readers.append(reader)
    return Results(measurements=measured(specs=COVERAGE_MEASURES, figures=_figures(readers)))


def _figures(readers: Sequence[_CoberturaReader]) -> Figures:
    covered_lines, branches = _lines_of(readers), _branches_of(readers)
    unreadable = sum(one.count["lines_unreadable"] for one in readers)
    lines = sum(map(len, covered_lines.values())) + unreadable
    covered = sum(sum(known.values()) for known in covered_lines.values())
    branch_total, taken = sum(total for _taken, total in branches), sum(taken for taken, _total in branches)
    return {
        "reports": len(readers),
        "reports_empty": sum(one.line_count == 0 for one in readers),
        "files": len(covered_lines),
        "lines": lines,
        "lines_covered": covered,
        "line_rate_ppm": _line_rate_ppm(readers, covered=covered, lines=lines),
        "line_rate_counted_ppm": share_ppm(covered, lines),
        "line_rate_claimed_ppm": _rate_of((one.claims["line-rate"], one.line_count) for one in readers),
        "lines_claimed": _sum_of(one.claims["lines-valid"] for one in readers),
        "lines_covered_claimed": _sum_of(one.claims["lines-covered"] for one in readers),
        "branches": branch_total,
        "branches_covered": taken,
        "branch_rate_counted_ppm": share_ppm(taken, branch_total),
        "branch_rate_claimed_ppm": _rate_of((one.claims["branch-rate"], one.branch_count) for one in readers),
        "lines_unreadable": unreadable,
        "claims_unreadable": sum(one.count["claims_unreadable"] for one in readers),
    }


def _line_rate_ppm(readers: Sequence[_CoberturaReader], *, covered: int, lines: int) -> int | None:
    """The rate of all lines, less what any file claims below what it lists; None when a file has no line."""
    taken_back = 0
    for reader in readers:
        rate = reader.rate_ppm
        if rate is None:
            return None
        taken_back += reader.covered_count * _MILLION - rate * reader.line_count
    return max(0, covered * _MILLION - taken_back) // lines


def _lines_of(readers: Iterable[_CoberturaReader]) -> dict[_File, dict[int, bool]]:
    """Whether any file covers it, by file and number of the line."""
    found: dict[_File, dict[int, bool]] = {}
    for reader in readers:
        for path, lines in reader.covered.items():
            known = found.setdefault((reader.root, path), {})
            for number, is_covered in lines.items():
                known[number] = known.get(number, False) or is_covered
    return found


def _branches_of(readers: Iterable[_CoberturaReader]) -> Iterable[tuple[int, int]]:
    """Taken and all branches of each line, by the file that took most of them: which ones it took, none says."""
    found: dict[tuple[_File, int], tuple[int, int]] = {}
    for reader in readers:
        for (path, number), (taken, total) in reader.branches.items():
            line = (reader.root, path), number
            before = found.get(line, (0, 0))
            found[line] = max(before[0], taken), max(before[1], total)
    return found.values()


def _sum_of(claims: Iterable[int | None]) -> int | None:
    told = [claim for claim in claims if claim is not None]
    return sum(told) if told else None


def _rate_of(claims: Iterable[tuple[int | None, int]]) -> int | None:
    """The claimed rates as one, each by how much it is claimed of; of nothing, the first."""
    told = [(rate, size) for rate, size in claims if rate is not None]
    whole = sum(size for _rate, size in told)
    if whole:
        return sum(rate * size for rate, size in told) // whole
    return told[0][0] if told else None
