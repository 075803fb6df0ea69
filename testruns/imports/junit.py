"""JUnit XML: what the suite's runner claims, and what its file really lists, counted apart.

Where the two differ the worse one counts, because no file may look better than the cases it holds: a case that is
claimed and not listed did not pass, a failure that is claimed without its case is one. A case listed several times
counts once, by its worst outcome. A case whose outcome nobody can tell is an error (governance.md 6.3). Counters that
are no number are one too, because the cases cannot be held against them, and so is a file without a case.

Several files are one suite: their cases are counted together, and each file is held against its own claims, so that
none makes up for another.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import IntEnum
from types import MappingProxyType
from typing import Final, TypeVar
from xml.sax.xmlreader import AttributesImpl

from ledger import gettext_noop
from testruns.imports.hardened import Reader, read_file
from testruns.imports.limits import CASES_MAX, NAMED_CASES_MAX
from testruns.imports.numbers import count_of, seconds_of, share_ppm
from testruns.imports.refusals import Misplaced
from testruns.imports.results import Figures, NamedCase, Results, labels, measured, shown_name
from testruns.imports.specs import TEST_MEASURES

_Number = TypeVar("_Number", int, Decimal)

_CASES: Final = gettext_noop("test cases")
_SUITES: Final = ("testsuites", "testsuite")
COUNTERS: Final = ("tests", "failures", "errors", "skipped")


class Outcome(IntEnum):
    """Of a case, from best to worst. Skipped is the least: a case that ran elsewhere in the file did run."""

    SKIPPED = 0
    PASSED = 1
    FAILED = 2
    ERRED = 3


_BY_CHILD: Final[Mapping[str, Outcome]] = MappingProxyType(
    {
        "skipped": Outcome.SKIPPED,
        "failure": Outcome.FAILED,
        "error": Outcome.ERRED,
        "rerunFailure": Outcome.FAILED,
        "rerunError": Outcome.ERRED,
        "flakyFailure": Outcome.PASSED,  # Surefire: failed first, passed when it was run again
        "flakyError": Outcome.PASSED,
    }
)
_BY_WORD: Final[Mapping[str, Outcome]] = MappingProxyType(
    {
        **dict.fromkeys(("notrun", "skipped", "suppressed", "disabled", "ignored", "pending"), Outcome.SKIPPED),
        **dict.fromkeys(("skip", "untested", "not_run"), Outcome.SKIPPED),
        **dict.fromkeys(("fail", "failed", "failure"), Outcome.FAILED),
        **dict.fromkeys(("error", "errored", "broken", "aborted", "timeout"), Outcome.ERRED),
    }
)
"""Attributes `status` and `result`: GoogleTest tells of a disabled case in no other way."""

_PASSED_WORDS: Final = frozenset({"passed", "pass", "success", "successful", "succeeded", "ok", "run", "completed"})
"""They add nothing to what else is told: GoogleTest writes `run` beside a skipped and a failed case too."""

_KNOWN_WORDS: Final = _PASSED_WORDS | _BY_WORD.keys()

_SILENT: Final = frozenset({"system-out", "system-err", "properties"})
_FLAKY: Final = frozenset({"flakyFailure", "flakyError"})
_WORDS: Final = {Outcome.FAILED: "failure", Outcome.ERRED: "error"}
_COUNTERS_OF: Final[Mapping[Outcome, tuple[str, ...]]] = MappingProxyType(
    {
        Outcome.SKIPPED: ("tests", "skipped"),
        Outcome.PASSED: ("tests",),
        Outcome.FAILED: ("tests", "failures"),
        Outcome.ERRED: ("tests", "errors"),
    }
)


@dataclass(kw_only=True)
class _Suite:
    """A suite that is being read. own: its counters; below: what its suites claim, or list where they claim nothing."""

    own: Mapping[str, int | None]
    listed: Counter[str] = field(default_factory=Counter)
    below: Counter[str] = field(default_factory=Counter)
    has_claims_below: bool = False

    def claim(self, counter: str) -> int | None:
        """What is claimed with everything below; None when nobody claims anything. The larger of two claims."""
        below = self.below[counter] + self.listed[counter] if self.has_claims_below else None
        claims = [claim for claim in (self.own[counter], below) if claim is not None]
        return max(claims, default=None)


@dataclass(kw_only=True)
class _Case:
    """A case that is being read."""

    names: tuple[str, str]
    outcomes: list[Outcome]
    is_flaky: bool = False
    is_unclear: bool = False

    @property
    def key(self) -> bytes | None:
        """Class and name, which make a case; None for one without a name, which is no repetition of any."""
        if not self.names[1]:
            return None
        return hashlib.blake2b("\0".join(self.names).encode(), digest_size=16).digest()

    @property
    def outcome(self) -> Outcome:
        """Passed unless something says otherwise; unclear is an error."""
        if self.is_unclear:
            return Outcome.ERRED
        return max(self.outcomes, default=Outcome.PASSED)


class _JUnitReader(Reader):
    """Counts while it reads; keeps nothing of a file but counters, a short key per case and the first bad names."""

    roots = _SUITES

    def __init__(self, *, file: str, cases_before: int = 0) -> None:
        """`cases_before` were listed by the files before this one."""
        super().__init__(file=file)
        self._cases_before = cases_before
        self.count: Counter[str] = Counter()
        self.worst: dict[bytes, Outcome] = {}
        self.nameless: Counter[Outcome] = Counter()
        self.listed: Counter[str] = Counter()
        self.claims: Mapping[str, int | None] = dict.fromkeys(COUNTERS)
        self.seconds = Decimal(0)
        self.seconds_claimed: Decimal | None = None
        self.not_passed: list[NamedCase] = []
        self._suites: list[_Suite] = []
        self._has_time = False
        self._case: _Case | None = None

    def begin(self, name: str, attributes: AttributesImpl[str]) -> None:
        if name in _SUITES:
            self._require_within(name, ("", *_SUITES))
            self._begin_suite(name, attributes)
        elif name == "testcase":
            self._require_within(name, _SUITES)
            self._begin_case(attributes)
        elif self._case is None:
            self.count["suite_errors"] += name in ("error", "failure")
        elif self.parent == "testcase":
            self._say(self._case, name)
        elif name in _BY_CHILD:
            self._case.is_unclear = True  # told where the format tells no outcome

    def finish(self, name: str) -> None:
        if name in _SUITES:
            self._finish_suite()
        elif name == "testcase":
            self._finish_case()

    def _require_within(self, name: str, parents: Iterable[str]) -> None:
        if self.parent not in parents:
            raise Misplaced(field=self.file, found=name, parent=self.parent, line=self.line)

    def _begin_suite(self, name: str, attributes: AttributesImpl[str]) -> None:
        own = {counter: self._counter(counter, attributes) for counter in COUNTERS}
        self._claim_time(seconds_of(attributes.get("time")))
        self.count["suites"] += name == "testsuite"
        self._suites.append(_Suite(own=own))

    def _claim_time(self, seconds: Decimal | None) -> None:
        """The root's claim; of a root without one the suites' below it together."""
        if not self._suites:
            self.seconds_claimed = seconds
            self._has_time = seconds is not None
        elif len(self._suites) == 1 and not self._has_time and seconds is not None:
            self.seconds_claimed = (self.seconds_claimed or Decimal(0)) + seconds

    def _counter(self, name: str, attributes: AttributesImpl[str]) -> int | None:
        """None for none; one that is no number stands among what did not pass, by its name and what it says."""
        text = attributes.get(name)
        number = count_of(text)
        if number is None and text is not None:
            self.count["counters_unreadable"] += 1
            counter = f'{self.file}, line {self.line}: {name}="{text[:40]}"'
            self._name(Outcome.ERRED, attributes.get("name", ""), counter)
        return number

    def _name(self, outcome: Outcome, *names: str) -> None:
        if len(self.not_passed) < NAMED_CASES_MAX:
            self.not_passed.append(NamedCase(outcome=_WORDS[outcome], name=shown_name(*names)))

    def _finish_suite(self) -> None:
        suite = self._suites.pop()
        claims = {counter: suite.claim(counter) for counter in COUNTERS}
        if not self._suites:
            self.claims = claims
            return
        around = self._suites[-1]
        around.has_claims_below |= any(claim is not None for claim in claims.values())
        listed = suite.listed + suite.below
        for counter, claim in claims.items():
            around.below[counter] += listed[counter] if claim is None else claim

    def _begin_case(self, attributes: AttributesImpl[str]) -> None:
        self.count["cases_listed"] += 1
        self.require(self._cases_before + self.count["cases_listed"], _CASES, CASES_MAX)
        told = [attributes.get(word, "").strip().lower() for word in ("status", "result")]
        words = [word for word in told if word]
        self._case = _Case(
            names=(attributes.get("classname", ""), attributes.get("name", "")),
            outcomes=[_BY_WORD[word] for word in words if word in _BY_WORD],
            is_unclear=any(word not in _KNOWN_WORDS for word in words),
        )
        self._add_time(attributes.get("time"))

    def _add_time(self, text: str | None) -> None:
        seconds = seconds_of(text)
        if seconds is not None:
            self.seconds += seconds
        elif text is None:
            self.count["times_missing"] += 1
        else:
            self.count["times_unreadable"] += 1

    def _say(self, case: _Case, child: str) -> None:
        """What an element within a case says about it."""
        if child in _BY_CHILD:
            case.outcomes.append(_BY_CHILD[child])
            case.is_flaky |= child in _FLAKY
        elif child not in _SILENT:
            case.is_unclear = True

    def _finish_case(self) -> None:
        case, self._case = self._case, None
        assert case is not None, "its end belongs to its beginning"
        outcome = case.outcome
        self.count["outcomes_unclear"] += case.is_unclear
        self.count["flaky"] += case.is_flaky
        self._list(outcome)
        if outcome in _WORDS:
            self._name(outcome, *case.names)
        key = case.key
        if key is None:
            self.nameless[outcome] += 1
            return
        before = self.worst.get(key)
        self.count["duplicates"] += before is not None
        self.worst[key] = outcome if before is None else max(outcome, before)

    def _list(self, outcome: Outcome) -> None:
        for counter in _COUNTERS_OF[outcome]:
            self.listed[counter] += 1
            self._suites[-1].listed[counter] += 1


@dataclass(frozen=True, kw_only=True)
class _Beyond:
    """What one file tells beyond its cases, by what it claims and how it is written."""

    unlisted: Mapping[str, int]
    errors: int
    not_passed: int
    is_empty: bool


def read_junit(*contents: bytes, file: str = "junit") -> Results:
    """The measurements of the JUnit XML files of one suite.

    UnusableFile, with the reason, the file and the line, for one that is none.
    """
    readers: list[_JUnitReader] = []
    for content, label in zip(contents, labels(file, count=len(contents)), strict=True):
        reader = _JUnitReader(file=label, cases_before=sum(one.count["cases_listed"] for one in readers))
        read_file(content, reader=reader)
        readers.append(reader)
    named = [case for reader in readers for case in reader.not_passed]
    return Results(
        measurements=measured(specs=TEST_MEASURES, figures=_figures(readers)),
        not_passed=tuple(named[:NAMED_CASES_MAX]),
    )


def _beyond(reader: _JUnitReader) -> _Beyond:
    claims, listed, count = reader.claims, reader.listed, reader.count
    unlisted = {counter: max(0, (claims[counter] or 0) - listed[counter]) for counter in COUNTERS}
    is_empty = not listed["tests"]
    broken_suites = max(0, count["suite_errors"] - unlisted["errors"])
    errors = unlisted["errors"] + broken_suites
    return _Beyond(
        unlisted=unlisted,
        errors=errors + (count["counters_unreadable"] > 0) + (is_empty and not errors),
        not_passed=max(0, unlisted["failures"] + unlisted["errors"] - unlisted["tests"]),
        is_empty=is_empty,
    )


def _cases(readers: Sequence[_JUnitReader]) -> tuple[Counter[Outcome], int]:
    """The different cases of all files by their worst outcome, and how many listings repeat a case of another file."""
    worst: dict[bytes, Outcome] = {}
    repeated = 0
    for reader in readers:
        for key, outcome in reader.worst.items():
            before = worst.get(key)
            repeated += before is not None
            worst[key] = outcome if before is None else max(outcome, before)
    return sum((reader.nameless for reader in readers), Counter(worst.values())), repeated


def _claimed(claims: Iterable[_Number | None]) -> _Number | None:
    """What the files claim together; None when none of them claims anything."""
    told = [claim for claim in claims if claim is not None]
    return sum(told[1:], told[0]) if told else None


def _figures(readers: Sequence[_JUnitReader]) -> Figures:
    cases, repeated = _cases(readers)
    beyond = [_beyond(reader) for reader in readers]
    count: Counter[str] = sum((reader.count for reader in readers), Counter())
    listed: Counter[str] = sum((reader.listed for reader in readers), Counter())
    claimed = {counter: _claimed(reader.claims[counter] for reader in readers) for counter in COUNTERS}
    unlisted = {counter: sum(one.unlisted[counter] for one in beyond) for counter in COUNTERS}
    passed = max(0, cases[Outcome.PASSED] - sum(one.not_passed for one in beyond))
    due = cases.total() - cases[Outcome.SKIPPED] + unlisted["tests"]
    return {
        "reports": len(readers),
        "reports_empty": sum(one.is_empty for one in beyond),
        "cases": cases.total(),
        "cases_listed": listed["tests"],
        "cases_claimed": claimed["tests"],
        "cases_unlisted": unlisted["tests"],
        "cases_run": cases[Outcome.PASSED] + cases[Outcome.FAILED],
        "passed": passed,
        "failures": cases[Outcome.FAILED] + unlisted["failures"],
        "failures_claimed": claimed["failures"],
        "errors": cases[Outcome.ERRED] + sum(one.errors for one in beyond),
        "errors_claimed": claimed["errors"],
        "skipped": cases[Outcome.SKIPPED],
        "skipped_claimed": claimed["skipped"],
        "pass_rate_ppm": share_ppm(passed, due),
        "duplicates": count["duplicates"] + repeated,
        **{
            name: count[name]
            for name in (
                *("flaky", "outcomes_unclear", "suite_errors", "suites"),
                *("counters_unreadable", "times_missing", "times_unreadable"),
            )
        },
        "time_seconds": sum((reader.seconds for reader in readers), Decimal(0)),
        "time_claimed_seconds": _claimed(reader.seconds_claimed for reader in readers),
    }
