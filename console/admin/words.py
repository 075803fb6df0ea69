"""The word, tone and icon that a state or verdict is shown with; stored words never reach the screen untranslated.

Every msgid has a context: without one the catalogues of Django and django-q2 would answer for ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from django.utils.translation import pgettext_lazy

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """What stands for a stored word: text, tone of the theme, icon."""

    text: str | _StrPromise
    tone: str
    icon: str


def _word(text: str | _StrPromise, tone: str, icon: str) -> Word:
    return Word(text=text, tone=tone, icon=icon)


VERDICTS: Mapping[str, Word] = MappingProxyType(
    {
        "PASS": _word(pgettext_lazy("verdict", "Pass"), "pass", "pass"),
        "WAIVED": _word(pgettext_lazy("verdict", "Waived"), "unsure", "waived"),
        "INCONCLUSIVE": _word(pgettext_lazy("verdict", "Inconclusive"), "unsure", "unsure"),
        "ERROR": _word(pgettext_lazy("verdict", "Error"), "error", "error"),
        "FAIL": _word(pgettext_lazy("verdict", "Fail"), "fail", "fail"),
    }
)

RECOMMENDATIONS: Mapping[str, Word] = MappingProxyType(
    {
        "GO": _word(pgettext_lazy("recommendation", "GO"), "pass", "pass"),
        "CONDITIONAL": _word(pgettext_lazy("recommendation", "CONDITIONAL"), "unsure", "error"),
        "NO_GO": _word(pgettext_lazy("recommendation", "NO-GO"), "fail", "fail"),
        "INCOMPLETE": _word(pgettext_lazy("recommendation", "INCOMPLETE"), "unsure", "unsure"),
    }
)

RUN_STATES: Mapping[str, Word] = MappingProxyType(
    {
        "QUEUED": _word(pgettext_lazy("run state", "Queued"), "idle", "clock"),
        "RUNNING": _word(pgettext_lazy("run state", "Running"), "run", "running"),
        "JUDGED": _word(pgettext_lazy("run state", "Judged"), "idle", "pass"),
        "CANCELLED": _word(pgettext_lazy("run state", "Cancelled"), "idle", "stop"),
        "UNFINISHED": _word(pgettext_lazy("run state", "Unfinished"), "error", "error"),
    }
)

EXECUTION_STATES: Mapping[str, Word] = MappingProxyType(
    {
        "QUEUED": _word(pgettext_lazy("execution state", "Waiting"), "idle", "clock"),
        "LEASED": _word(pgettext_lazy("execution state", "Starting"), "run", "running"),
        "RUNNING": _word(pgettext_lazy("execution state", "Running"), "run", "running"),
        "FINISHED": _word(pgettext_lazy("execution state", "Finished"), "idle", "pass"),
        "ERRORED": _word(pgettext_lazy("execution state", "Crashed"), "error", "error"),
        "CANCELLED": _word(pgettext_lazy("execution state", "Cancelled"), "idle", "stop"),
        "ABANDONED": _word(pgettext_lazy("execution state", "Abandoned"), "error", "error"),
    }
)

SEVERITIES: Mapping[str, Word] = MappingProxyType(
    {
        "critical": _word(pgettext_lazy("severity", "critical"), "fail", "fail"),
        "major": _word(pgettext_lazy("severity", "major"), "unsure", "error"),
        "warning": _word(pgettext_lazy("severity", "warning"), "idle", "unsure"),
    }
)

OUTCOMES: Mapping[str, Word] = MappingProxyType(
    {
        "done": _word(pgettext_lazy("audit outcome", "done"), "pass", "pass"),
        "refused": _word(pgettext_lazy("audit outcome", "refused"), "fail", "stop"),
    }
)

RELEASES: Mapping[str, Word] = MappingProxyType(
    {
        "no-request": _word(pgettext_lazy("release", "No request yet"), "idle", "clock"),
        "waiting": _word(pgettext_lazy("release", "Waiting for people"), "run", "person"),
        "go": _word(pgettext_lazy("release", "GO: released"), "pass", "pass"),
        "conditional": _word(pgettext_lazy("release", "CONDITIONAL: released"), "unsure", "error"),
        "conditional-closed": _word(pgettext_lazy("release", "CONDITIONAL: not in use yet"), "unsure", "clock"),
        "no-go": _word(pgettext_lazy("release", "NO-GO: not released"), "fail", "fail"),
        "expired": _word(pgettext_lazy("release", "Expired undecided"), "idle", "clock"),
        "withdrawn": _word(pgettext_lazy("release", "Withdrawn"), "idle", "stop"),
        "lapsed": _word(pgettext_lazy("release", "Lapsed"), "fail", "error"),
        "revoked": _word(pgettext_lazy("release", "Revoked"), "fail", "stop"),
        "superseded": _word(pgettext_lazy("release", "Replaced by a later one"), "idle", "again"),
    }
)
"""By the badge of an effect (`console.release_states.Effect.badge`)."""

DECISIONS: Mapping[str, Word] = MappingProxyType(
    {
        "GO": _word(pgettext_lazy("decision", "GO"), "pass", "pass"),
        "CONDITIONAL": _word(pgettext_lazy("decision", "CONDITIONAL"), "unsure", "error"),
        "NO_GO": _word(pgettext_lazy("decision", "NO-GO"), "fail", "fail"),
    }
)

REVIEW_OUTCOMES: Mapping[str, Word] = MappingProxyType(
    {
        "APPROVE": _word(pgettext_lazy("review", "Approve"), "pass", "pass"),
        "CONDITIONAL": _word(pgettext_lazy("review", "Approve with conditions"), "unsure", "error"),
        "REQUEST_CHANGES": _word(pgettext_lazy("review", "Request changes"), "unsure", "again"),
        "REJECT": _word(pgettext_lazy("review", "Reject"), "fail", "fail"),
    }
)

RISKS: Mapping[str, Word] = MappingProxyType(
    {
        "ELIMINATED": _word(pgettext_lazy("risk", "eliminated"), "pass", "pass"),
        "MITIGATED": _word(pgettext_lazy("risk", "mitigated"), "unsure", "waived"),
        "OPEN": _word(pgettext_lazy("risk", "open"), "fail", "error"),
    }
)

FINDING_STATES: Mapping[str, Word] = MappingProxyType(
    {
        "open": _word(pgettext_lazy("finding", "open"), "fail", "error"),
        "closed": _word(pgettext_lazy("finding", "closed"), "pass", "pass"),
    }
)

CONDITION_KINDS: Mapping[str, Word] = MappingProxyType(
    {
        "BEFORE_USE": _word(pgettext_lazy("condition", "before use"), "unsure", "stop"),
        "AFTER_USE": _word(pgettext_lazy("condition", "while in use"), "idle", "clock"),
    }
)

CLOSING_RULES: Mapping[str, Word] = MappingProxyType(
    {
        "EVIDENCE": _word(pgettext_lazy("condition", "a file as evidence"), "idle", "journal"),
        "GO_RUN": _word(pgettext_lazy("condition", "a full run that recommends GO"), "idle", "runs"),
    }
)

STANDINGS: Mapping[str, Word] = MappingProxyType(
    {
        "STANDS": _word(pgettext_lazy("certificate", "stands"), "pass", "pass"),
        "LAPSED": _word(pgettext_lazy("certificate", "lapsed"), "fail", "error"),
        "REVOKED": _word(pgettext_lazy("certificate", "revoked"), "fail", "stop"),
        "SUPERSEDED": _word(pgettext_lazy("certificate", "replaced by a later release"), "idle", "again"),
    }
)

SEATS: Mapping[str, Word] = MappingProxyType(
    {
        "ENGINEER": _word(pgettext_lazy("seat", "Test engineer"), "idle", "person"),
        "TESTER": _word(pgettext_lazy("seat", "Tester"), "idle", "person"),
        "REVIEWER": _word(pgettext_lazy("seat", "Reviewer"), "idle", "person"),
        "SUPERVISOR": _word(pgettext_lazy("seat", "Supervisor"), "idle", "person"),
    }
)

PROFILES: Mapping[str, str | _StrPromise] = MappingProxyType(
    {
        "smoke": pgettext_lazy("profile", "smoke"),
        "quick": pgettext_lazy("profile", "quick"),
        "full": pgettext_lazy("profile", "full"),
        "own": pgettext_lazy("profile", "own values"),
        "import": pgettext_lazy("profile", "imported"),
    }
)

MEASURES: Mapping[str, str | _StrPromise] = MappingProxyType(
    {
        "operations": pgettext_lazy("measurement", "operations"),
        "operations_per_second": pgettext_lazy("measurement", "throughput"),
        "p95_us": pgettext_lazy("measurement", "95 % within"),
        "p99_us": pgettext_lazy("measurement", "99 % within"),
        "decision_p95_us": pgettext_lazy("measurement", "decided (95 %) within"),
        "recovery_ms_max": pgettext_lazy("measurement", "slowest recovery"),
        "cases_run": pgettext_lazy("measurement", "tests run"),
        "failures": pgettext_lazy("measurement", "failed"),
        "pass_rate_ppm": pgettext_lazy("measurement", "passed"),
        "lines": pgettext_lazy("measurement", "lines"),
        "line_rate_ppm": pgettext_lazy("measurement", "covered"),
    }
)

OPENED: Mapping[str, str | _StrPromise] = MappingProxyType(
    {"files": pgettext_lazy("opened", "files"), "sockets": pgettext_lazy("opened", "sockets")}
)

EVIDENCE_ROLES: Mapping[str, str | _StrPromise] = MappingProxyType(
    {
        "output": pgettext_lazy("evidence", "raw output"),
        "samples": pgettext_lazy("evidence", "samples"),
        "stderr": pgettext_lazy("evidence", "error output"),
        "environment": pgettext_lazy("evidence", "environment"),
        "junit": pgettext_lazy("evidence", "test report (JUnit XML)"),
        "coverage": pgettext_lazy("evidence", "coverage report (Cobertura)"),
    }
)

DOORS: Mapping[str, Word] = MappingProxyType(
    {
        "console": _word(pgettext_lazy("door", "console"), "idle", "home"),
        "api": _word(pgettext_lazy("door", "API"), "idle", "commit"),
        "command": _word(pgettext_lazy("door", "command line"), "idle", "journal"),
        "installation": _word(pgettext_lazy("door", "setting up"), "idle", "plus"),
        "system": _word(pgettext_lazy("door", "by itself"), "idle", "again"),
    }
)

KINDS: Mapping[str, Mapping[str, Word]] = MappingProxyType(
    {
        "verdict": VERDICTS,
        "recommendation": RECOMMENDATIONS,
        "run": RUN_STATES,
        "execution": EXECUTION_STATES,
        "severity": SEVERITIES,
        "outcome": OUTCOMES,
        "release": RELEASES,
        "decision": DECISIONS,
        "review": REVIEW_OUTCOMES,
        "risk": RISKS,
        "finding": FINDING_STATES,
        "condition": CONDITION_KINDS,
        "closing": CLOSING_RULES,
        "seat": SEATS,
        "standing": STANDINGS,
        "door": DOORS,
    }
)

OPERATORS: Mapping[str, str] = MappingProxyType({"=": "=", "==": "=", "<": "<", "<=": "≤", ">": ">", ">=": "≥"})


def word_of(*, kind: str, value: str) -> Word:
    """The word for a stored value; a value nobody listed is shown as it is, never hidden."""
    return KINDS[kind].get(value) or Word(text=value, tone="idle", icon="unsure")
