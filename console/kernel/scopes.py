"""What a token may be used for: the scopes its maker gives it, besides which the roles of its person count."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from ledger import gettext_noop


class Scope(StrEnum):
    """A part of the API that a token opens; the value is what clients and tokens carry and is never reused."""

    RUNS_READ = "runs:read"
    RUNS_WRITE = "runs:write"
    CREDITS_READ = "credits:read"
    CREDITS_WRITE = "credits:write"
    PHASES_READ = "phases:read"
    EVIDENCE_READ = "evidence:read"
    EVIDENCE_WRITE = "evidence:write"


SCOPE_LABELS: Mapping[Scope, str] = MappingProxyType(
    {
        Scope.RUNS_READ: gettext_noop("read runs, their gates and reports"),
        Scope.RUNS_WRITE: gettext_noop("request and cancel runs"),
        Scope.CREDITS_READ: gettext_noop("read credits, approvals and events"),
        Scope.CREDITS_WRITE: gettext_noop("move credits and request approvals"),
        Scope.PHASES_READ: gettext_noop("read phases, builds and certificates"),
        Scope.EVIDENCE_READ: gettext_noop("read evidence and samples"),
        Scope.EVIDENCE_WRITE: gettext_noop("hand in results from elsewhere"),
    }
)
READ_SCOPES = frozenset(scope for scope in Scope if scope.endswith(":read"))
ANY_SCOPE = frozenset(Scope)
