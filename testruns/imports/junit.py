"""JUnit XML: what the suite's runner claims, and what its file really lists, counted apart.

Where the two differ the worse one counts, because no file may look better than the cases it holds: a case that is
claimed and not listed did not pass, a failure that is claimed without its case is one. A case listed several times
counts once, by its worst outcome. A case whose outcome nobody can tell is an error (governance.md 6.3). Counters that
are no number are one too: the cases cannot be held against them.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import IntEnum
from types import MappingProxyType
from typing import Final
from xml.sax.xmlreader import AttributesImpl

from ledger import gettext_noop
from testruns.imports.hardened import Reader, read_file
from testruns.imports.limits import CASES_MAX, NAMED_CASES_MAX
from testruns.imports.numbers import count_of, seconds_of, share_ppm
from testruns.imports.refusals import Misplaced
from testruns.imports.results import Figures, NamedCase, Results, measured, shown_name
from testruns.imports.specs import TEST_MEASURES

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

    def __init__(self, *, file: str) -> None:
        super().__init__(file=file)
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
        own = {counter: self._counter(attributes.get(counter)) for counter in COUNTERS}
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

    def _counter(self, text: str | None) -> int | None:
        number = count_of(text)
        self.count["counters_unreadable"] += number is None and text is not None
        return number

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
        self.require(self.count["cases_listed"], _CASES, CASES_MAX)
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
        if outcome in _WORDS and len(self.not_passed) < NAMED_CASES_MAX:
            self.not_passed.append(NamedCase(outcome=_WORDS[outcome], name=shown_name(*case.names)))
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


def read_junit(content: bytes, *, file: str = "junit") -> Results:
    """The measurements of a JUnit XML file. UnusableFile, with the reason and the line, for one that is none."""
    reader = _JUnitReader(file=file)
    read_file(content, reader=reader)
    figures = _figures(reader)
    return Results(measurements=measured(specs=TEST_MEASURES, figures=figures), not_passed=tuple(reader.not_passed))


def _figures(reader: _JUnitReader) -> Figures:
    cases = Counter(reader.worst.values()) + reader.nameless
    claims, listed = reader.claims, reader.listed
    unlisted = {counter: max(0, (claims[counter] or 0) - listed[counter]) for counter in COUNTERS}
    unlisted_bad = unlisted["failures"] + unlisted["errors"]
    broken_suites = max(0, reader.count["suite_errors"] - unlisted["errors"])
    unheld = int(reader.count["counters_unreadable"] > 0)
    passed = max(0, cases[Outcome.PASSED] - max(0, unlisted_bad - unlisted["tests"]))
    due = cases.total() - cases[Outcome.SKIPPED] + unlisted["tests"]
    return {
        "cases": cases.total(),
        "cases_listed": listed["tests"],
        "cases_claimed": claims["tests"],
        "cases_unlisted": unlisted["tests"],
        "cases_run": cases[Outcome.PASSED] + cases[Outcome.FAILED],
        "passed": passed,
        "failures": cases[Outcome.FAILED] + unlisted["failures"],
        "failures_claimed": claims["failures"],
        "errors": cases[Outcome.ERRED] + unlisted["errors"] + broken_suites + unheld,
        "errors_claimed": claims["errors"],
        "skipped": cases[Outcome.SKIPPED],
        "skipped_claimed": claims["skipped"],
        "pass_rate_ppm": share_ppm(passed, due),
        **{
            name: reader.count[name]
            for name in (
                *("duplicates", "flaky", "outcomes_unclear", "suite_errors", "suites"),
                *("counters_unreadable", "times_missing", "times_unreadable"),
            )
        },
        "time_seconds": reader.seconds,
        "time_claimed_seconds": reader.seconds_claimed,
    }
